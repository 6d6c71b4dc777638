/*
 * define.c
 *		SQL functions that create, change and drop networks and nodes.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

#include "catalog/boundcolumn.h"
#include "catalog/excerpt.h"
#include "catalog/build.h"
#include "catalog/define.h"
#include "catalog/observed.h"
#include "catalog/params.h"
#include "catalog/privileges.h"
#include "catalog/relations.h"
#include "catalog/source.h"

PG_FUNCTION_INFO_V1(bnai_create_network);
PG_FUNCTION_INFO_V1(bnai_add_node);
PG_FUNCTION_INFO_V1(bnai_change_node);
PG_FUNCTION_INFO_V1(bnai_drop_node);
PG_FUNCTION_INFO_V1(bnai_drop_network);

/* Returns the text of an argument. */
char *
TextArgument(FunctionCallInfo fcinfo, int i, const char *name)
{
	if (PG_ARGISNULL(i))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must not be NULL", name)));
	return text_to_cstring(PG_GETARG_TEXT_PP(i));
}

/* Reads the names in an array. */
int
NamesArgument(FunctionCallInfo fcinfo, int i, const char *name, char ***names)
{
	ArrayType  *array;
	Datum	   *values;
	bool	   *nulls;
	int			n;

	if (PG_ARGISNULL(i))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must not be NULL", name)));
	array = PG_GETARG_ARRAYTYPE_P(i);
	if (ARR_NDIM(array) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be a list of one name or more", name)));
	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &values, &nulls, &n);
	*names = palloc(sizeof(char *) * n);
	for (int j = 0; j < n; j++)
	{
		if (nulls[j])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("argument \"%s\" must not contain NULL", name)));
		(*names)[j] = TextDatumGetCString(values[j]);
	}
	return n;
}

/* Collects arguments that are settings. */
int
SettingArguments(FunctionCallInfo fcinfo, int first, const char *const *names, SettingValue *values)
{
	int			n = 0;

	for (int i = 0; names[i] != NULL; i++)
	{
		const Setting *setting = FindSetting(names[i]);

		if (PG_ARGISNULL(first + i))
			continue;
		values[n].setting = setting;
		values[n].value = PG_GETARG_DATUM(first + i);
		if (setting->type == NAMEOID)
			values[n].value = ParseSetting(setting, TextArgument(fcinfo, first + i, names[i]));
		else
			CheckSetting(setting, values[n].value);
		n++;
	}
	return n;
}

/* Raises an error unless the text can be the name of a network or node. */
static void
CheckName(const char *what, const char *name)
{
	if (*name == '\0' || strlen(name) >= NAMEDATALEN)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_NAME),
				 errmsg("invalid name of a %s: \"%s\"", what, Excerpt(name)),
				 errdetail("A name has from 1 to %d bytes.", NAMEDATALEN - 1)));
}

static void
ReportExisting(const char *name)
{
	ereport(ERROR,
			(errcode(ERRCODE_DUPLICATE_OBJECT),
			 errmsg("network \"%s\" already exists", name),
			 errhint("Choose another name, or drop it with bnai_drop_network.")));
}

/* Raises an error if a network of that name exists; leaves the name locked. */
static void
CheckNewNetwork(const char *name)
{
	Network    *existing;

	CheckName("network", name);
	LockNetworkName(name);
	PushActiveSnapshot(GetLatestSnapshot());
	existing = LoadUnparsedNetwork(name, true);
	PopActiveSnapshot();
	if (existing != NULL)
		ReportExisting(name);
}

/* Creates a network that the current user owns. */
void
CreateNetwork(const char *name, const char *type, int nvalues, const SettingValue *values)
{
	Oid			types[MAX_SETTINGS + 3] = {TEXTOID, TEXTOID, REGROLEOID};
	Datum		datums[MAX_SETTINGS + 3];
	StringInfoData columns;
	StringInfoData places;
	int			id;

	if (strcmp(type, "general") != 0 && strcmp(type, "clustering") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid type of a network: \"%s\"", Excerpt(type)),
				 errhint("Types are: general, clustering.")));
	CheckNewNetwork(name);
	datums[0] = CStringGetTextDatum(name);
	datums[1] = CStringGetTextDatum(type);
	datums[2] = ObjectIdGetDatum(GetUserId());
	initStringInfo(&columns);
	initStringInfo(&places);
	for (int i = 0; i < nvalues; i++)
	{
		types[3 + i] = values[i].setting->type;
		datums[3 + i] = values[i].value;
		appendStringInfo(&columns, ", %s", values[i].setting->name);
		appendStringInfo(&places, ", $%d", 4 + i);
		/* a column's name, bound when there is a source */
		if (values[i].setting->type == NAMEOID)
			appendStringInfo(&places, "::%s.bnai_column", ExtensionSchema());
	}
	id = InsertIntoCatalog(psprintf("INSERT INTO %s.bnai_network (name, network_type, owner%s) VALUES ($1, $2, $3%s) "
									"ON CONFLICT (name) DO NOTHING RETURNING id",
									ExtensionSchema(), columns.data, places.data),
						   3 + nvalues, types, datums);
	if (id == 0)
		ReportExisting(name);
	RemoveLeftovers(id);
	NoteNewNetwork(id);
	UnlockNetworkName(name);
}

/* bnai_create_network(network, network_type, settings…) */
Datum
bnai_create_network(PG_FUNCTION_ARGS)
{
	static const char *const settings[] = {
		"restarts", "max_iterations", "tolerance", "moves", "seed", "start", "restart_sample", "resolution", "missing",
		"results_column", "counter_threshold", "threshold_action", "prune", "history", "weight_column", "refit",
		"refit_margin", NULL
	};
	SettingValue values[MAX_SETTINGS];
	int			nvalues = SettingArguments(fcinfo, 2, settings, values);

	CreateNetwork(TextArgument(fcinfo, 0, "network"), TextArgument(fcinfo, 1, "network_type"), nvalues, values);
	PG_RETURN_VOID();
}

/* Writes a node's row. */
static void
InsertNode(const Network *network, const NetworkNode *node, const char *distribution)
{
	Oid			column_type = ExtensionType("bnai_column");
	Oid			types[] = {INT4OID, INT4OID, TEXTOID, TEXTOID, TEXTOID, REGCLASSOID, get_array_type(column_type)};
	Datum		values[lengthof(types)] = {
		Int32GetDatum(network->id), Int32GetDatum(node->id), CStringGetTextDatum(node->name),
		CStringGetTextDatum(distribution), CStringGetTextDatum(node->params_text), ObjectIdGetDatum(node->source)
	};
	char		nulls[lengthof(types) + 1] = "       ";
	Datum	   *columns = palloc(sizeof(Datum) * Max(node->nsource_columns, 1));

	for (int i = 0; i < node->nsource_columns; i++)
		columns[i] = PointerGetDatum(MakeBoundColumn(node->source, &node->source_columns[i]));
	values[6] = PointerGetDatum(construct_array(columns, node->nsource_columns, column_type, -1, false, TYPALIGN_INT));
	if (!IsLeaf(node))
		nulls[5] = nulls[6] = 'n';
	WriteCatalog(psprintf("INSERT INTO %s.bnai_node (network, id, name, distribution, params, source, columns) "
						  "VALUES ($1, $2, $3, $4, $5, $6, $7)", ExtensionSchema()),
				 lengthof(types), types, values, nulls);
}

/* Adds a node to a network, if it fits. */
void
AddNode(const char *network_name, const char *name, const char *distribution, const char *params,
		Oid source, int ncolumns, char **columns)
{
	Network    *network = LoadNetworkToChange(network_name, false);
	SourceColumn *source_columns = palloc0(sizeof(SourceColumn) * (ncolumns + 1));
	NetworkNode *node;

	CheckName("node", name);
	if (FindNode(network, name) >= 0)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("node \"%s\" already exists in network \"%s\"", name, network_name),
				 errhint("Choose another name, or change it with bnai_change_node.")));
	if (OidIsValid(source))
		LockRelationOid(source, AccessShareLock);
	for (int i = 0; i < ncolumns; i++)
		source_columns[i] = ParseSourceColumn(source, columns[i]);
	node = AppendNode(network, name, distribution, params, source, ncolumns, source_columns);
	InterpretNode(network, node);
	if (IsLeaf(node))
		CheckObserved(node);
	CheckStructure(network);
	CheckSourcePrivileges(network, false);
	InsertNode(network, node, FindDistribution(distribution)->name);
	if (IsLeaf(node))
		BindSettingColumns(network, false);
}

/* bnai_add_node(network, node, distribution, params, source, columns) */
Datum
bnai_add_node(PG_FUNCTION_ARGS)
{
	char	   *node = TextArgument(fcinfo, 1, "node");
	char	  **columns = NULL;
	int			ncolumns = 0;

	if (PG_ARGISNULL(4) != PG_ARGISNULL(5))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("node \"%s\" has %s", node,
						PG_ARGISNULL(4) ? "columns, but no source" : "a source, but no columns")));
	if (!PG_ARGISNULL(5))
	{
		ncolumns = NamesArgument(fcinfo, 5, "columns", &columns);
		(void) ResolveColumns(PG_GETARG_OID(4), ncolumns, columns);
	}
	AddNode(TextArgument(fcinfo, 0, "network"), node,
			TextArgument(fcinfo, 2, "distribution"), TextArgument(fcinfo, 3, "params"),
			PG_ARGISNULL(4) ? InvalidOid : PG_GETARG_OID(4), ncolumns, columns);
	PG_RETURN_VOID();
}

/* Returns a node that must exist. */
static NetworkNode *
ExistingNode(Network *network, const char *name)
{
	int			index = FindNode(network, name);

	if (index < 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("node \"%s\" does not exist in network \"%s\"", Excerpt(name), network->name)));
	return &network->nodes[index];
}

/* Writes a node's parameters. */
void
StoreParams(const Network *network, const NetworkNode *node, const char *params)
{
	Oid			types[] = {INT4OID, INT4OID, TEXTOID};
	Datum		values[] = {Int32GetDatum(network->id), Int32GetDatum(node->id), CStringGetTextDatum(params)};

	WriteCatalog(psprintf("UPDATE %s.bnai_node SET params = $3 "
						  "WHERE network OPERATOR(pg_catalog.=) $1 AND id OPERATOR(pg_catalog.=) $2",
						  ExtensionSchema()),
				 lengthof(types), types, values, NULL);
}

/* Removes a node. */
void
RemoveNode(const Network *network, const NetworkNode *node)
{
	Oid			types[] = {INT4OID, INT4OID};
	Datum		values[] = {Int32GetDatum(network->id), Int32GetDatum(node->id)};

	WriteCatalog(psprintf("DELETE FROM %s.bnai_node "
						  "WHERE network OPERATOR(pg_catalog.=) $1 AND id OPERATOR(pg_catalog.=) $2",
						  ExtensionSchema()),
				 lengthof(types), types, values, NULL);
}

/* bnai_change_node(network, node, params) */
Datum
bnai_change_node(PG_FUNCTION_ARGS)
{
	Network    *network = LoadNetworkToChange(TextArgument(fcinfo, 0, "network"), false);
	NetworkNode *node = ExistingNode(network, TextArgument(fcinfo, 1, "node"));

	node->params_text = TextArgument(fcinfo, 2, "params");
	node->distribution = FindDistribution(node->distribution_name);
	node->selector = -1;
	node->plates = 1;
	InterpretNode(network, node);
	CheckStructure(network);
	StoreParams(network, node, node->params_text);
	PG_RETURN_VOID();
}

/* Raises an error if a node is a parameter of another one. */
static void
CheckNoChildren(const Network *network, const NetworkNode *node)
{
	int			index = node - network->nodes;

	for (int i = 0; i < network->nnodes; i++)
	{
		const NetworkNode *child = &network->nodes[i];
		bool		uses = child->selector == index;

		for (int j = 0; j < child->nparams; j++)
			uses |= child->params[j].kind == PARAM_NODE && child->params[j].node == index;
		if (uses)
			ereport(ERROR,
					(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
					 errmsg("cannot drop node \"%s\": node \"%s\" depends on it", node->name, child->name),
					 errhint("Drop or change node \"%s\" first.", child->name)));
	}
}

/*
 * bnai_drop_node(network, node): with an observed node the runs go, too.  They
 * say something about its columns, and who may read the network is decided by
 * the columns it has.
 */
Datum
bnai_drop_node(PG_FUNCTION_ARGS)
{
	Network    *network = LoadNetworkToChange(TextArgument(fcinfo, 0, "network"), false);
	NetworkNode *node = ExistingNode(network, TextArgument(fcinfo, 1, "node"));
	Oid			types[] = {INT4OID};
	Datum		values[] = {Int32GetDatum(network->id)};

	CheckNoChildren(network, node);
	if (IsLeaf(node))
		WriteCatalog(psprintf("DELETE FROM %s.bnai_run WHERE network OPERATOR(pg_catalog.=) $1", ExtensionSchema()),
					 1, types, values, NULL);
	RemoveNode(network, node);
	PG_RETURN_VOID();
}

/* bnai_drop_network(network) */
Datum
bnai_drop_network(PG_FUNCTION_ARGS)
{
	Network    *network = LoadUnparsedNetworkToChange(TextArgument(fcinfo, 0, "network"), false);
	Oid			types[] = {INT4OID};
	Datum		values[] = {Int32GetDatum(network->id)};

	WriteCatalog(psprintf("DELETE FROM %s.bnai_network WHERE id OPERATOR(pg_catalog.=) $1", ExtensionSchema()),
				 1, types, values, NULL);
	PG_RETURN_VOID();
}
