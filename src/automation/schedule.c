/*
 * schedule.c
 *		Inferring on a schedule, through pg_cron.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "automation/cron.h"
#include "automation/schedule.h"
#include "catalog/define.h"
#include "catalog/privileges.h"
#include "catalog/relations.h"
#include "catalog/role.h"
#include "inference/infer.h"

PG_FUNCTION_INFO_V1(bnai_schedule);
PG_FUNCTION_INFO_V1(bnai_unschedule);
PG_FUNCTION_INFO_V1(bnai_drop_job);
PG_FUNCTION_INFO_V1(bnai_next_time);

/* Raises an error unless pg_cron can be asked. */
static void
CheckCron(void)
{
	if (OidIsValid(get_extension_oid("pg_cron", true)))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("extension \"pg_cron\" is not installed in this database"),
			 errhint("Install pg_cron (shared_preload_libraries, cron.database_name, CREATE EXTENSION pg_cron), "
					 "or let another scheduler call bnai_infer_now or bnai_recalculate_if_needed.")));
}

/* Returns the name of a network's job. */
static char *
JobName(const char *network)
{
	return psprintf("bnai %s", network);
}

/* Loads a network whose schedule is about to change. */
static Network *
NetworkToSchedule(FunctionCallInfo fcinfo)
{
	Network    *network = LoadUnparsedNetwork(TextArgument(fcinfo, 0, "network"), false);

	CheckMayModifyNetwork(network);
	LockNetwork(network->id, false);
	return network;
}

/* Returns what a network's job runs: an id stays the network's, whatever it is called. */
static char *
JobCommand(int network)
{
	return psprintf("CALL %s.bnai_run_schedule(%d)", ExtensionSchema(), network);
}

/* Asks pg_cron for a job, as the current user, who it will run as; returns its number. */
static int64
ScheduleJob(const char *network, const char *schedule, const char *command)
{
	Oid			types[] = {TEXTOID, TEXTOID, TEXTOID};
	Datum		values[] = {
		CStringGetTextDatum(JobName(network)), CStringGetTextDatum(schedule), CStringGetTextDatum(command)
	};
	bool		isnull;
	int64		job;
	int			guc_level = NewGUCNestLevel();

	SetSafeSearchPath();
	SPI_connect();
	if (SPI_execute_with_args("SELECT cron.schedule($1::pg_catalog.text, $2::pg_catalog.text, $3::pg_catalog.text)",
							  3, types, values, NULL, false, 0) != SPI_OK_SELECT || SPI_processed != 1)
		elog(ERROR, "cron.schedule returned no job");
	job = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	SPI_finish();
	AtEOXact_GUC(true, guc_level);
	return job;
}

/*
 * What a job of a network is known by: its number, what it runs, and, where the
 * role is known that has scheduled it, as whom.  Jobs that 0.1.0 has made run
 * bnai_infer_now with the network's name.
 */
#define IS_JOB \
	"FROM cron.job j WHERE j.jobid OPERATOR(pg_catalog.=) $1 " \
	"AND j.database OPERATOR(pg_catalog.=) pg_catalog.current_database()::pg_catalog.text " \
	"AND ($4 IS NULL OR j.username OPERATOR(pg_catalog.=) $4) " \
	"AND (j.command OPERATOR(pg_catalog.~) $2 OR pg_catalog.strpos(j.command, $3) OPERATOR(pg_catalog.>) 0)"

/* Runs a query about a job, as the current user; returns how many rows it has. */
static uint64
QueryJob(const char *sql, int64 job, int network, const char *name, const char *role)
{
	Oid			types[] = {INT8OID, TEXTOID, TEXTOID, TEXTOID};
	Datum		values[] = {
		Int64GetDatum(job),
		CStringGetTextDatum(psprintf("^CALL .*\\.bnai_run_schedule\\(%d\\)$", network)),
		CStringGetTextDatum(psprintf(".bnai_infer_now(%s, ", quote_literal_cstr(name))),
		role != NULL ? CStringGetTextDatum(role) : (Datum) 0
	};
	char		nulls[] = {' ', ' ', ' ', role != NULL ? ' ' : 'n', '\0'};
	uint64		rows;

	SPI_connect();
	if (SPI_execute_with_args(sql, lengthof(types), types, values, nulls, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not ask pg_cron for a job");
	rows = SPI_processed;
	SPI_finish();
	return rows;
}

/* Returns the name of the role that a row of bnai_scheduled holds; NULL if it is not known, "" if it is gone. */
static char *
RowRole(Datum value, bool isnull)
{
	const Role *role = isnull ? NULL : DatumGetRole(value);
	char	   *name;

	/* restored: whose job it is was looked at then */
	if (role == NULL || !OidIsValid(role->role))
		return NULL;
	name = GetUserNameFromId(role->role, true);
	return name != NULL ? name : "";
}

/* Finds a network's schedule. */
bool
FindSchedule(int id, Oid role, int64 *threshold)
{
	CatalogScan scan;
	HeapTuple	tuple;
	int64		job = 0;
	char	   *name = NULL;
	CatalogAccess access;
	bool		found;

	scan = BeginCatalogScan("bnai_scheduled", "bnai_scheduled_pkey", SCHEDULED_NETWORK, Int32GetDatum(id));
	tuple = NextCatalogTuple(&scan);
	found = HeapTupleIsValid(tuple);
	if (found)
	{
		bool		isnull;
		Datum		value = CatalogValue(&scan, tuple, SCHEDULED_ROLE, &isnull);

		name = RowRole(value, isnull);
		job = DatumGetInt64(CatalogValue(&scan, tuple, SCHEDULED_JOB, &isnull));
		value = CatalogValue(&scan, tuple, SCHEDULED_THRESHOLD, &isnull);
		*threshold = isnull ? PG_INT64_MIN : DatumGetInt64(value);
	}
	EndCatalogScan(&scan);
	if (!found || !OidIsValid(get_extension_oid("pg_cron", true)))
		return false;
	if (name == NULL)
		name = GetUserNameFromId(role, false);
	else if (get_role_oid(name, true) != role)
		return false;
	access = BeginCatalogAccess();
	found = QueryJob("SELECT 1 " IS_JOB, job, id, LoadUnparsedNetworkById(id, false)->name, name) > 0;
	EndCatalogAccess(access);
	return found;
}

/* Forgets a network's job; true if there was one. */
static bool
ForgetJob(int network)
{
	Oid			type = INT4OID;
	Datum		value = Int32GetDatum(network);

	return WriteCatalog(psprintf("DELETE FROM %s.bnai_scheduled WHERE network OPERATOR(pg_catalog.=) $1",
								 ExtensionSchema()), 1, &type, &value, NULL) > 0;
}

/* bnai_schedule(network, schedule, threshold): infers regularly; returns pg_cron's number of the job. */
Datum
bnai_schedule(PG_FUNCTION_ARGS)
{
	Network    *network = NetworkToSchedule(fcinfo);
	char	   *schedule = TextArgument(fcinfo, 1, "schedule");
	Oid			types[] = {INT4OID, TEXTOID, INT8OID, INT8OID, ExtensionType("bnai_role")};
	Datum		values[] = {
		Int32GetDatum(network->id), CStringGetTextDatum(schedule), (Datum) 0, (Datum) 0, RoleGetDatum(MakeRole(GetUserId()))
	};
	char		nulls[] = {' ', ' ', PG_ARGISNULL(2) ? 'n' : ' ', ' ', ' ', '\0'};
	int64		job;

	CheckCron();
	if (!PG_ARGISNULL(2) && PG_GETARG_INT64(2) <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("threshold must be positive, not " INT64_FORMAT, PG_GETARG_INT64(2))));
	(void) ForgetJob(network->id);
	job = ScheduleJob(network->name, schedule, JobCommand(network->id));
	values[2] = PG_ARGISNULL(2) ? (Datum) 0 : Int64GetDatum(PG_GETARG_INT64(2));
	values[3] = Int64GetDatum(job);
	WriteCatalog(psprintf("INSERT INTO %s.bnai_scheduled (network, schedule, threshold, job, role) VALUES ($1, $2, $3, $4, $5)",
						  ExtensionSchema()), lengthof(types), types, values, nulls);
	PG_RETURN_INT64(job);
}

/* bnai_unschedule(network): ends that; true if there was a schedule. */
Datum
bnai_unschedule(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(ForgetJob(NetworkToSchedule(fcinfo)->id));
}

/*
 * Runs before a row of bnai_scheduled is deleted, also because its network is
 * dropped: takes the job from pg_cron, if it still is there, the network's, and
 * of the role that has scheduled it.  A row may name any number.
 */
Datum
bnai_drop_job(PG_FUNCTION_ARGS)
{
	TriggerData *data = (TriggerData *) fcinfo->context;
	TupleDesc	desc;
	bool		isnull;
	Datum		role;
	int			id;
	Network    *network;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_BY_DELETE(data->tg_event) ||
		!TRIGGER_FIRED_FOR_ROW(data->tg_event) ||
		RelationGetRelid(data->tg_relation) != CatalogRelation("bnai_scheduled"))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"bnai_drop_job\" is for bnai's own tables")));
	if (!OidIsValid(get_extension_oid("pg_cron", true)))
		return PointerGetDatum(data->tg_trigtuple);
	desc = RelationGetDescr(data->tg_relation);
	id = DatumGetInt32(heap_getattr(data->tg_trigtuple, SCHEDULED_NETWORK, desc, &isnull));
	PushActiveSnapshot(GetLatestSnapshot());
	network = LoadUnparsedNetworkById(id, true);
	PopActiveSnapshot();
	role = heap_getattr(data->tg_trigtuple, SCHEDULED_ROLE, desc, &isnull);
	(void) QueryJob("SELECT cron.unschedule(j.jobid) " IS_JOB,
					DatumGetInt64(heap_getattr(data->tg_trigtuple, SCHEDULED_JOB, desc, &(bool) {false})), id,
					network != NULL ? network->name : "", RowRole(role, isnull));
	return PointerGetDatum(data->tg_trigtuple);
}

/* bnai_next_time(schedule): when a schedule comes next, in the time zone that pg_cron uses; NULL if that cannot be said. */
Datum
bnai_next_time(PG_FUNCTION_ARGS)
{
	const char *name = GetConfigOption("cron.timezone", true, false);
	pg_tz	   *zone = name != NULL ? pg_tzset(name) : NULL;
	TimestampTz next = NextCronTime(text_to_cstring(PG_GETARG_TEXT_PP(0)), GetCurrentTimestamp(),
									zone != NULL ? zone : pg_tzset("GMT"));

	if (next == 0)
		PG_RETURN_NULL();
	PG_RETURN_TIMESTAMPTZ(next);
}
