/*
 * recalculate.h
 *		Inferring a network again because enough has changed.
 */
#ifndef BNAI_RECALCULATE_H
#define BNAI_RECALCULATE_H

#include "automation/counter.h"

/*
 * Infers a network again, within the current transaction and as the network's
 * owner, if its counter has reached the threshold; then takes off what was
 * counted.  Never waits for another inference and fails with a WARNING only:
 * the statement that counted knows nothing of networks.
 */
extern void RecalculateAtThreshold(Counter counter, int64 threshold);

/* True for an error that ends a statement whatever is caught: a cancel, a timeout, the end of the session. */
extern bool EndsStatement(const ErrorData *error);

#endif							/* BNAI_RECALCULATE_H */
