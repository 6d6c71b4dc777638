/*
 * rowstore.h
 *		The observed rows, packed: column-major chunks of doubles in the frame
 *		of the computation.
 *
 * Life of a store: RowStoreCreate, RowStoreAppend for each row (in the user's
 * units), RowStoreFinish (chooses the frame, moves all rows into it), then it
 * is read-only.
 */
#ifndef BNAI_ROWSTORE_H
#define BNAI_ROWSTORE_H

#include "distributions/frame.h"

/* Rows of a chunk; a multiple of KERNEL_MAX_ROWS, so that only the last block of a chunk is short */
#define CHUNK_ROWS 8192

typedef struct RowStore
{
	/* shape */
	int			ncolumns;		/* observed columns */
	bool		labelled;		/* one more column: the component a row is given to, -1 for none */
	int64		rows;

	/* the frame, and moments of the data in it */
	Frame		frame;			/* dim = ncolumns */
	const int  *frame_group;	/* columns with the same number share their frame; NULL: each has its own */
	double	   *mean;			/* ncolumns; near 0 */
	double	   *covariance;		/* ncolumns x ncolumns */

	/* memory */
	MemoryContext context;
	int			nchunks;
	int			maxchunks;
	double	  **chunks;			/* each (ncolumns + labelled) x CHUNK_ROWS */
} RowStore;

extern RowStore *RowStoreCreate(MemoryContext context, int ncolumns, bool labelled);
extern void RowStoreAppend(RowStore *store, const double *values);
extern void RowStoreFinish(RowStore *store);

/* Makes a store whose rows are already in the frame of another. */
extern RowStore *RowStoreLike(const RowStore *store, MemoryContext context);
extern void RowStoreFinishLike(RowStore *store);

/* Number of rows of a chunk, and its columns. */
extern int	ChunkRows(const RowStore *store, int chunk);
extern void ChunkColumns(const RowStore *store, int chunk, const double **columns);

#endif
