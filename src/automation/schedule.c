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
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "automation/cron.h"
#include "catalog/define.h"
#include "catalog/privileges.h"
#include "catalog/relations.h"
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

	SPI_connect();
	if (SPI_execute_with_args("SELECT cron.schedule($1, $2, $3)", 3, types, values, NULL, false, 0) != SPI_OK_SELECT ||
		SPI_processed != 1)
		elog(ERROR, "cron.schedule returned no job");
	job = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	SPI_finish();
	return job;
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
	Oid			types[] = {INT4OID, TEXTOID, INT8OID, INT8OID};
	Datum		values[] = {Int32GetDatum(network->id), CStringGetTextDatum(schedule), (Datum) 0, (Datum) 0};
	char		nulls[] = {' ', ' ', PG_ARGISNULL(2) ? 'n' : ' ', ' ', '\0'};
	char	   *threshold = PG_ARGISNULL(2) ? "NULL" : psprintf(INT64_FORMAT, PG_GETARG_INT64(2));
	int64		job;

	CheckCron();
	if (!PG_ARGISNULL(2) && PG_GETARG_INT64(2) <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("threshold must be positive, not %s", threshold)));
	(void) ForgetJob(network->id);
	job = ScheduleJob(network->name, schedule, psprintf("CALL %s.bnai_infer_now(%s, %s)", ExtensionSchema(),
													  quote_literal_cstr(network->name), threshold));
	values[2] = PG_ARGISNULL(2) ? (Datum) 0 : Int64GetDatum(PG_GETARG_INT64(2));
	values[3] = Int64GetDatum(job);
	WriteCatalog(psprintf("INSERT INTO %s.bnai_scheduled (network, schedule, threshold, job) VALUES ($1, $2, $3, $4)",
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
 * dropped: takes the job from pg_cron, if it still is there and the network's.
 */
Datum
bnai_drop_job(PG_FUNCTION_ARGS)
{
	TriggerData *data = (TriggerData *) fcinfo->context;
	Oid			types[] = {INT8OID, TEXTOID};
	Datum		values[2];
	TupleDesc	desc;
	bool		isnull;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_BY_DELETE(data->tg_event) ||
		!TRIGGER_FIRED_FOR_ROW(data->tg_event) ||
		RelationGetRelid(data->tg_relation) != CatalogRelation("bnai_scheduled"))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"bnai_drop_job\" is for bnai's own tables")));
	if (!OidIsValid(get_extension_oid("pg_cron", true)))
		return PointerGetDatum(data->tg_trigtuple);
	desc = RelationGetDescr(data->tg_relation);
	values[0] = heap_getattr(data->tg_trigtuple, SCHEDULED_JOB, desc, &isnull);
	values[1] = CStringGetTextDatum("CALL %.bnai_infer_now(%");
	SPI_connect();
	if (SPI_execute_with_args("SELECT cron.unschedule(jobid) FROM cron.job "
							  "WHERE jobid OPERATOR(pg_catalog.=) $1 AND command OPERATOR(pg_catalog.~~) $2",
							  2, types, values, NULL, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not unschedule a job");
	SPI_finish();
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
