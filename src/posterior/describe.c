/*
 * describe.c
 *		A posterior as rows: its clusters and its parameters.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "storage/shmem.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "compat.h"
#include "numerics/linalg.h"
#include "posterior/describe.h"

PG_FUNCTION_INFO_V1(bnai_posterior_clusters);
PG_FUNCTION_INFO_V1(bnai_posterior_parameters);

/*
 * Returns the index of the first parameter with a role, -1 if there is none.
 */
int
FindParam(const Distribution *distribution, ParamRole role)
{
	for (int i = 0; i < distribution->nparams; i++)
		if (distribution->params[i].role == role)
			return i;
	return -1;
}

/*
 * Returns a value as an array.  NaN stands for what is not defined.
 */
Datum
ValueArray(ValueShape shape, int dim, const double *values)
{
	int			size = ShapeSize(shape, dim);
	int			ndims = shape == SHAPE_MATRIX ? 2 : 1;
	int			dims[2] = {shape == SHAPE_SCALAR ? 1 : dim, dim};
	int			lower_bounds[2] = {1, 1};
	Datum	   *elements = palloc(sizeof(Datum) * size);
	bool	   *nulls = palloc(sizeof(bool) * size);

	for (int i = 0; i < size; i++)
	{
		elements[i] = Float8GetDatum(values[i] + 0.0); /* no -0 */
		nulls[i] = isnan(values[i]);
	}
	return PointerGetDatum(construct_md_array(elements, nulls, ndims, dims, lower_bounds, FLOAT8OID, sizeof(float8),
											  FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

/*
 * Writes the inverse of a precision.
 */
void
InvertPrecision(ValueShape shape, int dim, const double *precision, double *covariance)
{
	if (shape == SHAPE_MATRIX)
	{
		if (!InvertSPD(precision, dim, covariance, NULL))
			RaiseImproper("the precision of a posterior is not positive definite");
		return;
	}
	for (int i = 0; i < ShapeSize(shape, dim); i++)
		covariance[i] = 1 / precision[i];
}

/* --- clusters --- */

/*
 * Tells whether a leaf tells the components apart; without a selector there
 * is only one, which all leaves describe.
 */
static bool
Describes(const Posterior *posterior, const PosteriorLeaf *leaf)
{
	return leaf->mixture || posterior->selector == NULL;
}

/*
 * Counts the columns that describe a component.
 */
static int
DescribingColumns(const Posterior *posterior)
{
	int			ncolumns = 0;

	for (int i = 0; i < posterior->nleaves; i++)
		if (Describes(posterior, &posterior->leaves[i]))
			ncolumns += PosteriorLeafColumns(&posterior->leaves[i]);
	return ncolumns;
}

/*
 * Returns the names of these columns.
 */
static Datum
ColumnNames(const Posterior *posterior, int ncolumns)
{
	Datum	   *names = palloc(sizeof(Datum) * ncolumns);
	int			n = 0;

	for (int i = 0; i < posterior->nleaves; i++)
		for (int j = 0; Describes(posterior, &posterior->leaves[i]) && j < PosteriorLeafColumns(&posterior->leaves[i]);
			 j++)
			names[n++] = CStringGetTextDatum(posterior->leaves[i].columns[j]);
	return PointerGetDatum(construct_array(names, n, TEXTOID, -1, false, TYPALIGN_INT));
}

/*
 * Writes mean and covariance of one leaf of a component into the block that
 * begins at `first`; a leaf without location and precision leaves it as it is.
 */
void
DescribeLeaf(const Posterior *posterior, const PosteriorLeaf *leaf, int component, int first, int ncolumns,
			 double *mean, double *covariance)
{
	const Distribution *distribution = leaf->distribution;
	int			location = FindParam(distribution, ROLE_LOCATION);
	int			precision = FindParam(distribution, ROLE_PRECISION);
	ValueShape	shape;
	double	   *expected;
	double	   *inverse;
	int			n;

	if (location < 0 || precision < 0)
		return;
	PosteriorParamMean(posterior, &leaf->params[location], &distribution->params[location], leaf->dim, component,
					   mean + first);
	shape = distribution->params[precision].shape;
	n = PosteriorLeafColumns(leaf);
	expected = palloc(sizeof(double) * n * n);
	inverse = palloc(sizeof(double) * n * n);
	PosteriorParamMean(posterior, &leaf->params[precision], &distribution->params[precision], leaf->dim, component,
					   expected);
	InvertPrecision(shape, leaf->dim, expected, inverse);
	for (int i = 0; i < n; i++)
		for (int j = 0; j < n; j++)
			covariance[(first + i) * ncolumns + first + j] =
				shape == SHAPE_MATRIX ? inverse[i * n + j] : i == j ? inverse[shape == SHAPE_SCALAR ? 0 : i] : 0;
	pfree(expected);
	pfree(inverse);
}

/*
 * Writes mean and covariance of a component over all its leaves: given the
 * component, leaves are independent, so the covariance is block diagonal.
 */
static void
DescribeComponent(const Posterior *posterior, int component, int ncolumns, double *mean, double *covariance)
{
	int			first = 0;

	for (int i = 0; i < ncolumns; i++)
		mean[i] = NAN;
	for (int i = 0; i < ncolumns * ncolumns; i++)
		covariance[i] = i % (ncolumns + 1) == 0 ? NAN : 0;
	for (int i = 0; i < posterior->nleaves; i++)
	{
		const PosteriorLeaf *leaf = &posterior->leaves[i];

		if (!Describes(posterior, leaf))
			continue;
		DescribeLeaf(posterior, leaf, component, first, ncolumns, mean, covariance);
		first += PosteriorLeafColumns(leaf);
	}
}

/*
 * Returns the components of a posterior.
 */
Datum
bnai_posterior_clusters(PG_FUNCTION_ARGS)
{
	Posterior  *posterior = DatumGetPosterior(PG_GETARG_DATUM(0));
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	int			ncolumns = DescribingColumns(posterior);
	double	   *weights = palloc(sizeof(double) * posterior->components);
	double	   *mean = palloc(sizeof(double) * ncolumns);
	double	   *covariance = palloc(mul_size(sizeof(double) * ncolumns, ncolumns));
	Datum		columns = ColumnNames(posterior, ncolumns);

	InitMaterializedSRF(fcinfo, 0);
	PosteriorWeights(posterior, weights);
	for (int k = 0; k < posterior->components; k++)
	{
		const PosteriorCluster *cluster = &posterior->clusters[k];
		Datum		values[9];
		bool		nulls[9] = {false};

		CHECK_FOR_INTERRUPTS();
		DescribeComponent(posterior, k, ncolumns, mean, covariance);
		values[0] = Int32GetDatum(k + 1);
		values[1] = cluster->label == NULL ? (Datum) 0 : CStringGetTextDatum(cluster->label);
		nulls[1] = cluster->label == NULL;
		values[2] = Int64GetDatum(cluster->size);
		values[3] = Float8GetDatum(cluster->count);
		values[4] = BoolGetDatum(cluster->live);
		values[5] = Float8GetDatum(weights[k]);
		values[6] = ValueArray(SHAPE_VECTOR, ncolumns, mean);
		values[7] = ValueArray(SHAPE_MATRIX, ncolumns, covariance);
		values[8] = columns;
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/* --- parameters --- */

/*
 * Returns the position of a number within a value: NULL (0) for a scalar.
 */
static Datum
PositionArray(ValueShape shape, int dim, int i)
{
	Datum		index[2];

	if (shape == SHAPE_SCALAR)
		return (Datum) 0;
	if (shape == SHAPE_VECTOR)
		index[0] = Int32GetDatum(i + 1);
	else
	{
		index[0] = Int32GetDatum(i / dim + 1);
		index[1] = Int32GetDatum(i % dim + 1);
	}
	return PointerGetDatum(
		construct_array(index, shape == SHAPE_MATRIX ? 2 : 1, INT4OID, sizeof(int32), true, TYPALIGN_INT));
}

/*
 * Returns the label of a plate of a node: that of the component, where the
 * plates are the components.
 */
const char *
PlateLabel(const Posterior *posterior, const PosteriorNode *node, int plate)
{
	if (posterior->selector == NULL || node->plates == 1 || node->plates != posterior->components)
		return NULL;
	return posterior->clusters[plate].label;
}

/*
 * Adds the rows of one parameter of one plate.
 */
static void
PutParameter(ReturnSetInfo *result, const Posterior *posterior, const PosteriorNode *node, int plate,
			 const ParamSpec *spec, const double *numbers)
{
	const char *label = PlateLabel(posterior, node, plate);
	ValueShape	shape = WrittenShape(spec, node->dim, numbers);

	for (int i = 0; i < ShapeSize(shape, node->dim); i++)
	{
		Datum		values[6];
		bool		nulls[6] = {false};

		values[0] = CStringGetTextDatum(node->name);
		values[1] = Int32GetDatum(plate + 1);
		values[2] = label == NULL ? (Datum) 0 : CStringGetTextDatum(label);
		nulls[2] = label == NULL;
		values[3] = CStringGetTextDatum(spec->name);
		values[4] = PositionArray(shape, node->dim, i);
		nulls[4] = shape == SHAPE_SCALAR;
		values[5] = Float8GetDatum(numbers[i]);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
}

/*
 * Returns every number of every global node of a posterior.
 */
Datum
bnai_posterior_parameters(PG_FUNCTION_ARGS)
{
	Posterior  *posterior = DatumGetPosterior(PG_GETARG_DATUM(0));
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "bnai parameters", ALLOCSET_DEFAULT_SIZES);

	InitMaterializedSRF(fcinfo, 0);
	for (int n = 0; n < posterior->nnodes; n++)
	{
		const PosteriorNode *node = &posterior->nodes[n];
		const Distribution *distribution = node->distribution;

		for (int k = 0; k < node->plates; k++)
		{
			MemoryContext caller = MemoryContextSwitchTo(scratch);
			const double *numbers = PosteriorNodeParams(node, k);

			CHECK_FOR_INTERRUPTS();
			for (int i = 0; i < distribution->nparams; i++)
			{
				PutParameter(result, posterior, node, k, &distribution->params[i], numbers);
				numbers += ShapeSize(distribution->params[i].shape, node->dim);
			}
			MemoryContextSwitchTo(caller);
			MemoryContextReset(scratch);
		}
	}
	return (Datum) 0;
}
