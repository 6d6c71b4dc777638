/*
 * slots.h
 *		Components whose priors differ: which of them a group belongs to.
 *
 * As long as all components have the same priors it does not matter which one
 * a group is in.  Where they have priors of their own it does, and nothing
 * below does anything otherwise.
 */
#ifndef BNAI_SLOTS_H
#define BNAI_SLOTS_H

#include "engine/moves.h"

/* Finds out which components of a bound plan have the same priors. */
extern void BindSlots(NetworkPlan *plan);

/* True if the priors say where components lie, so that a first restart can begin from that. */
extern bool StartsFromPriors(const NetworkPlan *plan);

/* Makes the first pass of a new job one by the priors; of components that lie in the same place one is enough. */
extern void BeginFromPriors(Job *job);

/*
 * Moves the statistics of fresh components to those components, among their own
 * and the retired ones, whose priors suit them best.
 */
extern void PlaceComponents(Job *job);

/*
 * Takes components whose prior says where they lie, and that are retired, into
 * use again at their priors: rows to come may be theirs.  The ELBO cannot fall
 * by it.
 */
extern void ReviveLocated(Job *job);

/* True if a component stays in use without rows. */
extern bool StaysWithoutRows(const NetworkPlan *plan, int component);

/* Retires such components without rows for the time being: their places may be wanted. */
extern void RetireEmpty(Job *job);

/* Rows of a component below which a move leaves it alone: there is nothing to be moved. */
extern double FewestToMove(const Job *job);

/* The bound on what a merge of two components (indexes among the live ones) has, in the best place for it; see ComponentBound. */
extern double MergedBound(const Job *job, Job *scratch, int first, int second, const double *stats);

/* The same of two halves of a component. */
extern double SplitBound(const Job *job, Job *scratch, int component, const double *rest, const double *second);

/* Returns for each split the pair whose merge makes room for it at the least cost; NULL where there is none. */
extern const MergePair **ChoosePairs(const SplitList *list, const MergePair *pairs, int npairs);

/* Log of the number of ways to give as many groups to components with the same priors. */
extern double LogLabellings(const NetworkPlan *plan, const bool *used);

/* The bounds of all live components, each in the place that it has; the caller frees them. */
extern double *ComponentBounds(const Job *job, Job *scratch);

#endif							/* BNAI_SLOTS_H */
