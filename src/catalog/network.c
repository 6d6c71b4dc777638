/*
 * network.c
 *		Loads networks from the catalog.
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "catalog/boundcolumn.h"
#include "catalog/excerpt.h"
#include "catalog/build.h"
#include "catalog/gone.h"
#include "catalog/network.h"
#include "catalog/observed.h"
#include "catalog/privileges.h"
#include "catalog/relations.h"
#include "catalog/role.h"
#include "catalog/source.h"

/* Returns a text column, or NULL. */
static char *
TextColumn(CatalogScan *scan, HeapTuple tuple, AttrNumber attribute)
{
	bool		isnull;
	Datum		value = CatalogValue(scan, tuple, attribute, &isnull);

	return isnull ? NULL : TextDatumGetCString(value);
}

/* Returns a column of type bnai_column, or NULL. */
static BoundColumn *
BoundColumnOf(CatalogScan *scan, HeapTuple tuple, AttrNumber attribute)
{
	bool		isnull;
	Datum		value = CatalogValue(scan, tuple, attribute, &isnull);

	return isnull ? NULL : (BoundColumn *) PG_DETOAST_DATUM_COPY(value);
}

/* Returns a column passed by value; 0 if it is NULL. */
static Datum
PlainColumn(CatalogScan *scan, HeapTuple tuple, AttrNumber attribute)
{
	bool		isnull;
	Datum		value = CatalogValue(scan, tuple, attribute, &isnull);

	return isnull ? (Datum) 0 : value;
}

/* Returns what the setting missing means. */
static MissingAction
ReadMissing(const char *missing)
{
	if (missing == NULL)
		return MISSING_BY_TYPE;
	return strcmp(missing, "marginalize") == 0 ? MISSING_MARGINALIZE :
		strcmp(missing, "skip") == 0 ? MISSING_SKIP : MISSING_ERROR;
}

/* Reads the settings; NULL is 0 where the structure says so. */
static void
ReadSettings(CatalogScan *scan, HeapTuple tuple, NetworkSettings *settings)
{
	char	   *start = TextColumn(scan, tuple, NETWORK_START);
	char	   *refit = TextColumn(scan, tuple, NETWORK_REFIT);
	char	   *action = TextColumn(scan, tuple, NETWORK_THRESHOLD_ACTION);

	settings->restarts = DatumGetInt32(PlainColumn(scan, tuple, NETWORK_RESTARTS));
	settings->max_iterations = DatumGetInt32(PlainColumn(scan, tuple, NETWORK_MAX_ITERATIONS));
	settings->tolerance = DatumGetFloat8(PlainColumn(scan, tuple, NETWORK_TOLERANCE));
	settings->moves = DatumGetBool(PlainColumn(scan, tuple, NETWORK_MOVES));
	settings->seed = DatumGetInt64(PlainColumn(scan, tuple, NETWORK_SEED));
	settings->start = strcmp(start, "results") == 0 ? START_RESULTS :
		strcmp(start, "posterior") == 0 ? START_POSTERIOR :
		strcmp(start, "random") == 0 ? START_RANDOM : START_KMEANS;
	settings->missing = ReadMissing(TextColumn(scan, tuple, NETWORK_MISSING));
	settings->prune = DatumGetBool(PlainColumn(scan, tuple, NETWORK_PRUNE));
	settings->history = DatumGetInt32(PlainColumn(scan, tuple, NETWORK_HISTORY));
	settings->resolution = DatumGetFloat8(PlainColumn(scan, tuple, NETWORK_RESOLUTION));
	settings->restart_sample = DatumGetInt32(PlainColumn(scan, tuple, NETWORK_RESTART_SAMPLE));
	settings->results_bound = BoundColumnOf(scan, tuple, NETWORK_RESULTS_COLUMN);
	settings->weight_bound = BoundColumnOf(scan, tuple, NETWORK_WEIGHT_COLUMN);
	settings->counter_threshold = DatumGetInt64(PlainColumn(scan, tuple, NETWORK_COUNTER_THRESHOLD));
	settings->threshold_action = strcmp(action, "recalculate") == 0 ? ACTION_RECALCULATE :
		strcmp(action, "background") == 0 ? ACTION_BACKGROUND : ACTION_NONE;
	settings->refit = strcmp(refit, "warm") == 0 ? REFIT_WARM :
		strcmp(refit, "full") == 0 ? REFIT_FULL : REFIT_AUTO;
	settings->refit_margin = DatumGetFloat8(PlainColumn(scan, tuple, NETWORK_REFIT_MARGIN));
}

/* Makes a network from its own row. */
static Network *
ReadNetwork(CatalogScan *scan, HeapTuple tuple)
{
	Network    *network = palloc0(sizeof(Network));
	const Role *owner;

	network->id = DatumGetInt32(PlainColumn(scan, tuple, NETWORK_ID));
	network->name = TextColumn(scan, tuple, NETWORK_NAME);
	network->type = strcmp(TextColumn(scan, tuple, NETWORK_KIND), "clustering") == 0 ?
		NETWORK_CLUSTERING : NETWORK_GENERAL;
	owner = DatumGetRole(PlainColumn(scan, tuple, NETWORK_OWNER));
	network->owner_name = NameInText(RoleName(owner));
	network->owner = RoleOf(owner);
	ReadSettings(scan, tuple, &network->settings);
	return network;
}

/* Reads a node's columns. */
static int
ReadColumns(Datum array, Oid source, SourceColumn **columns)
{
	ArrayType  *values = DatumGetArrayTypeP(array);
	Datum	   *items;
	bool	   *nulls;
	int			n;

	deconstruct_array(values, ARR_ELEMTYPE(values), -1, false, TYPALIGN_INT, &items, &nulls, &n);
	*columns = palloc0(sizeof(SourceColumn) * Max(n, 1));
	for (int i = 0; i < n; i++)
	{
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("the columns of a node must not contain null values")));
		(*columns)[i] = ReadBoundColumn(DatumGetBoundColumn(items[i]), source);
	}
	return n;
}

/* Appends the node that a row describes. */
static void
ReadNode(Network *network, CatalogScan *scan, HeapTuple tuple)
{
	bool		observed;
	bool		isnull;
	Datum		value = CatalogValue(scan, tuple, NODE_SOURCE, &isnull);
	Oid			source;
	SourceColumn *columns = NULL;
	int			ncolumns = 0;
	NetworkNode *node;

	observed = !isnull;
	source = observed ? ResolveSource(DatumGetSource(value)) : InvalidOid;
	if (observed)
		ncolumns = ReadColumns(CatalogValue(scan, tuple, NODE_COLUMNS, &isnull), source, &columns);
	node = AppendNode(network,
					  TextColumn(scan, tuple, NODE_NAME),
					  TextColumn(scan, tuple, NODE_DISTRIBUTION),
					  TextColumn(scan, tuple, NODE_PARAMS),
					  source, ncolumns, columns);
	node->id = DatumGetInt32(PlainColumn(scan, tuple, NODE_ID));
	if (observed)
	{
		node->source_name = SourceName(DatumGetSource(value));
		node->source_bound = OidIsValid(DatumGetSource(value)->relation);
	}
}

/* Orders nodes by id. */
static int
CompareNodes(const void *a, const void *b)
{
	return ((const NetworkNode *) a)->id - ((const NetworkNode *) b)->id;
}

/* Reads the rows of a network's nodes. */
static void
ReadNodes(Network *network)
{
	CatalogScan scan = BeginCatalogScan("bnai_node", "bnai_node_pkey", NODE_NETWORK, Int32GetDatum(network->id));
	HeapTuple	tuple;

	while ((tuple = NextCatalogTuple(&scan)) != NULL)
		ReadNode(network, &scan, tuple);
	EndCatalogScan(&scan);
	qsort(network->nodes, network->nnodes, sizeof(NetworkNode), CompareNodes);
}

/* Finds out what a column that is a setting is called, and its number in the source. */
static void
ReadSettingColumn(const Network *network, BoundColumn *bound, char **name, AttrNumber *attribute)
{
	SourceColumn column = {NULL};

	if (bound != NULL)
		column = ReadBoundColumn(bound, NetworkSource(network));
	*name = column.width == 0 ? column.name : SourceColumnText(&column);
	*attribute = column.attribute;
}

/* Finds out about the columns that are settings; after the source is known. */
static void
ReadSettingColumns(Network *network)
{
	NetworkSettings *settings = &network->settings;

	ReadSettingColumn(network, settings->results_bound, &settings->results_column, &settings->results_attribute);
	ReadSettingColumn(network, settings->weight_bound, &settings->weight_column, &settings->weight_attribute);
}

/* Reads the row that a scan finds, and its nodes; NULL if there is none. */
static Network *
ReadScanned(CatalogScan scan)
{
	HeapTuple	tuple = NextCatalogTuple(&scan);
	Network    *network = HeapTupleIsValid(tuple) ? ReadNetwork(&scan, tuple) : NULL;

	EndCatalogScan(&scan);
	if (network == NULL)
		return NULL;
	ReadNodes(network);
	ReadSettingColumns(network);
	return network;
}

/* Reads a network's rows by name. */
Network *
LoadUnparsedNetwork(const char *name, bool missing_ok)
{
	Network    *network = ReadScanned(BeginCatalogScan("bnai_network", "network_names_are_unique", NETWORK_NAME,
													   CStringGetTextDatum(name)));

	if (network == NULL && !missing_ok)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("network \"%s\" does not exist", Excerpt(name))));
	return network;
}

/* Reads a network's rows by id. */
Network *
LoadUnparsedNetworkById(int id, bool missing_ok)
{
	Network    *network = ReadScanned(BeginCatalogScan("bnai_network", "network_ids_are_unique", NETWORK_ID,
													   Int32GetDatum(id)));

	if (network == NULL && !missing_ok)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("network with id %d does not exist", id)));
	return network;
}

/* Interprets all nodes. */
static Network *
InterpretNetwork(Network *network)
{
	for (int i = 0; network != NULL && i < network->nnodes; i++)
		InterpretNode(network, &network->nodes[i]);
	return network;
}

/* Mixes a text into a hash; NULL is none. */
static uint64
HashText(uint64 hash, const char *text)
{
	return text == NULL ? hash_combine64(hash, 1) :
		hash_combine64(hash, hash_bytes_extended((const unsigned char *) text, strlen(text), 0));
}

/* Mixes a column into a hash, by its name when it was bound: renaming it changes nothing. */
static uint64
HashColumn(uint64 hash, const SourceColumn *column)
{
	return HashText(hash, column->last_name != NULL ? column->last_name : column->name);
}

/* Hashes what defines a network. */
int64
DefinitionHash(const Network *network)
{
	const NetworkSettings *settings = &network->settings;
	uint64		hash = hash_bytes_extended((const unsigned char *) &settings->resolution, sizeof(double), 0);

	hash = hash_combine64(hash, settings->prune);
	hash = hash_combine64(hash, settings->missing);
	hash = HashText(hash, settings->weight_bound != NULL ? settings->weight_bound->name : NULL);
	for (int i = 0; i < network->nnodes; i++)
	{
		const NetworkNode *node = &network->nodes[i];

		hash = HashText(hash, node->name);
		hash = HashText(hash, node->distribution_name);
		hash = HashText(hash, node->params_text);
		for (int j = 0; j < node->nsource_columns; j++)
			hash = HashColumn(hash, &node->source_columns[j]);
	}
	return (int64) hash;
}

bool
SameDefinition(const Network *a, const Network *b)
{
	if (a->nnodes != b->nnodes)
		return false;
	for (int i = 0; i < a->nnodes; i++)
		if (a->nodes[i].ncolumns != b->nodes[i].ncolumns)
			return false;			/* elements of an array, whose name is the same */
	return a->id == b->id && DefinitionHash(a) == DefinitionHash(b) && NetworkSource(a) == NetworkSource(b)
		&& a->settings.results_attribute == b->settings.results_attribute;
}

/* Loads a network by name. */
Network *
LoadNetwork(const char *name, bool missing_ok)
{
	return InterpretNetwork(LoadUnparsedNetwork(name, missing_ok));
}

/* Loads a network by id. */
Network *
LoadNetworkById(int id, bool missing_ok)
{
	return InterpretNetwork(LoadUnparsedNetworkById(id, missing_ok));
}

/* Reads a network by name, as it is now and not when the statement or transaction began. */
Network *
LoadLatestUnparsedNetwork(const char *name)
{
	Network    *network;

	/* what this statement has defined counts too */
	CommandCounterIncrement();
	PushActiveSnapshot(GetLatestSnapshot());
	network = LoadUnparsedNetwork(name, false);
	PopActiveSnapshot();
	return network;
}

/* Reads a network to change or infer it: who waited for the lock reads again. */
static Network *
LoadLocked(const char *name, bool nowait, CheckRight check)
{
	Network    *network = LoadLatestUnparsedNetwork(name);

	check(network);
	if (!LockNetwork(network->id, nowait))
		ereport(ERROR,
				(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
				 errmsg("network \"%s\" is being changed or inferred by another session", name)));
	network = LoadLatestUnparsedNetwork(name);
	check(network);
	return network;
}

/* Reads a network to change it. */
Network *
LoadUnparsedNetworkToChange(const char *name, bool nowait)
{
	return LoadLocked(name, nowait, CheckMayModifyNetwork);
}

/* Loads a network for who passes a check. */
Network *
LoadNetworkForWhoMay(const char *name, bool nowait, CheckRight check)
{
	return InterpretNetwork(LoadLocked(name, nowait, check));
}

/* Loads a network to change it. */
Network *
LoadNetworkToChange(const char *name, bool nowait)
{
	return LoadNetworkForWhoMay(name, nowait, CheckMayModifyNetwork);
}

/* Adds a node to a network in memory. */
NetworkNode *
AppendNode(Network *network, const char *name, const char *distribution, const char *params,
		   Oid source, int ncolumns, SourceColumn *columns)
{
	NetworkNode *node;
	int			capacity = 16;
	bool		grow = network->nnodes >= capacity && (network->nnodes & (network->nnodes - 1)) == 0;

	if (network->nodes == NULL)
		network->nodes = palloc0(sizeof(NetworkNode) * capacity);
	else if (grow)
		network->nodes = repalloc(network->nodes, sizeof(NetworkNode) * network->nnodes * 2);
	node = &network->nodes[network->nnodes];
	memset(node, 0, sizeof(NetworkNode));
	node->id = network->nnodes == 0 ? 1 : node[-1].id + 1;
	network->nnodes++;
	node->name = pstrdup(name);
	node->distribution_name = pstrdup(distribution);
	node->distribution = FindDistribution(distribution);
	node->selector = -1;
	node->params_text = pstrdup(params);
	node->plates = 1;
	node->source = source;
	node->nsource_columns = ncolumns;
	node->source_columns = columns;
	node->ncolumns = ExpandColumns(ncolumns, node->source_columns, &node->columns);
	return node;
}

/* Keeps the source as it is, and reads the present names of its columns. */
void
LockSource(Network *network)
{
	Oid			source = NetworkSource(network);

	if (OidIsValid(source))
		LockRelationOid(source, AccessShareLock);
	for (int i = 0; i < network->nnodes; i++)
	{
		NetworkNode *node = &network->nodes[i];

		if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(node->source)))
			node->source = InvalidOid;
		for (int j = 0; j < node->nsource_columns; j++)
		{
			SourceColumn *column = &node->source_columns[j];
			char	   *name = AttributeName(node->source, column->attribute);

			if (name != NULL)
				column->name = name;
			else
				column->attribute = InvalidAttrNumber;
		}
		if (IsLeaf(node))
			node->ncolumns = ExpandColumns(node->nsource_columns, node->source_columns, &node->columns);
	}
	ReadSettingColumns(network);
	CheckBound(network);
}

/* Returns true for numbers that each plate has its own of. */
bool
DiffersByPlate(const NodeParam *param)
{
	return param->kind == PARAM_CONSTANT && param->plates > 1;
}

/* Returns the index of a node, or -1. */
int
FindNode(const Network *network, const char *name)
{
	for (int i = 0; i < network->nnodes; i++)
		if (strcmp(network->nodes[i].name, name) == 0)
			return i;
	return -1;
}

/* Returns true for a node that is bound to columns. */
bool
IsLeaf(const NetworkNode *node)
{
	return node->ncolumns > 0;
}

/* Returns true for a node that selects a row's component. */
bool
IsSelector(const NetworkNode *node)
{
	return node->distribution->selects && !IsLeaf(node);
}

/* Returns the relation that the leaves read. */
Oid
NetworkSource(const Network *network)
{
	for (int i = 0; i < network->nnodes; i++)
		if (IsLeaf(&network->nodes[i]))
			return network->nodes[i].source;
	return InvalidOid;
}
