/*
 * patterns.h
 *		Rows that lack some of their columns.  A missing value is NaN, and the
 *		rows of a store that have any stand behind the complete ones of their
 *		chunk, those that lack the same columns together.
 */
#ifndef BNAI_PATTERNS_H
#define BNAI_PATTERNS_H

#include "source/rowstore.h"

/* Returns how many rows of a chunk, from `first` to before `end` at most, lack the same columns as the first. */
extern int	PatternRows(const double *const *columns, int ncolumns, int first, int end);

/* True if a row has all columns. */
extern bool RowIsComplete(const double *const *columns, int ncolumns, int row);

/*
 * Sorts the rows of some chunks by what they lack, and otherwise leaves their
 * order.  The chunks are full but for the last one, which has `last_rows` rows.
 */
extern void SortByPattern(const RowStore *store, double *const *chunks, int nchunks, int last_rows);

#endif
