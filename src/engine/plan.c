/*
 * plan.c
 *		Network -> NetworkPlan.
 */
#include "postgres.h"

#include <math.h>

#include "distributions/leaf.h"
#include "engine/noise.h"
#include "engine/plan.h"
#include "engine/slots.h"
#include "numerics/linalg.h"
#include "storage/shmem.h"
#include "utils/builtins.h"

/* Means further than this many prior standard deviations from the data are worth a warning */
#define FAR_FROM_PRIOR 10.0

/* Work space of MakePlan: where a node of the network went */
typedef struct NodeMap
{
	int		   *global;			/* -1: not a global */
	int		   *rank;			/* distance from the data; -1: not a global */
} NodeMap;

/* Returns the column's index in the plan, adding it if it is new. */
static int
ColumnIndex(NetworkPlan *plan, char *name)
{
	for (int i = 0; i < plan->ncolumns; i++)
		if (strcmp(plan->columns[i], name) == 0)
			return i;
	plan->columns[plan->ncolumns] = name;
	return plan->ncolumns++;
}

/*
 * Ranks globals by their distance from the data: parents of leaves and of the
 * selector are 0, parents of globals of rank r are at least r + 1.  Repeated
 * relaxation, for networks are small.
 */
static void
RankNodes(const Network *network, NodeMap *map)
{
	bool		changed = true;

	for (int i = 0; i < network->nnodes; i++)
		map->rank[i] = map->global[i] < 0 ? -1 : 0;
	while (changed)
	{
		changed = false;
		for (int i = 0; i < network->nnodes; i++)
			for (int p = 0; map->global[i] >= 0 && p < network->nodes[i].nparams; p++)
			{
				const NodeParam *param = &network->nodes[i].params[p];

				if (param->kind == PARAM_NODE && map->rank[param->node] < map->rank[i] + 1)
				{
					map->rank[param->node] = map->rank[i] + 1;
					changed = true;
				}
			}
	}
}

/* Sorts by descending rank, so that parents come before children; stable by node id. */
static void
OrderGlobals(NetworkPlan *plan, NodeMap *map)
{
	const Network *network = plan->network;
	int			highest = 0;

	for (int i = 0; i < network->nnodes; i++)
		highest = Max(highest, map->rank[i]);
	for (int rank = highest; rank >= 0; rank--)
		for (int i = 0; i < network->nnodes; i++)
			if (map->rank[i] == rank)
			{
				PlanGlobal *global = &plan->globals[plan->nglobals];
				const NetworkNode *node = &network->nodes[i];

				global->node = i;
				global->distribution = node->distribution;
				global->dim = node->dim;
				global->plates = node->plates;
				global->size = node->distribution->size(node->dim);
				global->rank = rank;
				global->offset = plan->state_size;
				global->children = palloc(sizeof(PlanChild) * network->nnodes * MAX_PARAMS);
				plan->state_size += (Size) global->plates * PlateSize(global);
				map->global[i] = plan->nglobals++;
			}
}

/* Records the parameters of a global, a leaf or the selector, and itself as a child of them. */
static void
ConnectParams(NetworkPlan *plan, const NetworkNode *node, const NodeMap *map, PlanChild self, PlanParam *params)
{
	for (int p = 0; p < node->nparams; p++)
	{
		params[p].global = -1;
		if (node->params[p].kind == PARAM_NODE)
		{
			PlanGlobal *parent = &plan->globals[map->global[node->params[p].node]];

			params[p].global = map->global[node->params[p].node];
			if (self.kind == CHILD_GLOBAL)
				plan->hierarchical = true;
			self.param = p;
			parent->children[parent->nchildren++] = self;
		}
	}
}

int
LeafRank(const NetworkPlan *plan, const PlanLeaf *leaf)
{
	for (int p = 0; p < leaf->distribution->nparams; p++)
		if (leaf->distribution->params[p].shape == SHAPE_MATRIX && leaf->params[p].global >= 0
			&& plan->globals[leaf->params[p].global].plates == plan->components)
			return leaf->dim;
	return 1;
}

static void
AddLeaf(NetworkPlan *plan, const NetworkNode *node, int index, const NodeMap *map)
{
	PlanLeaf   *leaf = &plan->leaves[plan->nleaves];

	leaf->node = index;
	leaf->distribution = node->distribution;
	leaf->kernel = node->distribution->leaf;
	leaf->dim = node->ncolumns;
	leaf->columns = palloc(sizeof(int) * leaf->dim);
	for (int j = 0; j < leaf->dim; j++)
	{
		leaf->columns[j] = ColumnIndex(plan, node->columns[j]);
		if (plan->kinds[leaf->columns[j]] == NULL || !leaf->kernel->columns->any)
			plan->kinds[leaf->columns[j]] = leaf->kernel->columns;
	}
	leaf->constants_offset = plan->constants_size;
	leaf->stats_offset = plan->stats_size;
	plan->constants_size += leaf->kernel->constants_size(leaf->dim);
	plan->stats_size += leaf->kernel->stats_size(leaf->dim);
	leaf->absent_offset = plan->stats_size++;
	ConnectParams(plan, node, map, (PlanChild) {CHILD_LEAF, plan->nleaves, 0}, leaf->params);
	plan->nleaves++;
}

/* Returns -1, 0 or 1: nodes nearest the data first, location before scale, ties by id. */
static int
CompareUpdate(const NetworkPlan *plan, int a, int b)
{
	const PlanGlobal *x = &plan->globals[a];
	const PlanGlobal *y = &plan->globals[b];
	bool		x_location = x->units == UNITS_VALUE;
	bool		y_location = y->units == UNITS_VALUE;

	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	if (x_location != y_location)
		return x_location ? -1 : 1;
	return x->node < y->node ? -1 : x->node > y->node;
}

static void
OrderUpdates(NetworkPlan *plan)
{
	plan->update_order = palloc(sizeof(int) * (plan->nglobals + 1));
	for (int i = 0; i < plan->nglobals; i++)
	{
		int			j = i;

		/* insertion sort: there are few */
		while (j > 0 && CompareUpdate(plan, i, plan->update_order[j - 1]) < 0)
		{
			plan->update_order[j] = plan->update_order[j - 1];
			j--;
		}
		plan->update_order[j] = i;
	}
}

/* Derives the units of each global from its children; leaves have those of the data. */
static void
DeriveUnits(NetworkPlan *plan)
{
	for (int i = plan->nglobals - 1; i >= 0; i--)
	{
		PlanGlobal *global = &plan->globals[i];

		global->units = UNITS_NONE;
		for (int c = 0; c < global->nchildren; c++)
		{
			const PlanChild *child = &global->children[c];
			Units		units = UNITS_NONE;

			if (child->kind == CHILD_LEAF)
				units = ParamUnits(UNITS_VALUE, plan->leaves[child->index].distribution->params[child->param].role);
			else if (child->kind == CHILD_GLOBAL)
				units = ParamUnits(plan->globals[child->index].units,
								   plan->globals[child->index].distribution->params[child->param].role);
			if (c > 0 && units != global->units)
				ereport(ERROR,
						(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						 errmsg("node \"%s\" is a parameter in two ways that have different units",
								plan->network->nodes[global->node].name)));
			global->units = units;
		}
	}
}

/* Makes the groups of two columns one. */
static void
JoinColumns(int ncolumns, int *group, int from_column, int to_column)
{
	int			from = group[from_column];
	int			to = group[to_column];

	for (int k = 0; k < ncolumns; k++)
		if (group[k] == from)
			group[k] = to;
}

/* Gives the columns of a leaf the frames of those of another. */
static void
JoinFrames(NetworkPlan *plan, const PlanGlobal *global, const PlanLeaf *first, const PlanLeaf *leaf)
{
	if (leaf->dim != first->dim)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("node \"%s\" cannot be shared by nodes \"%s\" and \"%s\", which have %d and %d columns",
						plan->network->nodes[global->node].name, plan->network->nodes[first->node].name,
						plan->network->nodes[leaf->node].name, first->dim, leaf->dim)));
	for (int j = 0; j < leaf->dim; j++)
	{
		JoinColumns(plan->ncolumns, plan->frame_groups.frame, leaf->columns[j], first->columns[j]);
		JoinColumns(plan->ncolumns, plan->frame_groups.scale, leaf->columns[j], first->columns[j]);
	}
}

/* Gives the columns of a leaf one scale, if it has one precision for all of them. */
static void
JoinScales(NetworkPlan *plan, const PlanLeaf *leaf)
{
	const ParamSpec *params = leaf->distribution->params;

	for (int p = 0; p < leaf->distribution->nparams; p++)
		for (int j = 1; j < leaf->dim && params[p].role == ROLE_PRECISION && params[p].shape == SHAPE_SCALAR; j++)
			JoinColumns(plan->ncolumns, plan->frame_groups.scale, leaf->columns[j], leaf->columns[0]);
}

/* Joins the frames of all leaves below a global with that of the first; returns the first. */
static const PlanLeaf *
JoinLeavesBelow(NetworkPlan *plan, const PlanGlobal *shared, const PlanGlobal *global, const PlanLeaf *first)
{
	for (int c = 0; c < global->nchildren; c++)
	{
		const PlanChild *child = &global->children[c];

		if (child->kind == CHILD_GLOBAL)
			first = JoinLeavesBelow(plan, shared, &plan->globals[child->index], first);
		else if (child->kind == CHILD_LEAF && first == NULL)
			first = &plan->leaves[child->index];
		else if (child->kind == CHILD_LEAF)
			JoinFrames(plan, shared, first, &plan->leaves[child->index]);
	}
	return first;
}

static void
GroupFrames(NetworkPlan *plan)
{
	plan->frame_groups.frame = palloc(sizeof(int) * (plan->ncolumns + 1));
	plan->frame_groups.scale = palloc(sizeof(int) * (plan->ncolumns + 1));
	for (int j = 0; j < plan->ncolumns; j++)
		plan->frame_groups.frame[j] = plan->frame_groups.scale[j] = j;
	plan->frame_groups.fixed = palloc0(sizeof(bool) * (plan->ncolumns + 1));
	for (int l = 0; l < plan->nleaves; l++)
		for (int j = 0; j < plan->leaves[l].dim; j++)
			plan->frame_groups.fixed[plan->leaves[l].columns[j]] |= !plan->leaves[l].kernel->columns->framed;
	for (int l = 0; l < plan->nleaves; l++)
		JoinScales(plan, &plan->leaves[l]);
	for (int i = 0; i < plan->nglobals; i++)
		(void) JoinLeavesBelow(plan, &plan->globals[i], &plan->globals[i], NULL);
}

/*
 * Returns what is done with rows that lack columns.  An error if they are to be
 * marginalised and a leaf cannot.
 */
static MissingAction
ChooseMissing(const NetworkPlan *plan)
{
	const Network *network = plan->network;
	MissingAction missing = network->settings.missing;

	if (missing == MISSING_BY_TYPE)
		missing = network->type == NETWORK_CLUSTERING ? MISSING_MARGINALIZE : MISSING_SKIP;
	for (int l = 0; l < plan->nleaves && missing == MISSING_MARGINALIZE; l++)
	{
		const PlanLeaf *leaf = &plan->leaves[l];

		if (leaf->dim == 1 || leaf->kernel->missing->possible)
			continue;
		if (network->settings.missing == MISSING_BY_TYPE)
			return MISSING_SKIP;
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("missing values of node \"%s\" cannot be marginalized", network->nodes[leaf->node].name),
				 errdetail("Its distribution is %s.", leaf->distribution->name),
				 errhint("Set \"missing\" to \"skip\" with bnai_set(%s, 'missing', 'skip').", quote_literal_cstr(network->name))));
	}
	return missing;
}

/* Returns true if a prior is made of the covariances of the columns. */
static bool
UsesCovariances(const Network *network)
{
	for (int i = 0; i < network->nnodes; i++)
		for (int p = 0; p < network->nodes[i].nparams; p++)
		{
			const NodeParam *param = &network->nodes[i].params[p];

			if (param->kind == PARAM_DATA
				&& (param->moment == DATA_COVARIANCE || param->moment == DATA_INVERSE_COVARIANCE))
				return true;
		}
	return false;
}

NetworkPlan *
MakePlan(const Network *network)
{
	NetworkPlan	   *plan = palloc0(sizeof(NetworkPlan));
	int			total_columns = 1;
	NodeMap		map = {
		.global = palloc(sizeof(int) * (network->nnodes + 1)),
		.rank = palloc(sizeof(int) * (network->nnodes + 1)),
	};

	plan->network = network;
	plan->source = NetworkSource(network);
	plan->selector = -1;
	plan->components = 1;
	plan->constants_size = 1;
	plan->globals = palloc0(sizeof(PlanGlobal) * (network->nnodes + 1));
	plan->leaves = palloc0(sizeof(PlanLeaf) * (network->nnodes + 1));
	for (int i = 0; i < network->nnodes; i++)
	{
		total_columns += network->nodes[i].ncolumns;
		map.global[i] = IsLeaf(&network->nodes[i]) || IsSelector(&network->nodes[i]) ? -1 : 0;
	}
	plan->columns = palloc(sizeof(char *) * total_columns);
	plan->kinds = palloc0(sizeof(ColumnKind *) * total_columns);
	RankNodes(network, &map);
	OrderGlobals(plan, &map);

	for (int i = 0; i < plan->nglobals; i++)
		ConnectParams(plan, &network->nodes[plan->globals[i].node], &map, (PlanChild) {CHILD_GLOBAL, i, 0},
					  plan->globals[i].params);
	for (int i = 0; i < network->nnodes; i++)
	{
		const NetworkNode *node = &network->nodes[i];

		if (IsLeaf(node))
			AddLeaf(plan, node, i, &map);
		else if (IsSelector(node))
		{
			plan->selector = i;
			plan->components = node->dim;
			ConnectParams(plan, node, &map, (PlanChild) {CHILD_SELECTOR, 0, 0}, &plan->weights);
		}
	}
	for (int l = 0; l < plan->nleaves; l++)
		plan->rank = Max(plan->rank, LeafRank(plan, &plan->leaves[l]));
	DeriveUnits(plan);
	GroupFrames(plan);
	OrderUpdates(plan);
	plan->missing = ChooseMissing(plan);
	plan->covariances = UsesCovariances(network);
	return plan;
}

/* --- binding: what depends on the rows --- */

/* Writes the frame of some columns of the row store. */
static Frame
SubFrame(const RowStore *rows, int dim, const int *columns)
{
	Frame		frame = {dim, palloc(sizeof(double) * dim), palloc(sizeof(double) * dim)};

	for (int j = 0; j < dim; j++)
	{
		frame.centre[j] = rows->frame.centre[columns[j]];
		frame.scale[j] = rows->frame.scale[columns[j]];
	}
	return frame;
}

/* The columns that a global belongs to: those of the first leaf below it. */
static const PlanLeaf *
LeafBelow(const NetworkPlan *plan, const PlanGlobal *global)
{
	for (int c = 0; c < global->nchildren; c++)
	{
		const PlanChild *child = &global->children[c];
		const PlanLeaf *leaf = NULL;

		if (child->kind == CHILD_LEAF)
			leaf = &plan->leaves[child->index];
		else if (child->kind == CHILD_GLOBAL)
			leaf = LeafBelow(plan, &plan->globals[child->index]);
		if (leaf != NULL)
			return leaf;
	}
	return NULL;
}

double
ColumnVariance(const RowStore *rows, int column)
{
	double		variance = rows->variance[column];

	return variance > 1e-12 ? variance : 1.0;
}

/* Writes the variance of each column, in the frame; for a slot that takes one number their mean. */
static void
DataVariances(const RowStore *rows, const PlanLeaf *leaf, ValueShape shape, double *variances)
{
	double		sum = 0.0;

	for (int i = 0; i < leaf->dim; i++)
		sum += variances[i] = ColumnVariance(rows, leaf->columns[i]);
	if (shape == SHAPE_SCALAR)
		variances[0] = sum / leaf->dim;
}

/* Writes the covariance of the columns, in the frame, or its inverse. */
static void
DataCovariance(const RowStore *rows, const PlanLeaf *leaf, bool inverse, double *matrix)
{
	int			dim = leaf->dim;
	double	   *covariance = palloc(sizeof(double) * dim * dim);

	for (int i = 0; i < dim; i++)
	{
		for (int j = 0; j < dim; j++)
			covariance[i * dim + j] = rows->covariance[leaf->columns[i] * rows->ncolumns + leaf->columns[j]];
		covariance[i * dim + i] = Max(covariance[i * dim + i] * (1 + 1e-9), 1e-12);
	}
	if (!inverse)
		memcpy(matrix, covariance, sizeof(double) * dim * dim);
	else if (!InvertSPD(covariance, dim, matrix, NULL))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("the observed columns are linearly dependent: their covariance has no inverse"),
				 errhint("Use data_precision instead of data_inverse_covariance.")));
	pfree(covariance);
}

/* Writes a moment of the data, in the frame, as numbers of the slot's shape. */
static void
DataMomentValues(const RowStore *rows, const PlanLeaf *leaf, const NodeParam *param, ValueShape shape, double *values)
{
	int			dim = leaf->dim;
	double	   *matrix = palloc(sizeof(double) * dim * dim);
	double	   *variances = palloc(sizeof(double) * dim);

	switch (param->moment)
	{
		case DATA_MEAN:
			/* a multiple of the mean in the user's units */
			for (int i = 0; i < dim; i++)
				values[i] = param->factor * rows->mean[leaf->columns[i]]
					+ (param->factor - 1.0) * leaf->frame.centre[i] / leaf->frame.scale[i];
			break;
		case DATA_VARIANCE:
		case DATA_PRECISION:
			DataVariances(rows, leaf, shape, variances);
			if (shape == SHAPE_MATRIX)
				memset(values, 0, sizeof(double) * dim * dim);
			for (int i = 0; i < (shape == SHAPE_SCALAR ? 1 : dim); i++)
				values[shape == SHAPE_MATRIX ? i * dim + i : i]
					= param->factor * (param->moment == DATA_PRECISION ? 1.0 / variances[i] : variances[i]);
			break;
		case DATA_COVARIANCE:
		case DATA_INVERSE_COVARIANCE:
			DataCovariance(rows, leaf, param->moment == DATA_INVERSE_COVARIANCE, matrix);
			for (int i = 0; i < dim * dim; i++)
				values[i] = param->factor * matrix[i];
			break;
	}
	pfree(matrix);
	pfree(variances);
}

/* Raises an error if a constant, or what is computed from it, is no number. */
static void
CheckConstant(const NetworkNode *node, const ParamSpec *spec, const double *values, Size n)
{
	for (Size i = 0; i < n; i++)
		if (!isfinite(values[i]))
			ereport(ERROR,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("parameter \"%s\" of node \"%s\" is too large or too small to compute with", spec->name,
							node->name),
					 errhint("Choose numbers on the scale of the data.")));
}

/* Writes the moments of a constant parameter, in the frame; plate by plate where these differ. */
static void
SetConstant(const RowStore *rows, const PlanLeaf *leaf, const NetworkNode *node, const Frame *frame,
			const ParamSpec *spec, Units units, const NodeParam *param, int dim, PlanParam *to)
{
	const Distribution *family = spec->family;
	int			plates = DiffersByPlate(param) ? param->plates : 1;
	Size		size = ShapeSize(spec->shape, dim);
	Size		moments_size = family ? family->size(dim) : size;
	double	   *values = palloc(sizeof(double) * size);

	to->moments = palloc_extended(mul_size(sizeof(double) * moments_size, plates), MCXT_ALLOC_HUGE);
	to->stride = plates > 1 ? moments_size : 0;
	for (int plate = 0; plate < plates; plate++)
	{
		if (param->kind == PARAM_DATA)
			DataMomentValues(rows, leaf, param, spec->shape, values);
		else
			memcpy(values, param->values + plate * size, sizeof(double) * size);
		if (param->kind != PARAM_DATA && units != UNITS_NONE)
			ToFrame(frame, units, spec->shape, values);
		CheckConstant(node, spec, values, size);
		if (family)
			family->fixed(dim, values, to->moments + plate * moments_size);
		else
			memcpy(to->moments + plate * moments_size, values, sizeof(double) * size);
		CheckConstant(node, spec, to->moments + plate * moments_size, moments_size);
	}
	pfree(values);
}

static void
BindParams(const NetworkPlan *plan, const RowStore *rows, const NetworkNode *node, const PlanLeaf *leaf, const Frame *frame,
		   Units units, int dim, PlanParam *params)
{
	for (int p = 0; p < node->nparams; p++)
		if (params[p].global < 0)
			SetConstant(rows, leaf, node, frame, &node->distribution->params[p],
						ParamUnits(units, node->distribution->params[p].role), &node->params[p], dim, &params[p]);
}

/* Warns where a numeric prior puts the data so far out that every used component is charged for it; true if it did. */
static bool
WarnIfFar(const NetworkPlan *plan, const PlanGlobal *global)
{
	const Distribution *distribution = global->distribution;
	const NetworkNode *node = &plan->network->nodes[global->node];
	const double *mean = global->params[0].moments;
	const double *precision = global->params[1].moments;
	int			dim = distribution->shape == SHAPE_SCALAR ? 1 : global->dim;
	int			step = distribution->params[1].shape == SHAPE_MATRIX ? dim + 1 : 1;

	/* a component with a prior of its own is charged for it alone, and may well have no rows */
	if (global->units != UNITS_VALUE || mean == NULL || precision == NULL
		|| global->params[0].stride > 0 || global->params[1].stride > 0)
		return false;
	for (int i = 0; i < dim; i++)
		if (fabs(mean[i]) * sqrt(precision[i * step]) > FAR_FROM_PRIOR)
		{
			ereport(WARNING,
					(errmsg("the prior mean of node \"%s\" lies %.0f prior standard deviations from the data", node->name,
							fabs(mean[i]) * sqrt(precision[i * step])),
					 errhint("Give it a mean or a precision on the scale of the data, such as data_mean and 0.1 * data_precision.")));
			return true;
		}
	return false;
}

void
BindPlan(NetworkPlan *plan, const RowStore *rows)
{
	bool		warned = false;

	SetNoise(plan, rows);
	for (int i = 0; i < plan->nleaves; i++)
	{
		PlanLeaf   *leaf = &plan->leaves[i];

		leaf->frame = SubFrame(rows, leaf->dim, leaf->columns);
		BindParams(plan, rows, &plan->network->nodes[leaf->node], leaf, &leaf->frame, UNITS_VALUE, leaf->dim,
				   leaf->params);
	}
	for (int i = 0; i < plan->nglobals; i++)
	{
		PlanGlobal *global = &plan->globals[i];
		const PlanLeaf *leaf = LeafBelow(plan, global);

		if (leaf != NULL)
			global->frame = leaf->frame;
		BindParams(plan, rows, &plan->network->nodes[global->node], leaf, &global->frame, global->units, global->dim,
				   global->params);
		warned = warned || WarnIfFar(plan, global);
	}
	if (plan->selector >= 0)
		BindParams(plan, rows, &plan->network->nodes[plan->selector], NULL, NULL, UNITS_NONE, plan->components,
				   &plan->weights);
	BindSlots(plan);
}
