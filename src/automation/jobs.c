/*
 * jobs.c
 *		Whether pg_cron still has the job of a schedule.
 *
 * Its table is read without SQL: row security shows each role its own jobs only,
 * and a view must neither wait nor fail because of it.
 */
#include "postgres.h"

#include "access/table.h"
#include "access/tableam.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "executor/tuptable.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "catalog/privileges.h"
#include "catalog/relations.h"

PG_FUNCTION_INFO_V1(bnai_schedule_state);

typedef enum JobState
{
	JOB_UNKNOWN,
	JOB_GONE,
	JOB_INACTIVE,
	JOB_SCHEDULED
} JobState;

static const char *const JobStateNames[] = {NULL, "gone", "inactive", "scheduled"};

/* Returns pg_cron's table of jobs; InvalidOid if it has none in this database. */
static Oid
JobTable(void)
{
	Oid			extension = get_extension_oid("pg_cron", true);
	Oid			schema = get_namespace_oid("cron", true);
	Oid			table = OidIsValid(schema) ? get_relname_relid("job", schema) : InvalidOid;

	return OidIsValid(extension) && OidIsValid(table) &&
		getExtensionOfObject(RelationRelationId, table) == extension ? table : InvalidOid;
}

/* Returns a column of a row of that table, if it is of the type that is expected; 0 if not. */
static Datum
JobValue(TupleTableSlot *slot, Oid table, const char *column, Oid type)
{
	AttrNumber	attribute = get_attnum(table, column);
	bool		isnull = true;
	Datum		value = (Datum) 0;

	if (attribute > 0 && get_atttype(table, attribute) == type)
		value = slot_getattr(slot, attribute, &isnull);
	return isnull ? (Datum) 0 : value;
}

/* Says what a row makes of the job; one of that number that calls nothing of bnai's is another one. */
static JobState
StateOfRow(TupleTableSlot *slot, Oid table, int64 job)
{
	Datum		id = JobValue(slot, table, "jobid", INT8OID);
	Datum		command;

	if (id == (Datum) 0 || DatumGetInt64(id) != job)
		return JOB_GONE;
	command = JobValue(slot, table, "command", TEXTOID);
	if (command == (Datum) 0 || strstr(TextDatumGetCString(command), "bnai_") == NULL)
		return JOB_GONE;
	return get_attnum(table, "active") == InvalidAttrNumber ||
		DatumGetBool(JobValue(slot, table, "active", BOOLOID)) ? JOB_SCHEDULED : JOB_INACTIVE;
}

/* Looks for a job. */
static JobState
FindJob(int64 job)
{
	Oid			table = JobTable();
	Relation	relation;
	TableScanDesc scan;
	TupleTableSlot *slot;
	JobState	state = JOB_GONE;

	if (!OidIsValid(table))
		return JOB_GONE;
	if (!ConditionalLockRelationOid(table, AccessShareLock))
		return JOB_UNKNOWN;
	relation = table_open(table, NoLock);
	scan = table_beginscan(relation, GetActiveSnapshot(), 0, NULL);
	slot = table_slot_create(relation, NULL);
	while (state == JOB_GONE && table_scan_getnextslot(scan, ForwardScanDirection, slot))
		state = StateOfRow(slot, table, job);
	ExecDropSingleTupleTableSlot(slot);
	table_endscan(scan);
	table_close(relation, AccessShareLock);
	return state;
}

/* bnai_schedule_state(network id): scheduled, inactive or gone; NULL without a schedule, and for who may not read the network. */
Datum
bnai_schedule_state(PG_FUNCTION_ARGS)
{
	Network    *network = LoadUnparsedNetworkById(PG_GETARG_INT32(0), true);
	CatalogScan scan;
	HeapTuple	tuple;
	JobState	state = JOB_UNKNOWN;
	bool		isnull;

	if (network == NULL || !MayReadNetwork(network))
		PG_RETURN_NULL();
	scan = BeginCatalogScan("bnai_scheduled", "bnai_scheduled_pkey", SCHEDULED_NETWORK, Int32GetDatum(network->id));
	tuple = NextCatalogTuple(&scan);
	if (HeapTupleIsValid(tuple))
		state = FindJob(DatumGetInt64(CatalogValue(&scan, tuple, SCHEDULED_JOB, &isnull)));
	EndCatalogScan(&scan);
	if (state == JOB_UNKNOWN)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(JobStateNames[state]));
}
