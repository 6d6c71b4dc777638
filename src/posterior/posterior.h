/*
 * posterior.h
 *		The fitted q of every global node, with labels: the type bnai_posterior.
 *
 * All numbers are in the user's units.  Scoring needs nothing else: a
 * posterior describes its leaves, their columns and their parents whole.
 */
#ifndef BNAI_POSTERIOR_H
#define BNAI_POSTERIOR_H

#include "catalog/network.h"

#define POSTERIOR_VERSION 1

/* A global node: q is given by the usual parameters of its distribution (Gamma: a, b; Gaussian: mean, precision; …) */
typedef struct PosteriorNode
{
	char	   *name;
	DistributionId distribution;
	int			plates;
	int			dim;
	double	   *params;			/* plates x ParamsSize(distribution, dim) */
} PosteriorNode;

/* A parameter of a leaf or of the selector: a node of the posterior, or constant numbers */
typedef struct PosteriorParam
{
	int			node;			/* index into nodes; -1: constant */
	ValueShape	shape;			/* constant only */
	double	   *values;			/* constant only; ShapeSize(shape, dim) numbers */
} PosteriorParam;

typedef struct PosteriorLeaf
{
	char	   *name;
	DistributionId distribution;	/* of a component */
	bool		mixture;		/* depends on the selector */
	int			dim;
	char	  **columns;		/* dim names */
	PosteriorParam params[MAX_PARAMS];	/* as many as the distribution has */
} PosteriorLeaf;

typedef struct PosteriorCluster
{
	bool		live;			/* false: retired, no row comes from it */
	char	   *label;			/* NULL: no row's best */
	int64		size;			/* rows whose best it is */
	double		count;			/* expected number of rows, N_k */
} PosteriorCluster;

typedef struct Posterior
{
	NetworkType type;
	int64		rows;
	double		elbo;
	int			nnodes;
	PosteriorNode *nodes;
	int			nleaves;
	PosteriorLeaf *leaves;
	int			components;		/* 1: no selector */
	char	   *selector;		/* name of the Categorical node; NULL: none */
	PosteriorParam weights;		/* probabilities of the selector */
	PosteriorCluster *clusters; /* one for each component; of length 1 without a selector */
} Posterior;

/* Value <-> structure.  DatumGetPosterior allocates in the current memory context and checks everything. */
extern Datum PosteriorGetDatum(const Posterior *posterior);
extern Posterior *DatumGetPosterior(Datum datum);

extern int	PosteriorNodeIndex(const Posterior *posterior, const char *name);

/* Number of columns over all leaves: what scoring takes as arguments, leaf by leaf. */
extern int	PosteriorColumns(const Posterior *posterior);

/* Writes the moments u of one plate of a node. */
extern void PosteriorMoments(const Posterior *posterior, int node, int plate, double *u);

/* Moments of the parents of a leaf for component k; pointers into freshly allocated memory. */
extern const double **PosteriorParents(const Posterior *posterior, int leaf, int component);

#endif
