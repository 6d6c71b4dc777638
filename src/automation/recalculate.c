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
#include "utils/timestamp.h"

#include "automation/attempts.h"
#include "automation/counter.h"
#include "automation/owner.h"
#include "automation/recalculate.h"
#include "catalog/define.h"
#include "catalog/privileges.h"
#include "inference/infer.h"

PG_FUNCTION_INFO_V1(bnai_recalculate_if_needed);

/* True while this session infers because of a threshold: what that changes calls for no other inference */
static bool recalculating = false;

/* Infers a network as whoever is responsible for it. */
static void
InferAsOwner(int id)
{
	Network    *network;
	OwnerAccess access;

	PushActiveSnapshot(GetTransactionSnapshot());
	network = LoadNetworkById(id, false);
	access = BeginAsOwner(network);
	SPI_connect();
	(void) InferNetwork(network, ASKED_BY_COUNTER, NULL);
	SPI_finish();
	EndAsOwner(access);
	RecordSuccess(id);
	PopActiveSnapshot();
}

/* Returns true for errors that are not the inference's own: somebody wants the statement to end. */
static bool
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

/* Infers in a subtransaction; returns the error that it ended with, or NULL. */
static ErrorData *
TryInferAsOwner(int network)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	ErrorData  *error = NULL;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		recalculating = true;
		InferAsOwner(network);
		recalculating = false;
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		recalculating = false;
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	return error;
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

/* Infers; what was counted goes off the counter even if that fails, unless the failure was bad luck. */
static void
InferAndTakeOff(Counter counter, Counted counted)
{
	TimestampTz started_at = GetCurrentTimestamp();
	ErrorData  *error;

	TakeOffCounter(counter, counted);
	error = TryInferAsOwner(counter.network);
	if (error == NULL)
		return;
	if (EndsStatement(error))
		ReThrowError(error);
	if (MayPass(error))
		TakeOffCounter(counter, NegateCounted(counted));
	ReportFailure(counter.network, started_at, error);
	FreeErrorData(error);
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

	if (recalculating || !CounterMayReach(counter, threshold, true) || !LockInference(network, true))
		return;
	if (!LockNetwork(network, true))
	{
		UnlockInference(network);
		return;
	}
	counted = CounterNow(counter);
	if (CounterValue(counted) >= threshold)
		InferAndTakeOff(counter, counted);
	else
	{
		UnlockNetwork(network);
		UnlockInference(network);
	}
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
	(void) InferNetwork(network, ASKED_BY_COUNTER, NULL);
	SPI_finish();
	PG_RETURN_BOOL(true);
}
