/*
 * incomplete.h
 *		Blocks whose rows lack columns, the same ones in each row.
 *
 * A leaf that the rows lack whole has nothing to do with them, and they are only
 * counted.  Of other leaves missing columns are left out where columns are
 * independent given the component; else missing values are latent: given the
 * component they have their best q, a Gaussian about what the other columns say
 * (distributions/conditional.h).  So
 * a leaf scores such a block with the constants of the columns that are there,
 * and its statistics of these columns are completed afterwards, one block at a
 * time: a run of one row costs a factorisation of its own, a long one nothing
 * to speak of.
 */
#ifndef BNAI_INCOMPLETE_H
#define BNAI_INCOMPLETE_H

#include "engine/unit.h"

/* What a work space needs for such blocks */
struct IncompleteBlock
{
	int			ncolumns;		/* observed ones of the store */
	double	   *row;			/* the first row of the block */
	Pattern    *all;			/* over all columns */
	Pattern   **patterns;		/* over those of each leaf */
	double	   *copy;			/* columns x KERNEL_MAX_ROWS: the block with padding behind it */
	double	   *filled;			/* the same with the missing values as they are expected */
	const double **filled_columns;
	Conditional *conditionals;	/* live components x leaves */
	Size		nconditionals;
	Size		memory_size;
	double	   *memory;			/* of them */
	double	   *work;			/* largest dimension squared, of leaves whose missing values are latent together; NULL: there are none */
	double	   *lanes;			/* statistics of the observed columns */
	double	   *stats;
};

extern IncompleteBlock *CreateIncompleteBlock(const NetworkPlan *plan, const RowStore *rows);
extern void FreeIncompleteBlock(IncompleteBlock *block, int nleaves);

/* Finds out what the row `first` of the chunk lacks; returns whether it lacks anything. */
extern bool EnterPattern(WorkSpace *space, const NetworkPlan *plan, int first);

/* Copies the block, with zeros behind its rows: what follows in the chunk may be NaN. */
extern void PadBlock(WorkSpace *space, int valid, int padded);

/* Computes the conditionals of all live components of a job. */
extern void ConditionJob(WorkSpace *space, const Job *job);

/* Adds a leaf's log densities of the columns that are there; nothing, if none is. */
extern void ScoreIncomplete(WorkSpace *space, const Job *job, int component, int leaf, int rows, double *scores);

/* Adds the completed statistics of a component to sums that are reduced already. */
extern void AccumulateIncomplete(WorkSpace *space, const Job *job, int component, const double *r, int rows,
								 double *sums);

/*
 * Returns the columns of the block with what a leaf expects of a component in
 * place of missing values; its centre, where the rows lack the leaf.
 */
extern const double *const *FilledColumns(WorkSpace *space, const Job *job, int component, const PlanLeaf *leaf,
										  const double *centre, int rows);

#endif
