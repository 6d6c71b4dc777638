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
	Oid			relation;		/* InvalidOid: not bound */
	char		name[FLEXIBLE_ARRAY_MEMBER];	/* qualified and quoted, as it was when it was stored; ends with a zero byte */
} Source;

#define DatumGetSource(datum) ((Source *) PG_DETOAST_DATUM(datum))

extern Source *MakeSource(Oid relation);

/*
 * Binds a name alone to the relation that has it now; a bound value is returned
 * as it is.  NULL if there is none, or the name says that it was dropped.
 */
extern Source *BindSource(Source *source);

/* The same value as its text reads back: not bound. */
extern Source *UnboundSource(const Source *source);

/* The relation as it exists now; InvalidOid if it is not bound or gone, whatever has its name today. */
extern Oid	ResolveSource(const Source *source);

/* Its present qualified name, or the last one and that it is gone. */
extern char *SourceName(const Source *source);

/* Qualified and quoted name of a relation; NULL if it does not exist. */
extern char *QualifiedRelationName(Oid relation);

#endif							/* BNAI_SOURCE_H */
