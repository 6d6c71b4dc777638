/*
 * launch.c
 *		Waking workers: who works where stands in shared memory.
 *
 * There is one worker of a kind in a database, and one more that infers as long
 * as the others are in the middle of it, if there is room: one for each owner of
 * networks, so that nobody has all of them.  A worker is started by who has
 * something for it, at commit, when it is too late for errors: no memory is
 * allocated, and a server that has no room for a worker makes it a matter of
 * the next one who counts.
 */
#include "postgres.h"

#include "access/xlog.h"
#include "miscadmin.h"
#include "postmaster/bgworker.h"
#include "storage/ipc.h"
#include "storage/proc.h"
#include "utils/timestamp.h"

#include "automation/launch.h"
#include "guc.h"

/* A worker that has not come up after so long never will */
#define START_TIMEOUT_MS 60000

/* Where there is no room for a worker, it is asked for so often */
#define RETRY_MS 1000

/* Workers that die without being asked to are started again after so many seconds */
#define RESTART_SECONDS 10

static WorkerEntry *self = NULL;

/* Returns true if nobody has or will have the entry. */
static bool
EntryIsFree(const WorkerEntry *entry)
{
	return entry->kind == WORKER_NONE ||
		(entry->pid == 0 && TimestampDifferenceExceeds(entry->since, GetCurrentTimestamp(), START_TIMEOUT_MS));
}

/* Returns the entry of a worker that does not infer now, or NULL; the lock is held. */
static WorkerEntry *
FindEntry(Shared *shared, Oid database, WorkerKind kind)
{
	for (int i = 0; i < MAX_WORKERS; i++)
	{
		WorkerEntry *entry = &shared->workers[i];

		if (entry->kind == kind && entry->database == database && !OidIsValid(entry->owner) && !EntryIsFree(entry))
			return entry;
	}
	return NULL;
}

/* Returns the entry of a worker that has not come up, or NULL; the lock is held. */
static WorkerEntry *
FindStartingEntry(Shared *shared, Oid database, WorkerKind kind)
{
	for (int i = 0; i < MAX_WORKERS; i++)
	{
		WorkerEntry *entry = &shared->workers[i];

		if (entry->kind == kind && entry->database == database && entry->pid == 0 && !EntryIsFree(entry))
			return entry;
	}
	return NULL;
}

/* Has the workers that infer look again afterwards; true if there are any; the lock is held. */
static bool
WakeBusyWorkers(Shared *shared, Oid database, WorkerKind kind)
{
	bool		exist = false;

	for (int i = 0; i < MAX_WORKERS; i++)
	{
		WorkerEntry *entry = &shared->workers[i];

		if (entry->kind != kind || entry->database != database || !OidIsValid(entry->owner) || EntryIsFree(entry))
			continue;
		entry->woken = true;
		exist = true;
	}
	return exist;
}

/* Returns how many workers infer now; the lock is held. */
static int
CountInferring(const Shared *shared)
{
	int			n = 0;

	for (int i = 0; i < MAX_WORKERS; i++)
	{
		const WorkerEntry *entry = &shared->workers[i];

		n += entry->kind == WORKER_INFERS && !entry->sleeping && !EntryIsFree(entry);
	}
	return n;
}

/* Makes an entry, or returns NULL if there are as many workers as there may be; the lock is held. */
static WorkerEntry *
MakeEntry(Shared *shared, Oid database, WorkerKind kind, bool sleeping)
{
	WorkerEntry *entry = NULL;

	for (int i = 0; i < MAX_WORKERS && entry == NULL; i++)
		if (EntryIsFree(&shared->workers[i]))
			entry = &shared->workers[i];
	if (entry == NULL || (kind == WORKER_INFERS && !sleeping && CountInferring(shared) >= BnaiMaxWorkers))
		return NULL;
	*entry = (WorkerEntry) {
		.database = database, .kind = kind, .since = GetCurrentTimestamp(), .sleeping = sleeping
	};
	return entry;
}

/* Asks the postmaster for a worker. */
static bool
StartWorker(Oid database, WorkerKind kind, int delay_ms)
{
	BackgroundWorker worker = {
		.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION,
		.bgw_start_time = BgWorkerStart_RecoveryFinished,
		.bgw_restart_time = RESTART_SECONDS,
		.bgw_library_name = "bnai",
		.bgw_main_arg = ObjectIdGetDatum(database),
	};

	strlcpy(worker.bgw_function_name, kind == WORKER_INFERS ? "BnaiInferringWorker" : "BnaiFlushingWorker", BGW_MAXLEN);
	strlcpy(worker.bgw_name, kind == WORKER_INFERS ? "bnai inference" : "bnai counter", BGW_MAXLEN);
	strlcpy(worker.bgw_type, worker.bgw_name, BGW_MAXLEN);
	memcpy(worker.bgw_extra, &delay_ms, sizeof(delay_ms));
	return RegisterDynamicBackgroundWorker(&worker, NULL);
}

/* Wakes a worker or starts one. */
bool
WakeWorkerIn(Oid database, WorkerKind kind, int delay_ms)
{
	Shared	   *shared = AttachShared();
	WorkerEntry *entry;
	bool		exists;
	bool		busy = false;

	if (shared == NULL || IsBinaryUpgrade || RecoveryInProgress())
		return false;
	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
	entry = FindEntry(shared, database, kind);
	exists = entry != NULL;
	if (exists)
	{
		entry->woken = true;
		if (entry->pid != 0)
			SetLatch(entry->latch);
	}
	else
	{
		busy = WakeBusyWorkers(shared, database, kind);
		entry = MakeEntry(shared, database, kind, delay_ms > 0);
	}
	LWLockRelease(&shared->lock);
	if (!exists && entry == NULL)
		pg_atomic_write_u64(&shared->waited_at, GetCurrentTimestamp());
	if (exists || entry == NULL)
		return exists || busy;
	if (StartWorker(database, kind, delay_ms))
		return true;
	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
	entry->kind = WORKER_NONE;
	LWLockRelease(&shared->lock);
	pg_atomic_write_u64(&shared->waited_at, GetCurrentTimestamp());
	return busy;
}

/* Wakes a worker of this database. */
bool
WakeWorker(WorkerKind kind)
{
	return WakeWorkerIn(MyDatabaseId, kind, 0);
}

/* Returns true if a worker of this database infers; the lock is held. */
static bool
HasBusyWorker(Shared *shared, WorkerKind kind)
{
	for (int i = 0; i < MAX_WORKERS; i++)
		if (shared->workers[i].kind == kind && shared->workers[i].database == MyDatabaseId &&
			OidIsValid(shared->workers[i].owner) && !EntryIsFree(&shared->workers[i]))
			return true;
	return false;
}

/* Returns true if this database has a worker. */
static bool
HasWorker(WorkerKind kind)
{
	Shared	   *shared = AttachShared();
	bool		has;

	if (shared == NULL)
		return false;
	LWLockAcquire(&shared->lock, LW_SHARED);
	has = FindEntry(shared, MyDatabaseId, kind) != NULL || HasBusyWorker(shared, kind);
	LWLockRelease(&shared->lock);
	return has;
}

/* Has the workers of this database that infer look again afterwards; false if there are none. */
static bool
TellBusyWorkers(void)
{
	Shared	   *shared = AttachShared();
	bool		exist;

	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
	exist = WakeBusyWorkers(shared, MyDatabaseId, WORKER_INFERS);
	LWLockRelease(&shared->lock);
	return exist;
}

/*
 * Wakes a worker for a network.  Before it is time a worker sleeps; where none
 * does, since what it slept for went with the extension, one is to.
 */
void
WakeWorkerFor(CounterSlot *slot)
{
	TimestampTz now = GetCurrentTimestamp();
	TimestampTz after = (TimestampTz) pg_atomic_read_u64(&slot->wake_after);

	if (pg_atomic_read_u64(&slot->running_since) != 0 && TellBusyWorkers())
		return;
	if (now < after)
	{
		if (!HasWorker(WORKER_INFERS))
			(void) WakeWorkerIn(MyDatabaseId, WORKER_INFERS,
								(int) Min(TimestampDifferenceMilliseconds(now, after) + 1, PG_INT32_MAX));
		return;
	}
	if (!WakeWorker(WORKER_INFERS))
		pg_atomic_write_u64(&slot->wake_after, TimestampTzPlusMilliseconds(now, RETRY_MS));
}

/* Wakes a worker of this database, or starts one that looks soon: not one for each who asks. */
void
WakeWorkerSoon(void)
{
	if (!HasWorker(WORKER_INFERS))
		(void) WakeWorkerIn(MyDatabaseId, WORKER_INFERS, RETRY_MS);
}

/* Frees the entry of a worker that ends, however it does. */
static void
LeaveEntry(int code, Datum arg)
{
	Shared	   *shared = AttachShared();

	if (self == NULL)
		return;
	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
	self->kind = WORKER_NONE;
	LWLockRelease(&shared->lock);
	self = NULL;
}

/* Makes this process the worker. */
bool
BecomeWorker(Oid database, WorkerKind kind)
{
	Shared	   *shared = AttachShared();
	WorkerEntry *entry;

	if (shared == NULL)
		return false;
	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
	entry = FindStartingEntry(shared, database, kind);
	/* started again by the postmaster, or its entry was given up */
	if (entry == NULL && FindEntry(shared, database, kind) == NULL)
		entry = MakeEntry(shared, database, kind, false);
	if (entry != NULL && entry->pid == 0)
	{
		entry->pid = MyProcPid;
		entry->latch = MyLatch;
		entry->since = GetCurrentTimestamp();
		self = entry;
	}
	LWLockRelease(&shared->lock);
	if (self != NULL)
		before_shmem_exit(LeaveEntry, (Datum) 0);
	return self != NULL;
}

/* Returns true if somebody has something for this worker. */
bool
WasWoken(void)
{
	Shared	   *shared = AttachShared();
	bool		woken;

	LWLockAcquire(&shared->lock, LW_SHARED);
	woken = self->woken;
	LWLockRelease(&shared->lock);
	return woken;
}

/* Ends sleeping, if there is room for one more worker that does not. */
bool
StopSleeping(void)
{
	Shared	   *shared = AttachShared();

	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
	if (CountInferring(shared) < BnaiMaxWorkers)
		self->sleeping = false;
	LWLockRelease(&shared->lock);
	if (self->sleeping)
		pg_atomic_write_u64(&shared->waited_at, GetCurrentTimestamp());
	return !self->sleeping;
}

/* Returns true if another worker of this database infers for an owner; the lock is held. */
static bool
OwnerIsServed(Shared *shared, Oid owner)
{
	for (int i = 0; i < MAX_WORKERS; i++)
	{
		WorkerEntry *entry = &shared->workers[i];

		if (entry != self && entry->kind == WORKER_INFERS && entry->database == MyDatabaseId && entry->owner == owner &&
			OidIsValid(owner) && !EntryIsFree(entry))
			return true;
	}
	return false;
}

/* Says whose network this worker infers. */
bool
ServeOwner(Oid owner)
{
	Shared	   *shared = AttachShared();
	bool		served;

	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
	served = OwnerIsServed(shared, owner);
	if (!served)
		self->owner = owner;
	LWLockRelease(&shared->lock);
	return !served;
}

/* Returns true if another worker does. */
bool
IsServed(Oid owner)
{
	Shared	   *shared = AttachShared();
	bool		served;

	LWLockAcquire(&shared->lock, LW_SHARED);
	served = OwnerIsServed(shared, owner);
	LWLockRelease(&shared->lock);
	return served;
}

/* Ends being a worker; who woke it meanwhile must not be disappointed. */
bool
RetireWorker(void)
{
	Shared	   *shared = AttachShared();
	bool		woken;

	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
	woken = self->woken;
	self->woken = false;
	if (!woken)
		self->kind = WORKER_NONE;
	LWLockRelease(&shared->lock);
	if (!woken)
		self = NULL;
	return !woken;
}
