/*
 * watching.c
 *		bnai_watch, bnai_unwatch and bnai_label_on_insert: rows of bnai_watched,
 *		whose triggers come and go with them.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "automation/obstacles.h"
#include "catalog/excerpt.h"
#include "automation/owner.h"
#include "automation/watch.h"
#include "automation/watch_triggers.h"
#include "catalog/define.h"
#include "catalog/gone.h"
#include "catalog/privileges.h"
#include "catalog/relations.h"
#include "catalog/source.h"

PG_FUNCTION_INFO_V1(bnai_watch);
PG_FUNCTION_INFO_V1(bnai_unwatch);
PG_FUNCTION_INFO_V1(bnai_label_on_insert);
PG_FUNCTION_INFO_V1(bnai_drop_watch_triggers);

/* Reads the name of an event; any case will do.  label: LABEL, for what bnai_label_on_insert began, too. */
static const char *
EventArgument(FunctionCallInfo fcinfo, int i, bool label)
{
	char	   *name = TextArgument(fcinfo, i, "event");
	const char *event = WatchEvent(name);

	if (event == NULL || (!label && strcmp(event, "LABEL") == 0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unknown event \"%s\"", Excerpt(name)),
				 errhint("Events are: INSERT, UPDATE, DELETE, TRUNCATE; each is watched by a call of its own.")));
	return event;
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
				 kind == RELKIND_VIEW ? errhint("Watch the tables that the view reads.") :
				 kind == RELKIND_FOREIGN_TABLE ?
				 errhint("Its rows change elsewhere, and no trigger here sees it: infer the network regularly with bnai_schedule, "
						 "or count with bnai_increment what is known to have changed.") :
				 kind == RELKIND_MATVIEW ? errhint("Call bnai_infer after REFRESH MATERIALIZED VIEW.") : 0));
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

/* Writes the row that makes the triggers count. */
static void
RegisterWatch(const Network *network, Oid target, const char *event, int increment)
{
	Oid			types[] = {INT4OID, REGCLASSOID, TEXTOID, INT4OID};
	Datum		values[] = {
		Int32GetDatum(network->id), ObjectIdGetDatum(target), CStringGetTextDatum(event), Int32GetDatum(increment)
	};
	const char *schema = ExtensionSchema();

	/* one of that name that was restored, but is not active, or whose table is gone */
	(void) WriteCatalog(psprintf("DELETE FROM %s.bnai_watched WHERE network OPERATOR(pg_catalog.=) $1 "
								 "AND event OPERATOR(pg_catalog.=) $3 AND target::pg_catalog.regclass IS NULL "
								 "AND $2 IS NOT NULL AND $4 IS NOT NULL "
								 "AND target::pg_catalog.text OPERATOR(pg_catalog.=) ANY (ARRAY[%s, %s])", schema,
								 quote_literal_cstr(QualifiedRelationName(target)),
								 quote_literal_cstr(GoneText(QualifiedRelationName(target)))),
						lengthof(types), types, values, NULL);
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
NetworkToWatch(const char *name)
{
	Network    *network = LoadUnparsedNetwork(name, false);

	CheckMayModifyNetwork(network);
	LockNetwork(network->id, false);
	return network;
}

/* Raises an error unless the table can be watched for the network; returns it with its partitions and children. */
static List *
RelationsToWatch(const Network *network, Oid target)
{
	List	   *relations;
	ListCell   *cell;

	CheckWatchable(target, target);
	relations = find_all_inheritors(target, ShareRowExclusiveLock, NULL);
	foreach(cell, relations)
		CheckWatchable(lfirst_oid(cell), target);
	if (network->settings.threshold_action == ACTION_BACKGROUND)
		CheckMayInferUnasked(network);
	return relations;
}

/* Watches a table. */
static void
WatchTable(const Network *network, Oid target, const char *event, int increment)
{
	List	   *relations = RelationsToWatch(network, target);
	ListCell   *cell;

	RegisterWatch(network, target, event, increment);
	foreach(cell, relations)
		CreateWatchTriggers(network->id, lfirst_oid(cell), target, event);
}

/* Returns the table in an argument. */
static Oid
TableArgument(FunctionCallInfo fcinfo, int i)
{
	Oid			target = PG_ARGISNULL(i) ? InvalidOid : PG_GETARG_OID(i);

	if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(target)))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("there is no table to watch"),
				 errdetail("Argument \"target\" is %s.", PG_ARGISNULL(i) ? "NULL" : psprintf("%u", target))));
	return target;
}

/* bnai_watch(network, target, event, increment): counts the rows that statements change. */
Datum
bnai_watch(PG_FUNCTION_ARGS)
{
	Network    *network = NetworkToWatch(TextArgument(fcinfo, 0, "network"));
	Oid			target = TableArgument(fcinfo, 1);
	const char *event = EventArgument(fcinfo, 2, false);
	int			increment = PG_ARGISNULL(3) ? 1 : PG_GETARG_INT32(3);

	if (increment <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("increment must be positive, not %d", increment)));
	WatchTable(network, target, event, increment);
	PG_RETURN_VOID();
}

/* Returns the name of the only network of the current user that writes its results to a table. */
static char *
NetworkOfTable(Oid target)
{
	Oid			type = REGCLASSOID;
	Datum		value = ObjectIdGetDatum(target);
	char	   *name = NULL;
	const char *schema = ExtensionSchema();
	CatalogAccess access;
	MemoryContext context = CurrentMemoryContext;

	SPI_connect();
	access = BeginCatalogAccess();
	SPI_execute_with_args(psprintf("SELECT DISTINCT n.name FROM %s.bnai_network n JOIN %s.bnai_node d "
								   "ON d.network OPERATOR(pg_catalog.=) n.id WHERE n.results_column IS NOT NULL "
								   "AND %s.bnai_source_to_regclass(d.source) OPERATOR(pg_catalog.=) $1",
								   schema, schema, schema),
						  1, &type, &value, NULL, true, 0);
	EndCatalogAccess(access);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		char	   *candidate = SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1);

		if (!MayModifyNetwork(LoadUnparsedNetwork(candidate, false)))
			continue;
		if (name != NULL)
			ereport(ERROR,
					(errcode(ERRCODE_AMBIGUOUS_PARAMETER),
					 errmsg("more than one network writes its results to table \"%s\"", get_rel_name(target)),
					 errhint("Say which one: bnai_label_on_insert(%s, network => ...).",
							 quote_literal_cstr(get_rel_name(target)))));
		name = MemoryContextStrdup(context, candidate);
	}
	SPI_finish();
	if (name == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("no network of yours writes its results to table \"%s\"", get_rel_name(target))));
	return name;
}

/* bnai_label_on_insert(target, network): gives each new row its label. */
Datum
bnai_label_on_insert(PG_FUNCTION_ARGS)
{
	Oid			target = TableArgument(fcinfo, 0);
	Network    *network = NetworkToWatch(PG_ARGISNULL(1) ? NetworkOfTable(target) : TextArgument(fcinfo, 1, "network"));

	if (network->settings.results_column == NULL || NetworkSource(network) != target)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("network \"%s\" does not write its results to table \"%s\"", network->name, get_rel_name(target))));
	CheckLabelObstacles(network, target);
	WatchTable(network, target, "LABEL", 1);
	PG_RETURN_VOID();
}

/* bnai_unwatch(network, target, event): the triggers go with the rows. */
Datum
bnai_unwatch(PG_FUNCTION_ARGS)
{
	Network    *network = NetworkToWatch(TextArgument(fcinfo, 0, "network"));
	Oid			types[] = {INT4OID, REGCLASSOID, TEXTOID};
	Datum		values[] = {
		Int32GetDatum(network->id), PG_ARGISNULL(1) ? (Datum) 0 : PG_GETARG_DATUM(1),
		PG_ARGISNULL(2) ? (Datum) 0 : CStringGetTextDatum(EventArgument(fcinfo, 2, true))
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
DropUncalledFor(int network, Oid relation, const char *event)
{
	Oid			target;
	int			increment;

	if (!IsWatched(network, relation, event, &target, &increment))
		DropWatchTriggers(network, relation, event);
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
		DropUncalledFor(network, lfirst_oid(cell), event);
	PopActiveSnapshot();
	return PointerGetDatum(NULL);
}
