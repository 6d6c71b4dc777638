/*
 * runs.c
 *		Reads runs from the catalog without SQL.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "catalog/privileges.h"
#include "catalog/relations.h"
#include "catalog/runs.h"
#include "compat.h"

PG_FUNCTION_INFO_V1(bnai_trace);

/* Returns the id of the run that an index has for the network, or 0. */
static int64
IndexedRun(const char *index, int network)
{
	CatalogScan scan = BeginCatalogScan("bnai_run", index, RUN_NETWORK, Int32GetDatum(network));
	HeapTuple	tuple = NextCatalogTuple(&scan);
	bool		isnull;
	int64		run = 0;

	if (HeapTupleIsValid(tuple))
		run = DatumGetInt64(CatalogValue(&scan, tuple, RUN_ID, &isnull));
	EndCatalogScan(&scan);
	return run;
}

/* Returns the id of the network's current run; the index holds no other runs. */
int64
CurrentRun(int network)
{
	return IndexedRun("a_network_has_one_current_run", network);
}

/* Returns the id of the run before it. */
int64
PreviousRun(int network)
{
	return IndexedRun("a_network_has_one_previous_run", network);
}

/* Returns true if the network has a run. */
static bool
HasRuns(int network)
{
	return IndexedRun("bnai_run_network", network) != 0;
}

/* Returns how many rows have had a label since the last run or reset. */
int64
LabelledRows(int network)
{
	CatalogScan scan = BeginCatalogScan("bnai_run", "a_network_has_one_current_run", RUN_NETWORK,
										Int32GetDatum(network));
	HeapTuple	tuple = NextCatalogTuple(&scan);
	bool		isnull = true;
	int64		rows = -1;

	if (HeapTupleIsValid(tuple))
	{
		rows = DatumGetInt64(CatalogValue(&scan, tuple, RUN_ROWS_LABELLED, &isnull));
		rows = isnull ? -1 : rows;
	}
	else if (HasRuns(network))
		rows = 0;
	EndCatalogScan(&scan);
	return rows;
}

/* Returns the id of a run's network, or 0. */
int
RunNetwork(int64 run)
{
	CatalogScan scan = BeginCatalogScan("bnai_run", "bnai_run_pkey", RUN_ID, Int64GetDatum(run));
	HeapTuple	tuple = NextCatalogTuple(&scan);
	bool		isnull;
	int			network = 0;

	if (HeapTupleIsValid(tuple))
		network = DatumGetInt32(CatalogValue(&scan, tuple, RUN_NETWORK, &isnull));
	EndCatalogScan(&scan);
	return network;
}

/* Returns the posterior of a run, or 0. */
Datum
RunPosterior(int64 run)
{
	CatalogScan scan = BeginCatalogScan("bnai_run", "bnai_run_pkey", RUN_ID, Int64GetDatum(run));
	HeapTuple	tuple = NextCatalogTuple(&scan);
	bool		isnull;
	Datum		posterior = (Datum) 0;

	if (HeapTupleIsValid(tuple))
		posterior = StoredPosterior(CatalogValue(&scan, tuple, RUN_POSTERIOR, &isnull));
	EndCatalogScan(&scan);
	return posterior;
}

/* Returns the posterior of a run that must have one. */
Datum
RequiredPosterior(int64 run)
{
	Datum		posterior = RunPosterior(run);

	if (posterior == (Datum) 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("run " INT64_FORMAT " has no posterior", run),
				 errdetail("It was restored from a dump by a role that may not read the network."),
				 errhint("Infer the network again.")));
	return posterior;
}

/* Returns true if the run has that very value. */
bool
RunHolds(int64 run, const StoredHead *head)
{
	CatalogScan scan = BeginCatalogScan("bnai_run", "bnai_run_pkey", RUN_ID, Int64GetDatum(run));
	HeapTuple	tuple = NextCatalogTuple(&scan);
	bool		isnull;
	bool		holds = HeapTupleIsValid(tuple) &&
		SameStored(StoredHeadOf(CatalogValue(&scan, tuple, RUN_POSTERIOR, &isnull)), head);

	EndCatalogScan(&scan);
	return holds;
}

/* Reads one array of a run. */
static int
RunArray(const CatalogScan *scan, HeapTuple tuple, AttrNumber attribute, Oid type, Datum **values, bool **nulls)
{
	bool		isnull;
	Datum		array = CatalogValue(scan, tuple, attribute, &isnull);
	int			n;

	deconstruct_array(DatumGetArrayTypeP(array), type,
					  type == FLOAT8OID ? 8 : type == INT4OID ? 4 : -1,
					  type == FLOAT8OID ? FLOAT8PASSBYVAL : type == INT4OID,
					  type == FLOAT8OID ? TYPALIGN_DOUBLE : TYPALIGN_INT,
					  values, nulls, &n);
	return n;
}

/* Reads the matching from the row of a run. */
static RunMatching *
MatchingFromRow(const CatalogScan *scan, HeapTuple row, int64 previous)
{
	RunMatching *matching = palloc(sizeof(RunMatching));
	Datum	   *from;
	Datum	   *to;
	Datum	   *shared;
	bool	   *nulls;

	matching->previous = previous;
	matching->n = RunArray(scan, row, RUN_MATCHED_FROM, TEXTOID, &from, &nulls);
	matching->n = Min(matching->n, RunArray(scan, row, RUN_MATCHED_TO, TEXTOID, &to, &nulls));
	matching->n = Min(matching->n, RunArray(scan, row, RUN_MATCHED_ROWS, FLOAT8OID, &shared, &nulls));
	matching->from = palloc(sizeof(char *) * (matching->n + 1));
	matching->to = palloc(sizeof(char *) * (matching->n + 1));
	matching->rows = palloc(sizeof(double) * (matching->n + 1));
	for (int i = 0; i < matching->n; i++)
	{
		matching->from[i] = TextDatumGetCString(from[i]);
		matching->to[i] = TextDatumGetCString(to[i]);
		matching->rows[i] = DatumGetFloat8(shared[i]);
	}
	return matching;
}

RunMatching *
ReadMatching(int64 run)
{
	CatalogScan scan = BeginCatalogScan("bnai_run", "bnai_run_pkey", RUN_ID, Int64GetDatum(run));
	HeapTuple	tuple = NextCatalogTuple(&scan);
	RunMatching *matching = NULL;
	bool		isnull = true;
	int64		previous = 0;

	if (HeapTupleIsValid(tuple))
		previous = DatumGetInt64(CatalogValue(&scan, tuple, RUN_MATCHED_RUN, &isnull));
	if (!isnull)
		matching = MatchingFromRow(&scan, tuple, previous);
	EndCatalogScan(&scan);
	return matching;
}

/* Reads a network's current run. */
bool
ReadCurrentRun(int network, RunState *state)
{
	CatalogScan scan = BeginCatalogScan("bnai_run", "a_network_has_one_current_run", RUN_NETWORK,
										Int32GetDatum(network));
	HeapTuple	tuple = NextCatalogTuple(&scan);
	bool		isnull;

	if (HeapTupleIsValid(tuple))
		*state = (RunState) {
			.run = DatumGetInt64(CatalogValue(&scan, tuple, RUN_ID, &isnull)),
			.rows = DatumGetInt64(CatalogValue(&scan, tuple, RUN_ROWS, &isnull)),
			.elbo = DatumGetFloat8(CatalogValue(&scan, tuple, RUN_ELBO, &isnull)),
			.warm_runs = DatumGetInt32(CatalogValue(&scan, tuple, RUN_WARM_RUNS, &isnull)),
			.definition = DatumGetInt64(CatalogValue(&scan, tuple, RUN_DEFINITION, &isnull)),
			.posterior = StoredPosterior(CatalogValue(&scan, tuple, RUN_POSTERIOR, &isnull))
		};
	EndCatalogScan(&scan);
	return HeapTupleIsValid(tuple);
}

/* Copies the latest run's row; NULL if the network has none. */
static HeapTuple
LatestRun(CatalogScan *scan)
{
	HeapTuple	latest = NULL;
	int64		latest_id = 0;
	HeapTuple	tuple;

	while ((tuple = NextCatalogTuple(scan)) != NULL)
	{
		bool		isnull;
		int64		id = DatumGetInt64(CatalogValue(scan, tuple, RUN_ID, &isnull));

		if (latest != NULL && id < latest_id)
			continue;
		if (latest != NULL)
			heap_freetuple(latest);
		latest = heap_copytuple(tuple);
		latest_id = id;
	}
	return latest;
}

/* Returns a trace as rows; arrays of different lengths end with the shortest. */
static void
ReturnTrace(const CatalogScan *scan, HeapTuple run, ReturnSetInfo *result)
{
	static const AttrNumber attributes[] = {RUN_TRACE_RESTART, RUN_TRACE_ITERATION, RUN_TRACE_ELBO, RUN_TRACE_EVENT};
	static const Oid types[] = {INT4OID, INT4OID, FLOAT8OID, TEXTOID};
	Datum	   *columns[lengthof(attributes)];
	bool	   *column_nulls[lengthof(attributes)];
	int			rows = PG_INT32_MAX;

	for (int i = 0; i < lengthof(attributes); i++)
		rows = Min(rows, RunArray(scan, run, attributes[i], types[i], &columns[i], &column_nulls[i]));
	for (int row = 0; row < rows; row++)
	{
		Datum		values[lengthof(attributes)];
		bool		nulls[lengthof(attributes)];

		for (int i = 0; i < lengthof(attributes); i++)
		{
			values[i] = columns[i][row];
			nulls[i] = column_nulls[i][row];
		}
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
}

/* bnai_trace(network): the ELBO after every iteration of the latest run. */
Datum
bnai_trace(PG_FUNCTION_ARGS)
{
	Network    *network = LoadUnparsedNetwork(text_to_cstring(PG_GETARG_TEXT_PP(0)), false);
	CatalogScan scan;
	HeapTuple	run;

	CheckMayReadNetwork(network);
	InitMaterializedSRF(fcinfo, 0);
	scan = BeginCatalogScan("bnai_run", "bnai_run_network", RUN_NETWORK, Int32GetDatum(network->id));
	run = LatestRun(&scan);
	if (run != NULL)
		ReturnTrace(&scan, run, (ReturnSetInfo *) fcinfo->resultinfo);
	EndCatalogScan(&scan);
	return (Datum) 0;
}
