/*
 * counter.c
 *		The counter of a network.
 *
 * A count takes effect when its transaction commits, and a rollback, also to a
 * savepoint, takes it away.  Without preloading it is a row in the table of
 * differences, and shared memory only says when the sum may have reached a
 * threshold.  With preloading it is added to shared memory at commit, and a
 * worker writes what has come together: a crash costs at most the counts of
 * one interval (bnai.flush_interval).
 *
 * What a reader must not see is a count twice, or not at all, while a worker
 * writes it.  The worker says in which transaction it does; the reader takes
 * its snapshot and reads memory under one lock, and counts what is being
 * written if the snapshot does not see that transaction.
 */
#include "postgres.h"

#include "access/transam.h"
#include "access/xact.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "automation/counter.h"
#include "automation/deltas.h"
#include "automation/launch.h"
#include "catalog/network.h"
#include "guc.h"

/* Rows appended to the table, by all sessions for one network, between two folds */
#define FOLD_EVERY 1000

/* What one level of the current transaction has counted */
typedef struct Pending
{
	CounterSlot *slot;
	int			network;
	int			level;
	int64		total;			/* all of it */
	int64		memory;			/* what is not in a row */
	int64		wake_at;
} Pending;

static Pending *pending = NULL;
static int	npending = 0;
static int	max_pending = 0;

/* Slots that this session, a worker, is writing to the table */
static bool flushing = false;

/* Returns true if counts are collected in memory. */
static bool
CountsInMemory(const CounterSlot *slot)
{
	return slot != NULL && BnaiFlushInterval > 0 && AttachShared()->in_memory;
}

/* Returns what the current level of the transaction has counted, to be added to. */
static Pending *
PendingCount(CounterSlot *slot, int network)
{
	int			level = GetCurrentTransactionNestLevel();

	for (int i = npending - 1; i >= 0 && pending[i].level == level; i--)
		if (pending[i].network == network)
			return &pending[i];
	if (npending == max_pending)
	{
		max_pending = Max(16, 2 * max_pending);
		pending = pending == NULL ?
			MemoryContextAlloc(TopMemoryContext, sizeof(Pending) * max_pending) :
			repalloc(pending, sizeof(Pending) * max_pending);
	}
	pending[npending] = (Pending) {.slot = slot, .network = network, .level = level};
	return &pending[npending++];
}

/* Adds n. */
void
AddToCounter(CounterSlot *slot, int network, int64 n, int64 wake_at)
{
	bool		memory = CountsInMemory(slot);
	Pending    *count = PendingCount(slot, network);

	count->total = AddSaturated(count->total, n);
	count->wake_at = wake_at;
	if (memory)
	{
		count->memory = AddSaturated(count->memory, n);
		return;
	}
	AppendDelta(network, n);
	if (slot == NULL || pg_atomic_fetch_add_u32(&slot->appended, 1) % FOLD_EVERY == FOLD_EVERY - 1)
		FoldDeltas();
}

/* Returns what the current transaction has counted. */
static Pending
OwnCount(int network)
{
	Pending		sum = {.network = network};

	for (int i = 0; i < npending; i++)
	{
		if (pending[i].network != network)
			continue;
		sum.total = AddSaturated(sum.total, pending[i].total);
		sum.memory = AddSaturated(sum.memory, pending[i].memory);
	}
	return sum;
}

/* Returns the count that memory holds for those who see what the snapshot sees; the lock is held. */
static int64
MemoryCount(CounterSlot *slot, Snapshot snapshot)
{
	int64		n = (int64) pg_atomic_read_u64(&slot->unflushed);

	if (slot->flushing != 0 &&
		(XidInMVCCSnapshot(slot->flushing_xid, snapshot) || !TransactionIdDidCommit(slot->flushing_xid)))
		n += slot->flushing;
	return n;
}

/* Reads the counter. */
Counted
CounterNow(CounterSlot *slot, int network)
{
	Counted		counted = {0};
	Snapshot	snapshot;

	if (SlotIs(slot, network))
	{
		Shared	   *shared = AttachShared();

		LWLockAcquire(&shared->lock, LW_SHARED);
		snapshot = RegisterSnapshot(GetLatestSnapshot());
		counted.memory = MemoryCount(slot, snapshot);
		LWLockRelease(&shared->lock);
	}
	else
		snapshot = RegisterSnapshot(GetLatestSnapshot());
	counted.memory = AddSaturated(counted.memory, OwnCount(network).memory);
	counted.rows = SumDeltas(network, snapshot);
	UnregisterSnapshot(snapshot);
	return counted;
}

/* Returns the sum of both parts. */
int64
CounterValue(Counted counted)
{
	return AddSaturated(counted.rows, counted.memory);
}

/* Returns the opposite. */
Counted
NegateCounted(Counted counted)
{
	return (Counted) {.rows = -counted.rows, .memory = -counted.memory};
}

/* Takes off both parts, each where it is: what was written must be taken off for good. */
void
TakeOffCounter(CounterSlot *slot, int network, Counted counted)
{
	Pending    *count = PendingCount(slot, network);

	count->total = AddSaturated(count->total, -CounterValue(counted));
	count->memory = AddSaturated(count->memory, -counted.memory);
	if (counted.rows != 0)
		AppendDelta(network, -counted.rows);
}

/*
 * Compares the slot's total with the counter.  Whoever commits meanwhile adds
 * to the total after becoming visible, so that the total can only be too
 * large by this.
 */
static int64
CorrectTotal(CounterSlot *slot, int network)
{
	int64		total = (int64) pg_atomic_read_u64(&slot->total);
	int64		value;

	CommandCounterIncrement();
	value = CounterValue(CounterNow(slot, network));
	pg_atomic_fetch_add_u64(&slot->total, AddSaturated(value, -OwnCount(network).total) - total);
	pg_atomic_write_u32(&slot->known, 1);
	return value;
}

/* Returns false if the counter is certainly below the threshold. */
bool
CounterMayReach(CounterSlot *slot, int network, int64 threshold)
{
	if (!SlotIs(slot, network))
	{
		CommandCounterIncrement();
		return CounterValue(CounterNow(NULL, network)) >= threshold;
	}
	if (pg_atomic_read_u32(&slot->known) != 0 &&
		AddSaturated((int64) pg_atomic_read_u64(&slot->total), OwnCount(network).total) < threshold)
		return false;
	return CorrectTotal(slot, network) >= threshold;
}

/* Makes the slot's total tell when to wake a worker. */
void
PrepareCounter(CounterSlot *slot, int network)
{
	if (SlotIs(slot, network) && pg_atomic_read_u32(&slot->known) == 0)
		(void) CorrectTotal(slot, network);
}

/* --- the ends of transactions --- */

/* Counts for good; nothing here may fail. */
static void
CommitPending(void)
{
	for (int i = 0; i < npending; i++)
	{
		Pending    *count = &pending[i];

		if (!SlotIs(count->slot, count->network))
			continue;
		pg_atomic_fetch_add_u64(&count->slot->total, count->total);
		if (count->memory != 0 && pg_atomic_fetch_add_u64(&count->slot->unflushed, count->memory) == 0)
			(void) WakeWorker(WORKER_FLUSHES);
		if (count->wake_at > 0 && (int64) pg_atomic_read_u64(&count->slot->total) >= count->wake_at)
			WakeWorkerFor(count->slot);
	}
}

/* Writes rows for a transaction that another session will commit. */
static void
WritePending(void)
{
	for (int i = 0; i < npending; i++)
	{
		if (pending[i].memory != 0)
			AppendDelta(pending[i].network, pending[i].memory);
		pending[i].memory = 0;
	}
}

/* Says that what was being written is in the table, or takes it back. */
static void
EndFlush(bool committed)
{
	Shared	   *shared = AttachShared();

	flushing = false;
	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
	for (int i = 0; i < shared->nslots; i++)
	{
		CounterSlot *slot = &shared->slots[i];

		if (slot->database != MyDatabaseId || slot->flushing == 0)
			continue;
		if (!committed)
			pg_atomic_fetch_add_u64(&slot->unflushed, slot->flushing);
		slot->flushing = 0;
	}
	LWLockRelease(&shared->lock);
}

/* Runs at the end of a transaction. */
static void
EndTransaction(XactEvent event, void *arg)
{
	switch (event)
	{
		case XACT_EVENT_PRE_PREPARE:
			WritePending();
			break;
		case XACT_EVENT_COMMIT:
		case XACT_EVENT_PREPARE:
			CommitPending();
			npending = 0;
			break;
		case XACT_EVENT_ABORT:
			npending = 0;
			break;
		default:
			return;
	}
	if (flushing && event != XACT_EVENT_PRE_PREPARE)
		EndFlush(event == XACT_EVENT_COMMIT);
}

/* Gives what a subtransaction counted, from `first` on, to its parent. */
static void
MergePending(int first, int level)
{
	int			n = first;

	for (int i = first; i < npending; i++)
	{
		int			j = first - 1;

		while (j >= 0 && pending[j].level == level && pending[j].network != pending[i].network)
			j--;
		if (j < 0 || pending[j].level != level)
		{
			pending[n] = pending[i];
			pending[n++].level = level;
			continue;
		}
		pending[j].total = AddSaturated(pending[j].total, pending[i].total);
		pending[j].memory = AddSaturated(pending[j].memory, pending[i].memory);
		pending[j].wake_at = Max(pending[j].wake_at, pending[i].wake_at);
	}
	npending = n;
}

/* Runs at the end of a subtransaction. */
static void
EndSubtransaction(SubXactEvent event, SubTransactionId sub, SubTransactionId parent, void *arg)
{
	int			level = GetCurrentTransactionNestLevel();
	int			first = npending;

	if (event != SUBXACT_EVENT_COMMIT_SUB && event != SUBXACT_EVENT_ABORT_SUB)
		return;
	while (first > 0 && pending[first - 1].level >= level)
		first--;
	if (event == SUBXACT_EVENT_ABORT_SUB)
		npending = first;
	MergePending(first, level - 1);
}

/* Follows the ends of transactions. */
void
InitCounter(void)
{
	RegisterXactCallback(EndTransaction, NULL);
	RegisterSubXactCallback(EndSubtransaction, NULL);
}

/* --- writing what is in memory --- */

/* What is being written for one network */
typedef struct Flush
{
	CounterSlot *slot;
	int			network;
	int64		n;
} Flush;

/*
 * Takes what is in memory for this database to be written in the current
 * transaction; returns of how many networks.
 */
static int
BeginFlush(Shared *shared, Flush *flushes)
{
	TransactionId xid = GetTopTransactionId();
	int			n = 0;

	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
	flushing = true;
	for (int i = 0; i < shared->nslots; i++)
	{
		CounterSlot *slot = &shared->slots[i];

		if (slot->database != MyDatabaseId || pg_atomic_read_u64(&slot->unflushed) == 0)
			continue;
		slot->flushing = (int64) pg_atomic_exchange_u64(&slot->unflushed, 0);
		slot->flushing_xid = xid;
		flushes[n++] = (Flush) {slot, slot->network, slot->flushing};
	}
	LWLockRelease(&shared->lock);
	return n;
}

/* Returns true if there is something to write for this database. */
static bool
HasUnflushed(Shared *shared)
{
	for (int i = 0; i < shared->nslots; i++)
		if (shared->slots[i].database == MyDatabaseId && pg_atomic_read_u64(&shared->slots[i].unflushed) != 0)
			return true;
	return false;
}

/* Writes what is in memory within the current transaction; counts of networks that are gone go, too. */
bool
FlushCounters(void)
{
	Shared	   *shared = AttachShared();
	Flush	   *flushes;
	int			n;

	if (shared == NULL || !HasUnflushed(shared))
		return false;
	flushes = palloc(sizeof(Flush) * shared->nslots);
	n = BeginFlush(shared, flushes);
	for (int i = 0; i < n; i++)
	{
		if (LoadUnparsedNetworkById(flushes[i].network, true) != NULL)
			AppendDelta(flushes[i].network, flushes[i].n);
		else
			FreeSlot(flushes[i].slot);
	}
	FoldDeltas();
	pfree(flushes);
	return true;
}
