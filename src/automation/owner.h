/*
 * owner.h
 *		Inferring for the network's owner when nobody asked for it.
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
 * Becomes the network's owner, in a security-restricted operation and with
 * settings that whoever happens to be there has no say in.  What is inferred
 * then is to have the network's owner as its decider (inference/roles.h), so
 * that tables are read and written as their owners.  On error, transaction
 * abort undoes it.
 */
extern OwnerAccess BeginAsOwner(const Network *network);
extern void EndAsOwner(OwnerAccess access);

/*
 * Has constraints fire at once in a transaction of bnai's own, that is, between
 * the user's: within a security-restricted operation none can be put off.
 */
extern void FireConstraintsAtOnce(void);

/*
 * True where labels cannot be written within somebody's transaction without
 * firing constraints earlier than it wants: there are some on the network's
 * source, or on a part of it, that are put off to its end.
 */
extern bool HasDeferredConstraints(const Network *network);

/* Raises an error unless the network could be inferred now when nobody asks for it. */
extern void CheckMayInferUnasked(const Network *network);

#endif							/* BNAI_OWNER_H */
