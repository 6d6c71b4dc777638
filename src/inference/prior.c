/*
 * prior.c
 *		What was learned becomes the prior of the next inference.
 *
 * A posterior q is discounted by raising it to a power: its natural parameters
 * are multiplied by it (the power prior of Ibrahim & Chen 2000).  They are
 * linear in the usual parameters but for locations, which stay: a precision and
 * the precision times the mean are both multiplied.
 *
 * Each component gets a prior of its own, in numbers.  So a node that was a
 * parameter of others only, such as a shared scale, is one of nobody any more:
 * what it said is part of the numbers, and it is dropped.
 */
#include "postgres.h"

#include <math.h>

#include "common/shortest_dec.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"

#include "catalog/build.h"
#include "catalog/define.h"
#include "catalog/privileges.h"
#include "catalog/runs.h"
#include "inference/infer.h"
#include "posterior/posterior.h"

PG_FUNCTION_INFO_V1(bnai_posterior_as_prior);

/* A component with fewer expected rows has learned nothing from them */
#define HOLDS_ROWS 0.5

/* The power for each component, and for what they share */
typedef struct Discount
{
	const Posterior *posterior;
	double		power;
	double	   *powers;			/* of the components */
} Discount;

/* --- what remains of q --- */

/* Returns the usual parameters of one plate of q to a power. */
static double *
PoweredParams(const PosteriorNode *node, int plate, double power)
{
	const Distribution *distribution = node->distribution;
	int			size = ParamsSize(distribution, node->dim);
	double	   *params = palloc(sizeof(double) * size);
	double	   *at = params;

	memcpy(params, PosteriorNodeParams(node, plate), sizeof(double) * size);
	for (int p = 0; p < distribution->nparams; p++)
	{
		int			length = ShapeSize(distribution->params[p].shape, node->dim);

		for (int i = 0; i < length && distribution->params[p].role != ROLE_LOCATION; i++)
			at[i] *= power;
		at += length;
	}
	return params;
}

/* Returns true if q to that power is a distribution still. */
static bool
IsProper(const PosteriorNode *node, int plate, double power)
{
	const Distribution *distribution = node->distribution;
	double	   *moments = palloc(sizeof(double) * distribution->size(node->dim));
	double	   *params = PoweredParams(node, plate, power);
	bool		proper = DistributionMoments(distribution, node->dim, params, moments, NULL);

	pfree(params);
	pfree(moments);
	return proper;
}

/* Returns true for a component that no row comes from. */
static bool
IsEmpty(const PosteriorCluster *cluster)
{
	return !cluster->live || cluster->count < HOLDS_ROWS;
}

/* Returns true if all that a component has for itself can be raised to a power. */
static bool
ComponentIsProper(const Posterior *posterior, int component, double power)
{
	for (int i = 0; i < posterior->nnodes; i++)
		if (posterior->nodes[i].plates > 1 && !IsProper(&posterior->nodes[i], component, power))
			return false;
	return true;
}

/*
 * Chooses the power for each component.  One without rows has learned nothing
 * of late, but perhaps before: it fades, down to what the one that counts for
 * least has in advance, and as long as a distribution is left.
 */
static Discount
ChoosePowers(const Posterior *posterior, double power)
{
	Discount	discount = {posterior, power, palloc(sizeof(double) * posterior->components)};
	const double *counts = posterior->selector != NULL && posterior->weights.node >= 0
		? PosteriorNodeParams(&posterior->nodes[posterior->weights.node], 0) : NULL;
	double		least = INFINITY;

	for (int k = 0; k < posterior->components && counts; k++)
		if (IsEmpty(&posterior->clusters[k]))
			least = Min(least, counts[k]);
	for (int k = 0; k < posterior->components; k++)
	{
		discount.powers[k] = power;
		if (posterior->selector == NULL || !IsEmpty(&posterior->clusters[k]))
			continue;
		discount.powers[k] = counts ? Max(power, least / counts[k]) : 1.0;
		if (!ComponentIsProper(posterior, k, discount.powers[k]))
			discount.powers[k] = 1.0;
	}
	return discount;
}

/* Returns the parameters of one plate of a node, discounted; an error if that is no distribution. */
static double *
DiscountedParams(const Discount *discount, int index, int plate)
{
	const Posterior *posterior = discount->posterior;
	const PosteriorNode *node = &posterior->nodes[index];
	double		power = node->plates > 1 ? discount->powers[plate] : discount->power;
	double	   *params;

	if (!IsProper(node, plate, power))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("a discount of %g leaves no proper distribution of node \"%s\"", power, node->name),
				 node->plates > 1 ? errdetail("Component %d has too few rows for that.", plate + 1) : 0,
				 errhint("Choose one nearer to 1.")));
	if (posterior->selector == NULL || index != posterior->weights.node)
		return PoweredParams(node, plate, power);

	/* the counts of the components are a part of them */
	params = PoweredParams(node, 0, 1.0);
	for (int k = 0; k < posterior->components; k++)
		params[k] *= discount->powers[k];
	return params;
}

/* --- parameters as they are written --- */

/* Appends one value in the parameter language. */
static void
AppendValue(StringInfo params, ValueShape shape, int dim, const double *values)
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

/* Returns the shape that a parameter is written in: that of one number only if it can be so in each plate. */
static ValueShape
ShapeOfAll(const ParamSpec *spec, const PosteriorNode *node, double *const *values, int offset)
{
	for (int plate = 0; plate < node->plates; plate++)
		if (WrittenShape(spec, node->dim, values[plate] + offset) == spec->shape)
			return spec->shape;
	return SHAPE_SCALAR;
}

/* Returns the parameters of a node, with those of each plate. */
static char *
WriteParams(const Discount *discount, int index)
{
	const PosteriorNode *node = &discount->posterior->nodes[index];
	const Distribution *distribution = node->distribution;
	double	  **values = palloc(sizeof(double *) * node->plates);
	int			offset = 0;
	StringInfoData params;

	for (int plate = 0; plate < node->plates; plate++)
		values[plate] = DiscountedParams(discount, index, plate);
	initStringInfo(&params);
	for (int p = 0; p < distribution->nparams; p++)
	{
		ValueShape	shape = ShapeOfAll(&distribution->params[p], node, values, offset);

		appendStringInfo(&params, "%s%s", p > 0 ? ", " : "", node->plates > 1 ? "each(" : "");
		for (int plate = 0; plate < node->plates; plate++)
		{
			appendStringInfoString(&params, plate > 0 ? ", " : "");
			AppendValue(&params, shape, node->dim, values[plate] + offset);
		}
		appendStringInfoString(&params, node->plates > 1 ? ")" : "");
		offset += ShapeSize(distribution->params[p].shape, node->dim);
	}
	if (node->plates > 1)
		appendStringInfo(&params, ", plates=%d", node->plates);
	return params.data;
}

/* --- the network --- */

/* Returns true if a node is a parameter of what has a value for each row. */
static bool
IsNextToRows(const Network *network, int index)
{
	for (int i = 0; i < network->nnodes; i++)
		for (int p = 0; (IsLeaf(&network->nodes[i]) || IsSelector(&network->nodes[i])) && p < network->nodes[i].nparams; p++)
			if (network->nodes[i].params[p].kind == PARAM_NODE && network->nodes[i].params[p].node == index)
				return true;
	return false;
}

/* Returns the index of a node in the posterior; an error if the network has changed since. */
static int
LearnedNode(const Network *network, const NetworkNode *node, const Posterior *posterior)
{
	int			index = PosteriorNodeIndex(posterior, node->name);

	if (index < 0 || posterior->nodes[index].distribution != node->distribution
		|| posterior->nodes[index].plates != node->plates)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("node \"%s\" of network \"%s\" has changed since the last inference", node->name, network->name),
				 errhint("Infer the network again.")));
	return index;
}

/* Drops a node that is a parameter of nobody any more. */
static void
DropNode(const Network *network, const NetworkNode *node)
{
	RemoveNode(network, node);
	ereport(NOTICE,
			(errmsg("node \"%s\" is dropped from network \"%s\"", node->name, network->name),
			 errdetail("The nodes that had it as a parameter have learned numbers of their own.")));
}

/* Reads the current posterior. */
static Posterior *
LearnedPosterior(const Network *network)
{
	int64		run;
	Posterior  *posterior;

	/* another inference may have ended since the statement began */
	PushActiveSnapshot(GetTransactionSnapshot());
	run = CurrentRun(network->id);
	if (run == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("network \"%s\" has not been inferred", network->name)));
	posterior = DatumGetPosterior(RequiredPosterior(run));
	PopActiveSnapshot();
	return posterior;
}

/* Turns the posterior of each node into its prior, discounted. */
Datum
bnai_posterior_as_prior(PG_FUNCTION_ARGS)
{
	double		power = PG_GETARG_FLOAT8(1);
	Network    *network;
	Discount	discount;

	if (!(power > 0.0 && power <= 1.0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid discount: %g", power),
				 errdetail("It is greater than 0 and at most 1, which keeps all that was learned.")));
	PreventWhereReadOnly("bnai_posterior_as_prior()");
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	network = LoadNetworkToInfer(text_to_cstring(PG_GETARG_TEXT_PP(0)), false, CheckMayModifyNetwork);
	discount = ChoosePowers(LearnedPosterior(network), power);
	for (int i = 0; i < network->nnodes; i++)
	{
		const NetworkNode *node = &network->nodes[i];

		if (IsLeaf(node) || IsSelector(node))
			continue;
		if (IsNextToRows(network, i))
			StoreParams(network, node, WriteParams(&discount, LearnedNode(network, node, discount.posterior)));
		else
			DropNode(network, node);
	}
	CheckStructure(LoadNetworkToChange(network->name, false));
	ereport(WARNING,
			(errmsg("rows that network \"%s\" has learned from must not be in its source any more", network->name),
			 errdetail("The next inference would count them twice: in the prior and as rows.")));
	SPI_finish();
	PG_RETURN_VOID();
}
