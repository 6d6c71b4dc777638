/*
 * fit.c
 *		Restarts, from their first rows to the last.
 *
 * With moves each restart goes its own way: it searches on a sample of its
 * own, climbs to larger ones and at last to all rows, where the restarts are
 * compared.  Restarts that shared a sample would share its accidents.
 *
 * Without moves restarts race side by side on one sample, each pass serving
 * all of them, and the best few go on with all rows.
 */
#include "postgres.h"

#include <math.h>

#include "engine/pass.h"
#include "engine/search.h"
#include "engine/slots.h"
#include "engine/start.h"
#include "engine/update.h"
#include "engine/vb.h"
#include "miscadmin.h"
#include "numerics/special.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

/*
 * An ELBO may fall by rounding only: by this, relative to its size.  Clusters
 * whose rows nearly coincide have precisions of 1e8 and more, which cost as
 * many digits.
 */
#define ELBO_ROUNDING 1e-6
#define ELBO_BUG 1e-4

/*
 * Priors that are extreme for the data, means of 1e10 with precisions of 1e20,
 * make it a difference of numbers that are larger than it is by far, of which
 * no more than this part is known.
 */
#define TERMS_ROUNDING 1e-11

/*
 * Tables of up to so many rows are searched whole.  Larger ones begin with a
 * sample: of so many rows at least, and of so many for each component and
 * dimension.  Each sample is so many times larger than the one before, while
 * all rows are some times more than it.
 */
#define SEARCHED_WHOLE 5000
#define SEARCH_SAMPLE 2000
#define SEARCH_ROWS_PER_DIMENSION 20
#define LEVEL_FACTOR 4
#define LEVEL_MARGIN 3

/*
 * A row of a sample counts for as many as it stands for, lest groups that pay
 * for their parameters on all rows go unseen; but for no more than the cost of
 * a parameter asks for, lest the noise of the sample look like groups.
 */
#define MAX_WEIGHT 10.0
#define WEIGHT_PER_COST 0.8

/* Rows from which k-means++ draws its centres */
#define SEED_SAMPLE 10000

/* Sweeps before the first moves: enough to tell the components apart */
#define LOOSE_SWEEPS 8
#define LOOSE_TOLERANCE 1.0

/* Sweeps after a change of rows */
#define ARRIVAL_SWEEPS 10
#define ARRIVAL_TOLERANCE 0.1

/* Tables of up to so many rows get the more thorough moves on all rows */
#define SMALL_TABLE 10000

/* Restarts that go on from the sample to all rows, where there are no moves */
#define POLISHED_RESTARTS 3

/*
 * Where the user has not chosen a number of restarts, they end as soon as so
 * many agree on the best ELBO: a table that is easy needs no more, a hard one
 * gets some more.  On large tables samples have already told their accidents
 * apart from groups.
 */
#define MANY_ROWS 50000
#define AGREEMENT 1e-2			/* nats */
#define FEW_ROWS_BUDGET ((RestartBudget) {6, 3})
#define MANY_ROWS_BUDGET ((RestartBudget) {3, 2})

/* How many restarts there are: `most`, or fewer if `agreeing` of them end at the best ELBO */
typedef struct RestartBudget
{
	int			most;
	int			agreeing;
} RestartBudget;

/* One restart on its way */
typedef struct Restart
{
	int			number;			/* from 1 */
	Job		   *job;
	StopRule	stop;
	int			nlive;			/* before the sweep */
	double		terms;			/* and the sizes of what its ELBO was the sum of */
	int			iterations;
	bool		running;
	bool		converged;
} Restart;

/*
 * A fall of the ELBO beyond rounding is a bug: it is reported, and stops a
 * server that has assertions.  Where a component was retired it may fall.  One
 * report is enough.
 */
static void
CheckElbo(const Restart *restart, Fit *fit)
{
	double		before = restart->stop.last;
	double		after = restart->job->elbo;
	double		terms = Max(restart->terms, restart->job->terms);
	double		unknown = TERMS_ROUNDING * terms;

	if (!isfinite(after))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("the evidence lower bound of network \"%s\" is not a number at iteration %d",
						restart->job->plan->network->name, restart->iterations),
				 errhint("Its priors, or some values, are too far from the others to compute with.")));
	if (restart->stop.sweeps < 1 || restart->job->nlive < restart->nlive || after >= before - ELBO_ROUNDING * (1.0 + fabs(before)))
		return;
	if (!fit->warned)
		ereport(WARNING,
				(errmsg("the evidence lower bound fell from %.10g to %.10g at iteration %d", before, after,
						restart->iterations),
				 after < before - unknown ? 0 :
				 errdetail("It is a difference of numbers of the size %.3g, which leaves no more digits: priors are extreme for the scale of the data.",
						   terms)));
	fit->warned = true;
	Assert(after >= before - Max(ELBO_BUG * (1.0 + fabs(before)), unknown));
}

/* Sweeps restarts side by side until each has converged or made so many sweeps. */
static void
SweepRestarts(Restart *restarts, int nrestarts, double tolerance, int max_sweeps, Fit *fit)
{
	Job		  **jobs = palloc(sizeof(Job *) * nrestarts);
	int			running;

	for (int r = 0; r < nrestarts; r++)
	{
		restarts[r].running = true;
		restarts[r].converged = false;
		restarts[r].stop = (StopRule) {0};
	}
	do
	{
		running = 0;
		for (int r = 0; r < nrestarts; r++)
			if (restarts[r].running)
			{
				restarts[r].nlive = restarts[r].job->nlive;
				restarts[r].terms = restarts[r].job->terms;
				jobs[running++] = restarts[r].job;
			}
		if (running > 0)
			Sweep(jobs, running);
		for (int r = 0; r < nrestarts; r++)
		{
			Restart    *restart = &restarts[r];

			if (!restart->running)
				continue;
			restart->iterations++;
			AddTrace(&fit->trace, restart->number, restart->iterations, restart->job->elbo,
					 restart->job->rows->total == fit->total ? NULL : "sample");
			CheckElbo(restart, fit);
			restart->converged = ShouldStop(&restart->stop, restart->job->elbo, tolerance);
			restart->running = !restart->converged && restart->stop.sweeps < max_sweeps;
		}
	} while (running > 0);
	pfree(jobs);
}

/* Orders restarts, the best first; one that leaves fewer components without rows, where their number is fixed. */
static int
CompareRestarts(const void *a, const void *b)
{
	const Restart *x = a;
	const Restart *y = b;
	int			unused = UnusedComponents(x->job) - UnusedComponents(y->job);

	if (unused != 0)
		return unused;
	if (x->job->elbo != y->job->elbo)
		return x->job->elbo > y->job->elbo ? -1 : 1;
	return x->number - y->number;
}

static int
CompareSizes(const void *a, const void *b)
{
	double		x = *(const double *) a;
	double		y = *(const double *) b;

	return x > y ? -1 : x < y;
}

/*
 * Records how a restart ended.  The ELBO is that of one labelling; a mixture
 * that uses n of K components has K! / (K - n)! of them, which count when
 * numbers of components are compared.  Components with priors of their own
 * cannot be exchanged.
 */
static void
RecordOutcome(const Restart *restart, double seconds, Fit *fit)
{
	const Job  *job = restart->job;
	int			components = job->plan->components;
	bool	   *used = palloc0(sizeof(bool) * components);
	Outcome    *outcome = &fit->outcomes[fit->noutcomes++];

	*outcome = (Outcome) {
		.restart = restart->number,
		.iterations = restart->iterations,
		.converged = restart->converged,
		.sampled = job->rows->total != fit->total,
		.elbo = job->elbo,
		.evidence = job->elbo,
		.seconds = seconds,
		.sizes = MemoryContextAlloc(fit->trace.context, sizeof(double) * components),
	};
	if (job->plan->selector < 0)
		return;
	for (int i = 0; i < job->nlive; i++)
	{
		used[job->live[i]] = ComponentRows(job, i) >= HOLDS_ROWS;
		if (used[job->live[i]])
			outcome->sizes[outcome->clusters++] = ComponentRows(job, i);
	}
	qsort(outcome->sizes, outcome->clusters, sizeof(double), CompareSizes);
	outcome->evidence += LogLabellings(job->plan, used);
	pfree(used);
}

/* True if a start makes groups without saying which component is whose: centres, and any that say less than the priors do. */
static bool
IsAnonymous(const NetworkPlan *plan, RuleKind kind)
{
	return kind == RULE_CENTRES || plan->places != NULL || (plan->twins != NULL && kind == RULE_RANDOM);
}

/* Creates a restart whose first pass follows the start setting, with centres drawn from `seeds`, or the priors. */
static Restart
CreateRestart(const NetworkPlan *plan, const RowStore *rows, const RowStore *seeds, int number)
{
	Restart		restart = {.number = number, .job = CreateJob(plan, rows, 1.0)};

	if (number == 1 && StartsFromPriors(plan))
	{
		BeginFromPriors(restart.job);
		return restart;
	}
	if (plan->selector >= 0)
		restart.job->rule = StartRule(plan, seeds, number);
	else
		restart.job->rule.kind = RULE_ONE;
	if (rows->incomplete)
		PrepareFromData(restart.job);
	for (int k = 0; k < restart.job->nlive; k++)
		restart.job->fresh[k] = IsAnonymous(plan, restart.job->rule.kind);
	return restart;
}

/* Creates the restart that goes on from a job, whose globals the first pass uses. */
static Restart
ContinueFrom(const Job *from, const RowStore *rows)
{
	Restart		restart = {.number = 1, .job = CopyJob(from)};

	SetJobRows(restart.job, rows, 1.0);
	ReviveLocated(restart.job);
	if (from->plan->twins != NULL)
		PrepareJob(restart.job);
	return restart;
}

/* Takes restarts to other rows: their globals as they are, and statistics of the new rows. */
static void
MoveRestarts(Restart *restarts, int nrestarts, const RowStore *rows, double weight)
{
	Job		  **jobs = palloc(sizeof(Job *) * nrestarts);

	for (int r = 0; r < nrestarts; r++)
	{
		jobs[r] = restarts[r].job;
		UpdateGlobals(jobs[r]);
		ReviveLocated(jobs[r]);
		SetJobRows(jobs[r], rows, weight);
		PrepareJob(jobs[r]);
	}
	RunPass(jobs, nrestarts);
	pfree(jobs);
}

/* --- with moves: each restart for itself --- */

/* The number that a restart's samples are drawn by. */
static uint64
SampleSeed(const NetworkPlan *plan, const Restart *restart)
{
	return plan->network->settings.seed + (uint64) restart->number * UINT64CONST(0x100000000);
}

/* Size of the first sample; 0: all rows. */
static int64
FirstSample(const NetworkPlan *plan, const RowStore *rows)
{
	const NetworkSettings *settings = &plan->network->settings;
	double		total = SampledRows(rows);
	int64		size = 1;

	for (int l = 0; l < plan->nleaves; l++)
		size += LeafRank(plan, &plan->leaves[l]);
	size = Max(SEARCH_SAMPLE, SEARCH_ROWS_PER_DIMENSION * plan->components * size);
	size = Min(size, settings->restart_sample);
	if (settings->start == START_RESULTS || total <= SEARCHED_WHOLE || size * LEVEL_MARGIN > total
		|| size >= rows->rows)
		return 0;
	return size;
}

/* What a row of a sample counts for. */
static double
SampleWeight(const RowStore *rows, const RowStore *sample, double cost)
{
	double		most = Min(MAX_WEIGHT, Max(1.0, WEIGHT_PER_COST * cost));

	return Min(rows->total / sample->total, most);
}

/* Lets the statistics of a job count for more, and the globals follow. */
static void
SetWeight(Restart *restart, double weight, Fit *fit)
{
	restart->job->weight = weight;
	RunPass(&restart->job, 1);
	SweepRestarts(restart, 1, LOOSE_TOLERANCE, 2, fit);
}

/* Searches on growing samples; the restart ends on the last one. */
static void
ClimbSamples(const NetworkPlan *plan, const RowStore *rows, int64 size, Restart *restart, Fit *fit)
{
	const RowStore *sample = restart->job->rows;
	double		cost = ComponentCost(restart->job);
	int64		most = Min(LargestSample(rows), rows->rows - 1);

	SetWeight(restart, SampleWeight(rows, sample, cost), fit);
	SearchMoves(restart->job, &FirstEffort, fit, restart->number, &restart->iterations);
	for (size *= LEVEL_FACTOR; size * LEVEL_MARGIN <= SampledRows(rows) && size <= most; size *= LEVEL_FACTOR)
	{
		sample = CanonicalSample(rows, size, SampleSeed(plan, restart), CurrentMemoryContext);
		MoveRestarts(restart, 1, sample, SampleWeight(rows, sample, cost));
		SweepRestarts(restart, 1, ARRIVAL_TOLERANCE, ARRIVAL_SWEEPS, fit);
		SearchMoves(restart->job, &MiddleEffort, fit, restart->number, &restart->iterations);
	}
}

/* Moves that race on all rows, after a search elsewhere. */
static const SearchEffort *
Confirmation(const RowStore *rows)
{
	return SampledRows(rows) <= SMALL_TABLE ? &SmallConfirmEffort : &ConfirmEffort;
}

/*
 * Goes on from a job on all rows, from which it is not far.  The moves include
 * splits, since a component that was retired never comes back by itself.
 */
static Restart
ContinueSearch(const NetworkPlan *plan, const Job *from, const RowStore *rows, Fit *fit)
{
	const NetworkSettings *settings = &plan->network->settings;
	Restart		restart = ContinueFrom(from, rows);

	FirstPass(&restart.job, 1);
	SweepRestarts(&restart, 1, ARRIVAL_TOLERANCE, ARRIVAL_SWEEPS, fit);
	SearchMoves(restart.job, Confirmation(rows), fit, restart.number, &restart.iterations);
	ReviveLocated(restart.job);
	SweepRestarts(&restart, 1, settings->tolerance, settings->max_iterations, fit);
	return restart;
}

/* Does one restart from beginning to end. */
static Restart
SearchRestart(const NetworkPlan *plan, const RowStore *rows, int number, Fit *fit)
{
	const NetworkSettings *settings = &plan->network->settings;
	int64		size = FirstSample(plan, rows);
	Restart		restart = {.number = number};
	uint64		seed = SampleSeed(plan, &restart);
	const RowStore *sample = size == 0 ? rows : CanonicalSample(rows, size, seed, CurrentMemoryContext);
	const RowStore *seeds = size == 0 ? CanonicalSample(rows, SEED_SAMPLE, seed, CurrentMemoryContext) : sample;

	restart = CreateRestart(plan, sample, seeds, number);
	FirstPass(&restart.job, 1);
	SweepRestarts(&restart, 1, LOOSE_TOLERANCE, LOOSE_SWEEPS, fit);
	if (size == 0)
		SearchMoves(restart.job, &FirstEffort, fit, number, &restart.iterations);
	else
	{
		ClimbSamples(plan, rows, size, &restart, fit);
		MoveRestarts(&restart, 1, rows, 1.0);
		SweepRestarts(&restart, 1, ARRIVAL_TOLERANCE, ARRIVAL_SWEEPS, fit);
		SearchMoves(restart.job, Confirmation(rows), fit, number, &restart.iterations);
	}
	ReviveLocated(restart.job);
	SweepRestarts(&restart, 1, settings->tolerance, settings->max_iterations, fit);
	return restart;
}

/* Does restarts one after the other, and returns the best. */
static Restart
SearchRestarts(const NetworkPlan *plan, const RowStore *rows, const Job *from, RestartBudget budget, Fit *fit)
{
	MemoryContext outer = CurrentMemoryContext;
	Restart		best = {0};
	int			agreeing = 0;

	for (int number = 1; number <= budget.most && agreeing < budget.agreeing; number++)
	{
		MemoryContext context = AllocSetContextCreate(outer, "bnai restart", ALLOCSET_DEFAULT_SIZES);
		MemoryContext old = MemoryContextSwitchTo(context);
		TimestampTz began = GetCurrentTimestamp();
		Restart		restart = number == 1 && from ? ContinueSearch(plan, from, rows, fit)
			: SearchRestart(plan, rows, number, fit);

		MemoryContextSwitchTo(old);
		RecordOutcome(&restart, (GetCurrentTimestamp() - began) / 1e6, fit);
		if (best.job == NULL || restart.job->elbo > best.job->elbo + AGREEMENT)
			agreeing = 1;
		else if (restart.job->elbo > best.job->elbo - AGREEMENT)
			agreeing++;
		fit->restarts = number;
		if (best.job == NULL || CompareRestarts(&restart, &best) < 0)
		{
			Job		   *job = best.job;

			best = restart;
			best.job = job;
			if (job == NULL)
				best.job = CopyJob(restart.job);
			else
				AssignJob(job, restart.job);
		}
		MemoryContextDelete(context);
	}
	return best;
}

/* --- without moves: all restarts side by side --- */

static Restart
RaceRestarts(const NetworkPlan *plan, const RowStore *rows, const Job *from, int nrestarts, Fit *fit)
{
	const NetworkSettings *settings = &plan->network->settings;
	int			began = nrestarts;
	bool		sampled = nrestarts > 1 && settings->start != START_RESULTS && settings->restart_sample > 0
		&& Min(rows->rows, SampledRows(rows)) > settings->restart_sample;
	const RowStore *sample = sampled ? CanonicalSample(rows, settings->restart_sample, settings->seed, CurrentMemoryContext)
		: rows;
	const RowStore *seeds = plan->selector < 0 ? NULL
		: CanonicalSample(rows, SEED_SAMPLE, settings->seed, CurrentMemoryContext);
	Restart    *restarts = palloc(sizeof(Restart) * nrestarts);
	Job		  **jobs = palloc(sizeof(Job *) * nrestarts);

	for (int r = 0; r < nrestarts; r++)
	{
		restarts[r] = r == 0 && from ? ContinueFrom(from, sample) : CreateRestart(plan, sample, seeds, r + 1);
		jobs[r] = restarts[r].job;
		jobs[r]->weight = rows->total / sample->total;
	}
	FirstPass(jobs, nrestarts);
	SweepRestarts(restarts, nrestarts, settings->tolerance, settings->max_iterations, fit);
	qsort(restarts, nrestarts, sizeof(Restart), CompareRestarts);
	if (sampled)
	{
		nrestarts = Min(nrestarts, POLISHED_RESTARTS);
		MoveRestarts(restarts, nrestarts, rows, 1.0);
		SweepRestarts(restarts, nrestarts, settings->tolerance, settings->max_iterations, fit);
		qsort(restarts, nrestarts, sizeof(Restart), CompareRestarts);
	}
	for (int r = 0; r < began; r++)
		RecordOutcome(&restarts[r], -1.0, fit);
	return restarts[0];
}

/* The number of restarts that the user has chosen, or a default. */
static RestartBudget
ChooseBudget(const NetworkPlan *plan, const RowStore *rows, const Job *from)
{
	const NetworkSettings *settings = &plan->network->settings;

	if (settings->restarts > 0)
		return (RestartBudget) {settings->restarts, settings->restarts};
	if (plan->selector < 0 || from != NULL || settings->start == START_RESULTS)
		return (RestartBudget) {1, 1};
	return SampledRows(rows) <= MANY_ROWS ? FEW_ROWS_BUDGET : MANY_ROWS_BUDGET;
}

Fit *
FitPlan(const NetworkPlan *plan, const RowStore *rows, const Job *from)
{
	const NetworkSettings *settings = &plan->network->settings;
	Fit		   *fit = palloc0(sizeof(Fit));
	RestartBudget budget = ChooseBudget(plan, rows, from);
	int64		visits = PassRowVisits();
	Restart		best;

	fit->trace.context = CurrentMemoryContext;
	fit->total = rows->total;
	fit->restarts = budget.most;
	fit->outcomes = palloc(sizeof(Outcome) * budget.most);
	if (settings->moves && plan->selector >= 0)
		best = SearchRestarts(plan, rows, from, budget, fit);
	else
		best = RaceRestarts(plan, rows, from, fit->restarts, fit);
	fit->best_restart = best.number;
	fit->job = best.job;
	fit->iterations = best.iterations;
	fit->converged = best.converged;
	fit->elbo = best.job->elbo;
	fit->passes = (double) (PassRowVisits() - visits) / rows->rows;
	return fit;
}

/* Makes one fit of two. */
void
JoinFits(Fit *fit, const Fit *other, bool other_wins)
{
	int			before = fit->restarts;

	fit->outcomes = repalloc(fit->outcomes, sizeof(Outcome) * (fit->noutcomes + other->noutcomes));
	for (int i = 0; i < other->noutcomes; i++)
	{
		fit->outcomes[fit->noutcomes] = other->outcomes[i];
		fit->outcomes[fit->noutcomes++].restart += before;
	}
	for (int i = 0; i < other->trace.n; i++)
	{
		TraceEntry	entry = other->trace.entries[i];

		entry.restart += before;
		AppendTrace(&fit->trace, entry);
	}
	for (int m = 0; m < MOVE_KINDS; m++)
	{
		fit->tried[m] += other->tried[m];
		fit->accepted[m] += other->accepted[m];
	}
	fit->restarts += other->restarts;
	fit->passes += other->passes;
	if (!other_wins)
		return;
	fit->job = other->job;
	fit->best_restart = before + other->best_restart;
	fit->iterations = other->iterations;
	fit->converged = other->converged;
	fit->elbo = other->elbo;
}
