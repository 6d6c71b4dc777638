/*
 * infer.c
 *		bnai_infer and bnai_reset.
 */
#include "postgres.h"

#include "access/xact.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "catalog/privileges.h"
#include "catalog/runs.h"
#include "engine/progress.h"
#include "inference/advice.h"
#include "inference/fit.h"
#include "inference/infer.h"
#include "inference/matching.h"
#include "inference/results.h"
#include "inference/roles.h"
#include "inference/summary.h"
#include "posterior/labels.h"
#include "source/query.h"

PG_FUNCTION_INFO_V1(bnai_infer);
PG_FUNCTION_INFO_V1(bnai_reset);

/* Rows in so many blocks (of each partition) get their labels in one transaction, where there is one for each batch */
#define BATCH_BLOCKS 512

/* The inferences that this backend is in the middle of: triggers and views can call for another */
typedef struct Running
{
	int			network;
	struct Running *outer;
} Running;

static Running *running = NULL;

/* Raises an error if this backend is inferring the network already, which the lock does not prevent. */
static void
CheckNotRunning(const Network *network)
{
	for (const Running *r = running; r != NULL; r = r->outer)
		if (r->network == network->id)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_IN_USE),
					 errmsg("network \"%s\" is being inferred", network->name),
					 errhint("A trigger on the results column must not infer the network again.")));
}

/*
 * Raises an error if another session has inferred the network since this
 * transaction took its only snapshot: its run could not be replaced unseen.
 */
static void
CheckSerializable(const Network *network)
{
	int64		seen = CurrentRun(network->id);
	int64		latest;

	if (!IsolationUsesXactSnapshot())
		return;
	PushActiveSnapshot(GetLatestSnapshot());
	latest = CurrentRun(network->id);
	PopActiveSnapshot();
	if (seen != latest)
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("could not serialize access due to concurrent inference of network \"%s\"", network->name),
				 errhint("The transaction might succeed if retried.")));
}

/* Raises an error if the network is to write results but has no components. */
static void
CheckResults(const Network *network, const NetworkPlan *plan)
{
	if (network->settings.results_column != NULL && plan->selector < 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("network \"%s\" has a results column but no clusters to write into it", network->name),
				 errhint("Take it away with bnai_set(%s, 'results_column', NULL), or add a Categorical and a Mixture.",
						 quote_literal_cstr(network->name))));
}

/* An inference between its phases */
struct Inference
{
	MemoryContext context;
	bool		kept;			/* outlives the transaction that loads */
	Oid			decider;		/* for whom it reads and writes; InvalidOid: as the current user */
	Network    *network;
	NetworkPlan *plan;
	RowStore   *rows;
	Asked		asked;
	Beginning	beginning;
	Fit		   *fit;
	double	   *shared;			/* rows that old labels share with new components, where the column tells; NULL: not looked up */
	Posterior  *posterior;		/* to be stored; NULL: not made yet */
	int64		run_before;		/* whose labels it goes on with */
	RunMatching *matching;		/* with that run; NULL: none */
	BlockNumber labelled;		/* kept: blocks of the source whose rows have got their labels */
	int64		relabelled;		/* kept: how many labels changed there */
	RunSummary	summary;
	int			advised;		/* notices that were sent on the rows */
};

void		(*inference_hook) (int network, bool begins) = NULL;

/* Reads the network's rows; an error if there are none. */
static LoadResult
LoadNetworkRows(const Network *network, const NetworkPlan *plan, bool keep)
{
	LoadRequest request = RowsForPlan(plan);
	LoadResult	result;

	request.keep = keep;
	if (keep)
		request.share_from = 0;
	if (network->settings.start == START_RESULTS && plan->selector >= 0)
	{
		if (network->settings.results_column == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("network \"%s\" starts from its results but has no results column", network->name),
					 errhint("Name one with bnai_set(%s, 'results_column', ...).", quote_literal_cstr(network->name))));
		request.label_column = network->settings.results_column;
		request.label_attribute = network->settings.results_attribute;
	}
	result = LoadRows(&request, CurrentMemoryContext);
	if (result.rows->rows > 0 && result.rows->total == 0)
		ereport(ERROR,
				(errcode(ERRCODE_NO_DATA_FOUND),
				 errmsg("no row of relation \"%s\" counts: all weights in column \"%s\" are 0", get_rel_name(plan->source),
						request.weight_column)));
	if (result.rows->rows == 0)
		ereport(ERROR,
				(errcode(ERRCODE_NO_DATA_FOUND),
				 errmsg("relation \"%s\" has no rows to infer network \"%s\" from", get_rel_name(plan->source),
						network->name),
				 result.skipped == 0 ? 0 : plan->missing == MISSING_MARGINALIZE
				 ? errdetail("All of its " INT64_FORMAT " rows hold nothing but NULLs in the observed columns.",
							 result.skipped)
				 : errdetail("All of its " INT64_FORMAT " rows have a NULL among the observed columns.",
							 result.skipped)));
	if (request.label_column && result.nlabels == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("network \"%s\" starts from its results but column \"%s\" holds no labels", network->name,
						request.label_column),
				 errhint("Set labels first, or set start to 'kmeans++'.")));
	return result;
}

/* Reads the posterior that labels are carried over from; NULL if there is none. */
static Posterior *
PreviousPosterior(const Network *network)
{
	int64		run = CurrentRun(network->id);
	Datum		posterior = run == 0 ? (Datum) 0 : RunPosterior(run);

	return posterior == (Datum) 0 ? NULL : DatumGetPosterior(posterior);
}

static int
CountClusters(const Posterior *posterior)
{
	int			n = 0;

	for (int k = 0; posterior->selector && k < posterior->components; k++)
		n += posterior->clusters[k].label != NULL && posterior->clusters[k].size > 0;
	return n;
}

/*
 * Runs a phase that may run the user's code, in the inference's memory: that
 * must not infer the network again.
 */
static void
RunPhase(Inference *inference, void (*phase) (Inference *inference))
{
	MemoryContext old = MemoryContextSwitchTo(inference->context);
	Running		self = {inference->network->id, running};

	CheckNotRunning(inference->network);
	running = &self;
	PG_TRY();
	{
		phase(inference);
	}
	PG_FINALLY();
	{
		running = self.outer;
	}
	PG_END_TRY();
	MemoryContextSwitchTo(old);
}

/* Raises an error if labels that are to be written could not be: before the work, not after it. */
static void
CheckMayWrite(const Inference *inference)
{
	char	   *left_out;

	if (OidIsValid(inference->decider) && inference->network->settings.results_column != NULL)
		(void) FindResultsTargets(inference->network, inference->decider, &left_out);
}

/* Reads the rows as who may. */
static LoadResult
LoadAsReader(Inference *inference)
{
	const Network *network = inference->network;
	Acting		acting = ActAs(ReadingRole(network, inference->decider));
	LoadResult	loaded;

	CheckSourcePrivileges(network, !OidIsValid(inference->decider));
	loaded = LoadNetworkRows(network, inference->plan, inference->kept);
	EndActing(acting);
	return loaded;
}

/* Validates the network and reads its rows. */
static void
Load(Inference *inference)
{
	Network    *network = inference->network;
	LoadResult	loaded;

	LockSource(network);
	ValidateNetwork(network);
	CheckMayWrite(inference);
	if (!OidIsValid(inference->decider))
		CheckSourcePrivileges(network, true);
	inference->plan = MakePlan(network);
	CheckResults(network, inference->plan);
	CheckModelMemory(inference->plan);
	CheckSerializable(network);
	inference->beginning = ChooseBeginning(network, inference->plan, inference->asked);
	loaded = LoadAsReader(inference);
	inference->rows = loaded.rows;
	inference->summary.rows = loaded.rows->rows;
	inference->summary.skipped = loaded.skipped;
	if (inference->asked == ASKED_BY_USER)
		inference->advised = AdviseOnRows(inference->plan, inference->rows);
}

/* Begins an inference and loads its rows. */
Inference *
LoadInference(Network *network, Asked asked, Oid decider, bool keep)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "bnai inference", ALLOCSET_DEFAULT_SIZES);
	Inference  *inference = MemoryContextAllocZero(context, sizeof(Inference));

	inference->context = context;
	inference->kept = keep;
	inference->asked = asked;
	inference->decider = decider;
	inference->network = network;
	inference->summary.started_at = GetCurrentTimestamp();
	BeginProgress(network->id);
	RunPhase(inference, Load);
	return inference;
}

/* Changes who decides. */
void
SetDecider(Inference *inference, Oid decider)
{
	inference->decider = decider;
}

/* Iterates; nothing here touches the database. */
void
IterateInference(Inference *inference)
{
	MemoryContext old = MemoryContextSwitchTo(inference->context);

	RecordRows(inference->rows->rows);
	EnterPhase(PROGRESS_ITERATING);
	inference->fit = FitFrom(&inference->beginning, inference->network, inference->plan, inference->rows,
							 &inference->summary.warm_runs);
	if (inference->asked == ASKED_BY_USER)
		inference->advised += AdviseOnResolution(inference->plan, inference->rows);
	MemoryContextSwitchTo(old);
}

/* Makes the posterior that is to be stored. */
static void
MakePosterior(Inference *inference)
{
	const Network *network = inference->network;
	Posterior  *previous = PreviousPosterior(network);
	double	   *shared;
	Posterior  *posterior = SummariseFit(inference->plan, inference->fit, previous, &shared);

	if (shared == NULL && previous != NULL && MayMatchByResults(network, previous, posterior))
	{
		/* looked up once: batches of rows may be relabelled before the run is stored */
		if (inference->shared == NULL)
		{
			Acting		acting = ActAs(ReadingRole(network, inference->decider));

			inference->shared = SharesByResults(network, previous, posterior);
			EndActing(acting);
		}
		shared = inference->shared;
		AssignLabels(posterior, previous, shared, NULL);
	}
	inference->matching = shared ? DescribeMatching(CurrentRun(network->id), previous, posterior, shared) : NULL;
	inference->posterior = posterior;
}

/* Returns the posterior that is to be stored; it takes a pass, so batches of rows are labelled by the same one. */
static Posterior *
NextPosterior(Inference *inference)
{
	int64		run;

	/* another inference may have ended since the statement began */
	PushActiveSnapshot(GetTransactionSnapshot());
	run = CurrentRun(inference->network->id);
	if (inference->posterior == NULL || run != inference->run_before)
		MakePosterior(inference);
	inference->run_before = run;
	PopActiveSnapshot();
	return inference->posterior;
}

/*
 * Writes the labels of one batch of rows.  The posterior is not stored yet: if
 * it never is, the next inference writes the labels anew.
 */
static void
LabelBatch(Inference *inference)
{
	Posterior  *posterior = NextPosterior(inference);
	List	   *targets = FindResultsTargets(inference->network, inference->decider, &inference->summary.left_out);
	int64		refused = 0;		/* those are tried, and counted, once more at the end */

	CheckLabelsFit(inference->network, posterior);
	inference->relabelled += WriteResultsInBlocks(inference->network, targets, posterior, inference->labelled,
												  BATCH_BLOCKS, &refused);
	inference->labelled += BATCH_BLOCKS;
}

/* Labels a batch of the rows of a large table. */
bool
LabelInAdvance(Inference *inference)
{
	const Network *network = inference->network;
	BlockNumber blocks;

	if (network->settings.results_column == NULL || inference->plan->selector < 0)
		return false;
	blocks = ResultsBlocks(network);
	if (blocks <= BATCH_BLOCKS || inference->labelled >= blocks)
		return false;
	EnterPhase(PROGRESS_STORING);
	RunPhase(inference, LabelBatch);
	return true;
}

/* Writes the labels that are not right yet; returns how many changed. */
static int64
LabelRest(Inference *inference, const Posterior *posterior)
{
	const Network *network = inference->network;
	List	   *targets = FindResultsTargets(network, inference->decider, &inference->summary.left_out);
	/* nobody's statement is to wait for rows that others have locked, unless it is the inference itself */
	BlockNumber blocks = inference->kept || OidIsValid(inference->decider) ? ResultsBlocks(network) : 0;
	int64		relabelled = inference->relabelled;
	int64		refused = 0;

	if (blocks == 0)
		relabelled += WriteResults(network, targets, posterior, &refused);
	for (BlockNumber block = 0; block < blocks; block += BATCH_BLOCKS)
		relabelled += WriteResultsInBlocks(network, targets, posterior, block, BATCH_BLOCKS, &refused);
	ReportRefused(network, refused);
	return relabelled;
}

/* Stores the run, then relabels the rows. */
static void
Store(Inference *inference)
{
	const Network *network = inference->network;
	RunSummary *summary = &inference->summary;
	Posterior  *posterior = NextPosterior(inference);
	bool		results;

	summary->ended_at = GetCurrentTimestamp();
	results = network->settings.results_column != NULL && posterior->selector != NULL;
	summary->clusters = CountClusters(posterior);
	summary->relabelled = -1;
	if (results)
		CheckLabelsFit(network, posterior);
	StoreRun(network, inference->fit, posterior, inference->matching, summary);
	if (results)
		summary->relabelled = LabelRest(inference, posterior);
	summary->ended_at = GetCurrentTimestamp();
	FinishRun(network, summary);
	if (inference->asked == ASKED_BY_USER)
		AdviseOnClusters(inference->plan, summary->clusters, inference->advised);
}

/* Stores an inference. */
RunSummary
StoreInference(Inference *inference)
{
	EnterPhase(PROGRESS_STORING);
	RunPhase(inference, Store);
	return inference->summary;
}

/* Releases what an inference holds. */
void
EndInference(Inference *inference)
{
	EndProgress();
	RowStoreFree(inference->rows);
	MemoryContextDelete(inference->context);
}

/* Infers within the current transaction. */
RunSummary
InferNetwork(Network *network, Asked asked, Oid decider, Fit *fit)
{
	Inference  *inference;
	RunSummary	summary;

	if (inference_hook)
		inference_hook(network->id, true);
	inference = LoadInference(network, asked, decider, false);
	IterateInference(inference);
	summary = StoreInference(inference);
	if (fit)
		*fit = *inference->fit;
	if (summary.left_out != NULL)
		summary.left_out = pstrdup(summary.left_out);
	EndInference(inference);
	if (inference_hook)
		inference_hook(network->id, false);
	return summary;
}

/* Loads a network to infer it: one inference at a time. */
Network *
LoadNetworkToInfer(const char *name, bool nowait, CheckRight check)
{
	Network    *network = LoadLatestUnparsedNetwork(name);

	check(network);
	if (!LockInference(network->id, nowait))
		ereport(ERROR,
				(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
				 errmsg("network \"%s\" is being inferred by another session", name)));
	return LoadNetworkForWhoMay(name, nowait, check);
}

/* Refuses where an inference could not be stored. */
void
PreventWhereReadOnly(const char *function)
{
	PreventCommandIfReadOnly(function);
	PreventCommandIfParallelMode(function);
	PreventCommandDuringRecovery(function);
}

/* Makes the row that bnai_infer returns. */
static Datum
InferenceRow(FunctionCallInfo fcinfo, const RunSummary *summary, const Fit *fit)
{
	TupleDesc	desc;
	Datum		values[11];
	bool		nulls[11] = {false};
	int			n = 0;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "bnai_infer must return a row");
	values[n++] = Int64GetDatum(summary->run);
	values[n++] = Int64GetDatum(summary->rows);
	values[n++] = Int64GetDatum(summary->skipped);
	values[n++] = Int32GetDatum(fit->restarts);
	values[n++] = Int32GetDatum(fit->best_restart);
	values[n++] = Int32GetDatum(fit->iterations);
	values[n++] = BoolGetDatum(fit->converged);
	values[n++] = Float8GetDatum(fit->elbo);
	nulls[n] = summary->clusters == 0;
	values[n++] = Int32GetDatum(summary->clusters);
	nulls[n] = summary->relabelled < 0;
	values[n++] = Int64GetDatum(summary->relabelled);
	values[n++] = DirectFunctionCall2(timestamp_mi, TimestampTzGetDatum(summary->ended_at),
									  TimestampTzGetDatum(summary->started_at));
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls));
}

/* Infers a network: see the COMMENT on bnai_infer. */
Datum
bnai_infer(PG_FUNCTION_ARGS)
{
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	RunSummary	summary;
	Fit			fit;

	PreventWhereReadOnly("bnai_infer()");
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	summary = InferNetwork(LoadNetworkToInfer(name, PG_GETARG_BOOL(1), CheckMayInferNetwork), ASKED_BY_USER,
						   InvalidOid, &fit);
	SPI_finish();
	PG_RETURN_DATUM(InferenceRow(fcinfo, &summary, &fit));
}

/* Forgets a network's posterior and clears its results column; returns how many rows were cleared. */
Datum
bnai_reset(PG_FUNCTION_ARGS)
{
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	Network    *network;
	int64		cleared = 0;

	PreventWhereReadOnly("bnai_reset()");
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	network = LoadNetworkToChange(name, false);
	if (OidIsValid(NetworkSource(network)))
		LockSource(network);
	CheckSourcePrivileges(network, true);
	ForgetRuns(network);
	if (network->settings.results_column != NULL && OidIsValid(NetworkSource(network)))
		cleared = ClearResults(network);
	SPI_finish();
	PG_RETURN_INT64(cleared);
}
