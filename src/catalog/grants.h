/*
 * grants.h
 *		Who was granted to read or to infer a network.
 */
#ifndef BNAI_GRANTS_H
#define BNAI_GRANTS_H

#include "postgres.h"

typedef enum GrantKind
{
	GRANT_READ,
	GRANT_INFER					/* and to read */
} GrantKind;

/* True if the current user has the right by a grant, to him, to a role whose rights he has, or to all. */
extern bool HasGrant(int network, GrantKind kind);

/*
 * Name of a relation whose row security may keep rows from the current user
 * who reads the source: itself, or what a view names at any depth.  NULL: there
 * is none.  Locks all of them as a query does.
 */
extern char *RowSecurityBelow(Oid source);

#endif							/* BNAI_GRANTS_H */
