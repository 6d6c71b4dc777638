/*
 * query.c
 *		From a table (or anything that can stand in FROM) to packed rows.
 *
 * Rows go from the executor through a DestReceiver into the store, without a
 * tuple table in between.
 */
#include "postgres.h"

#include <math.h>

#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "catalog/source.h"
#include "source/column.h"
#include "source/query.h"
#include "storage/lmgr.h"
#include "tcop/dest.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/float.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

/* Most that all rows together may count for */
#define MAX_TOTAL 0x1p53

struct RowIntake
{
	const LoadRequest *request;
	LoadResult	result;
	double	   *values;			/* one row */
	bool	   *nulls;			/* which of its columns are NULL */
	MemoryContext context;
	char	  **labels;			/* distinct labels in order of appearance; result.nlabels of them */
};

typedef struct RowReceiver
{
	DestReceiver pub;
	RowIntake  *intake;
	int			ncolumns;		/* of the source */
	const SourceColumn *columns;
	MemoryContext row_context;
} RowReceiver;

/* Returns the index of a label, adding it if it is new. */
static int
LabelIndex(RowIntake *intake, Datum datum)
{
	text	   *label = DatumGetTextPP(datum);
	int			len = VARSIZE_ANY_EXHDR(label);
	const char *data = VARDATA_ANY(label);
	MemoryContext old;

	for (int i = 0; i < intake->result.nlabels; i++)
		if (strlen(intake->labels[i]) == len && memcmp(intake->labels[i], data, len) == 0)
			return i;
	if (intake->result.nlabels == intake->request->max_labels)
		ereport(ERROR,
				(errcode(ERRCODE_CARDINALITY_VIOLATION),
				 errmsg("column \"%s\" holds more than %d different labels, one for each component of the network",
						intake->request->label_column, intake->request->max_labels),
				 errhint("Give the network more components, or start it with kmeans++.")));
	old = MemoryContextSwitchTo(intake->context);
	intake->labels[intake->result.nlabels] = pnstrdup(data, len);
	MemoryContextSwitchTo(old);
	return intake->result.nlabels++;
}

static void
ReportNotFinite(const RowIntake *intake, int column)
{
	const LoadRequest *request = intake->request;
	double		value = intake->values[column];
	const char *what = isnan(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity";

	ereport(ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 OidIsValid(request->source) ?
			 errmsg("column \"%s\" of \"%s\" holds %s, which cannot be fitted", request->columns[column],
					get_rel_name(request->source), what) :
			 errmsg("%s was given for column \"%s\", which cannot be fitted", what, request->columns[column]),
			 OidIsValid(request->source) ?
			 errhint("Correct the rows, or use a view without them as the source.") :
			 errhint("Correct the rows, or leave them out with FILTER or WHERE.")));
}

/* Raises an error about a number that is no value of its column. */
static void
ReportNoValue(const RowIntake *intake, int column)
{
	const LoadRequest *request = intake->request;
	const char *value = DatumGetCString(DirectFunctionCall1(float8out, Float8GetDatum(intake->values[column])));

	ereport(ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 OidIsValid(request->source) ?
			 errmsg("column \"%s\" of \"%s\" holds %s, which cannot be fitted", request->columns[column],
					get_rel_name(request->source), value) :
			 errmsg("%s was given for column \"%s\", which cannot be fitted", value, request->columns[column]),
			 errdetail("Its values are %s.", request->kinds[column]->values)));
}

/* Raises an error about a weight. */
static void
ReportWeight(const LoadRequest *request, bool isnull, double value)
{
	const char *what = isnull ? "NULL" : DatumGetCString(DirectFunctionCall1(float8out, Float8GetDatum(value)));

	ereport(ERROR,
			(errcode(isnull ? ERRCODE_NULL_VALUE_NOT_ALLOWED : ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 OidIsValid(request->source) ?
			 errmsg("weight column \"%s\" of \"%s\" holds %s", request->weight_column, get_rel_name(request->source), what) :
			 errmsg("%s was given for weight column \"%s\"", what, request->weight_column),
			 errdetail("A weight says how often a row counts: a finite number, 0 or more.")));
}

RowIntake *
BeginRows(const LoadRequest *request, MemoryContext context)
{
	MemoryContext old = MemoryContextSwitchTo(context);
	RowIntake  *intake = palloc0(sizeof(RowIntake));
	RowStore   *rows = RowStoreCreate(context, request->ncolumns, request->label_column ? request->max_labels : 0,
									  request->weight_column != NULL, request->covariances, request->share_from);

	if (request->keep)
		RowStoreKeep(rows);
	rows->frame_groups = request->frame_groups;
	rows->names = request->columns;
	intake->request = request;
	intake->result.rows = rows;
	intake->context = context;
	intake->values = palloc(sizeof(double) * rows->width);
	intake->nulls = palloc(sizeof(bool) * rows->width);
	intake->labels = palloc(sizeof(char *) * (request->max_labels + 1));
	MemoryContextSwitchTo(old);
	return intake;
}

/* Returns a row's weight. */
static double
Weight(const LoadRequest *request, Datum value, bool isnull)
{
	double		weight = isnull ? 0.0 : DatumGetFloat8(value);

	if (unlikely(isnull || !(weight >= 0.0) || isinf(weight)))
		ReportWeight(request, isnull, weight);
	return weight;
}

/* True if a row takes part that is NULL in `missing` of the columns. */
static bool
TakesPart(const RowIntake *intake, int missing)
{
	const LoadRequest *request = intake->request;
	int			column = 0;

	if (request->missing != MISSING_ERROR)
		return request->missing == MISSING_MARGINALIZE && missing < request->ncolumns;
	while (!intake->nulls[column])
		column++;
	ereport(ERROR,
			(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
			 OidIsValid(request->source) ?
			 errmsg("column \"%s\" of \"%s\" holds NULL", request->columns[column], get_rel_name(request->source)) :
			 errmsg("NULL was given for column \"%s\"", request->columns[column]),
			 errdetail("The network's setting \"missing\" is \"error\"."),
			 errhint("Correct the rows, or set \"missing\" to \"marginalize\" or \"skip\" with bnai_set().")));
}

/* Takes one number of the row. */
static void
SetNumber(RowIntake *intake, int column, Datum value, bool isnull)
{
	intake->nulls[column] = isnull;
	intake->values[column] = isnull ? get_float8_nan() : DatumGetFloat8(value);
}

/* Takes the row whose numbers have been set; `rest` are its label and its weight, as far as there are any. */
static void
FinishRow(RowIntake *intake, const Datum *rest, const bool *rest_nulls)
{
	const LoadRequest *request = intake->request;
	const RowStore *rows = intake->result.rows;
	int			missing = 0;

	for (int j = 0; j < request->ncolumns; j++)
		if (unlikely(!isfinite(intake->values[j])))
		{
			if (!intake->nulls[j])
				ReportNotFinite(intake, j);
			missing++;
		}
		else if (request->kinds != NULL && unlikely(!request->kinds[j]->any) && !request->kinds[j]->valid(intake->values[j]))
			ReportNoValue(intake, j);
	if (unlikely(missing > 0) && !TakesPart(intake, missing))
	{
		intake->result.skipped++;
		return;
	}
	if (request->label_column)
		intake->values[request->ncolumns] = rest_nulls[0] ? -1 : LabelIndex(intake, rest[0]);
	if (request->weight_column)
		intake->values[rows->width - 1] = Weight(request, rest[rows->labelled], rest_nulls[rows->labelled]);
	RowStoreAppend(intake->result.rows, intake->values);
}

void
TakeRow(RowIntake *intake, const Datum *values, const bool *nulls)
{
	int			ncolumns = intake->request->ncolumns;

	for (int j = 0; j < ncolumns; j++)
		SetNumber(intake, j, values[j], nulls[j]);
	FinishRow(intake, values + ncolumns, nulls + ncolumns);
}

/* Takes the elements of one column of the row. */
static void
SetElements(RowIntake *intake, int first, const SourceColumn *column, Datum value, bool isnull)
{
	ArrayType  *array;

	for (int j = 0; isnull && j < column->width; j++)
		SetNumber(intake, first + j, (Datum) 0, true);
	if (isnull)
		return;
	array = DatumGetArrayTypeP(value);
	if (ReadElements(array, column->width, intake->values + first, intake->nulls + first) < 0)
		ReportElements(array, column->width, column->name, get_rel_name(intake->request->source));
}

/* Takes one row of the executor; what its arrays are unpacked to is given back. */
static bool
ReceiveRow(TupleTableSlot *slot, DestReceiver *self)
{
	const RowReceiver *receiver = (RowReceiver *) self;
	RowIntake  *intake = receiver->intake;
	MemoryContext old = MemoryContextSwitchTo(receiver->row_context);
	int			first = 0;

	slot_getallattrs(slot);
	for (int i = 0; i < receiver->ncolumns; i++)
	{
		const SourceColumn *column = &receiver->columns[i];

		if (column->width == 0)
			SetNumber(intake, first++, slot->tts_values[i], slot->tts_isnull[i]);
		else
		{
			SetElements(intake, first, column, slot->tts_values[i], slot->tts_isnull[i]);
			first += column->width;
		}
	}
	FinishRow(intake, slot->tts_values + receiver->ncolumns, slot->tts_isnull + receiver->ncolumns);
	MemoryContextSwitchTo(old);
	MemoryContextReset(receiver->row_context);
	return true;
}

static void
ReceiverStartup(DestReceiver *self, int operation, TupleDesc typeinfo)
{
}

static void
ReceiverShutdown(DestReceiver *self)
{
}

/* Writes SELECT a::float8, b::float8, array [, label::text] [, weight::float8] FROM source; what these are is not changed meanwhile. */
static char *
LoadQuery(const LoadRequest *request)
{
	StringInfoData query;
	char	   *source;

	LockRelationOid(request->source, AccessShareLock);
	source = QualifiedRelationName(request->source);
	if (source == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("the source of the network was dropped")));
	initStringInfo(&query);
	appendStringInfoString(&query, "SELECT ");
	for (int j = 0; j < request->nsource_columns; j++)
	{
		appendStringInfoString(&query, j > 0 ? ", " : "");
		AppendSourceColumn(&query, request->source, &request->source_columns[j]);
	}
	if (request->label_column)
		appendStringInfo(&query, ", pg_catalog.rtrim(%s::pg_catalog.text)", 
						 QuotedColumn(request->source, request->label_attribute, request->label_column));
	if (request->weight_column)
		appendStringInfo(&query, ", %s::pg_catalog.float8", 
						 QuotedColumn(request->source, request->weight_attribute, request->weight_column));
	appendStringInfo(&query, " FROM %s", source);
	return query.data;
}

static int
CompareLabels(const void *a, const void *b)
{
	const char *x = **(const char *const *const *) a;
	const char *y = **(const char *const *const *) b;

	/* shorter first: A … Z, AA …; 1 … 9, 10 … */
	return strlen(x) != strlen(y) ? (strlen(x) < strlen(y) ? -1 : 1) : strcmp(x, y);
}

/* Returns the rank of each label in their own order, instead of that of the rows, which an UPDATE changes. */
static int *
RankLabels(const RowIntake *intake)
{
	int			nlabels = intake->result.nlabels;
	char	 ***sorted = palloc(sizeof(char **) * (nlabels + 1));
	int		   *rank = palloc0(sizeof(int) * (intake->request->max_labels + 1));

	for (int i = 0; i < nlabels; i++)
		sorted[i] = &intake->labels[i];
	qsort(sorted, nlabels, sizeof(char **), CompareLabels);
	for (int i = 0; i < nlabels; i++)
		rank[sorted[i] - intake->labels] = i;
	return rank;
}

LoadResult
EndRows(RowIntake *intake)
{
	/* beyond this numbers of rows are not exact */
	if (intake->result.rows->total > MAX_TOTAL)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("the weights in column \"%s\" sum to %g, which is too much", intake->request->weight_column,
						intake->result.rows->total),
				 errdetail("The sum of all weights must not exceed %g.", MAX_TOTAL)));
	RowStoreFinish(intake->result.rows, intake->request->label_column ? RankLabels(intake) : NULL);
	return intake->result;
}

RowStore *
IntakeRows(const RowIntake *intake)
{
	return intake->result.rows;
}

LoadResult
LoadRows(const LoadRequest *request, MemoryContext context)
{
	RowReceiver receiver = {
		.pub = {ReceiveRow, ReceiverStartup, ReceiverShutdown, ReceiverShutdown, DestTuplestore},
		.intake = BeginRows(request, context),
		.row_context = AllocSetContextCreate(context, "bnai row", ALLOCSET_DEFAULT_SIZES),
	};
	SPIExecuteOptions options = {.dest = &receiver.pub};
	int			guc_level;
	int			result;

	receiver.ncolumns = request->nsource_columns;
	receiver.columns = request->source_columns;

	/* the order of rows must not depend on other sessions or on workers */
	guc_level = NewGUCNestLevel();
	(void) set_config_option("max_parallel_workers_per_gather", "0", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE,
							 true, 0, false);
	(void) set_config_option("synchronize_seqscans", "off", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0,
							 false);
	result = SPI_execute_extended(LoadQuery(request), &options);
	AtEOXact_GUC(true, guc_level);
	MemoryContextDelete(receiver.row_context);
	if (result != SPI_OK_SELECT)
		elog(ERROR, "reading the source failed: %s", SPI_result_code_string(result));
	return EndRows(receiver.intake);
}
