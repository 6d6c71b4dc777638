/*
 * launch.h
 *		Waking workers.
 */
#ifndef BNAI_LAUNCH_H
#define BNAI_LAUNCH_H

#include "automation/shared.h"

/*
 * Makes a worker of this database look for work: wakes it or starts one.
 * Cannot fail but by returning false, and so may be called at commit.
 */
extern bool WakeWorker(WorkerKind kind);

/* The same for inferring a network, unless that is to be left alone for a while. */
extern void WakeWorkerFor(CounterSlot *slot);

/* The same for a network that has no slot: after a second, once for all who ask meanwhile. */
extern void WakeWorkerSoon(void);

/* The same as WakeWorker for another database, and a worker that first sleeps. */
extern bool WakeWorkerIn(Oid database, WorkerKind kind, int delay_ms);

/* Makes this process the worker that was asked for; false if there is one already. */
extern bool BecomeWorker(Oid database, WorkerKind kind);

/* True if somebody has woken this worker. */
extern bool WasWoken(void);

/* Says that this worker sleeps no longer; false if there are as many awake as there may be. */
extern bool StopSleeping(void);

/* Ends being it, unless there is something more to do: then false. */
extern bool RetireWorker(void);

/*
 * Says that this worker infers a network of that owner (InvalidOid: none any
 * more); false if another worker of this database does: nobody has two.
 */
extern bool ServeOwner(Oid owner);

/* True if another worker of this database infers a network of that owner. */
extern bool IsServed(Oid owner);

#endif							/* BNAI_LAUNCH_H */
