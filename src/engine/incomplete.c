/*
 * incomplete.c
 *		Work on blocks whose rows lack columns.
 */
#include "postgres.h"

#include "engine/incomplete.h"
#include "miscadmin.h"
#include "source/patterns.h"
#include "storage/shmem.h"
#include "utils/memutils.h"

static double *
AllocDoubles(Size n)
{
	return palloc_extended(mul_size(n, sizeof(double)), MCXT_ALLOC_HUGE);
}

IncompleteBlock *
CreateIncompleteBlock(const NetworkPlan *plan, const RowStore *rows)
{
	IncompleteBlock *block = palloc0(sizeof(IncompleteBlock));
	int			ncolumns = rows->width;
	int			largest = 0;
	int			stats_size = rows->ncolumns;

	block->ncolumns = rows->ncolumns;
	block->row = AllocDoubles(rows->ncolumns);
	block->all = CreatePattern(rows->ncolumns);
	block->patterns = palloc(sizeof(Pattern *) * plan->nleaves);
	for (int l = 0; l < plan->nleaves; l++)
	{
		const PlanLeaf *leaf = &plan->leaves[l];

		block->patterns[l] = CreatePattern(leaf->dim);
		if (leaf->kernel->missing->joint)
			largest = Max(largest, leaf->dim);
		stats_size = Max(stats_size, leaf->kernel->stats_size(leaf->dim));
	}
	block->copy = AllocDoubles((Size) ncolumns * KERNEL_MAX_ROWS);
	block->filled = AllocDoubles((Size) ncolumns * KERNEL_MAX_ROWS);
	block->filled_columns = palloc(sizeof(double *) * ncolumns);
	block->work = largest > 0 ? AllocDoubles((Size) largest * largest) : NULL;
	block->lanes = AllocDoubles((Size) stats_size * KERNEL_LANES);
	block->stats = AllocDoubles(stats_size);
	return block;
}

static void
FreePattern(Pattern *pattern)
{
	pfree(pattern->observed);
	pfree(pattern->missing);
	pfree(pattern);
}

void
FreeIncompleteBlock(IncompleteBlock *block, int nleaves)
{
	for (int l = 0; l < nleaves; l++)
		FreePattern(block->patterns[l]);
	FreePattern(block->all);
	pfree(block->patterns);
	pfree(block->row);
	pfree(block->copy);
	pfree(block->filled);
	pfree(block->filled_columns);
	if (block->work)
		pfree(block->work);
	pfree(block->lanes);
	pfree(block->stats);
	if (block->conditionals)
		pfree(block->conditionals);
	if (block->memory)
		pfree(block->memory);
	pfree(block);
}

bool
EnterPattern(WorkSpace *space, const NetworkPlan *plan, int first)
{
	IncompleteBlock *block = space->incomplete;

	for (int j = 0; j < block->ncolumns; j++)
		block->row[j] = space->columns[j][first];
	ReadPattern(block->row, block->all);
	if (block->all->nmissing == 0)
		return false;
	for (int l = 0; l < plan->nleaves; l++)
	{
		const PlanLeaf *leaf = &plan->leaves[l];
		double	   *row = block->stats;	/* not in use now, and no shorter than a row */

		for (int j = 0; j < leaf->dim; j++)
			row[j] = space->columns[leaf->columns[j]][first];
		ReadPattern(row, block->patterns[l]);
	}
	return true;
}

void
PadBlock(WorkSpace *space, int valid, int padded)
{
	for (int c = 0; c < space->ncolumns; c++)
	{
		double	   *copy = space->incomplete->copy + (Size) c * KERNEL_MAX_ROWS;

		for (int n = 0; n < padded; n++)
			copy[n] = n < valid ? space->block[c][n] : 0.0;
		space->block[c] = copy;
	}
}

/* Returns the conditional of a component and leaf. */
static Conditional *
ConditionalOf(const WorkSpace *space, const Job *job, int component, int leaf)
{
	return &space->incomplete->conditionals[(Size) component * job->plan->nleaves + leaf];
}

/* Makes room for the conditionals of a job. */
static void
PlaceConditionals(WorkSpace *space, const Job *job)
{
	IncompleteBlock *block = space->incomplete;
	const NetworkPlan *plan = job->plan;
	Size		n = (Size) job->nlive * plan->nleaves;
	Size		size = 0;
	double	   *memory;

	for (int l = 0; l < plan->nleaves; l++)
	{
		const LeafKernel *kernel = plan->leaves[l].kernel;
		const Pattern *pattern = block->patterns[l];

		size += ConditionalSize(pattern, kernel->constants_size(pattern->nobserved), kernel->missing->joint);
	}
	GrowSpace(space, &block->memory, &block->memory_size, size * job->nlive);
	if (n > block->nconditionals)
	{
		if (block->conditionals)
			pfree(block->conditionals);
		block->conditionals = MemoryContextAllocHuge(space->context, sizeof(Conditional) * n);
		block->nconditionals = n;
	}
	memory = block->memory;
	for (int k = 0; k < job->nlive; k++)
		for (int l = 0; l < plan->nleaves; l++)
		{
			const LeafKernel *kernel = plan->leaves[l].kernel;
			const Pattern *pattern = block->patterns[l];
			int			constants_size = kernel->constants_size(pattern->nobserved);

			*ConditionalOf(space, job, k, l) = PlaceConditional(memory, pattern, constants_size, kernel->missing->joint);
			memory += ConditionalSize(pattern, constants_size, kernel->missing->joint);
		}
}

void
ConditionJob(WorkSpace *space, const Job *job)
{
	PlaceConditionals(space, job);
	for (int k = 0; k < job->nlive; k++)
		for (int l = 0; l < job->plan->nleaves; l++)
		{
			const PlanLeaf *leaf = &job->plan->leaves[l];

			CHECK_FOR_INTERRUPTS();
			ConditionLeaf(leaf->kernel, leaf->dim, JobConstants(job, k) + leaf->constants_offset, leaf->noise,
						  space->incomplete->patterns[l], space->incomplete->work, ConditionalOf(space, job, k, l));
		}
}

/* Points leaf_columns at the columns of a leaf that are there. */
static const double *const *
ObservedColumns(WorkSpace *space, const PlanLeaf *leaf, const Pattern *pattern)
{
	for (int j = 0; j < pattern->nobserved; j++)
		space->leaf_columns[j] = space->block[leaf->columns[pattern->observed[j]]];
	return space->leaf_columns;
}

void
ScoreIncomplete(WorkSpace *space, const Job *job, int component, int l, int rows, double *scores)
{
	const PlanLeaf *leaf = &job->plan->leaves[l];
	const Pattern *pattern = space->incomplete->patterns[l];

	if (pattern->nobserved == 0)
		return;
	leaf->kernel->score(pattern->nobserved, ConditionalOf(space, job, component, l)->constants,
						ObservedColumns(space, leaf, pattern), rows, scores);
}

void
AccumulateIncomplete(WorkSpace *space, const Job *job, int component, const double *r, int rows, double *sums)
{
	IncompleteBlock *block = space->incomplete;
	bool		given_by_globals = job->rule.kind == RULE_NONE;

	for (int l = 0; l < job->plan->nleaves; l++)
	{
		const PlanLeaf *leaf = &job->plan->leaves[l];
		const Pattern *pattern = block->patterns[l];
		const Conditional *conditional = ConditionalOf(space, job, component, l);
		int			size = leaf->kernel->stats_size(pattern->nobserved);

		if (pattern->nobserved == 0)
		{
			for (int n = 0; n < rows; n++)
				sums[leaf->absent_offset] += r[n];
			continue;
		}
		memset(block->lanes, 0, sizeof(double) * size * KERNEL_LANES);
		memset(block->stats, 0, sizeof(double) * size);
		leaf->kernel->accumulate(pattern->nobserved, given_by_globals ? conditional->constants : NULL,
								 ObservedColumns(space, leaf, pattern), r, rows, block->lanes);
		ReduceLanes(size, block->lanes, block->stats);
		if (pattern->nmissing > 0)
			leaf->kernel->missing->complete(pattern, conditional, leaf->noise, block->stats[0], block->stats,
											sums + leaf->stats_offset);
		else
			for (int i = 0; i < size; i++)
				sums[leaf->stats_offset + i] += block->stats[i];
	}
}

const double *const *
FilledColumns(WorkSpace *space, const Job *job, int component, const PlanLeaf *leaf, const double *centre, int rows)
{
	IncompleteBlock *block = space->incomplete;
	int			l = leaf - job->plan->leaves;
	const Pattern *pattern = block->patterns[l];
	const Conditional *conditional = ConditionalOf(space, job, component, l);

	memcpy(block->filled_columns, space->block, sizeof(double *) * space->ncolumns);
	for (int i = 0; i < pattern->nmissing; i++)
	{
		int			column = leaf->columns[pattern->missing[i]];
		double	   *filled = block->filled + (Size) column * KERNEL_MAX_ROWS;

		for (int n = 0; n < rows; n++)
			filled[n] = pattern->nobserved == 0 ? centre[pattern->missing[i]] : conditional->offset[i];
		for (int j = 0; conditional->slopes != NULL && j < pattern->nobserved; j++)
		{
			const double *x = space->block[leaf->columns[pattern->observed[j]]];
			double		slope = conditional->slopes[i * pattern->nobserved + j];

			for (int n = 0; n < rows; n++)
				filled[n] += slope * x[n];
		}
		block->filled_columns[column] = filled;
	}
	return block->filled_columns;
}
