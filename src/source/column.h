/*
 * column.h
 *		From values of a column to numbers.
 */
#ifndef BNAI_COLUMN_H
#define BNAI_COLUMN_H

#include "fmgr.h"
#include "utils/array.h"

#include "catalog/observed.h"
#include "compat.h"

/*
 * Writes the elements of an array of numbers, and which of them are NULL (NaN
 * in values); returns how many are, or -1 unless it is a list of that many.
 */
extern int	ReadElements(const ArrayType *array, int width, double *values, bool *nulls);

/* Raises an error about an array that ReadElements does not take; relation may be NULL. */
pg_noreturn extern void ReportElements(const ArrayType *array, int width, const char *column, const char *relation);

/* Reads values of one column where no SQL has cast them */
typedef struct ColumnReader
{
	SourceColumn column;
	AttrNumber	attribute;
	Oid			type;			/* of a number, without domains */
	FmgrInfo	cast;			/* that makes an array of the value; fn_oid is InvalidOid: it is one */
} ColumnReader;

/* Makes a reader in the current memory context; false if the relation has no such column of numbers. */
extern bool MakeColumnReader(ColumnReader *reader, Oid relation, const SourceColumn *column);

/*
 * Writes the numbers of a value, NaN where it or an element is NULL; returns
 * how many are, or -1 if it is no list of as many elements as the column has.
 */
extern int	ReadColumn(ColumnReader *reader, Datum value, bool isnull, double *values, bool *nulls);

#endif
