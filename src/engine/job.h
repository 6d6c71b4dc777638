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
#include "numerics/rng.h"

/* Where the responsibilities of a first pass come from */
typedef enum RuleKind
{
	RULE_NONE,					/* the globals */
	RULE_CENTRES,				/* the nearest of given centres */
	RULE_RANDOM,				/* a hash of the row's values */
	RULE_LABELS,				/* the label column of the row store */
	RULE_ONE					/* there is one component, which has all rows */
} RuleKind;

typedef struct Rule
{
	RuleKind	kind;
	uint64		seed;			/* RULE_RANDOM */
	const double *centres;		/* RULE_CENTRES: components x columns */
	const double *weights;		/* RULE_CENTRES: of the squared differences, by column */
	RowGrid		grid;			/* RULE_RANDOM */
} Rule;

typedef enum SplitShape
{
	SPLIT_AXIS,					/* side of the mean along the first axis */
	SPLIT_CROSS,				/* |first coordinate| > |second| */
	SPLIT_SHELL,				/* squared distance from the mean above the threshold */
	SPLIT_SHELL_DIAGONAL		/* the same, where the one axis holds a factor for each column */
} SplitShape;

/*
 * A division of one component in two.  A pass adds up the statistics of the
 * second half, by the responsibilities of the globals; those of the first are
 * what is left.
 */
typedef struct Split
{
	SplitShape	shape;
	int			component;		/* index among the live ones */
	const PlanLeaf *leaf;		/* whose columns are looked at */
	int			naxes;
	double	   *mean;			/* dim */
	double	   *axes;			/* naxes x dim: x - mean -> coordinates of unit variance */
	double		threshold;
	double	   *stats;			/* of the second half */
} Split;

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
	bool	   *fresh;			/* live: the globals are not of these statistics, see UpdateGlobals */
	bool		unsettled;		/* a start or a move has changed the statistics at large */
	int			nsplits;
	Split	   *splits;

	/* what the last pass found */
	double	   *stats;			/* live x plan->stats_size, weighted */
	double		log_normaliser; /* sum over rows of log sum exp, weighted */
	double		elbo;
	double		terms;			/* sizes of the numbers that it is the sum of: how far rounding may go */
} Job;

extern Job *CreateJob(const NetworkPlan *plan, const RowStore *rows, double weight);
extern Job *CopyJob(const Job *job);
extern void AssignJob(Job *to, const Job *from);
extern void FreeJob(Job *job);

/* Moves a job to other rows; its statistics are those of the old ones until the next pass. */
extern void SetJobRows(Job *job, const RowStore *rows, double weight);

/* Retires a component (index among the live ones): its statistics go, its globals return to their priors. */
extern void RetireComponent(Job *job, int index);

/* True if a component is in use. */
extern bool IsComponentLive(const Job *job, int component);

/* Takes the first retired component into use, without rows; returns its index among the live ones, the last. */
extern int	ReviveComponent(Job *job);

/* Memory that a job takes. */
extern Size JobSize(const NetworkPlan *plan);

/* Trials that race at once: as many as there is memory for, and never more than this. */
#define MAX_TRIALS 64
extern int	TrialsInMemory(const NetworkPlan *plan);

/* Raises an error if an inference is going to need more memory for its parameters than bnai.model_mem. */
extern void CheckModelMemory(const NetworkPlan *plan);

#define JobStats(job, index) ((job)->stats + (Size) (index) * (job)->plan->stats_size)
#define JobConstants(job, index) ((job)->constants + (Size) (index) * (job)->plan->constants_size)

/* Adds (times factor) statistics to those of a component. */
extern void AddStats(const NetworkPlan *plan, double *to, const double *from, double factor);

#endif
