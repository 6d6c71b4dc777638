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

/* An ELBO may fall by rounding only: by this, relative to its size */
#define ELBO_ROUNDING 1e-9

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

/* Default number of restarts of a network with a selector */
#define CLUSTERING_RESTARTS 1

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
		jobs[i]->rule.kind = RULE_NONE;
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
	Assert(false);
}

/* Sweeps restarts side by side until each has converged or used up its iterations. */
static void
SweepRestarts(Restart *restarts, int nrestarts, double tolerance, int max_iterations, Fit *fit)
{
	Job		  **jobs = palloc(sizeof(Job *) * nrestarts);
	int			running;

	for (int r = 0; r < nrestarts; r++)
	{
		restarts[r].running = restarts[r].iterations < max_iterations;
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
			restart->running = !restart->converged && restart->iterations < max_iterations;
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

/* Returns the rows on which restarts begin: a sample, or all of them. */
static const RowStore *
StartRows(const NetworkPlan *plan, const RowStore *rows, int nrestarts)
{
	const NetworkSettings *settings = &plan->network->settings;
	int64		size = settings->restart_sample;

	if (plan->selector < 0 || settings->start == START_RESULTS || (nrestarts == 1 && !settings->moves))
		size = 0;
	else if (settings->moves)
		size = Min(size, Max(SEARCH_SAMPLE, (int64) SEARCH_ROWS_PER_DIMENSION * plan->components * (plan->ncolumns + 1)));
	return size == 0 || size >= rows->rows ? rows
		: CanonicalSample(rows, size, settings->seed, CurrentMemoryContext);
}

/* Creates the restarts and makes their first passes. */
static Restart *
BeginRestarts(const NetworkPlan *plan, const RowStore *rows, const RowStore *sample, int nrestarts)
{
	const RowStore *seeds = plan->selector < 0 ? NULL
		: CanonicalSample(sample, SEED_SAMPLE, plan->network->settings.seed, CurrentMemoryContext);
	Restart    *restarts = palloc0(sizeof(Restart) * nrestarts);
	Job		  **jobs = palloc(sizeof(Job *) * nrestarts);

	for (int r = 0; r < nrestarts; r++)
	{
		restarts[r].number = r + 1;
		restarts[r].job = jobs[r] = CreateJob(plan, sample, (double) rows->rows / sample->rows);
		if (plan->selector >= 0)
			jobs[r]->rule = StartRule(plan, seeds, r + 1);
		for (int k = 0; k < jobs[r]->nlive; k++)
			jobs[r]->fresh[k] = jobs[r]->rule.kind == RULE_CENTRES;
	}
	FirstPass(jobs, nrestarts);
	pfree(jobs);
	return restarts;
}

/* Improves each restart by moves. */
static void
SearchRestarts(Restart *restarts, int nrestarts, const SearchEffort *effort, Fit *fit)
{
	for (int r = 0; r < nrestarts; r++)
		SearchMoves(restarts[r].job, effort, fit, restarts[r].number, &restarts[r].iterations);
}

/* Moves the best restarts from the sample to all rows. */
static void
MoveToAllRows(Restart *restarts, int nrestarts, const RowStore *rows)
{
	for (int r = 0; r < nrestarts; r++)
		if (restarts[r].job->rows != rows)
		{
			UpdateGlobals(restarts[r].job);
			SetJobRows(restarts[r].job, rows, 1.0);
			PrepareJob(restarts[r].job);
			RunPass(&restarts[r].job, 1);
		}
}

/* Number of restarts where the user has not chosen one. */
static int
DefaultRestarts(const NetworkPlan *plan)
{
	return plan->selector < 0 ? 1 : CLUSTERING_RESTARTS;
}

Fit *
FitPlan(const NetworkPlan *plan, const RowStore *rows)
{
	const NetworkSettings *settings = &plan->network->settings;
	bool		moves = settings->moves && plan->selector >= 0;
	Fit		   *fit = palloc0(sizeof(Fit));
	int			n = settings->restarts > 0 ? settings->restarts : DefaultRestarts(plan);
	const RowStore *sample = StartRows(plan, rows, n);
	int64		visits = PassRowVisits();
	Restart    *restarts;

	fit->rows = rows->rows;
	fit->restarts = n;
	restarts = BeginRestarts(plan, rows, sample, n);
	if (moves)
	{
		SweepRestarts(restarts, n, LOOSE_TOLERANCE, LOOSE_SWEEPS, fit);
		SearchRestarts(restarts, n, &SampleEffort, fit);
	}
	else if (sample != rows)
		SweepRestarts(restarts, n, settings->tolerance, settings->max_iterations, fit);
	if (moves || sample != rows)
	{
		/* the best few go on, on all rows */
		qsort(restarts, n, sizeof(Restart), CompareRestarts);
		n = Min(n, moves ? 1 : POLISHED_RESTARTS);
		MoveToAllRows(restarts, n, rows);
		if (moves && sample != rows)
		{
			SweepRestarts(restarts, n, LOOSE_TOLERANCE, restarts[0].iterations + LOOSE_SWEEPS, fit);
			SearchRestarts(restarts, n, &ConfirmEffort, fit);
		}
	}
	SweepRestarts(restarts, n, settings->tolerance,
				  settings->max_iterations + (moves || sample != rows ? restarts[0].iterations : 0), fit);
	qsort(restarts, n, sizeof(Restart), CompareRestarts);

	fit->best_restart = restarts[0].number;
	fit->job = restarts[0].job;
	fit->iterations = restarts[0].iterations;
	fit->converged = restarts[0].converged;
	fit->elbo = fit->job->elbo;
	fit->passes = (double) (PassRowVisits() - visits) / rows->rows;
	return fit;
}
