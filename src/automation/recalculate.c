/*
 * recalculate.c
 *		Inferring a network again because enough has changed.
 */
#include "postgres.h"

#include "access/xact.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"

#include "automation/attempts.h"
#include "automation/counter.h"
#include "automation/owner.h"
#include "automation/recalculate.h"
#include "automation/stop.h"
#include "catalog/define.h"
#include "catalog/privileges.h"
#include "compat.h"
#include "guc.h"
#include "inference/infer.h"

PG_FUNCTION_INFO_V1(bnai_recalculate_if_needed);

/* A network that took too long is left alone for so many times as long */
#define REST 20

/* True while this session infers because of a threshold: what that changes calls for no other inference */
static bool recalculating = false;

/* What became of an inference at a threshold */
typedef struct Attempt
{
	bool		put_off;		/* constraints of the transaction wait for its end: nothing was done */
	StopReason	stopped;
	ErrorData  *error;			/* NULL: none */
} Attempt;

/* Infers a network for its owner, unless that would change when constraints fire. */
static void
InferAsOwner(int id, Attempt *attempt)
{
	Network    *network;
	OwnerAccess access;
	RunSummary	summary;

	PushActiveSnapshot(GetTransactionSnapshot());
	network = LoadNetworkById(id, false);
	attempt->put_off = HasDeferredConstraints(network);
	if (!attempt->put_off)
	{
		access = BeginAsOwner(network);
		SPI_connect();
		summary = InferNetwork(network, ASKED_BY_COUNTER, network->owner, NULL);
		SPI_finish();
		EndAsOwner(access);
		RecordSuccess(id, summary.left_out);
	}
	PopActiveSnapshot();
}

/* Returns when the user's own limits end his statement; 0: never. */
static TimestampTz
UsersDeadline(void)
{
	TimestampTz deadline = get_timeout_active(STATEMENT_TIMEOUT) ? get_timeout_finish_time(STATEMENT_TIMEOUT) : 0;
#if PG_VERSION_NUM >= 170000
	TimestampTz transaction = get_timeout_active(TRANSACTION_TIMEOUT) ? get_timeout_finish_time(TRANSACTION_TIMEOUT) : 0;

	if (transaction != 0 && (deadline == 0 || transaction < deadline))
		deadline = transaction;
#endif
	return deadline;
}

/* Returns true for errors that are not the inference's own: somebody wants the statement to end. */
bool
EndsStatement(const ErrorData *error)
{
	return ERRCODE_TO_CATEGORY(error->sqlerrcode) == ERRCODE_OPERATOR_INTERVENTION;
}

/* Returns true for errors that may not happen the next time. */
static bool
MayPass(const ErrorData *error)
{
	return ERRCODE_TO_CATEGORY(error->sqlerrcode) == ERRCODE_TRANSACTION_ROLLBACK ||
		error->sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE;
}

/* Infers in a subtransaction. */
static Attempt
TryInferAsOwner(Counter counter)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	Attempt		attempt = {0};

	WatchForStop(counter);
	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		recalculating = true;
		InferAsOwner(counter.network, &attempt);
		recalculating = false;
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		recalculating = false;
		MemoryContextSwitchTo(context);
		attempt.error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		if (attempt.error->sqlerrcode == ERRCODE_QUERY_CANCELED)
			attempt.stopped = StoppedBecause();
	}
	PG_END_TRY();
	UnwatchForStop();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	return attempt;
}

/*
 * Limits the time of an inference in somebody's transaction: what he does must
 * not fail by it.  Of what his own limits leave him, half is for himself: to
 * take back what was begun, to say so and to end his statement.
 */
static void
LimitTime(void)
{
	TimestampTz now = GetCurrentTimestamp();
	TimestampTz deadline = BnaiRecalculateTimeout > 0 ? TimestampTzPlusMilliseconds(now, BnaiRecalculateTimeout) : 0;
	TimestampTz users = UsersDeadline();

	if (users != 0)
		users = now + (users - now) / 2;
	if (users != 0 && (deadline == 0 || users < deadline))
		StopAt(users, STOP_STATEMENT_TIMEOUT, false);
	else
		StopAt(deadline, STOP_RECALCULATE_TIMEOUT, false);
}

/*
 * Tells what became of the network: the one who counts that it was not
 * inferred, and the server's log and the network's readers why.  Where another
 * session may have written of it since the transaction began, only the log.
 */
static void
ReportFailure(int id, TimestampTz started_at, const ErrorData *error)
{
	Network    *network = LoadUnparsedNetworkById(id, true);
	const char *name = network != NULL ? network->name : "";

	if (!IsolationUsesXactSnapshot())
		RecordFailure(id, started_at, error->sqlerrcode, error->message);
	LogFailure(name, "at its threshold", error);
	ereport(WARNING,
			(errmsg("network \"%s\" could not be inferred at its threshold", name),
			 errhint("bnai_status tells its readers why.")));
}

/* Leaves the network alone for a while: the longer, the more of the user's time it took in vain. */
static void
LeaveAlone(Counter counter, TimestampTz started_at)
{
	TimestampTz now = GetCurrentTimestamp();

	if (HasSlot(counter))
		pg_atomic_write_u64(&counter.slot->wake_after,
							Max(now + REST * (now - started_at), TimestampTzPlusMilliseconds(now, BnaiRetryDelay * 1000)));
}

/*
 * Infers.  What was counted goes off the counter even if that fails, unless the
 * failure was bad luck or a matter of time; false if it was put off.
 */
static bool
InferAndTakeOff(Counter counter, Counted counted)
{
	TimestampTz started_at = GetCurrentTimestamp();
	Attempt		attempt;
	ErrorData  *error;

	TakeOffCounter(counter, counted);
	LimitTime();
	attempt = TryInferAsOwner(counter);
	error = attempt.error;
	if (error == NULL)
	{
		if (attempt.put_off)
			TakeOffCounter(counter, NegateCounted(counted));
		return !attempt.put_off;
	}
	if (attempt.stopped == STOP_NONE && EndsStatement(error))
		ReThrowError(error);
	if (attempt.stopped != STOP_NONE)
	{
		error->message = pstrdup(StopMessage(attempt.stopped));
		LeaveAlone(counter, started_at);
	}
	if (attempt.stopped != STOP_NONE || MayPass(error))
		TakeOffCounter(counter, NegateCounted(counted));
	ReportFailure(counter.network, started_at, error);
	FreeErrorData(error);
	return true;
}

/* Returns true while a network that took too long is left alone. */
static bool
IsLeftAlone(Counter counter)
{
	return HasSlot(counter) && GetCurrentTimestamp() < (TimestampTz) pg_atomic_read_u64(&counter.slot->wake_after);
}

/*
 * Infers if the counter is at the threshold.  Who cannot get the network's
 * locks leaves it to the next one who counts: to wait for an inference, which
 * may wait for our rows, would be a deadlock.
 */
void
RecalculateAtThreshold(Counter counter, int64 threshold)
{
	int			network = counter.network;
	Counted		counted;
	bool		reached;

	if (recalculating || IsLeftAlone(counter) || !CounterMayReach(counter, threshold, true))
		return;
	if (!LockInference(network, true))
		return;
	if (!LockNetwork(network, true))
	{
		UnlockInference(network);
		return;
	}
	counted = CounterNow(counter);
	reached = CounterValue(counted) >= threshold;
	if (reached && InferAndTakeOff(counter, counted))
		return;
	/* nothing was changed under the locks; a worker may need them as soon as the transaction has ended */
	UnlockNetwork(network);
	UnlockInference(network);
	if (reached)
		PutOff(counter, threshold);
}

/*
 * bnai_recalculate_if_needed(network, threshold): infers if at least as much
 * was counted, as the current user; true if it did.
 */
Datum
bnai_recalculate_if_needed(PG_FUNCTION_ARGS)
{
	Network    *network;
	int64		threshold;
	Counted		counted;
	Counter		counter;

	PreventWhereReadOnly("bnai_recalculate_if_needed()");
	network = LoadNetworkToInfer(TextArgument(fcinfo, 0, "network"), false, CheckMayInferNetwork);
	threshold = PG_ARGISNULL(1) ? network->settings.counter_threshold : PG_GETARG_INT64(1);
	if (!PG_ARGISNULL(1) && threshold <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("threshold must be positive, not " INT64_FORMAT, threshold)));
	if (threshold == 0)
	{
		ereport(NOTICE,
				(errmsg("network \"%s\" has no threshold", network->name),
				 errhint("Give one as an argument, or with bnai_set(%s, 'counter_threshold', ...).",
						 quote_literal_cstr(network->name))));
		PG_RETURN_BOOL(false);
	}
	counter = FindCounter(network->id);
	counted = CounterNow(counter);
	if (CounterValue(counted) < threshold)
		PG_RETURN_BOOL(false);
	TakeOffCounter(counter, counted);
	SPI_connect();
	(void) InferNetwork(network, ASKED_BY_COUNTER, InvalidOid, NULL);
	SPI_finish();
	PG_RETURN_BOOL(true);
}
