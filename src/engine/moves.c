/*
 * moves.c
 *		Proposals of merges, deletes and splits, made from the additive
 *		statistics (Ueda & Ghahramani 2002; Hughes & Sudderth 2013).
 *
 * Entropy of the responsibilities can only fall by a merge, so the gain of the
 * other terms bounds that of the ELBO from above.
 */
#include "postgres.h"

#include <math.h>

#include "engine/moves.h"
#include "engine/pass.h"
#include "engine/slots.h"
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

TrialSet *
CreateTrials(int max)
{
	TrialSet   *set = palloc0(sizeof(TrialSet));

	set->max = max;
	set->trials = palloc0(sizeof(Trial) * max);
	return set;
}

void
FreeTrials(TrialSet *set)
{
	for (int t = 0; t < set->max; t++)
		if (set->trials[t].job)
			FreeJob(set->trials[t].job);
	pfree(set->trials);
	pfree(set);
}

/* Adds a trial that begins as a copy of a job; NULL if the set is full. */
static Job *
AddTrial(TrialSet *set, const Job *from, MoveKind kind)
{
	Trial	   *trial;

	if (set->n == set->max)
		return NULL;
	trial = &set->trials[set->n++];
	trial->kind = kind;
	trial->alive = true;
	if (trial->job == NULL)
		trial->job = CopyJob(from);
	else
		AssignJob(trial->job, from);
	trial->job->nsplits = 0;
	return trial->job;
}

void
AddStats(const NetworkPlan *plan, double *to, const double *from, double factor)
{
	for (int i = 0; i < plan->stats_size; i++)
		to[i] += factor * from[i];
}

void
MergeComponents(Job *job, int first, int second)
{
	AddStats(job->plan, JobStats(job, first), JobStats(job, second), 1.0);
	job->fresh[first] = true;
	job->unsettled = true;
	RetireComponent(job, second);
}

/* Gives the second half of a split to a retired component. */
static void
SplitComponent(Job *job, int component, const double *second_half)
{
	int			index = ReviveComponent(job);

	AddStats(job->plan, JobStats(job, index), second_half, 1.0);
	AddStats(job->plan, JobStats(job, component), second_half, -1.0);
	job->fresh[component] = job->fresh[index] = true;
	job->unsettled = true;
}

void
TryMerge(TrialSet *set, const Job *incumbent, const MergePair *pair)
{
	Job		   *job = AddTrial(set, incumbent, MOVE_MERGE);

	if (job)
		MergeComponents(job, pair->first, pair->second);
}

/* Returns the index of a component after a merge. */
static int
AfterMerge(const MergePair *pair, int component)
{
	if (component == pair->second)
		return pair->first;
	return component > pair->second ? component - 1 : component;
}

void
TryTwoMerges(TrialSet *set, const Job *incumbent, const MergePair *one, const MergePair *other)
{
	Job		   *job = AddTrial(set, incumbent, MOVE_MERGE);
	int			first = AfterMerge(one, other->first);
	int			second = AfterMerge(one, other->second);

	if (job == NULL)
		return;
	MergeComponents(job, one->first, one->second);
	MergeComponents(job, Min(first, second), Max(first, second));
}

void
TryDelete(TrialSet *set, const Job *incumbent, int component)
{
	Job		   *job = AddTrial(set, incumbent, MOVE_DELETE);

	if (job)
		RetireComponent(job, component);
}

void
TryPlacement(TrialSet *set, const Job *incumbent)
{
	const int  *twins = incumbent->plan->twins;
	Job		   *job;
	int		   *before;
	bool		moved = false;

	if (twins == NULL || (job = AddTrial(set, incumbent, MOVE_PLACE)) == NULL)
		return;
	RetireEmpty(job);
	for (int i = 0; i < job->nlive; i++)
		job->fresh[i] = ComponentRows(job, i) >= FewestToMove(job);
	job->unsettled = true;
	before = palloc(sizeof(int) * job->nlive);
	memcpy(before, job->live, sizeof(int) * job->nlive);
	PlaceComponents(job);
	for (int i = 0; i < job->nlive; i++)
		moved |= twins[job->live[i]] != twins[before[i]];
	pfree(before);
	if (!moved)
		set->n--;
}

void
TrySplit(TrialSet *set, const SplitList *list, int split)
{
	Job		   *job = AddTrial(set, list->screened, MOVE_SPLIT);

	if (job)
		SplitComponent(job, list->splits[split].component, list->splits[split].stats);
}

void
TryMergeAndSplit(TrialSet *set, const SplitList *list, const MergePair *pair, int split)
{
	Job		   *job = AddTrial(set, list->screened, MOVE_SPLIT);
	int			component = list->splits[split].component;

	if (job == NULL)
		return;
	MergeComponents(job, pair->first, pair->second);
	SplitComponent(job, AfterMerge(pair, component), list->splits[split].stats);
}

static int
ComparePairs(const void *a, const void *b)
{
	const MergePair *x = a;
	const MergePair *y = b;

	if (x->gain != y->gain)
		return x->gain > y->gain ? -1 : 1;
	return x->first != y->first ? x->first - y->first : x->second - y->second;
}

/* Returns the index of the first global that says how heavy each component's tails are; -1: there is none. */
static int
FindTails(const NetworkPlan *plan)
{
	for (int g = 0; g < plan->nglobals; g++)
		for (int c = 0; c < plan->globals[g].nchildren && plan->globals[g].plates > 1; c++)
		{
			const PlanChild *child = &plan->globals[g].children[c];

			if (child->kind == CHILD_LEAF
				&& plan->leaves[child->index].distribution->params[child->param].role == ROLE_TAILS)
				return g;
		}
	return -1;
}

bool
HasTails(const NetworkPlan *plan)
{
	return FindTails(plan) >= 0;
}

/* Swaps the state of a global between two components. */
static void
SwapPlates(Job *job, int global, int first, int second)
{
	const NetworkPlan *plan = job->plan;
	double	   *a = GlobalPhi(plan, job->state, global, job->live[first]);
	double	   *b = GlobalPhi(plan, job->state, global, job->live[second]);

	for (int i = 0; i < PlateSize(&plan->globals[global]); i++)
	{
		double		x = a[i];

		a[i] = b[i];
		b[i] = x;
	}
}

/* Returns all pairs, those first of which one has most times the degrees of freedom of the other. */
static MergePair *
RankTails(const Job *job, int tails, int *npairs)
{
	MergePair  *pairs = palloc(sizeof(MergePair) * (job->nlive * (job->nlive - 1) / 2 + 1));
	int			n = 0;

	for (int a = 0; a < job->nlive; a++)
		for (int b = a + 1; b < job->nlive; b++)
			pairs[n++] = (MergePair) {a, b,
			fabs(log(GlobalMoments(job->plan, job->state, tails, job->live[a])[0] /
					 GlobalMoments(job->plan, job->state, tails, job->live[b])[0]))};
	qsort(pairs, n, sizeof(MergePair), ComparePairs);
	*npairs = n;
	return pairs;
}

void
TrySwaps(TrialSet *set, const Job *incumbent, int most)
{
	int			tails = FindTails(incumbent->plan);
	int			npairs;
	MergePair  *pairs = RankTails(incumbent, tails, &npairs);
	Job		  **jobs = palloc(sizeof(Job *) * most);
	int			njobs = 0;

	for (int p = 0; p < Min(npairs, most); p++)
	{
		Job		   *job = AddTrial(set, incumbent, MOVE_SWAP);

		if (job == NULL)
			break;
		SwapPlates(job, tails, pairs[p].first, pairs[p].second);
		PrepareJob(job);
		jobs[njobs++] = job;
	}
	if (njobs > 0)
		RunPass(jobs, njobs);
	pfree(jobs);
	pfree(pairs);
}

int
SmallestComponent(const Job *job, int n)
{
	double		fewest = FewestToMove(job);

	for (int i = 0; i < job->nlive; i++)
	{
		int			smaller = 0;

		if (ComponentRows(job, i) < fewest)
			continue;
		for (int k = 0; k < job->nlive; k++)
			smaller += ComponentRows(job, k) >= fewest
				&& (ComponentRows(job, k) < ComponentRows(job, i)
					|| (ComponentRows(job, k) == ComponentRows(job, i) && k < i));
		if (smaller == n)
			return i;
	}
	return -1;
}

/* Returns a copy of a job without a component, whose tails an heir has. */
static Job *
LeaveTails(const Job *from, int deleted, int heir)
{
	Job		   *job = CopyJob(from);

	SwapPlates(job, FindTails(job->plan), deleted, heir);
	RetireComponent(job, deleted);
	PrepareJob(job);
	return job;
}

void
TryReplacements(TrialSet *set, const SplitList *list, int splits, int heirs)
{
	const Job  *from = list->screened;
	int			deleted = SmallestComponent(from, 0);
	Job		  **bases = palloc(sizeof(Job *) * from->nlive);
	int			n = 0;

	for (int i = from->nlive - 1; i > 0 && n < heirs; i--)
		if (SmallestComponent(from, i) >= 0)
			bases[n++] = LeaveTails(from, deleted, SmallestComponent(from, i));
	if (n > 0)
		RunPass(bases, n);
	for (int s = 0; s < list->n && splits > 0; s++)
	{
		int			component = list->splits[s].component;

		if (component == deleted)
			continue;
		splits--;
		for (int h = 0; h < n; h++)
		{
			Job		   *job = AddTrial(set, bases[h], MOVE_SPLIT);

			if (job)
				SplitComponent(job, component > deleted ? component - 1 : component, list->splits[s].stats);
		}
	}
	for (int h = 0; h < n; h++)
		FreeJob(bases[h]);
	pfree(bases);
}

/* Returns the bounds of all components. */
static double *
ComponentBounds(const Job *job, Job *scratch)
{
	double	   *bounds = palloc(sizeof(double) * job->nlive);

	for (int k = 0; k < job->nlive; k++)
		bounds[k] = ComponentBound(scratch, job->live[job->plan->twins == NULL ? 0 : k], JobStats(job, k));
	return bounds;
}

MergePair *
RankPairs(const Job *job, int *npairs)
{
	Job		   *scratch = CopyJob(job);
	double	   *bounds = ComponentBounds(job, scratch);
	double	   *sum = palloc(sizeof(double) * job->plan->stats_size);
	MergePair  *pairs = palloc(sizeof(MergePair) * (job->nlive * (job->nlive - 1) / 2 + 1));
	int			n = 0;

	for (int a = 0; a < job->nlive; a++)
		for (int b = a + 1; b < job->nlive; b++)
		{
			CHECK_FOR_INTERRUPTS();
			if (ComponentRows(job, a) < FewestToMove(job) || ComponentRows(job, b) < FewestToMove(job))
				continue;
			memcpy(sum, JobStats(job, a), sizeof(double) * job->plan->stats_size);
			AddStats(job->plan, sum, JobStats(job, b), 1.0);
			pairs[n++] = (MergePair) {a, b, MergedBound(job, scratch, a, b, sum) - bounds[a] - bounds[b]};
		}
	qsort(pairs, n, sizeof(MergePair), ComparePairs);
	pfree(sum);
	pfree(bounds);
	FreeJob(scratch);
	*npairs = n;
	return pairs;
}

/* --- many merges at once --- */

bool
SharesPrecision(const NetworkPlan *plan)
{
	for (int l = 0; l < plan->nleaves; l++)
		for (int p = 0; p < plan->leaves[l].distribution->nparams; p++)
		{
			int			global = plan->leaves[l].params[p].global;

			if (plan->leaves[l].distribution->params[p].role == ROLE_PRECISION && global >= 0
				&& plan->globals[global].plates < plan->components)
				return true;
		}
	return false;
}

/* A precision that they share is as narrow as the components are, and no merge of two makes it wider by much: so none gains. */
void
TryManyMerges(TrialSet *set, const Job *incumbent)
{
	Job		   *merged = CopyJob(incumbent);
	int			left = merged->nlive;

	while (left > 1)
	{
		Job		   *trial;

		left = (left + 1) / 2;
		while (merged->nlive > left)
		{
			int			npairs;
			MergePair  *pairs = RankPairs(merged, &npairs);

			if (npairs > 0)
				MergeComponents(merged, pairs[0].first, pairs[0].second);
			pfree(pairs);
			if (npairs == 0)
				break;
		}
		if (merged->nlive > left)
			break;
		trial = AddTrial(set, merged, MOVE_MERGE);
		if (trial == NULL)
			break;
	}
	FreeJob(merged);
}

/* --- splits --- */

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
