/*
 * pass.c
 *		One pass over the rows for a list of jobs.
 *
 * The chunks are divided into a fixed number of groups, whose sums are added
 * up in order, so that they do not depend on who computed which group.
 */
#include "postgres.h"

#include <math.h>

#include "distributions/leaf.h"
#include "engine/incomplete.h"
#include "engine/parallel.h"
#include "engine/pass.h"
#include "engine/progress.h"
#include "engine/unit.h"
#include "miscadmin.h"
#include "numerics/kernels.h"
#include "numerics/special.h"
#include "storage/shmem.h"
#include "utils/memutils.h"

/* At most this many partial sums */
#define MAX_GROUPS 64

static int64 row_visits = 0;

int64
PassRowVisits(void)
{
	return row_visits;
}

static double *
AllocDoubles(Size n)
{
	return palloc_extended(mul_size(n, sizeof(double)), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
}

static void
ClearSums(Job *job)
{
	memset(job->stats, 0, sizeof(double) * job->nlive * job->plan->stats_size);
	for (int s = 0; s < job->nsplits; s++)
		memset(job->splits[s].stats, 0, sizeof(double) * job->plan->stats_size);
	job->log_normaliser = 0.0;
}

static void
AddTo(double *to, const double *from, Size n)
{
	for (Size i = 0; i < n; i++)
		to[i] += from[i];
}

/* Adds the sums of one group to those of the jobs. */
static void
MergeGroup(Job *const *jobs, int njobs, const double *sums)
{
	for (int j = 0; j < njobs; j++)
	{
		Job		   *job = jobs[j];
		Size		size = job->plan->stats_size;

		AddTo(job->stats, sums, job->nlive * size);
		sums += job->nlive * size;
		for (int s = 0; s < job->nsplits; s++, sums += size)
			AddTo(job->splits[s].stats, sums, size);
		job->log_normaliser += *sums++;
	}
}

/* Counts each row of a sample for as many as it stands for. */
static void
WeightSums(Job *job)
{
	for (Size i = 0; i < (Size) job->nlive * job->plan->stats_size; i++)
		job->stats[i] *= job->weight;
	for (int s = 0; s < job->nsplits; s++)
		for (int i = 0; i < job->plan->stats_size; i++)
			job->splits[s].stats[i] *= job->weight;
	job->log_normaliser *= job->weight;
}

/* One pass by this process alone. */
static void
PassAlone(const RowStore *rows, Job *const *jobs, int njobs, int groups, Size size)
{
	WorkSpace  *space = CreateWorkSpace(jobs[0]->plan, rows);
	double	   *sums = AllocDoubles(size);

	for (int g = 0; g < groups; g++)
	{
		RunUnit(space, rows, (const Job **) jobs, njobs, GroupChunk(rows, g, groups), GroupChunk(rows, g + 1, groups),
				sums);
		MergeGroup(jobs, njobs, sums);
		RecordVisits(rows->rows / groups * njobs);
	}
	pfree(sums);
	FreeWorkSpace(space);
}

/* Numbers that a pass adds up for some jobs. */
static Size
SumsSize(Job *const *jobs, int njobs)
{
	Size		size = 0;

	for (int j = 0; j < njobs; j++)
		size += JobSumsSize(jobs[j]);
	return size;
}

/* One pass over one store. */
static void
PassStore(const RowStore *rows, Job *const *jobs, int njobs)
{
	int			groups = Min(Min(rows->nchunks, MAX_GROUPS),
							 Max(1, PASS_SUMS_BYTES / (SumsSize(jobs, njobs) * sizeof(double))));
	int			shared;

	for (int j = 0; j < njobs; j++)
		ClearSums(jobs[j]);

	/* workers may take only some of the jobs at once */
	for (int j = 0; j < njobs; j += shared)
	{
		const double *sums;
		Size		size;

		shared = SharedPass(rows, jobs + j, njobs - j, groups, &sums);
		size = SumsSize(jobs + j, shared);
		for (int g = 0; g < groups && shared > 0; g++)
			MergeGroup(jobs + j, shared, sums + g * size);
		if (shared > 0)
			continue;
		shared = njobs - j;
		PassAlone(rows, jobs + j, shared, groups, SumsSize(jobs + j, shared));
	}
	for (int j = 0; j < njobs; j++)
		if (jobs[j]->weight != 1.0)
			WeightSums(jobs[j]);
	row_visits += rows->rows * njobs;
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

/* Adds the rows of a block, or their weights, to the counts of the best components. */
static void
CountBlock(const double *scores, int components, int rows, int valid, const double *weights, double *best)
{
	double		highest[KERNEL_MAX_ROWS];
	int			index[KERNEL_MAX_ROWS] = {0};

	memcpy(highest, scores, sizeof(double) * valid);
	for (int k = 1; k < components; k++)
	{
		scores += rows;
		for (int n = 0; n < valid; n++)
		{
			index[n] = scores[n] > highest[n] ? k : index[n];
			highest[n] = Max(scores[n], highest[n]);
		}
	}
	for (int n = 0; n < valid; n++)
		best[index[n]] += weights ? weights[n] : 1.0;
}

/* Adds sums of r_old r_new of a block, for the components that are live in each. */
static void
ShareBlock(const Job *job, const double *r, const Job *old, const double *r_old, int rows, double *shared)
{
	for (int i = 0; i < old->nlive; i++)
		for (int k = 0; k < job->nlive; k++)
			shared[(Size) old->live[i] * job->plan->components + job->live[k]]
				+= ActiveKernels->dot(rows, r_old + (Size) i * rows, r + (Size) k * rows);
}

/*
 * Rows that no old component explains must not be given to the nearest one, or
 * a new group would take its label.  So the old components compete with a
 * background: independent normals with mean and variance of all rows.
 */
#define BACKGROUND_WEIGHT 0.01

/* Writes the background of some columns (NULL: of all) as constants of the diagonal score. */
static double *
BackgroundConstants(const RowStore *rows, int n, const int *observed)
{
	double	   *constants = palloc(sizeof(double) * DiagonalKernelSize(n));

	constants[0] = log(BACKGROUND_WEIGHT) - 0.5 * n * LOG_2PI;
	for (int i = 0; i < n; i++)
	{
		int			column = observed ? observed[i] : i;
		double		variance = rows->variance[column];

		if (!(variance > 1e-12))
			variance = 1.0;
		constants[0] -= 0.5 * log(variance);
		constants[1 + i] = rows->mean[column];
		constants[1 + n + i] = 0.5 / variance;
	}
	return constants;
}

/* Adds the log densities of the background; where columns are missing, of the others. */
static void
ScoreBackground(WorkSpace *space, const RowStore *store, const double *background, int rows, double *scores)
{
	const Pattern *pattern;
	double	   *rest;

	if (!space->lacking)
	{
		ActiveKernels->diagonal_score(store->ncolumns, background, space->block, rows, scores);
		return;
	}
	pattern = space->incomplete->all;
	rest = BackgroundConstants(store, pattern->nobserved, pattern->observed);
	for (int j = 0; j < pattern->nobserved; j++)
		space->leaf_columns[j] = space->block[pattern->observed[j]];
	ActiveKernels->diagonal_score(pattern->nobserved, rest, space->leaf_columns, rows, scores);
	pfree(rest);
}

/* Writes the responsibilities of the old components, and of the background as the last one. */
static void
OldBlock(WorkSpace *space, const Job *old, const double *background, int rows, int valid)
{
	double	   *scores;

	ScoreBlock(space, old, rows);
	scores = space->scores + (Size) old->nlive * rows;
	memset(scores, 0, sizeof(double) * rows);
	ScoreBackground(space, old->rows, background, rows, scores);
	(void) ActiveKernels->softmax(old->nlive + 1, rows, valid, NULL, space->scores);
}

/* Adds the rows of a block to the pairs of their best old and new components; those that the background explains to none. */
static void
PairBlock(const Job *job, const double *r, const Job *old, const double *r_old, int rows, int valid,
		  const double *weights, double *pairs)
{
	for (int n = 0; n < valid; n++)
	{
		int			from = 0;
		int			to = 0;

		for (int i = 1; i <= old->nlive; i++)
			if (r_old[(Size) i * rows + n] > r_old[(Size) from * rows + n])
				from = i;
		for (int k = 1; k < job->nlive; k++)
			if (r[(Size) k * rows + n] > r[(Size) to * rows + n])
				to = k;
		if (from < old->nlive)
			pairs[(Size) old->live[from] * job->plan->components + job->live[to]] += weights ? weights[n] : 1.0;
	}
}

void
CountBest(Job *job, Job *old, double *best, double *shared, double *pairs, const RowVisitor *visitor)
{
	const RowStore *rows = job->rows;
	WorkSpace  *space = CreateWorkSpace(job->plan, rows);
	double	   *background = BackgroundConstants(rows, rows->ncolumns, NULL);
	double	   *live_best = AllocDoubles(job->nlive);
	double	   *r = AllocDoubles((Size) job->nlive * space->block_rows);

	for (int c = 0; c < rows->nchunks; c++)
	{
		int			total = ChunkRows(rows, c);
		int			valid;

		ChunkColumns(rows, c, space->columns);
		for (int n = 0; n < total; n += valid)
		{
			int			padded = EnterBlock(space, rows, n, total, &valid);

			CHECK_FOR_INTERRUPTS();
			(void) BlockResponsibilities(space, job, padded, valid);
			CountBlock(space->scores, job->nlive, padded, valid, space->weights, live_best);
			if (visitor)
				visitor->visit(visitor->state, space->block, space->weights, valid);
			if (old == NULL)
				continue;
			memcpy(r, space->scores, sizeof(double) * job->nlive * padded);
			OldBlock(space, old, background, padded, valid);
			ShareBlock(job, r, old, space->scores, padded, shared);
			PairBlock(job, r, old, space->scores, padded, valid, space->weights, pairs);
		}
	}
	for (int k = 0; k < job->nlive; k++)
		best[job->live[k]] = live_best[k];
	row_visits += rows->rows * (old ? 2 : 1);
	FreeWorkSpace(space);
}
