/*
 * vb.c
 *		The step that everything is made of, and when to stop.
 *
 * A sweep updates the globals from the statistics of the last pass, makes a
 * pass, and computes the ELBO.
 */
#include "postgres.h"

#include <math.h>

#include "engine/pass.h"
#include "engine/progress.h"
#include "engine/update.h"
#include "engine/vb.h"
#include "utils/memutils.h"

const char *const MoveNames[MOVE_KINDS] = {
	[MOVE_MERGE] = "merge",
	[MOVE_DELETE] = "delete",
	[MOVE_SPLIT] = "split",
	[MOVE_PLACE] = "place",
	[MOVE_SWAP] = "swap",
};

void
AppendTrace(Trace *trace, TraceEntry entry)
{
	if (trace->n == trace->max)
	{
		trace->max = Max(64, 2 * trace->max);
		trace->entries = trace->entries ? repalloc_huge(trace->entries, sizeof(TraceEntry) * trace->max)
			: MemoryContextAlloc(trace->context, sizeof(TraceEntry) * trace->max);
	}
	trace->entries[trace->n++] = entry;
}

/* Records a sweep or a move that has just been done. */
void
AddTrace(Trace *trace, int restart, int iteration, double elbo, const char *event)
{
	AppendTrace(trace, (TraceEntry) {restart, iteration, elbo, event});
	RecordIteration(restart, iteration, elbo);
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
		ComputeElbo(jobs[i]);
}
