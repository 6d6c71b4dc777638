/*
 * noise.h
 *		How exact recorded values are.
 */
#ifndef BNAI_NOISE_H
#define BNAI_NOISE_H

#include "engine/plan.h"

/*
 * Sets PlanLeaf.noise of all leaves, the variance of a value about what was
 * recorded: that of rounding to the column's step (Sheppard 1898), and no less
 * than the network's resolution says.
 */
extern void SetNoise(NetworkPlan *plan, const RowStore *rows);

#endif							/* BNAI_NOISE_H */
