/*
 * labelled.c
 *		How many rows of a source have a label.
 *
 * A view that is looked at every few seconds must not read a large table each
 * time: then the server's own statistics answer.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_statistic.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "catalog/privileges.h"
#include "catalog/source.h"

PG_FUNCTION_INFO_V1(bnai_labelled_rows);
PG_FUNCTION_INFO_V1(bnai_unlabelled_share);

/* A table of up to so many blocks is counted */
#define COUNTED_BLOCKS 10240

/* Rows with and without a label */
typedef struct Labelled
{
	double		labelled;
	double		unlabelled;
} Labelled;

/* Returns the size of a table with its partitions and children, in blocks, and how many rows it had when analyzed. */
static double
TableBlocks(Oid table, double *rows)
{
	double		blocks = 0;
	ListCell   *cell;

	*rows = 0;
	foreach(cell, find_all_inheritors(table, NoLock, NULL))
	{
		Relation	relation = try_table_open(lfirst_oid(cell), AccessShareLock);

		if (relation == NULL)
			continue;
		if (RELKIND_HAS_STORAGE(relation->rd_rel->relkind))
		{
			blocks += RelationGetNumberOfBlocks(relation);
			*rows += Max(relation->rd_rel->reltuples, 0);
		}
		table_close(relation, AccessShareLock);
	}
	return blocks;
}

/* Counts, with the rights of the current user. */
static Labelled
CountLabelled(Oid table, const char *column)
{
	Labelled	result;
	bool		isnull;

	SPI_connect();
	if (SPI_execute(psprintf("SELECT pg_catalog.count(%s), pg_catalog.count(*) FROM %s",
							 quote_identifier(column), QualifiedRelationName(table)), true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not count rows");
	result.labelled = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	result.unlabelled = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2, &isnull)) -
		result.labelled;
	SPI_finish();
	return result;
}

/* Estimates; false without statistics. */
static bool
EstimateLabelled(Oid table, AttrNumber attribute, double rows, Labelled *result)
{
	HeapTuple	tuple = SearchSysCache3(STATRELATTINH, ObjectIdGetDatum(table), Int16GetDatum(attribute),
										BoolGetDatum(has_subclass(table)));
	double		unlabelled;

	if (!HeapTupleIsValid(tuple))
		return false;
	unlabelled = ((Form_pg_statistic) GETSTRUCT(tuple))->stanullfrac;
	ReleaseSysCache(tuple);
	result->unlabelled = rows * unlabelled;
	result->labelled = rows - result->unlabelled;
	return true;
}

/* Finds out about a network; false if there is nothing to say to the current user. */
static bool
FindLabelled(int id, Labelled *result)
{
	Network    *network = LoadUnparsedNetworkById(id, true);
	const char *column;
	Oid			table;
	AttrNumber	attribute;
	double		rows;

	if (network == NULL || network->settings.results_column == NULL || !MayReadNetwork(network))
		return false;
	column = network->settings.results_column;
	table = NetworkSource(network);
	attribute = OidIsValid(table) ? get_attnum(table, column) : InvalidAttrNumber;
	if (attribute <= 0 ||
		(pg_class_aclcheck(table, GetUserId(), ACL_SELECT) != ACLCHECK_OK &&
		 pg_attribute_aclcheck(table, attribute, GetUserId(), ACL_SELECT) != ACLCHECK_OK))
		return false;
	if (TableBlocks(table, &rows) > COUNTED_BLOCKS)
		return EstimateLabelled(table, attribute, rows, result);
	*result = CountLabelled(table, column);
	return true;
}

/* bnai_labelled_rows(network id) */
Datum
bnai_labelled_rows(PG_FUNCTION_ARGS)
{
	Labelled	labelled;

	if (!FindLabelled(PG_GETARG_INT32(0), &labelled))
		PG_RETURN_NULL();
	PG_RETURN_INT64((int64) labelled.labelled);
}

/* bnai_unlabelled_share(network id) */
Datum
bnai_unlabelled_share(PG_FUNCTION_ARGS)
{
	Labelled	labelled;

	if (!FindLabelled(PG_GETARG_INT32(0), &labelled) || labelled.labelled + labelled.unlabelled <= 0)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(labelled.unlabelled / (labelled.labelled + labelled.unlabelled));
}
