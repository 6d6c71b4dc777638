/*
 * definition.c
 *		Whether a network is still what it was.
 */
#include "postgres.h"

#include "storage/lmgr.h"
#include "utils/snapmgr.h"

#include "automation/definition.h"

/* Compares texts that may be missing. */
static bool
SameText(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* Returns true if two nodes are the same. */
static bool
SameNode(const NetworkNode *a, const NetworkNode *b)
{
	if (a->id != b->id || !SameText(a->name, b->name) ||
		!SameText(a->distribution_name, b->distribution_name) || !SameText(a->params_text, b->params_text) ||
		a->source != b->source || a->nsource_columns != b->nsource_columns)
		return false;
	for (int i = 0; i < a->nsource_columns; i++)
		if (a->source_columns[i].attribute != b->source_columns[i].attribute ||
			a->source_columns[i].width != b->source_columns[i].width)
			return false;
	return true;
}

/* Returns true if two networks have the same nodes and results. */
static bool
SameDefinition(const Network *a, const Network *b)
{
	if (a->nnodes != b->nnodes || a->settings.results_attribute != b->settings.results_attribute)
		return false;
	for (int i = 0; i < a->nnodes; i++)
		if (!SameNode(&a->nodes[i], &b->nodes[i]))
			return false;
	return true;
}

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
