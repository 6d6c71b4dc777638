/*
 * source.h
 *		The type bnai_source: a table or view that survives its renaming, and
 *		a dump that is restored where it does not exist.
 */
#ifndef BNAI_SOURCE_H
#define BNAI_SOURCE_H

typedef struct Source
{
	int32		vl_len_;		/* varlena header */
	Oid			relation;		/* InvalidOid: did not exist when it was stored */
	char		name[FLEXIBLE_ARRAY_MEMBER];	/* qualified and quoted, as it was then; ends with a zero byte */
} Source;

#define DatumGetSource(datum) ((Source *) PG_DETOAST_DATUM(datum))

extern Source *MakeSource(Oid relation);

/* The relation as it exists now; InvalidOid if it is gone. */
extern Oid	ResolveSource(const Source *source);

/* Its present qualified name, or the stored one if it is gone. */
extern char *SourceName(const Source *source);

/* Qualified and quoted name of a relation; NULL if it does not exist. */
extern char *QualifiedRelationName(Oid relation);

#endif							/* BNAI_SOURCE_H */
