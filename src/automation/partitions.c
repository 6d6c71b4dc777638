/*
 * partitions.c
 *		Tables that become part of a watched table, or were never watched.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "commands/event_trigger.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "automation/owner.h"
#include "automation/watch_triggers.h"
#include "catalog/privileges.h"
#include "catalog/relations.h"
#include "catalog/source.h"

PG_FUNCTION_INFO_V1(bnai_watch_partitions);
PG_FUNCTION_INFO_V1(bnai_check_background);
PG_FUNCTION_INFO_V1(bnai_unwatched);

/* A row of bnai_watched */
typedef struct WatchedRow
{
	int			network;
	char	   *network_name;
	Oid			target;
	char	   *event;
} WatchedRow;

/* Reads bnai_watched, of one network or all (0). */
static List *
ReadWatched(int network)
{
	Oid			type = INT4OID;
	Datum		value = Int32GetDatum(network);
	const char *schema = ExtensionSchema();
	MemoryContext context = CurrentMemoryContext;
	List	   *rows = NIL;
	CatalogAccess access;

	SPI_connect();
	access = BeginCatalogAccess();
	SPI_execute_with_args(psprintf("SELECT n.id, n.name, %s.bnai_source_to_regclass(w.target), w.event "
								   "FROM %s.bnai_watched w JOIN %s.bnai_network n "
								   "ON n.id OPERATOR(pg_catalog.=) w.network "
								   "WHERE $1 IN (n.id, 0) ORDER BY n.id, w.event", schema, schema, schema),
						  1, &type, &value, NULL, true, 0);
	EndCatalogAccess(access);
	MemoryContextSwitchTo(context);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		HeapTuple	tuple = SPI_tuptable->vals[i];
		TupleDesc	desc = SPI_tuptable->tupdesc;
		WatchedRow *row = palloc(sizeof(WatchedRow));
		bool		isnull;

		row->network = DatumGetInt32(SPI_getbinval(tuple, desc, 1, &isnull));
		row->network_name = TextDatumGetCString(SPI_getbinval(tuple, desc, 2, &isnull));
		row->event = TextDatumGetCString(SPI_getbinval(tuple, desc, 4, &isnull));
		row->target = DatumGetObjectId(SPI_getbinval(tuple, desc, 3, &isnull));
		if (!isnull)
			rows = lappend(rows, row);
	}
	SPI_finish();
	return rows;
}

/* Returns true if a trigger of the row's event is missing on a relation that should have it. */
static bool
IsUnwatched(const WatchedRow *row, Oid relation)
{
	return LacksWatchTriggers(row->network, relation, row->target, row->event);
}

/* Creates the triggers of a row where they are missing; a foreign table can have none. */
static void
CompleteWatch(const WatchedRow *row)
{
	ListCell   *cell;

	foreach(cell, find_all_inheritors(row->target, NoLock, NULL))
	{
		Oid			relation = lfirst_oid(cell);

		if (!IsUnwatched(row, relation))
			continue;
		if (get_rel_relkind(relation) == RELKIND_FOREIGN_TABLE)
			ereport(WARNING,
					(errmsg("foreign table \"%s\" cannot be watched for network \"%s\"",
							get_rel_name(relation), row->network_name),
					 errdetail("It is part of table \"%s\", which is.", get_rel_name(row->target))));
		else
			CreateWatchTriggers(row->network, row->network_name, relation, row->target, row->event);
	}
}

/* Returns true for a command that gives a table a part. */
static bool
AddsPart(Node *command)
{
	ListCell   *cell;

	if (IsA(command, CreateStmt))
		return ((CreateStmt *) command)->partbound != NULL || ((CreateStmt *) command)->inhRelations != NIL;
	if (!IsA(command, AlterTableStmt))
		return false;
	foreach(cell, ((AlterTableStmt *) command)->cmds)
	{
		AlterTableCmd *subcommand = lfirst_node(AlterTableCmd, cell);

		if (subcommand->subtype == AT_AttachPartition || subcommand->subtype == AT_AddInherit)
			return true;
	}
	return false;
}

/*
 * Event trigger: watches what has become part of a watched table.  Whoever did
 * that has nothing to decide, so that rights on the triggers are not asked for.
 */
Datum
bnai_watch_partitions(PG_FUNCTION_ARGS)
{
	EventTriggerData *data = (EventTriggerData *) fcinfo->context;
	Oid			user;
	int			security_context;
	ListCell   *cell;

	if (!CALLED_AS_EVENT_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_EVENT_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"bnai_watch_partitions\" is an event trigger")));
	if (!AddsPart(data->parsetree))
		PG_RETURN_NULL();
	GetUserIdAndSecContext(&user, &security_context);
	foreach(cell, ReadWatched(0))
	{
		SetUserIdAndSecContext(BOOTSTRAP_SUPERUSERID,
							   security_context | SECURITY_LOCAL_USERID_CHANGE | SECURITY_RESTRICTED_OPERATION);
		CompleteWatch(lfirst(cell));
		SetUserIdAndSecContext(user, security_context);
	}
	PG_RETURN_NULL();
}

/* bnai_unwatched(network id): parts of watched tables whose changes are not counted; NULL for who may not know. */
Datum
bnai_unwatched(PG_FUNCTION_ARGS)
{
	Network    *network = LoadUnparsedNetworkById(PG_GETARG_INT32(0), true);
	ArrayBuildState *names = initArrayResult(TEXTOID, CurrentMemoryContext, false);
	ListCell   *row;
	ListCell   *relation;

	if (network == NULL || !MayReadNetwork(network))
		PG_RETURN_NULL();
	foreach(row, ReadWatched(network->id))
		foreach(relation, find_all_inheritors(((WatchedRow *) lfirst(row))->target, NoLock, NULL))
			if (IsUnwatched(lfirst(row), lfirst_oid(relation)))
				accumArrayResult(names, CStringGetTextDatum(psprintf("%s %s", ((WatchedRow *) lfirst(row))->event,
																	 QualifiedRelationName(lfirst_oid(relation)))),
								 false, TEXTOID, CurrentMemoryContext);
	PG_RETURN_DATUM(makeArrayResult(names, CurrentMemoryContext));
}

/* Runs after a network's action or owner changes: a network is inferred in the background for its own tables' owners only. */
Datum
bnai_check_background(PG_FUNCTION_ARGS)
{
	TriggerData *data = (TriggerData *) fcinfo->context;
	bool		isnull;
	Network    *network;
	ListCell   *cell;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_FOR_ROW(data->tg_event) || !TRIGGER_FIRED_BY_UPDATE(data->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"bnai_check_background\" is for bnai's own tables")));
	CommandCounterIncrement();
	PushActiveSnapshot(GetLatestSnapshot());
	network = LoadUnparsedNetworkById(DatumGetInt32(heap_getattr(data->tg_newtuple, NETWORK_ID,
																 RelationGetDescr(data->tg_relation), &isnull)), true);
	if (network != NULL && network->settings.threshold_action == ACTION_BACKGROUND)
		foreach(cell, ReadWatched(network->id))
			CheckOwnerCanActFor(network, ((WatchedRow *) lfirst(cell))->target);
	PopActiveSnapshot();
	return PointerGetDatum(NULL);
}
