/*
 * privileges.h
 *		The one place that decides who may do what with a network, and the
 *		only one that writes bnai's catalogs.
 */
#ifndef BNAI_PRIVILEGES_H
#define BNAI_PRIVILEGES_H

#include "catalog/network.h"

/* True if the current user is the owner, a member of the owner role or a superuser. */
extern bool MayModifyNetwork(const Network *network);

/* True if the current user may modify it, or may SELECT all observed columns and is not subject to row security there. */
extern bool MayReadNetwork(const Network *network);

/* The same, raising an error. */
extern void CheckMayModifyNetwork(const Network *network);
extern void CheckMayReadNetwork(const Network *network);

/* Raises an error unless the current user may SELECT the observed columns of every node (and UPDATE the results column). */
extern void CheckSourcePrivileges(const Network *network, bool update);

/*
 * Between these two the effective user is the owner of bnai's catalogs; the
 * state is restored by hand on success and by transaction abort on error.
 * Only for statements on bnai's own tables.
 */
typedef struct CatalogAccess
{
	Oid			user;
	int			security_context;
} CatalogAccess;

extern CatalogAccess BeginCatalogAccess(void);
extern void EndCatalogAccess(CatalogAccess access);

/* The schema that bnai is installed in, quoted for use in SQL. */
extern Oid	ExtensionNamespace(void);
extern const char *ExtensionSchema(void);

/* Takes the lock that allows one inference (or change) per network; held to the end of the transaction.  False if nowait and it is taken. */
extern bool LockNetwork(int network, bool nowait);

#endif
