/*
 * vb.c
 *		The loop.
 *
 * A sweep updates the globals from the statistics of the last pass, makes a
 * pass, and computes the ELBO.  Restarts sweep side by side, so that each
 * pass serves all of them; one that has converged leaves the pass.
 */
#include "postgres.h"

#include <math.h>

#include "engine/pass.h"
#include "engine/search.h"
#include "engine/start.h"
#include "engine/update.h"
#include "engine/vb.h"
#include "miscadmin.h"
#include "utils/memutils.h"

/*
 * An ELBO may fall by rounding only: by this, relative to its size.  Clusters
 * whose rows nearly coincide have precisions of 1e8 and more, which cost as
 * many digits.
 */
#define ELBO_ROUNDING 1e-6
#define ELBO_BUG 1e-4

/* Rows of the sample on which moves are searched: at least so many, and for each component so many per dimension */
#define SEARCH_SAMPLE 2000
#define SEARCH_ROWS_PER_DIMENSION 20

/* Rows of the sample from which k-means++ draws its centres */
#define SEED_SAMPLE 10000

/* Sweeps before the first moves: enough to tell the components apart */
#define LOOSE_SWEEPS 8
#define LOOSE_TOLERANCE 1.0

/* Restarts that go on from the sample to all rows, where there are no moves */
#define POLISHED_RESTARTS 3

/*
 * Each sample is so many times larger than the one before.  A row of a sample
 * counts for as many as it stands for, lest small groups go unseen, but not
 * for more than that: else the noise of the sample would look like groups.
 */
#define LEVEL_FACTOR 10
#define MAX_WEIGHT 3.0
#define MAX_LEVELS 8

const char *const MoveNames[MOVE_KINDS] = {
	[MOVE_MERGE] = "merge",
	[MOVE_DELETE] = "delete",
	[MOVE_SPLIT] = "split",
};

void
AddTrace(Trace *trace, int restart, int iteration, double elbo, const char *event)
{
	if (trace->n == trace->max)
	{
		trace->max = Max(64, 2 * trace->max);
		trace->entries = trace->entries ? repalloc_huge(trace->entries, sizeof(TraceEntry) * trace->max)
			: palloc(sizeof(TraceEntry) * trace->max);
	}
	trace->entries[trace->n++] = (TraceEntry) {restart, iteration, elbo, event};
}

/*
 * Aitken's extrapolation of a geometric sequence: with gains g1, g2 the rest is
 * g2 a / (1 - a), a = g2 / g1 (Aitken 1926; Bohning et al. 1994).  Small twice
 * running means that it is not by chance.
 */
bool
ShouldStop(StopRule *rule, double elbo, double tolerance)
{
	double		gain = elbo - rule->last;
	double		ratio = gain / rule->gain;
	double		rest = gain <= 0.0 ? 0.0 : ratio < 1.0 ? gain * ratio / (1.0 - ratio) : INFINITY;
	bool		known = rule->sweeps >= 2;

	rule->last = elbo;
	rule->gain = gain;
	rule->sweeps++;
	rule->quiet = known && rest < tolerance ? rule->quiet + 1 : 0;
	return rule->quiet >= 2;
}

void
FirstPass(Job *const *jobs, int njobs)
{
	RunPass(jobs, njobs);
	for (int i = 0; i < njobs; i++)
	{
		jobs[i]->rule.kind = RULE_NONE;
		jobs[i]->unsettled = true;
	}
}

void
Sweep(Job *const *jobs, int njobs)
{
	for (int i = 0; i < njobs; i++)
	{
		UpdateGlobals(jobs[i]);
		PrepareJob(jobs[i]);
	}
	RunPass(jobs, njobs);
	for (int i = 0; i < njobs; i++)
		jobs[i]->elbo = JobElbo(jobs[i]);
}

/* One restart on its way */
typedef struct Restart
{
	int			number;			/* from 1 */
	Job		   *job;
	StopRule	stop;
	int			nlive;			/* before the sweep */
	int			iterations;
	bool		running;
	bool		converged;
} Restart;

/*
 * A fall of the ELBO beyond rounding is a bug: it is reported, and stops a
 * server that has assertions.  Where a component was retired it may fall.
 */
static void
CheckElbo(const Restart *restart)
{
	double		before = restart->stop.last;
	double		after = restart->job->elbo;

	if (restart->stop.sweeps < 1 || restart->job->nlive < restart->nlive || after >= before - ELBO_ROUNDING * (1.0 + fabs(before)))
		return;
	ereport(WARNING,
			(errmsg("the evidence lower bound fell from %.10g to %.10g at iteration %d", before, after,
					restart->iterations)));
	Assert(after >= before - ELBO_BUG * (1.0 + fabs(before)));
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
					 restart->job->rows->rows == fit->rows ? NULL : "sample");
			CheckElbo(restart);
			restart->converged = ShouldStop(&restart->stop, restart->job->elbo, tolerance);
			restart->running = !restart->converged && restart->stop.sweeps < max_sweeps;
		}
	} while (running > 0);
	pfree(jobs);
}

static int
CompareRestarts(const void *a, const void *b)
{
	const Restart *x = a;
	const Restart *y = b;

	if (x->job->elbo != y->job->elbo)
		return x->job->elbo > y->job->elbo ? -1 : 1;
	return x->number - y->number;
}

/*
 * The levels of rows that a fit goes through: samples, each ten times as large
 * as the one before, and at last all rows.
 */
typedef struct Levels
{
	int			n;
	const RowStore *rows[MAX_LEVELS];
	double		weight[MAX_LEVELS];	/* of a row */
} Levels;

static void
AddLevel(Levels *levels, const RowStore *rows, const RowStore *all)
{
	levels->rows[levels->n] = rows;
	levels->weight[levels->n++] = Min((double) all->rows / rows->rows, MAX_WEIGHT);
}

/* Returns the size of the first sample; 0: all rows at once. */
static int64
FirstSample(const NetworkPlan *plan, int nrestarts)
{
	const NetworkSettings *settings = &plan->network->settings;
	int64		size = settings->restart_sample;

	if (plan->selector < 0 || settings->start == START_RESULTS || (nrestarts == 1 && !settings->moves))
		return 0;
	if (settings->moves)
		size = Min(size, Max(SEARCH_SAMPLE, (int64) SEARCH_ROWS_PER_DIMENSION * plan->components * (plan->ncolumns + 1)));
	return size;
}

static Levels
MakeLevels(const NetworkPlan *plan, const RowStore *rows, int nrestarts)
{
	const NetworkSettings *settings = &plan->network->settings;
	Levels		levels = {0};

	for (int64 size = FirstSample(plan, nrestarts); size > 0 && size < rows->rows / 2 && levels.n < MAX_LEVELS - 1;
		 size = settings->moves ? size * LEVEL_FACTOR : rows->rows)
		AddLevel(&levels, CanonicalSample(rows, size, settings->seed, CurrentMemoryContext), rows);
	AddLevel(&levels, rows, rows);
	return levels;
}

/* Creates the restarts and makes their first passes. */
static Restart *
BeginRestarts(const NetworkPlan *plan, const RowStore *rows, double weight, int nrestarts)
{
	const RowStore *seeds = plan->selector < 0 ? NULL
		: CanonicalSample(rows, SEED_SAMPLE, plan->network->settings.seed, CurrentMemoryContext);
	Restart    *restarts = palloc0(sizeof(Restart) * nrestarts);
	Job		  **jobs = palloc(sizeof(Job *) * nrestarts);

	for (int r = 0; r < nrestarts; r++)
	{
		restarts[r].number = r + 1;
		restarts[r].job = jobs[r] = CreateJob(plan, rows, weight);
		if (plan->selector >= 0)
			jobs[r]->rule = StartRule(plan, seeds, r + 1);
		for (int k = 0; k < jobs[r]->nlive; k++)
			jobs[r]->fresh[k] = jobs[r]->rule.kind == RULE_CENTRES;
	}
	FirstPass(jobs, nrestarts);
	pfree(jobs);
	return restarts;
}

/* Takes restarts to the next level: their globals as they are, and statistics of its rows. */
static void
MoveRestarts(Restart *restarts, int nrestarts, const RowStore *rows, double weight)
{
	Job		  **jobs = palloc(sizeof(Job *) * nrestarts);

	for (int r = 0; r < nrestarts; r++)
	{
		jobs[r] = restarts[r].job;
		UpdateGlobals(jobs[r]);
		SetJobRows(jobs[r], rows, weight);
		PrepareJob(jobs[r]);
	}
	RunPass(jobs, nrestarts);
	pfree(jobs);
}

/* Sweeps the restarts of a level loosely, then improves each by moves. */
static void
SearchRestarts(Restart *restarts, int nrestarts, const SearchEffort *effort, Fit *fit)
{
	SweepRestarts(restarts, nrestarts, LOOSE_TOLERANCE, LOOSE_SWEEPS, fit);
	for (int r = 0; r < nrestarts; r++)
		SearchMoves(restarts[r].job, effort, fit, restarts[r].number, &restarts[r].iterations);
}

/* Number of restarts where the user has not chosen one: small tables vary more by start, and cost less. */
static int
DefaultRestarts(const NetworkPlan *plan, const RowStore *rows)
{
	if (plan->selector < 0 || plan->network->settings.start == START_RESULTS)
		return 1;
	return rows->rows < 1000 ? 10 : rows->rows < 5000 ? 4 : 2;
}

/* Goes through the levels; returns the restarts that got to the last one, best first, and their number. */
static Restart *
ClimbLevels(const NetworkPlan *plan, const Levels *levels, Fit *fit, int *nrestarts)
{
	const NetworkSettings *settings = &plan->network->settings;
	bool		moves = settings->moves && plan->selector >= 0;
	Restart    *restarts = BeginRestarts(plan, levels->rows[0], levels->weight[0], *nrestarts);

	for (int l = 0; l < levels->n; l++)
	{
		bool		last = l == levels->n - 1;

		if (l > 0)
			MoveRestarts(restarts, *nrestarts, levels->rows[l], levels->weight[l]);
		if (moves)
			SearchRestarts(restarts, *nrestarts, l == 0 ? &FirstEffort : last ? &ConfirmEffort : &MiddleEffort, fit);
		if (!moves || last)
			SweepRestarts(restarts, *nrestarts, settings->tolerance, settings->max_iterations, fit);
		qsort(restarts, *nrestarts, sizeof(Restart), CompareRestarts);
		*nrestarts = Min(*nrestarts, moves ? 1 : POLISHED_RESTARTS);
	}
	return restarts;
}

Fit *
FitPlan(const NetworkPlan *plan, const RowStore *rows)
{
	Fit		   *fit = palloc0(sizeof(Fit));
	int			n = plan->network->settings.restarts > 0 ? plan->network->settings.restarts
		: DefaultRestarts(plan, rows);
	int64		visits = PassRowVisits();
	Levels		levels = MakeLevels(plan, rows, n);
	Restart    *best;

	fit->rows = rows->rows;
	fit->restarts = n;
	best = ClimbLevels(plan, &levels, fit, &n);
	fit->best_restart = best->number;
	fit->job = best->job;
	fit->iterations = best->iterations;
	fit->converged = best->converged;
	fit->elbo = fit->job->elbo;
	fit->passes = (double) (PassRowVisits() - visits) / rows->rows;
	return fit;
}
