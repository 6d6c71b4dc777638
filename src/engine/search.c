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
#include "engine/slots.h"
#include "engine/update.h"
#include "miscadmin.h"

/* A trial must be better by this at least, in nats, lest rounding decides */
#define MARGIN 1e-3

/* A trial behind the incumbent that gains less than this in a sweep is at its optimum */
#define STUCK 0.05

/* An incumbent that gained less than this has converged: it need not sweep along */
#define CONVERGED 1e-3

/* A pair whose merge is bound to lose more than this, per row and at all, is not tried */
#define HOPELESS_PER_ROW 0.08
#define HOPELESS 30.0

/* Between rounds the incumbent sweeps until the remaining gain is below this, or so often */
#define SETTLE_TOLERANCE 0.1
#define SETTLE_SWEEPS 10

/*
 * Which split wins shows in the race, not at its start: the winner often ranks
 * low by what it gains at once and takes 15 to 40 sweeps.  So all shapes start,
 * and those stay that close the gap fastest.
 */
const SearchEffort FirstEffort = {
	.rounds = 60,
	.merges = 8,
	.two_merges = 4,
	.deletes = 2,
	.shapes = 4,
	.exchanges = 16,
	.replacements = 12,
	.heirs = 4,
	.swaps = 6,
	.resplits = 6,
	.resplit_shapes = 2,
	.shrink = {5, 3, {{2, 4}}, 30.0},
	.grow = {40, 6, {{2, 8}, {4, 4}, {7, 2}}, 30.0},
};

const SearchEffort MiddleEffort = {
	.rounds = 60,
	.merges = 8,
	.two_merges = 4,
	.deletes = 2,
	.shapes = 2,
	.exchanges = 16,
	.replacements = 12,
	.heirs = 4,
	.swaps = 6,
	.resplits = 3,
	.resplit_shapes = 1,
	.shrink = {5, 3, {{2, 4}}, 30.0},
	.grow = {40, 6, {{2, 8}, {4, 4}, {7, 2}}, 30.0},
};

const SearchEffort SmallConfirmEffort = {
	.rounds = 12,
	.merges = 1,
	.deletes = 1,
	.shapes = 4,
	.together = true,
	.grow = {30, 4, {{2, 6}, {3, 3}, {5, 2}}, 15.0},
};

const SearchEffort ConfirmEffort = {
	.rounds = 12,
	.merges = 1,
	.deletes = 1,
	.shapes = 1,
	.together = true,
	.grow = {30, 4, {{2, 3}, {3, 2}, {5, 1}}, 15.0},
};

typedef struct Search
{
	Job		   *incumbent;
	const SearchEffort *effort;
	TrialSet   *trials;
	Fit		   *fit;			/* for the counts and the trace */
	int			restart;
	int		   *iterations;		/* sweeps of the incumbent */
	double		margin;			/* a trial must be better by this, in nats */
	double		gain;			/* of the incumbent's last sweep; infinite if it has changed since */
	bool		grown;			/* splits of any component into any place were tried, and none has won since */
} Search;

/* Counts a sweep of the incumbent and records it. */
static void
RecordSweep(Search *search, const char *event)
{
	if (event == NULL)
	{
		++*search->iterations;
		event = search->incumbent->rows->total == search->fit->total ? NULL : "sample";
	}
	AddTrace(&search->fit->trace, search->restart, *search->iterations, search->incumbent->elbo, event);
}

/* Sweeps the incumbent alone. */
static void
SweepIncumbent(Search *search)
{
	double		before = search->incumbent->elbo;

	Sweep(&search->incumbent, 1);
	search->gain = search->incumbent->elbo - before;
	RecordSweep(search, NULL);
}

/* Sweeps the trials that are in the race, and the incumbent unless it has converged. */
static void
SweepRace(Search *search, double *gains)
{
	TrialSet   *trials = search->trials;
	Job		  **jobs = palloc(sizeof(Job *) * (trials->n + 1));
	bool		converged = search->gain >= 0.0 && search->gain < CONVERGED;
	double		before = search->incumbent->elbo;
	int			n = 0;

	if (!converged)
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
	if (converged)
		return;
	search->gain = search->incumbent->elbo - before;
	RecordSweep(search, NULL);
}

/* True if a trial has no chance to overtake after `sweep` sweeps; early gains are large, so patience grows. */
static bool
IsHopeless(const RaceLength *length, int sweep, double behind, double gain, double margin)
{
	static const double part[] = {0, 0, 1.0 / 6, 1.0 / 3, 2.0 / 3};
	double		patience = length->patience * (sweep < (int) lengthof(part) ? part[sweep] : 1.0);

	return behind > patience * gain || (sweep >= 4 && behind > -margin && gain < STUCK);
}

static int
CountAlive(const TrialSet *trials)
{
	int			alive = 0;

	for (int t = 0; t < trials->n; t++)
		alive += trials->trials[t].alive;
	return alive;
}

/* Takes the trials that close their gap slowest out of the race until `keep` are left. */
static void
KeepFastest(const Search *search, const double *gains, int keep)
{
	TrialSet   *trials = search->trials;

	for (int alive = CountAlive(trials); alive > keep; alive--)
	{
		int			slowest = -1;
		double		least = INFINITY;

		for (int t = 0; t < trials->n; t++)
		{
			double		behind = search->incumbent->elbo - trials->trials[t].job->elbo;
			double		speed = behind > 0.0 ? gains[t] / behind : INFINITY;

			if (trials->trials[t].alive && (slowest < 0 || speed < least))
			{
				slowest = t;
				least = speed;
			}
		}
		trials->trials[slowest].alive = false;
	}
}

/* Returns the best trial that is ahead of the incumbent; -1 if none is.  A fixed number of components stays in use. */
static int
Winner(const Search *search)
{
	int			best = -1;
	int			unused = UnusedComponents(search->incumbent);
	const Trial *trials = search->trials->trials;

	for (int t = 0; t < search->trials->n; t++)
		if (trials[t].alive && trials[t].job->elbo > search->incumbent->elbo + search->margin
			&& (best < 0 || trials[t].job->elbo > trials[best].job->elbo)
			&& UnusedComponents(trials[t].job) <= unused)
			best = t;
	return best;
}

/* Runs the race.  The first sweep of a trial only makes its globals those of its statistics: it is judged from the second on. */
static void
RunRace(Search *search, const RaceLength *length)
{
	TrialSet   *trials = search->trials;
	double		gains[MAX_TRIALS] = {0};

	for (int s = 1; s <= length->most && CountAlive(trials) > 0; s++)
	{
		CHECK_FOR_INTERRUPTS();
		SweepRace(search, gains);
		if (s == 1)
			continue;
		for (int t = 0; t < trials->n; t++)
			if (trials->trials[t].alive
				&& IsHopeless(length, s, search->incumbent->elbo - trials->trials[t].job->elbo, gains[t],
							  search->margin))
				trials->trials[t].alive = false;
		if (s >= length->fewest && Winner(search) >= 0)
			break;
		for (int c = 0; c < RACE_CUTS; c++)
			if (length->cuts[c].sweep == s)
				KeepFastest(search, gains, length->cuts[c].keep);
	}
}

/* Races the trials; true if one of them has become the incumbent. */
static bool
Race(Search *search, const RaceLength *length)
{
	TrialSet   *trials = search->trials;
	int			winner;

	for (int t = 0; t < trials->n; t++)
		search->fit->tried[trials->trials[t].kind]++;
	RunRace(search, length);
	winner = Winner(search);
	if (winner >= 0)
	{
		search->fit->accepted[trials->trials[winner].kind]++;
		search->grown &= trials->trials[winner].kind != MOVE_SPLIT;
		AssignJob(search->incumbent, trials->trials[winner].job);
		search->gain = INFINITY;
		RecordSweep(search, MoveNames[trials->trials[winner].kind]);
	}
	trials->n = 0;
	return winner >= 0;
}

/* Proposes to do with fewer components. */
static void
ProposeShrinking(Search *search)
{
	Job		   *incumbent = search->incumbent;
	int			npairs;
	MergePair  *pairs;

	TryPlacement(search->trials, incumbent);
	if (incumbent->nlive < 2 || !incumbent->plan->network->settings.prune)
		return;
	pairs = RankPairs(incumbent, &npairs);
	for (int p = 0; p < Min(npairs, search->effort->merges); p++)
		if (pairs[p].gain > -HOPELESS_PER_ROW * incumbent->rows->total * incumbent->weight - HOPELESS)
			TryMerge(search->trials, incumbent, &pairs[p]);
	for (int d = 0; d < search->effort->deletes && SmallestComponent(incumbent, d) >= 0; d++)
		TryDelete(search->trials, incumbent, SmallestComponent(incumbent, d));
	pfree(pairs);
}

/* Proposes two merges at once, where each of them alone does not help. */
static void
ProposeTwoMerges(Search *search)
{
	Job		   *incumbent = search->incumbent;
	int			npairs;
	MergePair  *pairs;

	if (incumbent->nlive < 3 || !incumbent->plan->network->settings.prune)
		return;
	pairs = RankPairs(incumbent, &npairs);
	for (int p = 1; p < Min(npairs, search->effort->two_merges); p++)
		for (int q = 0; q < p; q++)
			TryTwoMerges(search->trials, incumbent, &pairs[q], &pairs[p]);
	pfree(pairs);
}

/*
 * Proposes many merges at once, where precisions are shared and so no merge of
 * one pair may gain: each trial merges the components that are nearest until
 * half of those of the trial before are left, down to one.
 */
static void
ProposeManyMerges(Search *search)
{
	Job		   *incumbent = search->incumbent;

	if (incumbent->nlive < 3 || !incumbent->plan->network->settings.prune || !SharesPrecision(incumbent->plan))
		return;
	TryManyMerges(search->trials, incumbent);
}

/* Proposes the best splits of each component. */
static void
ProposeSplits(Search *search, const SplitList *splits)
{
	int		   *tried = palloc0(sizeof(int) * search->incumbent->nlive);

	for (int s = 0; s < splits->n; s++)
		if (tried[splits->splits[s].component]++ < search->effort->shapes)
			TrySplit(search->trials, splits, s);
	pfree(tried);
}

/* Proposes merges of two components with the split of a third. */
static void
ProposeExchanges(Search *search, const SplitList *splits)
{
	int			npairs;
	MergePair  *pairs = RankPairs(search->incumbent, &npairs);
	const MergePair **chosen = ChoosePairs(splits, pairs, npairs);
	int			left = search->effort->exchanges;

	for (int s = 0; s < splits->n && left > 0; s++)
	{
		if (chosen[s] == NULL)
			continue;
		TryMergeAndSplit(search->trials, splits, chosen[s], s);
		left--;
	}
	pfree(chosen);
	pfree(pairs);
}

/* Proposes to use more components, or others. */
static void
ProposeGrowth(Search *search)
{
	Job		   *incumbent = search->incumbent;
	SplitList	splits;

	RetireEmpty(incumbent);
	UpdateGlobals(incumbent);
	splits = RankSplits(incumbent, -1);
	search->gain = INFINITY;
	search->grown = incumbent->nlive < incumbent->plan->components && incumbent->plan->twins == NULL;
	if (incumbent->nlive < incumbent->plan->components)
		ProposeSplits(search, &splits);
	else
		ProposeExchanges(search, &splits);
	FreeSplits(&splits);
}

/*
 * Proposes to give the rows that are far from all groups to another component:
 * where all are used by one that has a component to itself, which becomes free
 * for a split, or by one with heavy tails.
 */
static void
ProposeTails(Search *search)
{
	Job		   *incumbent = search->incumbent;
	SplitList	splits;

	if (!HasTails(incumbent->plan) || incumbent->nlive < 2)
		return;
	TrySwaps(search->trials, incumbent, search->effort->swaps);
	if (incumbent->nlive < incumbent->plan->components)
		return;
	UpdateGlobals(incumbent);
	splits = RankSplits(incumbent, -1);
	search->gain = INFINITY;
	TryReplacements(search->trials, &splits, search->effort->replacements, search->effort->heirs);
	FreeSplits(&splits);
}

/* Proposes to merge the likeliest pairs and to divide each anew. */
static void
ProposeRegrouping(Search *search)
{
	Job		   *merged = CopyJob(search->incumbent);
	int			npairs;
	MergePair  *pairs = RankPairs(search->incumbent, &npairs);

	for (int p = 0; p < Min(npairs, search->effort->resplits); p++)
	{
		SplitList	splits;

		AssignJob(merged, search->incumbent);
		MergeComponents(merged, pairs[p].first, pairs[p].second);
		UpdateGlobals(merged);
		splits = RankSplits(merged, pairs[p].first);
		for (int s = 0; s < Min(splits.n, search->effort->resplit_shapes); s++)
			TrySplit(search->trials, &splits, s);
		FreeSplits(&splits);
	}
	pfree(pairs);
	FreeJob(merged);
}

/* Sweeps the incumbent until it does not gain much any more. */
static void
Settle(Search *search)
{
	StopRule	stop = {0};

	for (int s = 0; s < SETTLE_SWEEPS; s++)
	{
		SweepIncumbent(search);
		if (ShouldStop(&stop, search->incumbent->elbo, SETTLE_TOLERANCE))
			break;
	}
}

/* Merges and deletes as long as that helps. */
static void
Shrink(Search *search, int *rounds)
{
	do
	{
		SweepIncumbent(search);
		ProposeShrinking(search);
	} while (Race(search, &search->effort->shrink) && --*rounds > 0);
}

/* One round of moves; true if something was accepted. */
static bool
SearchRound(Search *search, int *rounds)
{
	if (search->effort->together)
	{
		if (!search->grown)
			ProposeGrowth(search);
		ProposeShrinking(search);
		return Race(search, &search->effort->grow);
	}
	Shrink(search, rounds);
	Settle(search);
	ProposeGrowth(search);
	if (Race(search, &search->effort->grow))
		return true;
	ProposeRegrouping(search);
	if (Race(search, &search->effort->grow))
		return true;
	ProposeTails(search);
	if (Race(search, &search->effort->grow))
		return true;
	ProposeTwoMerges(search);
	if (Race(search, &search->effort->grow))
		return true;
	ProposeManyMerges(search);
	return Race(search, &search->effort->grow);
}

void
SearchMoves(Job *incumbent, const SearchEffort *effort, Fit *fit, int restart, int *iterations)
{
	Search		search = {
		.incumbent = incumbent,
		.effort = effort,
		.trials = CreateTrials(TrialsInMemory(incumbent->plan)),
		.fit = fit,
		.restart = restart,
		.iterations = iterations,
		.margin = Max(MARGIN, incumbent->plan->margin),
		.gain = INFINITY,
	};
	int			rounds = effort->rounds;

	while (rounds-- > 0 && SearchRound(&search, &rounds))
		;
	FreeTrials(search.trials);
}
