/*
 * rowstore.h
 *		The observed rows, packed: column-major chunks of doubles in the frame
 *		of the computation.
 *
 * Life of a store: RowStoreCreate, RowStoreAppend for each row (in the user's
 * units), RowStoreFinish (chooses the frame, moves all rows into it), then it
 * is read-only, and RowStoreFree.  An error needs no cleaning up: files and
 * shared memory belong to the resource owner of whoever created the store.
 *
 * A missing value is NaN, in what is appended and in what is read.  Where the
 * store is incomplete, the rows of each chunk that lack the same columns stand
 * together, the complete ones first; else it is as if nothing could be missing.
 *
 * Chunks lie in memory as far as bnai.work_mem goes, and beyond that in a
 * temporary file that is read once per pass.
 */
#ifndef BNAI_ROWSTORE_H
#define BNAI_ROWSTORE_H

#include "distributions/frame.h"
#include "storage/dsm.h"

typedef struct RowStorage RowStorage;

typedef struct RowStore
{
	uint64		id;				/* no two stores of a process have the same */

	/* shape */
	int			ncolumns;		/* observed columns */
	bool		labelled;		/* one more column: the component a row is given to, -1 for none */
	bool		weighted;		/* and the last one: what a row counts for, 0 or more */
	int			width;			/* columns, with label and weight */
	int64		rows;
	double		total;			/* sum of the weights; the number of rows where they have none */
	double		heaviest;		/* largest weight; not known to workers */
	bool		incomplete;		/* is a value missing anywhere? */
	double	   *missing;		/* for how many rows each column is missing, by weight; NULL: none; not known to workers */
	int			chunk_rows;		/* of every chunk but the last */
	int			nchunks;

	/* the frame, and moments of the data in it */
	Frame		frame;			/* dim = ncolumns */
	char	  **names;			/* of the columns, for errors */
	const FrameGroups *frame_groups;	/* NULL: each column has a frame of its own */
	double	   *mean;			/* ncolumns; near 0; of the values that are there */
	double	   *variance;		/* ncolumns */
	double	   *covariance;		/* ncolumns x ncolumns; NULL: nobody asked */

	RowStorage *storage;
} RowStore;

/*
 * Creates an empty store for rows of ncolumns numbers, a label if max_labels > 0,
 * and a weight if they are weighted; with or without covariances of its columns.
 * From `share_from` rows on (0: never) its memory is shared, so that parallel
 * workers can attach to it.
 */
extern RowStore *RowStoreCreate(MemoryContext context, int ncolumns, int max_labels, bool weighted, bool covariances,
								int64 share_from);

/* Appends one row; values holds ncolumns numbers, then the label if the store is labelled, then the weight if it is weighted. */
extern void RowStoreAppend(RowStore *store, const double *values);

/* Called with the number of rows, each time that many have come; NULL: nobody asks. */
extern void (*RowsAppended) (int64 rows);

/* Ends loading; label i becomes label_ranks[i] (NULL: stays). */
extern void RowStoreFinish(RowStore *store, const int *label_ranks);

/* Makes a store whose rows are already in the frame of another. */
extern RowStore *RowStoreLike(const RowStore *store, MemoryContext context);
extern void RowStoreFinishLike(RowStore *store);

/* Releases files and shared memory; the rest goes with the memory context. */
extern void RowStoreFree(RowStore *store);

/*
 * Makes the store outlive the transaction; for a store that is not shared and
 * has no rows yet.  RowStoreFree, or the end of its memory context, ends it.
 */
extern void RowStoreKeep(RowStore *store);

/*
 * Rows of the largest sample that bnai.work_mem has room for, while it is drawn
 * and afterwards.
 */
extern int64 LargestSample(const RowStore *store);

/* Number of rows of a chunk, and its columns, which are valid until the next chunk is asked for. */
extern int	ChunkRows(const RowStore *store, int chunk);
extern void ChunkColumns(const RowStore *store, int chunk, const double **columns);

/* Writes the numbers of one row (its label, its weight). */
extern void RowStoreRow(const RowStore *store, int64 row, double *values);

/* Where the rows are, for messages. */
extern const char *RowStorePlace(const RowStore *store);

/* --- for parallel workers --- */

/* What a worker attaches to; DSM_HANDLE_INVALID if the rows are not shared. */
extern dsm_handle RowStoreHandle(const RowStore *store);

/* Attaches to a finished store; NULL if its owner is gone. */
extern RowStore *RowStoreAttach(dsm_handle handle);

/*
 * Shared memory that belongs to the current resource owner; NULL if there is no
 * room for it and a reserve besides.  Not in parallel mode.
 */
extern dsm_segment *CreateSegment(Size size, Size reserve);

/* Returns whether shared memory has room for so much, and a reserve besides. */
extern bool SegmentFits(Size size, Size reserve);

/* Copies of small stores that have the columns of another: their size, the copying, and a store that reads one. */
extern Size RowStoreCopySize(const RowStore *like, int64 rows);
extern void RowStoreCopy(const RowStore *store, double *copy);
extern RowStore *RowStoreOfCopy(const RowStore *like, bool incomplete, int64 rows, double *copy);

#endif
