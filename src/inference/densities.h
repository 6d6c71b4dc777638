/*
 * densities.h
 *		How dense the rows of a fit are: quantiles, for bnai_typicality.
 */
#ifndef BNAI_DENSITIES_H
#define BNAI_DENSITIES_H

#include "engine/plan.h"
#include "posterior/posterior.h"

/* Collects the log densities of rows */
typedef struct Densities Densities;

/* Prepares for densities under a posterior, labels or not, of rows of a store. */
extern Densities *BeginDensities(const NetworkPlan *plan, const RowStore *rows, const Posterior *posterior);

/* Sees rows in the frame of the store: a RowVisitor whose state are the Densities. */
extern void VisitDensities(void *state, const double *const *columns, const double *weights, int rows);

/* Writes the quantiles of what was collected, and frees it. */
extern void EndDensities(Densities *densities, Posterior *posterior);

#endif
