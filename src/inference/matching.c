/*
 * matching.c
 *		Which rows the clusters of two runs share, and what that says of the
 *		change between them.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "storage/shmem.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "compat.h"
#include "inference/matching.h"
#include "inference/results.h"
#include "inference/runs.h"
#include "posterior/current.h"
#include "posterior/describe.h"
#include "posterior/labels.h"

PG_FUNCTION_INFO_V1(bnai_changes);

/* Clusters that share this part of the rows of a label that came or went have to do with it */
#define RELATED 0.2

/* From this part on, a label's rows came from (or went to) other labels, rather than were born (or died) */
#define INHERITED 0.5

/* Less of a row than this is not kept */
#define NO_ROW 1e-3

/* --- which rows are shared --- */

/* Returns the component with a label, -1 if there is none. */
static int
LabelledComponent(const Posterior *posterior, const char *label)
{
	for (int k = 0; k < posterior->components; k++)
		if (posterior->clusters[k].label != NULL && strcmp(posterior->clusters[k].label, label) == 0)
			return k;
	return -1;
}

bool
MayMatchByResults(const Network *network, const Posterior *previous, const Posterior *posterior)
{
	return network->settings.results_column != NULL && previous->selector != NULL && posterior->selector != NULL;
}

/* Returns the label that the results column means. */
static char *
StoredLabel(Datum value, bool numbers)
{
	char	   *stored = TextDatumGetCString(value);

	return numbers ? LabelName(Max(atoi(stored), 1) - 1) : stored;
}

double *
SharesByResults(const Network *network, const Posterior *previous, const Posterior *posterior)
{
	double	   *shared = palloc0(mul_size(sizeof(double) * previous->components, posterior->components));
	bool		numbers = ResultsAreNumbers(network);
	Oid			type = PosteriorTypeId();
	Datum		value = PosteriorGetDatum(posterior);
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "SELECT l.a, l.b, pg_catalog.count(*) FROM (SELECT pg_catalog.rtrim(%s::pg_catalog.text) AS a, ",
					 QuotedResultsColumn(network));
	AppendPrediction(&sql, network, posterior, 1);
	appendStringInfo(&sql, " AS b FROM %s) AS l WHERE l.a IS NOT NULL AND l.b IS NOT NULL GROUP BY l.a, l.b",
					 QualifiedSource(network));
	if (SPI_execute_with_args(sql.data, 1, &type, &value, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "counting labels failed");
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		HeapTuple	row = SPI_tuptable->vals[i];
		bool		isnull;
		int			from = LabelledComponent(previous, StoredLabel(SPI_getbinval(row, SPI_tuptable->tupdesc, 1, &isnull),
																   numbers));
		int			to = LabelledComponent(posterior, TextDatumGetCString(SPI_getbinval(row, SPI_tuptable->tupdesc, 2,
																						&isnull)));

		if (from >= 0 && to >= 0)
			shared[(Size) from * posterior->components + to]
				+= DatumGetInt64(SPI_getbinval(row, SPI_tuptable->tupdesc, 3, &isnull));
	}
	SPI_freetuptable(SPI_tuptable);
	return shared;
}

RunMatching *
DescribeMatching(int64 previous_run, const Posterior *previous, const Posterior *posterior, const double *shared)
{
	RunMatching *matching = palloc(sizeof(RunMatching));
	Size		pairs = mul_size(previous->components, posterior->components);

	matching->previous = previous_run;
	matching->n = 0;
	matching->from = palloc(mul_size(sizeof(char *), pairs));
	matching->to = palloc(mul_size(sizeof(char *), pairs));
	matching->rows = palloc(mul_size(sizeof(double), pairs));
	for (int i = 0; i < previous->components; i++)
		for (int j = 0; j < posterior->components; j++)
		{
			double		rows = shared[(Size) i * posterior->components + j];

			if (previous->clusters[i].label == NULL || posterior->clusters[j].label == NULL || rows < NO_ROW)
				continue;
			matching->from[matching->n] = previous->clusters[i].label;
			matching->to[matching->n] = posterior->clusters[j].label;
			matching->rows[matching->n++] = rows;
		}
	return matching;
}

/* --- how means move --- */

/* Returns true if two runs of a network read the same columns, which change only together with its runs, but for their names. */
static bool
SameLeaves(const Posterior *a, const Posterior *b)
{
	if (a->nleaves != b->nleaves)
		return false;
	for (int l = 0; l < a->nleaves; l++)
		if (strcmp(a->leaves[l].name, b->leaves[l].name) != 0 ||
			PosteriorLeafColumns(&a->leaves[l]) != PosteriorLeafColumns(&b->leaves[l]))
			return false;
	return true;
}

/* Writes means and standard deviations of the cluster with a label; NaN where there is none. */
void
DescribeLabel(const Posterior *posterior, const char *label, double *mean, double *deviation)
{
	int			ncolumns = PosteriorColumns(posterior);
	double	   *covariance = palloc(mul_size(sizeof(double) * ncolumns, ncolumns));
	int			component = 0;
	int			first = 0;

	while (component < posterior->components
		   && (posterior->clusters[component].label == NULL || strcmp(posterior->clusters[component].label, label) != 0))
		component++;
	for (int i = 0; i < ncolumns * ncolumns; i++)
		covariance[i] = NAN;
	for (int j = 0; j < ncolumns; j++)
		mean[j] = NAN;
	for (int l = 0; l < posterior->nleaves && component < posterior->components; l++)
	{
		DescribeLeaf(posterior, &posterior->leaves[l], component, first, ncolumns, mean, covariance);
		first += PosteriorLeafColumns(&posterior->leaves[l]);
	}
	for (int j = 0; j < ncolumns; j++)
		deviation[j] = sqrt(covariance[j * (ncolumns + 1)]);
	pfree(covariance);
}

/* Returns how far the mean of a label lies from that of another, in standard deviations of the latter. */
Datum
ShiftArray(const Posterior *from, const char *label, const Posterior *to, const char *other_label)
{
	int			ncolumns = PosteriorColumns(from);
	double	   *shift = palloc(sizeof(double) * ncolumns * 4);
	double	   *deviation = shift + ncolumns;
	double	   *mean = deviation + ncolumns;
	double	   *ignored = mean + ncolumns;

	DescribeLabel(from, label, mean, deviation);
	DescribeLabel(to, other_label, shift, ignored);
	for (int j = 0; j < ncolumns; j++)
		shift[j] = (shift[j] - mean[j]) / deviation[j];
	return ValueArray(SHAPE_VECTOR, ncolumns, shift);
}

/* --- what has changed --- */

/* Two runs whose labels are compared */
typedef struct Change
{
	ReturnSetInfo *result;
	const RunMatching *matching;
	const Posterior *previous;	/* NULL: the history does not hold it any more */
	const Posterior *current;
	bool		comparable;		/* both have the same columns */
} Change;

/* Returns the rows that an old label (NULL: any) shares with a new one (NULL: any). */
static double
SharedRows(const RunMatching *matching, const char *from, const char *to)
{
	double		rows = 0.0;

	for (int i = 0; i < matching->n; i++)
		if ((from == NULL || strcmp(matching->from[i], from) == 0) && (to == NULL || strcmp(matching->to[i], to) == 0))
			rows += matching->rows[i];
	return rows;
}

/* Returns the labels that a label's rows came from, or (`forward`) went to, if they are enough to matter: a text[]. */
static Datum
RelatedLabels(const RunMatching *matching, const char *label, bool forward)
{
	double		all = SharedRows(matching, forward ? label : NULL, forward ? NULL : label);
	Datum	   *labels = palloc(sizeof(Datum) * (matching->n + 1));
	int			n = 0;

	for (int i = 0; i < matching->n; i++)
		if (strcmp(forward ? matching->from[i] : matching->to[i], label) == 0 && matching->rows[i] >= RELATED * all)
			labels[n++] = CStringGetTextDatum(forward ? matching->to[i] : matching->from[i]);
	return PointerGetDatum(construct_array(labels, n, TEXTOID, -1, false, TYPALIGN_INT));
}

/* Columns of bnai_changes */
enum
{
	CHANGE_LABEL,
	CHANGE_KIND,
	CHANGE_OTHERS,
	CHANGE_SIZE,
	CHANGE_PREVIOUS_SIZE,
	CHANGE_MOVED,
	CHANGE_DRIFT,
	CHANGE_COLUMNS
};

/* Adds the row of one label: `from` and `to` are its old and new component, or -1. */
static void
PutChange(const Change *change, const char *label, int from, int to)
{
	const RunMatching *matching = change->matching;
	Datum		values[CHANGE_COLUMNS] = {CStringGetTextDatum(label)};
	bool		nulls[CHANGE_COLUMNS] = {false};
	bool		was = from >= 0 || SharedRows(matching, label, NULL) > 0.0;
	double		rows = was ? SharedRows(matching, label, NULL) : SharedRows(matching, NULL, label);
	int64		size = to >= 0 ? change->current->clusters[to].size : 0;
	int64		previous_size = from >= 0 ? change->previous->clusters[from].size : 0;
	bool		inherited = rows > INHERITED * (was ? previous_size : size);

	values[CHANGE_KIND] = CStringGetTextDatum(was && to >= 0 ? "kept" : was ? (inherited ? "merge" : "death")
											  : inherited ? "split" : "birth");
	nulls[CHANGE_OTHERS] = (was && to >= 0) || !inherited;
	if (!nulls[CHANGE_OTHERS])
		values[CHANGE_OTHERS] = RelatedLabels(matching, label, was);
	values[CHANGE_SIZE] = Int64GetDatum(size);
	nulls[CHANGE_SIZE] = to < 0;
	values[CHANGE_PREVIOUS_SIZE] = Int64GetDatum(previous_size);
	nulls[CHANGE_PREVIOUS_SIZE] = from < 0;
	nulls[CHANGE_MOVED] = !was || !(rows > 0.0);
	if (!nulls[CHANGE_MOVED])
		values[CHANGE_MOVED] = Float8GetDatum(1.0 - SharedRows(matching, label, label) / rows);
	nulls[CHANGE_DRIFT] = from < 0 || to < 0 || !change->comparable;
	if (!nulls[CHANGE_DRIFT])
		values[CHANGE_DRIFT] = ShiftArray(change->previous, label, change->current, label);
	tuplestore_putvalues(change->result->setResult, change->result->setDesc, values, nulls);
}

/* Adds the last row: the share of all rows that have another label now. */
static void
PutTotal(const Change *change)
{
	Datum		values[CHANGE_COLUMNS] = {0};
	bool		nulls[CHANGE_COLUMNS] = {true, false, true, false, true, true, true};
	double		rows = SharedRows(change->matching, NULL, NULL);
	double		stayed = 0.0;

	for (int i = 0; i < change->matching->n; i++)
		if (strcmp(change->matching->from[i], change->matching->to[i]) == 0)
			stayed += change->matching->rows[i];
	values[CHANGE_KIND] = CStringGetTextDatum("all");
	values[CHANGE_SIZE] = Int64GetDatum(change->current->rows);
	nulls[CHANGE_PREVIOUS_SIZE] = change->previous == NULL;
	if (change->previous)
		values[CHANGE_PREVIOUS_SIZE] = Int64GetDatum(change->previous->rows);
	nulls[CHANGE_MOVED] = !(rows > 0.0);
	values[CHANGE_MOVED] = Float8GetDatum(rows > 0.0 ? 1.0 - stayed / rows : 0.0);
	tuplestore_putvalues(change->result->setResult, change->result->setDesc, values, nulls);
}

/* Returns the highest ordinal of a label of either run. */
static int
LastLabel(const Change *change)
{
	int			last = -1;

	for (int k = 0; k < change->current->components; k++)
		if (change->current->clusters[k].label != NULL)
			last = Max(last, LabelOrdinal(change->current->clusters[k].label));
	for (int k = 0; change->previous && k < change->previous->components; k++)
		if (change->previous->clusters[k].label != NULL)
			last = Max(last, LabelOrdinal(change->previous->clusters[k].label));
	for (int i = 0; i < change->matching->n; i++)
		last = Max(last, LabelOrdinal(change->matching->from[i]));
	return last;
}

/* Tells what the current run of a network changed. */
Datum
bnai_changes(PG_FUNCTION_ARGS)
{
	Change		change = {.result = (ReturnSetInfo *) fcinfo->resultinfo};
	int64		run = ReadableRun(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	Datum		previous;

	InitMaterializedSRF(fcinfo, 0);
	change.matching = run == 0 ? NULL : ReadMatching(run);
	if (change.matching == NULL)
		return (Datum) 0;
	previous = RunPosterior(change.matching->previous);
	change.previous = previous == 0 ? NULL : DatumGetPosterior(previous);
	change.current = DatumGetPosterior(RequiredPosterior(run));
	change.comparable = change.previous && SameLeaves(change.previous, change.current);
	for (int ordinal = 0; ordinal <= LastLabel(&change); ordinal++)
	{
		char	   *label = LabelName(ordinal);
		int			from = change.previous ? LabelledComponent(change.previous, label) : -1;
		int			to = LabelledComponent(change.current, label);

		CHECK_FOR_INTERRUPTS();
		if (from >= 0 || to >= 0 || SharedRows(change.matching, label, NULL) > 0.0)
			PutChange(&change, label, from, to);
	}
	PutTotal(&change);
	return (Datum) 0;
}
