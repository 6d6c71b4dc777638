/*
 * compare_clusters.c
 *		How many clusters, and why: the same rows with one number of
 *		components after the other.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "catalog/params.h"
#include "catalog/privileges.h"
#include "compat.h"
#include "inference/fit.h"

PG_FUNCTION_INFO_V1(bnai_compare_clusters);

/* Raises an error about a node that says something else of each component. */
pg_noreturn static void
CannotResize(const Network *network, const NetworkNode *node)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("network \"%s\" has no other number of clusters: node \"%s\" tells them apart", network->name,
					node->name),
			 errdetail("Its parameters are %s.", node->params_text),
			 errhint("Give all components the same number, as in full(10, 0.5).")));
}

/* Gives a constant vector over the components, all elements of which are equal, another length. */
static void
ResizeConstant(const Network *network, const NetworkNode *node, NodeParam *param, int components, double total)
{
	double		value = param->values[0];

	for (int i = 1; i < param->dim; i++)
		if (param->values[i] != value)
			CannotResize(network, node);
	param->values = palloc(sizeof(double) * components);
	for (int i = 0; i < components; i++)
		param->values[i] = total > 0.0 ? total / components : value;
	param->dim = components;
}

/* Gives a node another number of plates. */
static void
ResizePlates(const Network *network, NetworkNode *node, int plates)
{
	for (int p = 0; p < node->nparams; p++)
		if (DiffersByPlate(&node->params[p]))
			CannotResize(network, node);
	node->plates = plates;
}

/* Gives a network that is not validated yet another number of components. */
static void
ResizeComponents(Network *network, int components)
{
	int			selector = 0;
	NetworkNode *owner;
	int			before;

	while (selector < network->nnodes && !IsSelector(&network->nodes[selector]))
		selector++;
	if (selector == network->nnodes)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("network \"%s\" has no clusters to compare numbers of", network->name)));
	owner = &network->nodes[selector];
	if (owner->params[0].kind == PARAM_NODE)
		owner = &network->nodes[owner->params[0].node];
	if (owner->params[0].kind != PARAM_CONSTANT)
		CannotResize(network, owner);
	before = owner->params[0].dim;
	ResizeConstant(network, owner, &owner->params[0], components, owner == &network->nodes[selector] ? 1.0 : 0.0);
	owner->dim = network->nodes[selector].dim = 0;
	for (int i = 0; i < network->nnodes; i++)
		if (before > 1 && network->nodes[i].plates == before)
			ResizePlates(network, &network->nodes[i], components);
}

/* Loads a network with so many components, all of which stay in use. */
static Network *
LoadWithComponents(const char *name, int components)
{
	Network    *network = LoadNetwork(name, false);

	CheckMayReadNetwork(network);
	LockSource(network);
	ResizeComponents(network, components);
	network->settings.prune = false;
	if (network->settings.start == START_RESULTS || network->settings.start == START_POSTERIOR)
		network->settings.start = START_KMEANS;
	ValidateNetwork(network);
	CheckSourcePrivileges(network, false);
	return network;
}

/* Returns expected sizes as bigint[]. */
static Datum
SizesArray(const Outcome *outcome)
{
	Datum	   *sizes = palloc(sizeof(Datum) * (outcome->clusters + 1));

	for (int k = 0; k < outcome->clusters; k++)
		sizes[k] = Int64GetDatum((int64) (outcome->sizes[k] + 0.5));
	return PointerGetDatum(construct_array(sizes, outcome->clusters, INT8OID, sizeof(int64), FLOAT8PASSBYVAL,
										   TYPALIGN_DOUBLE));
}

/* Adds a row for each restart. */
static void
PutOutcomes(ReturnSetInfo *result, int components, const Fit *fit)
{
	for (int i = 0; i < fit->noutcomes; i++)
	{
		const Outcome *outcome = &fit->outcomes[i];
		bool		nulls[9] = {false};
		Datum		values[9] = {
			Int32GetDatum(components), Int32GetDatum(outcome->restart),
			BoolGetDatum(outcome->restart == fit->best_restart), Float8GetDatum(outcome->elbo),
			Float8GetDatum(outcome->evidence), Int32GetDatum(outcome->clusters), SizesArray(outcome),
			Int32GetDatum(outcome->iterations), BoolGetDatum(outcome->converged)
		};

		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
}

/* Fits the network's rows with each number of components; stores nothing. */
Datum
bnai_compare_clusters(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	int			from = PG_GETARG_INT32(1);
	int			to = PG_GETARG_INT32(2);
	NetworkPlan *plan;
	LoadRequest request;
	LoadResult	loaded;

	if (from < 1 || to < from || to > MAX_VECTOR_DIM)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid range of numbers of clusters: %d to %d", from, to),
				 errdetail("They are from 1 to %d, the smaller one first.", MAX_VECTOR_DIM)));
	InitMaterializedSRF(fcinfo, 0);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	plan = MakePlan(LoadWithComponents(name, to));
	CheckModelMemory(plan);
	request = RowsForPlan(plan);
	loaded = LoadRows(&request, CurrentMemoryContext);
	if (!(loaded.rows->total > 0.0))
		ereport(ERROR,
				(errcode(ERRCODE_NO_DATA_FOUND),
				 errmsg("relation \"%s\" has no rows to infer network \"%s\" from", get_rel_name(plan->source), name)));
	for (int components = from; components <= to; components++)
	{
		MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "bnai comparison", ALLOCSET_DEFAULT_SIZES);
		MemoryContext old = MemoryContextSwitchTo(context);

		PutOutcomes(result, components,
					FitRows(MakePlan(LoadWithComponents(name, components)), loaded.rows, NULL));
		MemoryContextSwitchTo(old);
		MemoryContextDelete(context);
	}
	RowStoreFree(loaded.rows);
	SPI_finish();
	return (Datum) 0;
}
