/*
 * moments.c
 *		What a network's current run says of a node.
 */
#include "postgres.h"

#include "funcapi.h"
#include "utils/builtins.h"

#include "compat.h"
#include "catalog/excerpt.h"
#include "posterior/current.h"
#include "posterior/describe.h"

PG_FUNCTION_INFO_V1(bnai_fitted);
PG_FUNCTION_INFO_V1(bnai_mean);
PG_FUNCTION_INFO_V1(bnai_moments);

/*
 * Raises an error that says what the name stands for instead.
 */
static void
RefuseNode(const Posterior *posterior, const char *network, const char *name)
{
	StringInfoData nodes;

	for (int i = 0; i < posterior->nleaves; i++)
		if (strcmp(posterior->leaves[i].name, name) == 0)
			ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
							errmsg("node \"%s\" of network \"%s\" is observed, it has no posterior", name, network),
							errhint("bnai_score gives the log density of a row.")));
	if (posterior->selector != NULL && strcmp(posterior->selector, name) == 0)
		ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
						errmsg("node \"%s\" of network \"%s\" differs from row to row", name, network),
						errhint("bnai_predict_proba gives its probabilities for a row.")));
	initStringInfo(&nodes);
	for (int i = 0; i < posterior->nnodes; i++)
		appendStringInfo(&nodes, "%s%s", i > 0 ? ", " : "", posterior->nodes[i].name);
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("network \"%s\" was inferred without a node \"%s\"", network, Excerpt(name)),
			 errdetail("Its nodes with a posterior are %s.", nodes.data)));
}

/*
 * Returns the index of the node that argument 1 names.
 */
int
FindArgumentNode(FunctionCallInfo fcinfo, const Posterior *posterior)
{
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(1));
	int			node = PosteriorNodeIndex(posterior, name);

	if (node < 0)
		RefuseNode(posterior, text_to_cstring(PG_GETARG_TEXT_PP(0)), name);
	return node;
}

/*
 * Returns the posterior of a network's current run.
 */
Datum
bnai_fitted(PG_FUNCTION_ARGS)
{
	const Fitted *fitted = CurrentFitted(fcinfo);

	if (fitted == NULL)
		PG_RETURN_NULL();
	return fitted->value;
}

/*
 * Returns the posterior mean of a scalar node.
 */
Datum
bnai_mean(PG_FUNCTION_ARGS)
{
	const Fitted *fitted = CurrentFitted(fcinfo);
	const PosteriorNode *node;
	double		mean;
	int			index;

	if (fitted == NULL)
		PG_RETURN_NULL();
	index = FindArgumentNode(fcinfo, fitted->posterior);
	node = &fitted->posterior->nodes[index];
	if (node->distribution->shape != SHAPE_SCALAR || node->plates > 1)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE), errmsg("node \"%s\" is more than one number", node->name),
				 errhint("SELECT * FROM bnai_moments(%s, %s) returns its mean for each plate.",
						 quote_literal_cstr(text_to_cstring(PG_GETARG_TEXT_PP(0))), quote_literal_cstr(node->name))));
	PosteriorMean(fitted->posterior, index, 0, &mean);
	PG_RETURN_FLOAT8(mean);
}

/*
 * Adds one moment of one plate.
 */
static void
PutMoment(ReturnSetInfo *result, int plate, const char *name, ValueShape shape, int dim, const double *numbers)
{
	Datum		values[3] = {Int32GetDatum(plate + 1), CStringGetTextDatum(name), ValueArray(shape, dim, numbers)};
	bool		nulls[3] = {false, false, false};

	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/*
 * Adds the covariance of a node that has a precision.
 */
static void
PutCovariance(ReturnSetInfo *result, const PosteriorNode *node, int plate)
{
	const Distribution *distribution = node->distribution;
	int			precision = FindParam(distribution, ROLE_PRECISION);
	const double *params = PosteriorNodeParams(node, plate);
	ValueShape	shape;
	double	   *covariance;

	if (precision < 0 || FindParam(distribution, ROLE_LOCATION) < 0)
		return;
	for (int i = 0; i < precision; i++)
		params += ShapeSize(distribution->params[i].shape, node->dim);
	shape = distribution->params[precision].shape;
	covariance = palloc(sizeof(double) * ShapeSize(shape, node->dim));
	InvertPrecision(shape, node->dim, params, covariance);
	PutMoment(result, plate, shape == SHAPE_MATRIX ? "covariance" : "variance", shape, node->dim, covariance);
}

/*
 * Adds all moments of one plate of a node.
 */
static void
PutMoments(ReturnSetInfo *result, const Posterior *posterior, int index, int plate)
{
	const PosteriorNode *node = &posterior->nodes[index];
	const Distribution *distribution = node->distribution;
	double	   *mean = palloc(sizeof(double) * ShapeSize(distribution->shape, node->dim));
	double	   *u = palloc(sizeof(double) * distribution->size(node->dim));

	PosteriorMean(posterior, index, plate, mean);
	PutMoment(result, plate, "mean", distribution->shape, node->dim, mean);
	PutCovariance(result, node, plate);
	PosteriorMoments(posterior, index, plate, u);
	for (int i = 0; i < distribution->nmoments; i++)
	{
		const MomentSpec *spec = &distribution->moment_specs[i];

		if (strcmp(spec->name, "mean") != 0)
			PutMoment(result, plate, spec->name, spec->shape, node->dim, u);
		u += ShapeSize(spec->shape, node->dim);
	}
}

/*
 * Returns the moments of a node, plate by plate.
 */
Datum
bnai_moments(PG_FUNCTION_ARGS)
{
	const Fitted *fitted = CurrentFitted(fcinfo);
	int			index;

	InitMaterializedSRF(fcinfo, 0);
	if (fitted == NULL)
		return (Datum) 0;
	index = FindArgumentNode(fcinfo, fitted->posterior);
	for (int k = 0; k < fitted->posterior->nodes[index].plates; k++)
		PutMoments((ReturnSetInfo *) fcinfo->resultinfo, fitted->posterior, index, k);
	return (Datum) 0;
}
