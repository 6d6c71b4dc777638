/*
 * recalculate.c
 *		Inferring a network again because enough has changed.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_class.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "automation/recalculate.h"
#include "catalog/counts.h"
#include "catalog/define.h"
#include "catalog/privileges.h"
#include "inference/infer.h"

PG_FUNCTION_INFO_V1(bnai_recalculate_if_needed);

/* True while this session infers because of a threshold: what that changes calls for no other inference */
static bool recalculating = false;

/* Returns the owner of a relation. */
static Oid
RelationOwner(Oid relation)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
	Oid			owner = InvalidOid;

	if (HeapTupleIsValid(tuple))
	{
		owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
		ReleaseSysCache(tuple);
	}
	return owner;
}

/*
 * Returns who infers a network when nobody asked for it: its owner, but the
 * source's owner if that is a superuser, for the UPDATE of the results column
 * runs the triggers of the source.
 */
static Oid
InferringRole(const Network *network)
{
	Oid			source_owner = RelationOwner(NetworkSource(network));

	if (!OidIsValid(network->owner))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("role \"%s\", which owns network \"%s\", does not exist", network->owner_name, network->name)));
	return superuser_arg(network->owner) && OidIsValid(source_owner) ? source_owner : network->owner;
}

/* Fires what is deferred: within a security-restricted operation nothing can be. */
static void
SetConstraintsImmediate(void)
{
	ConstraintsSetStmt *statement = makeNode(ConstraintsSetStmt);

	statement->constraints = NIL;
	statement->deferred = false;
	AfterTriggerSetState(statement);
}

/*
 * Infers a network as whoever is responsible for it, in a security-restricted
 * operation and with a search path that the present user has no say in.
 */
static void
InferAsOwner(int id)
{
	Network    *network;
	Oid			user;
	int			security_context;
	int			guc_level;

	SetConstraintsImmediate();
	PushActiveSnapshot(GetTransactionSnapshot());
	network = LoadNetworkById(id, false);
	GetUserIdAndSecContext(&user, &security_context);
	SetUserIdAndSecContext(InferringRole(network), security_context | SECURITY_RESTRICTED_OPERATION);
	guc_level = NewGUCNestLevel();
	(void) set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE,
							 true, 0, false);
	SPI_connect();
	(void) InferNetwork(network, NULL);
	SPI_finish();
	AtEOXact_GUC(false, guc_level);
	SetUserIdAndSecContext(user, security_context);
	PopActiveSnapshot();
}

/* Returns true for errors that are not the inference's own: somebody wants the statement to end. */
static bool
EndsStatement(const ErrorData *error)
{
	return ERRCODE_TO_CATEGORY(error->sqlerrcode) == ERRCODE_OPERATOR_INTERVENTION;
}

/* Returns true for errors that may not happen the next time. */
static bool
MayPass(const ErrorData *error)
{
	return ERRCODE_TO_CATEGORY(error->sqlerrcode) == ERRCODE_TRANSACTION_ROLLBACK ||
		error->sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE;
}

/* Infers in a subtransaction; returns the error that it ended with, or NULL. */
static ErrorData *
TryInferAsOwner(int network)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	ErrorData  *error = NULL;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		recalculating = true;
		InferAsOwner(network);
		recalculating = false;
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		recalculating = false;
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	return error;
}

/*
 * Infers if the counter is at the threshold.  Who cannot get the network's
 * lock leaves it to the next one who counts: to wait for an inference, which
 * may wait for our rows, would be a deadlock.  What was counted goes off the
 * counter even if the inference fails, so that the next attempt comes after
 * as many changes again; unless the failure was bad luck.
 */
void
RecalculateAtThreshold(int network, int64 threshold)
{
	int64		counted;
	ErrorData  *error;

	if (recalculating || CountNow(network) < threshold || !LockNetwork(network, true))
		return;
	counted = CountNow(network);
	if (counted < threshold)
		return;
	AddCount(network, -counted);
	error = TryInferAsOwner(network);
	if (error == NULL)
		return;
	if (EndsStatement(error))
		ReThrowError(error);
	if (MayPass(error))
		AddCount(network, counted);
	ereport(WARNING,
			(errcode(error->sqlerrcode),
			 errmsg("inference at the counter's threshold failed: %s", error->message),
			 error->detail ? errdetail_internal("%s", error->detail) : 0,
			 error->hint ? errhint("%s", error->hint) : 0));
	FreeErrorData(error);
}

/*
 * bnai_recalculate_if_needed(network, threshold): infers if at least as much
 * was counted, as the current user; true if it did.
 */
Datum
bnai_recalculate_if_needed(PG_FUNCTION_ARGS)
{
	Network    *network;
	int64		threshold;
	int64		counted;

	PreventWhereReadOnly("bnai_recalculate_if_needed()");
	network = LoadNetworkToChange(TextArgument(fcinfo, 0, "network"), false);
	threshold = PG_ARGISNULL(1) ? network->settings.counter_threshold : PG_GETARG_INT64(1);
	if (!PG_ARGISNULL(1) && threshold <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("threshold must be positive, not " INT64_FORMAT, threshold)));
	if (threshold == 0)
	{
		ereport(NOTICE,
				(errmsg("network \"%s\" has no threshold", network->name),
				 errhint("Give one as an argument, or with bnai_set(%s, 'counter_threshold', ...).",
						 quote_literal_cstr(network->name))));
		PG_RETURN_BOOL(false);
	}
	counted = CountNow(network->id);
	if (counted < threshold)
		PG_RETURN_BOOL(false);
	AddCount(network->id, -counted);
	SPI_connect();
	(void) InferNetwork(network, NULL);
	SPI_finish();
	PG_RETURN_BOOL(true);
}
