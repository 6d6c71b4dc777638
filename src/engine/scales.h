/*
 * scales.h
 *		Rows' scales and the precision that they share a size with, moved together.
 */
#ifndef BNAI_SCALES_H
#define BNAI_SCALES_H

#include "engine/job.h"

/*
 * Multiplies the scales of the rows of each component that has this plate
 * of a global as its precision by what makes the bound greatest when that is
 * updated next.
 */
extern void BalanceScales(Job *job, int global, int plate);

#endif							/* BNAI_SCALES_H */
