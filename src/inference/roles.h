/*
 * roles.h
 *		In whose name an inference reads and writes.
 */
#ifndef BNAI_ROLES_H
#define BNAI_ROLES_H

#include "nodes/pg_list.h"

#include "catalog/network.h"

/*
 * An inference has a decider where nobody asked for it by a statement of his
 * own: the role whose network it is.  What it touches is read and written as
 * who owns it, if the decider could SET ROLE to him.  InvalidOid: everything is
 * done as the current user, who asked for it.
 */

/* Between these two the effective user is another one; ActAs(InvalidOid) changes nothing.  An abort undoes it. */
typedef struct Acting
{
	Oid			user;
	int			security_context;
} Acting;

extern Acting ActAs(Oid role);
extern void EndActing(Acting acting);

/*
 * Who reads the network's source, which is locked: InvalidOid without a
 * decider.  An error, with the relation's name, if the code of somebody would
 * run that the decider could not become.
 */
extern Oid	ReadingRole(const Network *network, Oid decider);

/* What one UPDATE of the results column is to write, and in whose name */
typedef struct ResultsTarget
{
	Oid			relation;
	Oid			role;			/* InvalidOid: the current user */
	char	   *sql;			/* the relation as it is written in SQL */
} ResultsTarget;

/*
 * ResultsTargets of a network's source.  Where its parts have several owners,
 * there is one for each part; those that the decider may not write are named in
 * `left_out` (NULL: none).  An error if there are no others.
 */
extern List *FindResultsTargets(const Network *network, Oid decider, char **left_out);

#endif							/* BNAI_ROLES_H */
