/*
 * counter.h
 *		The counter of a network: how much has changed since it was last
 *		inferred because of it.
 */
#ifndef BNAI_COUNTER_H
#define BNAI_COUNTER_H

#include "automation/shared.h"

/* A counter in two parts: what is in the table, and what is in memory */
typedef struct Counted
{
	int64		rows;
	int64		memory;
} Counted;

/*
 * Adds n once the current transaction commits.  slot: the network's, or NULL.
 * wake_at: the value of the counter that wakes a worker, or 0.
 */
extern void AddToCounter(CounterSlot *slot, int network, int64 n, int64 wake_at);

/* False if the counter, with what the current transaction counted, is certainly below the threshold. */
extern bool CounterMayReach(CounterSlot *slot, int network, int64 threshold);

/* To be called before counts that may wake a worker. */
extern void PrepareCounter(CounterSlot *slot, int network);

/* The counter now, at any isolation level, with what the current transaction counted. */
extern Counted CounterNow(CounterSlot *slot, int network);
extern int64 CounterValue(Counted counted);

/* Takes off (or, negated, puts back) what CounterNow returned, once the current transaction commits. */
extern void TakeOffCounter(CounterSlot *slot, int network, Counted counted);
extern Counted NegateCounted(Counted counted);

/* Writes the counts of this database that are in memory to the table, within the current transaction; false if there were none. */
extern bool FlushCounters(void);

extern void InitCounter(void);

#endif							/* BNAI_COUNTER_H */
