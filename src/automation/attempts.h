/*
 * attempts.h
 *		What became of inferences that nobody waited for.
 */
#ifndef BNAI_ATTEMPTS_H
#define BNAI_ATTEMPTS_H

#include "automation/counter.h"
#include "catalog/network.h"
#include "datatype/timestamp.h"
#include "inference/runs.h"

/* Each of these writes within the current transaction. */

/* Records that the inference before never ended, if so; for who holds the lock that allows one inference. */
extern bool RecordInterruption(int network);

/* Records that an inference begins. */
extern void RecordStart(int network);

/* Records that it was stored, but for the labels in the parts of its source that were left out (NULL: none). */
extern void RecordSuccess(int network, const char *left_out);

/* Records why it was not, and when to try again; `started_at` 0: when RecordStart was called; sqlerrcode 0: no error's. */
extern void RecordFailure(int network, TimestampTz started_at, int sqlerrcode, const char *error);

/* These tell the server's log; `how` follows the network's name. */
extern void LogStart(const char *network, const char *how, int64 counter);
extern void LogSuccess(const char *network, const char *how, const RunSummary *summary);
extern void LogFailure(const char *network, const char *how, const ErrorData *error);

/* A network to be inferred in the background now, or 0; `delay_ms` is when to look again at the earliest, or -1. */
extern int	NextDueNetwork(int64 *delay_ms);

/* True if a counter that is at its threshold calls for a worker: by its network's action, or since a transaction has put it off. */
extern bool CallsForWorker(const Network *network, Counter counter);

#endif							/* BNAI_ATTEMPTS_H */
