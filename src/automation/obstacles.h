/*
 * obstacles.h
 *		What would make a label wrong, or an application's statement fail, where
 *		rows are labelled as they arrive.
 */
#ifndef BNAI_OBSTACLES_H
#define BNAI_OBSTACLES_H

#include "utils/rel.h"

#include "catalog/network.h"

/*
 * Returns what keeps the rows of a table from being labelled as they arrive,
 * as a sentence, or NULL.  `before` is the name of the trigger that is to
 * label them.
 */
extern const char *LabelObstacle(Relation relation, const Network *network, const char *before);

/* True if there is such a thing; false for a table that one would have to wait for. */
extern bool HasLabelObstacle(const Network *network, Oid table);

/* Raises an error if there is such a thing in the table or a part of it. */
extern void CheckLabelObstacles(const Network *network, Oid target);

#endif							/* BNAI_OBSTACLES_H */
