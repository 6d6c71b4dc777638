/*
 * watch.c
 *		Watching tables: bnai_watch and bnai_unwatch, and what their triggers
 *		look up.
 *
 * A row of bnai_watched is what counts: it was written for somebody who may
 * change the network and had TRIGGER on the table.  A trigger without such a
 * row, which whoever owns a table can create, does nothing.  The triggers of
 * a row go when the row goes.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "automation/watch.h"
#include "catalog/define.h"
#include "catalog/privileges.h"
#include "catalog/relations.h"
#include "catalog/source.h"

PG_FUNCTION_INFO_V1(bnai_watch);
PG_FUNCTION_INFO_V1(bnai_unwatch);
PG_FUNCTION_INFO_V1(bnai_drop_watch_triggers);
PG_FUNCTION_INFO_V1(bnai_changed);

/* A trigger that an event needs: TRUNCATE has no transition table, so rows are counted before it */
typedef struct WatchTrigger
{
	const char *event;
	const char *suffix;			/* of the trigger's name */
	const char *timing;
	const char *referencing;
} WatchTrigger;

static const WatchTrigger Triggers[] = {
	{"INSERT", "insert", "AFTER INSERT", "REFERENCING NEW TABLE AS bnai_rows"},
	{"UPDATE", "update", "AFTER UPDATE", "REFERENCING NEW TABLE AS bnai_rows"},
	{"DELETE", "delete", "AFTER DELETE", "REFERENCING OLD TABLE AS bnai_rows"},
	{"TRUNCATE", "truncate", "BEFORE TRUNCATE", ""},
	{"TRUNCATE", "truncated", "AFTER TRUNCATE", ""},
};

/* --- what is known about triggers --- */

static HTAB *watches = NULL;
static Oid	signal_relation = InvalidOid;

/* Forgets what may have changed: all that is known, or what is known of one table. */
static void
ForgetWatches(Datum arg, Oid relation)
{
	HASH_SEQ_STATUS status;
	Watch	   *watch;

	hash_seq_init(&status, watches);
	while ((watch = hash_seq_search(&status)) != NULL)
		if (relation == InvalidOid || relation == signal_relation || relation == watch->relation)
			watch->valid = false;
}

/* Prepares to remember. */
static void
InitWatches(void)
{
	HASHCTL		control = {.keysize = sizeof(Oid), .entrysize = sizeof(Watch), .hcxt = TopMemoryContext};

	watches = hash_create("bnai watches", 32, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	CacheRegisterRelcacheCallback(ForgetWatches, (Datum) 0);
}

/*
 * Tells all sessions that networks or watches have changed.  The tables are
 * none of the server's catalogs, whose changes are told of by themselves; the
 * message of a change of table bnai_watched serves.
 */
Datum
bnai_changed(PG_FUNCTION_ARGS)
{
	CacheInvalidateRelcacheByRelid(CatalogRelation("bnai_watched"));
	return PointerGetDatum(NULL);
}

/* Returns the name of the event that a trigger is for. */
static const char *
EventName(TriggerEvent event)
{
	return TRIGGER_FIRED_BY_INSERT(event) ? "INSERT" :
		TRIGGER_FIRED_BY_UPDATE(event) ? "UPDATE" :
		TRIGGER_FIRED_BY_DELETE(event) ? "DELETE" : "TRUNCATE";
}

/* Returns true if a table is the watched one or one of its partitions or children. */
static bool
BelongsTo(Oid relation, Oid target)
{
	return OidIsValid(target) &&
		(relation == target || list_member_oid(find_all_inheritors(target, NoLock, NULL), relation));
}

/* Returns true if an event of a table is watched, and with which increment. */
static bool
IsWatched(int network, Oid relation, const char *event, int *increment)
{
	CatalogScan scan = BeginCatalogScan("bnai_watched", "bnai_watched_network", WATCHED_NETWORK,
										Int32GetDatum(network));
	HeapTuple	tuple;
	bool		watched = false;

	while (!watched && (tuple = NextCatalogTuple(&scan)) != NULL)
	{
		bool		isnull;
		Datum		target = CatalogValue(&scan, tuple, WATCHED_TARGET, &isnull);

		if (strcmp(TextDatumGetCString(CatalogValue(&scan, tuple, WATCHED_EVENT, &isnull)), event) != 0 ||
			!BelongsTo(relation, ResolveSource(DatumGetSource(target))))
			continue;
		watched = true;
		*increment = DatumGetInt32(CatalogValue(&scan, tuple, WATCHED_INCREMENT, &isnull));
	}
	EndCatalogScan(&scan);
	return watched;
}

/* Reads what a trigger needs to know, as it is now and not when the transaction began. */
static void
ReadWatch(Watch *watch, const TriggerData *data)
{
	Network    *network;

	watch->relation = RelationGetRelid(data->tg_relation);
	watch->registered = false;
	signal_relation = CatalogRelation("bnai_watched");
	PushActiveSnapshot(GetLatestSnapshot());
	network = LoadUnparsedNetwork(data->tg_trigger->tgargs[0], true);
	if (network != NULL)
	{
		watch->network = network->id;
		watch->slot = FindSlot(network->id);
		watch->threshold = network->settings.counter_threshold;
		watch->action = network->settings.threshold_action;
		watch->registered = IsWatched(network->id, watch->relation, EventName(data->tg_event), &watch->increment);
	}
	PopActiveSnapshot();
}

/* Finds out about a trigger. */
const Watch *
FindWatch(const TriggerData *data)
{
	MemoryContext context;
	MemoryContext old;
	Watch	   *watch;
	bool		found;

	if (watches == NULL)
		InitWatches();
	watch = hash_search(watches, &data->tg_trigger->tgoid, HASH_ENTER, &found);
	if (found && watch->valid)
		return watch;
	context = AllocSetContextCreate(CurrentMemoryContext, "bnai watch", ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(context);
	/* an invalidation while it is read must not be lost */
	watch->valid = true;
	PG_TRY();
	{
		ReadWatch(watch, data);
	}
	PG_CATCH();
	{
		watch->valid = false;
		PG_RE_THROW();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return watch;
}

/* --- bnai_watch and bnai_unwatch --- */

/* Returns the name of a trigger; networks keep their numbers when a dump is restored. */
static char *
TriggerName(int network, const WatchTrigger *trigger)
{
	return psprintf("bnai_watch_%d_%s", network, trigger->suffix);
}

/* Reads the name of an event; any case will do. */
static char *
EventArgument(FunctionCallInfo fcinfo, int i)
{
	char	   *event = TextArgument(fcinfo, i, "event");

	for (int j = 0; j < lengthof(Triggers); j++)
		if (pg_strcasecmp(Triggers[j].event, event) == 0)
			return pstrdup(Triggers[j].event);
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown event \"%s\"", event),
			 errhint("Events are: INSERT, UPDATE, DELETE, TRUNCATE; each is watched by a call of its own.")));
}

/* Raises an error unless statements on a relation can be counted. */
static void
CheckWatchable(Oid relation, Oid target)
{
	char		kind = get_rel_relkind(relation);

	if (kind != RELKIND_RELATION && kind != RELKIND_PARTITIONED_TABLE)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("cannot watch \"%s\": only tables can be watched", get_rel_name(target)),
				 relation == target ?
				 errdetail("\"%s\" is %s.", get_rel_name(relation),
						   kind == RELKIND_VIEW ? "a view" :
						   kind == RELKIND_MATVIEW ? "a materialized view" :
						   kind == RELKIND_FOREIGN_TABLE ? "a foreign table" : "no table") :
				 errdetail("\"%s\", a part of it, is a foreign table.", get_rel_name(relation)),
				 kind == RELKIND_VIEW ? errhint("Watch the tables that the view reads.") : 0));
	if (get_rel_persistence(relation) == RELPERSISTENCE_TEMP)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("cannot watch temporary table \"%s\"", get_rel_name(relation))));
	if (pg_class_aclcheck(relation, GetUserId(), ACL_TRIGGER) != ACLCHECK_OK)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for table \"%s\"", get_rel_name(relation)),
				 errdetail("TRIGGER is needed to watch it.")));
}

/* Runs one statement as the current user. */
static void
RunUtility(const char *sql)
{
	int			code;

	SPI_connect();
	code = SPI_execute(sql, false, 0);
	if (code < 0)
		elog(ERROR, "SPI_execute failed: %s", SPI_result_code_string(code));
	SPI_finish();
}

/* Creates the triggers of an event on one table, those that are not there. */
static void
CreateTriggers(const Network *network, Oid relation, const char *event)
{
	for (int i = 0; i < lengthof(Triggers); i++)
	{
		const WatchTrigger *trigger = &Triggers[i];
		char	   *name = TriggerName(network->id, trigger);

		if (strcmp(trigger->event, event) != 0 || OidIsValid(get_trigger_oid(relation, name, true)))
			continue;
		RunUtility(psprintf("CREATE TRIGGER %s %s ON %s %s FOR EACH STATEMENT "
							"EXECUTE FUNCTION %s.bnai_count_rows(%s)",
							name, trigger->timing, QualifiedRelationName(relation), trigger->referencing,
							ExtensionSchema(), quote_literal_cstr(network->name)));
	}
}

/* Writes the row that makes the triggers count. */
static void
RegisterWatch(const Network *network, Oid target, const char *event, int increment)
{
	Oid			types[] = {INT4OID, REGCLASSOID, TEXTOID, INT4OID};
	Datum		values[] = {
		Int32GetDatum(network->id), ObjectIdGetDatum(target), CStringGetTextDatum(event), Int32GetDatum(increment)
	};
	const char *schema = ExtensionSchema();

	if (WriteCatalog(psprintf("UPDATE %s.bnai_watched SET increment = $4 WHERE network OPERATOR(pg_catalog.=) $1 "
							  "AND event OPERATOR(pg_catalog.=) $3 "
							  "AND %s.bnai_source_to_regclass(target) OPERATOR(pg_catalog.=) $2", schema, schema),
					 lengthof(types), types, values, NULL) == 0)
		WriteCatalog(psprintf("INSERT INTO %s.bnai_watched (network, target, event, increment) "
							  "VALUES ($1, $2, $3, $4)", schema),
					 lengthof(types), types, values, NULL);
}

/* Loads a network whose watches are about to change. */
static Network *
NetworkToWatch(FunctionCallInfo fcinfo)
{
	char	   *name = TextArgument(fcinfo, 0, "network");
	Network    *network = LoadUnparsedNetwork(name, false);

	CheckMayModifyNetwork(network);
	LockNetwork(network->id, false);
	return network;
}

/* bnai_watch(network, target, event, increment): counts the rows that statements change. */
Datum
bnai_watch(PG_FUNCTION_ARGS)
{
	Network    *network = NetworkToWatch(fcinfo);
	Oid			target = PG_ARGISNULL(1) ? InvalidOid : PG_GETARG_OID(1);
	char	   *event = EventArgument(fcinfo, 2);
	int			increment = PG_ARGISNULL(3) ? 1 : PG_GETARG_INT32(3);
	List	   *relations;
	ListCell   *cell;

	if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(target)))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("there is no table to watch"),
				 errdetail("Argument \"target\" is %s.", PG_ARGISNULL(1) ? "NULL" : psprintf("%u", target))));
	if (increment <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("increment must be positive, not %d", increment)));
	CheckWatchable(target, target);
	relations = find_all_inheritors(target, ShareRowExclusiveLock, NULL);
	foreach(cell, relations)
		CheckWatchable(lfirst_oid(cell), target);
	RegisterWatch(network, target, event, increment);
	foreach(cell, relations)
		CreateTriggers(network, lfirst_oid(cell), event);
	PG_RETURN_VOID();
}

/* bnai_unwatch(network, target, event): the triggers go with the rows. */
Datum
bnai_unwatch(PG_FUNCTION_ARGS)
{
	Network    *network = NetworkToWatch(fcinfo);
	Oid			types[] = {INT4OID, REGCLASSOID, TEXTOID};
	Datum		values[] = {
		Int32GetDatum(network->id), PG_ARGISNULL(1) ? (Datum) 0 : PG_GETARG_DATUM(1),
		PG_ARGISNULL(2) ? (Datum) 0 : CStringGetTextDatum(EventArgument(fcinfo, 2))
	};
	char		nulls[] = {' ', PG_ARGISNULL(1) ? 'n' : ' ', PG_ARGISNULL(2) ? 'n' : ' ', '\0'};
	const char *schema = ExtensionSchema();

	if (WriteCatalog(psprintf("DELETE FROM %s.bnai_watched WHERE network OPERATOR(pg_catalog.=) $1 "
							  "AND ($2 IS NULL OR %s.bnai_source_to_regclass(target) OPERATOR(pg_catalog.=) $2) "
							  "AND ($3 IS NULL OR event OPERATOR(pg_catalog.=) $3)", schema, schema),
					 lengthof(types), types, values, nulls) == 0)
		ereport(NOTICE,
				(errmsg("nothing of that was watched for network \"%s\"", network->name)));
	PG_RETURN_VOID();
}

/* Drops the triggers of an event from one table, if no other row calls for them. */
static void
DropTriggers(int network, Oid relation, const char *event)
{
	int			increment;

	if (IsWatched(network, relation, event, &increment))
		return;
	for (int i = 0; i < lengthof(Triggers); i++)
	{
		ObjectAddress address = {TriggerRelationId};

		if (strcmp(Triggers[i].event, event) != 0)
			continue;
		address.objectId = get_trigger_oid(relation, TriggerName(network, &Triggers[i]), true);
		if (OidIsValid(address.objectId))
			performDeletion(&address, DROP_RESTRICT, PERFORM_DELETION_INTERNAL);
	}
}

/*
 * Runs after a row of bnai_watched is deleted, also because its network is
 * dropped.  Who may do that may not own the table, which DROP TRIGGER asks for.
 */
Datum
bnai_drop_watch_triggers(PG_FUNCTION_ARGS)
{
	TriggerData *data = (TriggerData *) fcinfo->context;
	TupleDesc	desc;
	bool		isnull;
	int			network;
	Oid			target;
	char	   *event;
	ListCell   *cell;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_AFTER(data->tg_event) ||
		!TRIGGER_FIRED_BY_DELETE(data->tg_event) || !TRIGGER_FIRED_FOR_ROW(data->tg_event) ||
		RelationGetRelid(data->tg_relation) != CatalogRelation("bnai_watched"))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"bnai_drop_watch_triggers\" is for bnai's own tables")));
	desc = RelationGetDescr(data->tg_relation);
	network = DatumGetInt32(heap_getattr(data->tg_trigtuple, WATCHED_NETWORK, desc, &isnull));
	target = ResolveSource(DatumGetSource(heap_getattr(data->tg_trigtuple, WATCHED_TARGET, desc, &isnull)));
	event = TextDatumGetCString(heap_getattr(data->tg_trigtuple, WATCHED_EVENT, desc, &isnull));
	if (!OidIsValid(target))
		return PointerGetDatum(NULL);
	CommandCounterIncrement();
	PushActiveSnapshot(GetLatestSnapshot());
	foreach(cell, find_all_inheritors(target, AccessExclusiveLock, NULL))
		DropTriggers(network, lfirst_oid(cell), event);
	PopActiveSnapshot();
	return PointerGetDatum(NULL);
}
