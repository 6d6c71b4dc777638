/*
 * pass.c
 *		One pass over the rows for a list of jobs.
 *
 * Rows go through in blocks that stay in the processor's first caches.  The
 * chunks are divided into a fixed number of groups, each with accumulators of
 * its own that are added up in order, so that the sums do not depend on who
 * computed which group.
 */
#include "postgres.h"

#include <math.h>

#include "engine/pass.h"
#include "engine/rules.h"
#include "miscadmin.h"
#include "numerics/kernels.h"
#include "numerics/special.h"
#include "utils/memutils.h"

/* At most this many partial sums */
#define MAX_GROUPS 64

/* What a block of scores and columns should fit into: most of a 48 kB first-level cache */
#define BLOCK_BYTES 49152
#define MIN_BLOCK_ROWS 64

static int64 row_visits = 0;

int64
PassRowVisits(void)
{
	return row_visits;
}

/* Work space of one pass over one store */
typedef struct PassState
{
	const RowStore *rows;
	int			njobs;
	Job *const *jobs;
	int			block_rows;
	const double **columns;		/* of the chunk */
	const double **block;		/* of the block */
	const double **leaf_columns;
	double	   *scores;			/* components x block */
	double	  **lanes;			/* per job: (live + splits) x stats_size x KERNEL_LANES */
	double	   *log_normaliser; /* per job, of the group */
} PassState;

static double *
AllocDoubles(Size n)
{
	return palloc_extended(mul_size(n, sizeof(double)), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
}

/* Statistics of a job's components, as one vector. */
static Size
JobStatsSize(const Job *job)
{
	return (Size) job->nlive * job->plan->stats_size;
}

/* Everything that a pass adds up for a job. */
static Size
JobLanesSize(const Job *job)
{
	return (Size) (job->nlive + job->nsplits) * job->plan->stats_size * KERNEL_LANES;
}

/* Returns how many rows a block has: what fits into the cache, in whole vectors. */
static int
BlockRows(const RowStore *rows, int components)
{
	int			n = BLOCK_BYTES / (sizeof(double) * (components + 2 * rows->ncolumns));

	n = n / 32 * 32;
	return Min(Max(n, MIN_BLOCK_ROWS), KERNEL_MAX_ROWS);
}

static PassState *
BeginPass(const RowStore *rows, Job *const *jobs, int njobs)
{
	PassState  *pass = palloc0(sizeof(PassState));
	int			components = 1;
	int			ncolumns = rows->ncolumns + rows->labelled + 1;

	for (int i = 0; i < njobs; i++)
		components = Max(components, jobs[i]->nlive);
	pass->rows = rows;
	pass->jobs = jobs;
	pass->njobs = njobs;
	pass->block_rows = BlockRows(rows, components);
	pass->columns = palloc(sizeof(double *) * ncolumns);
	pass->block = palloc(sizeof(double *) * ncolumns);
	pass->leaf_columns = palloc(sizeof(double *) * ncolumns);
	pass->scores = AllocDoubles((Size) (components + 1) * pass->block_rows);	/* one more for CountBest */
	pass->log_normaliser = AllocDoubles(njobs);
	pass->lanes = palloc(sizeof(double *) * njobs);
	for (int i = 0; i < njobs; i++)
		pass->lanes[i] = AllocDoubles(JobLanesSize(jobs[i]));
	return pass;
}

static void
EndPass(PassState *pass)
{
	for (int i = 0; i < pass->njobs; i++)
		pfree(pass->lanes[i]);
	pfree(pass->lanes);
	pfree(pass->log_normaliser);
	pfree(pass->scores);
	pfree(pass->leaf_columns);
	pfree(pass->block);
	pfree(pass->columns);
	pfree(pass);
}

/* Points leaf_columns at the columns of one leaf. */
static const double *const *
LeafColumns(PassState *pass, const PlanLeaf *leaf)
{
	for (int j = 0; j < leaf->dim; j++)
		pass->leaf_columns[j] = pass->block[leaf->columns[j]];
	return pass->leaf_columns;
}

/* Writes E[log pi_k] + sum over leaves of E[log p(x_n | k)] for the live components. */
static void
ScoreBlock(PassState *pass, const Job *job, int rows)
{
	for (int k = 0; k < job->nlive; k++)
	{
		double	   *scores = pass->scores + (Size) k * rows;
		const double *constants = JobConstants(job, k);

		for (int n = 0; n < rows; n++)
			scores[n] = constants[0];
		for (int l = 0; l < job->plan->nleaves; l++)
		{
			const PlanLeaf *leaf = &job->plan->leaves[l];

			leaf->kernel->score(leaf->dim, constants + leaf->constants_offset, LeafColumns(pass, leaf), rows, scores);
		}
	}
}

/* Turns scores into responsibilities in place; returns the sum of the log normalisers. */
static double
NormaliseBlock(const PassState *pass, const Job *job, int rows, int valid)
{
	double		sum = 0.0;

	if (job->nlive > 1)
		return ActiveKernels->softmax(job->nlive, rows, valid, pass->scores);
	for (int n = 0; n < valid; n++)
		sum += pass->scores[n];
	for (int n = 0; n < rows; n++)
		pass->scores[n] = n < valid ? 1.0 : 0.0;
	return sum;
}

/* Adds responsibilities r times the leaves' sufficient statistics to one set of lanes. */
static void
Accumulate(PassState *pass, const Job *job, const double *r, int rows, double *lanes)
{
	for (int l = 0; l < job->plan->nleaves; l++)
	{
		const PlanLeaf *leaf = &job->plan->leaves[l];

		leaf->kernel->accumulate(leaf->dim, LeafColumns(pass, leaf), r, rows,
								 lanes + (Size) leaf->stats_offset * KERNEL_LANES);
	}
}

/* Does the whole work of one job on one block. */
static void
PassBlock(PassState *pass, int j, int rows, int valid)
{
	Job		   *job = pass->jobs[j];
	Size		size = (Size) job->plan->stats_size * KERNEL_LANES;
	double	   *lanes = pass->lanes[j];
	double		second[KERNEL_MAX_ROWS];

	if (job->rule.kind != RULE_NONE)
		ApplyRule(&job->rule, job, pass->block, rows, valid, pass->scores);
	else
	{
		ScoreBlock(pass, job, rows);
		pass->log_normaliser[j] += NormaliseBlock(pass, job, rows, valid);
	}
	for (int k = 0; k < job->nlive; k++, lanes += size)
		Accumulate(pass, job, pass->scores + (Size) k * rows, rows, lanes);
	for (int s = 0; s < job->nsplits; s++, lanes += size)
	{
		ApplySplit(&job->splits[s], pass->block, rows, pass->scores + (Size) job->splits[s].component * rows, second);
		Accumulate(pass, job, second, rows, lanes);
	}
}

static void
PassChunk(PassState *pass, int chunk)
{
	int			total = ChunkRows(pass->rows, chunk);
	int			ncolumns = pass->rows->ncolumns + pass->rows->labelled;

	ChunkColumns(pass->rows, chunk, pass->columns);
	for (int n = 0; n < total; n += pass->block_rows)
	{
		int			valid = Min(pass->block_rows, total - n);
		int			rows = TYPEALIGN(KERNEL_LANES, valid);

		CHECK_FOR_INTERRUPTS();
		for (int c = 0; c < ncolumns; c++)
			pass->block[c] = pass->columns[c] + n;
		for (int j = 0; j < pass->njobs; j++)
			PassBlock(pass, j, rows, valid);
	}
}

/* Adds up one group of chunks for all jobs and merges it into their statistics. */
static void
PassGroup(PassState *pass, int first, int end)
{
	for (int j = 0; j < pass->njobs; j++)
	{
		memset(pass->lanes[j], 0, sizeof(double) * JobLanesSize(pass->jobs[j]));
		pass->log_normaliser[j] = 0.0;
	}
	for (int chunk = first; chunk < end; chunk++)
		PassChunk(pass, chunk);
	for (int j = 0; j < pass->njobs; j++)
	{
		Job		   *job = pass->jobs[j];

		ReduceLanes(JobStatsSize(job), pass->lanes[j], job->stats);
		for (int s = 0; s < job->nsplits; s++)
			ReduceLanes(job->plan->stats_size,
						pass->lanes[j] + (Size) (job->nlive + s) * job->plan->stats_size * KERNEL_LANES,
						job->splits[s].stats);
		job->log_normaliser += pass->log_normaliser[j];
	}
}

static void
ClearSums(Job *job)
{
	memset(job->stats, 0, sizeof(double) * JobStatsSize(job));
	for (int s = 0; s < job->nsplits; s++)
		memset(job->splits[s].stats, 0, sizeof(double) * job->plan->stats_size);
	job->log_normaliser = 0.0;
}

/* Counts each row of a sample for as many as it stands for. */
static void
WeightSums(Job *job)
{
	for (Size i = 0; i < JobStatsSize(job); i++)
		job->stats[i] *= job->weight;
	for (int s = 0; s < job->nsplits; s++)
		for (int i = 0; i < job->plan->stats_size; i++)
			job->splits[s].stats[i] *= job->weight;
	job->log_normaliser *= job->weight;
}

/* One pass over one store. */
static void
PassStore(const RowStore *rows, Job *const *jobs, int njobs)
{
	PassState  *pass = BeginPass(rows, jobs, njobs);
	int			groups = Min(rows->nchunks, MAX_GROUPS);

	for (int j = 0; j < njobs; j++)
		ClearSums(jobs[j]);
	for (int g = 0; g < groups; g++)
		PassGroup(pass, (int64) rows->nchunks * g / groups, (int64) rows->nchunks * (g + 1) / groups);
	for (int j = 0; j < njobs; j++)
		if (jobs[j]->weight != 1.0)
			WeightSums(jobs[j]);
	row_visits += rows->rows * njobs;
	EndPass(pass);
}

void
RunPass(Job *const *jobs, int njobs)
{
	Job		  **same = palloc(sizeof(Job *) * njobs);
	bool	   *done = palloc0(sizeof(bool) * njobs);

	for (int i = 0; i < njobs; i++)
	{
		int			n = 0;

		if (done[i])
			continue;
		for (int j = i; j < njobs; j++)
			if (jobs[j]->rows == jobs[i]->rows)
			{
				same[n++] = jobs[j];
				done[j] = true;
			}
		PassStore(jobs[i]->rows, same, n);
	}
	pfree(same);
	pfree(done);
}

/* --- counting for the labels --- */

/* Adds the rows of a block to the counts of the best components. */
static void
CountBlock(const double *scores, int components, int rows, int valid, int64 *best)
{
	for (int n = 0; n < valid; n++)
	{
		int			max = 0;

		for (int k = 1; k < components; k++)
			if (scores[(Size) k * rows + n] > scores[(Size) max * rows + n])
				max = k;
		best[max]++;
	}
}

/* Adds sums of r_old r_new of a block, for the components that are live in each. */
static void
ShareBlock(const Job *job, const double *r, const Job *old, const double *r_old, int rows, double *shared)
{
	for (int i = 0; i < old->nlive; i++)
		for (int k = 0; k < job->nlive; k++)
		{
			double		sum = 0.0;

			for (int n = 0; n < rows; n++)
				sum += r_old[(Size) i * rows + n] * r[(Size) k * rows + n];
			shared[(Size) old->live[i] * job->plan->components + job->live[k]] += sum;
		}
}

/*
 * Rows that no old component explains must not be given to the nearest one, or
 * a new group would take its label.  So the old components compete with a
 * background: independent normals with mean and variance of all rows.
 */
#define BACKGROUND_WEIGHT 0.01

/* Writes the background as constants of the quadratic score. */
static double *
BackgroundConstants(const RowStore *rows)
{
	int			dim = rows->ncolumns;
	double	   *constants = palloc0(sizeof(double) * QuadraticSize(dim));
	double	   *u = constants + 1 + dim;

	constants[0] = log(BACKGROUND_WEIGHT) - 0.5 * dim * LOG_2PI;
	for (int i = 0; i < dim; i++)
	{
		double		variance = rows->covariance[i * dim + i];

		if (!(variance > 1e-12))
			variance = 1.0;
		constants[0] -= 0.5 * log(variance);
		constants[1 + i] = rows->mean[i];
		*u = sqrt(0.5 / variance);
		u += dim - i;
	}
	return constants;
}

/* Writes the responsibilities of the old components, and of the background as the last one. */
static void
OldBlock(PassState *pass, const Job *old, const double *background, int rows, int valid)
{
	double	   *scores = pass->scores + (Size) old->nlive * rows;

	ScoreBlock(pass, old, rows);
	memset(scores, 0, sizeof(double) * rows);
	ActiveKernels->quadratic_score(old->rows->ncolumns, background, pass->block, rows, scores);
	(void) ActiveKernels->softmax(old->nlive + 1, rows, valid, pass->scores);
}

void
CountBest(Job *job, Job *old, int64 *best, double *shared)
{
	double	   *background = BackgroundConstants(job->rows);
	Job		   *jobs[] = {job, old};
	PassState  *pass = BeginPass(job->rows, jobs, old ? 2 : 1);
	int64	   *live_best = palloc0(sizeof(int64) * job->nlive);
	double	   *r = AllocDoubles((Size) job->nlive * pass->block_rows);

	for (int c = 0; c < job->rows->nchunks; c++)
	{
		int			total = ChunkRows(job->rows, c);

		ChunkColumns(job->rows, c, pass->columns);
		for (int n = 0; n < total; n += pass->block_rows)
		{
			int			valid = Min(pass->block_rows, total - n);
			int			rows = TYPEALIGN(KERNEL_LANES, valid);

			CHECK_FOR_INTERRUPTS();
			for (int j = 0; j < job->rows->ncolumns; j++)
				pass->block[j] = pass->columns[j] + n;
			ScoreBlock(pass, job, rows);
			(void) NormaliseBlock(pass, job, rows, valid);
			CountBlock(pass->scores, job->nlive, rows, valid, live_best);
			if (old == NULL)
				continue;
			memcpy(r, pass->scores, sizeof(double) * job->nlive * rows);
			OldBlock(pass, old, background, rows, valid);
			ShareBlock(job, r, old, pass->scores, rows, shared);
		}
	}
	for (int k = 0; k < job->nlive; k++)
		best[job->live[k]] = live_best[k];
	row_visits += job->rows->rows * (old ? 2 : 1);
	EndPass(pass);
}
