/*
 * current.c
 *		What a network's name stands for when it is read: its current run.
 */
#include "postgres.h"

#include "access/parallel.h"
#include "access/xact.h"
#include "optimizer/optimizer.h"
#include "utils/builtins.h"

#include "catalog/privileges.h"
#include "catalog/runs.h"
#include "posterior/current.h"

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
	Network    *network = LoadNetwork(name, false);
	int64		run;

	CheckMayReadNetwork(network);
	run = CurrentRun(network->id);
	if (run == 0)
		NoticeNotInferred(network);
	return run;
}
