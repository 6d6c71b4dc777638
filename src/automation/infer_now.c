/*
 * infer_now.c
 *		bnai_infer_now: an inference that commits between its phases.
 *
 * Each phase is a subtransaction and then committed.  One that fails is rolled
 * back, why it failed is recorded in a transaction of its own, as a background
 * worker would, and then the caller gets the error.
 */
#include "postgres.h"

#include "access/xact.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"

#include "automation/attempts.h"
#include "automation/counter.h"
#include "automation/definition.h"
#include "catalog/define.h"
#include "catalog/privileges.h"
#include "inference/infer.h"

PG_FUNCTION_INFO_V1(bnai_infer_now);

/* How it is called in the log */
#define HOW "by bnai_infer_now()"

/* A call of the procedure */
typedef struct InferNow
{
	MemoryContext context;
	const char *name;
	int64		threshold;
	int			id;
	Counter		counter;
	bool		due;			/* the counter calls for an inference */
	Counted		counted;
	Network    *network;		/* as it was loaded */
	Inference  *inference;
	bool		labelling;		/* there may be more rows to label before storing */
	RunSummary	summary;
	ErrorData  *error;			/* of the phase that failed */
} InferNow;

typedef void (*Phase) (InferNow *now);

/* Raises an error where the procedure could not commit. */
static void
CheckMayCommit(FunctionCallInfo fcinfo)
{
	if (fcinfo->context != NULL && IsA(fcinfo->context, CallContext) &&
		!castNode(CallContext, fcinfo->context)->atomic && !IsSubTransaction())
		return;
	ereport(ERROR,
			(errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
			 errmsg("bnai_infer_now() cannot run inside a transaction block or function"),
			 errdetail("It commits between loading and storing."),
			 errhint("Use bnai_infer(), which does all in one transaction.")));
}

/* Keeps the error that a phase ended with, and takes back what it did. */
static void
KeepError(InferNow *now)
{
	MemoryContextSwitchTo(now->context);
	now->error = CopyErrorData();
	FlushErrorState();
	/* an error of the commit itself has ended the transaction */
	while (IsSubTransaction())
		RollbackAndReleaseCurrentSubTransaction();
}

/* Runs a phase and commits; false if it failed. */
static bool
InTransaction(InferNow *now, Phase phase)
{
	ResourceOwner owner = CurrentResourceOwner;
	bool		succeeded = true;

	PG_TRY();
	{
		BeginInternalSubTransaction(NULL);
		MemoryContextSwitchTo(now->context);
		phase(now);
		ReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(now->context);
		CurrentResourceOwner = owner;
		SPI_commit();
	}
	PG_CATCH();
	{
		KeepError(now);
		succeeded = false;
	}
	PG_END_TRY();
	MemoryContextSwitchTo(now->context);
	return succeeded;
}

/* Takes the lock that allows one inference, and sees whether the counter calls for one. */
static void
Begin(InferNow *now)
{
	Network    *network = LoadUnparsedNetwork(now->name, false);
	int64		value;

	CheckMayInferNetwork(network);
	LockInferenceForSession(network->id, false);
	now->id = network->id;
	/* what it is now: this may have waited */
	network = LoadLatestUnparsedNetwork(now->name);
	CheckMayInferNetwork(network);
	if (network->id != now->id)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("network \"%s\" was replaced by another one", now->name)));
	now->counter = FindCounter(now->id);
	value = CounterValue(CounterNow(now->counter));
	now->due = value >= now->threshold;
	if (!now->due)
		return;
	(void) RecordInterruption(now->id);
	RecordStart(now->id);
	LogStart(now->name, HOW, value);
}

/* Prepares to read and write for the network; another session may have changed it since the phase before. */
static void
LockForPhase(const InferNow *now)
{
	LockNetwork(now->id, false);
	PushActiveSnapshot(GetTransactionSnapshot());
}

/* Raises an error if the network is not what was loaded, or no longer the current user's to infer. */
static void
CheckStillSame(const InferNow *now)
{
	CheckMayInferNetwork(CheckSameDefinition(now->network, now->counter));
}

/* Loads. */
static void
Load(InferNow *now)
{
	LockForPhase(now);
	now->network = LoadNetworkById(now->id, false);
	CheckMayInferNetwork(now->network);
	/* before the rows: what is counted was seen */
	now->counted = CounterNow(now->counter);
	now->inference = LoadInference(now->network, ASKED_BY_COUNTER, true);
	PopActiveSnapshot();
}

/* Iterates; there is no snapshot, so that vacuum goes on. */
static void
Iterate(InferNow *now)
{
	IterateInference(now->inference);
}

/* Labels a batch of rows. */
static void
Label(InferNow *now)
{
	LockForPhase(now);
	CheckStillSame(now);
	now->labelling = LabelInAdvance(now->inference);
	PopActiveSnapshot();
}

/* Labels the rows of a large table, a transaction for each batch; false if it failed. */
static bool
LabelBatches(InferNow *now)
{
	do
	{
		if (!InTransaction(now, Label))
			return false;
	} while (now->labelling);
	return true;
}

/* Stores. */
static void
Store(InferNow *now)
{
	LockForPhase(now);
	CheckStillSame(now);
	now->summary = StoreInference(now->inference);
	TakeOffCounter(now->counter, now->counted);
	RecordSuccess(now->id);
	PopActiveSnapshot();
}

/* Records the failure, unless the network went with the extension. */
static void
RecordError(InferNow *now)
{
	PushActiveSnapshot(GetTransactionSnapshot());
	if (LockInstallation(now->counter))
		RecordFailure(now->id, 0, now->error->sqlerrcode, now->error->message);
	PopActiveSnapshot();
}

/* Records and logs why it failed, and raises the error. */
static void
Fail(InferNow *now)
{
	ErrorData  *error = now->error;

	LogFailure(now->name, HOW, error);
	if (!InTransaction(now, RecordError))
		ereport(LOG_SERVER_ONLY,
				(errmsg("could not record that the inference of network \"%s\" failed: %s", now->name,
						now->error->message)));
	ReThrowError(error);
}

/* Infers, if the counter calls for it. */
static void
RunPhases(InferNow *now)
{
	if (!InTransaction(now, Begin))
		ReThrowError(now->error);
	if (!now->due)
		return;
	inference_hook(now->id, true);
	if (!(InTransaction(now, Load) && InTransaction(now, Iterate) && LabelBatches(now) && InTransaction(now, Store)))
		Fail(now);
	EndInference(now->inference);
	inference_hook(now->id, false);
	LogSuccess(now->name, HOW, &now->summary);
}

/* CALL bnai_infer_now(network, threshold) */
Datum
bnai_infer_now(PG_FUNCTION_ARGS)
{
	InferNow	now = {.threshold = PG_ARGISNULL(1) ? PG_INT64_MIN : PG_GETARG_INT64(1)};
	char	   *name = TextArgument(fcinfo, 0, "network");

	CheckMayCommit(fcinfo);
	PreventWhereReadOnly("bnai_infer_now()");
	now.context = AllocSetContextCreate(PortalContext, "bnai procedure", ALLOCSET_DEFAULT_SIZES);
	now.name = MemoryContextStrdup(now.context, name);
	SPI_connect_ext(SPI_OPT_NONATOMIC);
	PG_TRY();
	{
		RunPhases(&now);
	}
	PG_FINALLY();
	{
		UnlockInferenceForSession();
	}
	PG_END_TRY();
	SPI_finish();
	MemoryContextDelete(now.context);
	PG_RETURN_VOID();
}
