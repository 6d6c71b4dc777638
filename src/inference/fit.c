/*
 * fit.c
 *		From rows to a fit, wherever the rows come from; and bnai_fit, which
 *		takes them from the query that it is an aggregate of.
 *
 * The rows of a group wait in plain memory until there are enough of them to
 * be worth a row store, for there may be many small groups at the same time.
 * A group's memory and files go when its posterior has been made or, where it
 * comes to that, with the group's memory: the executor calls back before it
 * resets that, and after an error the resource owner has closed the files.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "nodes/execnodes.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "catalog/observed.h"
#include "catalog/privileges.h"
#include "compat.h"
#include "engine/parallel.h"
#include "inference/fit.h"
#include "inference/summary.h"

PG_FUNCTION_INFO_V1(bnai_fit_row);
PG_FUNCTION_INFO_V1(bnai_fit_posterior);

/* Returns the columns of the source that the plan's numbers come from, each once, as the plan has them. */
static SourceColumn *
PlanSourceColumns(const NetworkPlan *plan, int *n)
{
	SourceColumn *columns = palloc(sizeof(SourceColumn) * (plan->ncolumns + 1));

	*n = 0;
	for (int l = 0; l < plan->nleaves; l++)
	{
		const NetworkNode *node = &plan->network->nodes[plan->leaves[l].node];

		for (int j = 0; j < node->nsource_columns; j++)
		{
			bool		found = false;

			for (int i = 0; i < *n; i++)
				found |= columns[i].attribute == node->source_columns[j].attribute;
			if (!found)
				columns[(*n)++] = node->source_columns[j];
		}
	}
	return columns;
}

LoadRequest
RowsForPlan(const NetworkPlan *plan)
{
	int			n;
	SourceColumn *columns = PlanSourceColumns(plan, &n);

	return (LoadRequest) {
		.source = plan->source,
		.ncolumns = plan->ncolumns,
		.columns = plan->columns,
		.kinds = plan->kinds,
		.nsource_columns = n,
		.source_columns = columns,
		.frame_groups = &plan->frame_groups,
		.max_labels = plan->components,
		.weight_column = plan->network->settings.weight_column,
		.weight_attribute = plan->network->settings.weight_attribute,
		.covariances = plan->covariances,
		.missing = plan->missing,
		.share_from = ParallelRows(plan),
	};
}

Fit *
FitRows(NetworkPlan *plan, const RowStore *rows, const Posterior *start)
{
	Job		   *from = NULL;

	BindPlan(plan, rows);
	if (start)
		from = JobFromPosterior(plan, rows, start, !plan->network->settings.prune);
	return FitInParallel(plan, rows, from);
}

/* --- bnai_fit: a network that rows are given for, one for all groups of a query that name it --- */

typedef struct FitNetwork
{
	struct FitNetwork *next;
	text	   *name;
	Network    *network;
	NetworkPlan *plan;			/* bound to the rows of one group after the other */
	LoadRequest request;
	int			nvalues;		/* that a row is given by: the columns, leaf by leaf, and the weight if there is one */
	int			width;			/* what is kept of a row: the columns of the plan, and the weight */
	int		   *value_of;		/* for each of these, which of the values it is */
} FitNetwork;

/* The rows of one group */
typedef struct FitGroup
{
	FitNetwork *network;
	MemoryContext context;		/* of all that belongs to the group */

	/* rows that wait for a row store, one after the other */
	int			nwaiting;
	int			max_waiting;
	Datum	   *values;
	bool	   *nulls;

	RowIntake  *intake;			/* NULL: all rows wait */
} FitGroup;

/* So many rows may wait */
#define FIRST_WAITING 16
#define MAX_WAITING 512

/* Says by which value each column of the plan is given: a column that two leaves observe is given twice, as for scoring. */
static void
OrderValues(FitNetwork *fit)
{
	const NetworkPlan *plan = fit->plan;

	fit->width = plan->ncolumns + (fit->request.weight_column != NULL);
	fit->value_of = palloc0(sizeof(int) * (plan->ncolumns + 1));
	for (int l = plan->nleaves - 1; l >= 0; l--)
		fit->nvalues += plan->leaves[l].dim;
	for (int l = plan->nleaves - 1, end = fit->nvalues; l >= 0; l--)
	{
		const PlanLeaf *leaf = &plan->leaves[l];

		end -= leaf->dim;
		for (int j = 0; j < leaf->dim; j++)
			fit->value_of[leaf->columns[j]] = end + j;
	}
	if (fit->request.weight_column != NULL)
		fit->value_of[plan->ncolumns] = fit->nvalues++;
}

/*
 * Loads a network, in the current memory context.  Whoever may read it may fit
 * it to rows that they can read.
 */
static FitNetwork *
LoadFitNetwork(text *name)
{
	FitNetwork *fit = palloc0(sizeof(FitNetwork));

	fit->name = DatumGetTextPCopy(PointerGetDatum(name));
	fit->network = LoadNetwork(text_to_cstring(name), false);
	CheckMayReadNetwork(fit->network);
	ValidateNetwork(fit->network);
	if (fit->network->settings.start == START_RESULTS)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("network \"%s\" starts from its results, which the rows of a query do not have",
						fit->network->name),
				 errhint("Create another network with start => 'kmeans++'.")));
	fit->plan = MakePlan(fit->network);
	CheckModelMemory(fit->plan);
	fit->request = RowsForPlan(fit->plan);
	fit->request.source = InvalidOid;
	OrderValues(fit);
	return fit;
}

static bool
SameText(const text *a, const text *b)
{
	return VARSIZE_ANY_EXHDR(a) == VARSIZE_ANY_EXHDR(b) && memcmp(VARDATA_ANY(a), VARDATA_ANY(b), VARSIZE_ANY_EXHDR(a)) == 0;
}

/*
 * Returns true if the aggregate holds the rows of many groups at once; shared
 * memory is for one.
 */
static bool
HoldsManyGroups(FunctionCallInfo fcinfo)
{
	AggStrategy strategy = ((AggState *) fcinfo->context)->aggstrategy;

	return strategy == AGG_HASHED || strategy == AGG_MIXED;
}

/* Returns a network by name; each is loaded once in an execution of the query. */
static FitNetwork *
FindFitNetwork(FunctionCallInfo fcinfo, text *name)
{
	FmgrInfo   *flinfo = fcinfo->flinfo;
	FitNetwork *first = flinfo->fn_extra;
	FitNetwork *fit = first;
	MemoryContext old;

	while (fit != NULL && !SameText(fit->name, name))
		fit = fit->next;
	if (fit != NULL)
		return fit;
	old = MemoryContextSwitchTo(flinfo->fn_mcxt);
	fit = LoadFitNetwork(name);
	if (HoldsManyGroups(fcinfo))
		fit->request.share_from = 0;
	fit->next = first;
	flinfo->fn_extra = fit;
	MemoryContextSwitchTo(old);
	return fit;
}

/* Releases what a group holds; after an error the resource owner and the memory context do that. */
static void
FreeGroup(Datum datum)
{
	FitGroup   *group = (FitGroup *) DatumGetPointer(datum);

	if (group->intake)
		RowStoreFree(IntakeRows(group->intake));
	group->intake = NULL;
	if (group->context)
		MemoryContextDelete(group->context);
	group->context = NULL;
}

/* Begins a group, in the aggregate's memory. */
static FitGroup *
BeginGroup(FunctionCallInfo fcinfo, FitNetwork *network)
{
	MemoryContext aggregate;
	FitGroup   *group;

	if (AggCheckCallContext(fcinfo, &aggregate) != AGG_CONTEXT_AGGREGATE)
		elog(ERROR, "bnai_fit_row was called outside of an aggregate");
	group = MemoryContextAllocZero(aggregate, sizeof(FitGroup));
	group->network = network;
	group->context = AllocSetContextCreate(aggregate, "bnai fit", ALLOCSET_SMALL_SIZES);
	AggRegisterCallback(fcinfo, FreeGroup, PointerGetDatum(group));
	return group;
}

/* Makes room for one more row to wait. */
static void
GrowWaiting(FitGroup *group)
{
	int			width = group->network->width;
	int			max = group->max_waiting == 0 ? FIRST_WAITING : 2 * group->max_waiting;
	Datum	   *values = MemoryContextAlloc(group->context, sizeof(Datum) * max * width);
	bool	   *nulls = MemoryContextAlloc(group->context, sizeof(bool) * max * width);

	if (group->nwaiting > 0)
	{
		memcpy(values, group->values, sizeof(Datum) * group->nwaiting * width);
		memcpy(nulls, group->nulls, sizeof(bool) * group->nwaiting * width);
		pfree(group->values);
		pfree(group->nulls);
	}
	group->values = values;
	group->nulls = nulls;
	group->max_waiting = max;
}

/* Lets the rows that wait into the row store. */
static void
TakeWaiting(FitGroup *group)
{
	int			width = group->network->width;

	if (group->intake == NULL)
		group->intake = BeginRows(&group->network->request, group->context);
	for (int n = 0; n < group->nwaiting; n++)
		TakeRow(group->intake, group->values + n * width, group->nulls + n * width);
	group->nwaiting = 0;
}

pg_noreturn static void
RefuseValues(const FitNetwork *fit, int given)
{
	StringInfoData columns;
	const NetworkPlan *plan = fit->plan;

	initStringInfo(&columns);
	for (int l = 0; l < plan->nleaves; l++)
	{
		const NetworkNode *node = &plan->network->nodes[plan->leaves[l].node];

		appendStringInfoString(&columns, l > 0 ? ", " : "");
		AppendNames(&columns, node->ncolumns, node->columns);
	}
	if (fit->request.weight_column != NULL)
		appendStringInfo(&columns, ", %s", quote_identifier(fit->request.weight_column));
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("a row of network \"%s\" has %d values, not %d", fit->network->name, fit->nvalues, given),
			 fit->request.weight_column == NULL ?
			 errdetail("The columns are %s, in this order.", columns.data) :
			 errdetail("The columns are %s, in this order; the last one is the weight.", columns.data)));
}

/* Lets one row wait; NULL is a row of NULLs. */
static void
AddRow(FitGroup *group, ArrayType *row)
{
	const FitNetwork *fit = group->network;
	int			width = fit->width;
	Datum	   *values;
	bool	   *nulls;
	Datum	   *given = NULL;
	bool	   *missing = NULL;
	int			ngiven = 0;

	if (row != NULL)
	{
		if (ARR_NDIM(row) > 1)
			ereport(ERROR, (errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR), errmsg("a row must be a one-dimensional array")));
		deconstruct_array(row, FLOAT8OID, sizeof(float8), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &given, &missing, &ngiven);
		if (ngiven != fit->nvalues)
			RefuseValues(fit, ngiven);
	}
	if (group->nwaiting == MAX_WAITING)
		TakeWaiting(group);
	else if (group->nwaiting == group->max_waiting)
		GrowWaiting(group);
	values = group->values + group->nwaiting * width;
	nulls = group->nulls + group->nwaiting * width;
	for (int j = 0; j < width; j++)
	{
		nulls[j] = row == NULL || missing[fit->value_of[j]];
		values[j] = nulls[j] ? (Datum) 0 : given[fit->value_of[j]];
	}
	group->nwaiting++;
}

/* bnai_fit_row(state, network, VARIADIC observation): takes one row. */
Datum
bnai_fit_row(PG_FUNCTION_ARGS)
{
	FitGroup   *group = PG_ARGISNULL(0) ? NULL : (FitGroup *) PG_GETARG_POINTER(0);
	FitNetwork *network;

	if (PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must not be NULL", "network")));
	if (group == NULL || !SameText(group->network->name, PG_GETARG_TEXT_PP(1)))
	{
		network = FindFitNetwork(fcinfo, PG_GETARG_TEXT_PP(1));
		if (group != NULL)
			ereport(ERROR,
					(errcode(ERRCODE_CARDINALITY_VIOLATION),
					 errmsg("bnai_fit was given two networks in one group, \"%s\" and \"%s\"",
							group->network->network->name, network->network->name),
					 errhint("Group the rows by network.")));
		group = BeginGroup(fcinfo, network);
	}
	AddRow(group, PG_ARGISNULL(2) ? NULL : PG_GETARG_ARRAYTYPE_P(2));
	PG_RETURN_POINTER(group);
}

/* Fits the network to the rows of a group; NULL if there are none. */
static Posterior *
FitGroupRows(FitGroup *group)
{
	NetworkPlan *plan = group->network->plan;
	RowStore   *rows;
	double	   *shared;

	TakeWaiting(group);
	rows = EndRows(group->intake).rows;
	return rows->total == 0 ? NULL : SummariseFit(plan, FitRows(plan, rows, NULL), NULL, &shared);
}

/* bnai_fit_posterior(state): the posterior of the rows that were taken; see the COMMENT on bnai_fit. */
Datum
bnai_fit_posterior(PG_FUNCTION_ARGS)
{
	FitGroup   *group = PG_ARGISNULL(0) ? NULL : (FitGroup *) PG_GETARG_POINTER(0);
	MemoryContext context;
	MemoryContext old;
	Posterior  *posterior;
	Datum		result = (Datum) 0;

	if (group == NULL)
		PG_RETURN_NULL();
	context = AllocSetContextCreate(group->context, "bnai fit of a group", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	posterior = FitGroupRows(group);
	MemoryContextSwitchTo(old);
	if (posterior != NULL)
		result = PosteriorGetDatum(posterior);
	fcinfo->isnull = posterior == NULL;
	FreeGroup(PointerGetDatum(group));
	PG_RETURN_DATUM(result);
}
