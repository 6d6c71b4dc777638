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
