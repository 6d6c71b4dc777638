/*
 * unit.c
 *		Jobs on chunks of rows: the loop that everything is spent in.
 *
 * Rows go through in blocks that stay in the processor's first caches; each
 * block serves all jobs of the unit.
 */
#include "postgres.h"

#include "engine/incomplete.h"
#include "engine/rules.h"
#include "engine/unit.h"
#include "miscadmin.h"
#include "numerics/kernels.h"
#include "source/patterns.h"
#include "storage/shmem.h"
#include "utils/memutils.h"

/* What a block of scores and columns should fit into: most of a 48 kB first-level cache */
#define BLOCK_BYTES 49152
#define MIN_BLOCK_ROWS 128

/* Returns how many rows a block has: what fits into the cache, in whole vectors. */
static int
BlockRows(const RowStore *rows, int components)
{
	int			n = BLOCK_BYTES / (sizeof(double) * (components + 2 * rows->ncolumns));

	n = n / 32 * 32;
	return Min(Max(n, MIN_BLOCK_ROWS), KERNEL_MAX_ROWS);
}

WorkSpace *
CreateWorkSpace(const NetworkPlan *plan, const RowStore *rows)
{
	WorkSpace  *space = palloc0(sizeof(WorkSpace));
	int			ncolumns = rows->width;

	space->context = CurrentMemoryContext;
	space->plan = plan;
	space->ncolumns = ncolumns;
	space->weighted = rows->weighted;
	space->block_rows = BlockRows(rows, plan->components);
	space->columns = palloc(sizeof(double *) * (ncolumns + 1));
	space->block = palloc(sizeof(double *) * (ncolumns + 1));
	space->leaf_columns = palloc(sizeof(double *) * (ncolumns + 1));
	return space;
}

void
FreeWorkSpace(WorkSpace *space)
{
	if (space->incomplete)
		FreeIncompleteBlock(space->incomplete, space->plan->nleaves);
	if (space->lanes)
		pfree(space->lanes);
	if (space->scores)
		pfree(space->scores);
	pfree(space->leaf_columns);
	pfree(space->block);
	pfree(space->columns);
	pfree(space);
}

void
GrowSpace(WorkSpace *space, double **array, Size *allocated, Size size)
{
	if (size <= *allocated)
		return;
	if (*array)
		pfree(*array);
	*array = MemoryContextAllocExtended(space->context, mul_size(size, sizeof(double)), MCXT_ALLOC_HUGE);
	*allocated = size;
}

/* Statistics of live components and of second halves. */
static Size
JobStatsSize(const Job *job)
{
	return (Size) (job->nlive + job->nsplits) * job->plan->stats_size;
}

Size
JobSumsSize(const Job *job)
{
	return JobStatsSize(job) + 1;
}

/* Points leaf_columns at the columns of one leaf. */
static const double *const *
LeafColumns(WorkSpace *space, const PlanLeaf *leaf)
{
	for (int j = 0; j < leaf->dim; j++)
		space->leaf_columns[j] = space->block[leaf->columns[j]];
	return space->leaf_columns;
}

void
ScoreBlock(WorkSpace *space, const Job *job, int rows)
{
	GrowSpace(space, &space->scores, &space->scores_size, (Size) (job->nlive + 1) * rows);
	if (space->lacking)
		ConditionJob(space, job);
	for (int k = 0; k < job->nlive; k++)
	{
		double	   *scores = space->scores + (Size) k * rows;
		const double *constants = JobConstants(job, k);

		CHECK_FOR_INTERRUPTS();
		ActiveKernels->fill(constants[0], rows, scores);
		for (int l = 0; l < job->plan->nleaves; l++)
		{
			const PlanLeaf *leaf = &job->plan->leaves[l];

			if (space->lacking)
				ScoreIncomplete(space, job, k, l, rows, scores);
			else
				leaf->kernel->score(leaf->dim, constants + leaf->constants_offset, LeafColumns(space, leaf), rows,
									scores);
		}
	}
}

double
BlockResponsibilities(WorkSpace *space, const Job *job, int rows, int valid)
{
	double		sum = 0.0;

	ScoreBlock(space, job, rows);
	if (job->nlive > 1)
		return ActiveKernels->softmax(job->nlive, rows, valid, space->weights, space->scores);
	for (int n = 0; n < valid; n++)
		sum += space->weights ? space->weights[n] * space->scores[n] : space->scores[n];
	for (int n = 0; n < rows; n++)
		space->scores[n] = n >= valid ? 0.0 : space->weights ? space->weights[n] : 1.0;
	return sum;
}

/* Lets each row count for its weight, if it has one. */
static void
WeightRows(WorkSpace *space, const Job *job, int rows, int valid)
{
	for (int k = 0; k < job->nlive && space->weights != NULL; k++)
		for (int n = 0; n < valid; n++)
			space->scores[(Size) k * rows + n] *= space->weights[n];
}

/*
 * Adds responsibilities r for a live component times the leaves' sufficient
 * statistics to one set of lanes; where columns are missing, to the sums,
 * completed as the component expects them.
 */
static void
Accumulate(WorkSpace *space, const Job *job, int component, const double *r, int rows, double *lanes, double *sums)
{
	const double *constants = job->rule.kind == RULE_NONE ? JobConstants(job, component) : NULL;

	if (space->lacking)
	{
		AccumulateIncomplete(space, job, component, r, rows, sums);
		return;
	}
	for (int l = 0; l < job->plan->nleaves; l++)
	{
		const PlanLeaf *leaf = &job->plan->leaves[l];

		leaf->kernel->accumulate(leaf->dim, constants ? constants + leaf->constants_offset : NULL,
								 LeafColumns(space, leaf), r, rows,
								 lanes + (Size) leaf->stats_offset * KERNEL_LANES);
	}
}

/* Adds the second half of a split. */
static void
AccumulateSplit(WorkSpace *space, const Job *job, const Split *split, int rows, double *lanes, double *sums)
{
	double		second[KERNEL_MAX_ROWS];
	const double *const *columns = space->lacking ? FilledColumns(space, job, split->component, split->leaf, split->mean, rows)
		: space->block;

	ApplySplit(split, columns, rows, space->scores + (Size) split->component * rows, second);
	Accumulate(space, job, split->component, second, rows, lanes, sums);
}

/* Does the whole work of one job on one block; returns the sum of its log normalisers. */
static double
RunBlock(WorkSpace *space, const Job *job, int rows, int valid, double *lanes, double *sums)
{
	Size		size = (Size) job->plan->stats_size;
	double		log_normaliser = 0.0;

	if (job->rule.kind == RULE_NONE)
		log_normaliser = BlockResponsibilities(space, job, rows, valid);
	else
	{
		GrowSpace(space, &space->scores, &space->scores_size, (Size) job->nlive * rows);
		ApplyRule(&job->rule, job, space->block, rows, valid, space->scores);
		WeightRows(space, job, rows, valid);
		if (space->lacking)
			ConditionJob(space, job);
	}
	for (int k = 0; k < job->nlive; k++, lanes += size * KERNEL_LANES, sums += size)
	{
		CHECK_FOR_INTERRUPTS();
		Accumulate(space, job, k, space->scores + (Size) k * rows, rows, lanes, sums);
	}
	for (int s = 0; s < job->nsplits; s++, lanes += size * KERNEL_LANES, sums += size)
	{
		CHECK_FOR_INTERRUPTS();
		AccumulateSplit(space, job, &job->splits[s], rows, lanes, sums);
	}
	return log_normaliser;
}

int
EnterBlock(WorkSpace *space, const RowStore *rows, int first, int end, int *valid)
{
	int			padded;

	*valid = Min(space->block_rows, end - first);
	space->lacking = false;
	if (rows->incomplete)
	{
		if (space->incomplete == NULL)
		{
			MemoryContext old = MemoryContextSwitchTo(space->context);

			space->incomplete = CreateIncompleteBlock(space->plan, rows);
			MemoryContextSwitchTo(old);
		}
		*valid = PatternRows(space->columns, rows->ncolumns, first, first + *valid);
		space->lacking = EnterPattern(space, space->plan, first);
	}
	padded = TYPEALIGN(KERNEL_LANES, *valid);
	for (int c = 0; c < space->ncolumns; c++)
		space->block[c] = space->columns[c] + first;
	if (rows->incomplete && padded > *valid)
		PadBlock(space, *valid, padded);
	space->weights = space->weighted ? space->block[space->ncolumns - 1] : NULL;
	return padded;
}

/* Adds one chunk to the lanes, sums and log normalisers of all jobs. */
static void
RunChunk(WorkSpace *space, const RowStore *rows, const Job *jobs[], int njobs, int chunk, double *sums,
		 double *log_normalisers)
{
	int			total = ChunkRows(rows, chunk);
	int			valid;

	ChunkColumns(rows, chunk, space->columns);
	for (int n = 0; n < total; n += valid)
	{
		int			padded = EnterBlock(space, rows, n, total, &valid);
		double	   *lanes = space->lanes;
		double	   *job_sums = sums;

		for (int j = 0; j < njobs; j++)
		{
			CHECK_FOR_INTERRUPTS();
			log_normalisers[j] += RunBlock(space, jobs[j], padded, valid, lanes, job_sums);
			lanes += JobStatsSize(jobs[j]) * KERNEL_LANES;
			job_sums += JobSumsSize(jobs[j]);
		}
	}
}

void
RunUnit(WorkSpace *space, const RowStore *rows, const Job *jobs[], int njobs, int first, int end, double *sums)
{
	double	   *log_normalisers = palloc0(sizeof(double) * njobs);
	Size		size = 0;
	double	   *lanes;

	for (int j = 0; j < njobs; j++)
		size += JobStatsSize(jobs[j]);
	GrowSpace(space, &space->lanes, &space->lanes_size, size * KERNEL_LANES);
	memset(space->lanes, 0, sizeof(double) * size * KERNEL_LANES);
	memset(sums, 0, sizeof(double) * (size + njobs));
	for (int chunk = first; chunk < end; chunk++)
		RunChunk(space, rows, jobs, njobs, chunk, sums, log_normalisers);
	lanes = space->lanes;
	for (int j = 0; j < njobs; j++)
	{
		size = JobStatsSize(jobs[j]);
		ReduceLanes(size, lanes, sums);
		sums[size] = log_normalisers[j];
		sums += size + 1;
		lanes += size * KERNEL_LANES;
	}
	pfree(log_normalisers);
}
