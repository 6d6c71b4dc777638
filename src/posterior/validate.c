/*
 * validate.c
 *		What holds in every posterior, whoever made it.
 *
 * A value may come from a file or a client.  After these checks scoring and
 * the accessors can trust it: references are in range, dimensions agree and
 * every distribution is proper.
 */
#include "postgres.h"

#include <math.h>

#include "miscadmin.h"
#include "utils/memutils.h"

#include "distributions/leaf.h"
#include "numerics/linalg.h"
#include "posterior/labels.h"
#include "posterior/posterior.h"
#include "posterior/typicality.h"

/* The components' probabilities, when constant, sum to 1 but for rounding */
#define PROBABILITY_TOLERANCE 1e-9

#define Refuse(...) \
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("invalid posterior"), errdetail(__VA_ARGS__)))

/*
 * Raises an error unless the name is there.
 */
static void
CheckName(const char *kind, const char *name)
{
	if (name == NULL || name[0] == '\0')
		Refuse("A %s has no name.", kind);
}

/*
 * Raises an error unless a distribution that knows scalars only has dimension 1.
 */
static void
CheckScalarDim(const char *owner, const Distribution *distribution, int dim)
{
	bool		scalar = distribution->shape == SHAPE_SCALAR;

	for (int i = 0; i < distribution->nparams; i++)
		scalar = scalar && distribution->params[i].shape == SHAPE_SCALAR;
	if (scalar && dim != 1)
		Refuse("\"%s\" has dimension %d, but %s has dimension 1.", owner, dim, distribution->name);
}

/*
 * Raises an error unless a value of this shape can have this dimension.
 */
static void
CheckDim(const char *owner, ValueShape shape, int dim)
{
	int			limit = shape == SHAPE_MATRIX ? POSTERIOR_MAX_MATRIX : POSTERIOR_MAX_DIM;

	if (dim < 1 || dim > limit)
		Refuse("\"%s\" has dimension %d, outside 1 to %d.", owner, dim, limit);
}

/*
 * Returns how many numbers the parameters of a node are, after checking that
 * the node can exist: what a reader needs before it allocates.
 */
int
CheckedParamsSize(const char *owner, const Distribution *distribution, int plates, int dim)
{
	uint64		size;

	if (distribution->moments == NULL)
		Refuse("Node \"%s\" cannot have the distribution %s.", owner, distribution->name);
	for (int i = 0; i < distribution->nparams; i++)
		CheckDim(owner, distribution->params[i].shape, dim);
	CheckScalarDim(owner, distribution, dim);
	if (plates < 1 || plates > POSTERIOR_MAX_PLATES)
		Refuse("Node \"%s\" has %d plates, outside 1 to %d.", owner, plates, POSTERIOR_MAX_PLATES);
	size = (uint64) plates * ParamsSize(distribution, dim);
	if (size > MaxAllocSize / sizeof(double))
		Refuse("Node \"%s\" has more parameters than a value can hold.", owner);
	return (int) size;
}

/*
 * Returns how many numbers a constant parameter is, after the same check.
 */
int
CheckedConstantSize(const char *owner, const ParamSpec *spec, int dim)
{
	CheckDim(owner, spec->shape, dim);
	return ShapeSize(spec->shape, dim);
}

/*
 * Raises an error unless the numbers can be the value of a parameter: finite,
 * positive where they must be, matrices symmetric and positive definite.
 */
static void
CheckNumbers(const char *owner, const ParamSpec *spec, int dim, const double *values, bool proper)
{
	int			size = ShapeSize(spec->shape, dim);

	for (int i = 0; i < size; i++)
	{
		if (!isfinite(values[i]))
			Refuse("Parameter %s of \"%s\" holds a number that is not finite.", spec->name, owner);
		if (spec->positive && spec->shape != SHAPE_MATRIX && !(values[i] > 0))
			Refuse("Parameter %s of \"%s\" must be positive, but holds %g.", spec->name, owner, values[i]);
	}
	if (proper && spec->shape == SHAPE_MATRIX)
	{
		double	   *factor = palloc(sizeof(double) * size);

		for (int i = 0; i < dim; i++)
			for (int j = 0; j < i; j++)
				if (values[i * dim + j] != values[j * dim + i])
					Refuse("Parameter %s of \"%s\" is not symmetric.", spec->name, owner);
		if (spec->positive && !Cholesky(values, dim, factor))
			Refuse("Parameter %s of \"%s\" is not positive definite.", spec->name, owner);
		pfree(factor);
	}
}

/*
 * Checks a global node, each of its plates.
 */
static void
CheckNode(const PosteriorNode *node, bool proper)
{
	const Distribution *distribution = node->distribution;

	CheckName("node", node->name);
	CheckedParamsSize(node->name, distribution, node->plates, node->dim);
	for (int k = 0; k < node->plates; k++)
	{
		const double *params = PosteriorNodeParams(node, k);
		const double *values = params;
		double	   *u;

		CHECK_FOR_INTERRUPTS();
		for (int i = 0; i < distribution->nparams; i++)
		{
			CheckNumbers(node->name, &distribution->params[i], node->dim, values, proper);
			values += ShapeSize(distribution->params[i].shape, node->dim);
		}
		if (!proper)
			continue;
		u = palloc(sizeof(double) * distribution->size(node->dim));
		if (!DistributionMoments(distribution, node->dim, params, u, NULL))
			Refuse("Node \"%s\" has parameters that no %s has.", node->name, distribution->name);
		for (int i = 0; i < distribution->size(node->dim); i++)
			if (!isfinite(u[i]))
				Refuse("Node \"%s\" has moments that are not finite.", node->name);
		pfree(u);
	}
}

/*
 * Checks a parameter of a leaf or the selector: the constant, or the node that
 * it refers to.
 */
static void
CheckParam(const Posterior *posterior, const char *owner, const PosteriorParam *param, const ParamSpec *spec, int dim,
		   int plates, bool proper)
{
	const PosteriorNode *node;

	CheckDim(owner, spec->shape, dim);
	if (param->node == -1)
	{
		CheckNumbers(owner, spec, dim, param->values, proper);
		return;
	}
	if (param->node < 0 || param->node >= posterior->nnodes)
		Refuse("Parameter %s of \"%s\" refers to a node that does not exist.", spec->name, owner);
	node = &posterior->nodes[param->node];
	if (spec->shape == SHAPE_SCALAR)
		dim = 1;
	if (node->distribution != spec->family)
		Refuse("Parameter %s of \"%s\" cannot be the %s node \"%s\".", spec->name, owner,
			   node->distribution->name, node->name);
	if (node->dim != dim)
		Refuse("Parameter %s of \"%s\" needs dimension %d, but node \"%s\" has dimension %d.", spec->name, owner, dim,
			   node->name, node->dim);
	if (node->plates != 1 && node->plates != plates)
		Refuse("Parameter %s of \"%s\" needs 1 or %d plates, but node \"%s\" has %d.", spec->name, owner, plates,
			   node->name, node->plates);
}

/*
 * Checks a leaf with its columns and parameters.
 */
static void
CheckLeaf(const Posterior *posterior, const PosteriorLeaf *leaf, bool proper)
{
	const Distribution *distribution = leaf->distribution;

	CheckName("leaf", leaf->name);
	if (leaf->distribution->leaf == NULL)
		Refuse("Leaf \"%s\" cannot have the distribution %s.", leaf->name, distribution->name);
	if (leaf->mixture && posterior->selector == NULL)
		Refuse("Leaf \"%s\" is a mixture, but there is no selector.", leaf->name);
	CheckDim(leaf->name, distribution->shape, leaf->dim);
	CheckScalarDim(leaf->name, distribution, leaf->dim);
	for (int i = 0; i < PosteriorLeafColumns(leaf); i++)
		CheckName("column", leaf->columns[i]);
	for (int i = 0; i < distribution->nparams; i++)
		CheckParam(posterior, leaf->name, &leaf->params[i], &distribution->params[i], leaf->dim,
				   leaf->mixture ? posterior->components : 1, proper);
}

/*
 * Raises an error unless there can be so many components.
 */
void
CheckComponents(int components)
{
	if (components < 1 || components > POSTERIOR_MAX_PLATES)
		Refuse("The posterior has %d components, outside 1 to %d.", components, POSTERIOR_MAX_PLATES);
}

/*
 * Checks the selector: its probabilities are a distribution over the
 * components.
 */
static void
CheckSelector(const Posterior *posterior, bool proper)
{
	double		sum = 0;

	CheckComponents(posterior->components);
	if (posterior->selector == NULL)
	{
		if (posterior->components != 1)
			Refuse("The posterior has %d components, but no selector.", posterior->components);
		return;
	}
	CheckName("selector", posterior->selector);
	CheckParam(posterior, posterior->selector, &posterior->weights, &SelectorDistribution->params[0],
			   posterior->components, 1, proper);
	if (posterior->weights.node >= 0)
		return;
	for (int i = 0; i < posterior->components; i++)
		sum += posterior->weights.values[i];
	if (fabs(sum - 1) > PROBABILITY_TOLERANCE)
		Refuse("The probabilities of selector \"%s\" sum to %g instead of 1.", posterior->selector, sum);
}

/*
 * Compares two names for qsort.
 */
static int
CompareNames(const void *a, const void *b)
{
	return strcmp(*(char *const *) a, *(char *const *) b);
}

/*
 * Raises an error if a name occurs twice; sorts the names.
 */
static void
CheckUnique(const char *kind, char **names, int count)
{
	qsort(names, count, sizeof(char *), CompareNames);
	for (int i = 1; i < count; i++)
		if (strcmp(names[i - 1], names[i]) == 0)
			Refuse("The %s \"%s\" occurs twice.", kind, names[i]);
}

/*
 * Checks the clusters: numbers in range, labels well formed, unique and on
 * live components only.
 */
static void
CheckClusters(const Posterior *posterior)
{
	char	  **labels = palloc(sizeof(char *) * posterior->components);
	int			nlabels = 0;

	for (int k = 0; k < posterior->components; k++)
	{
		const PosteriorCluster *cluster = &posterior->clusters[k];

		if (cluster->size < 0 || !(cluster->count >= 0) || isinf(cluster->count))
			Refuse("Component %d holds a negative or infinite number of rows.", k + 1);
		if (cluster->label == NULL)
			continue;
		if (posterior->selector == NULL)
			Refuse("Component %d has a label, but there is no selector.", k + 1);
		if (LabelOrdinal(cluster->label) < 0)
			Refuse("\"%s\" is no label: labels are A to Z, AA, AB and so on.", cluster->label);
		if (!cluster->live)
			Refuse("Component %d has the label \"%s\", but is retired.", k + 1, cluster->label);
		labels[nlabels++] = cluster->label;
	}
	CheckUnique("label", labels, nlabels);
	pfree(labels);
}

/*
 * Raises an error if nodes, leaves and the selector do not have names of their
 * own.
 */
static void
CheckNodeNames(const Posterior *posterior)
{
	char	  **names = palloc(sizeof(char *) * (posterior->nnodes + posterior->nleaves + 1));
	int			count = 0;

	for (int i = 0; i < posterior->nnodes; i++)
		names[count++] = posterior->nodes[i].name;
	for (int i = 0; i < posterior->nleaves; i++)
		names[count++] = posterior->leaves[i].name;
	if (posterior->selector != NULL)
		names[count++] = posterior->selector;
	CheckUnique("node", names, count);
	pfree(names);
}

/*
 * Raises an error unless quantiles of the density ascend.
 */
static void
CheckQuantiles(const double *quantiles)
{
	for (int i = 0; i < DENSITY_QUANTILES; i++)
		if (!isfinite(quantiles[i]) || (i > 0 && quantiles[i] < quantiles[i - 1]))
			Refuse("The quantiles of the density do not ascend.");
}

/*
 * Raises an error unless the patterns of missing columns are different ones of
 * rows that take part.
 */
static void
CheckPatterns(const Posterior *posterior)
{
	int			ncolumns = PosteriorColumns(posterior);

	if (posterior->npatterns > 0 && !posterior->marginalize)
		Refuse("There are quantiles for rows that lack columns, but such rows took no part.");
	for (int p = 0; p < posterior->npatterns; p++)
	{
		const DensityPattern *pattern = &posterior->patterns[p];

		if (pattern->nmissing < 1 || pattern->nmissing >= ncolumns)
			Refuse("Rows that lack %d of %d columns have no density of their own.", pattern->nmissing, ncolumns);
		for (int i = 0; i < pattern->nmissing; i++)
			if (pattern->missing[i] < 0 || pattern->missing[i] >= ncolumns
				|| (i > 0 && pattern->missing[i] <= pattern->missing[i - 1]))
				Refuse("The numbers of the missing columns do not ascend from 1 to %d.", ncolumns);
		for (int q = 0; q < p; q++)
			if (posterior->patterns[q].nmissing == pattern->nmissing
				&& memcmp(posterior->patterns[q].missing, pattern->missing, sizeof(int) * pattern->nmissing) == 0)
				Refuse("There are two lists of quantiles for the same missing columns.");
		CheckQuantiles(pattern->quantiles);
	}
}

/*
 * Raises an error unless the posterior holds together.
 */
void
CheckPosterior(const Posterior *posterior, bool proper)
{
	if (posterior->rows < 0)
		Refuse("The number of rows is negative.");
	if (!isfinite(posterior->elbo))
		Refuse("The ELBO is not finite.");
	if (posterior->quantiles)
		CheckQuantiles(posterior->quantiles);
	for (int i = 0; i < posterior->nnodes; i++)
		CheckNode(&posterior->nodes[i], proper);
	CheckSelector(posterior, proper);
	for (int i = 0; i < posterior->nleaves; i++)
		CheckLeaf(posterior, &posterior->leaves[i], proper);
	CheckPatterns(posterior);
	CheckNodeNames(posterior);
	CheckClusters(posterior);
}
