/*
 * guard.c
 *		What is restored into bnai's tables, by whom.
 *
 * The owner of a database must be able to dump and restore it, and so may
 * INSERT into the tables.  Each row is checked like the call that it replaces:
 * what does not pass is skipped with a warning, for an error would cost the
 * whole table, or stays unbound, until who may binds it.  Names become OIDs
 * here, where the restoring role could have chosen what has them now.
 *
 * pg_restore with several jobs loads the tables in any order.  A row whose
 * network is not there yet waits under the negative number of the network, out
 * of everybody's sight, with the name of who restored it; the network takes it
 * over if that role has the rights of its owner, and else removes it.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "catalog/boundcolumn.h"
#include "catalog/build.h"
#include "catalog/privileges.h"
#include "catalog/relations.h"
#include "catalog/role.h"
#include "catalog/source.h"
#include "compat.h"

PG_FUNCTION_INFO_V1(bnai_guard);

/* A row on its way into one of the tables */
typedef struct Restored
{
	Relation	relation;
	HeapTuple	tuple;			/* NULL: it is skipped */
} Restored;

/* A table whose rows belong to networks, and what is asked of a row besides that */
typedef struct PartTable
{
	const char *table;
	AttrNumber	network;
	AttrNumber	restored_by;
	void		(*check) (Restored *row, const Network *network);
} PartTable;

/* --- values --- */

/* Returns a column of the row; NULL if it is NULL, which no column of a type passed by reference is otherwise. */
static Datum
Value(const Restored *row, AttrNumber attribute, bool *isnull)
{
	return heap_getattr(row->tuple, attribute, RelationGetDescr(row->relation), isnull);
}

/* Replaces a column of the row. */
static void
SetValue(Restored *row, int attribute, Datum value, bool isnull)
{
	row->tuple = heap_modify_tuple_by_cols(row->tuple, RelationGetDescr(row->relation), 1, &attribute, &value, &isnull);
}

/* Returns the name of the current user. */
static char *
CurrentName(void)
{
	return GetUserNameFromId(GetUserId(), false);
}

/* --- what the current user could have chosen --- */

/* Returns true if the current user may look into the schema of a relation. */
static bool
MayUseSchemaOf(Oid relation)
{
	return NamespaceAclCheck(get_rel_namespace(relation), GetUserId(), ACL_USAGE) == ACLCHECK_OK;
}

/* Returns true if the current user may SELECT a column. */
static bool
MaySelect(Oid relation, AttrNumber attribute)
{
	return MayUseSchemaOf(relation) &&
		(pg_class_aclcheck(relation, GetUserId(), ACL_SELECT) == ACLCHECK_OK ||
		 pg_attribute_aclcheck(relation, attribute, GetUserId(), ACL_SELECT) == ACLCHECK_OK);
}

/* Binds a column, by the name that it is written with; one that cannot be bound keeps the name. */
static BoundColumn *
BindIfReadable(const BoundColumn *column, Oid source)
{
	BoundColumn *unbound = UnboundColumn(column);
	BoundColumn *bound = OidIsValid(source) ? BindColumn(unbound, source) : NULL;

	return bound != NULL && MaySelect(source, bound->attribute) ? bound : unbound;
}

/* Returns what a source that is restored is bound to; NULL if that does not exist, or says that it was dropped. */
static Source *
BindByName(const Source *source)
{
	return BindSource(UnboundSource(source));
}

/* --- networks --- */

/* Returns the source that the first observed node of a network is bound to. */
static Oid
FirstSource(int network)
{
	CatalogScan scan = BeginCatalogScan("bnai_node", "bnai_node_pkey", NODE_NETWORK, Int32GetDatum(network));
	HeapTuple	tuple;
	Oid			source = InvalidOid;

	while (!OidIsValid(source) && (tuple = NextCatalogTuple(&scan)) != NULL)
	{
		bool		isnull;
		Datum		value = CatalogValue(&scan, tuple, NODE_SOURCE, &isnull);

		source = isnull ? InvalidOid : ResolveSource(DatumGetSource(value));
	}
	EndCatalogScan(&scan);
	return source;
}

/* Gives a restored network an owner that the current user can act as; returns him. */
static Oid
GuardOwner(Restored *row)
{
	bool		isnull;
	char	   *name = TextDatumGetCString(Value(row, NETWORK_NAME, &isnull));
	Role	   *given = DatumGetRole(Value(row, NETWORK_OWNER, &isnull));
	Role	   *bound = BindRole(given);
	Oid			owner = bound == NULL ? InvalidOid : RoleOf(bound);

	if (OidIsValid(owner) && CanSetRole(GetUserId(), owner))
	{
		SetValue(row, NETWORK_OWNER, RoleGetDatum(bound), false);
		return owner;
	}
	ereport(WARNING,
			(errmsg("network \"%s\" is given to role \"%s\"", name, CurrentName()),
			 OidIsValid(owner) ?
			 errdetail("Only a member of its owner, role \"%s\", or a superuser can restore it for that role.",
					   RoleName(given)) :
			 errdetail("Its owner, role \"%s\", does not exist.", RoleName(given))));
	SetValue(row, NETWORK_OWNER, RoleGetDatum(MakeRole(GetUserId())), false);
	return GetUserId();
}

/* Binds one of the columns that are settings, if the source is known. */
static void
GuardSettingColumn(Restored *row, AttrNumber attribute, Oid source)
{
	bool		isnull;
	Datum		value = Value(row, attribute, &isnull);

	if (!isnull)
		SetValue(row, attribute, PointerGetDatum(BindIfReadable(DatumGetBoundColumn(value), source)), false);
}

/* Returns the roles that have restored what waits in a table for a network. */
static List *
WaitingRoles(const char *table, int network)
{
	Oid			type = INT4OID;
	Datum		value = Int32GetDatum(-network);
	MemoryContext context = CurrentMemoryContext;
	CatalogAccess access = BeginCatalogAccess();
	List	   *roles = NIL;

	SPI_connect();
	SPI_execute_with_args(psprintf("SELECT DISTINCT restored_by::pg_catalog.regrole::pg_catalog.oid FROM %s.%s "
								   "WHERE network OPERATOR(pg_catalog.=) $1", ExtensionSchema(), table),
						  1, &type, &value, NULL, false, 0);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		bool		isnull;
		Oid			role = DatumGetObjectId(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull));
		MemoryContext old = MemoryContextSwitchTo(context);

		roles = lappend_oid(roles, isnull ? InvalidOid : role);
		MemoryContextSwitchTo(old);
	}
	SPI_finish();
	EndCatalogAccess(access);
	return roles;
}

/* Lets a network take over what waits for it in one of the tables, where who restored that could act as its owner. */
static void
TakeWaiting(const char *table, int network, Oid owner)
{
	List	   *roles = WaitingRoles(table, network);
	Oid			types[] = {INT4OID, OIDOID};
	Datum		values[] = {Int32GetDatum(network), (Datum) 0};
	uint64		removed;
	ListCell   *cell;

	if (roles == NIL)
		return;
	foreach(cell, roles)
	{
		Oid			role = lfirst_oid(cell);

		if (!OidIsValid(role) || !has_privs_of_role(role, owner))
			continue;
		values[1] = ObjectIdGetDatum(role);
		WriteCatalog(psprintf("UPDATE %s.%s SET network = $1, restored_by = NULL "
							  "WHERE network OPERATOR(pg_catalog.=) OPERATOR(pg_catalog.-) $1 "
							  "AND restored_by::pg_catalog.regrole::pg_catalog.oid OPERATOR(pg_catalog.=) $2",
							  ExtensionSchema(), table), 2, types, values, NULL);
	}
	removed = WriteCatalog(psprintf("DELETE FROM %s.%s WHERE network OPERATOR(pg_catalog.=) OPERATOR(pg_catalog.-) $1",
									ExtensionSchema(), table), 1, types, values, NULL);
	if (removed > 0)
		ereport(WARNING,
				(errmsg(UINT64_FORMAT " rows of table \"%s\" are removed", removed, table),
				 errdetail("Who restored them could not have changed the network with id %d, which they are for.", network)));
}

/* The tables whose rows belong to networks */
static const char *const PartTableNames[] = {
	"bnai_node", "bnai_run", "bnai_count", "bnai_watched", "bnai_scheduled", "bnai_granted"
};

/* Checks the row of a network, and lets it take over what waits for it. */
static void
GuardNetwork(Restored *row)
{
	bool		isnull;
	int			network = DatumGetInt32(Value(row, NETWORK_ID, &isnull));
	Oid			owner;
	Oid			source;

	if (isnull || network <= 0)
	{
		ereport(WARNING, (errmsg("a network with id %d is left out", network)));
		row->tuple = NULL;
		return;
	}
	owner = GuardOwner(row);
	for (int i = 0; i < lengthof(PartTableNames); i++)
		TakeWaiting(PartTableNames[i], network, owner);
	CommandCounterIncrement();
	PushActiveSnapshot(GetLatestSnapshot());
	source = FirstSource(network);
	PopActiveSnapshot();
	GuardSettingColumn(row, NETWORK_RESULTS_COLUMN, source);
	GuardSettingColumn(row, NETWORK_WEIGHT_COLUMN, source);
}

/* --- what belongs to networks --- */

/* Binds what was restored as a setting of the network before its source was known. */
static void
BindRestoredSetting(const Network *network, const char *setting, const BoundColumn *column, Oid source)
{
	Oid			types[] = {INT4OID, ExtensionType("bnai_column")};
	BoundColumn *bound = column == NULL || OidIsValid(column->relation) ? NULL : BindIfReadable(column, source);
	Datum		values[] = {Int32GetDatum(network->id), PointerGetDatum(bound)};

	if (bound != NULL && OidIsValid(bound->relation))
		WriteCatalog(psprintf("UPDATE %s.bnai_network SET %s = $2 WHERE id OPERATOR(pg_catalog.=) $1",
							  ExtensionSchema(), setting), lengthof(types), types, values, NULL);
}

/* Binds the columns of a node; true if all of them are. */
static bool
GuardColumns(Restored *row, Oid source)
{
	bool		isnull;
	Datum		value = Value(row, NODE_COLUMNS, &isnull);
	ArrayType  *array;
	Datum	   *items;
	bool	   *nulls;
	int			n;
	bool		bound = true;

	if (isnull)
		return true;
	array = DatumGetArrayTypeP(value);
	deconstruct_array(array, ARR_ELEMTYPE(array), -1, false, TYPALIGN_INT, &items, &nulls, &n);
	for (int i = 0; i < n; i++)
	{
		BoundColumn *column;

		if (nulls[i])
			continue;
		column = BindIfReadable(DatumGetBoundColumn(items[i]), source);
		bound &= OidIsValid(column->relation);
		items[i] = PointerGetDatum(column);
	}
	array = construct_md_array(items, nulls, ARR_NDIM(array), ARR_DIMS(array), ARR_LBOUND(array), ARR_ELEMTYPE(array), -1,
							   false, TYPALIGN_INT);
	SetValue(row, NODE_COLUMNS, PointerGetDatum(array), false);
	return bound;
}

/* Binds the source and columns of a node. */
static void
GuardNode(Restored *row, const Network *network)
{
	bool		isnull;
	Datum		value = Value(row, NODE_SOURCE, &isnull);
	Source	   *given;
	Source	   *source;
	bool		bound;

	if (isnull)
		return;
	given = DatumGetSource(value);
	source = BindByName(given);
	bound = GuardColumns(row, source == NULL ? InvalidOid : source->relation);
	/* a source is chosen together with columns that one may read */
	if (source != NULL && (superuser() || bound))
		SetValue(row, NODE_SOURCE, PointerGetDatum(source), false);
	else
	{
		(void) GuardColumns(row, InvalidOid);
		SetValue(row, NODE_SOURCE, PointerGetDatum(UnboundSource(given)), false);
		ereport(WARNING,
				(errmsg("node \"%s\" is not bound to %s", TextDatumGetCString(Value(row, NODE_NAME, &isnull)),
						SourceName(given)),
				 source == NULL ? errdetail("There is no such relation.") :
				 errdetail("Role \"%s\" may not SELECT its columns, or they do not exist.", CurrentName()),
				 errhint("The network's owner binds it with bnai_rebind.")));
		return;
	}
	if (network == NULL || (OidIsValid(NetworkSource(network)) && NetworkSource(network) != source->relation))
		return;
	BindRestoredSetting(network, "results_column", network->settings.results_bound, source->relation);
	BindRestoredSetting(network, "weight_column", network->settings.weight_bound, source->relation);
}

/* Binds the table of a watch: rights on it that others gave are restored last, so that only its owner has them now. */
static void
GuardWatched(Restored *row, const Network *network)
{
	bool		isnull;
	Source	   *given = DatumGetSource(Value(row, WATCHED_TARGET, &isnull));
	Source	   *target = BindByName(given);

	if (target != NULL && RelationOwnerCheck(target->relation, GetUserId()))
	{
		SetValue(row, WATCHED_TARGET, PointerGetDatum(target), false);
		return;
	}
	SetValue(row, WATCHED_TARGET, PointerGetDatum(UnboundSource(given)), false);
	ereport(WARNING,
			(errmsg("a watch of %s is restored, but not active", SourceName(given)),
			 target == NULL ? errdetail("There is no such table.") :
			 errdetail("Role \"%s\" is not its owner.", CurrentName()),
			 errhint("The network's owner makes it active with bnai_watch or bnai_label_on_insert.")));
}

/* Binds a right to the role that has the name now. */
static void
GuardGrant(Restored *row, const Network *network)
{
	bool		isnull;
	Role	   *given = DatumGetRole(Value(row, GRANTED_ROLE, &isnull));
	Role	   *role = IsPublicRole(given) ? given : BindRole(given);

	if (role != NULL)
		SetValue(row, GRANTED_ROLE, RoleGetDatum(role), false);
	else
	{
		ereport(WARNING,
				(errmsg("a right of role \"%s\" on the network with id %d is left out", RoleName(given),
						DatumGetInt32(Value(row, GRANTED_NETWORK, &isnull))),
				 errdetail("The role does not exist.")));
		row->tuple = NULL;
	}
}

/* Returns true if pg_cron has a job of that number that infers in this way, as the current user. */
static bool
HasJob(int64 job)
{
	Oid			types[] = {INT8OID, TEXTOID, TEXTOID, TEXTOID};
	char	   *call = psprintf("CALL %s.bnai_", ExtensionSchema());
	Datum		values[] = {
		Int64GetDatum(job), CStringGetTextDatum(CurrentName()), CStringGetTextDatum(call),
		CStringGetTextDatum(psprintf("SELECT %s.bnai_", ExtensionSchema()))
	};
	CatalogAccess access;
	bool		found;

	if (!OidIsValid(get_extension_oid("pg_cron", true)))
		return false;
	access = BeginCatalogAccess();
	SPI_connect();
	SPI_execute_with_args("SELECT FROM cron.job WHERE jobid OPERATOR(pg_catalog.=) $1 "
						  "AND username OPERATOR(pg_catalog.=) $2 "
						  "AND database OPERATOR(pg_catalog.=) pg_catalog.current_database()::pg_catalog.text "
						  "AND (pg_catalog.starts_with(command, $3) OR pg_catalog.starts_with(command, $4))",
						  lengthof(types), types, values, NULL, true, 0);
	found = SPI_processed > 0;
	SPI_finish();
	EndCatalogAccess(access);
	return found;
}

/* Leaves a schedule out whose job is somebody else's; a superuser's restore elsewhere keeps what has no job yet. */
static void
GuardScheduled(Restored *row, const Network *network)
{
	bool		isnull;
	Datum		value = Value(row, SCHEDULED_ROLE, &isnull);
	Role	   *role = isnull ? NULL : BindRole(DatumGetRole(value));
	int64		job;

	/* one of a role that is gone stays, and does nothing */
	if (role != NULL)
		SetValue(row, SCHEDULED_ROLE, RoleGetDatum(role), false);
	job = DatumGetInt64(Value(row, SCHEDULED_JOB, &isnull));
	if (superuser() || (HasJob(job) && role != NULL && RoleOf(role) == GetUserId()))
		return;
	ereport(WARNING,
			(errmsg("a schedule of the network with id %d is left out",
					DatumGetInt32(Value(row, SCHEDULED_NETWORK, &isnull))),
			 errdetail("Job " INT64_FORMAT " of pg_cron is not one of role \"%s\" that infers a network.", job, CurrentName()),
			 errhint("Schedule the network again with bnai_schedule.")));
	row->tuple = NULL;
}

static const PartTable PartTables[] = {
	{"bnai_node", NODE_NETWORK, NODE_RESTORED_BY, GuardNode},
	{"bnai_run", RUN_NETWORK, RUN_RESTORED_BY, NULL},
	{"bnai_count", COUNT_NETWORK, COUNT_RESTORED_BY, NULL},
	{"bnai_watched", WATCHED_NETWORK, WATCHED_RESTORED_BY, GuardWatched},
	{"bnai_scheduled", SCHEDULED_NETWORK, SCHEDULED_RESTORED_BY, GuardScheduled},
	{"bnai_granted", GRANTED_NETWORK, GRANTED_RESTORED_BY, GuardGrant},
};

/* Removes what others let wait for a network where a superuser's row is about to: it may have the same key. */
static void
MakeRoom(const char *table, int network)
{
	Oid			types[] = {INT4OID, OIDOID};
	Datum		values[] = {Int32GetDatum(-network), ObjectIdGetDatum(GetUserId())};

	if (superuser())
		WriteCatalog(psprintf("DELETE FROM %s.%s WHERE network OPERATOR(pg_catalog.=) $1 "
							  "AND (restored_by::pg_catalog.regrole::pg_catalog.oid OPERATOR(pg_catalog.=) $2) IS NOT TRUE",
							  ExtensionSchema(), table), lengthof(types), types, values, NULL);
}

/* Checks a row that belongs to a network. */
static void
GuardPart(Restored *row, const PartTable *part)
{
	bool		isnull;
	int			id = DatumGetInt32(Value(row, part->network, &isnull));
	Network    *network = isnull ? NULL : LoadUnparsedNetworkById(id, true);

	if (isnull || id <= 0 || (network != NULL && !MayModifyNetwork(network)))
	{
		ereport(WARNING,
				(errmsg("a row of table \"%s\" is left out", part->table),
				 network == NULL ? errdetail("It is for no network.") :
				 errdetail("Role \"%s\" may not change network \"%s\", which it is for.", CurrentName(), network->name)));
		row->tuple = NULL;
		return;
	}
	if (part->check != NULL)
		part->check(row, network);
	if (row->tuple == NULL)
		return;
	SetValue(row, part->restored_by, RoleGetDatum(MakeRole(GetUserId())), network != NULL);
	if (network != NULL)
		return;
	MakeRoom(part->table, id);
	SetValue(row, part->network, Int32GetDatum(-id), false);
}

/* Returns true for what bnai itself writes, having checked it. */
static bool
IsOwnWrite(Relation relation)
{
	Oid			user;
	int			context;

	GetUserIdAndSecContext(&user, &context);
	return relation->rd_rel->relowner == user && (context & SECURITY_LOCAL_USERID_CHANGE) != 0;
}

/* Runs before each INSERT into one of the tables. */
Datum
bnai_guard(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	Restored	row;
	const PartTable *part = NULL;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_BEFORE(trigger->tg_event) ||
		!TRIGGER_FIRED_BY_INSERT(trigger->tg_event) || !TRIGGER_FIRED_FOR_ROW(trigger->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"bnai_guard\" must be fired BEFORE INSERT FOR EACH ROW")));
	row = (Restored) {trigger->tg_relation, trigger->tg_trigtuple};
	for (int i = 0; i < lengthof(PartTables); i++)
		if (RelationGetRelid(row.relation) == CatalogRelation(PartTables[i].table))
			part = &PartTables[i];
	if (part == NULL && RelationGetRelid(row.relation) != CatalogRelation("bnai_network"))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"bnai_guard\" is for bnai's own tables")));
	if (IsOwnWrite(row.relation))
		return PointerGetDatum(row.tuple);
	LockRestore();
	PushActiveSnapshot(GetLatestSnapshot());
	if (part != NULL)
		GuardPart(&row, part);
	else
		GuardNetwork(&row);
	PopActiveSnapshot();
	return PointerGetDatum(row.tuple);
}
