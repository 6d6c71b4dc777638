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
#include "source/query.h"
#include "tcop/dest.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

typedef struct RowReceiver
{
	DestReceiver pub;
	const LoadRequest *request;
	LoadResult	result;
	double	   *values;			/* one row */
	MemoryContext context;
	int			nlabels;
	char	  **labels;			/* distinct labels in order of appearance */
} RowReceiver;

/* Returns the index of a label, adding it if it is new. */
static int
LabelIndex(RowReceiver *receiver, Datum datum)
{
	text	   *label = DatumGetTextPP(datum);
	int			len = VARSIZE_ANY_EXHDR(label);
	const char *data = VARDATA_ANY(label);
	MemoryContext old;

	for (int i = 0; i < receiver->nlabels; i++)
		if (strlen(receiver->labels[i]) == len && memcmp(receiver->labels[i], data, len) == 0)
			return i;
	if (receiver->nlabels == receiver->request->max_labels)
		ereport(ERROR,
				(errcode(ERRCODE_CARDINALITY_VIOLATION),
				 errmsg("column \"%s\" holds more than %d different labels, one for each component of the network",
						receiver->request->label_column, receiver->request->max_labels),
				 errhint("Give the network more components, or start it with kmeans++.")));
	old = MemoryContextSwitchTo(receiver->context);
	receiver->labels[receiver->nlabels] = pnstrdup(data, len);
	MemoryContextSwitchTo(old);
	return receiver->nlabels++;
}

static void
ReportNotFinite(const RowReceiver *receiver, int column)
{
	ereport(ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg("column \"%s\" of \"%s\" holds %s, which cannot be fitted", receiver->request->columns[column],
					get_rel_name(receiver->request->source),
					isnan(receiver->values[column]) ? "NaN" : receiver->values[column] > 0 ? "Infinity" : "-Infinity"),
			 errhint("Correct the rows, or use a view without them as the source.")));
}

/* Appends one row of the executor to the store. */
static bool
ReceiveRow(TupleTableSlot *slot, DestReceiver *self)
{
	RowReceiver *receiver = (RowReceiver *) self;
	int			ncolumns = receiver->request->ncolumns;

	slot_getallattrs(slot);
	for (int j = 0; j < ncolumns; j++)
	{
		if (slot->tts_isnull[j])
		{
			receiver->result.skipped++;
			return true;
		}
		receiver->values[j] = DatumGetFloat8(slot->tts_values[j]);
		if (unlikely(!isfinite(receiver->values[j])))
			ReportNotFinite(receiver, j);
	}
	if (receiver->request->label_column)
		receiver->values[ncolumns] = slot->tts_isnull[ncolumns] ? -1 : LabelIndex(receiver, slot->tts_values[ncolumns]);
	RowStoreAppend(receiver->result.rows, receiver->values);
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

/* Writes SELECT a::float8, b::float8 [, label::text] FROM source. */
static char *
LoadQuery(const LoadRequest *request)
{
	StringInfoData query;

	initStringInfo(&query);
	appendStringInfoString(&query, "SELECT ");
	for (int j = 0; j < request->ncolumns; j++)
		appendStringInfo(&query, "%s%s::pg_catalog.float8", j > 0 ? ", " : "", quote_identifier(request->columns[j]));
	if (request->label_column)
		appendStringInfo(&query, ", pg_catalog.rtrim(%s::pg_catalog.text)", quote_identifier(request->label_column));
	appendStringInfo(&query, " FROM %s",
					 quote_qualified_identifier(get_namespace_name(get_rel_namespace(request->source)),
												get_rel_name(request->source)));
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
RankLabels(const RowReceiver *receiver)
{
	char	 ***sorted = palloc(sizeof(char **) * (receiver->nlabels + 1));
	int		   *rank = palloc0(sizeof(int) * (receiver->request->max_labels + 1));

	for (int i = 0; i < receiver->nlabels; i++)
		sorted[i] = &receiver->labels[i];
	qsort(sorted, receiver->nlabels, sizeof(char **), CompareLabels);
	for (int i = 0; i < receiver->nlabels; i++)
		rank[sorted[i] - receiver->labels] = i;
	return rank;
}

LoadResult
LoadRows(const LoadRequest *request, MemoryContext context)
{
	RowReceiver receiver = {
		.pub = {ReceiveRow, ReceiverStartup, ReceiverShutdown, ReceiverShutdown, DestTuplestore},
		.request = request,
		.context = context,
	};
	SPIExecuteOptions options = {.dest = &receiver.pub};
	int			guc_level;
	int			result;

	receiver.result.rows = RowStoreCreate(context, request->ncolumns, request->label_column ? request->max_labels : 0,
										   request->share_from);
	if (request->keep)
		RowStoreKeep(receiver.result.rows);
	receiver.result.rows->frame_group = request->frame_group;
	receiver.result.rows->names = request->columns;
	receiver.values = MemoryContextAlloc(context, sizeof(double) * (request->ncolumns + 1));
	receiver.labels = MemoryContextAlloc(context, sizeof(char *) * (request->max_labels + 1));

	/* the order of rows must not depend on other sessions or on workers */
	guc_level = NewGUCNestLevel();
	(void) set_config_option("max_parallel_workers_per_gather", "0", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE,
							 true, 0, false);
	(void) set_config_option("synchronize_seqscans", "off", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0,
							 false);
	result = SPI_execute_extended(LoadQuery(request), &options);
	AtEOXact_GUC(true, guc_level);
	if (result != SPI_OK_SELECT)
		elog(ERROR, "reading the source failed: %s", SPI_result_code_string(result));

	receiver.result.nlabels = receiver.nlabels;
	RowStoreFinish(receiver.result.rows, request->label_column ? RankLabels(&receiver) : NULL);
	return receiver.result;
}
