/*
 * stop.h
 *		Stopping inferences: in time, on request, and with the postmaster.
 */
#ifndef BNAI_STOP_H
#define BNAI_STOP_H

#include "automation/counter.h"

typedef enum StopReason
{
	STOP_NONE,
	STOP_ASKED,					/* by bnai_cancel */
	STOP_ACTION,				/* the network is no longer inferred in the background, or is gone */
	STOP_RECALCULATE_TIMEOUT,
	STOP_STATEMENT_TIMEOUT,		/* the user's statement would be cancelled before long */
	STOP_BACKGROUND_TIMEOUT
} StopReason;

/* From here on an inference of this session may be stopped; within another one, that is what is stopped.  In a transaction or not. */
extern void WatchForStop(Counter counter);

/* No longer; a stop that came too late is forgotten. */
extern void UnwatchForStop(void);

/* Stops it at that time, for that reason; with `waited`, only if somebody has waited for a worker since it began. */
extern void StopAt(TimestampTz deadline, StopReason reason, bool waited);

/* Why the last inference was stopped, if it was; what to say about it. */
extern StopReason StoppedBecause(void);
extern const char *StopMessage(StopReason reason);

/* Asks whoever infers that network to stop; false if nobody does. */
extern bool AskToStop(Counter counter, StopReason reason);

#endif							/* BNAI_STOP_H */
