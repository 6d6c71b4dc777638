/*
 * refit.c
 *		Where an inference begins: anew, or from the current run.
 *
 * Where few rows have come since the last run, its posterior is nearly right,
 * and to go on from it costs a fraction of a search.  What that cannot see is
 * a better optimum elsewhere, so that a search follows when the data have
 * changed much: in number, or by what the ELBO says of an average row; and
 * now and then in any case.
 *
 * Chance makes groups, too: of resamples of rows in four groups every third has
 * a fifth one at its optimum, at a gain of up to 10 nats.  So going on keeps the
 * groups of the current run unless others gain more than the setting
 * refit_margin, be it by a move or in a search; several at once, as much each.
 *
 * Who asks by hand gets a search.  It is held against the current run's groups
 * by the same margin where it ends with others, unless it is of the same rows
 * as the search that found those: then the best bound wins.
 */
#include "postgres.h"

#include <math.h>

#include "utils/snapmgr.h"

#include "engine/update.h"
#include "inference/fit.h"
#include "inference/refit.h"
#include "inference/summary.h"
#include "numerics/sort.h"

/* So many runs in a row only go on from the one before at most, then there is a search, too */
#define MAX_WARM_RUNS 9

/* A search follows when there are more or fewer rows by this share … */
#define MAX_GROWTH 0.2

/* … or when the ELBO, in nats per row, has fallen by more than this: rows that the groups do not fit cost several nats each */
#define MAX_FALL 0.01

/* On the same rows the first sweep comes to the ELBO of the run that it begins from, in nats, but for what the stop rule left */
#define SAME_ELBO 0.05

/* Groups whose expected rows differ by less than this share may be the same */
#define SAME_SIZE 0.05

/* Reads the current run; false if there is none. */
static bool
ReadCurrent(const Network *network, Beginning *beginning)
{
	bool		exists;

	/* another inference may have ended since the statement began */
	PushActiveSnapshot(GetTransactionSnapshot());
	exists = ReadCurrentRun(network->id, &beginning->run);
	PopActiveSnapshot();
	exists = exists && beginning->run.posterior != (Datum) 0;
	if (exists)
		beginning->posterior = DatumGetPosterior(beginning->run.posterior);
	return exists;
}

/* Returns true if the network is still what its current run is of, or for who insists on that run, if it can begin from it. */
static bool
IsAsBefore(const Network *network, const NetworkPlan *plan, const Beginning *beginning, bool insists)
{
	return (insists || beginning->run.definition == DefinitionHash(network)) && PosteriorFits(plan, beginning->posterior);
}

/* Says how whoever asks wants it to begin. */
static RefitKind
RefitAsked(const Network *network, const NetworkPlan *plan, Asked asked)
{
	const NetworkSettings *settings = &network->settings;

	/* without a selector there is one optimum, and the way to it is short */
	if (plan->selector < 0 && (settings->refit == REFIT_AUTO || asked == ASKED_BY_USER))
		return REFIT_FULL;
	if (asked == ASKED_BY_COUNTER || settings->refit == REFIT_FULL)
		return settings->refit;
	/* results and posterior say where a user wants to begin */
	return settings->start == START_KMEANS || settings->start == START_RANDOM ? REFIT_AUTO : REFIT_FULL;
}

/* Chooses where to begin. */
Beginning
ChooseBeginning(Network *network, const NetworkPlan *plan, Asked asked)
{
	RefitKind	refit = RefitAsked(network, plan, asked);
	Beginning	beginning = {.way = BEGIN_ANEW};

	if (refit == REFIT_FULL && network->settings.start != START_POSTERIOR)
		return beginning;
	if (!ReadCurrent(network, &beginning))
		return beginning;
	if (!IsAsBefore(network, plan, &beginning, refit != REFIT_AUTO))
	{
		if (refit != REFIT_AUTO || asked == ASKED_BY_COUNTER)
			ereport(NOTICE,
					(errmsg("network \"%s\" has changed since its last run and does not start from it", network->name)));
	}
	else if (refit == REFIT_FULL)
		beginning.way = BEGIN_AS_RESTART;
	else if (refit == REFIT_WARM)
		beginning.way = GO_ON;
	else if (asked == ASKED_BY_USER)
		beginning.way = SEARCH_GUARDED;
	else
		beginning.way = beginning.run.warm_runs % (MAX_WARM_RUNS + 1) == MAX_WARM_RUNS ? GO_ON_AND_SEARCH : GO_ON_GUARDED;
	return beginning;
}

/* Returns true if there are too many or too few rows for the current run to say much about them. */
static bool
HasGrown(const Beginning *beginning, const RowStore *rows)
{
	double		before = beginning->run.rows;

	return fabs(rows->rows - before) > MAX_GROWTH * before;
}

/* Returns true if the average row fits worse than those of the current run did. */
static bool
HasFallen(const Beginning *beginning, const RowStore *rows, const Fit *fit)
{
	return fit->elbo / rows->rows < beginning->run.elbo / beginning->run.rows - MAX_FALL;
}

/* Goes on from the current run, with no other start beside it. */
static Fit *
GoOn(const Beginning *beginning, Network *network, NetworkPlan *plan, const RowStore *rows)
{
	int			restarts = network->settings.restarts;
	Fit		   *fit;

	network->settings.restarts = 1;
	plan->margin = network->settings.refit_margin;
	fit = FitRows(plan, rows, beginning->posterior);
	network->settings.restarts = restarts;
	plan->margin = 0.0;
	return fit;
}

/* Returns how the restart ended that a fit has chosen. */
static const Outcome *
Chosen(const Fit *fit)
{
	for (int i = 0; i < fit->noutcomes; i++)
		if (fit->outcomes[i].restart == fit->best_restart)
			return &fit->outcomes[i];
	elog(ERROR, "restart %d has no outcome", fit->best_restart);
}

/*
 * Returns true if a search has found as many groups as the current run has, and
 * of its sizes.  Others may be the same groups all the same: that costs some
 * sweeps to see.
 */
static bool
FoundSameGroups(const Fit *search, const RowStore *rows, const Posterior *posterior)
{
	const Outcome *found = Chosen(search);
	double	   *sizes = palloc(sizeof(double) * posterior->components);
	double		scale = posterior->rows > 0 ? rows->total / posterior->rows : 1.0;
	int			n = 0;
	bool		same;

	for (int k = 0; k < posterior->components; k++)
		if (posterior->clusters[k].live && posterior->clusters[k].count >= HOLDS_ROWS)
			sizes[n++] = posterior->clusters[k].count * scale;
	SortDoubles(sizes, n);
	same = n == found->clusters;
	for (int k = 0; same && k < n; k++)
		same = fabs(sizes[k] - found->sizes[n - 1 - k]) <= SAME_SIZE * sizes[k] + HOLDS_ROWS;
	pfree(sizes);
	return same;
}

/* Returns what a search must gain over a fit that went on: the margin for each group that it has more or less. */
static double
NeededGain(const Fit *search, const Fit *warm, double margin)
{
	return margin * Max(1, abs(Chosen(search)->clusters - Chosen(warm)->clusters));
}

/* Returns true if a search and a fit that went on come to the same. */
static bool
Agree(const Fit *search, const Fit *warm)
{
	return Chosen(search)->clusters == Chosen(warm)->clusters && fabs(search->elbo - warm->elbo) < SAME_ELBO;
}

/*
 * Returns true if a fit that went on is to be kept: unless a search is clearly
 * better, for groups that come and go by chance help nobody, or leaves fewer
 * components without rows where their number is fixed.
 */
static bool
IsKept(const Fit *warm, const Fit *search, double margin)
{
	int			unused = UnusedComponents(warm->job) - UnusedComponents(search->job);

	if (unused != 0)
		return unused < 0;
	return search->elbo <= warm->elbo + NeededGain(search, warm, margin);
}

/* Makes one fit of a search and one that went on, which is kept or not. */
static Fit *
JoinSearch(Fit *search, const Fit *warm, bool keep, int *warm_runs)
{
	JoinFits(search, warm, keep);
	if (!keep)
		*warm_runs = 0;
	return search;
}

/* Returns true if a fit that goes on is of the very rows in which a search found the current run's groups. */
static bool
WereFoundHere(const Beginning *beginning, const RowStore *rows, const Fit *warm, double tolerance)
{
	return beginning->run.warm_runs == 0 && rows->rows == beginning->run.rows &&
		fabs(warm->trace.entries[0].elbo - beginning->run.elbo) < SAME_ELBO + tolerance;
}

/* Tells who asked if the groups are not going to be those of the best bound. */
static void
TellKept(const Network *network, const Fit *search, const Fit *warm, double needed)
{
	double		gain = search->elbo - warm->elbo;

	if (gain > 0.0 && gain <= needed && Chosen(search)->clusters != Chosen(warm)->clusters)
		ereport(NOTICE,
				(errmsg("network \"%s\" keeps its clusters, %d", network->name, Chosen(warm)->clusters),
				 errdetail("A search found %d, which gain %.3g nats; with refit_margin %g they would have to gain %g.",
						   Chosen(search)->clusters, gain, network->settings.refit_margin, needed),
				 errhint("To have the best bound win whatever it gains, set refit to 'full'.")));
}

/*
 * Searches, and where that ends with other groups than the current run has,
 * goes on from there, too.
 */
static Fit *
SearchGuarded(const Beginning *beginning, Network *network, NetworkPlan *plan, const RowStore *rows, int *warm_runs)
{
	Fit		   *search = FitRows(plan, rows, NULL);
	double		margin;
	Fit		   *warm;

	*warm_runs = 0;
	if (HasGrown(beginning, rows) || FoundSameGroups(search, rows, beginning->posterior))
		return search;
	warm = GoOn(beginning, network, plan, rows);
	*warm_runs = beginning->run.warm_runs + 1;
	margin = WereFoundHere(beginning, rows, warm, network->settings.tolerance) ? 0.0 : network->settings.refit_margin;
	TellKept(network, search, warm, NeededGain(search, warm, margin));
	return JoinSearch(search, warm, !Agree(search, warm) && IsKept(warm, search, margin), warm_runs);
}

/* Goes on, and searches, too, where it is time for that or the rows fit worse. */
static Fit *
GoOnGuarded(const Beginning *beginning, Network *network, NetworkPlan *plan, const RowStore *rows, int *warm_runs)
{
	Fit		   *warm;
	Fit		   *search;

	*warm_runs = 0;
	if (HasGrown(beginning, rows))
		return FitRows(plan, rows, NULL);
	warm = GoOn(beginning, network, plan, rows);
	*warm_runs = beginning->run.warm_runs + 1;
	if (beginning->way == GO_ON_GUARDED && !HasFallen(beginning, rows, warm))
		return warm;
	search = FitRows(plan, rows, NULL);
	return JoinSearch(search, warm, IsKept(warm, search, network->settings.refit_margin), warm_runs);
}

/* Fits. */
Fit *
FitFrom(const Beginning *beginning, Network *network, NetworkPlan *plan, const RowStore *rows, int *warm_runs)
{
	switch (beginning->way)
	{
		case GO_ON:
			*warm_runs = beginning->run.warm_runs + 1;
			return GoOn(beginning, network, plan, rows);
		case GO_ON_GUARDED:
		case GO_ON_AND_SEARCH:
			return GoOnGuarded(beginning, network, plan, rows, warm_runs);
		case SEARCH_GUARDED:
			return SearchGuarded(beginning, network, plan, rows, warm_runs);
		case BEGIN_AS_RESTART:
			*warm_runs = beginning->run.warm_runs + 1;
			return FitRows(plan, rows, beginning->posterior);
		case BEGIN_ANEW:
			break;
	}
	*warm_runs = 0;
	return FitRows(plan, rows, NULL);
}
