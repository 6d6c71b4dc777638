/*
 * plan.h
 *		A network made ready for computation: indexes and offsets instead of
 *		names, all numbers in the frame of the rows.
 *
 * The state of one optimisation is a flat array of doubles: for each global
 * and plate its natural parameters phi, its moments u and its log partition g.
 */
#ifndef BNAI_PLAN_H
#define BNAI_PLAN_H

#include "catalog/network.h"
#include "distributions/frame.h"
#include "distributions/leaf.h"
#include "source/rowstore.h"

typedef enum ChildKind
{
	CHILD_GLOBAL,
	CHILD_LEAF,
	CHILD_SELECTOR
} ChildKind;

/* One use of a global as a parameter */
typedef struct PlanChild
{
	ChildKind	kind;
	int			index;			/* of the global or leaf */
	int			param;
} PlanChild;

/* A parameter: moments of a global, or of a constant */
typedef struct PlanParam
{
	int			global;			/* -1: constant */
	double	   *moments;		/* constant only, in the frame */
	Size		stride;			/* constant only: from one plate's moments to the next one's; 0: all have the same */
} PlanParam;

typedef struct PlanGlobal
{
	int			node;			/* index into Network.nodes */
	const Distribution *distribution;
	int			dim;
	int			plates;			/* 1 or NetworkPlan.components */
	int			size;			/* of phi and u */
	Size		offset;			/* of plate 0 in the state */
	Frame		frame;			/* of the leaf columns it belongs to; dim 0: none */
	Units		units;
	int			rank;			/* 0 = next to the data; updates go by rank, location before scale */
	PlanParam	params[MAX_PARAMS];
	int			nchildren;
	PlanChild  *children;
} PlanGlobal;

typedef struct PlanLeaf
{
	int			node;
	const Distribution *distribution;
	const LeafKernel *kernel;
	int			dim;
	int		   *columns;		/* dim columns of the row store */
	Frame		frame;
	double	   *noise;			/* dim: variance of a value about what was recorded */
	double	   *steps;			/* dim: what values were rounded to; NULL with workers */
	PlanParam	params[MAX_PARAMS];
	int			constants_offset;	/* in the constants of a component */
	int			stats_offset;	/* in the statistics of a component */
	int			absent_offset;	/* there, too: rows that lack the leaf */
} PlanLeaf;

typedef struct NetworkPlan
{
	const Network *network;

	/* columns to be read */
	Oid			source;
	int			ncolumns;
	char	  **columns;
	const ColumnKind **kinds;	/* of the columns */
	FrameGroups frame_groups;
	bool		covariances;	/* of the columns, too: priors ask for them */

	/* selector */
	int			components;		/* 1 without a selector */
	int			selector;		/* index into Network.nodes; -1: none */
	PlanParam	weights;		/* probabilities of the components */
	int		   *twins;			/* of each component the first one with the same priors; NULL: all have the same; see slots.h */
	int		   *places;			/* the same, but for priors of locations only */

	/* nodes */
	int			nglobals;
	PlanGlobal *globals;		/* parents before children: the order of initialisation */
	int		   *update_order;	/* indexes of globals */
	bool		hierarchical;	/* a global is a parameter of another one */
	int			nleaves;
	PlanLeaf   *leaves;

	double		margin;			/* a move must gain more than this, in nats */

	/* what is done with rows that lack columns: never MISSING_BY_TYPE */
	MissingAction missing;

	/* sizes */
	Size		state_size;
	int			constants_size; /* of one component: E log pi, then each leaf's constants */
	int			stats_size;		/* of one component: each leaf's statistics, and the rows that lack it */
	int			rank;			/* rows that a component's scale needs, one more for its mean: see LeafRank */
} NetworkPlan;

/* Makes the plan of a validated network; numbers follow with BindPlan. */
extern NetworkPlan *MakePlan(const Network *network);

/* Fills in frames and constants when the rows are there.  Raises an error if a prior is not proper. */
extern void BindPlan(NetworkPlan *plan, const RowStore *rows);

/* Variance of a column, in the frame; a constant one has no scale, and its unit serves. */
extern double ColumnVariance(const RowStore *rows, int column);

/* Rows that the scale of one component of a leaf needs to be told: its dimension, where it is a matrix of its own. */
extern int	LeafRank(const NetworkPlan *plan, const PlanLeaf *leaf);

/* Size of one plate of a global in the state. */
#define PlateSize(global) (2 * (global)->size + 1)

#endif
