/*
 * runs.c
 *		Writing the history of runs.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "commands/sequence.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"

#include "catalog/privileges.h"
#include "catalog/relations.h"
#include "inference/runs.h"

Oid
PosteriorTypeId(void)
{
	return ExtensionType("bnai_posterior");
}

/* Returns {"merge": {"tried": 8, "accepted": 3}, ...}; a kind that is for few networks only where it was tried. */
static Datum
MovesJson(const Fit *fit)
{
	StringInfoData json;

	initStringInfo(&json);
	for (int m = 0; m < MOVE_KINDS; m++)
		if (m != MOVE_PLACE || fit->tried[m] > 0)
			appendStringInfo(&json, "%s\"%s\": {\"tried\": %d, \"accepted\": %d}", m == 0 ? "{" : ", ", MoveNames[m],
							 fit->tried[m], fit->accepted[m]);
	appendStringInfoChar(&json, '}');
	return DirectFunctionCall1(jsonb_in, CStringGetDatum(json.data));
}

/* Returns how the restarts ended: [{"restart": 1, "elbo": -951.5, …}, …]. */
static Datum
OutcomesJson(const Fit *fit)
{
	StringInfoData json;

	initStringInfo(&json);
	appendStringInfoChar(&json, '[');
	for (int i = 0; i < fit->noutcomes; i++)
	{
		const Outcome *outcome = &fit->outcomes[i];

		appendStringInfo(&json, "%s{\"restart\": %d, \"iterations\": %d, \"converged\": %s, \"sampled\": %s, "
						 "\"elbo\": %.17g, \"evidence\": %.17g, \"clusters\": %d, \"sizes\": [", i > 0 ? ", " : "",
						 outcome->restart, outcome->iterations, outcome->converged ? "true" : "false",
						 outcome->sampled ? "true" : "false", outcome->elbo, outcome->evidence, outcome->clusters);
		for (int k = 0; k < outcome->clusters; k++)
			appendStringInfo(&json, "%s%.0f", k > 0 ? ", " : "", outcome->sizes[k]);
		appendStringInfoChar(&json, ']');
		if (outcome->seconds >= 0.0)
			appendStringInfo(&json, ", \"seconds\": %.6f", outcome->seconds);
		appendStringInfoChar(&json, '}');
	}
	appendStringInfoChar(&json, ']');
	return DirectFunctionCall1(jsonb_in, CStringGetDatum(json.data));
}

/* Writes the trace as four parallel arrays. */
static void
TraceArrays(const Trace *trace, Datum *restart, Datum *iteration, Datum *elbo, Datum *event)
{
	Datum	   *values = palloc(sizeof(Datum) * (trace->n + 1) * 4);
	bool	   *nulls = palloc0(sizeof(bool) * (trace->n + 1));
	int			dims[] = {trace->n};
	int			lower[] = {1};
	int			n = trace->n;

	for (int i = 0; i < n; i++)
	{
		values[i] = Int32GetDatum(trace->entries[i].restart);
		values[n + i] = Int32GetDatum(trace->entries[i].iteration);
		values[2 * n + i] = Float8GetDatum(trace->entries[i].elbo);
		nulls[i] = trace->entries[i].event == NULL;
		values[3 * n + i] = nulls[i] ? (Datum) 0 : CStringGetTextDatum(trace->entries[i].event);
	}
	*restart = PointerGetDatum(construct_array(values, n, INT4OID, sizeof(int32), true, TYPALIGN_INT));
	*iteration = PointerGetDatum(construct_array(values + n, n, INT4OID, sizeof(int32), true, TYPALIGN_INT));
	*elbo = PointerGetDatum(construct_array(values + 2 * n, n, FLOAT8OID, sizeof(float8), FLOAT8PASSBYVAL,
											TYPALIGN_DOUBLE));
	*event = PointerGetDatum(construct_md_array(values + 3 * n, nulls, 1, dims, lower, TEXTOID, -1, false,
												TYPALIGN_INT));
}

/* Number of columns that hold a matching */
#define MATCHING_COLUMNS 4

/* Writes a matching as the previous run and three parallel arrays. */
static void
MatchingArrays(const RunMatching *matching, Datum *columns)
{
	int			n = matching->n;
	Datum	   *values = palloc(sizeof(Datum) * (n + 1) * 3);

	for (int i = 0; i < n; i++)
	{
		values[i] = CStringGetTextDatum(matching->from[i]);
		values[n + i] = CStringGetTextDatum(matching->to[i]);
		values[2 * n + i] = Float8GetDatum(matching->rows[i]);
	}
	columns[0] = Int64GetDatum(matching->previous);
	columns[1] = PointerGetDatum(construct_array(values, n, TEXTOID, -1, false, TYPALIGN_INT));
	columns[2] = PointerGetDatum(construct_array(values + n, n, TEXTOID, -1, false, TYPALIGN_INT));
	columns[3] = PointerGetDatum(construct_array(values + 2 * n, n, FLOAT8OID, sizeof(float8), FLOAT8PASSBYVAL,
												 TYPALIGN_DOUBLE));
}

static Datum
ElapsedDatum(const RunSummary *summary)
{
	return DirectFunctionCall2(timestamp_mi, TimestampTzGetDatum(summary->ended_at),
							   TimestampTzGetDatum(summary->started_at));
}

/* Makes the current run the previous one. */
static void
RetireCurrentRun(const Network *network)
{
	Oid			type = INT4OID;
	Datum		value = Int32GetDatum(network->id);

	WriteCatalog(psprintf("UPDATE %s.bnai_run SET is_previous = false WHERE network OPERATOR(pg_catalog.=) $1 AND is_previous",
						  ExtensionSchema()), 1, &type, &value, NULL);
	WriteCatalog(psprintf("UPDATE %s.bnai_run SET is_current = false, is_previous = true "
						  "WHERE network OPERATOR(pg_catalog.=) $1 AND is_current",
						  ExtensionSchema()), 1, &type, &value, NULL);
}

/* Draws the number of a new run; nobody is asked whether he may use the sequence, as with bnai's tables. */
static int64
NextRun(void)
{
	return nextval_internal(CatalogRelation("bnai_run_id_seq"), false);
}

void
StoreRun(const Network *network, const Fit *fit, const Posterior *posterior, const RunMatching *matching,
		 RunSummary *summary)
{
	Oid			types[] = {INT8OID, INT4OID, TIMESTAMPTZOID, INTERVALOID, INT8OID, INT8OID, INT4OID, INT4OID, INT4OID,
		BOOLOID, FLOAT8OID, INT4OID, FLOAT8OID, JSONBOID, ExtensionType("bnai_stored_posterior"), INT4ARRAYOID,
	INT4ARRAYOID, FLOAT8ARRAYOID, TEXTARRAYOID, JSONBOID,
		INT8OID, TEXTARRAYOID, TEXTARRAYOID, FLOAT8ARRAYOID, INT4OID, INT8OID};
	Datum		values[lengthof(types)];
	char		nulls[lengthof(types) + 1];
	int			n = 0;

	RetireCurrentRun(network);
	summary->run = NextRun();
	memset(nulls, ' ', sizeof(nulls));
	values[n++] = Int64GetDatum(summary->run);
	values[n++] = Int32GetDatum(network->id);
	values[n++] = TimestampTzGetDatum(summary->started_at);
	values[n++] = ElapsedDatum(summary);
	values[n++] = Int64GetDatum(summary->rows);
	values[n++] = Int64GetDatum(summary->skipped);
	values[n++] = Int32GetDatum(fit->restarts);
	values[n++] = Int32GetDatum(fit->best_restart);
	values[n++] = Int32GetDatum(fit->iterations);
	values[n++] = BoolGetDatum(fit->converged);
	values[n++] = Float8GetDatum(fit->elbo);
	nulls[n] = summary->clusters > 0 ? ' ' : 'n';
	values[n++] = Int32GetDatum(summary->clusters);
	values[n++] = Float8GetDatum(fit->passes);
	values[n++] = MovesJson(fit);
	values[n++] = MakeStored(summary->run, PosteriorGetDatum(posterior));
	TraceArrays(&fit->trace, &values[n], &values[n + 1], &values[n + 2], &values[n + 3]);
	values[n + 4] = OutcomesJson(fit);
	n += 5;
	if (matching)
		MatchingArrays(matching, &values[n]);
	else
		memset(nulls + n, 'n', MATCHING_COLUMNS);
	n += MATCHING_COLUMNS;
	values[n++] = Int32GetDatum(summary->warm_runs);
	values[n++] = Int64GetDatum(DefinitionHash(network));
	WriteCatalog(psprintf("INSERT INTO %s.bnai_run (id, network, started_at, elapsed, rows, rows_skipped, restarts, "
						  "best_restart, iterations, converged, elbo, clusters, passes, moves, posterior, trace_restart, "
						  "trace_iteration, trace_elbo, trace_event, outcomes, matched_run, matched_from, matched_to, matched_rows, warm_runs, definition, is_current) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, "
						  "$9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, true)",
						  ExtensionSchema()), lengthof(types), types, values, nulls);
}

void
MakeRunCurrent(const Network *network, int64 run)
{
	Oid			types[] = {INT4OID, INT8OID};
	Datum		values[] = {Int32GetDatum(network->id), Int64GetDatum(run)};

	RetireCurrentRun(network);
	WriteCatalog(psprintf("UPDATE %s.bnai_run SET is_current = true, is_previous = false "
						  "WHERE network OPERATOR(pg_catalog.=) $1 AND id OPERATOR(pg_catalog.=) $2",
						  ExtensionSchema()), lengthof(types), types, values, NULL);
}

/* Records how many rows have a label after a rollback. */
void
SetRowsLabelled(int64 run, int64 rows)
{
	Oid			types[] = {INT8OID, INT8OID};
	Datum		values[] = {Int64GetDatum(run), Int64GetDatum(rows)};

	WriteCatalog(psprintf("UPDATE %s.bnai_run SET rows_labelled = $2 WHERE id OPERATOR(pg_catalog.=) $1",
						  ExtensionSchema()), lengthof(types), types, values, NULL);
}

/* Drops all but the latest runs; the current one stays, however old. */
static void
DropOldRuns(const Network *network)
{
	Oid			types[] = {INT4OID, INT4OID};
	Datum		values[] = {Int32GetDatum(network->id), Int32GetDatum(network->settings.history)};

	WriteCatalog(psprintf("DELETE FROM %s.bnai_run WHERE network OPERATOR(pg_catalog.=) $1 AND NOT is_current "
						  "AND id OPERATOR(pg_catalog.<=) (SELECT id FROM %s.bnai_run "
						  "WHERE network OPERATOR(pg_catalog.=) $1 ORDER BY id DESC OFFSET $2 LIMIT 1)",
						  ExtensionSchema(), ExtensionSchema()), lengthof(types), types, values, NULL);
}

void
FinishRun(const Network *network, const RunSummary *summary)
{
	Oid			types[] = {INT8OID, INTERVALOID, INT8OID, INT8OID};
	Datum		values[] = {Int64GetDatum(summary->run), ElapsedDatum(summary), Int64GetDatum(summary->relabelled),
	Int64GetDatum(summary->rows)};
	char		labelled = summary->relabelled >= 0 ? ' ' : 'n';
	char		nulls[] = {' ', ' ', labelled, labelled, '\0'};

	WriteCatalog(psprintf("UPDATE %s.bnai_run SET elapsed = $2, rows_relabelled = $3, rows_labelled = $4 "
						  "WHERE id OPERATOR(pg_catalog.=) $1",
						  ExtensionSchema()), lengthof(types), types, values, nulls);
	DropOldRuns(network);
}

void
ForgetRuns(const Network *network)
{
	Oid			type = INT4OID;
	Datum		value = Int32GetDatum(network->id);

	WriteCatalog(psprintf("UPDATE %s.bnai_run SET is_current = false, is_previous = false "
						  "WHERE network OPERATOR(pg_catalog.=) $1 AND (is_current OR is_previous)",
						  ExtensionSchema()), 1, &type, &value, NULL);
}
