/*
 * update.h
 *		Updates of the globals and the ELBO: message passing, written once for
 *		all distributions.
 */
#ifndef BNAI_UPDATE_H
#define BNAI_UPDATE_H

#include "engine/job.h"

/* Sets every global to its prior. */
extern void InitGlobals(Job *job);

/*
 * Updates all globals from the statistics of the last pass, in the plan's
 * order.  Of fresh components the locations are first put where the
 * statistics are, so that scales do not start from the prior's; and where
 * globals have globals as parents, an unsettled job updates them repeatedly,
 * so that the first pass does not see a shared scale at its prior.
 */
extern void UpdateGlobals(Job *job);

/*
 * Returns what a component with these statistics adds to the ELBO at its best,
 * but for the entropy of the responsibilities and constants per row; -infinity
 * if it has no proper posterior.  `component` says whose priors it has.  Shared
 * globals stay as they are in `scratch`, whose components are used up.
 */
extern double ComponentBound(Job *scratch, int component, const double *stats);

/* Computes the constants of the kernels from the globals. */
extern void PrepareJob(Job *job);

/*
 * Computes the constants as if each component had the mean and the variances of
 * all rows: what missing values are expected by before there are any globals.
 */
extern void PrepareFromData(Job *job);

/*
 * Computes the constants for the recorded values as they are, without their
 * noise, as scoring does: for counting the rows that each label gets.
 */
extern void PrepareForLabels(Job *job);

/*
 * Returns what a component costs: the mean divergence of the live ones from
 * their priors, per parameter of the leaves, in nats.
 */
extern double ComponentCost(const Job *job);

/*
 * Computes the ELBO after a pass by the present globals: sum of log normalisers + log h - KL(globals);
 * -infinity where it is no number.
 */
extern void ComputeElbo(Job *job);

/* Sets the globals of retired components to their priors: what a posterior says of them. */
extern void ResetRetired(Job *job);

/* Sets the globals of one component to their priors. */
extern void SetComponentToPrior(Job *job, int component);

/* Expected rows of a component (index among the live ones), whatever they lack. */
extern double ComponentRows(const Job *job, int index);

/* Number of live components without a row that should have one: where the number of components is fixed; else 0. */
extern int	UnusedComponents(const Job *job);

/* Parts of one plate of a global in the state: natural parameters and moments. */
extern double *GlobalPhi(const NetworkPlan *plan, const double *state, int global, int plate);
extern double *GlobalMoments(const NetworkPlan *plan, const double *state, int global, int plate);

/* Adds the message that a leaf sends to its parameter for `stats` of one component (index among the live ones). */
extern void AddLeafMessage(const Job *job, const PlanLeaf *leaf, int param, int index, const double *stats, double *phi);

/* Writes the natural parameters of one plate of a global: what its parents and all of its children say. */
extern void GatherNatural(const Job *job, int index, int plate, double *phi);

/* Writes pointers to the moments of all parameters of a global, leaf or selector. */
extern void GatherParents(const Job *job, const Distribution *distribution, const PlanParam *params, int plate,
						  const double **parents);

/* Writes the moments of a parameter for one plate of its child. */
extern const double *ParamMoments(const NetworkPlan *plan, const double *state, const PlanParam *param, int plate);

#endif
