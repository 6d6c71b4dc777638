/*
 * privileges.h
 *		The one place that decides who may do what with a network, and the
 *		only one that writes bnai's catalogs.
 */
#ifndef BNAI_PRIVILEGES_H
#define BNAI_PRIVILEGES_H

#include "catalog/network.h"
#include "catalog/relations.h"

/* True if the current user is the owner, a member of the owner role or a superuser. */
extern bool MayModifyNetwork(const Network *network);

/* True if the current user may modify it, or was granted to read or infer it. */
extern bool MayReadNetwork(const Network *network);

/* The same, raising an error. */
extern void CheckMayModifyNetwork(const Network *network);
extern void CheckMayReadNetwork(const Network *network);

/*
 * Raises an error unless the current user may modify it, or was granted to
 * infer it and sees all rows: row security is looked for with the locks that
 * keep it as it is until the end of the transaction.
 */
extern void CheckMayInferNetwork(const Network *network);

/*
 * Raises an error unless the current user may SELECT the observed columns of
 * every node (and UPDATE the results column).  Existing sources only: others
 * are ValidateNetwork's to refuse.
 */
extern void CheckSourcePrivileges(const Network *network, bool update);

/* True if the current user has the rights of an owner: of the role with that OID; superusers always. */
extern bool HasOwnerRights(Oid owner);

/*
 * Between these two the effective user is the owner of bnai's catalogs, and
 * the search path is the server's own schema; the state is restored by hand on
 * success and by transaction abort on error.
 * Only for statements on bnai's own tables.
 */
typedef struct CatalogAccess
{
	Oid			user;
	int			security_context;
	int			guc_level;
} CatalogAccess;

extern CatalogAccess BeginCatalogAccess(void);
extern void EndCatalogAccess(CatalogAccess access);

/* After NewGUCNestLevel(): search_path = pg_catalog, pg_temp. */
extern void SetSafeSearchPath(void);

/*
 * Runs one INSERT, UPDATE or DELETE on bnai's own tables that way, and returns
 * the number of rows.  Name the tables with ExtensionSchema().
 */
extern uint64 WriteCatalog(const char *sql, int nargs, Oid *types, Datum *values, const char *nulls);

/* The same for an INSERT that returns an integer; 0 if nothing was inserted. */
extern int	InsertIntoCatalog(const char *sql, int nargs, Oid *types, Datum *values);

/* Runs a statement whose values are in no plan of it, which others' settings may print; returns SPI's code.  Needs SPI. */
extern int	ExecuteParameterized(const char *sql, int nargs, Oid *types, Datum *values, const char *nulls);

/*
 * Takes the lock that allows one change per network, which loading and storing
 * an inference are, too; held to the end of the transaction.  False if nowait
 * and it is taken.
 */
extern bool LockNetwork(int network, bool nowait);
extern void UnlockNetwork(int network);

/*
 * Takes the lock that allows one inference per network, before LockNetwork:
 * until the end of the transaction, or until it is given back.
 */
extern bool LockInference(int network, bool nowait);
extern void UnlockInference(int network);
extern bool LockInferenceForSession(int network, bool nowait);
extern void UnlockInferenceForSession(void);

/*
 * Makes DROP EXTENSION wait until the transaction has ended: to be called by
 * whoever locks more than one of bnai's tables, before he has any.
 */
extern bool LockExtension(bool nowait);

/*
 * True if networks and runs can be read without waiting for DROP EXTENSION,
 * which may be waiting for a table that the current transaction has changed;
 * then it waits until the transaction has ended.
 */
extern bool MayReadCatalog(void);

/*
 * Takes the lock that lets one transaction at a time restore: what belongs to a
 * network and the network find each other then, whatever comes first.
 */
extern void LockRestore(void);

/* Takes the lock that lets one session at a time create a network of that name. */
extern void LockNetworkName(const char *name);
extern void UnlockNetworkName(const char *name);

/* Remembers that this transaction has created a network, which needs no lock then. */
extern void NoteNewNetwork(int network);

#endif
