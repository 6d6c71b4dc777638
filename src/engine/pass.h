/*
 * pass.h
 *		One pass over the rows: everything that touches data.
 */
#ifndef BNAI_PASS_H
#define BNAI_PASS_H

#include "engine/job.h"

/*
 * For each job: responsibilities of every row by the job's rule and constants,
 * then its statistics and sum of log normalisers.  Jobs may stand on different
 * row stores; each store is read once.
 */
extern void RunPass(Job *const *jobs, int njobs);

/* Row visits so far, in rows of all passes: the cost of an inference. */
extern int64 PassRowVisits(void);

/* Who looks at the rows of a pass, too: columns in the frame of the rows, and weights or NULL */
typedef struct RowVisitor
{
	void		(*visit) (void *state, const double *const *columns, const double *weights, int rows);
	void	   *state;
} RowVisitor;

/*
 * For the labels: how many rows have each component as their best, and (where
 * `old` is not NULL) sums over rows of r_old[i] r_new[j], and of pairs of bests.  Both by the globals;
 * a row that no old component explains belongs to none of them.  Rows count for
 * their weights.  The visitor, unless it is NULL, sees each row once.
 */
extern void CountBest(Job *job, Job *old, double *best, double *shared, double *pairs, const RowVisitor *visitor);

#endif
