/*
 * attempts.h
 *		What became of inferences that nobody waited for.
 */
#ifndef BNAI_ATTEMPTS_H
#define BNAI_ATTEMPTS_H

#include "datatype/timestamp.h"

/* Each of these writes within the current transaction. */

/* Records that an inference begins; true if the one before never ended. */
extern bool RecordStart(int network);

/* Records that it was stored. */
extern void RecordSuccess(int network);

/* Records why it was not, and when to try again. */
extern void RecordFailure(int network, const char *error);

/* A network to be inferred in the background now, or 0; `delay_ms` is when to look again at the earliest, or -1. */
extern int	NextDueNetwork(int64 *delay_ms);

#endif							/* BNAI_ATTEMPTS_H */
