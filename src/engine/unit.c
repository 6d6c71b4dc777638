/*
 * unit.c
 *		Jobs on chunks of rows: the loop that everything is spent in.
 *
 * Rows go through in blocks that stay in the processor's first caches; each
 * block serves all jobs of the unit.
 */
#include "postgres.h"

#include "engine/rules.h"
#include "engine/unit.h"
#include "miscadmin.h"
#include "numerics/kernels.h"
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
	if (space->lanes)
		pfree(space->lanes);
	if (space->scores)
		pfree(space->scores);
	pfree(space->leaf_columns);
	pfree(space->block);
	pfree(space->columns);
	pfree(space);
}

/* Makes room for `size` doubles. */
static void
Grow(WorkSpace *space, double **array, Size *allocated, Size size)
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
	Grow(space, &space->scores, &space->scores_size, (Size) (job->nlive + 1) * rows);
	for (int k = 0; k < job->nlive; k++)
	{
		double	   *scores = space->scores + (Size) k * rows;
		const double *constants = JobConstants(job, k);

		ActiveKernels->fill(constants[0], rows, scores);
		for (int l = 0; l < job->plan->nleaves; l++)
		{
			const PlanLeaf *leaf = &job->plan->leaves[l];

			leaf->kernel->score(leaf->dim, constants + leaf->constants_offset, LeafColumns(space, leaf), rows, scores);
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

/* Adds responsibilities r for a live component times the leaves' sufficient statistics to one set of lanes. */
static void
Accumulate(WorkSpace *space, const Job *job, int component, const double *r, int rows, double *lanes)
{
	const double *constants = job->rule.kind == RULE_NONE ? JobConstants(job, component) : NULL;

	for (int l = 0; l < job->plan->nleaves; l++)
	{
		const PlanLeaf *leaf = &job->plan->leaves[l];

		leaf->kernel->accumulate(leaf->dim, constants ? constants + leaf->constants_offset : NULL,
								 LeafColumns(space, leaf), r, rows,
								 lanes + (Size) leaf->stats_offset * KERNEL_LANES);
	}
}

/* Does the whole work of one job on one block; returns the sum of its log normalisers. */
static double
RunBlock(WorkSpace *space, const Job *job, int rows, int valid, double *lanes)
{
	Size		size = (Size) job->plan->stats_size * KERNEL_LANES;
	double		second[KERNEL_MAX_ROWS];
	double		log_normaliser = 0.0;

	if (job->rule.kind == RULE_NONE)
		log_normaliser = BlockResponsibilities(space, job, rows, valid);
	else
	{
		Grow(space, &space->scores, &space->scores_size, (Size) job->nlive * rows);
		ApplyRule(&job->rule, job, space->block, rows, valid, space->scores);
		WeightRows(space, job, rows, valid);
	}
	for (int k = 0; k < job->nlive; k++, lanes += size)
		Accumulate(space, job, k, space->scores + (Size) k * rows, rows, lanes);
	for (int s = 0; s < job->nsplits; s++, lanes += size)
	{
		ApplySplit(&job->splits[s], space->block, rows, space->scores + (Size) job->splits[s].component * rows, second);
		Accumulate(space, job, job->splits[s].component, second, rows, lanes);
	}
	return log_normaliser;
}

int
EnterBlock(WorkSpace *space, int first, int valid)
{
	for (int c = 0; c < space->ncolumns; c++)
		space->block[c] = space->columns[c] + first;
	space->weights = space->weighted ? space->block[space->ncolumns - 1] : NULL;
	return TYPEALIGN(KERNEL_LANES, valid);
}

/* Adds one chunk to the lanes and log normalisers of all jobs. */
static void
RunChunk(WorkSpace *space, const RowStore *rows, const Job *jobs[], int njobs, int chunk, double *log_normalisers)
{
	int			total = ChunkRows(rows, chunk);

	ChunkColumns(rows, chunk, space->columns);
	for (int n = 0; n < total; n += space->block_rows)
	{
		int			valid = Min(space->block_rows, total - n);
		int			padded = EnterBlock(space, n, valid);
		double	   *lanes = space->lanes;

		for (int j = 0; j < njobs; j++)
		{
			CHECK_FOR_INTERRUPTS();
			log_normalisers[j] += RunBlock(space, jobs[j], padded, valid, lanes);
			lanes += JobStatsSize(jobs[j]) * KERNEL_LANES;
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
	Grow(space, &space->lanes, &space->lanes_size, size * KERNEL_LANES);
	memset(space->lanes, 0, sizeof(double) * size * KERNEL_LANES);
	for (int chunk = first; chunk < end; chunk++)
		RunChunk(space, rows, jobs, njobs, chunk, log_normalisers);
	lanes = space->lanes;
	for (int j = 0; j < njobs; j++)
	{
		size = JobStatsSize(jobs[j]);
		memset(sums, 0, sizeof(double) * size);
		ReduceLanes(size, lanes, sums);
		sums[size] = log_normalisers[j];
		sums += size + 1;
		lanes += size * KERNEL_LANES;
	}
	pfree(log_normalisers);
}
