/*
 * splits.h
 *		Ways to divide a component in two.
 */
#ifndef BNAI_SPLITS_H
#define BNAI_SPLITS_H

#include "engine/vb.h"

/* A list of splits whose statistics are known, best first */
typedef struct SplitList
{
	int			n;
	Split	   *splits;
	double	   *gains;
	Job		   *screened;		/* the job whose components they divide, after the pass that served them */
} SplitList;

/*
 * Makes a pass (a few, where no covariance is known) with the globals of the job, which adds up the halves of all
 * splits of its components (of one of them, if `component` >= 0), and ranks
 * the splits by the ELBO that they gain at once.
 */
extern SplitList RankSplits(Job *job, int component);
extern void FreeSplits(SplitList *list);

#endif							/* BNAI_SPLITS_H */
