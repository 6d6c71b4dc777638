/*
 * shared.c
 *		The shared memory of counters and workers.
 *
 * A few kilobytes of it can be had without preloading the library: the server
 * keeps some in reserve.  A preloaded library asks for more, and keeps counts
 * that no worker has written yet in a file while the server is down.
 */
#include "postgres.h"

#include <unistd.h>

#include "miscadmin.h"
#include "storage/fd.h"
#include "storage/ipc.h"
#include "storage/shmem.h"
#include "utils/syscache.h"

#include "automation/shared.h"
#include "compat.h"
#include "engine/spare.h"

/* Slots, when there is only the server's reserve and when memory was asked for */
#define SPARE_SLOTS 128
#define PRELOADED_SLOTS 1024

/* Counts at shutdown; written when all sessions have ended, so that it is complete */
#define COUNTS_FILE "pg_stat/bnai.counts"
#define COUNTS_MAGIC 0x626e6132

typedef struct SavedCount
{
	Oid			database;
	Oid			installation;
	int			network;
	int64		n;
} SavedCount;

static Shared *shared = NULL;
static shmem_startup_hook_type next_startup_hook = NULL;
static shmem_request_hook_type next_request_hook = NULL;

/* Returns the size of so many slots. */
static Size
SharedSize(int nslots)
{
	return add_size(offsetof(Shared, slots), mul_size(nslots, sizeof(CounterSlot)));
}

/* Sets up a slot. */
static void
InitSlot(CounterSlot *slot, Oid database, Oid installation, int network)
{
	memset(slot, 0, sizeof(CounterSlot));
	pg_atomic_init_u32(&slot->known, 0);
	pg_atomic_init_u64(&slot->total, 0);
	pg_atomic_init_u32(&slot->corrections, 0);
	pg_atomic_init_u64(&slot->prepared_at, 0);
	pg_atomic_init_u32(&slot->appended, 0);
	pg_atomic_init_u32(&slot->fold_from, 0);
	pg_atomic_init_u64(&slot->unflushed, 0);
	pg_atomic_init_u64(&slot->wake_after, 0);
	pg_atomic_init_u64(&slot->running_since, 0);
	pg_atomic_init_u32(&slot->stop, 0);
	pg_atomic_init_u32(&slot->put_off, 0);
	slot->installation = installation;
	slot->network = network;
	pg_write_barrier();
	slot->database = database;
}

/* Sets up the shared memory of so many slots. */
static void
SetUpShared(Shared *memory, int nslots, bool in_memory)
{
	memset(memory, 0, SharedSize(nslots));
	LWLockInitialize(&memory->lock, LWLockNewTrancheId());
	memory->in_memory = in_memory;
	pg_atomic_init_u64(&memory->waited_at, 0);
	memory->nslots = nslots;
}

static void
InitSpare(void *memory)
{
	SetUpShared(memory, SPARE_SLOTS, false);
}

/*
 * Finds the shared memory.  Its size is the present one, not that of a
 * preloaded library: where that was preloaded, `shared` is inherited.
 */
Shared *
AttachShared(void)
{
	static bool refused = false;

	if (shared != NULL || refused)
		return shared;
	shared = TakeSpareMemory("bnai", SharedSize(SPARE_SLOTS), InitSpare);
	if (shared != NULL)
		LWLockRegisterTranche(shared->lock.tranche, "bnai");
	refused = shared == NULL;
	return shared;
}

/* Returns true while a slot is that network's. */
bool
SlotIs(const CounterSlot *slot, Oid installation, int network)
{
	return slot != NULL && slot->database == MyDatabaseId && slot->installation == installation &&
		slot->network == network;
}

/* Looks for a slot; the lock is held. */
static CounterSlot *
SearchSlot(Oid database, Oid installation, int network)
{
	for (int i = 0; i < shared->nslots; i++)
	{
		CounterSlot *slot = &shared->slots[i];

		if (slot->database == database && slot->installation == installation && slot->network == network)
			return slot;
	}
	return NULL;
}

/* Returns a slot that nobody has; the lock is held. */
static CounterSlot *
FreeSlotOrNull(void)
{
	for (int i = 0; i < shared->nslots; i++)
		if (!OidIsValid(shared->slots[i].database))
			return &shared->slots[i];
	return NULL;
}

/* Finds or makes the slot of a network; the lock is held exclusively. */
static CounterSlot *
MakeSlot(Oid database, Oid installation, int network)
{
	CounterSlot *slot = SearchSlot(database, installation, network);

	if (slot == NULL)
	{
		slot = FreeSlotOrNull();
		if (slot != NULL)
			InitSlot(slot, database, installation, network);
	}
	return slot;
}

bool
DatabaseExists(Oid database)
{
	return SearchSysCacheExists1(DATABASEOID, ObjectIdGetDatum(database));
}

/* Gives a slot back. */
void
FreeSlot(CounterSlot *slot, Oid database, Oid installation)
{
	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
	if (slot->database == database && slot->installation == installation)
		slot->database = InvalidOid;
	LWLockRelease(&shared->lock);
}

/* Gives a slot of this database back if there is nothing in it. */
void
FreeWrittenSlot(CounterSlot *slot, Oid installation, int network)
{
	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
	if (SlotIs(slot, installation, network) && pg_atomic_read_u64(&slot->unflushed) == 0 && slot->flushing == 0)
		slot->database = InvalidOid;
	LWLockRelease(&shared->lock);
}

/*
 * Gives back the slots of databases that are gone, whose sessions are gone,
 * too, and of extensions that were in this one before.
 */
static void
FreeAbandonedSlots(Oid installation)
{
	for (int i = 0; i < shared->nslots; i++)
	{
		CounterSlot *slot = &shared->slots[i];
		Oid			database = slot->database;
		Oid			abandoned = slot->installation;

		if (!OidIsValid(database) || (database == MyDatabaseId ? abandoned == installation : DatabaseExists(database)))
			continue;
		FreeSlot(slot, database, abandoned);
	}
}

/* Finds the slot that a network has. */
CounterSlot *
FindSlotInUse(Oid installation, int network)
{
	CounterSlot *slot;

	if (AttachShared() == NULL)
		return NULL;
	LWLockAcquire(&shared->lock, LW_SHARED);
	slot = SearchSlot(MyDatabaseId, installation, network);
	LWLockRelease(&shared->lock);
	return slot;
}

/* Finds or makes the slot of a network. */
CounterSlot *
FindSlot(Oid installation, int network)
{
	CounterSlot *slot = FindSlotInUse(installation, network);

	if (slot != NULL || shared == NULL)
		return slot;
	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
	slot = MakeSlot(MyDatabaseId, installation, network);
	LWLockRelease(&shared->lock);
	if (slot != NULL)
		return slot;
	FreeAbandonedSlots(installation);
	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
	slot = MakeSlot(MyDatabaseId, installation, network);
	LWLockRelease(&shared->lock);
	return slot;
}

/* --- preloaded --- */

/*
 * Writes the counts that are in memory only; runs in the postmaster when all
 * others have ended.  What a worker was still writing then, whom an immediate
 * shutdown has killed, may be in the table or not: it is the crash that costs it.
 */
static void
SaveCounts(int code, Datum arg)
{
	FILE	   *file;
	uint32		magic = COUNTS_MAGIC;
	bool		written;

	if (code != 0 || shared == NULL)
		return;
	file = AllocateFile(COUNTS_FILE ".tmp", PG_BINARY_W);
	if (file == NULL)
	{
		ereport(LOG, (errcode_for_file_access(), errmsg("could not write file \"%s\": %m", COUNTS_FILE ".tmp")));
		return;
	}
	written = fwrite(&magic, sizeof(magic), 1, file) == 1;
	for (int i = 0; written && i < shared->nslots; i++)
	{
		CounterSlot *slot = &shared->slots[i];
		SavedCount	saved = {slot->database, slot->installation, slot->network, (int64) pg_atomic_read_u64(&slot->unflushed)};

		if (OidIsValid(slot->database) && saved.n != 0)
			written = fwrite(&saved, sizeof(saved), 1, file) == 1;
	}
	written = FreeFile(file) == 0 && written;
	if (written)
		(void) durable_rename(COUNTS_FILE ".tmp", COUNTS_FILE, LOG);
	else
		ereport(LOG, (errcode_for_file_access(), errmsg("could not write file \"%s\": %m", COUNTS_FILE ".tmp")));
}

/* Reads the counts of the last shutdown; after a crash there are none. */
static void
LoadCounts(void)
{
	FILE	   *file = AllocateFile(COUNTS_FILE, PG_BINARY_R);
	uint32		magic;
	SavedCount	saved;

	if (file == NULL)
		return;
	if (fread(&magic, sizeof(magic), 1, file) == 1 && magic == COUNTS_MAGIC)
		while (fread(&saved, sizeof(saved), 1, file) == 1)
		{
			CounterSlot *slot = OidIsValid(saved.database) ?
				MakeSlot(saved.database, saved.installation, saved.network) : NULL;

			if (slot != NULL)
				pg_atomic_write_u64(&slot->unflushed, saved.n);
		}
	FreeFile(file);
	/* read once: what is in memory now would be lost with a crash, and must not come back */
	if (unlink(COUNTS_FILE) != 0)
		ereport(LOG, (errcode_for_file_access(), errmsg("could not remove file \"%s\": %m", COUNTS_FILE)));
}

/* Sets the shared memory up when the server starts. */
static void
StartShared(void)
{
	bool		found;

	if (next_startup_hook)
		next_startup_hook();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	shared = ShmemInitStruct("bnai", SharedSize(PRELOADED_SLOTS), &found);
	if (!found)
		SetUpShared(shared, PRELOADED_SLOTS, true);
	LWLockRelease(AddinShmemInitLock);
	LWLockRegisterTranche(shared->lock.tranche, "bnai");
	if (IsUnderPostmaster)
		return;
	on_shmem_exit(SaveCounts, (Datum) 0);
	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
	LoadCounts();
	LWLockRelease(&shared->lock);
}

/* Asks for it. */
static void
RequestShared(void)
{
	if (next_request_hook)
		next_request_hook();
	RequestAddinShmemSpace(SharedSize(PRELOADED_SLOTS));
}

/* Sets the hooks. */
void
InitShared(void)
{
	if (!process_shared_preload_libraries_in_progress)
		return;
	HookSharedMemoryRequest(RequestShared, next_request_hook);
	next_startup_hook = shmem_startup_hook;
	shmem_startup_hook = StartShared;
}
