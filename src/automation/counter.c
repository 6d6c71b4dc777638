/*
 * counter.c
 *		The counter of a network.
 *
 * A count takes effect when its transaction commits, and a rollback, also to a
 * savepoint, takes it away.  Until then it is kept in the session.  Without
 * preloading it is written, before the commit, as a row of the table of
 * differences, one for the whole transaction; shared memory only says when the
 * sum may have reached a threshold.  With preloading it is added to shared
 * memory after the commit, and a worker writes what has come together: a crash
 * costs at most the counts of one interval (bnai.flush_interval).
 *
 * Who has the table to himself may be waiting for a table that the transaction
 * has changed: DROP EXTENSION, which is to drop its triggers.  So the commit
 * does not wait for the table.  When it is not to be had, the count goes to
 * memory, as with preloading, and a worker does the waiting.
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
#include "automation/stop.h"
#include "catalog/network.h"
#include "catalog/privileges.h"
#include "guc.h"

/* Rows appended to the table, by all sessions for one network, between two folds */
#define FOLD_EVERY 1000

/* For so long after a transaction was prepared the total is not relied on */
#define PREPARED_MS (3600 * 1000)

/* What one level of the current transaction has counted */
typedef struct Pending
{
	Counter		counter;
	int			level;
	Counted		counted;		/* what is to become a row, and what is to go to memory */
	int64		wake_at;
	bool		gone;			/* the network was dropped */
	bool		put_off;		/* a worker is to infer */
	bool		stop;			/* no worker is to go on inferring */
} Pending;

static Pending *pending = NULL;
static int	npending = 0;
static int	max_pending = 0;

/* What is to be done after counting */
typedef struct Awaited
{
	bool		flush;			/* what is in memory is to be written */
	bool		inference;		/* a threshold may be reached */
} Awaited;

/* Slots that this session, a worker, is writing to the table */
static bool flushing = false;

/* Finds a network's counter. */
Counter
FindCounter(int network)
{
	Counter		counter = {.installation = DeltaRelation(), .network = network};

	if (OidIsValid(counter.installation))
		counter.slot = FindSlot(counter.installation, network);
	return counter;
}

/* Returns true if the extension is the one that the counter was found in. */
bool
IsOfThisInstallation(Counter counter)
{
	return OidIsValid(counter.installation) && counter.installation == DeltaRelation();
}

/* Returns that, and sees that it stays so. */
bool
LockInstallation(Counter counter)
{
	return IsOfThisInstallation(counter) && LockExtension(false) && IsOfThisInstallation(counter);
}

/* Returns true while the slot is the counter's. */
bool
HasSlot(Counter counter)
{
	return SlotIs(counter.slot, counter.installation, counter.network);
}

/* Returns true if two counters are the same. */
static bool
SameCounter(Counter a, Counter b)
{
	return a.network == b.network && a.installation == b.installation;
}

/* Returns true if counts are collected in memory. */
static bool
CountsInMemory(Counter counter)
{
	return counter.slot != NULL && BnaiFlushInterval > 0 && AttachShared()->in_memory;
}

/* Returns what the current level of the transaction has counted, to be added to. */
static Pending *
PendingCount(Counter counter)
{
	int			level = GetCurrentTransactionNestLevel();

	for (int i = npending - 1; i >= 0 && pending[i].level == level; i--)
		if (SameCounter(pending[i].counter, counter))
			return &pending[i];
	if (npending == max_pending)
	{
		max_pending = Max(16, 2 * max_pending);
		pending = pending == NULL ?
			MemoryContextAlloc(TopMemoryContext, sizeof(Pending) * max_pending) :
			repalloc(pending, sizeof(Pending) * max_pending);
	}
	pending[npending] = (Pending) {.counter = counter, .level = level};
	return &pending[npending++];
}

/* Adds to both parts. */
static void
AddCounted(Counted *sum, Counted counted)
{
	sum->rows = AddSaturated(sum->rows, counted.rows);
	sum->memory = AddSaturated(sum->memory, counted.memory);
}

/* Adds n. */
void
AddToCounter(Counter counter, int64 n, int64 wake_at)
{
	Pending    *count = PendingCount(counter);

	AddCounted(&count->counted, CountsInMemory(counter) ? (Counted) {.memory = n} : (Counted) {.rows = n});
	count->wake_at = wake_at;
}

/* Leaves it to a worker to infer. */
void
PutOff(Counter counter, int64 threshold)
{
	Pending    *count = PendingCount(counter);

	count->put_off = true;
	count->wake_at = threshold;
}

/* Stops an inference in the background. */
void
StopInBackground(int network)
{
	Counter		counter = {.installation = DeltaRelation(), .network = network};

	counter.slot = FindSlotInUse(counter.installation, network);
	if (counter.slot != NULL)
		PendingCount(counter)->stop = true;
}

/* Gives back the slot of a network's counter, if it has one. */
void
ReleaseCounter(int network)
{
	Counter		counter = {.installation = DeltaRelation(), .network = network};

	counter.slot = FindSlotInUse(counter.installation, network);
	if (counter.slot != NULL)
		PendingCount(counter)->gone = true;
}

/* Returns what the current transaction has counted. */
static Counted
OwnCount(Counter counter)
{
	Counted		sum = {0};

	for (int i = 0; i < npending; i++)
		if (SameCounter(pending[i].counter, counter))
			AddCounted(&sum, pending[i].counted);
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
CounterNow(Counter counter)
{
	Counted		counted = OwnCount(counter);
	Counted		committed = {0};
	Snapshot	snapshot;

	if (HasSlot(counter))
	{
		Shared	   *shared = AttachShared();

		LWLockAcquire(&shared->lock, LW_SHARED);
		snapshot = RegisterSnapshot(GetLatestSnapshot());
		committed.memory = MemoryCount(counter.slot, snapshot);
		LWLockRelease(&shared->lock);
	}
	else
		snapshot = RegisterSnapshot(GetLatestSnapshot());
	committed.rows = SumDeltas(counter.installation, counter.network, snapshot);
	UnregisterSnapshot(snapshot);
	AddCounted(&counted, committed);
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
TakeOffCounter(Counter counter, Counted counted)
{
	AddCounted(&PendingCount(counter)->counted, NegateCounted(counted));
}

/*
 * Compares the slot's total with the counter.  Whoever commits meanwhile adds
 * to the total after becoming visible, so that the total can only be too
 * large by this.  Of several sessions that have compared the same total one
 * corrects it.
 */
static int64
CorrectTotal(Counter counter)
{
	CounterSlot *slot = counter.slot;
	uint32		corrections = pg_atomic_read_u32(&slot->corrections);
	int64		total;
	int64		value;

	pg_read_barrier();
	total = (int64) pg_atomic_read_u64(&slot->total);
	value = CounterValue(CounterNow(counter));
	LWLockAcquire(&AttachShared()->lock, LW_EXCLUSIVE);
	if (HasSlot(counter) && pg_atomic_read_u32(&slot->corrections) == corrections)
	{
		pg_atomic_fetch_add_u64(&slot->total, AddSaturated(value, -CounterValue(OwnCount(counter))) - total);
		pg_atomic_fetch_add_u32(&slot->corrections, 1);
		pg_atomic_write_u32(&slot->known, 1);
	}
	LWLockRelease(&AttachShared()->lock);
	return value;
}

/*
 * Returns true if the slot's total cannot be too small.  Nobody adds to it when
 * a prepared transaction is committed.
 */
static bool
TotalIsKnown(CounterSlot *slot)
{
	TimestampTz prepared_at = (TimestampTz) pg_atomic_read_u64(&slot->prepared_at);

	return pg_atomic_read_u32(&slot->known) != 0 &&
		(prepared_at == 0 || TimestampDifferenceExceeds(prepared_at, GetCurrentTimestamp(), PREPARED_MS));
}

/* Returns false if the counter is certainly below the threshold. */
bool
CounterMayReach(Counter counter, int64 threshold, bool nowait)
{
	bool		reaches;

	if (HasSlot(counter) && TotalIsKnown(counter.slot) &&
		AddSaturated((int64) pg_atomic_read_u64(&counter.slot->total), CounterValue(OwnCount(counter))) < threshold)
		return false;
	if (!LockDeltas(counter.installation, nowait))
		return false;
	reaches = (HasSlot(counter) ? CorrectTotal(counter) : CounterValue(CounterNow(counter))) >= threshold;
	UnlockDeltas(counter.installation);
	return reaches;
}

/* Makes the slot's total tell when to wake a worker. */
void
PrepareCounter(Counter counter)
{
	if (!HasSlot(counter) || TotalIsKnown(counter.slot) || !LockDeltas(counter.installation, true))
		return;
	(void) CorrectTotal(counter);
	UnlockDeltas(counter.installation);
}

/* --- the ends of transactions --- */

/* Replaces rows by their sum, now and then. */
static void
Fold(Counter counter)
{
	static uint32 appended = 0;
	CounterSlot *slot = counter.slot;

	if (slot == NULL)
	{
		if (++appended % FOLD_EVERY == 0)
			(void) FoldDeltas(counter.installation, 0);
	}
	else if (pg_atomic_fetch_add_u32(&slot->appended, 1) % FOLD_EVERY == FOLD_EVERY - 1)
		pg_atomic_write_u32(&slot->fold_from,
							FoldDeltas(counter.installation, pg_atomic_read_u32(&slot->fold_from)));
}

/* Writes a row, or leaves it to a worker while somebody has the table to himself. */
static void
WriteOrDefer(Counter counter, Counted *counted)
{
	if (AppendDelta(counter.installation, counter.network, counted->rows, HasSlot(counter)))
		Fold(counter);
	else if (HasSlot(counter))
		*counted = (Counted) {.memory = CounterValue(*counted)};
}

/*
 * Writes what is to be in the table.  A prepared transaction is committed by
 * another session, so what it counts goes to the table, however long that
 * takes; it must not hold the lock of a fold.  What it takes off of what is in
 * memory only is taken from there when it is prepared: in the table it would
 * outlive what it takes off, if the server crashes.
 */
static void
WritePending(bool prepare)
{
	for (int i = 0; i < npending; i++)
	{
		Counter		counter = pending[i].counter;
		Counted    *counted = &pending[i].counted;

		if (prepare && counted->memory > 0)
			*counted = (Counted) {.rows = CounterValue(*counted)};
		if (counted->rows == 0)
			continue;
		if (prepare)
			(void) AppendDelta(counter.installation, counter.network, counted->rows, false);
		else
			WriteOrDefer(counter, counted);
	}
}

/*
 * Adds to what memory holds; true if a worker is to be woken to write it.  There
 * is no launcher without preloading: whoever counts sees whether something is left.
 */
static bool
MustWakeFlusher(CounterSlot *slot, int64 n)
{
	uint64		before = n != 0 ? pg_atomic_fetch_add_u64(&slot->unflushed, n) : pg_atomic_read_u64(&slot->unflushed);

	return before == 0 ? n != 0 : !AttachShared()->in_memory;
}

/*
 * Adds to the slot's total.  What is taken off was visible before this, so that
 * somebody may have corrected the total by it already: it is not to be known.
 */
static void
AddToTotal(CounterSlot *slot, int64 n)
{
	if (n >= 0)
		pg_atomic_fetch_add_u64(&slot->total, n);
	else
		pg_atomic_write_u32(&slot->known, 0);
}

/*
 * Adds to a slot what was counted, unless it has been given to another network;
 * returns what is to be done about it.
 */
static Awaited
AddToSlot(const Pending *count, bool prepare)
{
	Shared	   *shared = AttachShared();
	CounterSlot *slot = count->counter.slot;
	Awaited		awaited = {0};
	bool		has;

	LWLockAcquire(&shared->lock, LW_SHARED);
	has = HasSlot(count->counter);
	if (has && prepare)
	{
		pg_atomic_write_u64(&slot->prepared_at, GetCurrentTimestamp());
		if (count->counted.memory != 0)
			pg_atomic_fetch_add_u64(&slot->unflushed, count->counted.memory);
	}
	else if (has)
	{
		if (count->put_off)
			pg_atomic_write_u32(&slot->put_off, 1);
		if (count->stop)
			pg_atomic_write_u32(&slot->stop, STOP_ACTION);
		AddToTotal(slot, CounterValue(count->counted));
		awaited.flush = MustWakeFlusher(slot, count->counted.memory);
		awaited.inference = count->wake_at > 0 && (int64) pg_atomic_read_u64(&slot->total) >= count->wake_at;
	}
	LWLockRelease(&shared->lock);
	return awaited;
}

/* Counts for good; nothing here may fail. */
static void
CommitPending(bool prepare)
{
	for (int i = 0; i < npending; i++)
	{
		Counter		counter = pending[i].counter;
		Awaited		awaited;

		if (pending[i].gone && !prepare)
		{
			FreeWrittenSlot(counter.slot, counter.installation, counter.network);
			continue;
		}
		if (counter.slot == NULL)
		{
			/* nobody knows the sum: a worker looks, once in a while */
			if (pending[i].wake_at > 0 && !prepare)
				WakeWorkerSoon();
			continue;
		}
		awaited = AddToSlot(&pending[i], prepare);
		if (awaited.flush)
			(void) WakeWorker(WORKER_FLUSHES);
		if (awaited.inference)
			WakeWorkerFor(counter.slot);
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
		case XACT_EVENT_PRE_COMMIT:
		case XACT_EVENT_PRE_PREPARE:
			WritePending(event == XACT_EVENT_PRE_PREPARE);
			return;
		case XACT_EVENT_COMMIT:
		case XACT_EVENT_PREPARE:
			CommitPending(event == XACT_EVENT_PREPARE);
			npending = 0;
			break;
		case XACT_EVENT_ABORT:
			npending = 0;
			break;
		default:
			return;
	}
	if (flushing)
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

		while (j >= 0 && pending[j].level == level && !SameCounter(pending[j].counter, pending[i].counter))
			j--;
		if (j < 0 || pending[j].level != level)
		{
			pending[n] = pending[i];
			pending[n++].level = level;
			continue;
		}
		AddCounted(&pending[j].counted, pending[i].counted);
		pending[j].wake_at = Max(pending[j].wake_at, pending[i].wake_at);
		pending[j].gone |= pending[i].gone;
		pending[j].put_off |= pending[i].put_off;
		pending[j].stop |= pending[i].stop;
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
	Counter		counter;
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
		flushes[n++] = (Flush) {{slot->installation, slot->network, slot}, slot->flushing};
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

/* Writes what is in memory for one network; false if it is gone, or the extension that it was in. */
static bool
WriteFlush(const Flush *flush)
{
	return DeltasExist(flush->counter.installation) && LoadUnparsedNetworkById(flush->counter.network, true) != NULL &&
		AppendDelta(flush->counter.installation, flush->counter.network, flush->n, false);
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
	/* to see all networks that were counted for: who creates one may count in the same transaction */
	PushActiveSnapshot(GetLatestSnapshot());
	for (int i = 0; i < n; i++)
		if (!WriteFlush(&flushes[i]))
			FreeSlot(flushes[i].counter.slot, MyDatabaseId, flushes[i].counter.installation);
	PopActiveSnapshot();
	(void) FoldDeltas(DeltaRelation(), 0);
	pfree(flushes);
	return true;
}
