/*
 * label.c
 *		Labels for rows as they arrive: the trigger of bnai_label_on_insert.
 *
 * What a session needs to label is made once and kept as long as nothing is
 * said to have changed; a row costs what the scoring costs.
 */
#include "postgres.h"

#include <math.h>

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "utils/builtins.h"
#include "utils/float.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"

#include "automation/obstacles.h"
#include "automation/recalculate.h"
#include "automation/watch.h"
#include "catalog/privileges.h"
#include "catalog/runs.h"
#include "inference/results.h"
#include "posterior/labels.h"
#include "scoring/scoring.h"
#include "source/column.h"

PG_FUNCTION_INFO_V1(bnai_label_row);

/* What labels the rows of one table by one of its triggers */
typedef struct Labeller
{
	Oid			trigger;		/* hash key */
	uint32		reading;		/* of the watch that it was made for; 0: none */
	MemoryContext context;
	Scorer	   *scorer;			/* NULL: rows cannot be labelled */
	int			nreaders;
	ColumnReader *readers;		/* of the scorer's columns */
	double	   *row;
	double	   *old_row;
	bool	   *nulls;			/* of the row that was read last */
	AttrNumber	results;		/* attribute of the results column */
	bool		casts;			/* a column is read by a function of its type's, which may raise errors */
	Datum	   *labels;			/* of the candidates, in its type */
} Labeller;

static HTAB *labellers = NULL;

/* Writes a label as a value of the results column's type. */
static Datum
LabelDatum(const text *label, Oid type, int32 typmod)
{
	char	   *string = text_to_cstring(label);
	Oid			input;
	Oid			parameter;

	switch (getBaseType(type))
	{
		case INT2OID:
		case INT4OID:
		case INT8OID:
			string = psprintf("%d", LabelOrdinal(string) + 1);
			break;
		default:
			break;
	}
	getTypeInputInfo(type, &input, &parameter);
	return OidInputFunctionCall(input, string, parameter, typmod);
}

/* Finds the columns of the watched table in one of its parts, where they have the same names; false if one is not there. */
static bool
FindColumns(Labeller *labeller, const SourceColumn *columns, Oid relation)
{
	const Scorer *scorer = labeller->scorer;

	labeller->readers = palloc(sizeof(ColumnReader) * labeller->nreaders);
	labeller->row = palloc(sizeof(double) * scorer->ncolumns);
	labeller->old_row = palloc(sizeof(double) * scorer->ncolumns);
	labeller->nulls = palloc(sizeof(bool) * scorer->ncolumns);
	for (int i = 0; i < labeller->nreaders; i++)
	{
		if (columns[i].attribute <= 0 || !MakeColumnReader(&labeller->readers[i], relation, &columns[i]))
			return false;
		labeller->casts |= OidIsValid(labeller->readers[i].cast.fn_oid);
	}
	return true;
}

/* Makes the labels. */
static void
MakeLabels(Labeller *labeller, Relation relation)
{
	Form_pg_attribute column = TupleDescAttr(RelationGetDescr(relation), labeller->results - 1);

	labeller->labels = palloc0(sizeof(Datum) * labeller->scorer->ncandidates);
	for (int i = 0; i < labeller->scorer->ncandidates; i++)
		if (labeller->scorer->labels[i] != NULL)
			labeller->labels[i] = LabelDatum(labeller->scorer->labels[i], column->atttypid, column->atttypmod);
}

/* Makes what is needed to label the rows of a table with the network's current run. */
static void
BuildLabeller(Labeller *labeller, const Watch *watch, Relation relation, const char *name)
{
	int64		run;
	Datum		stored;
	Network    *network;
	const SourceColumn *columns = NULL;

	PushActiveSnapshot(GetLatestSnapshot());
	network = LoadUnparsedNetworkById(watch->counter.network, true);
	run = network != NULL && network->settings.results_column != NULL &&
		LabelObstacle(relation, network, name) == NULL ? CurrentRun(watch->counter.network) : 0;
	stored = run != 0 ? RunPosterior(run) : (Datum) 0;
	/* dead if the results column is gone, or the network reads another table now */
	if (stored != (Datum) 0 && network->settings.results_attribute > 0 && NetworkSource(network) == watch->target)
	{
		Posterior  *posterior = DatumGetPosterior(stored);

		labeller->results = get_attnum(RelationGetRelid(relation), network->settings.results_column);
		labeller->scorer = BuildScorer(posterior, CANDIDATES_LABELLED);
		columns = PosteriorSourceColumns(network, posterior, &labeller->nreaders);
	}
	PopActiveSnapshot();
	if (labeller->scorer == NULL || !labeller->scorer->clusters || labeller->results <= 0 || columns == NULL ||
		!FindColumns(labeller, columns, RelationGetRelid(relation)))
		labeller->scorer = NULL;
	else
		MakeLabels(labeller, relation);
}

/*
 * Ends a subtransaction by an error, of which no statement of the application's
 * is to fail; one that ends the statement does.
 */
static ErrorData *
CaughtError(MemoryContext context, ResourceOwner owner)
{
	ErrorData  *error;

	MemoryContextSwitchTo(context);
	error = CopyErrorData();
	FlushErrorState();
	RollbackAndReleaseCurrentSubTransaction();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	if (EndsStatement(error))
		ReThrowError(error);
	return error;
}

/* Makes a labeller; none, with a warning, if that fails. */
static void
TryBuildLabeller(Labeller *labeller, const Watch *watch, Relation relation, const char *name)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	ErrorData  *error;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		BuildLabeller(labeller, watch, relation, name);
		ReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
	}
	PG_CATCH();
	{
		error = CaughtError(context, owner);
		labeller->scorer = NULL;
		ereport(WARNING,
				(errcode(error->sqlerrcode),
				 errmsg("rows of table \"%s\" get no labels as they arrive: %s",
						RelationGetRelationName(relation), error->message)));
		FreeErrorData(error);
	}
	PG_END_TRY();
}

/* Makes the labeller again, in memory of its own. */
static void
RebuildLabeller(Labeller *labeller, const Watch *watch, Relation relation, const char *name)
{
	MemoryContext old;

	if (labeller->context != NULL)
		MemoryContextDelete(labeller->context);
	memset((char *) labeller + sizeof(Oid), 0, sizeof(Labeller) - sizeof(Oid));
	labeller->context = AllocSetContextCreate(TopMemoryContext, "bnai labeller", ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(labeller->context);
	TryBuildLabeller(labeller, watch, relation, name);
	MemoryContextSwitchTo(old);
	labeller->reading = watch->reading;
}

/*
 * Finds the labeller of a trigger.  NULL: what it was made for has changed, the
 * table's columns perhaps, and who drops the extension is not waited for.
 */
static Labeller *
FindLabeller(const Watch *watch, Relation relation, const char *name)
{
	Labeller   *labeller;
	bool		found;

	if (labellers == NULL)
	{
		HASHCTL		control = {.keysize = sizeof(Oid), .entrysize = sizeof(Labeller), .hcxt = TopMemoryContext};

		labellers = hash_create("bnai labellers", 16, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	}
	labeller = hash_search(labellers, &watch->trigger, HASH_ENTER, &found);
	if (!found)
		memset((char *) labeller + sizeof(Oid), 0, sizeof(Labeller) - sizeof(Oid));
	if (labeller->reading == watch->reading)
		return labeller;
	if (!MayReadCatalog())
		return NULL;
	RebuildLabeller(labeller, watch, relation, name);
	return labeller;
}

/*
 * Reads the observed columns; a missing value is NaN.  False if what is there,
 * or the lack of something, can have no label.
 */
static bool
ReadRow(const Labeller *labeller, HeapTuple tuple, TupleDesc desc, double *row)
{
	int			ncolumns = labeller->scorer->ncolumns;
	double	   *to = row;
	int			missing = 0;
	bool		finite = true;

	for (int i = 0; i < labeller->nreaders; i++)
	{
		ColumnReader *reader = &labeller->readers[i];
		bool		isnull;
		Datum		value = heap_getattr(tuple, reader->attribute, desc, &isnull);
		int			nulls = ReadColumn(reader, value, isnull, to, labeller->nulls + (to - row));

		if (nulls < 0)
		{
			/* no row that has a label is like this */
			for (; to < row + ncolumns; to++)
				*to = get_float8_infinity();
			return false;
		}
		missing += nulls;
		to += Max(reader->column.width, 1);
	}
	for (int i = 0; i < ncolumns; i++)
		finite &= labeller->nulls[i] || isfinite(row[i]);
	return finite && ValuesAreValid(labeller->scorer, row) && (missing == 0 || (labeller->scorer->marginalize && missing < ncolumns));
}

/*
 * The same where a function of a column's type may raise an error: such a row
 * can have no label.  What is labelled by such types is worth a subtransaction.
 */
static bool
TryReadRow(const Labeller *labeller, HeapTuple tuple, TupleDesc desc, double *row)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	volatile bool scorable = false;

	if (!labeller->casts)
		return ReadRow(labeller, tuple, desc, row);
	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		scorable = ReadRow(labeller, tuple, desc, row);
		ReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
	}
	PG_CATCH();
	{
		FreeErrorData(CaughtError(context, owner));
		for (int i = 0; i < labeller->scorer->ncolumns; i++)
			row[i] = get_float8_infinity();
	}
	PG_END_TRY();
	return scorable;
}

/* Returns true if an UPDATE leaves the observed columns, and so the label, as they are. */
static bool
IsUnchanged(const Labeller *labeller, const TriggerData *data)
{
	if (!TRIGGER_FIRED_BY_UPDATE(data->tg_event))
		return false;
	(void) TryReadRow(labeller, data->tg_trigtuple, RelationGetDescr(data->tg_relation), labeller->old_row);
	/* the same bits, for NaN is not equal to itself */
	return memcmp(labeller->row, labeller->old_row, sizeof(double) * labeller->scorer->ncolumns) == 0;
}

/* Labels a row. */
static HeapTuple
LabelRow(const TriggerData *data, HeapTuple tuple, const Labeller *labeller)
{
	TupleDesc	desc = RelationGetDescr(data->tg_relation);
	bool		scorable = TryReadRow(labeller, tuple, desc, labeller->row);
	int			attribute = labeller->results;
	int			candidate;
	Datum		label;
	bool		isnull;

	if (IsUnchanged(labeller, data))
		return tuple;
	candidate = scorable ? ScoreCandidate(labeller->scorer, labeller->row) : -1;
	label = candidate >= 0 ? labeller->labels[candidate] : (Datum) 0;
	isnull = label == (Datum) 0;
	return heap_modify_tuple_by_cols(tuple, desc, 1, &attribute, &label, &isnull);
}

/* Runs before each INSERT and UPDATE of a row: fills the results column as bnai_predict would. */
Datum
bnai_label_row(PG_FUNCTION_ARGS)
{
	TriggerData *data = (TriggerData *) fcinfo->context;
	HeapTuple	tuple;
	const Watch *watch;
	const Labeller *labeller;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_BEFORE(data->tg_event) ||
		!TRIGGER_FIRED_FOR_ROW(data->tg_event) || TRIGGER_FIRED_BY_DELETE(data->tg_event) ||
		!HasNetworkArgument(data->tg_trigger))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"bnai_label_row\" is for triggers that bnai_label_on_insert creates")));
	tuple = TRIGGER_FIRED_BY_UPDATE(data->tg_event) ? data->tg_newtuple : data->tg_trigtuple;
	watch = FindWatch(data);
	if (!watch->registered || RestoresDump(data) || ResultsUpdateInProgress(watch->target))
		return PointerGetDatum(tuple);
	labeller = FindLabeller(watch, data->tg_relation, data->tg_trigger->tgname);
	if (labeller == NULL || labeller->scorer == NULL)
		return PointerGetDatum(tuple);
	return PointerGetDatum(LabelRow(data, tuple, labeller));
}
