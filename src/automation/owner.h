/*
 * owner.h
 *		Inferring as the network's owner when nobody in particular asked for it.
 */
#ifndef BNAI_OWNER_H
#define BNAI_OWNER_H

#include "catalog/network.h"

typedef struct OwnerAccess
{
	Oid			user;
	int			security_context;
	int			guc_level;
} OwnerAccess;

/*
 * Becomes who infers the network, in a security-restricted operation and with
 * a search path that nobody else has a say in.  On error, transaction abort
 * undoes it.
 */
extern OwnerAccess BeginAsOwner(const Network *network);
extern void EndAsOwner(OwnerAccess access);

/* Raises an error unless the network's owner could do what the owner of a table can. */
extern void CheckOwnerCanActFor(const Network *network, Oid table);

#endif							/* BNAI_OWNER_H */
