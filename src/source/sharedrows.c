/*
 * sharedrows.c
 *		Row stores in dynamic shared memory, for parallel workers.
 *
 * A segment cannot grow and the number of rows is not known before they are
 * loaded, so a store is a few segments, each twice as large as the one before.
 * They are created before parallel mode begins, each in a subtransaction of its
 * own: where /dev/shm is full, as in a container with 64 MB of it, that is no
 * error, and the rest of the rows goes to a file that is shared instead.
 */
#include "postgres.h"

#include <sys/statvfs.h>

#include "access/xact.h"
#include "miscadmin.h"
#include "storage/dsm_impl.h"
#include "storage/shmem.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

#include "compat.h"
#include "source/storage.h"

/* Where Linux keeps POSIX shared memory, and what is left to others there, and to the parallel context */
#define SHARED_MEMORY_FOLDER "/dev/shm"
#define SHARED_MEMORY_RESERVE ((Size) 32 * 1024 * 1024)

bool
SegmentFits(Size size, Size reserve)
{
	struct statvfs space;

	if (dynamic_shared_memory_type != DSM_IMPL_POSIX || statvfs(SHARED_MEMORY_FOLDER, &space) != 0)
		return true;
	return (double) space.f_bavail * space.f_frsize >= (double) size + reserve;
}

/*
 * Another process may take the space between the look and the allocation; the
 * subtransaction catches that.  The segment is created under the
 * subtransaction's resource owner, which releases it after an error, and given
 * to the current one afterwards.
 */
dsm_segment *
CreateSegment(Size size, Size reserve)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	dsm_segment *volatile segment = NULL;

	if (!SegmentFits(size, reserve))
		return NULL;
	BeginInternalSubTransaction(NULL);
	PG_TRY();
	{
		segment = dsm_create(size, DSM_CREATE_NULL_IF_MAXSEGMENTS);
		if (segment != NULL)
			dsm_pin_mapping(segment);
		ReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
		if (error->sqlerrcode != ERRCODE_DISK_FULL && error->sqlerrcode != ERRCODE_OUT_OF_MEMORY)
			ReThrowError(error);
		FreeErrorData(error);
		segment = NULL;
	}
	PG_END_TRY();
	if (segment != NULL)
		dsm_unpin_mapping(segment);
	return segment;
}

/* Size of what lies before the chunks of the first segment. */
static Size
HeaderSize(const RowStore *store)
{
	return TYPEALIGN(4096, offsetof(SharedRows, frame)
					 + sizeof(double) * (2 * store->ncolumns + store->storage->max_labels));
}

/* Adds a segment for `chunks` chunks, in the first one behind a header; false if there is no room. */
static bool
AddSegment(RowStorage *storage, SharedRows *shared, int chunks, Size header)
{
	int			index = shared ? shared->nsegments : 0;
	dsm_segment *segment;

	if (index == MAX_SEGMENTS)
		return false;
	segment = CreateSegment(add_size(header, mul_size(storage->chunk_bytes, chunks)), SHARED_MEMORY_RESERVE);
	if (segment == NULL)
		return false;
	if (shared == NULL)
	{
		shared = dsm_segment_address(segment);
		memset(shared, 0, header);
		storage->shared = shared;
	}
	storage->segments[index] = segment;
	storage->segment_room = chunks;
	shared->segments[index] = dsm_segment_handle(segment);
	shared->segment_chunks[index] = 0;
	shared->nsegments = index + 1;
	return true;
}

/* Address of a chunk in a segment. */
static double *
SegmentChunk(const RowStorage *storage, dsm_segment *segment, Size header, int chunk)
{
	return (double *) ((char *) dsm_segment_address(segment) + header + storage->chunk_bytes * chunk);
}

/* Takes the next chunk of the last segment. */
static double *
TakeChunk(RowStorage *storage, Size header)
{
	SharedRows *shared = storage->shared;
	int			last = shared->nsegments - 1;

	storage->segment_room--;
	return SegmentChunk(storage, storage->segments[last], last == 0 ? header : 0, shared->segment_chunks[last]++);
}

bool
ShareChunks(RowStore *store)
{
	RowStorage *storage = store->storage;
	Size		header = HeaderSize(store);
	int			chunks = Min(Max(2 * storage->memory_chunks, 1), storage->memory_limit);

	if (!AddSegment(storage, NULL, chunks, header))
		return false;
	storage->header_size = header;
	for (int c = 0; c < storage->memory_chunks; c++)
	{
		double	   *shared = TakeChunk(storage, header);

		memcpy(shared, storage->chunks[c], storage->chunk_bytes);
		storage->chunks[c] = shared;
	}
	if (storage->slabs)
		MemoryContextDelete(storage->slabs);
	storage->slabs = NULL;
	storage->slab_room = 0;
	return true;
}

double *
SharedChunk(RowStorage *storage)
{
	if (storage->segment_room == 0
		&& !AddSegment(storage, storage->shared,
					   Min(storage->memory_chunks, storage->memory_limit - storage->memory_chunks), 0))
		return NULL;
	return TakeChunk(storage, storage->header_size);
}

void
PublishRows(const RowStore *store)
{
	RowStorage *storage = store->storage;
	SharedRows *shared = storage->shared;
	int			n = store->ncolumns;

	shared->ncolumns = n;
	shared->labelled = store->labelled;
	shared->weighted = store->weighted;
	shared->incomplete = store->incomplete;
	shared->rows = store->rows;
	shared->memory_chunks = storage->memory_chunks;
	shared->max_labels = storage->max_labels;
	shared->ranked = storage->label_ranks != NULL;
	memcpy(shared->frame, store->frame.centre, sizeof(double) * n);
	memcpy(shared->frame + n, store->frame.scale, sizeof(double) * n);
	if (shared->ranked)
		memcpy(shared->frame + 2 * n, storage->label_ranks, sizeof(double) * storage->max_labels);
	if (storage->file)
		ExportSharedFile(storage->file);
}

dsm_handle
RowStoreHandle(const RowStore *store)
{
	return store->storage->shared ? store->storage->shared->segments[0] : DSM_HANDLE_INVALID;
}

/* Attaches to the segments; false if one of them is gone. */
static bool
AttachSegments(RowStore *store, const SharedRows *shared)
{
	RowStorage *storage = store->storage;
	int			chunk = 0;

	storage->chunks = palloc_extended(sizeof(double *) * (shared->memory_chunks + 1), MCXT_ALLOC_HUGE);
	for (int s = 0; s < shared->nsegments; s++)
	{
		if (s > 0)
			storage->segments[s] = dsm_attach(shared->segments[s]);
		if (storage->segments[s] == NULL)
			return false;
		for (int c = 0; c < shared->segment_chunks[s]; c++)
			storage->chunks[chunk++] = SegmentChunk(storage, storage->segments[s], s == 0 ? storage->header_size : 0, c);
	}
	storage->memory_chunks = chunk;
	return true;
}

RowStore *
RowStoreAttach(dsm_handle handle)
{
	dsm_segment *segment = dsm_attach(handle);
	SharedRows *shared;
	RowStore   *store;
	RowStorage *storage;
	int			n;

	if (segment == NULL)
		return NULL;
	shared = dsm_segment_address(segment);
	n = shared->ncolumns;
	store = CreateShape(n, shared->labelled, shared->weighted);
	store->storage = CreateStorage(store, CurrentMemoryContext, 0);
	store->incomplete = shared->incomplete;
	store->rows = shared->rows;
	store->nchunks = (shared->rows + store->chunk_rows - 1) / store->chunk_rows;
	memcpy(store->frame.centre, shared->frame, sizeof(double) * n);
	memcpy(store->frame.scale, shared->frame + n, sizeof(double) * n);
	storage = store->storage;
	storage->max_labels = shared->max_labels;
	storage->header_size = HeaderSize(store);
	storage->label_ranks = shared->ranked ? shared->frame + 2 * n : NULL;
	storage->shared = shared;
	storage->segments[0] = segment;
	if (!AttachSegments(store, shared))
		return NULL;
	if (shared->has_file)
	{
		SharedFileSetAttach(&shared->fileset, segment);
		storage->file = OpenSharedFile(&shared->fileset, "rows");
		storage->buffer = palloc_extended(storage->chunk_bytes, MCXT_ALLOC_HUGE);
	}
	return store;
}
