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
#include "distributions/frame.h"
#include "lib/stringinfo.h"

/* Those before, which are still read, had one shape for all elements of a GammaVector, no quantiles for rows that lack columns, or none at all */
#define POSTERIOR_VERSION 4
#define POSTERIOR_VERSION_WITH_ONE_SHAPE 3
#define POSTERIOR_VERSION_WITHOUT_PATTERNS 2
#define POSTERIOR_VERSION_WITHOUT_QUANTILES 1

/* A global node: q is given by the usual parameters of its distribution (Gamma: a, b; Gaussian: mean, precision; …) */
typedef struct PosteriorNode
{
	char	   *name;
	const Distribution *distribution;
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
	const Distribution *distribution;	/* of a component */
	bool		mixture;		/* depends on the selector */
	int			dim;
	char	  **columns;		/* dim names */
	PosteriorParam params[MAX_PARAMS];	/* as many as the distribution has */
} PosteriorLeaf;

typedef struct PosteriorCluster
{
	bool		live;			/* false: retired, no row comes from it */
	char	   *label;			/* NULL: no row's best; one that a prior locates may have a label without rows */
	int64		size;			/* rows whose best it is */
	double		count;			/* expected number of rows, N_k */
} PosteriorCluster;

/* How dense rows of the fit were, by the columns that are left without some */
typedef struct DensityPattern
{
	int			nmissing;
	int		   *missing;		/* numbers of columns over all leaves, from 0; ascending */
	double	   *quantiles;		/* DENSITY_QUANTILES */
} DensityPattern;

typedef struct Posterior
{
	NetworkType type;
	bool		marginalize;	/* rows that lack columns took part, and have labels */
	int64		rows;
	double		elbo;
	double	   *quantiles;		/* DENSITY_QUANTILES of the log predictive density of complete rows; NULL: not known */
	int			npatterns;
	DensityPattern *patterns;	/* the same for rows that lack columns, the most frequent ones first */
	int			nnodes;
	PosteriorNode *nodes;
	int			nleaves;
	PosteriorLeaf *leaves;
	int			components;		/* 1: no selector */
	char	   *selector;		/* name of the Categorical node; NULL: none */
	PosteriorParam weights;		/* probabilities of the selector */
	PosteriorCluster *clusters; /* one for each component; of length 1 without a selector */
} Posterior;

/* What the parents of a leaf are for one component */
typedef struct LeafParents
{
	const double *moments[MAX_PARAMS];
	const double *params[MAX_PARAMS];	/* usual parameters of q, or the constant */
	bool		fixed[MAX_PARAMS];	/* a constant */
} LeafParents;

/* Bounds that keep a forged value from asking for absurd work */
#define POSTERIOR_MAX_DIM		16384
#define POSTERIOR_MAX_MATRIX	2048	/* dimension of a matrix */
#define POSTERIOR_MAX_PLATES	65536

/*
 * Value <-> structure, in the current memory context.  DatumGetPosterior checks
 * lengths and references, but not again that every distribution is proper,
 * which input has done.
 */
extern Datum PosteriorGetDatum(const Posterior *posterior);
extern Posterior *DatumGetPosterior(Datum datum);

/* The two forms of a value; the binary one is UTF-8 and in network byte order whatever the database. */
extern void EncodePosterior(StringInfo out, const Posterior *posterior);
extern Posterior *DecodePosterior(const char *data, int length);
extern char *PosteriorToJson(const Posterior *posterior);
extern Posterior *PosteriorFromJson(const char *json);

/* Raises an error unless references, dimensions and labels hold together; with `proper`, every distribution is looked at too. */
extern void CheckPosterior(const Posterior *posterior, bool proper);

/* Checks that a reader needs before it allocates; they return how many numbers there are. */
extern int	CheckedParamsSize(const char *owner, const Distribution *distribution, int plates, int dim);
extern int	CheckedConstantSize(const char *owner, const ParamSpec *spec, int dim);
extern void CheckComponents(int components);

extern int	PosteriorNodeIndex(const Posterior *posterior, const char *name);

/* Number of columns of a leaf; over all leaves: what scoring takes as arguments, leaf by leaf. */
extern int	PosteriorLeafColumns(const PosteriorLeaf *leaf);
extern int	PosteriorColumns(const Posterior *posterior);

/* Parameters, moments u and mean of one plate of a node. */
extern const double *PosteriorNodeParams(const PosteriorNode *node, int plate);
extern void PosteriorMoments(const Posterior *posterior, int node, int plate, double *u);
extern void PosteriorMean(const Posterior *posterior, int node, int plate, double *mean);
extern void PosteriorParamMean(const Posterior *posterior, const PosteriorParam *param, const ParamSpec *spec, int dim,
							   int k, double *mean);

/* E[pi_k] of every component. */
extern void PosteriorWeights(const Posterior *posterior, double *weights);

/* The parents of a leaf for component k, in the frame's coordinates (NULL: the user's units). */
extern LeafParents PosteriorParents(const Posterior *posterior, int leaf, int component, const Frame *frame);
extern void FreeParents(LeafParents *parents, int nparams);

/* The same for distributions given by their usual parameters; false where there is no such distribution. */
extern bool DistributionMoments(const Distribution *distribution, int dim, const double *params, double *u,
								double *mean);
extern int	ParamMomentsSize(const ParamSpec *spec, int dim);
extern void FixedMoments(const ParamSpec *spec, int dim, const double *value, double *u);

#endif							/* BNAI_POSTERIOR_H */
