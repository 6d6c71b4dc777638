/*
 * infer_now.c
 *		bnai_infer_now and bnai_run_schedule: an inference that commits between
 *		its phases.
 *
 * The first is the caller's, as any statement of his.  The second is what jobs
 * of pg_cron call: whose network it is has not asked for it now, so it is
 * inferred as at a threshold (owner.c).  A superuser's call of the first is,
 * too: what others have put on their tables is not to run as him.
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
#include "automation/owner.h"
#include "automation/schedule.h"
#include "automation/stop.h"
#include "catalog/define.h"
#include "catalog/privileges.h"
#include "inference/infer.h"

PG_FUNCTION_INFO_V1(bnai_infer_now);
PG_FUNCTION_INFO_V1(bnai_run_schedule);


/* A call of the procedure */
typedef struct InferNow
{
	MemoryContext context;
	const char *how;			/* it is called, for the log */
	const char *name;			/* of the network; NULL: it is known by its id */
	int64		threshold;
	int			id;
	bool		scheduled;		/* nobody asked for it */
	Oid			decider;		/* see inference/roles.h */
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
CheckMayCommit(FunctionCallInfo fcinfo, const char *procedure)
{
	if (fcinfo->context != NULL && IsA(fcinfo->context, CallContext) &&
		!castNode(CallContext, fcinfo->context)->atomic && !IsSubTransaction())
		return;
	ereport(ERROR,
			(errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
			 errmsg("%s cannot run inside a transaction block or function", procedure),
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
	if (now->error->sqlerrcode == ERRCODE_QUERY_CANCELED && StoppedBecause() != STOP_NONE)
		now->error->message = pstrdup(StopMessage(StoppedBecause()));
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

/* Takes the lock that allows one inference of a network that the caller may infer. */
static void
BeginByName(InferNow *now)
{
	Network    *network = LoadUnparsedNetwork(now->name, false);

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
}

/* Returns true if the network has a schedule that is this session's role's; gets its name and threshold. */
static bool
IsScheduled(InferNow *now)
{
	Network    *network;

	PushActiveSnapshot(GetLatestSnapshot());
	network = LoadUnparsedNetworkById(now->id, true);
	if (network != NULL && FindSchedule(now->id, GetSessionUserId(), &now->threshold))
		now->name = MemoryContextStrdup(now->context, network->name);
	PopActiveSnapshot();
	return now->name != NULL;
}

/* Takes the lock that allows one inference, and sees whether the counter calls for one. */
static void
Begin(InferNow *now)
{
	int64		value;

	if (now->scheduled)
	{
		LockInferenceForSession(now->id, false);
		if (!IsScheduled(now))
			return;
	}
	else
		BeginByName(now);
	now->counter = FindCounter(now->id);
	value = CounterValue(CounterNow(now->counter));
	now->due = value >= now->threshold;
	if (!now->due)
		return;
	(void) RecordInterruption(now->id);
	RecordStart(now->id);
	LogStart(now->name, now->how, value);
}

/* Prepares to read and write for the network; another session may have changed it since the phase before. */
static void
LockForPhase(const InferNow *now)
{
	LockNetwork(now->id, false);
	PushActiveSnapshot(GetTransactionSnapshot());
}

/* Raises an error if the network is not the current user's to infer; says for whom it is inferred. */
static void
CheckMayInfer(InferNow *now, const Network *network)
{
	if (now->scheduled)
		now->decider = network->owner;
	else
	{
		CheckMayInferNetwork(network);
		now->decider = superuser() ? GetUserId() : InvalidOid;
	}
}

/* Runs what reads or writes, for the decider if there is one: a transaction between the user's has no constraints of his. */
static void
RunFor(InferNow *now, const Network *network, void (*work) (InferNow *now))
{
	OwnerAccess access;

	if (!OidIsValid(now->decider) && !now->scheduled)
	{
		work(now);
		return;
	}
	FireConstraintsAtOnce();
	access = BeginAsOwner(network);
	work(now);
	EndAsOwner(access);
}

/* Prepares to write: an error if the network is not what was loaded. */
static const Network *
CheckStillSame(InferNow *now)
{
	const Network *network = CheckSameDefinition(now->network, now->counter);

	CheckMayInfer(now, network);
	SetDecider(now->inference, now->decider);
	return network;
}

/* Reads the rows. */
static void
LoadNow(InferNow *now)
{
	now->inference = LoadInference(now->network, ASKED_BY_COUNTER, now->decider, true);
}

/* Loads. */
static void
Load(InferNow *now)
{
	LockForPhase(now);
	now->network = LoadNetworkById(now->id, false);
	CheckMayInfer(now, now->network);
	/* before the rows: what is counted was seen */
	now->counted = CounterNow(now->counter);
	RunFor(now, now->network, LoadNow);
	PopActiveSnapshot();
}

/* Iterates; there is no snapshot, so that vacuum goes on. */
static void
Iterate(InferNow *now)
{
	IterateInference(now->inference);
}

/* Writes the labels of a batch. */
static void
LabelNow(InferNow *now)
{
	now->labelling = LabelInAdvance(now->inference);
}

/* Labels a batch of rows. */
static void
Label(InferNow *now)
{
	LockForPhase(now);
	RunFor(now, CheckStillSame(now), LabelNow);
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

/* Writes the run and the labels that are left. */
static void
StoreNow(InferNow *now)
{
	now->summary = StoreInference(now->inference);
}

/* Stores. */
static void
Store(InferNow *now)
{
	LockForPhase(now);
	RunFor(now, CheckStillSame(now), StoreNow);
	TakeOffCounter(now->counter, now->counted);
	RecordSuccess(now->id, now->summary.left_out);
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

	LogFailure(now->name, now->how, error);
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
	LogSuccess(now->name, now->how, &now->summary);
}

/* Infers, and gives the lock back. */
static void
Run(InferNow *now)
{
	SPI_connect_ext(SPI_OPT_NONATOMIC);
	PG_TRY();
	{
		RunPhases(now);
	}
	PG_FINALLY();
	{
		UnlockInferenceForSession();
	}
	PG_END_TRY();
	SPI_finish();
	MemoryContextDelete(now->context);
}

/* CALL bnai_infer_now(network, threshold) */
Datum
bnai_infer_now(PG_FUNCTION_ARGS)
{
	InferNow	now = {
		.how = "by bnai_infer_now()",
		.threshold = PG_ARGISNULL(1) ? PG_INT64_MIN : PG_GETARG_INT64(1)
	};
	char	   *name = TextArgument(fcinfo, 0, "network");

	CheckMayCommit(fcinfo, "bnai_infer_now()");
	PreventWhereReadOnly("bnai_infer_now()");
	now.context = AllocSetContextCreate(PortalContext, "bnai procedure", ALLOCSET_DEFAULT_SIZES);
	now.name = MemoryContextStrdup(now.context, name);
	Run(&now);
	PG_RETURN_VOID();
}

/* CALL bnai_run_schedule(network id): does nothing but for the role that has scheduled the network. */
Datum
bnai_run_schedule(PG_FUNCTION_ARGS)
{
	InferNow	now = {.how = "by its schedule", .scheduled = true};

	if (PG_ARGISNULL(0))
		PG_RETURN_VOID();
	now.id = PG_GETARG_INT32(0);
	CheckMayCommit(fcinfo, "bnai_run_schedule()");
	PreventWhereReadOnly("bnai_run_schedule()");
	now.context = AllocSetContextCreate(PortalContext, "bnai procedure", ALLOCSET_DEFAULT_SIZES);
	Run(&now);
	PG_RETURN_VOID();
}
