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
#include "commands/extension.h"
#include "commands/trigger.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "tcop/deparse_utility.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "automation/obstacles.h"
#include "automation/owner.h"
#include "automation/watch_triggers.h"
#include "catalog/privileges.h"
#include "catalog/relations.h"
#include "catalog/source.h"
#include "catalog/version.h"

PG_FUNCTION_INFO_V1(bnai_watch_part);
PG_FUNCTION_INFO_V1(bnai_watch_partitions);
PG_FUNCTION_INFO_V1(bnai_check_background);
PG_FUNCTION_INFO_V1(bnai_unwatched);

/* A row of bnai_watched */
typedef struct WatchedRow
{
	int			network;
	char	   *network_name;
	Oid			owner;			/* of the network */
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
	row->owner = network->owner;
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

/*
 * Returns true if the owner of the network may still have triggers on the
 * watched table; its parts follow it, as they do with triggers of the server's.
 */
static bool
MayStillWatch(const WatchedRow *row)
{
	return OidIsValid(row->owner) &&
		pg_class_aclcheck(row->target, row->owner, ACL_TRIGGER) == ACLCHECK_OK;
}

/* Warns that a part can have no triggers, once for all events of a network. */
static void
WarnOfForeignPart(const WatchedRow *row, Oid part)
{
	static int	network = 0;
	static Oid	relation = InvalidOid;

	if (network == row->network && relation == part)
		return;
	network = row->network;
	relation = part;
	ereport(WARNING,
			(errmsg("foreign table \"%s\" cannot be watched for network \"%s\"",
					get_rel_name(part), row->network_name),
			 errdetail("It is part of table \"%s\", which is.", get_rel_name(row->target))));
}

/* Creates the triggers of a row where they are missing on a part; a foreign table can have none. */
static void
CompletePart(const WatchedRow *row, Oid part)
{
	if (!IsUnwatched(row, part))
		return;
	if (get_rel_relkind(part) == RELKIND_FOREIGN_TABLE)
		WarnOfForeignPart(row, part);
	else
		CreateWatchTriggers(row->network, part, row->target, row->event);
}

/*
 * Creates the triggers that a watch lacks since a table was made or altered:
 * on the table and its parts, or on those of them that are watched themselves.
 */
static void
CompleteWatch(const WatchedRow *row, Oid changed)
{
	List	   *parts = find_all_inheritors(changed, NoLock, NULL);
	List	   *watched = find_all_inheritors(row->target, NoLock, NULL);
	ListCell   *cell;

	foreach(cell, watched)
		if (list_member_oid(parts, lfirst_oid(cell)))
			CompletePart(row, lfirst_oid(cell));
}

/* Watches what has become part of watched tables. */
static void
CompleteWatches(Oid changed)
{
	Oid			user;
	int			security_context;
	int			guc_level;
	List	   *rows;
	ListCell   *cell;

	PushActiveSnapshot(GetLatestSnapshot());
	rows = ReadWatched(0);
	PopActiveSnapshot();
	GetUserIdAndSecContext(&user, &security_context);
	foreach(cell, rows)
	{
		if (!MayStillWatch(lfirst(cell)))
			continue;
		/* who changed the table has nothing to decide, and may have no rights on bnai's functions */
		SetUserIdAndSecContext(BOOTSTRAP_SUPERUSERID,
							   security_context | SECURITY_LOCAL_USERID_CHANGE | SECURITY_RESTRICTED_OPERATION);
		guc_level = NewGUCNestLevel();
		SetSafeSearchPath();
		CompleteWatch(lfirst(cell), changed);
		AtEOXact_GUC(false, guc_level);
		SetUserIdAndSecContext(user, security_context);
	}
}

/* Returns true for CREATE TABLE and ALTER TABLE that give a table a part; whatever else is altered is no matter of ours. */
static bool
AddsPart(Node *command)
{
	ListCell   *cell;

	if (IsA(command, CreateForeignTableStmt))
		command = (Node *) &((CreateForeignTableStmt *) command)->base;
	else if (IsA(command, AlterTableStmt))
	{
		foreach(cell, ((AlterTableStmt *) command)->cmds)
		{
			AlterTableCmd *subcommand = lfirst_node(AlterTableCmd, cell);

			if (subcommand->subtype == AT_AttachPartition || subcommand->subtype == AT_AddInherit)
				return true;
		}
		return false;
	}
	else if (!IsA(command, CreateStmt))
		return false;
	return ((CreateStmt *) command)->partbound != NULL || ((CreateStmt *) command)->inhRelations != NIL;
}

/*
 * bnai_watch_part(table, command): what the event trigger calls for a table
 * that was made or altered; by hand there is no command, and nothing is done.
 * Who gives the command owns the table.  In another extension's script its
 * tables are its own affair, in one of bnai's the tables are half made.
 */
Datum
bnai_watch_part(PG_FUNCTION_ARGS)
{
	if (!PG_ARGISNULL(0) && !PG_ARGISNULL(1) && !creating_extension && CatalogVersionFits() &&
		AddsPart(((CollectedCommand *) PG_GETARG_POINTER(1))->parsetree))
		CompleteWatches(PG_GETARG_OID(0));
	PG_RETURN_VOID();
}

/*
 * The event trigger of 0.1.0, before its script is updated.  What becomes part
 * of a watched table then is to be seen in bnai_status, and bnai_watch once
 * more watches it.
 */
Datum
bnai_watch_partitions(PG_FUNCTION_ARGS)
{
	if (!CALLED_AS_EVENT_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_EVENT_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"bnai_watch_partitions\" is an event trigger")));
	PG_RETURN_NULL();
}

/* Returns true for a table whose rows do not get their labels although they should. */
static bool
IsUnlabelled(const WatchedRow *row, const Network *network, Oid relation)
{
	return strcmp(row->event, "LABEL") == 0 &&
		(network->settings.results_column == NULL || HasLabelObstacle(network, relation));
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
			if (IsUnwatched(lfirst(row), lfirst_oid(relation)) ||
				IsUnlabelled(lfirst(row), network, lfirst_oid(relation)))
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

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_FOR_ROW(data->tg_event) ||
		!TRIGGER_FIRED_BY_UPDATE(data->tg_event) ||
		RelationGetRelid(data->tg_relation) != CatalogRelation("bnai_network"))
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
