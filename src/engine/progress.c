/*
 * progress.c
 *		Progress of inferences, in a few kilobytes of shared memory that are
 *		taken from the server's reserve at first use.
 *
 * A session writes its slot at most ten times a second, so one lock for all
 * slots is enough.  Where there is no slot left, or no memory, the inference is
 * not shown.
 */
#include "postgres.h"

#include <math.h>

#include "access/xact.h"
#include "catalog/network.h"
#include "catalog/privileges.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "postmaster/bgworker.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/procarray.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "engine/progress.h"
#include "engine/spare.h"
#include "guc.h"
#include "source/rowstore.h"

PG_FUNCTION_INFO_V1(bnai_progress_of);

#define SLOTS 32
#define NOTICE_AFTER_MS 2000
#define UPDATE_EVERY_MS 100

typedef struct ProgressSlot
{
	int			pid;			/* 0: free */
	Oid			database;
	int			network;
	ProgressPhase phase;
	TimestampTz started;
	TimestampTz iterating;		/* since when */
	int64		rows;
	int64		visits;			/* rows that passes have read, for each job */
	int			restart;
	int			iteration;
	double		elbo;
	double		remaining;		/* estimate of iterations until the restart converges; NaN: unknown */
} ProgressSlot;

typedef struct ProgressTable
{
	LWLock		lock;
	ProgressSlot slots[SLOTS];
} ProgressTable;

static const char *const phase_names[] = {"loading", "iterating", "storing"};

static ProgressTable *table = NULL;

/* This session's inference */
static ProgressSlot own;
static int	own_slot = -1;		/* in the table; -1: none */
static bool active = false;
static int	level;				/* of the transaction that it began in */
static bool notices;
static TimestampTz written;		/* when the slot was */
static TimestampTz noticed;		/* when the last notice was */
static double last_gain;

static void
InitTable(void *memory)
{
	ProgressTable *fresh = memory;

	memset(fresh, 0, sizeof(ProgressTable));
	LWLockInitialize(&fresh->lock, LWLockNewTrancheId());
}

/* Finds the table or sets it up; false if there is no room for it, which is asked for once. */
static bool
FindTable(void)
{
	static bool refused = false;

	if (table != NULL || refused)
		return table != NULL;
	table = TakeSpareMemory("bnai progress", sizeof(ProgressTable), InitTable);
	if (table != NULL)
		LWLockRegisterTranche(table->lock.tranche, "bnai progress");
	refused = table == NULL;
	return !refused;
}

/* Copies this session's numbers into its slot. */
static void
WriteSlot(TimestampTz now)
{
	if (own_slot < 0)
		return;
	LWLockAcquire(&table->lock, LW_EXCLUSIVE);
	table->slots[own_slot] = own;
	LWLockRelease(&table->lock);
	written = now;
}

/* Takes a slot: a free one, or one of a session that is gone. */
static void
TakeSlot(void)
{
	if (!FindTable())
		return;
	LWLockAcquire(&table->lock, LW_EXCLUSIVE);
	for (int s = 0; s < SLOTS && own_slot < 0; s++)
		if (table->slots[s].pid == 0 || table->slots[s].pid == MyProcPid
			|| BackendPidGetProc(table->slots[s].pid) == NULL)
		{
			table->slots[s] = own;
			own_slot = s;
		}
	LWLockRelease(&table->lock);
}

/* Notices are for a client that waits: not in triggers, and not in workers. */
static bool
ClientWaits(void)
{
	return !InBackgroundWorker() && DatumGetInt32(DirectFunctionCall1(pg_trigger_depth, (Datum) 0)) == 0;
}

void
BeginProgress(int network)
{
	TimestampTz now = GetCurrentTimestamp();

	if (active)
		return;					/* an inference within one: the outer one is shown */
	own = (ProgressSlot) {.pid = MyProcPid, .database = MyDatabaseId, .network = network, .phase = PROGRESS_LOADING,
	.started = now, .iterating = now, .elbo = NAN, .remaining = NAN};
	active = true;
	level = GetCurrentTransactionNestLevel();
	notices = ClientWaits();
	noticed = now;
	written = now;
	TakeSlot();
}

void
EndProgress(void)
{
	if (own_slot >= 0)
	{
		LWLockAcquire(&table->lock, LW_EXCLUSIVE);
		memset(&table->slots[own_slot], 0, sizeof(ProgressSlot));
		LWLockRelease(&table->lock);
	}
	own_slot = -1;
	active = false;
}

/* Appends how long the restart may still take, if that can be told. */
static void
AppendEstimate(StringInfo text, TimestampTz now)
{
	double		seconds = (now - own.iterating) / 1e6;

	if (own.iteration > 0 && own.visits > 0 && !isnan(own.remaining))
		appendStringInfo(text, ", about %.0f s to go", ceil(own.remaining * seconds / own.iteration));
}

static void
SendNotice(TimestampTz now)
{
	StringInfoData text;
	double		seconds = (now - own.iterating) / 1e6;

	initStringInfo(&text);
	if (own.phase != PROGRESS_ITERATING || own.iteration == 0)
		appendStringInfo(&text, "%s, " INT64_FORMAT " rows", phase_names[own.phase], own.rows);
	else
	{
		appendStringInfo(&text, "restart %d, iteration %d, ELBO %.6g, %.3g million rows/s", own.restart, own.iteration,
						 own.elbo, own.visits / seconds / 1e6);
		AppendEstimate(&text, now);
	}
	ereport(NOTICE, (errmsg_internal("bnai: %s", text.data)));
	pfree(text.data);
	noticed = now;
}

/* Tells of progress if it is time to. */
static void
Tell(void)
{
	TimestampTz now;

	if (!active)
		return;
	now = GetCurrentTimestamp();
	if (now - written >= UPDATE_EVERY_MS * INT64CONST(1000))
		WriteSlot(now);
	if (notices && BnaiProgressInterval > 0 && now - own.started >= NOTICE_AFTER_MS * INT64CONST(1000)
		&& now - noticed >= BnaiProgressInterval * INT64CONST(1000))
		SendNotice(now);
}

void
EnterPhase(ProgressPhase phase)
{
	own.phase = phase;
	if (active && phase == PROGRESS_ITERATING)
		own.iterating = GetCurrentTimestamp();
	if (active)
		WriteSlot(own.iterating);
	Tell();
}

void
RecordRows(int64 rows)
{
	own.rows = rows;
	Tell();
}

void
RecordVisits(int64 rows)
{
	own.visits += rows;
	Tell();
}

/* Sweeps until the rest of a geometric sequence of gains is below this, in nats: the default tolerance of networks */
#define ENOUGH 1e-3

/* Estimates how many iterations are left from the last two gains (see ShouldStop). */
static double
RemainingIterations(double gain)
{
	double		ratio = gain / last_gain;

	if (!(gain > 0.0 && ratio > 0.0 && ratio < 1.0))
		return NAN;
	return Max(0.0, log(ENOUGH * (1.0 - ratio) / gain) / log(ratio));
}

void
RecordIteration(int restart, int iteration, double elbo)
{
	if (restart == own.restart && iteration == own.iteration + 1)
	{
		double		gain = elbo - own.elbo;

		own.remaining = RemainingIterations(gain);
		last_gain = gain;
	}
	else
		own.remaining = NAN;
	own.restart = restart;
	own.iteration = iteration;
	own.elbo = elbo;
	Tell();
}

/* --- ends by errors --- */

static void
EndWithTransaction(XactEvent event, void *arg)
{
	if (active && event == XACT_EVENT_ABORT)
		EndProgress();
}

static void
EndWithSubtransaction(SubXactEvent event, SubTransactionId sub, SubTransactionId parent, void *arg)
{
	if (active && event == SUBXACT_EVENT_ABORT_SUB && GetCurrentTransactionNestLevel() <= level)
		EndProgress();
}

void
InitProgress(void)
{
	RowsAppended = RecordRows;
	RegisterXactCallback(EndWithTransaction, NULL);
	RegisterSubXactCallback(EndWithSubtransaction, NULL);
}

/* --- bnai_progress --- */

/* Copies the slots of this database that are in use; returns how many. */
static int
CopySlots(ProgressSlot *slots)
{
	int			n = 0;

	if (!FindTable())
		return 0;
	LWLockAcquire(&table->lock, LW_SHARED);
	for (int s = 0; s < SLOTS; s++)
		if (table->slots[s].pid != 0 && table->slots[s].database == MyDatabaseId)
			slots[n++] = table->slots[s];
	LWLockRelease(&table->lock);
	return n;
}

/* bnai_progress_of(network id): the inferences of a network that are under way; none if who asks may not know. */
Datum
bnai_progress_of(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	int			id = PG_GETARG_INT32(0);
	ProgressSlot slots[SLOTS];
	int			n = CopySlots(slots);

	InitMaterializedSRF(fcinfo, 0);
	for (int s = 0; s < n; s++)
	{
		const ProgressSlot *slot = &slots[s];
		bool		iterating = slot->phase == PROGRESS_ITERATING;
		double		seconds = (GetCurrentTimestamp() - slot->iterating) / 1e6;
		double		remaining = slot->iteration > 0 ? slot->remaining * seconds / slot->iteration : NAN;
		Network    *network;
		Datum		values[] = {Int32GetDatum(slot->pid), CStringGetTextDatum(phase_names[slot->phase]),
			TimestampTzGetDatum(slot->started), Int64GetDatum(slot->rows), Int32GetDatum(slot->restart),
			Int32GetDatum(slot->iteration), Float8GetDatum(slot->elbo), Float8GetDatum(slot->visits / seconds),
			TimestampTzGetDatum(GetCurrentTimestamp() + (int64) (isnan(remaining) ? 0 : remaining * 1e6))};
		bool		nulls[] = {false, false, false, false, slot->iteration == 0, slot->iteration == 0,
		isnan(slot->elbo), !iterating, !iterating || isnan(remaining)};

		if (slot->network != id || BackendPidGetProc(slot->pid) == NULL)
			continue;
		network = LoadUnparsedNetworkById(id, true);
		if (network != NULL && MayReadNetwork(network))
			tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}
