/*
 * results.c
 *		Writing labels into the table.
 *
 * One UPDATE computes each row's label from the row itself and touches only
 * rows whose label changes.  A row that another session changes meanwhile is
 * looked at again by the executor, with the values it has then.  Where each
 * part of a large table has a transaction of its own, rows that others have
 * locked are left out: nobody waits for a label, and no deadlock can arise.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_am.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "storage/bufmgr.h"
#include "storage/itemptr.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "catalog/boundcolumn.h"
#include "catalog/observed.h"
#include "catalog/privileges.h"
#include "catalog/relations.h"
#include "catalog/source.h"
#include "catalog/writable.h"
#include "inference/results.h"
#include "inference/roles.h"
#include "inference/runs.h"
#include "posterior/labels.h"

PG_FUNCTION_INFO_V1(bnai_label_number);

/* Depth of the subtransaction that updates a results column; 0: none does */
static int	updating_level = 0;

/* The table that it updates */
static Oid	updating_relation = InvalidOid;

/* The table that was asked about last, and whether it is the other one or part of it: rows of a table come one after another */
static Oid	asked_relation = InvalidOid;
static bool asked_answer = false;

bool
ResultsUpdateInProgress(Oid relation)
{
	if (updating_level == 0)
		return false;
	if (relation != asked_relation)
	{
		asked_answer = relation == updating_relation ||
			list_member_oid(find_all_inheritors(updating_relation, NoLock, NULL), relation);
		asked_relation = relation;
	}
	return asked_answer;
}

static void
ForgetUpdate(XactEvent event, void *arg)
{
	updating_level = 0;
}

/* An update whose subtransaction fails is over; one further out goes on. */
static void
ForgetSubUpdate(SubXactEvent event, SubTransactionId sub, SubTransactionId parent, void *arg)
{
	if (event == SUBXACT_EVENT_ABORT_SUB && GetCurrentTransactionNestLevel() <= updating_level)
		updating_level = 0;
}

void
InitResults(void)
{
	RegisterXactCallback(ForgetUpdate, NULL);
	RegisterSubXactCallback(ForgetSubUpdate, NULL);
}

/* Type of the results column, and its type modifier. */
static Oid
ResultsType(const Network *network, int32 *typmod)
{
	Oid			source = NetworkSource(network);
	AttrNumber	attribute = network->settings.results_attribute;
	Oid			type;
	Oid			collation;

	if (!OidIsValid(source) || attribute <= 0 || AttributeName(source, attribute) == NULL)
		CheckBound(LoadUnparsedNetworkById(network->id, false));
	get_atttypetypmodcoll(source, attribute, &type, typmod, &collation);
	return getBaseTypeAndTypmod(type, typmod);
}

static bool
IsInteger(Oid type)
{
	return type == INT2OID || type == INT4OID || type == INT8OID;
}

bool
ResultsAreNumbers(const Network *network)
{
	int32		typmod;

	return IsInteger(ResultsType(network, &typmod));
}

void
CheckLabelsFit(const Network *network, const Posterior *posterior)
{
	int32		typmod;
	Oid			type = ResultsType(network, &typmod);
	int			width = typmod - VARHDRSZ;

	if (IsInteger(type) || typmod < VARHDRSZ)
		return;
	for (int k = 0; k < posterior->components; k++)
	{
		const char *label = posterior->clusters[k].label;

		if (label != NULL && (int) strlen(label) > width)
			ereport(ERROR,
					(errcode(ERRCODE_STRING_DATA_RIGHT_TRUNCATION),
					 errmsg("label \"%s\" does not fit into results column \"%s\" of type %s", label,
							network->settings.results_column, format_type_with_typemod(type, typmod)),
					 errhint("Use a column of type text.")));
	}
}

/* Returns the name of the network's source, as it is written in SQL; neither it nor its columns change until the transaction ends. */
char *
QualifiedSource(const Network *network)
{
	Oid			source = NetworkSource(network);
	char	   *name;

	if (OidIsValid(source))
		LockRelationOid(source, AccessShareLock);
	name = QualifiedRelationName(source);
	if (name == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("the source of network \"%s\" was dropped", network->name)));
	return name;
}

char *
QuotedResultsColumn(const Network *network)
{
	return QuotedColumn(NetworkSource(network), network->settings.results_attribute, network->settings.results_column);
}

/*
 * The columns that a posterior was learned from have the names that they had
 * then; what they are now is known by the nodes of the same names, whose
 * columns change only together with the runs.
 */
SourceColumn *
PosteriorSourceColumns(const Network *network, const Posterior *posterior, int *n)
{
	SourceColumn *columns = palloc(sizeof(SourceColumn) * (PosteriorColumns(posterior) + 1));

	*n = 0;
	for (int l = 0; l < posterior->nleaves; l++)
	{
		int			index = FindNode(network, posterior->leaves[l].name);
		const NetworkNode *node = index < 0 ? NULL : &network->nodes[index];

		if (node == NULL || node->ncolumns != PosteriorLeafColumns(&posterior->leaves[l]))
			return NULL;
		for (int j = 0; j < node->nsource_columns; j++)
			columns[(*n)++] = node->source_columns[j];
	}
	return columns;
}

/* Appends bnai_predict($1, VARIADIC ARRAY[a, b]) over all leaves' columns. */
void
AppendPrediction(StringInfo sql, const Network *network, const Posterior *posterior, int parameter)
{
	int			n;
	SourceColumn *columns = PosteriorSourceColumns(network, posterior, &n);

	if (columns == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("network \"%s\" does not have the observed nodes any more that its run was inferred with",
						network->name),
				 errhint("Infer it again.")));
	(void) QualifiedSource(network);
	appendStringInfo(sql, "%s.bnai_predict($%d, VARIADIC ", ExtensionSchema(), parameter);
	AppendRow(sql, NetworkSource(network), n, columns);
	appendStringInfoChar(sql, ')');
}

/* What an UPDATE of the results column consists of */
typedef struct ResultsUpdate
{
	const char *column;			/* quoted */
	char	   *label;			/* of a row, as an expression */
	char	   *differs;		/* true for a row whose label changes, likewise */
} ResultsUpdate;

/*
 * Runs a statement, during which triggers know that it is bnai's own; returns
 * the number that it selects, the second one goes to `tried`.
 */
static int64
RunOwn(Oid relation, const char *sql, int nargs, Oid *types, Datum *values, int64 *tried)
{
	int			outer = updating_level;
	Oid			outer_relation = updating_relation;
	int			result;
	bool		isnull;

	updating_level = GetCurrentTransactionNestLevel();
	updating_relation = relation;
	asked_relation = InvalidOid;
	result = ExecuteParameterized(sql, nargs, types, values, NULL);
	updating_level = outer;
	updating_relation = outer_relation;
	asked_relation = InvalidOid;
	if (result == SPI_OK_SELECT)
	{
		*tried = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2, &isnull));
		return DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	}
	if (result != SPI_OK_UPDATE)
		elog(ERROR, "updating the results column failed: %s", SPI_result_code_string(result));
	return SPI_processed;
}

/*
 * Runs an UPDATE of the results column and returns how many rows it changed.
 * Triggers of the table may leave a row as it was, or write something else:
 * then `counted` is run instead, and `refused` gets how many of the rows that
 * were tried have not what they should.
 */
static int64
RunUpdate(Oid relation, const char *sql, const char *counted, int nargs, Oid *types, Datum *values, int64 *refused)
{
	int64		tried = 0;
	int64		changed;

	CheckNoUpdateRule(relation);
	if (!HasUpdateTriggers(relation))
		return RunOwn(relation, sql, nargs, types, values, NULL);
	changed = RunOwn(relation, counted, nargs, types, values, &tried);
	*refused += Max(tried - changed, 0);
	return changed;
}

/*
 * Makes of an UPDATE of the rows that `rows` selects one that counts both: those
 * that have what they should, and those that were tried, of one snapshot.
 */
static char *
CountedUpdate(const char *rows, const char *sql, const char *differs)
{
	return psprintf("WITH bnai_rows (bnai_part, bnai_place) AS MATERIALIZED (%s), "
					"bnai_written (bnai_refused) AS (%s RETURNING %s) "
					"SELECT pg_catalog.count(*) FILTER (WHERE NOT bnai_refused), (SELECT pg_catalog.count(*) FROM bnai_rows) "
					"FROM bnai_written", rows, sql, differs);
}

void
ReportRefused(const Network *network, int64 refused)
{
	if (refused > 0)
		ereport(WARNING,
				(errcode(ERRCODE_TRIGGERED_DATA_CHANGE_VIOLATION),
				 errmsg_plural(INT64_FORMAT " row of table \"%s\" kept what it had in column \"%s\"",
							   INT64_FORMAT " rows of table \"%s\" kept what they had in column \"%s\"",
							   (unsigned long) refused, refused, get_rel_name(NetworkSource(network)),
							   network->settings.results_column),
				 errdetail("A trigger of the table has changed or refused the UPDATE.")));
}

/*
 * Makes the expressions.  IS DISTINCT FROM is written as a function whose name
 * is qualified: operators are looked up in the search path.  Each branch
 * predicts once.
 */
static ResultsUpdate
MakeUpdate(const Network *network, const Posterior *posterior)
{
	const char *column = QuotedResultsColumn(network);
	int32		typmod;
	bool		integer = IsInteger(ResultsType(network, &typmod));
	StringInfoData label;

	initStringInfo(&label);
	if (integer)
		appendStringInfo(&label, "%s.bnai_label_number(", ExtensionSchema());
	AppendPrediction(&label, network, posterior, 1);
	if (integer)
		appendStringInfoChar(&label, ')');
	return (ResultsUpdate) {
		.column = column,
		.label = label.data,
		.differs = psprintf("CASE WHEN %s IS NULL THEN %s IS NOT NULL "
							"ELSE NOT coalesce(pg_catalog.%s(%s::pg_catalog.%s%s, %s), false) END",
							column, label.data, integer ? "int84eq" : "texteq", column, integer ? "int8" : "text",
							integer ? "" : " COLLATE pg_catalog.\"C\"", label.data),
	};
}

/* Writes all labels of one target. */
static int64
WriteTarget(const ResultsTarget *target, const ResultsUpdate *update, const Posterior *posterior, int64 *refused)
{
	Oid			type = PosteriorTypeId();
	Datum		value = PosteriorGetDatum(posterior);
	Acting		acting = ActAs(target->role);
	const char *sql = psprintf("UPDATE %s SET %s = %s WHERE %s", target->sql, update->column, update->label, update->differs);
	const char *rows = psprintf("SELECT 1, 1 FROM %s WHERE %s", target->sql, update->differs);
	int64		changed = RunUpdate(target->relation, sql, CountedUpdate(rows, sql, update->differs), 1, &type, &value, refused);

	EndActing(acting);
	return changed;
}

int64
WriteResults(const Network *network, const List *targets, const Posterior *posterior, int64 *refused)
{
	ResultsUpdate update = MakeUpdate(network, posterior);
	int64		changed = 0;
	ListCell   *cell;

	foreach(cell, targets)
		changed += WriteTarget(lfirst(cell), &update, posterior, refused);
	return changed;
}

/* Returns how many blocks the largest part of the source has; 0 if it has a part whose rows have no such place. */
BlockNumber
ResultsBlocks(const Network *network)
{
	BlockNumber most = 0;
	ListCell   *cell;

	foreach(cell, find_all_inheritors(NetworkSource(network), AccessShareLock, NULL))
	{
		Relation	relation = table_open(lfirst_oid(cell), NoLock);
		bool		heap = relation->rd_rel->relam == HEAP_TABLE_AM_OID;
		bool		stored = relation->rd_rel->relkind != RELKIND_PARTITIONED_TABLE;

		if (heap)
			most = Max(most, RelationGetNumberOfBlocks(relation));
		table_close(relation, NoLock);
		if (stored && !heap)
			return 0;
	}
	return most;
}

/* Writes the labels of the rows in some blocks of each part of one target. */
static int64
WriteTargetInBlocks(const ResultsTarget *target, const ResultsUpdate *update, const Posterior *posterior,
					BlockNumber first, BlockNumber n, int64 *refused)
{
	Oid			types[] = {PosteriorTypeId(), TIDOID, TIDOID};
	ItemPointerData from;
	ItemPointerData to;
	Datum		values[] = {PosteriorGetDatum(posterior), PointerGetDatum(&from), PointerGetDatum(&to)};
	Acting		acting = ActAs(target->role);
	int64		changed;

	const char *rows = psprintf("SELECT tableoid, ctid FROM %s WHERE ctid OPERATOR(pg_catalog.>=) $2 "
								"AND ctid OPERATOR(pg_catalog.<) $3 AND %s FOR UPDATE SKIP LOCKED",
								target->sql, update->differs);

	const char *update_from = psprintf("UPDATE %s t SET %s = %s FROM ", target->sql, update->column, update->label);
	const char *where = " WHERE t.ctid OPERATOR(pg_catalog.>=) $2 AND t.ctid OPERATOR(pg_catalog.<) $3 "
		"AND t.ctid OPERATOR(pg_catalog.=) bnai_rows.bnai_place "
		"AND t.tableoid OPERATOR(pg_catalog.=) bnai_rows.bnai_part";

	ItemPointerSet(&from, first, 0);
	ItemPointerSet(&to, first + n, 0);
	changed = RunUpdate(target->relation,
						psprintf("%s(%s) bnai_rows (bnai_part, bnai_place)%s", update_from, rows, where),
						CountedUpdate(rows, psprintf("%sbnai_rows%s", update_from, where), update->differs),
						lengthof(types), types, values, refused);
	EndActing(acting);
	return changed;
}

/*
 * Writes the labels of the rows in some blocks of each part of the source.
 * Whoever has locked a row is not waited for, and keeps it as it is.
 */
int64
WriteResultsInBlocks(const Network *network, const List *targets, const Posterior *posterior, BlockNumber first,
					 BlockNumber n, int64 *refused)
{
	ResultsUpdate update = MakeUpdate(network, posterior);
	int64		changed = 0;
	ListCell   *cell;

	foreach(cell, targets)
		changed += WriteTargetInBlocks(lfirst(cell), &update, posterior, first, n, refused);
	return changed;
}

int64
CountResults(const Network *network)
{
	bool		isnull;

	if (SPI_execute(psprintf("SELECT pg_catalog.count(%s) FROM %s", QuotedResultsColumn(network),
							 QualifiedSource(network)), false, 0) != SPI_OK_SELECT)
		elog(ERROR, "counting labels failed");
	return DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
}

int64
ClearResults(const Network *network)
{
	const char *column = QuotedResultsColumn(network);
	const char *table = QualifiedSource(network);
	const char *sql;
	int64		refused = 0;
	int64		cleared;

	sql = psprintf("UPDATE %s SET %s = NULL WHERE %s IS NOT NULL", table, column, column);
	cleared = RunUpdate(NetworkSource(network), sql,
						CountedUpdate(psprintf("SELECT 1, 1 FROM %s WHERE %s IS NOT NULL", table, column), sql,
									  psprintf("%s IS NOT NULL", column)),
						0, NULL, NULL, &refused);
	ReportRefused(network, refused);
	return cleared;
}

/* Returns the number of a label, as it is written into integer columns: A is 1. */
Datum
bnai_label_number(PG_FUNCTION_ARGS)
{
	char	   *label = text_to_cstring(PG_GETARG_TEXT_PP(0));
	int			ordinal = LabelOrdinal(label);

	if (ordinal < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" is not a label", label),
				 errhint("Labels are A to Z, AA, AB and so on.")));
	PG_RETURN_INT32(ordinal + 1);
}
