/*
 * boundcolumn.h
 *		The type bnai_column: a column of a source, known by its relation and its
 *		number there, and written by its present name.
 */
#ifndef BNAI_BOUNDCOLUMN_H
#define BNAI_BOUNDCOLUMN_H

#include "catalog/network.h"

typedef struct BoundColumn
{
	int32		vl_len_;		/* varlena header */
	Oid			relation;		/* InvalidOid: not bound */
	int32		attribute;
	int32		width;			/* elements of an array; 0: a number, or not bound */
	char		name[FLEXIBLE_ARRAY_MEMBER];	/* as it was when it was bound; not bound: as it was written, embedding[384] perhaps */
} BoundColumn;

#define DatumGetBoundColumn(datum) ((BoundColumn *) PG_DETOAST_DATUM(datum))

/* The value for a column of a relation that exists. */
extern BoundColumn *MakeBoundColumn(Oid relation, const SourceColumn *column);

/*
 * What a value means for a source: with the present name if it is bound to a
 * column of that relation and the column exists, else without an attribute and
 * with the last name.
 */
extern SourceColumn ReadBoundColumn(const BoundColumn *column, Oid source);

/*
 * Binds a name alone to the column of a relation that has it now; a value that
 * is bound to that relation is returned as it is.  NULL if there is no such
 * column, or the name says that it was dropped.
 */
extern BoundColumn *BindColumn(BoundColumn *column, Oid relation);

/* The same value as its text reads back: not bound. */
extern BoundColumn *UnboundColumn(const BoundColumn *column);

/* Present name of a column; NULL if it is gone. */
extern char *AttributeName(Oid relation, AttrNumber attribute);

#endif							/* BNAI_BOUNDCOLUMN_H */
