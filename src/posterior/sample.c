/*
 * sample.c
 *		Some rows of a network's source, for a look at them.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "catalog/network.h"
#include "catalog/observed.h"
#include "catalog/privileges.h"
#include "catalog/source.h"
#include "compat.h"

PG_FUNCTION_INFO_V1(bnai_sample_rows);

/* Appends a condition on the observed columns of a node: all numbers are there, and finite. */
static void
AppendFinite(StringInfo query, const NetworkNode *node)
{
	for (int j = 0; j < node->nsource_columns; j++)
	{
		const SourceColumn *column = &node->source_columns[j];
		StringInfoData value;

		initStringInfo(&value);
		AppendSourceColumn(&value, node->source, column);
		appendStringInfoString(query, query->data[query->len - 1] == ' ' ? "" : " AND ");
		if (column->width == 0)
			appendStringInfo(query,
							 "%1$s OPERATOR(pg_catalog.>) '-Infinity'::pg_catalog.float8 AND "
							 "%1$s OPERATOR(pg_catalog.<) 'Infinity'::pg_catalog.float8", value.data);
		else
			appendStringInfo(query,
							 "NOT (%1$s)::pg_catalog.float8[] OPERATOR(pg_catalog.&&) "
							 "'{NaN,Infinity,-Infinity}'::pg_catalog.float8[] AND "
							 "pg_catalog.array_position(%1$s, NULL) IS NULL", value.data);
	}
}

/*
 * Writes the query: rows that could be fitted, in an order that only their
 * values and the seed decide, so that no UPDATE changes the sample.
 */
static char *
SampleQuery(const Network *network, const char *source)
{
	StringInfoData query;
	SourceColumn *columns;
	int			n = 0;

	for (int i = 0; i < network->nnodes; i++)
		n += network->nodes[i].nsource_columns;
	columns = palloc(sizeof(SourceColumn) * (n + 1));
	n = 0;
	for (int i = 0; i < network->nnodes; i++)
		for (int j = 0; j < network->nodes[i].nsource_columns; j++)
			columns[n++] = network->nodes[i].source_columns[j];
	initStringInfo(&query);
	appendStringInfoString(&query, "SELECT observed FROM (SELECT ");
	AppendRow(&query, NetworkSource(network), n, columns);
	appendStringInfo(&query, " AS observed FROM %s WHERE ", source);
	for (int i = 0; i < network->nnodes; i++)
		AppendFinite(&query, &network->nodes[i]);
	appendStringInfoString(&query, ") s ORDER BY pg_catalog.hash_array_extended(observed, $2), observed LIMIT $1");
	return query.data;
}

/*
 * bnai_sample_rows(network, size, seed): reads as the caller, so row security
 * and revoked privileges count.
 */
Datum
bnai_sample_rows(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	int32 size = PG_GETARG_INT32(1);
	Oid types[2] = {INT4OID, INT8OID};
	Datum arguments[2] = {Int32GetDatum(size), PG_GETARG_DATUM(2)};
	Network *network;
	char *source;

	InitMaterializedSRF(fcinfo, 0);
	SPI_connect();
	network = LoadUnparsedNetwork(text_to_cstring(PG_GETARG_TEXT_PP(0)), false);
	CheckMayReadNetwork(network);
	LockSource(network);
	source = QualifiedRelationName(NetworkSource(network));
	if (source == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE), errmsg("network \"%s\" has no source to read", network->name)));
	if (size < 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("a sample of %d rows cannot be drawn", size)));
	if (SPI_execute_with_args(SampleQuery(network, source), 2, types, arguments, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "reading a sample of the source failed");
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		Datum values[2] = {Int64GetDatum(i + 1)};
		bool nulls[2] = {false, false};

		values[1] = SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &nulls[1]);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	SPI_finish();
	return (Datum) 0;
}
