/*
 * summary.h
 *		Between a job, in the frame of its rows, and a posterior, in the user's
 *		units.
 */
#ifndef BNAI_SUMMARY_H
#define BNAI_SUMMARY_H

#include "engine/vb.h"
#include "posterior/posterior.h"

/*
 * Writes the posterior of a fit, labelled: `previous` (NULL: none) is what the
 * labels are carried over from.  Writes the rows that old and new components
 * share, each row to those that are best for it, to *pairs, old components by
 * new ones; NULL where the posteriors are of different shapes.
 */
extern Posterior *SummariseFit(const NetworkPlan *plan, Fit *fit, const Posterior *previous, double **pairs);

/* True if a posterior is of a network with the same globals over the same columns. */
extern bool PosteriorFits(const NetworkPlan *plan, const Posterior *posterior);

/* Makes a job with the globals of a posterior that fits; its retired components are live if `revive`. */
extern Job *JobFromPosterior(const NetworkPlan *plan, const RowStore *rows, const Posterior *posterior, bool revive);

#endif
