/*
 * triggers.c
 *		Counting: by triggers and by hand.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "commands/trigger.h"
#include "miscadmin.h"
#include "optimizer/plancat.h"
#include "replication/logicalworker.h"
#include "storage/bufmgr.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/tuplestore.h"

#include "automation/counter.h"
#include "automation/recalculate.h"
#include "automation/watch.h"
#include "catalog/define.h"
#include "catalog/privileges.h"
#include "catalog/relations.h"
#include "inference/infer.h"
#include "inference/results.h"

PG_FUNCTION_INFO_V1(bnai_increment);
PG_FUNCTION_INFO_V1(bnai_counter);
PG_FUNCTION_INFO_V1(bnai_count_rows);
PG_FUNCTION_INFO_V1(bnai_release_counter);

/* A table of up to so many blocks is counted when it is truncated, a larger one estimated */
#define COUNTED_BLOCKS 1024

/* What is counted at once at most; sums of it do not overflow */
#define MAX_COUNT INT64CONST(1000000000000000)

/* Counts, and infers again if the counter calls for it. */
static void
Count(Counter counter, int64 n, int64 threshold, ThresholdAction action)
{
	bool		recalculate = threshold > 0 && action == ACTION_RECALCULATE;
	bool		wake = threshold > 0 && action == ACTION_BACKGROUND;

	if (wake)
		PrepareCounter(counter);
	if (n > 0)
		AddToCounter(counter, n, wake ? threshold : 0);
	if (recalculate)
		RecalculateAtThreshold(counter, threshold);
}

/* bnai_increment(network, n) */
Datum
bnai_increment(PG_FUNCTION_ARGS)
{
	Network    *network = LoadUnparsedNetwork(TextArgument(fcinfo, 0, "network"), false);
	int64		n;

	PreventWhereReadOnly("bnai_increment()");
	CheckMayInferNetwork(network);
	if (PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must not be NULL", "n")));
	n = PG_GETARG_INT64(1);
	if (n < 0 || n > MAX_COUNT)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("cannot increment the counter of network \"%s\" by " INT64_FORMAT, network->name, n),
				 n < 0 ? errdetail("A counter only goes up, and back to 0 when the network is inferred.") :
				 errdetail("The largest increment is " INT64_FORMAT ".", MAX_COUNT)));
	Count(FindCounter(network->id), n,
		  network->settings.counter_threshold, network->settings.threshold_action);
	PG_RETURN_VOID();
}

/* bnai_counter(network id): the counter now; NULL for who may not read the network. */
Datum
bnai_counter(PG_FUNCTION_ARGS)
{
	Network    *network = LoadUnparsedNetworkById(PG_GETARG_INT32(0), true);

	if (network == NULL || !MayReadNetwork(network))
		PG_RETURN_NULL();
	PG_RETURN_INT64(CounterValue(CounterNow(FindCounter(network->id))));
}

/* Counts the rows that a table itself holds. */
static int64
CountTable(Relation relation)
{
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	TableScanDesc scan = table_beginscan(relation, snapshot, 0, NULL);
	TupleTableSlot *slot = table_slot_create(relation, NULL);
	int64		n = 0;

	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		CHECK_FOR_INTERRUPTS();
		n++;
	}
	ExecDropSingleTupleTableSlot(slot);
	table_endscan(scan);
	UnregisterSnapshot(snapshot);
	return n;
}

/* Returns the number of rows that TRUNCATE is about to remove; partitions have triggers of their own. */
static int64
TruncatedRows(Relation relation)
{
	BlockNumber pages;
	double		rows;
	double		all_visible;

	if (relation->rd_rel->relkind != RELKIND_RELATION)
		return 0;
	if (RelationGetNumberOfBlocks(relation) <= COUNTED_BLOCKS)
		return CountTable(relation);
	estimate_rel_size(relation, NULL, &pages, &rows, &all_visible);
	return (int64) rows;
}

/* Returns how many rows the statement changed. */
static int64
ChangedRows(const TriggerData *data)
{
	if (TRIGGER_FIRED_BY_TRUNCATE(data->tg_event))
		return TRIGGER_FIRED_BEFORE(data->tg_event) ? TruncatedRows(data->tg_relation) : 0;
	if (TRIGGER_FIRED_FOR_ROW(data->tg_event))
		return 1;
	return tuplestore_tuple_count(data->tg_newtable != NULL ? data->tg_newtable : data->tg_oldtable);
}

/* Raises an error unless the trigger is one that bnai_watch makes. */
static void
CheckTrigger(FunctionCallInfo fcinfo, const TriggerData *data)
{
	if (!CALLED_AS_TRIGGER(fcinfo) || !HasNetworkArgument(data->tg_trigger) ||
		(TRIGGER_FIRED_FOR_STATEMENT(data->tg_event) && !TRIGGER_FIRED_BY_TRUNCATE(data->tg_event) &&
		 data->tg_newtable == NULL && data->tg_oldtable == NULL))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"bnai_count_rows\" is for triggers that bnai_watch creates")));
}

/*
 * Returns true for a trigger that may be the one to count: rows that are
 * replicated are counted one by one, by who applies them; a session that only
 * says that it replicates is taken at its word.
 */
static bool
MayCount(const TriggerData *data)
{
	if (IsLogicalWorker())
		return TRIGGER_FIRED_FOR_ROW(data->tg_event) || TRIGGER_FIRED_BY_TRUNCATE(data->tg_event);
	return SessionReplicationRole != SESSION_REPLICATION_ROLE_REPLICA;
}

/* Returns true for the one of two triggers that counts. */
static bool
Counts(const Watch *watch, const TriggerData *data)
{
	return watch->registered &&
		(IsLogicalWorker() || TRIGGER_FIRED_BY_TRUNCATE(data->tg_event) ||
		 (TRIGGER_FIRED_FOR_ROW(data->tg_event) != 0) == watch->by_row);
}

/*
 * Counts the rows that a statement changed.  Whoever changes them needs no
 * rights on the network: that the table is watched was decided by bnai_watch.
 */
Datum
bnai_count_rows(PG_FUNCTION_ARGS)
{
	TriggerData *data = (TriggerData *) fcinfo->context;
	const Watch *watch;
	bool		recalculate;
	int64		n;

	CheckTrigger(fcinfo, data);
	if (!MayCount(data))
		return PointerGetDatum(NULL);
	if (TRIGGER_FIRED_BY_UPDATE(data->tg_event) && ResultsUpdateInProgress(RelationGetRelid(data->tg_relation)))
		return PointerGetDatum(NULL);
	n = ChangedRows(data);
	if ((n == 0 && !TRIGGER_FIRED_BY_TRUNCATE(data->tg_event)) || RestoresDump(data))
		return PointerGetDatum(NULL);
	watch = FindWatch(data);
	if (!Counts(watch, data))
		return PointerGetDatum(NULL);
	n = n > MAX_COUNT / watch->increment ? MAX_COUNT : n * watch->increment;
	/* before TRUNCATE it is too early to infer; while changes are applied it is not the time */
	recalculate = watch->action == ACTION_RECALCULATE && TRIGGER_FIRED_AFTER(data->tg_event) && !IsLogicalWorker();
	Count(watch->counter, n, watch->threshold,
		  watch->action == ACTION_RECALCULATE && !recalculate ? ACTION_NONE : watch->action);
	return PointerGetDatum(NULL);
}

/* Gives back the shared memory of the counter of a network that is dropped. */
Datum
bnai_release_counter(PG_FUNCTION_ARGS)
{
	TriggerData *data = (TriggerData *) fcinfo->context;
	bool		isnull;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_BY_DELETE(data->tg_event) || !TRIGGER_FIRED_FOR_ROW(data->tg_event) ||
		RelationGetRelid(data->tg_relation) != CatalogRelation("bnai_network"))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"bnai_release_counter\" is for bnai's own tables")));
	ReleaseCounter(DatumGetInt32(heap_getattr(data->tg_trigtuple, NETWORK_ID, RelationGetDescr(data->tg_relation),
											  &isnull)));
	return PointerGetDatum(NULL);
}
