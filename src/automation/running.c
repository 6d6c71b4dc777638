/*
 * running.c
 *		Which networks are being inferred, for bnai_status: shared memory says
 *		it before anything is committed, and forgets it in a crash.
 */
#include "postgres.h"

#include "access/xact.h"
#include "storage/ipc.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "automation/running.h"
#include "automation/counter.h"
#include "automation/stop.h"
#include "catalog/privileges.h"
#include "inference/infer.h"

PG_FUNCTION_INFO_V1(bnai_running_since);

/* Networks that this session infers, one within another: no deeper than triggers would go */
#define MAX_DEPTH 8

typedef struct Running
{
	Counter		counter;
	int			level;			/* of the transaction */
} Running;

static Running running[MAX_DEPTH];
static int	depth = 0;

/* Takes back the last one, if its slot was not given away since. */
static void
End(void)
{
	Counter		counter = running[--depth].counter;

	if (depth == 0)
		UnwatchForStop();
	if (HasSlot(counter))
		pg_atomic_write_u64(&counter.slot->running_since, 0);
}

/* Takes back what is at that level of the transaction or below. */
static void
EndFrom(int level)
{
	while (depth > 0 && running[depth - 1].level >= level)
		End();
}

/* Takes all back when the session ends: it may be between transactions. */
static void
EndSession(int code, Datum arg)
{
	EndFrom(0);
}

/* Says that a network is inferred. */
static void
Begin(int network)
{
	static bool registered = false;
	Counter		counter = FindCounter(network);

	if (depth == MAX_DEPTH)
		return;
	if (!registered)
		before_shmem_exit(EndSession, (Datum) 0);
	registered = true;
	if (depth == 0)
		WatchForStop(counter);
	running[depth++] = (Running) {counter, GetCurrentTransactionNestLevel()};
	if (counter.slot != NULL)
		pg_atomic_write_u64(&counter.slot->running_since, GetCurrentTimestamp());
}

/* Says that a network is inferred, or is no longer: the one that was last. */
static void
ShowRunning(int network, bool begins)
{
	if (begins)
		Begin(network);
	else if (depth > 0 && running[depth - 1].counter.network == network)
		End();
}

/* Takes all back when a transaction is aborted, also because the session ends. */
static void
EndTransaction(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_ABORT)
		EndFrom(0);
}

/* Takes some back when a subtransaction is aborted. */
static void
EndSubtransaction(SubXactEvent event, SubTransactionId sub, SubTransactionId parent, void *arg)
{
	if (event == SUBXACT_EVENT_ABORT_SUB)
		EndFrom(GetCurrentTransactionNestLevel());
}

/* Follows inferences. */
void
InitRunning(void)
{
	inference_hook = ShowRunning;
	RegisterXactCallback(EndTransaction, NULL);
	RegisterSubXactCallback(EndSubtransaction, NULL);
}

/* bnai_running_since(network id): when the inference began that is under way; NULL if none is, or who asks may not know. */
Datum
bnai_running_since(PG_FUNCTION_ARGS)
{
	Network    *network = LoadUnparsedNetworkById(PG_GETARG_INT32(0), true);
	CounterSlot *slot;
	TimestampTz since;

	if (network == NULL || !MayReadNetwork(network))
		PG_RETURN_NULL();
	slot = FindCounter(network->id).slot;
	since = slot == NULL ? 0 : (TimestampTz) pg_atomic_read_u64(&slot->running_since);
	if (since == 0)
		PG_RETURN_NULL();
	PG_RETURN_TIMESTAMPTZ(since);
}
