/*
 * counts.h
 *		How much has changed since a network was last inferred: its counter.
 */
#ifndef BNAI_COUNTS_H
#define BNAI_COUNTS_H

#include "utils/snapshot.h"

/*
 * Adds to a network's counter (or takes from it): one row, which waits for
 * nobody and which a rollback takes away.  Needs no rights on bnai's tables.
 */
extern void AddCount(int network, int64 n);

/* The counter as a snapshot sees it. */
extern int64 CountAt(int network, Snapshot snapshot);

/* The counter as it is now, whatever the isolation level, with what the current transaction counted. */
extern int64 CountNow(int network);

/* Replaces the rows that were counted by one row for each network, unless another session is at it. */
extern void FoldCounts(void);

#endif							/* BNAI_COUNTS_H */
