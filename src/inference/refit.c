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
 * refit_margin, be it by a move or in a search.
 */
#include "postgres.h"

#include <math.h>

#include "utils/snapmgr.h"

#include "inference/fit.h"
#include "inference/refit.h"
#include "inference/summary.h"

/* So many runs in a row only go on from the one before at most, then there is a search, too */
#define MAX_WARM_RUNS 9

/* A search follows when there are more or fewer rows by this share … */
#define MAX_GROWTH 0.2

/* … or when the ELBO, in nats per row, has fallen by more than this: rows that the groups do not fit cost several nats each */
#define MAX_FALL 0.01

/* Reads the current run, if the network can begin from it. */
static bool
ReadBeginning(const Network *network, const NetworkPlan *plan, Beginning *beginning)
{
	bool		exists;

	/* another inference may have ended since the statement began */
	PushActiveSnapshot(GetTransactionSnapshot());
	exists = ReadCurrentRun(network->id, &beginning->run);
	PopActiveSnapshot();
	if (!exists)
		return false;
	beginning->posterior = DatumGetPosterior(beginning->run.posterior);
	if (PosteriorFits(plan, beginning->posterior))
		return true;
	ereport(NOTICE,
			(errmsg("network \"%s\" has changed since its last run and does not start from it", network->name)));
	beginning->posterior = NULL;
	return false;
}

/* Chooses where to begin. */
Beginning
ChooseBeginning(Network *network, const NetworkPlan *plan, Asked asked)
{
	RefitKind	refit = asked == ASKED_BY_USER ? REFIT_FULL : network->settings.refit;
	Beginning	beginning = {0};

	/* without a selector there is one optimum, and the way to it is short */
	if (refit == REFIT_AUTO && plan->selector < 0)
		refit = REFIT_FULL;
	if (refit == REFIT_FULL && network->settings.start != START_POSTERIOR)
		return beginning;
	if (!ReadBeginning(network, plan, &beginning))
		return beginning;
	beginning.alone = refit != REFIT_FULL;
	beginning.guarded = refit == REFIT_AUTO;
	beginning.due = beginning.guarded && beginning.run.warm_runs % (MAX_WARM_RUNS + 1) == MAX_WARM_RUNS;
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

/* Returns the fit that went on unless the search is clearly better: groups that come and go by chance help nobody.  Both were paid for. */
static Fit *
BetterFit(Fit *search, Fit *warm, double margin, int *warm_runs)
{
	Fit		   *better = search->elbo > warm->elbo + margin ? search : warm;

	better->passes = search->passes + warm->passes;
	if (better == search)
		*warm_runs = 0;
	return better;
}

/* Fits. */
Fit *
FitFrom(const Beginning *beginning, Network *network, NetworkPlan *plan, const RowStore *rows, int *warm_runs)
{
	Fit		   *fit;

	*warm_runs = 0;
	if (beginning->posterior == NULL || (beginning->guarded && HasGrown(beginning, rows)))
		return FitRows(plan, rows, NULL);
	*warm_runs = beginning->run.warm_runs + 1;
	if (!beginning->alone)
		return FitRows(plan, rows, beginning->posterior);
	fit = GoOn(beginning, network, plan, rows);
	if (!beginning->guarded || (!beginning->due && !HasFallen(beginning, rows, fit)))
		return fit;
	return BetterFit(FitRows(plan, rows, NULL), fit, network->settings.refit_margin, warm_runs);
}
