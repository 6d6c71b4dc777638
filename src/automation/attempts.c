/*
 * attempts.c
 *		What became of inferences that outlive a transaction, or that nobody
 *		waited for.
 *
 * bnai_attempt has a row for each network that was ever inferred so: whether
 * it is being inferred, and after failures when to try again.  A row that says
 * so without anybody holding the network's lock was left by a process that was
 * killed.  bnai_failure is the history.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "automation/attempts.h"
#include "automation/counter.h"
#include "automation/launch.h"
#include "catalog/privileges.h"
#include "catalog/relations.h"
#include "guc.h"

/* Failures of a network that are kept */
#define KEPT_FAILURES 100

/* How long to leave a network alone that another session infers */
#define BUSY_MS 10000

/* The longest time between two attempts, in seconds */
#define LONGEST_DELAY 3600

/* Runs a statement whose first parameter is a network. */
static uint64
WriteFor(int network, const char *sql)
{
	Oid			type = INT4OID;
	Datum		value = Int32GetDatum(network);

	return WriteCatalog(sql, 1, &type, &value, NULL);
}

/* Records as failed what never ended: its process was killed. */
bool
RecordInterruption(int network)
{
	if (WriteFor(network, psprintf("UPDATE %s.bnai_attempt SET running = false "
								   "WHERE network OPERATOR(pg_catalog.=) $1 AND running", ExtensionSchema())) == 0)
		return false;
	RecordFailure(network, 0, 0, "the inference was interrupted");
	return true;
}

/* Records that an inference begins. */
void
RecordStart(int network)
{
	const char *schema = ExtensionSchema();

	WriteFor(network, psprintf("INSERT INTO %s.bnai_attempt (network, started_at, running, failures) "
							   "SELECT id, pg_catalog.clock_timestamp(), true, 0 FROM %s.bnai_network "
							   "WHERE id OPERATOR(pg_catalog.=) $1 "
							   "ON CONFLICT (network) DO UPDATE SET started_at = excluded.started_at, running = true",
							   schema, schema));
}

/* Adds the row of a network that was never inferred so, unless it is gone. */
static void
AddAttempt(int network)
{
	const char *schema = ExtensionSchema();

	WriteFor(network, psprintf("INSERT INTO %s.bnai_attempt (network, started_at, running, failures) "
							   "SELECT id, pg_catalog.clock_timestamp(), true, 0 FROM %s.bnai_network "
							   "WHERE id OPERATOR(pg_catalog.=) $1 ON CONFLICT (network) DO NOTHING", schema, schema));
}

/* Records that an inference was stored; what was left out is told like an error. */
void
RecordSuccess(int network, const char *left_out)
{
	Oid			types[] = {INT4OID, TEXTOID, TEXTOID};
	Datum		values[] = {
		Int32GetDatum(network),
		left_out == NULL ? (Datum) 0 :
		CStringGetTextDatum(psprintf("labels were not written to %s: the network's owner cannot become the owner", left_out)),
		CStringGetTextDatum(unpack_sql_state(ERRCODE_INSUFFICIENT_PRIVILEGE))
	};
	char		nulls[] = {' ', left_out == NULL ? 'n' : ' ', ' ', '\0'};

	if (left_out != NULL)
		AddAttempt(network);
	WriteCatalog(psprintf("UPDATE %s.bnai_attempt SET running = false, failures = 0, next_attempt = NULL, "
						  "error = $2, sqlstate = CASE WHEN $2 IS NOT NULL THEN $3 END, "
						  "failed_at = CASE WHEN $2 IS NOT NULL THEN pg_catalog.clock_timestamp() END "
						  "WHERE network OPERATOR(pg_catalog.=) $1", ExtensionSchema()),
				 lengthof(types), types, values, nulls);
}

/* Forgets the oldest failures. */
static void
TrimFailures(int network)
{
	const char *schema = ExtensionSchema();

	WriteFor(network, psprintf("DELETE FROM %s.bnai_failure WHERE network OPERATOR(pg_catalog.=) $1 "
							   "AND failed_at OPERATOR(pg_catalog.<) "
							   "(SELECT failed_at FROM %s.bnai_failure WHERE network OPERATOR(pg_catalog.=) $1 "
							   "ORDER BY failed_at DESC OFFSET %d LIMIT 1)", schema, schema, KEPT_FAILURES - 1));
}

/* Records why an inference failed. */
void
RecordFailure(int network, TimestampTz started_at, int sqlerrcode, const char *error)
{
	Oid			types[] = {INT4OID, TEXTOID, TIMESTAMPTZOID, INT4OID, INT4OID, TEXTOID};
	Datum		values[] = {
		Int32GetDatum(network), CStringGetTextDatum(error), TimestampTzGetDatum(started_at),
		Int32GetDatum(BnaiRetryDelay), Int32GetDatum(LONGEST_DELAY),
		CStringGetTextDatum(unpack_sql_state(sqlerrcode))
	};
	char		nulls[] = {' ', ' ', started_at == 0 ? 'n' : ' ', ' ', ' ', sqlerrcode == 0 ? 'n' : ' ', '\0'};
	const char *schema = ExtensionSchema();

	AddAttempt(network);
	WriteCatalog(psprintf("UPDATE %s.bnai_attempt SET running = false, failures = failures OPERATOR(pg_catalog.+) 1, "
						  "error = $2, sqlstate = $6, failed_at = pg_catalog.clock_timestamp(), started_at = COALESCE($3, started_at), "
						  "next_attempt = "
						  "pg_catalog.clock_timestamp() OPERATOR(pg_catalog.+) pg_catalog.make_interval(secs => "
						  "LEAST($5::pg_catalog.float8, $4::pg_catalog.float8 OPERATOR(pg_catalog.*) "
						  "pg_catalog.power(2::pg_catalog.float8, LEAST(failures, 20)::pg_catalog.float8))) "
						  "WHERE network OPERATOR(pg_catalog.=) $1", schema),
				 lengthof(types), types, values, nulls);
	WriteCatalog(psprintf("INSERT INTO %s.bnai_failure (network, started_at, failed_at, error, sqlstate) "
						  "SELECT network, started_at, failed_at, error, sqlstate FROM %s.bnai_attempt "
						  "WHERE network OPERATOR(pg_catalog.=) $1", schema, schema),
				 1, types, values, NULL);
	TrimFailures(network);
}

/* Says that an inference begins. */
void
LogStart(const char *network, const char *how, int64 counter)
{
	ereport(LOG_SERVER_ONLY,
			(errmsg("inference of network \"%s\" %s begins", network, how),
			 errdetail("Its counter is " INT64_FORMAT ".", counter)));
}

/* Says how it ended. */
void
LogSuccess(const char *network, const char *how, const RunSummary *summary)
{
	ereport(LOG_SERVER_ONLY,
			(errmsg("inference of network \"%s\" %s ended", network, how),
			 summary->relabelled >= 0 ?
			 errdetail("Run " INT64_FORMAT ", " INT64_FORMAT " rows, " INT64_FORMAT " relabelled.",
					   summary->run, summary->rows, summary->relabelled) :
			 errdetail("Run " INT64_FORMAT ", " INT64_FORMAT " rows.", summary->run, summary->rows)));
}

/* Says why it failed. */
void
LogFailure(const char *network, const char *how, const ErrorData *error)
{
	ereport(LOG_SERVER_ONLY,
			(errcode(error->sqlerrcode),
			 errmsg("inference of network \"%s\" %s failed: %s", network, how, error->message),
			 error->detail ? errdetail_internal("%s", error->detail) : 0,
			 error->hint ? errhint("%s", error->hint) : 0,
			 error->context ? errcontext("%s", error->context) : 0));
}

/* Returns true if a worker is to infer the network when its counter is at the threshold. */
bool
CallsForWorker(const Network *network, Counter counter)
{
	if (network->settings.threshold_action == ACTION_BACKGROUND)
		return true;
	return network->settings.threshold_action == ACTION_RECALCULATE && HasSlot(counter) &&
		pg_atomic_read_u32(&counter.slot->put_off) != 0;
}

/* Returns true if a network is due; a later time to look again goes to `delay_ms`. */
static bool
IsDue(HeapTuple row, TupleDesc desc, TimestampTz now, int64 *delay_ms)
{
	bool		isnull;
	int			id = DatumGetInt32(SPI_getbinval(row, desc, 1, &isnull));
	int64		threshold = DatumGetInt64(SPI_getbinval(row, desc, 2, &isnull));
	TimestampTz next = DatumGetTimestampTz(SPI_getbinval(row, desc, 3, &isnull));
	bool		has_next = !isnull;
	Counter		counter = FindCounter(id);
	Network    *network = LoadUnparsedNetworkById(id, true);
	int64		wait;

	if (!has_next)
		next = 0;
	if (network == NULL || !CallsForWorker(network, counter))
		return false;
	if (counter.slot != NULL)
		pg_atomic_write_u64(&counter.slot->wake_after, next);
	if (!CounterMayReach(counter, threshold, false))
		return false;
	if (IsServed(network->owner))
	{
		/* who serves him looks again; nobody is to be woken meanwhile */
		if (counter.slot != NULL)
			pg_atomic_write_u64(&counter.slot->wake_after, TimestampTzPlusMilliseconds(now, BUSY_MS));
		return false;
	}
	/* who waits for another session keeps nobody else waiting */
	if (HasSlot(counter) && pg_atomic_read_u64(&counter.slot->running_since) != 0)
		next = Max(next, TimestampTzPlusMilliseconds(now, BUSY_MS));
	if (next <= now)
		return true;
	wait = TimestampDifferenceMilliseconds(now, next) + 1;
	if (*delay_ms < 0 || wait < *delay_ms)
		*delay_ms = wait;
	return false;
}

/*
 * Finds a network to be inferred: of the owner who has waited longest, the one
 * that has; not of an owner whom another worker serves.
 */
int
NextDueNetwork(int64 *delay_ms)
{
	const char *schema = ExtensionSchema();
	TimestampTz now = GetCurrentTimestamp();
	int			due = 0;

	*delay_ms = -1;
	SPI_connect();
	if (SPI_execute(psprintf("SELECT n.id, n.counter_threshold, a.next_attempt "
							 "FROM %s.bnai_network n LEFT JOIN %s.bnai_attempt a "
							 "ON a.network OPERATOR(pg_catalog.=) n.id "
							 "WHERE n.threshold_action OPERATOR(pg_catalog.<>) 'none' "
							 "AND n.counter_threshold IS NOT NULL ORDER BY pg_catalog.max(a.started_at) "
							 "OVER (PARTITION BY n.owner::pg_catalog.text) NULLS FIRST, a.started_at NULLS FIRST, n.id",
							 schema, schema), true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read the networks");
	for (uint64 i = 0; due == 0 && i < SPI_processed; i++)
	{
		HeapTuple	row = SPI_tuptable->vals[i];
		bool		isnull;

		if (IsDue(row, SPI_tuptable->tupdesc, now, delay_ms))
			due = DatumGetInt32(SPI_getbinval(row, SPI_tuptable->tupdesc, 1, &isnull));
	}
	SPI_finish();
	return due;
}
