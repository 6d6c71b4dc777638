/*
 * scales.h
 *		Rows' scales and the precision that they share a size with, moved together.
 */
#ifndef BNAI_SCALES_H
#define BNAI_SCALES_H

#include "engine/job.h"

/*
 * Multiplies the scales of all rows that this plate of a global is the
 * precision of by what makes the bound greater when that is updated next; for
 * other globals, and where sweeps alone are fast enough, nothing.
 */
extern void BalanceScales(Job *job, int global, int plate);

#endif							/* BNAI_SCALES_H */
