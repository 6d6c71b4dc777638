/*
 * validate.c
 *		Decides whether the nodes of a network fit together and can be fitted.
 *
 * CheckStructure is for a network that is being built: what is there must
 * fit.  ValidateNetwork is for one that is about to be fitted: nothing may be
 * missing either.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/shmem.h"
#include "utils/memutils.h"

#include "catalog/build.h"
#include "catalog/network.h"
#include "catalog/params.h"
#include "distributions/leaf.h"
#include "compat.h"

/* Raises an error about two nodes whose dimensions differ. */
pg_noreturn static void
DimensionMismatch(const NetworkNode *node, int param, int dim)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 errmsg("dimension mismatch: node \"%s\" has dimension %d, its parameter %s has dimension %d",
					node->name, node->dim, node->distribution->params[param].name, dim),
			 IsLeaf(node) ? errdetail("An observed node has one dimension for each column.") : 0,
			 ErrorAt(node->params_text, node->params[param].location)));
}

/* Makes a node and one of its parameters agree on their dimension; returns true if one of them learned it. */
static bool
UnifyDimension(Network *network, NetworkNode *node, int i)
{
	NodeParam  *param = &node->params[i];
	NetworkNode *parent = param->kind == PARAM_NODE ? &network->nodes[param->node] : NULL;
	int			dim = parent != NULL ? parent->dim : param->kind == PARAM_CONSTANT ? param->dim : 0;

	if (node->distribution->params[i].shape == SHAPE_SCALAR || dim == node->dim)
		return false;
	if (param->kind == PARAM_CONSTANT && param->shape == SHAPE_SCALAR)
		return false;			/* it spreads over any */
	if (node->dim == 0)
		node->dim = dim;
	else if (dim != 0)
		DimensionMismatch(node, i, dim);
	else if (parent != NULL)
		parent->dim = node->dim;
	else
		return false;
	return true;
}

/* Repeats a number that stands for all elements of a vector, now that its dimension is known. */
static void
SpreadNumber(NetworkNode *node, int i)
{
	NodeParam  *param = &node->params[i];
	double	   *values;

	if (param->kind != PARAM_CONSTANT || param->shape == node->distribution->params[i].shape || node->dim == 0)
		return;
	values = palloc_extended(mul_size(sizeof(double) * node->dim, param->plates), MCXT_ALLOC_HUGE);
	for (int plate = 0; plate < param->plates; plate++)
		for (int j = 0; j < node->dim; j++)
			values[(Size) plate * node->dim + j] = param->values[plate];
	param->values = values;
	param->shape = node->distribution->params[i].shape;
	param->dim = node->dim;
}

/*
 * Resolves dimensions: of a leaf it is the number of columns, of a scalar
 * one, and a parameter that is no scalar has that of its node.
 */
static void
ResolveDimensions(Network *network)
{
	bool		changed = true;

	for (int i = 0; i < network->nnodes; i++)
	{
		NetworkNode *node = &network->nodes[i];
		bool		scalar = node->distribution->shape == SHAPE_SCALAR && !IsSelector(node);

		node->dim = scalar ? 1 : node->ncolumns;
		if (IsLeaf(node) && node->ncolumns != node->dim)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("node \"%s\" needs one column, not %d", node->name, node->ncolumns),
					 errdetail("The value of %s is a number.", node->distribution->name)));
	}
	while (changed)
	{
		changed = false;
		for (int i = 0; i < network->nnodes; i++)
			for (int j = 0; j < network->nodes[i].nparams; j++)
				changed |= UnifyDimension(network, &network->nodes[i], j);
	}
	for (int i = 0; i < network->nnodes; i++)
		for (int j = 0; j < network->nodes[i].nparams; j++)
			SpreadNumber(&network->nodes[i], j);
}

/* Returns the number of components that a row of a node is one of; 0 if it is not known yet. */
static int
Components(const Network *network, const NetworkNode *node)
{
	return node->selector < 0 ? 1 : network->nodes[node->selector].dim;
}

/* Raises an error unless a parameter is repeated as its node is, or not at all. */
static void
CheckPlates(const Network *network, const NetworkNode *node, int i)
{
	const NodeParam *param = &node->params[i];
	const NetworkNode *parent;
	bool		component = IsLeaf(node) && node->selector >= 0;
	int			plates = component ? Components(network, node) : node->plates;

	if (param->kind != PARAM_NODE)
		return;
	parent = &network->nodes[param->node];
	if (parent->plates == 1 || parent->plates == plates || plates == 0)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_DATATYPE_MISMATCH),
			 errmsg("plates of node \"%s\" do not match those of node \"%s\"", parent->name, node->name),
			 component ?
			 errdetail("Node \"%s\" has %d plates, selector \"%s\" has %d components.",
					   parent->name, parent->plates, network->nodes[node->selector].name, plates) :
			 errdetail("Node \"%s\" has %d plates, node \"%s\" has %d.",
					   parent->name, parent->plates, node->name, plates),
			 ErrorAt(node->params_text, param->location)));
}

/* Follows the parents of a node; state is 1 on the way down and 2 when done. */
static void
VisitParents(const Network *network, int index, char *state)
{
	const NetworkNode *node = &network->nodes[index];

	check_stack_depth();
	if (state[index] == 2)
		return;
	if (state[index] == 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
				 errmsg("node \"%s\" depends on itself", node->name),
				 errdetail("The nodes of a network must not form a cycle.")));
	state[index] = 1;
	for (int i = 0; i < node->nparams; i++)
		if (node->params[i].kind == PARAM_NODE)
			VisitParents(network, node->params[i].node, state);
	state[index] = 2;
}

/* Raises an error if a node depends on itself. */
static void
CheckCycles(const Network *network)
{
	char	   *state = palloc0(network->nnodes + 1);

	for (int i = 0; i < network->nnodes; i++)
		VisitParents(network, i, state);
	pfree(state);
}

/* Raises an error if rows have two selectors, or leaves two sources. */
static void
CheckRows(const Network *network)
{
	const NetworkNode *selector = NULL;
	const NetworkNode *leaf = NULL;

	for (int i = 0; i < network->nnodes; i++)
	{
		const NetworkNode *node = &network->nodes[i];

		if (IsSelector(node))
		{
			if (selector != NULL)
				ereport(ERROR,
						(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						 errmsg("network \"%s\" cannot have two selectors, \"%s\" and \"%s\"",
								network->name, selector->name, node->name),
						 errdetail("An unobserved Categorical is the selector of a row; a row has one at most.")));
			selector = node;
		}
		if (!IsLeaf(node))
			continue;
		if (leaf != NULL && leaf->source != node->source)
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("nodes \"%s\" and \"%s\" have different sources", leaf->name, node->name),
					 errdetail("All observed nodes of a network read the same table or view.")));
		leaf = node;
	}
}

/*
 * Returns the moments of a parameter of one plate as the distribution takes
 * them.  For a node or a moment of the data, of which only the dimension is
 * known, a value that is as good as any.
 */
static const double *
ExampleMoments(const Distribution *distribution, int i, int dim, const NodeParam *param, int plate)
{
	const ParamSpec *spec = &distribution->params[i];
	int			size = ShapeSize(spec->shape, dim);
	double	   *value = palloc0(sizeof(double) * size);
	double	   *u;

	for (int j = 0; j < size; j++)
		value[j] = spec->shape == SHAPE_MATRIX ? (j % (dim + 1) == 0 ? 1.0 : 0.0) : spec->positive ? 1.0 : 0.0;
	if (param->kind == PARAM_CONSTANT)
		memcpy(value, param->values + (Size) (DiffersByPlate(param) ? plate : 0) * size, sizeof(double) * size);
	if (spec->family == NULL)
		return value;
	u = palloc0(sizeof(double) * spec->family->size(dim));
	spec->family->fixed(dim, value, u);
	return u;
}

/* Returns true if the numbers given for a plate make a distribution. */
static bool
IsProper(const NetworkNode *node, int plate)
{
	const Distribution *distribution = node->distribution;
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "bnai plate", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	const double *parents[MAX_PARAMS];
	double	   *phi = palloc0(sizeof(double) * distribution->size(node->dim));
	double	   *u = palloc0(sizeof(double) * distribution->size(node->dim));
	double		g;
	bool		proper;

	for (int i = 0; i < node->nparams; i++)
		parents[i] = ExampleMoments(distribution, i, node->dim, &node->params[i], plate);
	distribution->natural(node->dim, parents, phi);
	proper = distribution->moments(node->dim, phi, u, &g);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return proper;
}

/* Raises an error if the numbers given are in range each, but make no distribution. */
static void
CheckProper(const NetworkNode *node)
{
	const Distribution *distribution = node->distribution;
	int			plates = 1;

	if (IsLeaf(node) || distribution->moments == NULL || node->dim == 0)
		return;
	for (int i = 0; i < node->nparams; i++)
		if (DiffersByPlate(&node->params[i]))
			plates = node->plates;
	for (int plate = 0; plate < plates; plate++)
		if (!IsProper(node, plate))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("node \"%s\" has no proper %s distribution", node->name, distribution->name),
					 errdetail("With these parameters %s of dimension %d cannot be normalised.",
							   distribution->signature, node->dim),
					 errhint("%s", distribution->proper),
					 ErrorAt(node->params_text, 0)));
}

/* Raises an error if a leaf has more columns than its kernel has room for. */
static void
CheckColumnNumber(const NetworkNode *node)
{
	const LeafKernel *kernel = IsLeaf(node) ? node->distribution->leaf : NULL;
	int			most = kernel == NULL || kernel->columns->most == 0 ? MAX_VECTOR_DIM : kernel->columns->most;

	if (node->ncolumns > most)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("node \"%s\" has %d columns, which is too many", node->name, node->ncolumns),
				 errdetail("A node of distribution %s has at most %d.", node->distribution->name, most),
				 most == KERNEL_MAX_DIM ? errhint("Use diagonal covariances.") : 0));
}

/* Checks that what there is of a network fits together. */
void
CheckStructure(Network *network)
{
	CheckRows(network);
	CheckCycles(network);
	ResolveDimensions(network);
	for (int i = 0; i < network->nnodes; i++)
	{
		for (int j = 0; j < network->nodes[i].nparams; j++)
			CheckPlates(network, &network->nodes[i], j);
		CheckProper(&network->nodes[i]);
		CheckColumnNumber(&network->nodes[i]);
	}
	CheckSharedColumns(network);
	CheckResultsColumn(network);
	CheckWeightColumn(network);
}

/* Adds one to the counts of a leaf's ancestors. */
static void
CountAncestors(const Network *network, int index, bool *seen, int *leaves)
{
	const NetworkNode *node = &network->nodes[index];

	if (seen[index])
		return;
	seen[index] = true;
	leaves[index]++;
	if (node->selector >= 0)
		CountAncestors(network, node->selector, seen, leaves);
	for (int i = 0; i < node->nparams; i++)
		if (node->params[i].kind == PARAM_NODE)
			CountAncestors(network, node->params[i].node, seen, leaves);
}

/* Returns true if a parameter is a moment of the data. */
static bool
UsesData(const NetworkNode *node)
{
	for (int i = 0; i < node->nparams; i++)
		if (node->params[i].kind == PARAM_DATA)
			return true;
	return false;
}

/* Raises an error unless every node has to do with the data, and moments of the data are those of one leaf. */
static void
CheckConnected(const Network *network)
{
	int		   *leaves = palloc0(sizeof(int) * (network->nnodes + 1));
	bool	   *seen = palloc(network->nnodes + 1);

	for (int i = 0; i < network->nnodes; i++)
		if (IsLeaf(&network->nodes[i]))
		{
			memset(seen, 0, network->nnodes);
			CountAncestors(network, i, seen, leaves);
		}
	for (int i = 0; i < network->nnodes; i++)
	{
		const NetworkNode *node = &network->nodes[i];

		if (leaves[i] == 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
					 errmsg("node \"%s\" of network \"%s\" has no observed node below it",
							node->name, network->name),
					 IsSelector(node) ?
					 errhint("Add a Mixture that it selects the components of, with a source and columns.") :
					 errhint("Use it as a parameter of an observed node, or drop it with bnai_drop_node.")));
		if (leaves[i] > 1 && UsesData(node))
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("parameters of node \"%s\" cannot be moments of the data", node->name),
					 errdetail("The node belongs to %d observed nodes, and it is open whose data is meant.", leaves[i])));
	}
	pfree(leaves);
	pfree(seen);
}

/* Returns true if a row of the network comes from one of several components. */
static bool
HasSelector(const Network *network)
{
	for (int i = 0; i < network->nnodes; i++)
		if (IsSelector(&network->nodes[i]))
			return true;
	return false;
}

/* Raises an error if the settings ask for what the nodes do not give. */
static void
CheckSettings(const Network *network)
{
	if (network->settings.start == START_RESULTS && network->settings.results_column == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("network \"%s\" is to start from its results, but has no results column", network->name),
				 errhint("Set \"results_column\" or another \"start\" with bnai_set.")));
	if (HasSelector(network))
		return;
	if (network->type == NETWORK_CLUSTERING)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
				 errmsg("network \"%s\" of type clustering has no Mixture", network->name),
				 errhint("Add a Categorical as selector and an observed Mixture, or use bnai_create_clustering.")));
	if (network->settings.results_column != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("network \"%s\" has a results column, but no Mixture whose clusters could be its labels",
						network->name)));
}

/* Raises an error unless the network as a whole can be fitted. */
void
ValidateNetwork(Network *network)
{
	bool		observed = false;

	CheckBound(network);
	for (int i = 0; i < network->nnodes; i++)
		if (IsLeaf(&network->nodes[i]))
		{
			CheckObserved(&network->nodes[i]);
			observed = true;
		}
	if (!observed)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
				 errmsg("network \"%s\" has no observed node", network->name),
				 errhint("Add one: SELECT bnai_add_node(..., source => 'table', columns => '{column}').")));
	CheckStructure(network);
	CheckConnected(network);
	CheckSettings(network);
}
