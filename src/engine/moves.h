/*
 * moves.h
 *		Trial moves: jumps that coordinate ascent cannot make.
 */
#ifndef BNAI_MOVES_H
#define BNAI_MOVES_H

#include "engine/splits.h"

/* A job that came from the incumbent by one move */
typedef struct Trial
{
	Job		   *job;
	MoveKind	kind;
	bool		alive;
} Trial;

/* A fixed number of trials, whose jobs are used again */
typedef struct TrialSet
{
	int			n;
	int			max;
	Trial	   *trials;
} TrialSet;

/* Two live components and the most that the ELBO can gain by merging them */
typedef struct MergePair
{
	int			first;
	int			second;
	double		gain;
} MergePair;

extern TrialSet *CreateTrials(int max);
extern void FreeTrials(TrialSet *set);

/* All pairs of components, best first; the caller frees them. */
extern MergePair *RankPairs(const Job *job, int *npairs);

/* Add trials to a set; without effect if it is full.  Splits need a retired component. */
extern void TryMerge(TrialSet *set, const Job *incumbent, const MergePair *pair);
extern void TryTwoMerges(TrialSet *set, const Job *incumbent, const MergePair *one, const MergePair *other);

/*
 * Adds trials that merge many components at once, the nearest first: with half
 * of them left, a quarter, and so on down to one.
 */
extern void TryManyMerges(TrialSet *set, const Job *incumbent);

/* True if all components have one precision. */
extern bool SharesPrecision(const NetworkPlan *plan);
extern void TryDelete(TrialSet *set, const Job *incumbent, int component);
extern void TrySplit(TrialSet *set, const SplitList *list, int split);
extern void TryMergeAndSplit(TrialSet *set, const SplitList *list, const MergePair *pair, int split);

/* True if each component has degrees of freedom of its own, which say how heavy its tails are. */
extern bool HasTails(const NetworkPlan *plan);

/*
 * Where components have tails: adds trials in which two of them swap these, and
 * so which one the rows belong to that are far from all; the `most` pairs that
 * differ most.  Makes a pass.
 */
extern void TrySwaps(TrialSet *set, const Job *incumbent, int most);

/*
 * The same: deletes the smallest component, gives its tails to one of the
 * `heirs` largest, and makes one of the first `splits` splits of another.
 * Makes a pass.
 */
extern void TryReplacements(TrialSet *set, const SplitList *list, int splits, int heirs);

/* A merge on a job. */
extern void MergeComponents(Job *job, int first, int second);

/* Adds a trial where priors of components differ: gives all groups to those that suit them best, if that changes anything. */
extern void TryPlacement(TrialSet *set, const Job *incumbent);

/* Index of the live component with the n-th fewest rows. */
extern int	SmallestComponent(const Job *job, int n);

#endif
