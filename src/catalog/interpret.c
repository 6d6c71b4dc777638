/*
 * interpret.c
 *		Finds out what the parameters of a node mean in its network.
 */
#include "postgres.h"

#include <math.h>

#include "lib/stringinfo.h"

#include "catalog/excerpt.h"
#include "catalog/build.h"
#include "catalog/network.h"
#include "catalog/params.h"
#include "distributions/leaf.h"
#include "numerics/linalg.h"

/* A place in the parameters of a node, for what is to be said about it */
typedef struct Place
{
	const Network *network;
	const NetworkNode *node;
	const ParamSpec *spec;
	const ParamItem *item;
	int			plate;			/* whose value is looked at, from 1; 0: that of all */
	const double *values;		/* the value */
} Place;

static const char *const ShapeNames[] = {
	[SHAPE_SCALAR] = "a number",
	[SHAPE_VECTOR] = "a vector",
	[SHAPE_MATRIX] = "a matrix",
};

/* Lists the signatures of all distributions, or of those that a Mixture can have as component. */
static char *
DistributionList(bool leaves)
{
	StringInfoData list;

	initStringInfo(&list);
	for (int i = 0; i < NDistributions; i++)
		if (!leaves || Distributions[i]->leaf != NULL)
			appendStringInfo(&list, "%s%s", list.len > 0 ? ", " : "", Distributions[i]->signature);
	return list.data;
}

/* Says which parameter of which node an error is about. */
static void
ParameterContext(void *argument)
{
	const Place *place = argument;

	if (place->spec != NULL && place->plate > 0)
		errcontext("parameter %s of component %d of node \"%s\" of network \"%s\"",
				   place->spec->name, place->plate, place->node->name, place->network->name);
	else if (place->spec != NULL)
		errcontext("parameter %s of node \"%s\" of network \"%s\"",
				   place->spec->name, place->node->name, place->network->name);
	else
		errcontext("parameters of node \"%s\" of network \"%s\"", place->node->name, place->network->name);
}

/* Raises an error unless the matrix is symmetric and positive definite. */
static void
CheckMatrix(const Place *place)
{
	const ParamItem *item = place->item;
	const double *values = place->values;
	int			dim = item->dim;
	double	   *factor;
	bool		positive;

	for (int i = 0; i < dim; i++)
		for (int j = 0; j < i; j++)
			if (values[i * dim + j] != values[j * dim + i])
				ereport(ERROR,
						(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						 errmsg("the matrix is not symmetric"),
						 errdetail("Row %d, column %d is %g; row %d, column %d is %g.",
								   i + 1, j + 1, values[i * dim + j],
								   j + 1, i + 1, values[j * dim + i]),
						 ErrorAt(place->node->params_text, item->location)));
	factor = palloc(sizeof(double) * dim * dim);
	positive = Cholesky(values, dim, factor);
	pfree(factor);
	if (!positive)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the matrix is not positive definite"),
				 ErrorAt(place->node->params_text, item->location)));
}

/* Raises an error unless numbers are what the parameter takes. */
static void
CheckNumbers(const Place *place)
{
	const ParamItem *item = place->item;
	const ParamSpec *spec = place->spec;
	double		sum = 0.0;

	if (spec->shape == SHAPE_MATRIX)
	{
		CheckMatrix(place);
		return;
	}
	for (int i = 0; i < item->dim; i++)
	{
		sum += place->values[i];
		if (spec->positive && !(place->values[i] > spec->above))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("parameter %s must be greater than %g, not %g", spec->name, spec->above, place->values[i]),
					 ErrorAt(place->node->params_text, item->location)));
	}
	/* numbers written with a few digits add up to 1 only about */
	if (spec->sums_to_one && fabs(sum - 1.0) > 1e-6)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the probabilities must add up to 1, not to %g", sum),
				 ErrorAt(place->node->params_text, item->location)));
}

/* Returns true for a node whose value is a row's, not one for all. */
static bool
IsOnRows(const NetworkNode *node)
{
	return IsLeaf(node) || node->distribution->mixes || IsSelector(node);
}

/* Raises an error unless there is one value for each plate of the node. */
static void
CheckEach(const Place *place)
{
	const NetworkNode *node = place->node;
	const ParamItem *item = place->item;

	if (IsOnRows(node))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("node \"%s\" cannot have a value for each component as its parameter", node->name),
				 errhint("Name a node with plates instead, whose parameters can be written with each."),
				 ErrorAt(node->params_text, item->location)));
	if (item->plates != node->plates)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter %s has a value for each of %d plates, but node \"%s\" has plates=%d",
						place->spec->name, item->plates, node->name, node->plates),
				 ErrorAt(node->params_text, item->location)));
}

/* Fills in a parameter that is given as numbers. */
static void
InterpretValue(Place *place, NodeParam *param)
{
	const ParamItem *item = place->item;

	if (item->shape != place->spec->shape && !(place->spec->spreads && item->shape == SHAPE_SCALAR))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("parameter %s must be %s, not %s", place->spec->name,
						ShapeNames[place->spec->shape], ShapeNames[item->shape]),
				 ErrorAt(place->node->params_text, item->location),
				 place->spec->shape == SHAPE_VECTOR ? errhint("Vectors are written [1, 2], zeros(2), ones(2) or full(2, x).") :
				 place->spec->shape == SHAPE_MATRIX ? errhint("Matrices are written [[2, 1], [1, 2]], eye(2) or x * eye(2).") : 0));
	if (item->plates > 0)
		CheckEach(place);
	param->kind = PARAM_CONSTANT;
	param->shape = item->shape;
	param->dim = item->dim;
	param->plates = Max(item->plates, 1);
	param->values = item->values;
	for (int plate = 0; plate < param->plates; plate++)
	{
		place->plate = item->plates > 0 ? plate + 1 : 0;
		place->values = item->values + (Size) plate * ShapeSize(item->shape, item->dim);
		CheckNumbers(place);
	}
	place->plate = 0;
}

/* Returns true if a moment of the data can stand for a parameter: a mean for a location, a scale for the rest. */
static bool
MomentFits(const ParamSpec *spec, DataMoment moment)
{
	if (spec->role == ROLE_INVARIANT || spec->role == ROLE_TAILS)
		return false;
	if (moment == DATA_MEAN || spec->role == ROLE_LOCATION)
		return moment == DATA_MEAN && spec->role == ROLE_LOCATION;
	if (moment == DATA_COVARIANCE || moment == DATA_INVERSE_COVARIANCE)
		return spec->shape == SHAPE_MATRIX;
	return true;
}

/* Fills in a parameter that is given as a moment of the data. */
static void
InterpretMoment(const Place *place, NodeParam *param)
{
	const ParamItem *item = place->item;

	if (!MomentFits(place->spec, item->moment))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("parameter %s cannot be %s", place->spec->name, DataMomentName(item->moment)),
				 errdetail("data_mean stands for a location, data_variance and data_precision for a scale or precision, "
						   "data_covariance and data_inverse_covariance for one that is a matrix."),
				 ErrorAt(place->node->params_text, item->location)));
	if (place->spec->positive && !(item->factor > 0.0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the factor of %s must be greater than 0, not %g",
						DataMomentName(item->moment), item->factor),
				 ErrorAt(place->node->params_text, item->location)));
	param->kind = PARAM_DATA;
	param->factor = item->factor;
	param->moment = item->moment;
}

/* Returns the index of the node that an item names. */
static int
NamedNode(const Place *place)
{
	const ParamItem *item = place->item;
	int			index;

	if (item->kind != ITEM_NAME)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("the name of a node is expected here"),
				 ErrorAt(place->node->params_text, item->location)));
	index = FindNode(place->network, item->name);
	if (index < 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("node \"%s\" does not exist in network \"%s\"", Excerpt(item->name), place->network->name),
				 errhint("Add a node before the nodes that have it as a parameter."),
				 ErrorAt(place->node->params_text, item->location)));
	return index;
}

/* Fills in a parameter that is another node. */
static void
InterpretParent(const Place *place, NodeParam *param)
{
	const ParamSpec *spec = place->spec;
	int			index = NamedNode(place);
	const NetworkNode *parent = &place->network->nodes[index];

	if (parent->distribution != NULL && IsOnRows(parent))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("node \"%s\" cannot be parameter %s", parent->name, spec->name),
				 errdetail("It has one value for each row; parameters must be the same for all rows."),
				 ErrorAt(place->node->params_text, place->item->location)));
	if (parent->distribution == NULL || parent->distribution != spec->family)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("node \"%s\" cannot be parameter %s: its distribution is %s",
						parent->name, spec->name, parent->distribution_name),
				 spec->family == NULL ?
				 errdetail("Parameter %s takes numbers only.", spec->name) :
				 errdetail("Parameter %s takes %s or a node whose distribution is %s.", spec->name,
						   ShapeNames[spec->shape], spec->family->name),
				 ErrorAt(place->node->params_text, place->item->location)));
	param->kind = PARAM_NODE;
	param->node = index;
}

/* Fills in one parameter. */
static void
InterpretParam(Place *place, NodeParam *param)
{
	param->location = place->item->location;
	switch (place->item->kind)
	{
		case ITEM_VALUE:
			InterpretValue(place, param);
			break;
		case ITEM_MOMENT:
			InterpretMoment(place, param);
			break;
		case ITEM_NAME:
			InterpretParent(place, param);
			break;
	}
}

/* Reads "selector, distribution" of a Mixture: from then on the node has the component's distribution. */
static void
InterpretMixture(Place *place, NetworkNode *node, const ParsedParams *parsed)
{
	const Distribution *component;

	if (parsed->nitems < 2)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a Mixture begins with a selector and a distribution"),
				 errhint("For example: 'Z, Gaussian, mu, Lambda'."),
				 ErrorAt(node->params_text, strlen(node->params_text))));
	place->item = &parsed->items[0];
	node->selector = NamedNode(place);
	if (place->network->nodes[node->selector].distribution == NULL ||
		!IsSelector(&place->network->nodes[node->selector]))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("node \"%s\" cannot select components: it is not an unobserved Categorical", place->item->name),
				 ErrorAt(node->params_text, place->item->location)));
	place->item = &parsed->items[1];
	component = place->item->kind == ITEM_NAME ? FindDistribution(place->item->name) : NULL;
	if (component == NULL || component->leaf == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the second parameter of a Mixture must be a distribution that can be observed"),
				 errhint("These can: %s.", DistributionList(true)),
				 ErrorAt(node->params_text, place->item->location)));
	node->distribution = component;
}

/* Raises an error unless there are as many parameters as the distribution has. */
static void
CheckParamCount(const NetworkNode *node, const ParsedParams *parsed, int first)
{
	int			expected = first + node->distribution->nparams;

	if (parsed->nitems == expected)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("wrong number of parameters: %d instead of %d", parsed->nitems, expected),
			 first > 0 ?
			 errhint("A Mixture of %s has the parameters selector, distribution and those of %s.",
					 node->distribution->name, node->distribution->signature) :
			 errhint("The distribution is %s.", node->distribution->signature),
			 ErrorAt(node->params_text,
					 parsed->nitems > expected ? parsed->items[expected].location : strlen(node->params_text))));
}

/* Takes over plates=K, which only nodes off the rows can have. */
static void
InterpretPlates(NetworkNode *node, const ParsedParams *parsed)
{
	if (parsed->plates == 0)
		return;
	if (IsOnRows(node))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("node \"%s\" cannot have plates: it has one value for each row", node->name),
				 ErrorAt(node->params_text, parsed->plates_location)));
	node->plates = parsed->plates;
}

/* Raises an error unless a node's distribution is known and can be where it is. */
static void
CheckDistribution(const Network *network, const NetworkNode *node)
{
	if (node->distribution == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("distribution \"%s\" of node \"%s\" is unknown", Excerpt(node->distribution_name), node->name),
				 errhint("Distributions are: %s.", DistributionList(false))));
	if (IsLeaf(node) && !node->distribution->mixes && node->distribution->leaf == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("node \"%s\" cannot have a source: %s cannot be observed",
						node->name, node->distribution->name),
				 errhint("These can: %s, and a Mixture of them.", DistributionList(true))));
	if (!IsLeaf(node) && node->distribution->leaf != NULL && node->distribution->moments == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("node \"%s\" must have a source and columns: %s can only be observed",
						node->name, node->distribution->name)));
	if (!IsLeaf(node) && node->distribution->mixes)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("node \"%s\" of network \"%s\" must have a source and columns", node->name, network->name),
				 errdetail("A Mixture has one value for each row, and only the selector of a row can be unobserved.")));
}

/* Parses the parameters of a node and fills them in. */
void
InterpretNode(Network *network, NetworkNode *node)
{
	Place		place = {network, node};
	ErrorContextCallback context = {error_context_stack, ParameterContext, &place};
	ParsedParams *parsed;
	int			first = 0;

	CheckDistribution(network, node);
	error_context_stack = &context;
	parsed = ParseParams(node->params_text);
	InterpretPlates(node, parsed);
	if (node->distribution->mixes)
	{
		InterpretMixture(&place, node, parsed);
		first = 2;
	}
	CheckParamCount(node, parsed, first);
	node->nparams = node->distribution->nparams;
	for (int i = 0; i < node->nparams; i++)
	{
		place.spec = &node->distribution->params[i];
		place.item = &parsed->items[first + i];
		InterpretParam(&place, &node->params[i]);
	}
	error_context_stack = context.previous;
}
