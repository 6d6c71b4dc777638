/*
 * unit.h
 *		A unit of a pass: some jobs on a run of chunks, done by one process.
 *
 * The sums of a unit do not depend on who computes it, nor on the other jobs
 * of the pass.
 */
#ifndef BNAI_UNIT_H
#define BNAI_UNIT_H

#include "engine/job.h"

typedef struct IncompleteBlock IncompleteBlock;

/* Work space that grows as needed, in the memory context it was created in */
typedef struct WorkSpace
{
	MemoryContext context;
	int			ncolumns;		/* of a row, with label and weight */
	bool		weighted;
	int			block_rows;
	const double **columns;		/* of the chunk */
	const double **block;		/* of the block */
	const double *weights;		/* of its rows; NULL: they have none */
	const double **leaf_columns;
	Size		scores_size;
	double	   *scores;			/* components x block */
	Size		lanes_size;
	double	   *lanes;			/* of all jobs of the unit */
	const NetworkPlan *plan;
	IncompleteBlock *incomplete;	/* made when there is a store that needs it */
	bool		lacking;		/* the rows of the block lack columns, the same ones */
} WorkSpace;

extern WorkSpace *CreateWorkSpace(const NetworkPlan *plan, const RowStore *rows);
extern void FreeWorkSpace(WorkSpace *space);

/* Numbers that a pass adds up for a job: statistics of live components and of second halves, then the log normaliser. */
extern Size JobSumsSize(const Job *job);

/* Writes the sums of jobs on the chunks from `first` to before `end`, one job after the other. */
extern void RunUnit(WorkSpace *space, const RowStore *rows, const Job *jobs[], int njobs, int first, int end,
					double *sums);

/* Where group `group` of a store's chunks begins, and the one before it ends. */
#define GroupChunk(rows, group, groups) ((int) ((int64) (rows)->nchunks * (group) / (groups)))

/*
 * Points the work space at the next block of a chunk whose columns it holds,
 * from row `first` to before `end` at most; writes the number of its rows and
 * returns the padded one.
 */
extern int	EnterBlock(WorkSpace *space, const RowStore *rows, int first, int end, int *valid);

/* Makes room for `size` doubles. */
extern void GrowSpace(WorkSpace *space, double **array, Size *allocated, Size size);

/*
 * Writes E[log pi_k] + sum over leaves of E[log p(x_n | k)] of the live components
 * into space->scores, which has room for one component more.
 */
extern void ScoreBlock(WorkSpace *space, const Job *job, int rows);

/*
 * Writes the responsibilities of a job's live components, times the rows'
 * weights, into space->scores; returns the weighted sum of log normalisers.
 */
extern double BlockResponsibilities(WorkSpace *space, const Job *job, int rows, int valid);

#endif
