/*
 * storage.h
 *		Where a row store keeps its chunks; for the files of the row store only.
 */
#ifndef BNAI_STORAGE_H
#define BNAI_STORAGE_H

#include "source/moments.h"
#include "source/rowstore.h"
#include "storage/buffile.h"
#include "storage/sharedfileset.h"

/* Segments double in size, so these are more than any memory holds */
#define MAX_SEGMENTS 32

/* What workers need to know of a store; lies at the beginning of its first segment */
typedef struct SharedRows
{
	int			ncolumns;
	bool		labelled;
	bool		weighted;
	bool		incomplete;
	int64		rows;
	int			memory_chunks;
	int			nsegments;
	dsm_handle	segments[MAX_SEGMENTS];
	int			segment_chunks[MAX_SEGMENTS];
	bool		has_file;
	SharedFileSet fileset;
	bool		ranked;
	int			max_labels;
	double		frame[FLEXIBLE_ARRAY_MEMBER];	/* centres, scales; then max_labels label ranks, as doubles */
} SharedRows;

struct RowStorage
{
	/* layout of a chunk */
	Size		stride;			/* doubles from one column to the next */
	Size		chunk_bytes;

	/* chunks in memory: the first ones */
	MemoryContext context;
	int			memory_limit;	/* chunks that may be in memory */
	int			memory_chunks;
	int			max_pointers;
	double	  **chunks;

	/* private memory */
	MemoryContext slabs;		/* pieces that chunks are cut from */
	char	   *slab;			/* the rest of the last one */
	int			slab_room;		/* chunks in it */

	/* shared memory */
	int64		share_from;		/* rows; 0: not shared */
	SharedRows *shared;			/* NULL: memory is private */
	Size		header_size;	/* of the first segment */
	dsm_segment *segments[MAX_SEGMENTS];
	int			segment_room;	/* chunks that the last segment can still take */

	/* file: the chunks that follow those in memory, as they were appended */
	BufFile    *file;
	bool		kept;			/* outlives the transaction */
	double	   *buffer;			/* one chunk of it */
	int			buffered;		/* its number; -1: none */

	/* loading */
	double	   *filling;		/* the chunk that rows are appended to */
	int			filled;			/* its rows */
	double	   *staged;			/* the last ones of them, row by row, not in the chunk yet */
	int			nstaged;
	bool		lacking;		/* some of them lack columns */
	RowMoments *moments;

	/* what is done to a chunk when it is read from the file */
	bool		in_frame;		/* nothing: it came in the frame */
	double	   *label_ranks;	/* NULL: labels stay */
	int			max_labels;
};

/* Moves the chunks in memory to shared memory; false, with nothing changed, if there is no room. */
extern bool ShareChunks(RowStore *store);

/* Returns a chunk of shared memory; NULL if there is none left. */
extern double *SharedChunk(RowStorage *storage);

/* Makes a finished store ready to be attached. */
extern void PublishRows(const RowStore *store);

/* Makes a store without storage. */
extern RowStore *CreateShape(int ncolumns, bool labelled, bool weighted);

/* Returns storage of chunks of `chunk_rows` rows, without memory for any. */
extern RowStorage *CreateStorage(RowStore *store, MemoryContext context, int max_labels);

/* Leaves values that are very far out out of the moments; a store whose rows are not in a frame yet. */
extern void SetFarValuesAside(RowStore *store);

#endif
