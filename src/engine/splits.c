/*
 * splits.c
 *		Proposals of splits: along the axes of a component, across them, and by
 *		distance from its middle.
 */
#include "postgres.h"

#include <math.h>

#include "engine/pass.h"
#include "engine/slots.h"
#include "engine/splits.h"
#include "engine/update.h"
#include "miscadmin.h"
#include "numerics/linalg.h"

/* Most axes of a component's covariance that are tried as a split */
#define MAX_AXES 2

/* Splits of a component, at most: by each axis, crosswise, by distance */
#define SPLITS_PER_LEAF (MAX_AXES + 2)

/* Passes that turn a column into a principal axis, where the covariance is not known */
#define REFINEMENTS 3

/* An axis with less variance than this part of the first one's is no direction */
#define FLAT_AXIS 1e-10

/* Returns the median of a chi-square variable with dim degrees of freedom (Wilson & Hilferty 1931). */
static double
ChiSquareMedian(int dim)
{
	return dim * pow(1.0 - 2.0 / (9.0 * dim), 3);
}

/* Adds one split to a list; `axes` are those from the first one on that it looks at. */
static void
AddSplit(SplitList *list, SplitShape shape, int component, const PlanLeaf *leaf, const double *mean,
		 const double *axes, int naxes, double threshold)
{
	Split	   *split = &list->splits[list->n++];
	int			dim = leaf->dim;

	*split = (Split) {.shape = shape, .component = component, .leaf = leaf, .naxes = naxes, .threshold = threshold};
	split->mean = palloc(sizeof(double) * dim);
	memcpy(split->mean, mean, sizeof(double) * dim);
	split->axes = palloc(sizeof(double) * naxes * dim);
	memcpy(split->axes, axes, sizeof(double) * naxes * dim);
	split->stats = palloc0(sizeof(double) * list->screened->plan->stats_size);
}

/* Returns the index of the largest number but those that are taken. */
static int
LargestOf(int n, const double *values, int ntaken, const int *taken)
{
	int			best = -1;

	for (int i = 0; i < n; i++)
	{
		bool		free = true;

		for (int t = 0; t < ntaken; t++)
			free &= taken[t] != i;
		if (free && (best < 0 || values[i] > values[best]))
			best = i;
	}
	return best;
}

/*
 * Adds the splits where only the variance of each column is known: by the
 * columns that vary most, which RefineAxes turns into better axes, and by
 * distance.
 */
static void
ProposeDiagonalSplits(SplitList *list, int component, const PlanLeaf *leaf)
{
	const double *stats = JobStats(list->screened, component) + leaf->stats_offset;
	int			dim = leaf->dim;
	double	   *mean = palloc0(sizeof(double) * dim);
	double	   *variances = palloc(sizeof(double) * dim);
	double	   *axis = palloc(sizeof(double) * dim);
	double		flat;
	int			taken[MAX_AXES];

	leaf->kernel->search->centre(dim, stats, mean);
	leaf->kernel->search->spread(dim, stats, variances);
	flat = FLAT_AXIS * variances[LargestOf(dim, variances, 0, taken)];
	for (int a = 0; a < Min(dim, MAX_AXES) && flat > 0.0; a++)
	{
		taken[a] = LargestOf(dim, variances, a, taken);
		memset(axis, 0, sizeof(double) * dim);
		axis[taken[a]] = 1.0;
		AddSplit(list, SPLIT_AXIS, component, leaf, mean, axis, 1, 0.0);
	}
	for (int j = 0; j < dim; j++)
		axis[j] = 1.0 / sqrt(Max(variances[j], flat));
	if (flat > 0.0)
		AddSplit(list, SPLIT_SHELL_DIAGONAL, component, leaf, mean, axis, 1, ChiSquareMedian(dim));
	pfree(mean);
	pfree(variances);
	pfree(axis);
}

/*
 * Turns an axis towards the first principal one of the rows, in units of their
 * standard deviations: the halves' means differ by the covariance times the
 * axis, about, so that this is a step of power iteration.  The second axis of a
 * component stays perpendicular to its first one.
 */
static void
RefineAxis(Split *split, const Job *job, const Split *first)
{
	const LeafKernel *kernel = split->leaf->kernel;
	int			dim = split->leaf->dim;
	int			offset = split->leaf->stats_offset;
	const double *all = JobStats(job, split->component) + offset;
	double	   *half = palloc(sizeof(double) * dim);
	double	   *variances = palloc(sizeof(double) * dim);
	double		share = kernel->rows(dim, split->stats + offset) / kernel->rows(dim, all);
	double		along = 0.0;
	double		square = 0.0;

	if (share > 0.0 && share < 1.0)
	{
		memcpy(half, split->mean, sizeof(double) * dim);
		kernel->search->centre(dim, split->stats + offset, half);
		kernel->search->spread(dim, all, variances);
		for (int j = 0; j < dim; j++)
			split->axes[j] = variances[j] > 0.0 ? (half[j] - split->mean[j]) / variances[j] : 0.0;
		for (int j = 0; j < dim && first != NULL; j++)
		{
			along += split->axes[j] * variances[j] * first->axes[j];
			square += first->axes[j] * variances[j] * first->axes[j];
		}
		for (int j = 0; j < dim && square > 0.0; j++)
			split->axes[j] -= along / square * first->axes[j];
	}
	pfree(half);
	pfree(variances);
}

/* Refines the axes of all splits whose leaf does not know its covariance; false if there are none. */
static bool
RefineAxes(SplitList *list)
{
	bool		any = false;

	for (int s = 0; s < list->n; s++)
	{
		Split	   *split = &list->splits[s];
		Split	   *before = s > 0 ? split - 1 : NULL;

		if (!split->leaf->kernel->search->by_column || split->shape != SPLIT_AXIS)
			continue;
		any = true;
		RefineAxis(split, list->screened, before && before->shape == SPLIT_AXIS && before->component == split->component
				   && before->leaf == split->leaf ? before : NULL);
	}
	return any;
}

/* Adds the splits of one component in the columns of one leaf. */
static void
ProposeSplits(SplitList *list, int component, const PlanLeaf *leaf)
{
	const double *stats = JobStats(list->screened, component) + leaf->stats_offset;
	int			dim = leaf->dim;
	double	   *mean = palloc0(sizeof(double) * dim);
	double	   *covariance = palloc(sizeof(double) * dim * dim);
	double	   *values = palloc(sizeof(double) * dim);
	double	   *vectors = palloc(sizeof(double) * dim * dim);
	double	   *axes = palloc(sizeof(double) * dim * dim);
	double		flat;

	leaf->kernel->search->centre(dim, stats, mean);
	leaf->kernel->search->spread(dim, stats, covariance);
	if (!SymmetricEigen(covariance, dim, values, vectors) || !(values[dim - 1] > 0.0))
		return;

	/* axes in order of descending variance, scaled so that coordinates have unit variance */
	flat = FLAT_AXIS * values[dim - 1];
	for (int a = 0; a < dim; a++)
		for (int j = 0; j < dim; j++)
			axes[a * dim + j] = vectors[(dim - 1 - a) * dim + j] / sqrt(Max(values[dim - 1 - a], flat));
	for (int a = 0; a < Min(dim, MAX_AXES); a++)
		AddSplit(list, SPLIT_AXIS, component, leaf, mean, axes + a * dim, 1, 0.0);
	if (dim > 1)
		AddSplit(list, SPLIT_CROSS, component, leaf, mean, axes, 2, 0.0);
	AddSplit(list, SPLIT_SHELL, component, leaf, mean, axes, dim, ChiSquareMedian(dim));
	pfree(mean);
	pfree(covariance);
	pfree(values);
	pfree(vectors);
	pfree(axes);
}

/* Fewest rows that are worth splitting: a cluster needs more rows than its scale has dimensions. */
static double
FewestRows(const Job *job)
{
	return Max(4.0, 2.0 * (job->plan->rank + 1)) * job->weight;
}

typedef struct RankedSplit
{
	Split		split;
	double		gain;
	int			order;
} RankedSplit;

static int
CompareSplits(const void *a, const void *b)
{
	const RankedSplit *x = a;
	const RankedSplit *y = b;

	if (x->gain != y->gain)
		return x->gain > y->gain ? -1 : 1;
	return x->order - y->order;
}

static void
FreeSplit(Split *split)
{
	pfree(split->mean);
	pfree(split->axes);
	pfree(split->stats);
}

/* Returns how many rows of a component have something of a leaf. */
static double
LeafRows(const PlanLeaf *leaf, const double *stats)
{
	return leaf->kernel->rows(leaf->dim, stats + leaf->stats_offset);
}

/* Orders the splits by what they gain at once; drops those with an empty half. */
static void
SortSplits(SplitList *list)
{
	Job		   *job = list->screened;
	Job		   *scratch = CopyJob(job);
	double	   *bounds = ComponentBounds(job, scratch);
	double	   *rest = palloc(sizeof(double) * job->plan->stats_size);
	RankedSplit *ranked = palloc(sizeof(RankedSplit) * (list->n + 1));
	int			n = 0;

	for (int s = 0; s < list->n; s++)
	{
		Split	   *split = &list->splits[s];
		const double *all = JobStats(job, split->component);
		double		second = LeafRows(split->leaf, split->stats);

		if (second < job->weight || LeafRows(split->leaf, all) - second < job->weight)
		{
			FreeSplit(split);
			continue;
		}
		memcpy(rest, all, sizeof(double) * job->plan->stats_size);
		AddStats(job->plan, rest, split->stats, -1.0);
		ranked[n] = (RankedSplit) {*split, SplitBound(job, scratch, split->component, rest, split->stats)
		- bounds[split->component], n};
		n++;
	}
	qsort(ranked, n, sizeof(RankedSplit), CompareSplits);
	for (int s = 0; s < n; s++)
	{
		list->splits[s] = ranked[s].split;
		list->gains[s] = ranked[s].gain;
	}
	list->n = n;
	pfree(ranked);
	pfree(rest);
	pfree(bounds);
	FreeJob(scratch);
}

SplitList
RankSplits(Job *job, int component)
{
	int			max = job->nlive * job->plan->nleaves * SPLITS_PER_LEAF;
	SplitList	list = {0, palloc(sizeof(Split) * max), palloc(sizeof(double) * max), job};

	for (int k = 0; k < job->nlive; k++)
		for (int l = 0; l < job->plan->nleaves; l++)
			if ((component < 0 || k == component) && ComponentRows(job, k) >= FewestRows(job)
				&& LeafRows(&job->plan->leaves[l], JobStats(job, k)) >= FewestRows(job))
			{
				CHECK_FOR_INTERRUPTS();
				if (job->plan->leaves[l].kernel->search->by_column)
					ProposeDiagonalSplits(&list, k, &job->plan->leaves[l]);
				else
					ProposeSplits(&list, k, &job->plan->leaves[l]);
			}
	PrepareJob(job);
	job->nsplits = list.n;
	job->splits = list.splits;
	RunPass(&job, 1);
	for (int i = 0; i < REFINEMENTS && RefineAxes(&list); i++)
		RunPass(&job, 1);
	ComputeElbo(job);
	job->nsplits = 0;
	SortSplits(&list);
	return list;
}

void
FreeSplits(SplitList *list)
{
	for (int s = 0; s < list->n; s++)
		FreeSplit(&list->splits[s]);
	pfree(list->splits);
	pfree(list->gains);
}
