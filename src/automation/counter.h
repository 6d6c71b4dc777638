/*
 * counter.h
 *		The counter of a network: how much has changed since it was last
 *		inferred because of it.
 */
#ifndef BNAI_COUNTER_H
#define BNAI_COUNTER_H

#include "automation/shared.h"

/* A network's counter, as a session finds it; FindCounter makes it */
typedef struct Counter
{
	Oid			installation;	/* OID of table bnai_count, which comes and goes with the extension */
	int			network;
	CounterSlot *slot;			/* NULL: there was no room */
} Counter;

/* A counter in two parts: what is in the table, and what is in memory */
typedef struct Counted
{
	int64		rows;
	int64		memory;
} Counted;

/* Finds the counter of a network of the extension as it is now; in a transaction. */
extern Counter FindCounter(int network);

/* True if that is its network's counter still: the extension was not dropped. */
extern bool IsOfThisInstallation(Counter counter);

/* The same, and makes DROP EXTENSION wait until the transaction has ended. */
extern bool LockInstallation(Counter counter);

/* True while the slot is the counter's. */
extern bool HasSlot(Counter counter);

/* Adds n once the current transaction commits.  wake_at: the value of the counter that wakes a worker, or 0. */
extern void AddToCounter(Counter counter, int64 n, int64 wake_at);

/* Leaves it to a worker to infer, once the current transaction commits, if the counter is at the threshold then. */
extern void PutOff(Counter counter, int64 threshold);

/* Stops the inference of a network in the background, once the current transaction commits. */
extern void StopInBackground(int network);

/* Gives back what a counter has of shared memory, once the current transaction commits, which drops the network. */
extern void ReleaseCounter(int network);

/*
 * False if the counter, with what the current transaction counted, is certainly
 * below the threshold.  nowait: also if somebody has the table of counts to
 * himself, who may be waiting for the current transaction.
 */
extern bool CounterMayReach(Counter counter, int64 threshold, bool nowait);

/* To be called before counts that may wake a worker; waits for nobody. */
extern void PrepareCounter(Counter counter);

/* The counter now, at any isolation level, with what the current transaction counted. */
extern Counted CounterNow(Counter counter);
extern int64 CounterValue(Counted counted);

/* Takes off (or, negated, puts back) what CounterNow returned, once the current transaction commits. */
extern void TakeOffCounter(Counter counter, Counted counted);
extern Counted NegateCounted(Counted counted);

/* Writes the counts of this database that are in memory to the table, within the current transaction; false if there were none. */
extern bool FlushCounters(void);

extern void InitCounter(void);

#endif							/* BNAI_COUNTER_H */
