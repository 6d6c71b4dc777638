/*
 * job.h
 *		One optimisation: a set of globals, and what the last pass found.
 *
 * A restart, a trial move, a run on a sample and a run on all rows are all
 * jobs, and one pass over the rows serves as many as there are.
 */
#ifndef BNAI_JOB_H
#define BNAI_JOB_H

#include "engine/plan.h"

/* Where the responsibilities of a pass come from, if not from the globals alone */
typedef enum RuleKind
{
	RULE_NONE,					/* the globals */
	RULE_CENTRES,				/* the nearest of given centres */
	RULE_RANDOM,				/* a hash of the row's values */
	RULE_LABELS,				/* the label column of the row store */
	RULE_SPLIT					/* the globals, then one component is divided in two */
} RuleKind;

typedef enum SplitShape
{
	SPLIT_AXIS,					/* side of the mean along the first axis of `axes` */
	SPLIT_CROSS,				/* |first coordinate| > |second| */
	SPLIT_SHELL					/* squared distance above `threshold` */
} SplitShape;

typedef struct Rule
{
	RuleKind	kind;
	uint64		seed;			/* RULE_RANDOM */
	const double *centres;		/* RULE_CENTRES: components x columns */
	const double *weights;		/* RULE_CENTRES: of the squared differences, by column */

	/* RULE_SPLIT */
	SplitShape	shape;
	int			component;		/* index among the live ones; its second half becomes the last one */
	const int  *columns;		/* of the leaf whose axes these are */
	int			dim;
	const double *mean;			/* dim */
	const double *axes;			/* up to dim rows of dim numbers: x -> coordinate, scaled to unit variance */
	double		threshold;
} Rule;

typedef struct Job
{
	const NetworkPlan *plan;
	const RowStore *rows;
	double		weight;			/* what one row counts for: N/n on a sample */

	/* globals */
	double	   *state;
	int			nlive;
	int		   *live;			/* components that are not retired, in the order they came into use */

	/* what the next pass needs */
	Rule		rule;
	double	   *constants;		/* live x plan->constants_size */

	/* what the last pass found */
	double	   *stats;			/* live x plan->stats_size, weighted */
	double		log_normaliser; /* sum over rows of log sum exp, weighted */
	double		elbo;
} Job;

extern Job *CreateJob(const NetworkPlan *plan, const RowStore *rows, double weight);
extern Job *CopyJob(const Job *job);
extern void AssignJob(Job *to, const Job *from);
extern void FreeJob(Job *job);

/* Moves a job to other rows; its statistics are those of the old ones until the next pass. */
extern void SetJobRows(Job *job, const RowStore *rows, double weight);

/* Retires a component (index among the live ones): its statistics go, its globals return to their priors. */
extern void RetireComponent(Job *job, int index);

/* Takes the first retired component into use, without rows; returns its index among the live ones (always the last: order is by use). */
extern int	ReviveComponent(Job *job);

#define JobStats(job, index) ((job)->stats + (Size) (index) * (job)->plan->stats_size)
#define JobConstants(job, index) ((job)->constants + (Size) (index) * (job)->plan->constants_size)

#endif
