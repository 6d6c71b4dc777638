/*
 * deltas.h
 *		The counters on disk: an append-only table of differences.
 */
#ifndef BNAI_DELTAS_H
#define BNAI_DELTAS_H

#include "storage/block.h"
#include "utils/snapshot.h"

/* Appends a row, which waits for nobody and which a rollback takes away.  Needs no rights on bnai's tables. */
extern void AppendDelta(int network, int64 n);

/* The sum of a network's rows as a snapshot sees them. */
extern int64 SumDeltas(int network, Snapshot snapshot);

/*
 * Replaces rows by their sum, one for each network, unless another session is
 * at it: some pages from a block on.  Returns the block to go on with.
 */
extern BlockNumber FoldDeltas(BlockNumber block);

/* Adds without wrapping around: a counter that large is past any threshold. */
extern int64 AddSaturated(int64 a, int64 b);

#endif							/* BNAI_DELTAS_H */
