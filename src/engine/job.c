/*
 * job.c
 *		Life of a job.
 */
#include "postgres.h"

#include "engine/job.h"
#include "engine/update.h"
#include "guc.h"
#include "storage/shmem.h"
#include "utils/guc.h"
#include "utils/memutils.h"

static double *
AllocDoubles(Size n)
{
	return palloc_extended(mul_size(n, sizeof(double)), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
}

static Size
StatsSize(const NetworkPlan *plan)
{
	return (Size) plan->components * plan->stats_size;
}

static Size
ConstantsSize(const NetworkPlan *plan)
{
	return (Size) plan->components * plan->constants_size;
}

/* Creates a job with all components live and all globals at their priors. */
Job *
CreateJob(const NetworkPlan *plan, const RowStore *rows, double weight)
{
	Job		   *job = palloc0(sizeof(Job));

	job->plan = plan;
	job->rows = rows;
	job->weight = weight;
	job->state = AllocDoubles(plan->state_size);
	job->constants = AllocDoubles(ConstantsSize(plan));
	job->stats = AllocDoubles(StatsSize(plan));
	job->live = palloc(sizeof(int) * plan->components);
	job->fresh = palloc0(sizeof(bool) * plan->components);
	job->nlive = plan->components;
	for (int k = 0; k < plan->components; k++)
		job->live[k] = k;
	InitGlobals(job);
	return job;
}

void
AssignJob(Job *to, const Job *from)
{
	const NetworkPlan *plan = from->plan;

	to->rows = from->rows;
	to->weight = from->weight;
	to->nlive = from->nlive;
	to->rule = from->rule;
	to->unsettled = from->unsettled;
	to->log_normaliser = from->log_normaliser;
	to->elbo = from->elbo;
	to->terms = from->terms;
	memcpy(to->live, from->live, sizeof(int) * from->nlive);
	memcpy(to->fresh, from->fresh, sizeof(bool) * from->nlive);
	memcpy(to->state, from->state, sizeof(double) * plan->state_size);
	memcpy(to->constants, from->constants, sizeof(double) * ConstantsSize(plan));
	memcpy(to->stats, from->stats, sizeof(double) * StatsSize(plan));
}

Job *
CopyJob(const Job *job)
{
	Job		   *copy = palloc0(sizeof(Job));

	copy->plan = job->plan;
	copy->state = AllocDoubles(job->plan->state_size);
	copy->constants = AllocDoubles(ConstantsSize(job->plan));
	copy->stats = AllocDoubles(StatsSize(job->plan));
	copy->live = palloc(sizeof(int) * job->plan->components);
	copy->fresh = palloc(sizeof(bool) * job->plan->components);
	AssignJob(copy, job);
	return copy;
}

void
FreeJob(Job *job)
{
	pfree(job->state);
	pfree(job->constants);
	pfree(job->stats);
	pfree(job->live);
	pfree(job->fresh);
	pfree(job);
}

void
SetJobRows(Job *job, const RowStore *rows, double weight)
{
	job->rows = rows;
	job->weight = weight;
}

void
RetireComponent(Job *job, int index)
{
	Size		stats_size = job->plan->stats_size;

	memmove(job->live + index, job->live + index + 1, sizeof(int) * (job->nlive - index - 1));
	memmove(job->fresh + index, job->fresh + index + 1, sizeof(bool) * (job->nlive - index - 1));
	memmove(JobStats(job, index), JobStats(job, index + 1), sizeof(double) * stats_size * (job->nlive - index - 1));
	job->nlive--;
}

bool
IsComponentLive(const Job *job, int component)
{
	for (int i = 0; i < job->nlive; i++)
		if (job->live[i] == component)
			return true;
	return false;
}

int
ReviveComponent(Job *job)
{
	bool	   *used = palloc0(sizeof(bool) * job->plan->components);
	int			slot = 0;

	Assert(job->nlive < job->plan->components);
	for (int i = 0; i < job->nlive; i++)
		used[job->live[i]] = true;
	while (used[slot])
		slot++;
	pfree(used);
	job->live[job->nlive] = slot;
	job->fresh[job->nlive] = false;
	memset(JobStats(job, job->nlive), 0, sizeof(double) * job->plan->stats_size);
	return job->nlive++;
}

Size
JobSize(const NetworkPlan *plan)
{
	return sizeof(Job) + sizeof(double) * (plan->state_size + ConstantsSize(plan) + StatsSize(plan))
		+ (sizeof(int) + sizeof(bool)) * plan->components;
}

/* Memory that the trials of a race may take; more where so many need it, and the fewest in any case */
#define TRIAL_MEMORY ((Size) 64 * 1024 * 1024)
#define FEW_TRIALS 8
#define FEW_TRIALS_MEMORY ((Size) 1024 * 1024 * 1024)
#define FEWEST_TRIALS 2

int
TrialsInMemory(const NetworkPlan *plan)
{
	Size		fit = TRIAL_MEMORY / JobSize(plan);
	Size		few = FEW_TRIALS_MEMORY / JobSize(plan);

	few = Max(Min(few, FEW_TRIALS), FEWEST_TRIALS);
	return (int) Min(Max(fit, few), MAX_TRIALS);
}

/* Jobs beside the trials: the best restart, the present one, what moves are tried out on */
#define OTHER_JOBS 4

/* Restarts side by side where nobody has chosen a number, at most */
#define DEFAULT_RESTARTS 6

/* Splits of a component that are looked at, about */
#define SPLITS_OF_COMPONENT 4

/*
 * Returns what the parameters of an inference need, about.  A pass adds up the
 * statistics of each of its jobs in lanes.
 */
static Size
ModelMemory(const NetworkPlan *plan)
{
	const NetworkSettings *settings = &plan->network->settings;
	bool		searches = settings->moves && plan->selector >= 0;
	Size		restarts = settings->restarts > 0 ? settings->restarts : DEFAULT_RESTARTS;
	Size		jobs = searches ? OTHER_JOBS + FEWEST_TRIALS : 1 + restarts;
	Size		in_pass = searches ? 1 + SPLITS_OF_COMPONENT : restarts;

	return add_size(mul_size(jobs, JobSize(plan)), mul_size(in_pass, mul_size(StatsSize(plan), sizeof(double) * KERNEL_LANES)));
}

void
CheckModelMemory(const NetworkPlan *plan)
{
	Size		limit = (Size) BnaiModelMem * 1024;
	Size		needed = ModelMemory(plan);
	bool		full = plan->rank > 1;

	if (needed <= limit)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
			 errmsg("the parameters of network \"%s\" would take about %zu MB, more than bnai.model_mem allows",
					plan->network->name, needed / (1024 * 1024) + 1),
			 errdetail("There are %d components of %d numbers in %d columns, and the limit is %s.", plan->components,
					   plan->stats_size, plan->ncolumns, GetConfigOptionByName("bnai.model_mem", NULL, false)),
			 full ? errhint("Use covariance => 'diagonal', fewer clusters or fewer columns, or a larger bnai.model_mem.")
			 : errhint("Use fewer clusters, restarts or columns, or a larger bnai.model_mem.")));
}

void
AddStats(const NetworkPlan *plan, double *to, const double *from, double factor)
{
	for (int i = 0; i < plan->stats_size; i++)
		to[i] += factor * from[i];
}
