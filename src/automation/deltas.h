/*
 * deltas.h
 *		The counters on disk: an append-only table of differences.
 */
#ifndef BNAI_DELTAS_H
#define BNAI_DELTAS_H

#include "storage/block.h"
#include "utils/snapshot.h"

/*
 * The table as it is now, by which the installation of the extension is known;
 * InvalidOid if there is none.  In what follows `deltas` may be that of a
 * former one: then there is nothing to read or to write.
 */
extern Oid	DeltaRelation(void);
extern bool DeltasExist(Oid deltas);

/* Makes sure that the table can be read without waiting; false if somebody has it to himself and nowait. */
extern bool LockDeltas(Oid deltas, bool nowait);
extern void UnlockDeltas(Oid deltas);

/*
 * Appends a row, which a rollback takes away.  Needs no rights on bnai's tables.
 * False if the table is gone, or if somebody has it to himself and nowait.
 */
extern bool AppendDelta(Oid deltas, int network, int64 n, bool nowait);

/* The sum of a network's rows as a snapshot sees them. */
extern int64 SumDeltas(Oid deltas, int network, Snapshot snapshot);

/*
 * Replaces rows by their sum, one for each network, unless another session is
 * at it: some pages from a block on.  Returns the block to go on with.
 */
extern BlockNumber FoldDeltas(Oid deltas, BlockNumber block);

/* Adds without wrapping around: a counter that large is past any threshold. */
extern int64 AddSaturated(int64 a, int64 b);

#endif							/* BNAI_DELTAS_H */
