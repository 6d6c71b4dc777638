/*
 * slots.c
 *		Components whose priors differ.
 *
 * A start or a move makes groups of rows, and the index of a component that a
 * group then has is an accident.  PlaceComponents puts that right: it gives
 * groups to components by an optimal assignment, on the bound that each group
 * has under the prior of each component (ComponentBound).  UpdateGlobals does
 * so for all fresh components, so that every start and every move is covered.
 */
#include "postgres.h"

#include <math.h>

#include "engine/slots.h"
#include "engine/update.h"
#include "numerics/assignment.h"
#include "numerics/special.h"

/* --- which components are alike --- */

/* Returns true if two components have the same constant as a parameter; only locations are looked at if `locations`. */
static bool
SameParam(const PlanGlobal *global, int p, int a, int b, bool locations)
{
	const PlanParam *param = &global->params[p];

	if (param->global >= 0 || param->stride == 0)
		return true;
	if (locations && (global->units != UNITS_VALUE || global->distribution->params[p].role != ROLE_LOCATION))
		return true;
	return memcmp(param->moments + a * param->stride, param->moments + b * param->stride,
				  sizeof(double) * param->stride) == 0;
}

/* Returns true if two components have the same share of the rows in advance. */
static bool
SameWeight(const NetworkPlan *plan, int a, int b)
{
	const double *weights = plan->weights.global < 0 ? plan->weights.moments
		: plan->globals[plan->weights.global].params[0].moments;

	return weights[a] == weights[b];
}

/* Returns true if two components have the same priors, or priors of their locations. */
static bool
AreTwins(const NetworkPlan *plan, int a, int b, bool locations)
{
	if (!locations && !SameWeight(plan, a, b))
		return false;
	for (int i = 0; i < plan->nglobals; i++)
		for (int p = 0; p < plan->globals[i].distribution->nparams; p++)
			if (!SameParam(&plan->globals[i], p, a, b, locations))
				return false;
	return true;
}

/* Returns for each component the first one that is its twin; NULL if all are twins. */
static int *
FindTwins(const NetworkPlan *plan, bool locations)
{
	int		   *twins = palloc(sizeof(int) * plan->components);
	bool		differ = false;

	for (int k = 0; k < plan->components; k++)
	{
		twins[k] = 0;
		while (twins[k] < k && (twins[twins[k]] != twins[k] || !AreTwins(plan, twins[k], k, locations)))
			twins[k]++;
		differ |= twins[k] > 0;
	}
	if (differ)
		return twins;
	pfree(twins);
	return NULL;
}

void
BindSlots(NetworkPlan *plan)
{
	plan->twins = plan->selector < 0 ? NULL : FindTwins(plan, false);
	plan->places = plan->twins == NULL ? NULL : FindTwins(plan, true);
}

/* Returns how many components are twins of one, itself included. */
static int
CountTwins(const NetworkPlan *plan, const int *twins, int component)
{
	int			n = 0;

	for (int k = 0; k < plan->components; k++)
		n += twins[k] == twins[component];
	return n;
}

bool
StaysWithoutRows(const NetworkPlan *plan, int component)
{
	return plan->places != NULL && CountTwins(plan, plan->places, component) == 1;
}

double
LogLabellings(const NetworkPlan *plan, const bool *used)
{
	double		sum = 0.0;

	for (int k = 0; k < plan->components; k++)
	{
		int			all = 0;
		int			free = 0;

		if (plan->twins != NULL && plan->twins[k] != k)
			continue;
		for (int j = k; j < plan->components; j++)
			if (plan->twins == NULL || plan->twins[j] == k)
			{
				all++;
				free += !used[j];
			}
		sum += LogGamma(all + 1.0) - LogGamma(free + 1.0);
		if (plan->twins == NULL)
			break;
	}
	return sum;
}

/* --- starts --- */

bool
StartsFromPriors(const NetworkPlan *plan)
{
	const NetworkSettings *settings = &plan->network->settings;

	if (plan->places == NULL || settings->start == START_RANDOM || settings->start == START_RESULTS)
		return false;

	/* where all components stay in use, those in the same place would never part */
	for (int k = 0; k < plan->components && !settings->prune; k++)
		if (plan->places[k] != k)
			return false;
	return true;
}

void
BeginFromPriors(Job *job)
{
	for (int i = job->nlive - 1; i >= 0; i--)
		if (job->plan->places[job->live[i]] != job->live[i])
			RetireComponent(job, i);
	PrepareJob(job);
}

void
ReviveLocated(Job *job)
{
	const NetworkPlan *plan = job->plan;

	for (int k = 0; k < plan->components && plan->places != NULL; k++)
		if (!IsComponentLive(job, k) && StaysWithoutRows(plan, k))
		{
			job->live[ReviveComponent(job)] = k;
			SetComponentToPrior(job, k);
		}
}

/* --- placing --- */

/* Writes the components that the fresh ones may move to: those, and the retired ones; returns how many. */
static int
FreePlaces(const Job *job, int *places)
{
	int			n = 0;

	for (int k = 0; k < job->plan->components; k++)
	{
		bool		taken = false;

		for (int i = 0; i < job->nlive; i++)
			taken |= job->live[i] == k && !job->fresh[i];
		if (!taken)
			places[n++] = k;
	}
	return n;
}

/* Writes the bound of a component's statistics in each place; twins have the same. */
static void
PlaceBounds(const Job *job, Job *scratch, int index, const int *places, int nplaces, double *bounds)
{
	const int  *twins = job->plan->twins;

	for (int s = 0; s < nplaces; s++)
	{
		int			first = 0;

		while (first < s && twins[places[first]] != twins[places[s]])
			first++;
		bounds[s] = first < s ? bounds[first] : ComponentBound(scratch, places[s], JobStats(job, index));
	}
}

/* Makes bounds of what is not proper finite, but so low that nothing is assigned to them that can be elsewhere. */
static void
LimitBounds(double *bounds, int n, int groups)
{
	double		low = INFINITY;
	double		high = -INFINITY;

	for (int i = 0; i < n; i++)
		if (isfinite(bounds[i]))
		{
			low = Min(low, bounds[i]);
			high = Max(high, bounds[i]);
		}
	for (int i = 0; i < n; i++)
		if (!isfinite(bounds[i]))
			bounds[i] = low > high ? 0.0 : low - groups * (high - low) - 1.0;
}

void
PlaceComponents(Job *job)
{
	int			components = job->plan->components;
	int		   *groups = palloc(sizeof(int) * components);
	int		   *places = palloc(sizeof(int) * components);
	int		   *assignment = palloc(sizeof(int) * components);
	int			nplaces = FreePlaces(job, places);
	int			ngroups = 0;
	double	   *bounds;
	Job		   *scratch;

	for (int i = 0; i < job->nlive; i++)
		if (job->fresh[i])
			groups[ngroups++] = i;
	if (ngroups == 0)
		return;
	bounds = palloc(sizeof(double) * ngroups * nplaces);
	scratch = CopyJob(job);
	for (int g = 0; g < ngroups; g++)
		PlaceBounds(job, scratch, groups[g], places, nplaces, bounds + g * nplaces);
	LimitBounds(bounds, ngroups * nplaces, ngroups);
	OptimalAssignment(ngroups, nplaces, bounds, assignment);
	for (int g = 0; g < ngroups; g++)
		job->live[groups[g]] = places[assignment[g]];
	FreeJob(scratch);
	pfree(bounds);
	pfree(assignment);
	pfree(places);
	pfree(groups);
}

/* --- bounds of moves --- */

double
FewestToMove(const Job *job)
{
	return job->plan->twins == NULL ? 0.0 : 0.5 * job->weight;
}

void
RetireEmpty(Job *job)
{
	for (int i = job->nlive - 1; i >= 0 && job->nlive > 1 && job->plan->network->settings.prune; i--)
		if (ComponentRows(job, i) < FewestToMove(job))
			RetireComponent(job, i);
}

/* Writes one retired component of each kind; returns how many. */
static int
RetiredKinds(const Job *job, int *retired)
{
	int			n = 0;

	for (int k = 0; k < job->plan->components; k++)
	{
		bool		seen = IsComponentLive(job, k);

		for (int i = 0; i < n; i++)
			seen |= job->plan->twins[retired[i]] == job->plan->twins[k];
		if (!seen)
			retired[n++] = k;
	}
	return n;
}

double
MergedBound(const Job *job, Job *scratch, int first, int second, const double *stats)
{
	int		   *retired;
	int			n;
	double		best;

	if (job->plan->twins == NULL)
		return ComponentBound(scratch, job->live[0], stats);
	best = Max(ComponentBound(scratch, job->live[first], stats), ComponentBound(scratch, job->live[second], stats));
	retired = palloc(sizeof(int) * job->plan->components);
	n = RetiredKinds(job, retired);
	for (int i = 0; i < n; i++)
		best = Max(best, ComponentBound(scratch, retired[i], stats));
	pfree(retired);
	return best;
}

double
SplitBound(const Job *job, Job *scratch, int component, const double *rest, const double *second)
{
	int			own = job->plan->twins == NULL ? job->live[0] : job->live[component];
	double		second_here = ComponentBound(scratch, own, second);
	double		rest_here = ComponentBound(scratch, own, rest);
	int		   *retired;
	int			n;
	double		best;

	if (job->plan->twins == NULL || job->nlive == job->plan->components)
		return rest_here + second_here;
	retired = palloc(sizeof(int) * job->plan->components);
	n = RetiredKinds(job, retired);
	best = -INFINITY;
	for (int i = 0; i < n; i++)
	{
		best = Max(best, rest_here + ComponentBound(scratch, retired[i], second));
		best = Max(best, second_here + ComponentBound(scratch, retired[i], rest));
	}
	pfree(retired);
	return best;
}

/* --- splits that need the place of a merged component --- */

/* Returns the best pair that leaves a component alone; NULL if there is none. */
static const MergePair *
PairWithout(const MergePair *pairs, int npairs, int component)
{
	for (int p = 0; p < npairs; p++)
		if (pairs[p].first != component && pairs[p].second != component)
			return &pairs[p];
	return NULL;
}

/* Writes the bounds of statistics in the place of each live component. */
static void
BoundsInPlaces(const Job *job, Job *scratch, const double *stats, double *bounds)
{
	for (int k = 0; k < job->nlive; k++)
		bounds[k] = ComponentBound(scratch, job->live[k], stats);
}

/*
 * Where components have priors of their own, it counts which of the two that
 * are merged makes room: a half must suit its prior.
 */
static const MergePair *
PairForSplit(const Split *split, const MergePair *pairs, int npairs, const double *merged, const double *rest,
			 const double *second)
{
	const MergePair *best = NULL;
	double		most = -INFINITY;

	for (int p = 0; p < npairs; p++)
		for (int room = 0; room < 2; room++)
		{
			int			place = room == 0 ? pairs[p].first : pairs[p].second;
			double		gain = merged[2 * p + 1 - room]
				+ Max(rest[split->component] + second[place], second[split->component] + rest[place]);

			if (pairs[p].first == split->component || pairs[p].second == split->component || !(gain > most))
				continue;
			most = gain;
			best = &pairs[p];
		}
	return best;
}

const MergePair **
ChoosePairs(const SplitList *list, const MergePair *pairs, int npairs)
{
	const Job  *job = list->screened;
	Size		size = job->plan->stats_size;
	const MergePair **chosen = palloc(sizeof(MergePair *) * (list->n + 1));
	Job		   *scratch;
	double	   *own;
	double	   *merged;
	double	   *work;
	double	   *bounds;

	for (int s = 0; s < list->n; s++)
		chosen[s] = PairWithout(pairs, npairs, list->splits[s].component);
	if (job->plan->twins == NULL)
		return chosen;
	scratch = CopyJob(job);
	own = palloc(sizeof(double) * job->nlive);
	for (int k = 0; k < job->nlive; k++)
		own[k] = ComponentBound(scratch, job->live[k], JobStats(job, k));
	merged = palloc(sizeof(double) * (2 * npairs + 1));
	work = palloc(sizeof(double) * size);
	bounds = palloc(sizeof(double) * job->nlive * 2);
	for (int p = 0; p < npairs; p++)
	{
		int			first = pairs[p].first;
		int			second = pairs[p].second;

		memcpy(work, JobStats(job, first), sizeof(double) * size);
		AddStats(job->plan, work, JobStats(job, second), 1.0);
		merged[2 * p] = ComponentBound(scratch, job->live[first], work) - own[first] - own[second];
		merged[2 * p + 1] = ComponentBound(scratch, job->live[second], work) - own[first] - own[second];
	}
	for (int s = 0; s < list->n; s++)
	{
		const Split *split = &list->splits[s];

		memcpy(work, JobStats(job, split->component), sizeof(double) * size);
		AddStats(job->plan, work, split->stats, -1.0);
		BoundsInPlaces(job, scratch, work, bounds);
		BoundsInPlaces(job, scratch, split->stats, bounds + job->nlive);
		chosen[s] = PairForSplit(split, pairs, npairs, merged, bounds, bounds + job->nlive);
	}
	pfree(bounds);
	pfree(work);
	pfree(merged);
	pfree(own);
	FreeJob(scratch);
	return chosen;
}

double *
ComponentBounds(const Job *job, Job *scratch)
{
	double	   *bounds = palloc(sizeof(double) * job->nlive);

	for (int k = 0; k < job->nlive; k++)
		bounds[k] = ComponentBound(scratch, job->live[job->plan->twins == NULL ? 0 : k], JobStats(job, k));
	return bounds;
}
