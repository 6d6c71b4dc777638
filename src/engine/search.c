/*
 * search.c
 *		Races of trial moves against the incumbent.
 *
 * A race sweeps the incumbent and all trials side by side, each sweep one pass
 * for all of them.  Trials that fall behind hopelessly leave it; the best one
 * that overtakes the incumbent becomes the incumbent.  Rounds alternate between
 * shrinking (merges, deletes), growing (splits) and regrouping (pairs that are
 * merged and divided anew) until none of them finds anything.
 */
#include "postgres.h"

#include <math.h>

#include "engine/moves.h"
#include "engine/search.h"
#include "engine/update.h"
#include "miscadmin.h"

/* A trial must be better by this, in nats, lest rounding decides */
#define MARGIN 1e-3

/*
 * A trial leaves the race if it could not catch up in so many sweeps like its
 * last one, or with so many times the gain that its last two sweeps let expect.
 */
#define PATIENCE 30.0
#define HOPE 3.0

/* Trials that are to stay are ranked by where they would be in this many sweeps like the last one */
#define LOOK_AHEAD 10.0

/* A pair whose merge is bound to lose more than this, per row and at all, is not tried */
#define HOPELESS_PER_ROW 0.08
#define HOPELESS 30.0

/* Between rounds the incumbent sweeps until the remaining gain is below this, or so often */
#define SETTLE_TOLERANCE 0.1
#define SETTLE_SWEEPS 10

/* Most trials of a race, and the memory that they may take */
#define MAX_TRIALS 64
#define TRIAL_MEMORY ((Size) 64 * 1024 * 1024)

const SearchEffort FirstEffort = {
	.rounds = 60,
	.merges = 8,
	.deletes = 3,
	.shrink_sweeps = 5,
	.splits = 64,
	.exchanges = 2,
	.resplits = 3,
	.grow_sweeps = 40,
	.halve_after_3 = 6,
	.halve_after_6 = 3,
	.fewest_sweeps = 6,
};

const SearchEffort MiddleEffort = {
	.rounds = 12,
	.merges = 4,
	.deletes = 2,
	.shrink_sweeps = 4,
	.splits = 8,
	.grow_sweeps = 10,
	.halve_after_3 = 4,
	.halve_after_6 = 2,
	.fewest_sweeps = 4,
};

const SearchEffort ConfirmEffort = {
	.rounds = 6,
	.merges = 2,
	.deletes = 1,
	.shrink_sweeps = 3,
	.splits = 2,
	.grow_sweeps = 5,
	.halve_after_3 = 4,
	.halve_after_6 = 4,
	.fewest_sweeps = 4,
};

typedef struct Search
{
	Job		   *incumbent;
	const SearchEffort *effort;
	TrialSet   *trials;
	Fit		   *fit;			/* for the counts and the trace */
	int			restart;
	int		   *iterations;		/* sweeps of the incumbent */
} Search;

/* Counts a sweep of the incumbent and records it. */
static void
RecordSweep(Search *search, const char *event)
{
	if (event == NULL)
	{
		++*search->iterations;
		event = search->incumbent->rows->rows == search->fit->rows ? NULL : "sample";
	}
	AddTrace(&search->fit->trace, search->restart, *search->iterations, search->incumbent->elbo, event);
}

/* True if a trial has no chance to overtake: `last` and `gain` are what its last two sweeps gained. */
static bool
IsHopeless(double behind, double last, double gain)
{
	double		ratio = gain / last;

	return PATIENCE * gain < behind || (ratio > 0.0 && ratio < 1.0 && HOPE * gain * ratio / (1.0 - ratio) < behind);
}

/* Sweeps the incumbent and the trials that are in the race. */
static void
SweepRace(Search *search, double *gains)
{
	TrialSet   *trials = search->trials;
	Job		  **jobs = palloc(sizeof(Job *) * (trials->n + 1));
	int			n = 0;

	jobs[n++] = search->incumbent;
	for (int t = 0; t < trials->n; t++)
		if (trials->trials[t].alive)
		{
			gains[t] = trials->trials[t].job->elbo;
			jobs[n++] = trials->trials[t].job;
		}
	Sweep(jobs, n);
	for (int t = 0; t < trials->n; t++)
		if (trials->trials[t].alive)
			gains[t] = trials->trials[t].job->elbo - gains[t];
	pfree(jobs);
	RecordSweep(search, NULL);
}

static int
CountAlive(const TrialSet *trials)
{
	int			alive = 0;

	for (int t = 0; t < trials->n; t++)
		alive += trials->trials[t].alive;
	return alive;
}

/* Takes the least promising trials out of the race until `keep` are left. */
static void
KeepBest(TrialSet *trials, const double *gains, int keep)
{
	for (int alive = CountAlive(trials); keep > 0 && alive > keep; alive--)
	{
		int			worst = -1;
		double		least = INFINITY;

		for (int t = 0; t < trials->n; t++)
		{
			double		promise = trials->trials[t].job->elbo + LOOK_AHEAD * gains[t];

			if (trials->trials[t].alive && (worst < 0 || promise < least))
			{
				worst = t;
				least = promise;
			}
		}
		trials->trials[worst].alive = false;
	}
}

/* Returns the best trial that is ahead of the incumbent; -1 if none is. */
static int
Winner(const Search *search)
{
	int			best = -1;
	const Trial *trials = search->trials->trials;

	for (int t = 0; t < search->trials->n; t++)
		if (trials[t].alive && trials[t].job->elbo > search->incumbent->elbo + MARGIN
			&& (best < 0 || trials[t].job->elbo > trials[best].job->elbo))
			best = t;
	return best;
}

/*
 * Races the trials; true if one of them has become the incumbent.  The first
 * sweep of a trial only makes its globals those of its statistics, so it is
 * judged from the second on.
 */
static bool
Race(Search *search, int sweeps, int fewest)
{
	TrialSet   *trials = search->trials;
	const SearchEffort *effort = search->effort;
	double		gains[MAX_TRIALS] = {0};
	double		last[MAX_TRIALS];
	int			winner;

	for (int t = 0; t < trials->n; t++)
		search->fit->tried[trials->trials[t].kind]++;
	for (int s = 1; s <= sweeps && CountAlive(trials) > 0; s++)
	{
		memcpy(last, gains, sizeof(last));
		SweepRace(search, gains);
		if (s == 1)
			continue;
		if (s >= fewest && Winner(search) >= 0)
			break;
		for (int t = 0; t < trials->n; t++)
			if (IsHopeless(search->incumbent->elbo - trials->trials[t].job->elbo, s == 2 ? 0.0 : last[t], gains[t]))
				trials->trials[t].alive = false;
		if (s == 3 || s == 6)
			KeepBest(trials, gains, s == 3 ? effort->halve_after_3 : effort->halve_after_6);
	}
	winner = Winner(search);
	trials->n = winner < 0 ? 0 : trials->n;
	if (winner < 0)
		return false;
	search->fit->accepted[trials->trials[winner].kind]++;
	AssignJob(search->incumbent, trials->trials[winner].job);
	RecordSweep(search, MoveNames[trials->trials[winner].kind]);
	trials->n = 0;
	return true;
}

/* Tries to do with fewer components; true if something was accepted. */
static bool
Shrink(Search *search)
{
	Job		   *incumbent = search->incumbent;
	int			npairs;
	MergePair  *pairs;

	if (incumbent->nlive < 2)
		return false;
	Sweep(&incumbent, 1);
	RecordSweep(search, NULL);
	if (incumbent->nlive < 2)
		return false;			/* the others vanished */
	pairs = RankPairs(incumbent, &npairs);
	for (int p = 0; p < Min(npairs, search->effort->merges); p++)
		if (pairs[p].gain > -HOPELESS_PER_ROW * incumbent->rows->rows * incumbent->weight - HOPELESS)
			TryMerge(search->trials, incumbent, &pairs[p]);
	for (int d = 0; d < Min(search->effort->deletes, incumbent->nlive); d++)
		TryDelete(search->trials, incumbent, SmallestComponent(incumbent, d));
	pfree(pairs);
	return Race(search, search->effort->shrink_sweeps, 2);
}

/* Returns the best pair that leaves a component alone; NULL if there is none. */
static const MergePair *
PairWithout(const MergePair *pairs, int npairs, int component)
{
	for (int p = 0; p < npairs; p++)
		if (pairs[p].first != component && pairs[p].second != component)
			return &pairs[p];
	return NULL;
}

/* Tries splits, and merges of two components with the split of a third; true if something was accepted. */
static bool
Grow(Search *search)
{
	Job		   *incumbent = search->incumbent;
	const SearchEffort *effort = search->effort;
	bool		full = incumbent->nlive == incumbent->plan->components;
	int			exchanges = full ? Max(effort->splits, effort->exchanges) : effort->exchanges;
	int			npairs;
	MergePair  *pairs;
	SplitList	splits;

	if (effort->splits == 0 || incumbent->plan->components < 2)
		return false;
	UpdateGlobals(incumbent);
	splits = RankSplits(incumbent, -1);
	pairs = RankPairs(incumbent, &npairs);
	for (int s = 0; !full && s < Min(splits.n, effort->splits - exchanges); s++)
		TrySplit(search->trials, &splits, s);
	for (int s = 0; s < splits.n && exchanges > 0; s++)
	{
		const MergePair *pair = PairWithout(pairs, npairs, splits.splits[s].component);

		if (pair == NULL)
			continue;
		TryMergeAndSplit(search->trials, &splits, pair, s);
		exchanges--;
	}
	pfree(pairs);
	FreeSplits(&splits);
	return Race(search, effort->grow_sweeps, effort->fewest_sweeps);
}

/* Merges the likeliest pairs and divides each anew, in all shapes; true if something was accepted. */
static bool
Regroup(Search *search)
{
	Job		   *incumbent = search->incumbent;
	Job		   *merged;
	int			npairs;
	MergePair  *pairs;

	if (search->effort->resplits == 0 || incumbent->nlive < 2)
		return false;
	merged = CopyJob(incumbent);
	pairs = RankPairs(incumbent, &npairs);
	for (int p = 0; p < Min(npairs, search->effort->resplits); p++)
	{
		SplitList	splits;

		AssignJob(merged, incumbent);
		MergeComponents(merged, pairs[p].first, pairs[p].second);
		UpdateGlobals(merged);
		splits = RankSplits(merged, pairs[p].first);
		for (int s = 0; s < splits.n; s++)
			TrySplit(search->trials, &splits, s);
		FreeSplits(&splits);
	}
	pfree(pairs);
	FreeJob(merged);
	return Race(search, search->effort->grow_sweeps, search->effort->fewest_sweeps);
}

/* Sweeps the incumbent until it does not gain much any more. */
static void
Settle(Search *search)
{
	StopRule	stop = {0};

	for (int s = 0; s < SETTLE_SWEEPS; s++)
	{
		Sweep(&search->incumbent, 1);
		RecordSweep(search, NULL);
		if (ShouldStop(&stop, search->incumbent->elbo, SETTLE_TOLERANCE))
			break;
	}
}

static int
TrialsInMemory(const NetworkPlan *plan)
{
	Size		fit = TRIAL_MEMORY / JobSize(plan);

	return fit > MAX_TRIALS ? MAX_TRIALS : Max((int) fit, 8);
}

void
SearchMoves(Job *incumbent, const SearchEffort *effort, Fit *fit, int restart, int *iterations)
{
	Search		search = {
		.incumbent = incumbent,
		.effort = effort,
		.trials = CreateTrials(incumbent, TrialsInMemory(incumbent->plan)),
		.fit = fit,
		.restart = restart,
		.iterations = iterations,
	};
	bool		improved = true;

	for (int round = 0; improved && round < effort->rounds; round++)
	{
		CHECK_FOR_INTERRUPTS();
		while (round < effort->rounds && Shrink(&search))
			round++;
		Settle(&search);
		improved = Grow(&search) || Regroup(&search);
	}
	for (int t = 0; t < search.trials->max; t++)
		if (search.trials->trials[t].job)
			FreeJob(search.trials->trials[t].job);
	pfree(search.trials->trials);
	pfree(search.trials);
}
