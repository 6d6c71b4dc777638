/*
 * stored.c
 *		Writing and reading the type bnai_stored_posterior, see catalog/stored.h.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_authid.h"
#include "commands/trigger.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "catalog/privileges.h"
#include "catalog/relations.h"
#include "catalog/runs.h"
#include "catalog/stored.h"
#include "posterior/posterior.h"

PG_FUNCTION_INFO_V1(bnai_stored_posterior_in);
PG_FUNCTION_INFO_V1(bnai_stored_posterior_out);
PG_FUNCTION_INFO_V1(bnai_store_posterior);
PG_FUNCTION_INFO_V1(bnai_run_posterior);
PG_FUNCTION_INFO_V1(bnai_bind_posterior);

/* What is written in place of a posterior that the reader may not see */
#define WITHHELD "withheld"

/* Says once a session, which a restore is, that posteriors are missing. */
static void
WarnOfWithheld(void)
{
	static bool warned = false;

	if (warned)
		return;
	warned = true;
	ereport(WARNING,
			(errmsg("runs are restored without their posteriors"),
			 errdetail("Whoever made the dump may not read the networks of these runs."),
			 errhint("Let a superuser or a member of pg_read_all_data dump the database, or infer these networks again.")));
}

/* Reads JSON, or that there is none. */
Datum
bnai_stored_posterior_in(PG_FUNCTION_ARGS)
{
	char	   *text = PG_GETARG_CSTRING(0);

	if (strcmp(text, WITHHELD) != 0)
		PG_RETURN_DATUM(MakeUnbound(PosteriorGetDatum(PosteriorFromJson(text))));
	WarnOfWithheld();
	PG_RETURN_DATUM(MakeWithheld());
}

/* Returns true if the current user may read the run that a value was stored for, and the run has that value still. */
static bool
MayReadRunOf(const StoredHead *head)
{
	Network    *network = NULL;

	if (!ActiveSnapshotSet())
	{
		bool		may;

		/* a cursor WITH HOLD is read */
		PushActiveSnapshot(GetTransactionSnapshot());
		may = MayReadRunOf(head);
		PopActiveSnapshot();
		return may;
	}
	if (IsBound(head) && RunHolds(BoundRun(head), head))
		network = LoadUnparsedNetworkById(RunNetwork(BoundRun(head)), true);
	return network != NULL && MayReadNetwork(network);
}

/* Returns true if the current user may read whatever is stored. */
static bool
MayReadAll(void)
{
	return superuser() || has_privs_of_role(GetUserId(), ROLE_PG_READ_ALL_DATA);
}

/* Writes JSON for who may read it. */
Datum
bnai_stored_posterior_out(PG_FUNCTION_ARGS)
{
	Datum		stored = PG_GETARG_DATUM(0);
	const StoredHead *head = StoredHeadOf(stored);

	if (IsWithheld(head) || !(MayReadAll() || MayReadRunOf(head)))
		PG_RETURN_CSTRING(pstrdup(WITHHELD));
	PG_RETURN_CSTRING(PosteriorToJson(DatumGetPosterior(StoredPosterior(stored))));
}

/* Casts a posterior. */
Datum
bnai_store_posterior(PG_FUNCTION_ARGS)
{
	PG_RETURN_DATUM(MakeUnbound(PG_GETARG_DATUM(0)));
}

/* bnai_run_posterior(run): NULL if there is none, or for who may not read it. */
Datum
bnai_run_posterior(PG_FUNCTION_ARGS)
{
	int64		run = PG_GETARG_INT64(0);
	int			id = RunNetwork(run);
	Network    *network = id == 0 ? NULL : LoadUnparsedNetworkById(id, true);
	Datum		posterior = network != NULL && MayReadNetwork(network) ? RunPosterior(run) : (Datum) 0;

	if (posterior == (Datum) 0)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(posterior);
}

/* Returns what is to be kept of a value in a row: what is restored is bound to the run, what is copied is not kept. */
static Datum
ValueForRun(Datum stored, int64 run, bool trusted)
{
	const StoredHead *head = StoredHeadOf(stored);

	if (IsWithheld(head) || (trusted && IsBound(head) && BoundRun(head) == run))
		return stored;
	if (trusted || !IsBound(head))
		return MakeStored(run, StoredPosterior(stored));
	ereport(WARNING,
			(errmsg("run " INT64_FORMAT " is stored without a posterior", run),
			 errdetail("The posterior is that of another run, which only a superuser can copy.")));
	return MakeWithheld();
}

/* Runs before a row of bnai_run is written: its posterior becomes that of the run. */
Datum
bnai_bind_posterior(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	HeapTuple	tuple;
	TupleDesc	desc;
	int			attribute = RUN_POSTERIOR;
	bool		isnull;
	int64		run;
	Datum		stored;
	Datum		kept;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_BEFORE(trigger->tg_event) ||
		!TRIGGER_FIRED_FOR_ROW(trigger->tg_event) || TRIGGER_FIRED_BY_DELETE(trigger->tg_event) ||
		RelationGetRelid(trigger->tg_relation) != CatalogRelation("bnai_run"))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"bnai_bind_posterior\" is for bnai's own tables")));
	tuple = TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ? trigger->tg_newtuple : trigger->tg_trigtuple;
	desc = RelationGetDescr(trigger->tg_relation);
	run = DatumGetInt64(heap_getattr(tuple, RUN_ID, desc, &isnull));
	stored = isnull ? (Datum) 0 : heap_getattr(tuple, RUN_POSTERIOR, desc, &isnull);
	if (isnull)
		return PointerGetDatum(tuple);
	kept = ValueForRun(stored, run, superuser() || trigger->tg_relation->rd_rel->relowner == GetUserId());
	if (kept == stored)
		return PointerGetDatum(tuple);
	return PointerGetDatum(heap_modify_tuple_by_cols(tuple, desc, 1, &attribute, &kept, &isnull));
}
