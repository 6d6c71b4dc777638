/*
 * current.c
 *		What a network's name stands for when it is read: its current run.
 */
#include "postgres.h"

#include "access/parallel.h"
#include "access/xact.h"
#include "miscadmin.h"
#include "optimizer/optimizer.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "catalog/privileges.h"
#include "catalog/runs.h"
#include "compat.h"
#include "posterior/current.h"

/*
 * Writes the current moment.
 */
void
GetMoment(Moment *moment)
{
	Snapshot	snapshot;

	if (unlikely(!ActiveSnapshotSet()))
		elog(ERROR, "there is no active snapshot to read the current run with");
	snapshot = GetActiveSnapshot();
	moment->xmin = snapshot->xmin;
	moment->xmax = snapshot->xmax;
	moment->completions = snapshot->snapXactCompletionCount;
	moment->command = snapshot->curcid;
	moment->subtransaction = GetCurrentSubTransactionId();
	moment->user = GetUserId();
}

/*
 * Compares two moments.
 */
bool
SameMoment(const Moment *a, const Moment *b)
{
	return a->xmin == b->xmin && a->xmax == b->xmax && a->completions == b->completions && a->command == b->command &&
		   a->subtransaction == b->subtransaction && a->user == b->user;
}

/*
 * Tells once per statement that a network has no posterior.  Parallel workers
 * leave it to the leader, where that takes part.
 */
static void
NoticeNotInferred(const Network *network)
{
	static TimestampTz noticed_statement = 0;
	static int	noticed_network = 0;
	TimestampTz statement = GetCurrentStatementStartTimestamp();

	if (IsParallelWorker() && (ParallelWorkerNumber > 0 || parallel_leader_participation))
		return;
	if (statement == noticed_statement && network->id == noticed_network)
		return;
	noticed_statement = statement;
	noticed_network = network->id;
	ereport(NOTICE, (errmsg("network \"%s\" has not been inferred", network->name),
					 errhint("Call bnai_infer(%s) first.", quote_literal_cstr(network->name))));
}

/*
 * Returns the network's current run for a user who may read it.
 */
int64
ReadableRun(const char *name)
{
	Network    *network = LoadUnparsedNetwork(name, false);
	int64		run;

	CheckMayReadNetwork(network);
	run = CurrentRun(network->id);
	if (run == 0)
		NoticeNotInferred(network);
	return run;
}

/*
 * Reads the posterior of the current run into a context of its own.
 */
static void
ReadFitted(Fitted *fitted, MemoryContext parent, const char *network, const Moment *now)
{
	int64		run = ReadableRun(network);
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "bnai posterior", ALLOCSET_SMALL_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	Fitted		fresh = {.context = context, .network = pstrdup(network), .moment = *now, .run = run};

	if (run != 0)
	{
		fresh.value = RequiredPosterior(run);
		fresh.posterior = DatumGetPosterior(fresh.value);
	}
	MemoryContextSwitchTo(caller);

	/* Nothing fails from here on. */
	MemoryContextSetParent(context, parent);
	if (fitted->context != NULL)
		MemoryContextDelete(fitted->context);
	*fitted = fresh;
}

/*
 * Returns the posterior of the network that argument 0 names.
 */
const Fitted *
CurrentFitted(FunctionCallInfo fcinfo)
{
	FmgrInfo   *flinfo = fcinfo->flinfo;
	Fitted	   *fitted = flinfo->fn_extra;
	text	   *name = PG_GETARG_TEXT_PP(0);
	Moment		now;

	if (fitted == NULL)
		flinfo->fn_extra = fitted = MemoryContextAllocZero(flinfo->fn_mcxt, sizeof(Fitted));
	GetMoment(&now);
	if (fitted->context == NULL || !SameMoment(&fitted->moment, &now) ||
		strlen(fitted->network) != VARSIZE_ANY_EXHDR(name) ||
		memcmp(fitted->network, VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name)) != 0)
		ReadFitted(fitted, flinfo->fn_mcxt, text_to_cstring(name), &now);
	return fitted->run == 0 ? NULL : fitted;
}
