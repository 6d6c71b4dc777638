/*
 * history.c
 *		Going back to an earlier run, and comparing two.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "utils/builtins.h"

#include "catalog/privileges.h"
#include "catalog/runs.h"
#include "compat.h"
#include "inference/infer.h"
#include "inference/matching.h"
#include "inference/results.h"
#include "inference/roles.h"
#include "inference/runs.h"

PG_FUNCTION_INFO_V1(bnai_rollback);
PG_FUNCTION_INFO_V1(bnai_compare);

/* Raises an error about a run that is not there. */
pg_noreturn static void
NoSuchRun(int64 run)
{
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("run " INT64_FORMAT " does not exist", run),
			 errhint("The view bnai_runs has those that are kept; their number is the setting \"history\".")));
}

/* Returns the run that the second argument chooses: by default the previous one. */
static int64
ChosenRun(FunctionCallInfo fcinfo, const Network *network)
{
	int64		run = PG_ARGISNULL(1) ? PreviousRun(network->id) : PG_GETARG_INT64(1);

	if (run == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("network \"%s\" has no previous run", network->name),
				 errhint("Choose one of the view bnai_runs.")));
	if (RunNetwork(run) == 0)
		NoSuchRun(run);
	if (RunNetwork(run) != network->id)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("run " INT64_FORMAT " is not one of network \"%s\"", run, network->name)));
	return run;
}

/* Makes an earlier run the current one and writes its labels; returns how many changed. */
Datum
bnai_rollback(PG_FUNCTION_ARGS)
{
	Network    *network;
	Posterior  *posterior;
	int64		run;
	int64		relabelled = -1;
	int64		refused = 0;
	char	   *left_out;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	PreventWhereReadOnly("bnai_rollback()");
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	network = LoadNetworkToInfer(text_to_cstring(PG_GETARG_TEXT_PP(0)), false, CheckMayModifyNetwork);
	CheckSourcePrivileges(network, true);
	run = ChosenRun(fcinfo, network);
	posterior = DatumGetPosterior(RequiredPosterior(run));
	if (run != CurrentRun(network->id))
		MakeRunCurrent(network, run);
	if (network->settings.results_column != NULL && posterior->selector != NULL)
	{
		CheckLabelsFit(network, posterior);
		relabelled = WriteResults(network, FindResultsTargets(network, InvalidOid, &left_out), posterior, &refused);
		ReportRefused(network, refused);
		SetRowsLabelled(run, CountResults(network));
	}
	SPI_finish();
	if (relabelled < 0)
		PG_RETURN_NULL();
	PG_RETURN_INT64(relabelled);
}

/* --- comparing --- */

/* Reads the posterior of a run with clusters, which the current user may read; writes its network. */
static Posterior *
ReadableRunPosterior(int64 run, Network **network)
{
	int			id = RunNetwork(run);
	Posterior  *posterior;

	if (id == 0)
		NoSuchRun(run);
	*network = LoadUnparsedNetworkById(id, false);
	CheckMayReadNetwork(*network);
	posterior = DatumGetPosterior(RequiredPosterior(run));
	if (posterior->selector == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("run " INT64_FORMAT " of network \"%s\" has no clusters to compare", run, (*network)->name)));
	return posterior;
}

/* Returns true if two posteriors were learned from the same columns. */
static bool
SameColumns(Network *const networks[2], Posterior *const posteriors[2])
{
	int			n[2];
	SourceColumn *columns[2];

	for (int i = 0; i < 2; i++)
		columns[i] = PosteriorSourceColumns(networks[i], posteriors[i], &n[i]);
	if (columns[0] == NULL || columns[1] == NULL || n[0] != n[1])
		return false;
	for (int j = 0; j < n[0]; j++)
		if (columns[0][j].attribute != columns[1][j].attribute || columns[0][j].width != columns[1][j].width)
			return false;
	return true;
}

/* Counts the rows of the source by their labels under both posteriors; the result is in SPI_tuptable. */
static void
CountLabelPairs(Network *const networks[2], Posterior *const posteriors[2])
{
	const Network *network = networks[0];
	Oid			source = NetworkSource(network);
	Oid			types[] = {PosteriorTypeId(), PosteriorTypeId()};
	Datum		values[] = {PosteriorGetDatum(posteriors[0]), PosteriorGetDatum(posteriors[1])};
	StringInfoData sql;

	if (!OidIsValid(source))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("the source of network \"%s\" was dropped", network->name)));
	initStringInfo(&sql);
	appendStringInfoString(&sql, "SELECT l.a, l.b, pg_catalog.count(*) FROM (SELECT ");
	AppendPrediction(&sql, network, posteriors[0], 1);
	appendStringInfoString(&sql, " AS a, ");
	AppendPrediction(&sql, networks[1], posteriors[1], 2);
	appendStringInfo(&sql, " AS b FROM %s) AS l GROUP BY l.a, l.b "
					 "ORDER BY pg_catalog.length(l.a), l.a, pg_catalog.length(l.b), l.b", QualifiedSource(network));
	if (SPI_execute_with_args(sql.data, lengthof(types), types, values, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "counting labels failed");
}

/* Compares two runs, label by label. */
Datum
bnai_compare(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Network    *networks[2];
	Posterior  *posteriors[2];
	bool		same;

	InitMaterializedSRF(fcinfo, 0);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	for (int i = 0; i < 2; i++)
		posteriors[i] = ReadableRunPosterior(PG_GETARG_INT64(i), &networks[i]);
	if (NetworkSource(networks[0]) != NetworkSource(networks[1]))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("networks \"%s\" and \"%s\" do not have the same source", networks[0]->name, networks[1]->name)));
	same = SameColumns(networks, posteriors);
	CountLabelPairs(networks, posteriors);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		Datum		values[4];
		bool		nulls[4];

		for (int j = 0; j < 3; j++)
			values[j] = SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, j + 1, &nulls[j]);
		nulls[3] = nulls[0] || nulls[1] || !same;
		if (!nulls[3])
			values[3] = ShiftArray(posteriors[0], TextDatumGetCString(values[0]), posteriors[1],
								   TextDatumGetCString(values[1]));
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	SPI_finish();
	return (Datum) 0;
}
