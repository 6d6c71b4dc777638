/*
 * relations.h
 *		bnai's own tables: opening and scanning them without SQL.
 *
 * Rights are not checked here; see privileges.h.  Rows are those that the
 * active snapshot sees.
 */
#ifndef BNAI_RELATIONS_H
#define BNAI_RELATIONS_H

#include "access/genam.h"
#include "access/htup.h"
#include "utils/rel.h"

/* Columns, in the order of 10_catalog.sql; new ones are only ever added at the end */
enum NetworkColumn
{
	NETWORK_ID = 1,
	NETWORK_NAME,
	NETWORK_KIND,
	NETWORK_OWNER,
	NETWORK_RESTARTS,
	NETWORK_MAX_ITERATIONS,
	NETWORK_TOLERANCE,
	NETWORK_MOVES,
	NETWORK_SEED,
	NETWORK_START,
	NETWORK_RESTART_SAMPLE,
	NETWORK_RESULTS_COLUMN,
	NETWORK_COUNTER_THRESHOLD,
	NETWORK_THRESHOLD_ACTION,
	NETWORK_CREATED_AT,
	NETWORK_RESOLUTION,
	NETWORK_PRUNE,
	NETWORK_HISTORY,
	NETWORK_WEIGHT_COLUMN,
	NETWORK_MISSING,
	NETWORK_REFIT,
	NETWORK_REFIT_MARGIN
};

enum NodeColumn
{
	NODE_NETWORK = 1,
	NODE_ID,
	NODE_NAME,
	NODE_DISTRIBUTION,
	NODE_PARAMS,
	NODE_SOURCE,
	NODE_COLUMNS,
	NODE_RESTORED_BY
};

enum RunColumn
{
	RUN_ID = 1,
	RUN_NETWORK,
	RUN_IS_CURRENT,
	RUN_IS_PREVIOUS,
	RUN_STARTED_AT,
	RUN_ELAPSED,
	RUN_ROWS,
	RUN_ROWS_SKIPPED,
	RUN_RESTARTS,
	RUN_BEST_RESTART,
	RUN_ITERATIONS,
	RUN_CONVERGED,
	RUN_ELBO,
	RUN_CLUSTERS,
	RUN_ROWS_RELABELLED,
	RUN_PASSES,
	RUN_MOVES,
	RUN_POSTERIOR,
	RUN_TRACE_RESTART,
	RUN_TRACE_ITERATION,
	RUN_TRACE_ELBO,
	RUN_TRACE_EVENT,
	RUN_OUTCOMES,
	RUN_MATCHED_RUN,
	RUN_MATCHED_FROM,
	RUN_MATCHED_TO,
	RUN_MATCHED_ROWS,
	RUN_WARM_RUNS,
	RUN_DEFINITION,
	RUN_ROWS_LABELLED,
	RUN_RESTORED_BY
};

enum CountColumn
{
	COUNT_NETWORK = 1,
	COUNT_N,
	COUNT_RESTORED_BY
};

enum WatchedColumn
{
	WATCHED_NETWORK = 1,
	WATCHED_TARGET,
	WATCHED_EVENT,
	WATCHED_INCREMENT,
	WATCHED_RESTORED_BY
};

enum ScheduledColumn
{
	SCHEDULED_NETWORK = 1,
	SCHEDULED_SCHEDULE,
	SCHEDULED_THRESHOLD,
	SCHEDULED_JOB,
	SCHEDULED_ROLE,
	SCHEDULED_RESTORED_BY
};

enum GrantedColumn
{
	GRANTED_NETWORK = 1,
	GRANTED_ROLE,
	GRANTED_PRIVILEGE,
	GRANTED_RESTORED_BY
};

/* A scan of one of bnai's tables by the first column of one of its indexes */
typedef struct CatalogScan
{
	Relation	relation;
	SysScanDesc scan;
} CatalogScan;

/*
 * The schema that bnai is installed in; its name is quoted for use in SQL.  An
 * error unless its objects are of the library's version, as for all below.
 */
extern Oid	ExtensionNamespace(void);
extern const char *ExtensionSchema(void);

/* The same, whatever version its objects are of. */
extern Oid	UncheckedExtensionNamespace(void);

/* OID of one of bnai's types. */
extern Oid	ExtensionType(const char *type);

/* OID of one of bnai's tables. */
extern Oid	CatalogRelation(const char *table);

/* Begins a scan for the rows whose indexed column `attribute` equals `value`, a text or a number of its type. */
extern CatalogScan BeginCatalogScan(const char *table, const char *index, AttrNumber attribute, Datum value);
extern CatalogScan BeginCatalogScanOfAll(const char *table);
extern HeapTuple NextCatalogTuple(CatalogScan *scan);
extern void EndCatalogScan(CatalogScan *scan);

/* One column of a row. */
extern Datum CatalogValue(const CatalogScan *scan, HeapTuple tuple, AttrNumber attribute, bool *isnull);

#endif							/* BNAI_RELATIONS_H */
