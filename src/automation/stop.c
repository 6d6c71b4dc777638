/*
 * stop.c
 *		Stopping inferences: in time, on request, and with the postmaster.
 *
 * While this session infers, a timer looks ten times a second whether it is to
 * stop, and then asks for a cancel as a client would: whatever runs at that
 * moment, the iteration, a query on the source or a trigger, checks for
 * interrupts.  Nobody is signalled from outside, so that a request that comes
 * late cannot hit another statement of the session.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "commands/trigger.h"
#include "miscadmin.h"
#include "storage/latch.h"
#include "storage/pmsignal.h"
#include "utils/rel.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"

#include "automation/stop.h"
#include "catalog/define.h"
#include "catalog/privileges.h"
#include "catalog/relations.h"

PG_FUNCTION_INFO_V1(bnai_cancel);
PG_FUNCTION_INFO_V1(bnai_put_off);
PG_FUNCTION_INFO_V1(bnai_stop_background);

/* How often to look */
#define POLL_MS 100

static TimeoutId timer;
static bool registered = false;
static bool watching = false;
static Counter watched;			/* whose slot has requests */
static TimestampTz began;
static TimestampTz deadline = 0;	/* 0: none */
static StopReason at_deadline;
static bool only_if_waited;
static volatile sig_atomic_t stopped = STOP_NONE;

/* Returns true if the time is over. */
static bool
IsOver(TimestampTz now)
{
	if (deadline == 0 || now < deadline)
		return false;
	return !only_if_waited || (TimestampTz) pg_atomic_read_u64(&AttachShared()->waited_at) > began;
}

/* Returns why to stop now; in a signal handler. */
static StopReason
ReasonNow(TimestampTz now)
{
	const CounterSlot *slot = watched.slot;
	StopReason	asked = STOP_NONE;

	if (slot != NULL)
		asked = HasSlot(watched) ? (StopReason) pg_atomic_read_u32((pg_atomic_uint32 *) &slot->stop) : STOP_ACTION;
	if (asked != STOP_NONE)
		return asked;
	return IsOver(now) ? at_deadline : STOP_NONE;
}

/* Sets the timer. */
static void
SetTimer(TimestampTz now)
{
	int64		ms = POLL_MS;

	if (deadline > now)
		ms = Min(ms, TimestampDifferenceMilliseconds(now, deadline) + 1);
	enable_timeout_after(timer, (int) ms);
}

/* Looks whether to stop; a signal handler. */
static void
Poll(void)
{
	TimestampTz now = GetCurrentTimestamp();
	StopReason	reason = ReasonNow(now);

	if (!watching)
		return;
	if (reason != STOP_NONE)
	{
		stopped = reason;
		InterruptPending = true;
		QueryCancelPending = true;
		SetLatch(MyLatch);
	}
	if (!PostmasterIsAlive())
	{
		InterruptPending = true;
		ProcDiePending = true;
		SetLatch(MyLatch);
	}
	SetTimer(now);
}

/* Begins to look. */
void
WatchForStop(Counter counter)
{
	if (!registered)
		timer = RegisterTimeout(USER_TIMEOUT, Poll);
	registered = true;
	if (!watching)
		stopped = STOP_NONE;
	if (counter.slot != NULL)
		pg_atomic_write_u32(&counter.slot->stop, STOP_NONE);
	watched = counter;
	began = GetCurrentTimestamp();
	watching = true;
	SetTimer(began);
}

/* Ends it.  What the handler asked for and nobody has noticed is not to hit the statement that goes on. */
void
UnwatchForStop(void)
{
	if (!watching)
		return;
	watching = false;
	deadline = 0;
	disable_timeout(timer, false);
	if (stopped != STOP_NONE)
		QueryCancelPending = false;
}

/* Sets a limit for the inference that is under way or about to begin. */
void
StopAt(TimestampTz at, StopReason reason, bool waited)
{
	deadline = at;
	at_deadline = reason;
	only_if_waited = waited;
	if (watching)
		SetTimer(GetCurrentTimestamp());
}

/* Returns why the last inference was stopped. */
StopReason
StoppedBecause(void)
{
	return (StopReason) stopped;
}

/* Returns what to say. */
const char *
StopMessage(StopReason reason)
{
	switch (reason)
	{
		case STOP_ASKED:
			return "stopped by bnai_cancel()";
		case STOP_ACTION:
			return "stopped: the network is no longer inferred in the background";
		case STOP_RECALCULATE_TIMEOUT:
			return "stopped by bnai.recalculate_timeout";
		case STOP_STATEMENT_TIMEOUT:
			return "stopped before statement_timeout";
		case STOP_BACKGROUND_TIMEOUT:
			return "stopped by bnai.background_timeout: other networks were waiting";
		case STOP_NONE:
			break;
	}
	return "not stopped";
}

/* Asks whoever infers the network to stop. */
bool
AskToStop(Counter counter, StopReason reason)
{
	if (!HasSlot(counter) || pg_atomic_read_u64(&counter.slot->running_since) == 0)
		return false;
	pg_atomic_write_u32(&counter.slot->stop, reason);
	return true;
}

/* Runs when a network is no longer to be inferred in the background. */
Datum
bnai_stop_background(PG_FUNCTION_ARGS)
{
	TriggerData *data = (TriggerData *) fcinfo->context;
	bool		isnull;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_BY_UPDATE(data->tg_event) || !TRIGGER_FIRED_FOR_ROW(data->tg_event) ||
		RelationGetRelid(data->tg_relation) != CatalogRelation("bnai_network"))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"bnai_stop_background\" is for bnai's own tables")));
	StopInBackground(DatumGetInt32(heap_getattr(data->tg_newtuple, NETWORK_ID, RelationGetDescr(data->tg_relation), &isnull)));
	return PointerGetDatum(NULL);
}

/* bnai_put_off(network id) */
Datum
bnai_put_off(PG_FUNCTION_ARGS)
{
	Network    *network = LoadUnparsedNetworkById(PG_GETARG_INT32(0), true);
	Counter		counter;

	if (network == NULL || !MayReadNetwork(network))
		PG_RETURN_NULL();
	counter = FindCounter(network->id);
	PG_RETURN_BOOL(HasSlot(counter) && pg_atomic_read_u32(&counter.slot->put_off) != 0);
}

/* bnai_cancel(network): stops the inference that is under way, wherever it runs; false if there is none. */
Datum
bnai_cancel(PG_FUNCTION_ARGS)
{
	Network    *network = LoadUnparsedNetwork(TextArgument(fcinfo, 0, "network"), false);

	CheckMayModifyNetwork(network);
	PG_RETURN_BOOL(AskToStop(FindCounter(network->id), STOP_ASKED));
}
