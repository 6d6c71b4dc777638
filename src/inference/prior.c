/*
 * prior.c
 *		What was learned becomes the prior of the next inference.
 *
 * A posterior q is discounted by raising it to a power: its natural parameters
 * are multiplied by it (the power prior of Ibrahim & Chen 2000).
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "common/shortest_dec.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"

#include "catalog/privileges.h"
#include "catalog/runs.h"
#include "inference/infer.h"
#include "posterior/posterior.h"

PG_FUNCTION_INFO_V1(bnai_posterior_as_prior);

/* Appends one parameter in the parameter language. */
static void
AppendParameter(StringInfo params, ValueShape shape, int dim, const double *values)
{
	char		digits[DOUBLE_SHORTEST_DECIMAL_LEN];
	int			rows = shape == SHAPE_MATRIX ? dim : 1;
	int			columns = shape == SHAPE_SCALAR ? 1 : dim;

	if (shape == SHAPE_MATRIX)
		appendStringInfoChar(params, '[');
	for (int i = 0; i < rows; i++)
	{
		appendStringInfoString(params, i > 0 ? ", " : "");
		if (shape != SHAPE_SCALAR)
			appendStringInfoChar(params, '[');
		for (int j = 0; j < columns; j++)
		{
			double_to_shortest_decimal_buf(values[i * columns + j], digits);
			appendStringInfo(params, "%s%s", j > 0 ? ", " : "", digits);
		}
		if (shape != SHAPE_SCALAR)
			appendStringInfoChar(params, ']');
	}
	if (shape == SHAPE_MATRIX)
		appendStringInfoChar(params, ']');
}

/* Returns the parameters of q to a power. */
static double *
PoweredParams(const PosteriorNode *node, double power)
{
	const Distribution *distribution = Distributions[node->distribution];
	const double *params = PosteriorNodeParams(node, 0);
	const double *parents[MAX_PARAMS];
	double	   *phi = palloc(sizeof(double) * distribution->size(node->dim));
	double	   *powered = palloc(sizeof(double) * ParamsSize(distribution, node->dim));
	double	   *moments = palloc(sizeof(double) * distribution->size(node->dim));

	for (int p = 0; p < distribution->nparams; p++)
	{
		const ParamSpec *spec = &distribution->params[p];
		double	   *value = palloc(sizeof(double) * ParamMomentsSize(spec, node->dim));

		FixedMoments(spec, node->dim, params, value);
		parents[p] = value;
		params += ShapeSize(spec->shape, node->dim);
	}
	distribution->natural(node->dim, parents, phi);
	for (int i = 0; i < distribution->size(node->dim); i++)
		phi[i] *= power;
	distribution->parameters(node->dim, phi, powered);
	if (!DistributionMoments(distribution, node->dim, powered, moments, NULL))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("a discount of %g leaves no proper distribution of node \"%s\"", power, node->name),
				 errhint("Choose one nearer to 1.")));
	return powered;
}

/* Gives a node of the network the posterior as its parameters. */
static void
ChangeNode(const Network *network, const PosteriorNode *node, double power)
{
	const Distribution *distribution = Distributions[node->distribution];
	const double *values = PoweredParams(node, power);
	Oid			types[] = {INT4OID, TEXTOID, TEXTOID};
	Datum		arguments[lengthof(types)];
	StringInfoData params;

	initStringInfo(&params);
	for (int p = 0; p < distribution->nparams; p++)
	{
		appendStringInfoString(&params, p > 0 ? ", " : "");
		AppendParameter(&params, distribution->params[p].shape, node->dim, values);
		values += ShapeSize(distribution->params[p].shape, node->dim);
	}
	arguments[0] = Int32GetDatum(network->id);
	arguments[1] = CStringGetTextDatum(node->name);
	arguments[2] = CStringGetTextDatum(params.data);
	if (WriteCatalog(psprintf("UPDATE %s.bnai_node SET params = $3 "
							  "WHERE network OPERATOR(pg_catalog.=) $1 AND name OPERATOR(pg_catalog.=) $2",
							  ExtensionSchema()), lengthof(types), types, arguments, NULL) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("network \"%s\" has no node \"%s\" any more", network->name, node->name),
				 errhint("Infer the network again.")));
}

/* Raises an error if nodes off the rows have one another as parameters: a posterior has lost how they hang together. */
static void
CheckNotHierarchical(const Network *network)
{
	for (int i = 0; i < network->nnodes; i++)
		for (int p = 0; !IsLeaf(&network->nodes[i]) && p < network->nodes[i].nparams; p++)
			if (network->nodes[i].params[p].kind == PARAM_NODE)
				ereport(ERROR,
						(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						 errmsg("node \"%s\" of network \"%s\" has another node as its parameter and cannot get a prior of its own",
								network->nodes[i].name, network->name)));
}

/* Reads the current posterior; an error if it cannot become a prior. */
static Posterior *
PosteriorToKeep(const Network *network)
{
	int64		run = CurrentRun(network->id);
	Posterior  *posterior;

	if (run == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("network \"%s\" has not been inferred", network->name)));
	posterior = DatumGetPosterior(RunPosterior(run));
	if (posterior->selector != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("network \"%s\" has clusters, each of which would need a prior of its own", network->name),
				 errhint("Set start to 'posterior' to go on from what was learned.")));
	return posterior;
}

/* Turns the posterior of each node into its prior, discounted. */
Datum
bnai_posterior_as_prior(PG_FUNCTION_ARGS)
{
	double		power = PG_GETARG_FLOAT8(1);
	Network    *network;
	Posterior  *posterior;

	if (!(power > 0.0 && power <= 1.0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid discount: %g", power),
				 errdetail("It is greater than 0 and at most 1, which keeps all that was learned.")));
	PreventWhereReadOnly("bnai_posterior_as_prior()");
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	network = LoadNetworkToInfer(text_to_cstring(PG_GETARG_TEXT_PP(0)), false);
	posterior = PosteriorToKeep(network);
	CheckNotHierarchical(network);
	for (int i = 0; i < posterior->nnodes; i++)
		ChangeNode(network, &posterior->nodes[i], power);
	ereport(WARNING,
			(errmsg("rows that network \"%s\" has learned from must not be in its source any more", network->name),
			 errdetail("The next inference would count them twice: in the prior and as rows.")));
	SPI_finish();
	PG_RETURN_VOID();
}
