/*
 * summary.h
 *		Between a job, in the frame of its rows, and a posterior, in the user's
 *		units.
 */
#ifndef BNAI_SUMMARY_H
#define BNAI_SUMMARY_H

#include "engine/vb.h"
#include "posterior/posterior.h"

/* Writes the posterior of a fit, labelled: `previous` (NULL: none) is what the labels are carried over from. */
extern Posterior *SummariseFit(const NetworkPlan *plan, Fit *fit, const Posterior *previous);

/* Makes a job with the globals of a posterior; NULL if it is of a network of another shape. */
extern Job *JobFromPosterior(const NetworkPlan *plan, const RowStore *rows, const Posterior *posterior);

#endif
