/*
 * query.h
 *		Reading the observed columns of a source into a row store.
 */
#ifndef BNAI_QUERY_H
#define BNAI_QUERY_H

#include "source/rowstore.h"

typedef struct LoadRequest
{
	Oid			source;
	int			ncolumns;
	char	  **columns;
	const int  *frame_group;	/* see RowStore */
	const char *label_column;	/* NULL: none; else its distinct values become components */
	int			max_labels;
	bool		keep;			/* the rows outlive the transaction; they are not shared then */
	int64		share_from;		/* rows from which they are shared with workers; 0: never */
} LoadRequest;

typedef struct LoadResult
{
	RowStore   *rows;
	int64		skipped;		/* rows with a NULL among the observed columns */
	int			nlabels;
} LoadResult;

/*
 * Reads all rows with the privileges (and row security) of the current user.
 * Needs SPI to be connected.
 *
 * Errors: a NaN or an infinity, naming column and value; more labels than
 * max_labels; whatever the executor raises.
 */
extern LoadResult LoadRows(const LoadRequest *request, MemoryContext context);

#endif
