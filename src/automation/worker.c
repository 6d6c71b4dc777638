/*
 * worker.c
 *		Background workers: one that infers what is due in a database, one that
 *		writes its counts, and a launcher that makes up for missed calls.
 *
 * A worker ends when there is nothing more to do.  One that is to try again
 * later leaves a successor that sleeps before it connects, so that it is in
 * nobody's way: not in that of DROP DATABASE either.  A worker that is killed
 * is started again by the postmaster.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "automation/attempts.h"
#include "automation/background.h"
#include "automation/counter.h"
#include "automation/launch.h"
#include "automation/worker.h"
#include "catalog/privileges.h"
#include "catalog/version.h"
#include "compat.h"
#include "guc.h"

/* How long to leave a network alone that another session infers */
#define BUSY_MS 10000

/* A worker that has written nothing so many times ends */
#define QUIET_FLUSHES 2

/* How often the launcher looks for counts that nobody writes */
#define LAUNCHER_MS 10000

/* True until the worker is connected */
static bool connecting = false;

/* Follows what the postmaster and administrators ask for. */
static void
Heed(void)
{
	CHECK_FOR_INTERRUPTS();
	if (ConfigReloadPending)
	{
		ConfigReloadPending = false;
		ProcessConfigFile(PGC_SIGHUP);
	}
}

/* Sleeps until woken or until the time is over; false if woken. */
static bool
Sleep(int64 ms)
{
	int			events = WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
								   Min(ms, PG_INT32_MAX), PG_WAIT_EXTENSION);

	ResetLatch(MyLatch);
	Heed();
	return (events & WL_LATCH_SET) == 0;
}

/*
 * Ends for good if the worker could not connect: there is no such database
 * any more, or no room.  Any other exit code than 0 would start it again.
 */
static void
EndForGood(int code, Datum arg)
{
	if (connecting && code != 0)
	{
		connecting = false;
		proc_exit(0);
	}
}

/* Becomes the worker of a database; ends if there is one. */
static void
Begin(Oid database, WorkerKind kind)
{
	int			delay_ms;

	memcpy(&delay_ms, MyBgworkerEntry->bgw_extra, sizeof(delay_ms));
	pqsignal(SIGTERM, die);
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	BackgroundWorkerUnblockSignals();
	if (!BecomeWorker(database, kind))
		proc_exit(0);
	if (delay_ms > 0)
	{
		TimestampTz end = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), delay_ms);

		/* a latch is set at the start, and by whatever else a process is told */
		while (!Sleep(TimestampDifferenceMilliseconds(GetCurrentTimestamp(), end)) && !WasWoken())
			;
		while (!StopSleeping())
			(void) Sleep(1000);
	}
	on_proc_exit(EndForGood, (Datum) 0);
	connecting = true;
	BackgroundWorkerInitializeConnectionByOid(database, InvalidOid, 0);
	connecting = false;
}

/* Returns true if the extension is there. */
static bool
ExtensionExists(void)
{
	return OidIsValid(get_extension_oid("bnai", true));
}

/*
 * Begins a transaction of the worker's own; false if the extension is gone, which is not dropped meanwhile, or
 * of another version than the library.
 */
static bool
BeginTransaction(void)
{
	bool		exists;

	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	exists = ExtensionExists() && LockExtension(false) && ExtensionExists() && CatalogVersionFits();
	PushActiveSnapshot(GetTransactionSnapshot());
	return exists;
}

/* Ends it. */
static void
EndTransaction(void)
{
	PopActiveSnapshot();
	CommitTransactionCommand();
	MemoryContextSwitchTo(TopMemoryContext);
}

/* Infers all networks that are due; returns when to look again, in milliseconds, or -1. */
static int64
InferDueNetworks(void)
{
	for (;;)
	{
		int64		delay_ms = -1;
		int			network = 0;

		Heed();
		if (BeginTransaction())
			network = NextDueNetwork(&delay_ms);
		EndTransaction();
		if (network == 0)
			return delay_ms;
		if (!InferInBackground(network))
			return BUSY_MS;
	}
}

/* Infers in one database. */
void
BnaiInferringWorker(Datum database)
{
	int64		delay_ms;

	Begin(DatumGetObjectId(database), WORKER_INFERS);
	do
		delay_ms = InferDueNetworks();
	while (!RetireWorker());
	if (delay_ms >= 0)
		(void) WakeWorkerIn(DatumGetObjectId(database), WORKER_INFERS, (int) Min(delay_ms, PG_INT32_MAX));
	proc_exit(0);
}

/* Writes the counts of one database. */
void
BnaiFlushingWorker(Datum database)
{
	int			quiet = 0;

	Begin(DatumGetObjectId(database), WORKER_FLUSHES);
	do
	{
		TimestampTz begin = GetCurrentTimestamp();
		bool		written;

		/* who wakes it may have changed the interval */
		while (!Sleep(TimestampDifferenceMilliseconds(GetCurrentTimestamp(),
													  TimestampTzPlusMilliseconds(begin, BnaiFlushInterval))))
			;
		/* also without the extension: what was counted for it goes; with another version's it waits for this one's */
		written = (BeginTransaction() || !ExtensionExists()) && FlushCounters();
		EndTransaction();
		quiet = written ? 0 : quiet + 1;
	} while (quiet < QUIET_FLUSHES || !RetireWorker());
	proc_exit(0);
}

/* --- the launcher --- */

/* Sees to the counts of one slot. */
static void
SeeTo(CounterSlot *slot)
{
	Oid			database = slot->database;
	Oid			installation = slot->installation;

	if (!OidIsValid(database))
		return;
	if (!DatabaseExists(database))
		FreeSlot(slot, database, installation);
	else if (pg_atomic_read_u64(&slot->unflushed) != 0)
		(void) WakeWorkerIn(database, WORKER_FLUSHES, 0);
}

/* Looks for counts that nobody writes: there was no room for a worker, or the server was restarted. */
void
BnaiLauncher(Datum unused)
{
	Shared	   *shared = AttachShared();

	pqsignal(SIGTERM, die);
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnection(NULL, NULL, 0);
	for (;;)
	{
		StartTransactionCommand();
		for (int i = 0; i < shared->nslots; i++)
			SeeTo(&shared->slots[i]);
		CommitTransactionCommand();
		(void) Sleep(LAUNCHER_MS);
	}
}

/* Registers the launcher. */
void
InitWorkers(void)
{
	BackgroundWorker worker = {
		.bgw_name = "bnai launcher",
		.bgw_type = "bnai launcher",
		.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION,
		.bgw_start_time = BgWorkerStart_RecoveryFinished,
		.bgw_restart_time = 10,
		.bgw_library_name = "bnai",
		.bgw_function_name = "BnaiLauncher",
	};

	if (process_shared_preload_libraries_in_progress)
		RegisterBackgroundWorker(&worker);
}
