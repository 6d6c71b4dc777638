/*
 * query.h
 *		Rows into a row store: those of a source, or one by one.
 */
#ifndef BNAI_QUERY_H
#define BNAI_QUERY_H

#include "catalog/network.h"
#include "distributions/leaf.h"
#include "source/rowstore.h"

typedef struct LoadRequest
{
	Oid			source;			/* InvalidOid: rows come one by one */
	int			ncolumns;
	char	  **columns;
	const ColumnKind **kinds;	/* NULL: every number is a value of each column */
	int			nsource_columns;	/* of the source, which these are the numbers of */
	const SourceColumn *source_columns;
	const FrameGroups *frame_groups;	/* NULL: each column has a frame of its own */
	const char *label_column;	/* NULL: none; else its distinct values become components */
	AttrNumber	label_attribute;	/* its number in the source */
	int			max_labels;
	const char *weight_column;	/* NULL: none; else what each row counts for */
	AttrNumber	weight_attribute;	/* its number in the source */
	bool		covariances;	/* of the columns are needed, not just their variances */
	MissingAction missing;		/* what is done with rows that are NULL in some of the columns */
	bool		keep;			/* the rows outlive the transaction; they are not shared then */
	int64		share_from;		/* rows from which they are shared with workers; 0: never */
} LoadRequest;

typedef struct LoadResult
{
	RowStore   *rows;
	int64		skipped;		/* rows that are NULL in all of the columns, or in any where they take no part */
	int			nlabels;
} LoadResult;

/*
 * Reads all rows with the privileges (and row security) of the current user.
 * Needs SPI to be connected.
 *
 * Errors: a NaN or an infinity, or what is no value of the column's kind, naming column and value; a weight that is NULL,
 * negative or not finite; more labels than max_labels; whatever the executor
 * raises.
 */
extern LoadResult LoadRows(const LoadRequest *request, MemoryContext context);

/*
 * Takes rows one by one: for each the observed columns as float8, then the label
 * as text if there is one, then the weight as float8 if there is one.  Everything is below `context`; `request` must live as
 * long.  Between the first row and the end the current resource owner must be
 * the same.  Errors: as above.
 */
typedef struct RowIntake RowIntake;

extern RowIntake *BeginRows(const LoadRequest *request, MemoryContext context);
extern void TakeRow(RowIntake *intake, const Datum *values, const bool *nulls);
extern LoadResult EndRows(RowIntake *intake);

/* The store that rows are taken into, to be freed if it does not come to the end. */
extern RowStore *IntakeRows(const RowIntake *intake);

#endif
