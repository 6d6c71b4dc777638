/*
 * labels.h
 *		Names of clusters: stable from run to run.  Pure functions.
 */
#ifndef BNAI_LABELS_H
#define BNAI_LABELS_H

#include "posterior/posterior.h"

/* The n-th label: 0 -> A, 25 -> Z, 26 -> AA, 27 -> AB … (bijective base 26). */
extern char *LabelName(int n);

/* Its inverse; -1 if the text is no label. */
extern int	LabelOrdinal(const char *label);

/*
 * Writes labels into the clusters of `fitted` that hold rows (size > 0).
 * First inference (previous == NULL): A, B, … by the Euclidean norm of the
 * cluster's mean (of the first leaf), ascending, ties by slot.  Otherwise by
 * the assignment that maximises the shared probability mass;
 * shared[i * fitted->components + j] = sum over rows of r_old[i] r_new[j].
 * A cluster that shares nothing with an old labelled one gets a letter that
 * neither an old nor a new cluster has.
 *
 * located[k] (NULL: none): component k is what it was, by its prior.  It keeps
 * its label, with rows or without, unless most rows of another one were its.
 */
extern void AssignLabels(Posterior *fitted, const Posterior *previous, const double *shared, const bool *located);

#endif
