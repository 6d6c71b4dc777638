/*
 * deltas.c
 *		The counters on disk: an append-only table of differences.
 *
 * A counter that is one row, updated by whoever counts, makes sessions wait
 * for each other, deadlocks their transactions and breaks those that are
 * REPEATABLE READ.  Here whoever counts appends a row, and the counter is the
 * sum.  An inference takes what it saw off with a negative row.  Now and then
 * somebody replaces the rows by their sum, under a lock that nobody waits for.
 *
 * The table is read and written below SQL: the role that inserts into a
 * watched table has no rights here, and a read through the executor would
 * leave predicate locks in a SERIALIZABLE transaction that every other one
 * that counts would conflict with.  So pages are read here and tuples tested
 * against the snapshot; the table must be a heap.
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "commands/extension.h"
#include "common/int.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "storage/lmgr.h"
#include "storage/lock.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "automation/deltas.h"
#include "catalog/relations.h"

/* Rows that one fold replaces at most, and pages that it looks at: somebody's statement waits for it */
#define FOLD_ROWS 2000
#define FOLD_PAGES 64

/* OID of the table; InvalidOid: to be looked up */
static Oid	delta_relation = InvalidOid;

/* Forgets the OID with the table. */
static void
ForgetRelation(Datum arg, Oid relation)
{
	if (relation == InvalidOid || relation == delta_relation)
		delta_relation = InvalidOid;
}

/* Returns the OID of the table; looking its schema up each time would take longer than to insert. */
Oid
DeltaRelation(void)
{
	static bool registered = false;

	Assert(IsTransactionState());
	if (!registered)
	{
		CacheRegisterRelcacheCallback(ForgetRelation, (Datum) 0);
		registered = true;
	}
	if (!OidIsValid(delta_relation) && OidIsValid(get_extension_oid("bnai", true)))
		delta_relation = CatalogRelation("bnai_count");
	return delta_relation;
}

/* Returns true if the table is there. */
bool
DeltasExist(Oid deltas)
{
	return SearchSysCacheExists1(RELOID, ObjectIdGetDatum(deltas));
}

/* Opens the table; NULL: it is gone. */
static Relation
OpenDeltas(Oid deltas, LOCKMODE mode)
{
	return OidIsValid(deltas) ? try_table_open(deltas, mode) : NULL;
}

/* Locks the table to be read. */
bool
LockDeltas(Oid deltas, bool nowait)
{
	if (nowait)
		return ConditionalLockRelationOid(deltas, AccessShareLock);
	LockRelationOid(deltas, AccessShareLock);
	return true;
}

/* Gives that lock back. */
void
UnlockDeltas(Oid deltas)
{
	UnlockRelationOid(deltas, AccessShareLock);
}

/* Adds without wrapping around. */
int64
AddSaturated(int64 a, int64 b)
{
	int64		sum;

	if (pg_add_s64_overflow(a, b, &sum))
		return a < 0 ? PG_INT64_MIN : PG_INT64_MAX;
	return sum;
}

/* Appends a row. */
static void
AppendRow(Relation relation, int network, int64 n)
{
	Datum		values[COUNT_RESTORED_BY] = {Int32GetDatum(network), Int64GetDatum(n)};
	bool		nulls[COUNT_RESTORED_BY] = {false, false, true};
	HeapTuple	tuple = heap_form_tuple(RelationGetDescr(relation), values, nulls);

	simple_heap_insert(relation, tuple);
	heap_freetuple(tuple);
}

/* Adds to a network's counter. */
bool
AppendDelta(Oid deltas, int network, int64 n, bool nowait)
{
	Relation	relation;

	if (nowait && !ConditionalLockRelationOid(deltas, RowExclusiveLock))
		return false;
	relation = OpenDeltas(deltas, nowait ? NoLock : RowExclusiveLock);
	if (relation == NULL)
		return false;
	AppendRow(relation, network, n);
	table_close(relation, NoLock);
	return true;
}

/* A row that a snapshot sees */
typedef struct DeltaRow
{
	ItemPointerData tid;
	int			network;
	int64		n;
} DeltaRow;

/* Reads a row. */
static void
ReadRow(Relation relation, HeapTuple tuple, DeltaRow *row)
{
	bool		isnull;

	row->tid = tuple->t_self;
	row->network = DatumGetInt32(heap_getattr(tuple, COUNT_NETWORK, RelationGetDescr(relation), &isnull));
	row->n = DatumGetInt64(heap_getattr(tuple, COUNT_N, RelationGetDescr(relation), &isnull));
}

/* Reads the rows of a page that the snapshot sees; returns how many. */
static int
ReadPage(Relation relation, BlockNumber block, Snapshot snapshot, BufferAccessStrategy strategy, DeltaRow *rows)
{
	Buffer		buffer = ReadBufferExtended(relation, MAIN_FORKNUM, block, RBM_NORMAL, strategy);
	Page		page = BufferGetPage(buffer);
	int			n = 0;

	LockBuffer(buffer, BUFFER_LOCK_SHARE);
	for (OffsetNumber offset = FirstOffsetNumber; offset <= PageGetMaxOffsetNumber(page); offset++)
	{
		ItemId		item = PageGetItemId(page, offset);
		HeapTupleData tuple;

		if (!ItemIdIsNormal(item))
			continue;
		tuple.t_data = (HeapTupleHeader) PageGetItem(page, item);
		tuple.t_len = ItemIdGetLength(item);
		tuple.t_tableOid = RelationGetRelid(relation);
		ItemPointerSet(&tuple.t_self, block, offset);
		if (HeapTupleSatisfiesVisibility(&tuple, snapshot, buffer))
			ReadRow(relation, &tuple, &rows[n++]);
	}
	UnlockReleaseBuffer(buffer);
	return n;
}

/* Returns the sum of a network's rows. */
int64
SumDeltas(Oid deltas, int network, Snapshot snapshot)
{
	Relation	relation = OpenDeltas(deltas, AccessShareLock);
	BufferAccessStrategy strategy = GetAccessStrategy(BAS_BULKREAD);
	DeltaRow	rows[MaxHeapTuplesPerPage];
	BlockNumber pages = relation == NULL ? 0 : RelationGetNumberOfBlocks(relation);
	int64		sum = 0;

	for (BlockNumber block = 0; block < pages; block++)
	{
		int			n = ReadPage(relation, block, snapshot, strategy, rows);

		CHECK_FOR_INTERRUPTS();
		for (int i = 0; i < n; i++)
			if (rows[i].network == network)
				sum = AddSaturated(sum, rows[i].n);
	}
	FreeAccessStrategy(strategy);
	if (relation != NULL)
		table_close(relation, AccessShareLock);
	return sum;
}

/* The sum of what a fold took away for a network */
typedef struct FoldedSum
{
	int			network;
	int64		sum;
} FoldedSum;

/* Deletes the rows of a page that the snapshot sees and adds them up; returns how many. */
static int
FoldPage(Relation relation, BlockNumber block, Snapshot snapshot, HTAB *sums)
{
	DeltaRow	rows[MaxHeapTuplesPerPage];
	int			n = ReadPage(relation, block, snapshot, NULL, rows);

	for (int i = 0; i < n; i++)
	{
		bool		found;
		FoldedSum  *folded;

		/* restored, and waits for its network */
		if (rows[i].network <= 0)
			continue;
		folded = hash_search(sums, &rows[i].network, HASH_ENTER, &found);
		folded->sum = found ? AddSaturated(folded->sum, rows[i].n) : rows[i].n;
		simple_heap_delete(relation, &rows[i].tid);
	}
	return n;
}

/* Appends the sums. */
static void
AppendSums(Relation relation, HTAB *sums)
{
	HASH_SEQ_STATUS status;
	FoldedSum  *folded;

	hash_seq_init(&status, sums);
	while ((folded = hash_seq_search(&status)) != NULL)
	{
		if (folded->sum != 0)
			AppendRow(relation, folded->network, folded->sum);
	}
}

/* Folds some pages from a block on; returns where to go on the next time. */
static BlockNumber
FoldPages(Relation relation, BlockNumber block)
{
	HASHCTL		control = {.keysize = sizeof(int), .entrysize = sizeof(FoldedSum), .hcxt = CurrentMemoryContext};
	HTAB	   *sums = hash_create("bnai sums", 16, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	BlockNumber pages = RelationGetNumberOfBlocks(relation);
	Snapshot	snapshot;

	CommandCounterIncrement();
	snapshot = RegisterSnapshot(GetLatestSnapshot());
	if (block >= pages)
		block = 0;
	for (int i = 0, folded = 0; i < FOLD_PAGES && block < pages && folded < FOLD_ROWS; i++)
		folded += FoldPage(relation, block++, snapshot, sums);
	UnregisterSnapshot(snapshot);
	AppendSums(relation, sums);
	hash_destroy(sums);
	/* the last page is still being filled */
	return block < pages ? block : 0;
}

/*
 * Folds rows.  The lock is held until the end of the transaction, so that no
 * row is ever deleted by two; who does not get it leaves the rows to somebody
 * else.
 */
BlockNumber
FoldDeltas(Oid deltas, BlockNumber block)
{
	Relation	relation = OpenDeltas(deltas, RowExclusiveLock);
	LOCKTAG		tag;

	if (relation == NULL)
		return 0;
	SET_LOCKTAG_OBJECT(tag, MyDatabaseId, RelationGetRelid(relation), 0, 0);
	if (LockAcquire(&tag, ExclusiveLock, false, true) != LOCKACQUIRE_NOT_AVAIL)
		block = FoldPages(relation, block);
	table_close(relation, NoLock);
	return block;
}
