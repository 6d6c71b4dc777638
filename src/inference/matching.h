/*
 * matching.h
 *		Which rows the clusters of two runs share.
 */
#ifndef BNAI_MATCHING_H
#define BNAI_MATCHING_H

#include "catalog/runs.h"
#include "posterior/posterior.h"

/* True if the labels in the results column can tell which old and new clusters belong together. */
extern bool MayMatchByResults(const Network *network, const Posterior *previous, const Posterior *posterior);

/*
 * Counts the rows of the source by the label that they have and the component
 * that they get: old components by new ones.  For a posterior that is labelled
 * in some way, where the previous one is of another shape.  Needs SPI.
 */
extern double *SharesByResults(const Network *network, const Posterior *previous, const Posterior *posterior);

/* Names the labels that share rows; `shared` has old components by new ones. */
extern RunMatching *DescribeMatching(int64 previous_run, const Posterior *previous, const Posterior *posterior,
									 const double *shared);

/*
 * Writes means and standard deviations of the cluster with a label, column by
 * column; NaN where there is no such cluster.
 */
extern void DescribeLabel(const Posterior *posterior, const char *label, double *mean, double *deviation);

/* How far the mean of a label lies from that of another posterior's, in standard deviations of the first: a float8[]. */
extern Datum ShiftArray(const Posterior *from, const char *label, const Posterior *to, const char *other_label);

#endif							/* BNAI_MATCHING_H */
