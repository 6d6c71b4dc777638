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
#include "engine/start.h"
#include "engine/update.h"
#include "engine/vb.h"
#include "miscadmin.h"
#include "utils/memutils.h"

/* An ELBO may fall by rounding only: by this, relative to its size */
#define ELBO_ROUNDING 1e-9

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
	Job		   *job;
	StopRule	stop;
	int			iterations;
	bool		running;
	bool		converged;
} Restart;

/* A fall of the ELBO beyond rounding is a bug: it is reported, and stops a server that has assertions. */
static void
CheckElbo(const Restart *restart, double before)
{
	double		after = restart->job->elbo;

	if (restart->iterations < 2 || after >= before - ELBO_ROUNDING * (1.0 + fabs(before)))
		return;
	ereport(WARNING,
			(errmsg("the evidence lower bound fell from %.10g to %.10g at iteration %d", before, after,
					restart->iterations)));
	Assert(false);
}

/* Sweeps all running restarts until each has converged or used up its iterations. */
static void
SweepRestarts(const NetworkPlan *plan, Restart *restarts, int nrestarts, Trace *trace)
{
	const NetworkSettings *settings = &plan->network->settings;
	Job		  **jobs = palloc(sizeof(Job *) * nrestarts);
	int			running;

	do
	{
		running = 0;
		for (int r = 0; r < nrestarts; r++)
			if (restarts[r].running)
				jobs[running++] = restarts[r].job;
		if (running > 0)
			Sweep(jobs, running);
		for (int r = 0; r < nrestarts; r++)
		{
			Restart    *restart = &restarts[r];
			double		before = restart->stop.last;

			if (!restart->running)
				continue;
			restart->iterations++;
			AddTrace(trace, r + 1, restart->iterations, restart->job->elbo, NULL);
			CheckElbo(restart, before);
			restart->converged = ShouldStop(&restart->stop, restart->job->elbo, settings->tolerance);
			restart->running = !restart->converged && restart->iterations < settings->max_iterations;
		}
	} while (running > 0);
	pfree(jobs);
}

Fit *
FitPlan(const NetworkPlan *plan, const RowStore *rows)
{
	Fit		   *fit = palloc0(sizeof(Fit));
	int			nrestarts = plan->network->settings.restarts;
	Restart    *restarts;
	Job		  **jobs;
	const RowStore *sample = CanonicalSample(rows, 10000, plan->network->settings.seed, CurrentMemoryContext);
	int64		visits = PassRowVisits();

	if (nrestarts == 0)
		nrestarts = plan->components == 1 ? 1 : 15;
	restarts = palloc0(sizeof(Restart) * nrestarts);
	jobs = palloc(sizeof(Job *) * nrestarts);
	for (int r = 0; r < nrestarts; r++)
	{
		restarts[r].job = jobs[r] = CreateJob(plan, rows, 1.0);
		restarts[r].running = true;
		if (plan->components > 1)
			jobs[r]->rule = StartRule(plan, sample, r + 1);
	}
	FirstPass(jobs, nrestarts);
	SweepRestarts(plan, restarts, nrestarts, &fit->trace);
	fit->restarts = nrestarts;
	for (int r = 0; r < nrestarts; r++)
		if (r == 0 || restarts[r].job->elbo > restarts[fit->best_restart - 1].job->elbo)
			fit->best_restart = r + 1;
	fit->job = restarts[fit->best_restart - 1].job;
	fit->iterations = restarts[fit->best_restart - 1].iterations;
	fit->converged = restarts[fit->best_restart - 1].converged;
	fit->elbo = fit->job->elbo;
	fit->passes = (double) (PassRowVisits() - visits) / rows->rows;
	return fit;
}
