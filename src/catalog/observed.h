/*
 * observed.h
 *		Columns of a source, and the numbers that a row has in them.
 *
 * A column of an array type, or of one that a cast turns into an array, is as
 * many numbers as its values have elements.  To the rest of bnai each number is
 * a column: those of embedding are called embedding[1], embedding[2] and so on.
 * What users write and the catalog holds is embedding[384], or embedding alone
 * where the rows are to say how many.  A column that really has such a name is
 * that column.
 */
#ifndef BNAI_OBSERVED_H
#define BNAI_OBSERVED_H

#include "lib/stringinfo.h"

#include "catalog/network.h"

/* Reads a column as it is written, and writes it. */
extern SourceColumn ParseSourceColumn(Oid source, const char *text);
extern char *SourceColumnText(const SourceColumn *column);

/* Writes the names of the numbers that the columns of a source are; returns how many. */
extern int	ExpandColumns(int n, const SourceColumn *columns, char ***names);

/*
 * Gives columns that users wrote without a number of elements that of the first
 * row that has a value, read as the current user; returns how many numbers all
 * columns are.  Errors: no row has a value, or the first one is no list.
 */
extern int	ResolveColumns(Oid source, int n, char **columns);

/* Raises an error if the relation has a column that is called as an element of an array. */
extern void CheckElementNames(Oid source, const SourceColumn *column);

/* True for the types that are read as numbers. */
extern bool IsNumber(Oid type);

/*
 * The type of array that values of a type are read as: the type itself, or
 * what a cast to double precision[] or real[] makes of it; InvalidOid if they
 * are no arrays of numbers.  *cast: the function of that cast, or InvalidOid.
 */
extern Oid	ArrayForm(Oid type, Oid *cast);

/* Present name of a column by its number, quoted for SQL; an error with the last name if it is gone. */
extern char *QuotedColumn(Oid relation, AttrNumber attribute, const char *name);

/* Appends a column, by its number, as it is to be read: as double precision, or as its array. */
extern void AppendSourceColumn(StringInfo sql, Oid relation, const SourceColumn *column);

/* Appends an expression for all numbers of a row, as double precision[]. */
extern void AppendRow(StringInfo sql, Oid relation, int n, const SourceColumn *columns);

/* Appends names of numbers for a message: those of an array as embedding[1] to embedding[384]. */
extern void AppendNames(StringInfo list, int n, char *const *names);

#endif							/* BNAI_OBSERVED_H */
