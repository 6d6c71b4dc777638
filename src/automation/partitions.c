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
#include "catalog/version.h"

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

/* Adds a row of the table to those that were read; not one whose target or network is gone. */
static List *
AddWatched(List *rows, const CatalogScan *scan, HeapTuple tuple)
{
	WatchedRow *row = palloc(sizeof(WatchedRow));
	bool		isnull;
	Network    *network;

	row->network = DatumGetInt32(CatalogValue(scan, tuple, WATCHED_NETWORK, &isnull));
	row->target = ResolveSource(DatumGetSource(CatalogValue(scan, tuple, WATCHED_TARGET, &isnull)));
	row->event = TextDatumGetCString(CatalogValue(scan, tuple, WATCHED_EVENT, &isnull));
	network = OidIsValid(row->target) ? LoadUnparsedNetworkById(row->network, true) : NULL;
	if (network == NULL)
		return rows;
	row->network_name = network->name;
	return lappend(rows, row);
}

/* Compares rows by network and event. */
static int
CompareWatched(const ListCell *a, const ListCell *b)
{
	const WatchedRow *x = lfirst(a);
	const WatchedRow *y = lfirst(b);

	return x->network != y->network ? (x->network < y->network ? -1 : 1) : strcmp(x->event, y->event);
}

/* Reads bnai_watched, of one network or all (0). */
static List *
ReadWatched(int network)
{
	CatalogScan scan = network == 0 ? BeginCatalogScanOfAll("bnai_watched") :
		BeginCatalogScan("bnai_watched", "bnai_watched_network", WATCHED_NETWORK, Int32GetDatum(network));
	List	   *rows = NIL;
	HeapTuple	tuple;

	while ((tuple = NextCatalogTuple(&scan)) != NULL)
		rows = AddWatched(rows, &scan, tuple);
	EndCatalogScan(&scan);
	list_sort(rows, CompareWatched);
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
	List	   *watched;
	ListCell   *cell;

	if (!CALLED_AS_EVENT_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_EVENT_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"bnai_watch_partitions\" is an event trigger")));
	if (!AddsPart(data->parsetree) || InOwnScript() || !CatalogVersionFits())
		PG_RETURN_NULL();
	GetUserIdAndSecContext(&user, &security_context);
	PushActiveSnapshot(GetTransactionSnapshot());
	watched = ReadWatched(0);
	PopActiveSnapshot();
	foreach(cell, watched)
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

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_FOR_ROW(data->tg_event) || !TRIGGER_FIRED_BY_UPDATE(data->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"bnai_check_background\" is for bnai's own tables")));
	CommandCounterIncrement();
	PushActiveSnapshot(GetLatestSnapshot());
	network = LoadUnparsedNetworkById(DatumGetInt32(heap_getattr(data->tg_newtuple, NETWORK_ID,
																 RelationGetDescr(data->tg_relation), &isnull)), true);
	if (network != NULL && network->settings.threshold_action == ACTION_BACKGROUND && ReadWatched(network->id) != NIL)
		CheckMayInferUnasked(network);
	PopActiveSnapshot();
	return PointerGetDatum(NULL);
}
