/*
 * infer_now.c
 *		bnai_infer_now: an inference that commits between loading and storing.
 */
#include "postgres.h"

#include "access/xact.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "automation/counter.h"
#include "automation/definition.h"
#include "catalog/define.h"
#include "catalog/privileges.h"
#include "inference/infer.h"

PG_FUNCTION_INFO_V1(bnai_infer_now);

/* Raises an error where the procedure could not commit. */
static void
CheckMayCommit(FunctionCallInfo fcinfo)
{
	if (fcinfo->context != NULL && IsA(fcinfo->context, CallContext) && !castNode(CallContext, fcinfo->context)->atomic)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
			 errmsg("bnai_infer_now() cannot run inside a transaction block or function"),
			 errdetail("It commits between loading and storing."),
			 errhint("Use bnai_infer(), which does all in one transaction.")));
}

/* Loads, if the counter calls for it; NULL if not.  Leaves the lock that allows one inference to the session. */
static Inference *
Load(const char *name, int64 threshold, MemoryContext context, Network **network, Counted *counted)
{
	Network    *wanted = LoadUnparsedNetwork(name, false);
	MemoryContext old = MemoryContextSwitchTo(context);
	Inference  *inference = NULL;

	CheckMayModifyNetwork(wanted);
	LockInferenceForSession(wanted->id, false);
	*network = LoadNetworkToChange(name, false);
	*counted = CounterNow(FindSlot(wanted->id), wanted->id);
	if (CounterValue(*counted) >= threshold)
		inference = LoadInference(*network, ASKED_BY_COUNTER, true);
	MemoryContextSwitchTo(old);
	return inference;
}

/* Prepares to write for a network in a transaction that began after loading. */
static void
BeginWriting(const Network *network)
{
	PushActiveSnapshot(GetTransactionSnapshot());
	CheckMayModifyNetwork(LoadUnparsedNetwork(network->name, false));
	LockNetwork(network->id, false);
	(void) CheckSameDefinition(network);
}

/* Labels a batch of rows in a transaction; false if there is nothing more to label before storing. */
static bool
Label(Inference *inference, const Network *network)
{
	bool		more;

	BeginWriting(network);
	more = LabelInAdvance(inference);
	PopActiveSnapshot();
	SPI_commit();
	return more;
}

/* Stores. */
static RunSummary
Store(Inference *inference, const Network *network, Counted counted)
{
	RunSummary	summary;

	BeginWriting(network);
	summary = StoreInference(inference);
	TakeOffCounter(FindSlot(network->id), network->id, counted);
	PopActiveSnapshot();
	return summary;
}

/* Infers in two transactions, or more where a large table is labelled. */
static void
InferNow(const char *name, int64 threshold)
{
	MemoryContext context = AllocSetContextCreate(PortalContext, "bnai procedure", ALLOCSET_DEFAULT_SIZES);
	Network    *network;
	Counted		counted;
	Inference  *inference = Load(name, threshold, context, &network, &counted);

	if (inference != NULL)
	{
		RunSummary	summary;

		inference_hook(network->id, true);
		SPI_commit();
		IterateInference(inference);
		while (Label(inference, network))
			;
		summary = Store(inference, network, counted);
		SPI_commit();
		inference_hook(network->id, false);
		ereport(LOG,
				(errmsg("network \"%s\" was inferred: run " INT64_FORMAT ", " INT64_FORMAT " rows",
						network->name, summary.run, summary.rows)));
	}
	MemoryContextDelete(context);
}

/* CALL bnai_infer_now(network, threshold) */
Datum
bnai_infer_now(PG_FUNCTION_ARGS)
{
	char	   *name = TextArgument(fcinfo, 0, "network");
	int64		threshold = PG_ARGISNULL(1) ? PG_INT64_MIN : PG_GETARG_INT64(1);

	CheckMayCommit(fcinfo);
	PreventWhereReadOnly("bnai_infer_now()");
	name = MemoryContextStrdup(PortalContext, name);
	SPI_connect_ext(SPI_OPT_NONATOMIC);
	PG_TRY();
	{
		InferNow(name, threshold);
	}
	PG_FINALLY();
	{
		UnlockInferenceForSession();
	}
	PG_END_TRY();
	SPI_finish();
	PG_RETURN_VOID();
}
