/*
 * background.c
 *		An inference in transactions of its own.
 *
 * Between loading and storing there is no transaction, so that vacuum goes on
 * and locks are free; only the lock that allows one inference per network is
 * held.  When the time to store has come, the network must be what it was.
 */
#include "postgres.h"

#include "access/xact.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/proc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"

#include "automation/attempts.h"
#include "automation/background.h"
#include "automation/counter.h"
#include "automation/definition.h"
#include "automation/launch.h"
#include "automation/owner.h"
#include "automation/stop.h"
#include "catalog/privileges.h"
#include "guc.h"
#include "inference/infer.h"

/* How it is called in the log */
#define HOW "in the background"

/* An inference in the background */
typedef struct Background
{
	MemoryContext context;
	int			id;
	char	   *name;
	Counter		counter;
	bool		busy;			/* another session infers the network */
	bool		due;
	Counted		counted;
	Network    *network;		/* as it was loaded */
	Inference  *inference;
	bool		labelling;		/* there may be more rows to label before storing */
	RunSummary	summary;
	char	   *error;			/* of the phase that failed */
	int			sqlerrcode;
} Background;

typedef void (*Phase) (Background *background);

/* Keeps the error that a phase ended with. */
static void
KeepError(Background *background)
{
	ErrorData  *error;

	MemoryContextSwitchTo(background->context);
	error = CopyErrorData();
	FlushErrorState();
	AbortCurrentTransaction();
	MemoryContextSwitchTo(background->context);
	if (error->sqlerrcode == ERRCODE_QUERY_CANCELED && StoppedBecause() != STOP_NONE)
		error->message = pstrdup(StopMessage(StoppedBecause()));
	background->error = error->message;
	background->sqlerrcode = error->sqlerrcode;
	LogFailure(background->name, HOW, error);
}

/* Runs a phase in a transaction; false if it failed. */
static bool
InTransaction(Background *background, const char *what, Phase phase)
{
	bool		succeeded = true;

	pgstat_report_activity(STATE_RUNNING, psprintf("bnai: %s network %s", what, background->name));
	PG_TRY();
	{
		SetCurrentStatementStartTimestamp();
		StartTransactionCommand();
		/* the database may have a limit for statements */
		if (StatementTimeout > 0)
			enable_timeout_after(STATEMENT_TIMEOUT, StatementTimeout);
		SPI_connect();
		PushActiveSnapshot(GetTransactionSnapshot());
		MemoryContextSwitchTo(background->context);
		phase(background);
		PopActiveSnapshot();
		SPI_finish();
		CommitTransactionCommand();
	}
	PG_CATCH();
	{
		KeepError(background);
		succeeded = false;
	}
	PG_END_TRY();
	disable_timeout(STATEMENT_TIMEOUT, false);
	MemoryContextSwitchTo(background->context);
	return succeeded;
}

/* Runs the phase that needs no transaction; false if it failed. */
static bool
Iterate(Background *background)
{
	bool		succeeded = true;

	pgstat_report_activity(STATE_RUNNING, psprintf("bnai: inferring network %s", background->name));
	PG_TRY();
	{
		IterateInference(background->inference);
	}
	PG_CATCH();
	{
		KeepError(background);
		succeeded = false;
	}
	PG_END_TRY();
	MemoryContextSwitchTo(background->context);
	return succeeded;
}

/* Takes the lock, and sees whether there is still something to do. */
static void
Begin(Background *background)
{
	Network    *network;
	int64		value;

	if (!LockInferenceForSession(background->id, true))
	{
		background->busy = true;
		return;
	}
	network = LoadUnparsedNetworkById(background->id, true);
	if (network == NULL)
		return;
	background->name = network->name;
	background->counter = FindCounter(network->id);
	value = CounterValue(CounterNow(background->counter));
	background->due = CallsForWorker(network, background->counter) &&
		network->settings.counter_threshold > 0 && value >= network->settings.counter_threshold;
	if (background->due && !ServeOwner(network->owner))
		background->due = false;
	if (background->due && DefaultXactReadOnly)
	{
		/* only this is written, against what the database is set to: else it would be tried again and again */
		XactReadOnly = false;
		RecordFailure(network->id, GetCurrentTimestamp(), ERRCODE_READ_ONLY_SQL_TRANSACTION,
					  "nothing can be stored: default_transaction_read_only is on");
		background->due = false;
	}
	if (background->due && RecordInterruption(network->id))
	{
		ereport(LOG, (errmsg("inference of network \"%s\" was interrupted", network->name)));
		background->due = false;
	}
	if (background->due)
	{
		RecordStart(network->id);
		LogStart(network->name, HOW, value);
		inference_hook(network->id, true);
		if (BnaiBackgroundTimeout > 0)
			StopAt(TimestampTzPlusMilliseconds(GetCurrentTimestamp(), BnaiBackgroundTimeout * INT64CONST(1000)),
				   STOP_BACKGROUND_TIMEOUT, true);
	}
}

/* Loads, for the network's owner. */
static void
Load(Background *background)
{
	OwnerAccess access;

	LockNetwork(background->id, false);
	background->network = LoadNetworkById(background->id, false);
	/* before the rows: what is counted was seen */
	background->counted = CounterNow(background->counter);
	access = BeginAsOwner(background->network);
	background->inference = LoadInference(background->network, ASKED_BY_COUNTER, background->network->owner, true);
	EndAsOwner(access);
}

/* Becomes who owns the network now, to write. */
static OwnerAccess
BeginWriting(Background *background)
{
	Network    *now;

	LockNetwork(background->id, false);
	now = CheckSameDefinition(background->network, background->counter);
	SetDecider(background->inference, now->owner);
	FireConstraintsAtOnce();
	return BeginAsOwner(now);
}

/* Labels a batch of rows, for the network's owner. */
static void
Label(Background *background)
{
	OwnerAccess access = BeginWriting(background);

	background->labelling = LabelInAdvance(background->inference);
	EndAsOwner(access);
}

/* Labels the rows of a large table, so that users' statements and vacuum need not wait for all of them; false if it failed. */
static bool
LabelBatches(Background *background)
{
	do
	{
		if (!InTransaction(background, "labelling", Label))
			return false;
	} while (background->labelling);
	return true;
}

/* Stores, for the network's owner. */
static void
Store(Background *background)
{
	OwnerAccess access = BeginWriting(background);

	background->summary = StoreInference(background->inference);
	EndAsOwner(access);
	TakeOffCounter(background->counter, background->counted);
	RecordSuccess(background->id, background->summary.left_out);
}

/* Records the failure, unless the network went with the extension. */
static void
RecordError(Background *background)
{
	if (LockInstallation(background->counter))
		RecordFailure(background->id, 0, background->sqlerrcode, background->error);
}

/* Infers under the lock. */
static void
InferLocked(Background *background)
{
	if (InTransaction(background, "loading", Load) &&
		Iterate(background) &&
		LabelBatches(background) &&
		InTransaction(background, "storing", Store))
	{
		if (HasSlot(background->counter))
			pg_atomic_write_u32(&background->counter.slot->put_off, 0);
		LogSuccess(background->name, HOW, &background->summary);
	}
	else
	{
		UnwatchForStop();
		(void) InTransaction(background, "recording a failure of", RecordError);
	}
	if (background->inference != NULL)
		EndInference(background->inference);
	inference_hook(background->id, false);
}

/* Infers a network. */
bool
InferInBackground(int network)
{
	Background	background = {.id = network, .name = psprintf("%d", network)};
	bool		locked;

	background.context = AllocSetContextCreate(TopMemoryContext, "bnai background", ALLOCSET_DEFAULT_SIZES);
	if (!InTransaction(&background, "looking at", Begin))
		background.busy = true;
	locked = !background.busy;
	if (locked && background.due)
		InferLocked(&background);
	(void) ServeOwner(InvalidOid);
	if (locked)
		UnlockInferenceForSession();
	pgstat_report_activity(STATE_IDLE, NULL);
	MemoryContextSwitchTo(TopMemoryContext);
	MemoryContextDelete(background.context);
	return !background.busy;
}
