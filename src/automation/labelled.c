/*
 * labelled.c
 *		How many rows of a source have a label: as of the last run, and by the
 *		server's statistics.  Whoever looks reads no table of a user's and waits
 *		for none.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "utils/syscache.h"

#include "catalog/privileges.h"
#include "catalog/runs.h"

PG_FUNCTION_INFO_V1(bnai_labelled_rows);
PG_FUNCTION_INFO_V1(bnai_unlabelled_share);

/*
 * Returns how many rows a table and its parts hold, as VACUUM and ANALYZE have
 * seen; negative if one of them was never seen, or the table is gone.
 */
static double
EstimatedRows(Oid table)
{
	double		rows = 0;
	ListCell   *cell;

	if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(table)))
		return -1;
	foreach(cell, find_all_inheritors(table, NoLock, NULL))
	{
		HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(lfirst_oid(cell)));
		Form_pg_class form;

		if (!HeapTupleIsValid(tuple))
			continue;
		form = (Form_pg_class) GETSTRUCT(tuple);
		if (form->relkind != RELKIND_PARTITIONED_TABLE)
			rows = rows < 0 || form->reltuples < 0 ? -1 : rows + form->reltuples;
		ReleaseSysCache(tuple);
	}
	return rows;
}

/* Loads a network that has a results column, for who may read it; else NULL. */
static Network *
LabelledNetwork(FunctionCallInfo fcinfo)
{
	Network    *network = LoadUnparsedNetworkById(PG_GETARG_INT32(0), true);

	return network != NULL && network->settings.results_column != NULL && MayReadNetwork(network) ? network : NULL;
}

/* bnai_labelled_rows(network id): as of the last run. */
Datum
bnai_labelled_rows(PG_FUNCTION_ARGS)
{
	Network    *network = LabelledNetwork(fcinfo);
	int64		labelled = network == NULL ? -1 : LabelledRows(network->id);

	if (labelled < 0)
		PG_RETURN_NULL();
	PG_RETURN_INT64(labelled);
}

/* bnai_unlabelled_share(network id): of the rows that there are now, as far as statistics know. */
Datum
bnai_unlabelled_share(PG_FUNCTION_ARGS)
{
	Network    *network = LabelledNetwork(fcinfo);
	int64		labelled = network == NULL ? -1 : LabelledRows(network->id);
	double		rows = labelled < 0 ? -1 : EstimatedRows(NetworkSource(network));

	if (rows <= 0)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(Max(0.0, 1.0 - labelled / rows));
}
