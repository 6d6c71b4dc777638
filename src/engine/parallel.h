/*
 * parallel.h
 *		Passes by parallel workers.
 */
#ifndef BNAI_PARALLEL_H
#define BNAI_PARALLEL_H

#include "engine/vb.h"

/* Memory for the partial sums of a pass: what the number of groups is limited by */
#define PASS_SUMS_BYTES ((Size) 8 * 1024 * 1024)

/* Rows from which workers are worth their start for this plan; 0: never. */
extern int64 ParallelRows(const NetworkPlan *plan);

/* FitPlan, with workers where they are allowed, worth it and to be had; the result is the same to the last bit. */
extern Fit *FitInParallel(const NetworkPlan *plan, const RowStore *rows, const Job *from);

/*
 * Makes one pass with the workers, for as many of the jobs, from the first on,
 * as there is room for; returns how many, and where the sums of the groups
 * are.  0: there are no workers, or the pass is too small for them.
 */
extern int	SharedPass(const RowStore *rows, Job *const *jobs, int njobs, int groups, const double **sums);

#endif
