/*
 * rowstore.c
 *		Packed rows in memory, and in a file when memory is used up.
 *
 * The chunks in memory are the first ones; they are moved into the frame once.
 * Those in the file stay as they were appended, and are moved into the frame
 * whenever they are read, which costs less than writing them twice.
 */
#include "postgres.h"

#include <math.h>

#include "access/parallel.h"
#include "access/xact.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "guc.h"
#include "compat.h"
#include "ensure.h"
#include "numerics/kernels.h"
#include "source/patterns.h"
#include "source/storage.h"

/* What a chunk takes, about; its rows are a multiple of KERNEL_MAX_ROWS, so that only its last block is short */
#define CHUNK_BYTES (1024 * 1024)
#define MAX_CHUNK_ROWS 8192

/*
 * Columns begin so many doubles later than a power of two would have it: an odd
 * number of cache lines, about a fifth of the lines of a first-level cache's
 * way, so that the blocks of many columns do not fall onto the same lines.
 */
#define STRIDE_PADDING (13 * 8)

/*
 * Rows go to a chunk so many at once: one by one each of their numbers would
 * touch a cache line of its own, and where there are many columns no line would
 * be in the cache any more when the next row comes.
 */
#define STAGED_ROWS 16

#define INITIAL_POINTERS 64

/* Memory is taken in doubling pieces up to this size: giving back many small ones can take seconds */
#define MAX_SLAB_BYTES ((Size) 32 * 1024 * 1024)

void		(*RowsAppended) (int64 rows) = NULL;

/* Private memory of all stores of this process that bnai.work_mem is for */
static Size held = 0;

static int
ChunkRowsFor(int ncolumns)
{
	int			rows = CHUNK_BYTES / (int) sizeof(double) / ncolumns / KERNEL_MAX_ROWS * KERNEL_MAX_ROWS;

	return Min(Max(rows, KERNEL_MAX_ROWS), MAX_CHUNK_ROWS);
}

RowStorage *
CreateStorage(RowStore *store, MemoryContext context, int max_labels)
{
	RowStorage *storage = palloc0(sizeof(RowStorage));

	storage->context = context;
	storage->stride = store->chunk_rows + STRIDE_PADDING;
	storage->chunk_bytes = sizeof(double) * storage->stride * (store->width);
	storage->max_pointers = INITIAL_POINTERS;
	storage->chunks = palloc(sizeof(double *) * INITIAL_POINTERS);
	storage->buffered = -1;
	storage->max_labels = max_labels;
	storage->staged = palloc(sizeof(double) * STAGED_ROWS * store->width);
	return storage;
}

RowStore *
CreateShape(int ncolumns, bool labelled, bool weighted)
{
	static uint64 last_id = 0;
	RowStore   *store = palloc0(sizeof(RowStore));

	store->id = ++last_id;
	store->ncolumns = ncolumns;
	store->labelled = labelled;
	store->weighted = weighted;
	store->width = ncolumns + labelled + weighted;
	store->chunk_rows = ChunkRowsFor(store->width);
	store->frame.dim = ncolumns;
	store->frame.centre = palloc0(sizeof(double) * ncolumns);
	store->frame.scale = palloc(sizeof(double) * ncolumns);
	for (int j = 0; j < ncolumns; j++)
		store->frame.scale[j] = 1.0;
	return store;
}

/* Memory of an inference: three quarters are for the rows, the rest is for a sample of them. */
static Size
WorkMemBytes(void)
{
	return (Size) (BnaiWorkMem < 0 ? maintenance_work_mem : BnaiWorkMem) * 1024;
}

/* Memory for the rows themselves. */
static Size
RowsMemory(void)
{
	return WorkMemBytes() / 4 * 3;
}

/* While a sample is drawn each of its rows is there twice, with a key and a number. */
int64
LargestSample(const RowStore *store)
{
	return WorkMemBytes() / 4 / (sizeof(double) * 2 * (store->width + 1));
}

RowStore *
RowStoreCreate(MemoryContext context, int ncolumns, int max_labels, bool weighted, bool covariances, int64 share_from)
{
	MemoryContext old = MemoryContextSwitchTo(context);
	RowStore   *store = CreateShape(ncolumns, max_labels > 0, weighted);

	store->mean = palloc0(sizeof(double) * ncolumns);
	store->variance = palloc0(sizeof(double) * ncolumns);
	if (covariances)
		store->covariance = palloc_extended(sizeof(double) * ncolumns * ncolumns, MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	store->storage = CreateStorage(store, context, max_labels);
	store->storage->memory_limit = Max(1, (int) Min(RowsMemory() / store->storage->chunk_bytes, INT_MAX));
	store->storage->moments = CreateMoments(ncolumns, covariances);
	if (!IsInParallelMode() && !IsParallelWorker())
		store->storage->share_from = share_from;
	MemoryContextSwitchTo(old);
	return store;
}

RowStore *
RowStoreLike(const RowStore *store, MemoryContext context)
{
	RowStore   *like = RowStoreCreate(context, store->ncolumns, store->storage->max_labels, store->weighted,
									  store->covariance != NULL, 0);

	memcpy(like->frame.centre, store->frame.centre, sizeof(double) * store->ncolumns);
	memcpy(like->frame.scale, store->frame.scale, sizeof(double) * store->ncolumns);
	like->storage->in_frame = true;
	like->storage->memory_limit = INT_MAX;	/* samples are small, and read at random */
	return like;
}

/* --- appending --- */

/* Creates the file that takes the chunks for which there is no memory. */
static void
CreateFile(RowStorage *storage)
{
	if (storage->shared)
	{
		SharedFileSetInit(&storage->shared->fileset, storage->segments[0]);
		storage->shared->has_file = true;
		storage->file = CreateSharedFile(&storage->shared->fileset, "rows");
	}
	else
		storage->file = BufFileCreateTemp(storage->kept);
	if (storage->buffer == NULL)
		storage->buffer = MemoryContextAllocExtended(storage->context, storage->chunk_bytes,
													 MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
}

/* Private memory that is given back with the context that it lies in */
typedef struct HeldMemory
{
	MemoryContextCallback callback;
	Size		bytes;
} HeldMemory;

static void
ReleaseHeld(void *arg)
{
	held -= ((HeldMemory *) arg)->bytes;
}

/* Chunks that bnai.work_mem still has room for, beside those of other stores: the groups of an aggregate share it. */
static int
RoomForChunks(const RowStorage *storage)
{
	Size		limit = RowsMemory();

	return storage->in_frame ? INT_MAX : limit > held ? Min((limit - held) / storage->chunk_bytes, INT_MAX) : 0;
}

/* Takes private memory for some chunks. */
static void
TakeSlab(RowStorage *storage, int chunks)
{
	HeldMemory *memory;

	if (storage->slabs == NULL)
		storage->slabs = AllocSetContextCreate(storage->context, "bnai rows", ALLOCSET_SMALL_SIZES);
	storage->slab_room = chunks;
	storage->slab = MemoryContextAllocExtended(storage->slabs, storage->chunk_bytes * chunks, MCXT_ALLOC_HUGE);
	if (storage->in_frame)
		return;
	memory = MemoryContextAlloc(storage->slabs, sizeof(HeldMemory));
	memory->callback.func = ReleaseHeld;
	memory->callback.arg = memory;
	memory->bytes = storage->chunk_bytes * chunks;
	MemoryContextRegisterResetCallback(storage->slabs, &memory->callback);
	held += memory->bytes;
}

/* Returns a chunk of private memory; NULL if there is none left. */
static double *
PrivateChunk(RowStorage *storage)
{
	char	   *chunk;

	if (storage->slab_room == 0)
	{
		int			chunks = Min(MAX_SLAB_BYTES / storage->chunk_bytes, (Size) storage->memory_chunks);
		int			room = Min(storage->memory_limit - storage->memory_chunks, RoomForChunks(storage));

		/* the first chunk is always in memory */
		if (room < 1 && storage->memory_chunks > 0)
			return NULL;
		TakeSlab(storage, Max(1, Min(chunks, room)));
	}
	chunk = storage->slab;
	storage->slab += storage->chunk_bytes;
	storage->slab_room--;
	return (double *) chunk;
}

/* Returns memory for one more chunk; NULL if it must go to the file. */
static double *
MemoryChunk(RowStorage *storage)
{
	if (storage->memory_chunks == storage->memory_limit)
		return NULL;
	if (storage->shared)
		return SharedChunk(storage);
	return PrivateChunk(storage);
}

static void
AddPointer(RowStorage *storage, double *chunk)
{
	if (storage->memory_chunks == storage->max_pointers)
	{
		storage->max_pointers *= 2;
		storage->chunks = repalloc_huge(storage->chunks, sizeof(double *) * storage->max_pointers);
	}
	storage->chunks[storage->memory_chunks++] = chunk;
}

/* Writes the addresses of the columns of a chunk. */
static void
ColumnsOf(const RowStore *store, const double *chunk, const double **columns)
{
	for (int j = 0; j < store->width; j++)
		columns[j] = chunk + j * store->storage->stride;
}

/* Adds the rows of a run that lack the same columns to the moments, and counts what they lack. */
static void
AddRun(RowStore *store, const double *const *columns, int rows)
{
	const double *weights = store->weighted ? columns[store->width - 1] : NULL;
	int		   *observed = palloc(sizeof(int) * store->ncolumns);
	int			nobserved = 0;
	double		total;

	for (int j = 0; j < store->ncolumns; j++)
		if (!isnan(columns[j][0]))
			observed[nobserved++] = j;
	if (nobserved == store->ncolumns)
		AddMoments(store->storage->moments, columns, weights, rows);
	else
	{
		total = AddIncompleteMoments(store->storage->moments, columns, weights, nobserved, observed, rows);
		for (int j = 0; j < store->ncolumns; j++)
			store->missing[j] += isnan(columns[j][0]) ? total : 0.0;
	}
	pfree(observed);
}

/* Sorts the chunk that was filled by what its rows lack, and adds it to the moments. */
static void
AddIncompleteChunk(RowStore *store, const double **columns)
{
	RowStorage *storage = store->storage;
	int			run;

	store->incomplete = true;
	if (store->missing == NULL)
		store->missing = MemoryContextAllocZero(storage->context, sizeof(double) * store->ncolumns);
	SortByPattern(store, &storage->filling, 1, storage->filled);
	for (int first = 0; first < storage->filled; first += run)
	{
		run = PatternRows(columns, store->ncolumns, 0, storage->filled - first);
		AddRun(store, columns, run);
		for (int j = 0; j < store->width; j++)
			columns[j] += run;
	}
}

/* Writes the rows that came last to the chunk, and looks for columns that they lack. */
static void
WriteStaged(RowStore *store)
{
	RowStorage *storage = store->storage;
	double	   *to = storage->filling + storage->filled - storage->nstaged;
	bool		lacking = false;

	for (int j = 0; j < store->width; j++, to += storage->stride)
		for (int n = 0; n < storage->nstaged; n++)
		{
			to[n] = storage->staged[n * store->width + j];
			lacking |= isnan(to[n]);
		}
	storage->lacking |= lacking;
	storage->nstaged = 0;
}

/* Ends the chunk that was being filled. */
static void
CloseChunk(RowStore *store)
{
	RowStorage *storage = store->storage;
	const double **columns;

	if (storage->filling == NULL)
		return;
	WriteStaged(store);

	/* kernels read the padding behind the last row */
	for (int j = 0; j < store->width; j++)
		for (int n = storage->filled; n < TYPEALIGN(KERNEL_LANES, storage->filled); n++)
			storage->filling[j * storage->stride + n] = 0.0;
	columns = palloc(sizeof(double *) * store->width);
	ColumnsOf(store, storage->filling, columns);
	if (storage->lacking)
		AddIncompleteChunk(store, columns);
	else
		AddMoments(storage->moments, columns, store->weighted ? columns[store->width - 1] : NULL, storage->filled);
	pfree(columns);
	if (storage->filling == storage->buffer)
		BufFileWrite(storage->file, storage->buffer, storage->chunk_bytes);
	storage->filling = NULL;
}

/* Begins another chunk. */
static void
OpenChunk(RowStore *store)
{
	RowStorage *storage = store->storage;
	MemoryContext old = MemoryContextSwitchTo(storage->context);

	CHECK_FOR_INTERRUPTS();
	CloseChunk(store);
	if (RowsAppended && !storage->in_frame)
		RowsAppended(store->rows);

	/* a file must be shared, too, so memory is before there is one */
	if (storage->share_from > 0 && storage->shared == NULL && storage->file == NULL
		&& (store->rows >= storage->share_from || storage->memory_chunks == storage->memory_limit)
		&& !ShareChunks(store))
		storage->share_from = 0;
	storage->filling = storage->file ? NULL : MemoryChunk(storage);
	if (storage->filling != NULL)
		AddPointer(storage, storage->filling);
	else
	{
		if (storage->file == NULL)
			CreateFile(storage);
		storage->filling = storage->buffer;
	}
	storage->filled = 0;
	storage->lacking = false;
	store->nchunks++;
	MemoryContextSwitchTo(old);
}

void
RowStoreAppend(RowStore *store, const double *values)
{
	RowStorage *storage = store->storage;

	if (unlikely(storage->filling == NULL || storage->filled == store->chunk_rows))
		OpenChunk(store);
	memcpy(storage->staged + storage->nstaged * store->width, values, sizeof(double) * store->width);
	storage->filled++;
	if (++storage->nstaged == STAGED_ROWS)
		WriteStaged(store);
	store->rows++;
	if (store->weighted)
	{
		store->total += values[store->width - 1];
		store->heaviest = Max(store->heaviest, values[store->width - 1]);
	}
	else
		store->total += 1.0;
}

/* --- the end of loading --- */

/* Moves the rows of a chunk into the frame, and gives labels their ranks. */
static void
MoveIntoFrame(const RowStore *store, double *chunk, int rows)
{
	const RowStorage *storage = store->storage;

	if (storage->in_frame)
		return;
	for (int j = 0; j < store->ncolumns; j++)
	{
		double	   *x = chunk + j * storage->stride;
		double		centre = store->frame.centre[j];
		double		factor = 1.0 / store->frame.scale[j];

		for (int n = 0; n < rows; n++)
			x[n] = (x[n] - centre) * factor;
	}
	if (storage->label_ranks)
	{
		double	   *labels = chunk + store->ncolumns * storage->stride;

		for (int n = 0; n < rows; n++)
			if (labels[n] >= 0)
				labels[n] = storage->label_ranks[(int) labels[n]];
	}
}

/* Chunks in memory that are sorted by pattern together, lest sorting takes much memory itself */
#define SORT_CHUNKS 128

/* Sorts chunks in memory together, so that rows that lack the same columns form long runs. */
static void
SortMemory(RowStore *store)
{
	RowStorage *storage = store->storage;

	for (int c = 0; c < storage->memory_chunks; c += SORT_CHUNKS)
	{
		int			n = Min(SORT_CHUNKS, storage->memory_chunks - c);

		CHECK_FOR_INTERRUPTS();
		SortByPattern(store, storage->chunks + c, n, ChunkRows(store, c + n - 1));
	}
}

/* Ends loading, in whatever frame the store has. */
static void
EndLoading(RowStore *store)
{
	RowStorage *storage = store->storage;

	if (store->incomplete && storage->memory_chunks > 1)
		SortMemory(store);
	for (int c = 0; c < storage->memory_chunks; c++)
	{
		CHECK_FOR_INTERRUPTS();
		MoveIntoFrame(store, storage->chunks[c], ChunkRows(store, c));
	}
	MomentsInFrame(storage->moments, &store->frame, store->mean, store->variance, store->covariance);
	if (storage->shared)
		PublishRows(store);
}

void
RowStoreFinish(RowStore *store, const int *label_ranks)
{
	RowStorage *storage = store->storage;
	MemoryContext old = MemoryContextSwitchTo(storage->context);

	CloseChunk(store);
	FinishMoments(storage->moments);
	if (store->total > 0)
	{
		SetFarValuesAside(store);
		if (label_ranks)
		{
			storage->label_ranks = palloc0(sizeof(double) * storage->max_labels);
			for (int i = 0; i < storage->max_labels; i++)
				storage->label_ranks[i] = label_ranks[i];
		}
		ChooseFrame(storage->moments, store->frame_groups, store->names, &store->frame);
		EndLoading(store);
	}
	FreeMoments(storage->moments);
	storage->moments = NULL;
	MemoryContextSwitchTo(old);
}

void
RowStoreFinishLike(RowStore *store)
{
	RowStorage *storage = store->storage;
	Frame		same = {store->ncolumns, palloc0(sizeof(double) * store->ncolumns),
	palloc(sizeof(double) * store->ncolumns)};

	for (int j = 0; j < store->ncolumns; j++)
		same.scale[j] = 1.0;
	CloseChunk(store);
	FinishMoments(storage->moments);
	if (store->incomplete && storage->memory_chunks > 1)
		SortMemory(store);
	if (store->total > 0)
		MomentsInFrame(storage->moments, &same, store->mean, store->variance, store->covariance);
	FreeMoments(storage->moments);
	storage->moments = NULL;
	pfree(same.centre);
	pfree(same.scale);
}

void
RowStoreFree(RowStore *store)
{
	RowStorage *storage = store->storage;

	if (storage->file)
		BufFileClose(storage->file);
	storage->file = NULL;
	for (int s = MAX_SEGMENTS - 1; s >= 0; s--)
		if (storage->segments[s])
		{
			dsm_detach(storage->segments[s]);
			storage->segments[s] = NULL;
		}
	storage->shared = NULL;
}

/* Ends a kept store with its memory. */
static void
FreeKept(void *store)
{
	RowStoreFree(store);
}

void
RowStoreKeep(RowStore *store)
{
	MemoryContextCallback *callback = MemoryContextAlloc(store->storage->context, sizeof(MemoryContextCallback));

	store->storage->kept = true;
	store->storage->share_from = 0;
	callback->func = FreeKept;
	callback->arg = store;
	MemoryContextRegisterResetCallback(store->storage->context, callback);
}

/* --- reading --- */

int
ChunkRows(const RowStore *store, int chunk)
{
	return chunk < store->nchunks - 1 ? store->chunk_rows : (int) (store->rows - (int64) chunk * store->chunk_rows);
}

/* Returns a chunk, in the frame. */
static const double *
ReadChunk(const RowStore *store, int chunk)
{
	RowStorage *storage = store->storage;
	off_t		offset = (off_t) (chunk - storage->memory_chunks) * storage->chunk_bytes;

	Ensure(chunk >= 0 && chunk < store->nchunks, "chunk %d of rows was asked for, of %d", chunk, store->nchunks);
	if (chunk < storage->memory_chunks)
		return storage->chunks[chunk];
	if (storage->buffered == chunk)
		return storage->buffer;
	storage->buffered = -1;
	if (BufFileSeek(storage->file, 0, offset, SEEK_SET) != 0
		|| BufFileRead(storage->file, storage->buffer, storage->chunk_bytes) != storage->chunk_bytes)
		ereport(ERROR,
				(errcode_for_file_access(), errmsg("could not read rows from a temporary file: %m")));
	MoveIntoFrame(store, storage->buffer, ChunkRows(store, chunk));
	storage->buffered = chunk;
	return storage->buffer;
}

void
ChunkColumns(const RowStore *store, int chunk, const double **columns)
{
	ColumnsOf(store, ReadChunk(store, chunk), columns);
}

void
RowStoreRow(const RowStore *store, int64 row, double *values)
{
	const double *chunk;

	Ensure(row >= 0 && row < store->rows, "row " INT64_FORMAT " was asked for, of " INT64_FORMAT, row, store->rows);
	chunk = ReadChunk(store, row / store->chunk_rows) + row % store->chunk_rows;
	for (int j = 0; j < store->width; j++)
		values[j] = chunk[j * store->storage->stride];
}

const char *
RowStorePlace(const RowStore *store)
{
	if (store->storage->shared)
		return store->storage->file ? "shared memory and a file" : "shared memory";
	return store->storage->file ? "memory and a file" : "memory";
}

/* --- copies --- */

Size
RowStoreCopySize(const RowStore *like, int64 rows)
{
	return sizeof(double) * (like->chunk_rows + STRIDE_PADDING) * like->width
		* ((rows + like->chunk_rows - 1) / like->chunk_rows);
}

void
RowStoreCopy(const RowStore *store, double *copy)
{
	for (int c = 0; c < store->nchunks; c++)
		memcpy((char *) copy + c * store->storage->chunk_bytes, ReadChunk(store, c), store->storage->chunk_bytes);
}

RowStore *
RowStoreOfCopy(const RowStore *like, bool incomplete, int64 rows, double *copy)
{
	RowStore   *store = CreateShape(like->ncolumns, like->labelled, like->weighted);
	RowStorage *storage;

	store->incomplete = incomplete;

	store->rows = rows;
	store->nchunks = (rows + store->chunk_rows - 1) / store->chunk_rows;
	storage = store->storage = CreateStorage(store, CurrentMemoryContext, 0);
	for (int c = 0; c < store->nchunks; c++)
		AddPointer(storage, (double *) ((char *) copy + c * storage->chunk_bytes));
	return store;
}
