/*
 * posterior.c
 *		The fitted q of every global node: looking things up in it.
 */
#include "postgres.h"

#include "posterior/posterior.h"

/*
 * Returns the index of a node by its name, -1 if there is none.
 */
int
PosteriorNodeIndex(const Posterior *posterior, const char *name)
{
	for (int i = 0; i < posterior->nnodes; i++)
		if (strcmp(posterior->nodes[i].name, name) == 0)
			return i;
	return -1;
}

/*
 * Returns how many columns a leaf reads.
 */
int
PosteriorLeafColumns(const PosteriorLeaf *leaf)
{
	return leaf->distribution->shape == SHAPE_SCALAR ? 1 : leaf->dim;
}

/*
 * Returns the number of columns over all leaves.
 */
int
PosteriorColumns(const Posterior *posterior)
{
	int			ncolumns = 0;

	for (int i = 0; i < posterior->nleaves; i++)
		ncolumns += PosteriorLeafColumns(&posterior->leaves[i]);
	return ncolumns;
}

/*
 * Returns the parameters of one plate of a node; a node without plates serves
 * every component.
 */
const double *
PosteriorNodeParams(const PosteriorNode *node, int plate)
{
	if (node->plates == 1)
		plate = 0;
	return node->params + (Size) plate * ParamsSize(node->distribution, node->dim);
}

/*
 * Writes the moments of a fixed value as a parameter of the given kind takes
 * them.
 */
void
FixedMoments(const ParamSpec *spec, int dim, const double *value, double *u)
{
	if (spec->family == NULL)
		memcpy(u, value, sizeof(double) * ShapeSize(spec->shape, dim));
	else
		spec->family->fixed(dim, value, u);
}

/*
 * Returns how many numbers a parameter's moments are.
 */
int
ParamMomentsSize(const ParamSpec *spec, int dim)
{
	if (spec->family == NULL)
		return ShapeSize(spec->shape, dim);
	return spec->family->size(dim);
}

/*
 * Writes the natural parameters of the distribution with these usual
 * parameters.
 */
static void
NaturalParams(const Distribution *distribution, int dim, const double *params, double *phi)
{
	double	   *parents[MAX_PARAMS];

	for (int i = 0; i < distribution->nparams; i++)
	{
		const ParamSpec *spec = &distribution->params[i];

		parents[i] = palloc(sizeof(double) * ParamMomentsSize(spec, dim));
		FixedMoments(spec, dim, params, parents[i]);
		params += ShapeSize(spec->shape, dim);
	}
	distribution->natural(dim, (const double *const *) parents, phi);
	for (int i = 0; i < distribution->nparams; i++)
		pfree(parents[i]);
}

/*
 * Writes the moments u of the distribution with these usual parameters, and
 * its mean where asked for.  False if there is no such distribution.
 */
bool
DistributionMoments(const Distribution *distribution, int dim, const double *params, double *u, double *mean)
{
	double	   *phi = palloc(sizeof(double) * distribution->size(dim));
	double		log_normaliser;
	bool		proper;

	NaturalParams(distribution, dim, params, phi);
	proper = distribution->moments(dim, phi, u, &log_normaliser);
	if (proper && mean != NULL)
		distribution->mean(dim, phi, u, mean);
	pfree(phi);
	return proper;
}

/*
 * Writes the moments u of one plate of a node.
 */
void
PosteriorMoments(const Posterior *posterior, int node, int plate, double *u)
{
	const PosteriorNode *n = &posterior->nodes[node];

	if (!DistributionMoments(n->distribution, n->dim, PosteriorNodeParams(n, plate), u, NULL))
		RaiseImproper(psprintf("the distribution of node \"%s\" of a posterior is not proper", n->name));
}

/*
 * Writes the mean E[x] of one plate of a node.  Where the first parameter is a
 * location it is the mean; to solve for it would lose digits far from 0.
 */
void
PosteriorMean(const Posterior *posterior, int node, int plate, double *mean)
{
	const PosteriorNode *n = &posterior->nodes[node];
	const Distribution *distribution = n->distribution;
	double	   *u;

	if (distribution->params[0].role == ROLE_LOCATION)
	{
		memcpy(mean, PosteriorNodeParams(n, plate), sizeof(double) * ShapeSize(distribution->shape, n->dim));
		return;
	}
	u = palloc(sizeof(double) * distribution->size(n->dim));
	if (!DistributionMoments(distribution, n->dim, PosteriorNodeParams(n, plate), u, mean))
		RaiseImproper(psprintf("the distribution of node \"%s\" of a posterior is not proper", n->name));
	pfree(u);
}

/*
 * Writes the mean of a parameter for component k: that of its node, or the
 * constant itself.  `dim` is that of the variable the parameter belongs to.
 */
void
PosteriorParamMean(const Posterior *posterior, const PosteriorParam *param, const ParamSpec *spec, int dim, int k,
				   double *mean)
{
	if (param->node >= 0)
		PosteriorMean(posterior, param->node, k, mean);
	else
		memcpy(mean, param->values, sizeof(double) * ShapeSize(spec->shape, dim));
}

/*
 * Writes the posterior means of the mixing weights.
 */
void
PosteriorWeights(const Posterior *posterior, double *weights)
{
	if (posterior->selector == NULL)
		weights[0] = 1;
	else
		PosteriorParamMean(posterior, &posterior->weights, &SelectorDistribution->params[0],
						   posterior->components, 0, weights);
}

/*
 * Writes the usual parameters of a parent's q for component k, or the constant
 * itself, in the frame's coordinates (NULL: the user's units) and in freshly
 * allocated memory.  The frame comes first and the moments after, since the
 * moments of a location far from 0 have lost its variance.
 */
static double *
ParentParams(const Posterior *posterior, const PosteriorLeaf *leaf, int param, int component, const Frame *frame)
{
	const PosteriorParam *p = &leaf->params[param];
	const ParamSpec *spec = &leaf->distribution->params[param];
	const PosteriorNode *node = p->node >= 0 ? &posterior->nodes[p->node] : NULL;
	const double *source = node ? PosteriorNodeParams(node, component) : p->values;
	int			size = node ? ParamsSize(node->distribution, node->dim) : ShapeSize(spec->shape, leaf->dim);
	double	   *params = palloc(sizeof(double) * size);
	Units		units = ParamUnits(UNITS_VALUE, spec->role);

	memcpy(params, source, sizeof(double) * size);
	if (frame != NULL && node)
		ParamsToFrame(frame, units, node->distribution, params);
	else if (frame != NULL)
		ToFrame(frame, units, spec->shape, params);
	return params;
}

/*
 * Returns what the parents of a leaf are for component k.
 */
LeafParents
PosteriorParents(const Posterior *posterior, int leaf, int component, const Frame *frame)
{
	const PosteriorLeaf *l = &posterior->leaves[leaf];
	const Distribution *distribution = l->distribution;
	LeafParents parents;

	for (int i = 0; i < distribution->nparams; i++)
	{
		const ParamSpec *spec = &distribution->params[i];
		double	   *u = palloc(sizeof(double) * ParamMomentsSize(spec, l->dim));

		parents.fixed[i] = l->params[i].node < 0;
		parents.params[i] = ParentParams(posterior, l, i, component, frame);
		parents.moments[i] = u;
		if (parents.fixed[i])
			FixedMoments(spec, l->dim, parents.params[i], u);
		else if (!DistributionMoments(spec->family, l->dim, parents.params[i], u, NULL))
			RaiseImproper(psprintf("a parameter of node \"%s\" of a posterior is not proper", l->name));
	}
	return parents;
}

/*
 * Frees what PosteriorParents allocated.
 */
void
FreeParents(LeafParents *parents, int nparams)
{
	for (int i = 0; i < nparams; i++)
	{
		pfree(unconstify(double *, parents->moments[i]));
		pfree(unconstify(double *, parents->params[i]));
	}
}
