/*
 * definition.c
 *		Whether a network is still what it was.
 */
#include "postgres.h"

#include "storage/lmgr.h"
#include "utils/snapmgr.h"

#include "automation/definition.h"

/* Keeps the network's tables from being dropped or altered until the end of the transaction; who is gone already is found missing. */
static void
LockSources(const Network *network)
{
	for (int i = 0; i < network->nnodes; i++)
		if (OidIsValid(network->nodes[i].source))
			LockRelationOid(network->nodes[i].source, AccessShareLock);
}

/* Returns true if a table that the network read is gone. */
static bool
LacksSource(const Network *loaded, const Network *now)
{
	return OidIsValid(NetworkSource(loaded)) && !OidIsValid(NetworkSource(now));
}

/* Raises an error if the network has changed, or is another one of the same id; returns it as it is now. */
Network *
CheckSameDefinition(const Network *loaded, Counter counter)
{
	Network    *now;

	LockSources(loaded);
	PushActiveSnapshot(GetTransactionSnapshot());
	now = LoadUnparsedNetworkById(loaded->id, true);
	PopActiveSnapshot();
	if (now == NULL || !IsOfThisInstallation(counter))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("network \"%s\" was dropped while it was inferred", loaded->name)));
	if (!SameDefinition(loaded, now))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("network \"%s\" was changed while it was inferred", loaded->name),
				 LacksSource(loaded, now) ? errdetail("Its table was dropped.") : 0));
	return now;
}
