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
 * that counts would conflict with.  So tuples are taken as they come and
 * tested against the snapshot here; the table must be a heap.
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "common/int.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "storage/lock.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "automation/deltas.h"
#include "catalog/relations.h"

/* Rows that one fold replaces at most: somebody's statement waits for it */
#define FOLD_ROWS 2000

/* OID of the table; InvalidOid: to be looked up */
static Oid	delta_relation = InvalidOid;

/* Forgets the OID with the table. */
static void
ForgetRelation(Datum arg, Oid relation)
{
	if (relation == InvalidOid || relation == delta_relation)
		delta_relation = InvalidOid;
}

/* Opens the table; looking its schema up each time would take longer than to insert. */
static Relation
OpenDeltas(LOCKMODE mode)
{
	static bool registered = false;

	if (!registered)
	{
		CacheRegisterRelcacheCallback(ForgetRelation, (Datum) 0);
		registered = true;
	}
	if (!OidIsValid(delta_relation))
		delta_relation = CatalogRelation("bnai_count");
	return table_open(delta_relation, mode);
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
	Datum		values[] = {Int32GetDatum(network), Int64GetDatum(n)};
	bool		nulls[] = {false, false};
	HeapTuple	tuple = heap_form_tuple(RelationGetDescr(relation), values, nulls);

	simple_heap_insert(relation, tuple);
	heap_freetuple(tuple);
}

/* Adds to a network's counter. */
void
AppendDelta(int network, int64 n)
{
	Relation	relation = OpenDeltas(RowExclusiveLock);

	AppendRow(relation, network, n);
	table_close(relation, NoLock);
}

/* Returns the next row that the snapshot sees, or NULL. */
static HeapTuple
NextRow(TableScanDesc scan, Snapshot snapshot)
{
	HeapTuple	tuple;

	while ((tuple = heap_getnext(scan, ForwardScanDirection)) != NULL)
	{
		Buffer		buffer = ((HeapScanDesc) scan)->rs_cbuf;
		bool		visible;

		LockBuffer(buffer, BUFFER_LOCK_SHARE);
		visible = HeapTupleSatisfiesVisibility(tuple, snapshot, buffer);
		LockBuffer(buffer, BUFFER_LOCK_UNLOCK);
		if (visible)
			break;
	}
	return tuple;
}

/* Reads a row. */
static int64
ReadRow(Relation relation, HeapTuple tuple, int *network)
{
	bool		isnull;

	*network = DatumGetInt32(heap_getattr(tuple, COUNT_NETWORK, RelationGetDescr(relation), &isnull));
	return DatumGetInt64(heap_getattr(tuple, COUNT_N, RelationGetDescr(relation), &isnull));
}

/* Returns the sum of a network's rows. */
int64
SumDeltas(int network, Snapshot snapshot)
{
	Relation	relation = OpenDeltas(AccessShareLock);
	TableScanDesc scan = table_beginscan(relation, SnapshotAny, 0, NULL);
	HeapTuple	tuple;
	int64		sum = 0;

	while ((tuple = NextRow(scan, snapshot)) != NULL)
	{
		int			of;
		int64		n = ReadRow(relation, tuple, &of);

		if (of == network)
			sum = AddSaturated(sum, n);
	}
	table_endscan(scan);
	table_close(relation, AccessShareLock);
	return sum;
}

typedef struct FoldedSum
{
	int			network;
	int64		sum;
} FoldedSum;

/* Deletes rows that the snapshot sees and adds them up. */
static void
DeleteRows(Relation relation, Snapshot snapshot, HTAB *sums)
{
	TableScanDesc scan = table_beginscan(relation, SnapshotAny, 0, NULL);
	HeapTuple	tuple;

	for (int i = 0; i < FOLD_ROWS && (tuple = NextRow(scan, snapshot)) != NULL; i++)
	{
		ItemPointerData tid = tuple->t_self;
		int			network;
		int64		n = ReadRow(relation, tuple, &network);
		bool		found;
		FoldedSum *folded = hash_search(sums, &network, HASH_ENTER, &found);

		folded->sum = found ? AddSaturated(folded->sum, n) : n;
		simple_heap_delete(relation, &tid);
	}
	table_endscan(scan);
}

/* Appends the sums; those of networks that are gone go with them. */
static void
AppendSums(Relation relation, HTAB *sums)
{
	HASH_SEQ_STATUS status;
	FoldedSum *folded;

	hash_seq_init(&status, sums);
	while ((folded = hash_seq_search(&status)) != NULL)
	{
		if (folded->sum != 0)
			AppendRow(relation, folded->network, folded->sum);
	}
}

/*
 * Folds the rows.  The lock is held until the end of the transaction, so that
 * no row is ever deleted by two; who does not get it leaves the rows to
 * somebody else.
 */
void
FoldDeltas(void)
{
	HASHCTL		control = {.keysize = sizeof(int), .entrysize = sizeof(FoldedSum), .hcxt = CurrentMemoryContext};
	Relation	relation = OpenDeltas(RowExclusiveLock);
	LOCKTAG		tag;

	SET_LOCKTAG_OBJECT(tag, MyDatabaseId, RelationGetRelid(relation), 0, 0);
	if (LockAcquire(&tag, ExclusiveLock, false, true) != LOCKACQUIRE_NOT_AVAIL)
	{
		HTAB	   *sums = hash_create("bnai sums", 16, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
		Snapshot	snapshot;

		CommandCounterIncrement();
		snapshot = RegisterSnapshot(GetLatestSnapshot());
		DeleteRows(relation, snapshot, sums);
		UnregisterSnapshot(snapshot);
		AppendSums(relation, sums);
		hash_destroy(sums);
	}
	table_close(relation, NoLock);
}
