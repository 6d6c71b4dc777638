/*
 * rebind.c
 *		What a network is bound to: its source and columns, which are gone when
 *		they are dropped, and how its owner binds it again.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "storage/lmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "catalog/boundcolumn.h"
#include "catalog/build.h"
#include "catalog/define.h"
#include "catalog/gone.h"
#include "catalog/observed.h"
#include "catalog/privileges.h"
#include "catalog/relations.h"
#include "catalog/source.h"
#include "compat.h"

PG_FUNCTION_INFO_V1(bnai_rebind);

/* --- what is gone --- */

/* Raises an error about a network whose source is gone. */
pg_noreturn static void
ReportSource(const Network *network, const NetworkNode *node)
{
	char	   *name = NameInText(node->source_name);

	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_TABLE),
			 node->source_bound ?
			 errmsg("the source of network \"%s\" was dropped", network->name) :
			 errmsg("the source of network \"%s\" is not bound", network->name),
			 node->source_bound ?
			 errdetail("It was %s; a table that has the name now is another one.", name) :
			 errdetail("It was restored as %s by a role that could not have chosen it, or where there was none.", name),
			 errhint("Its owner binds it again: SELECT bnai_rebind(%s, %s).", quote_literal_cstr(network->name),
					 quote_literal_cstr(name))));
}

/* Raises an error about a column that is a setting and gone. */
pg_noreturn static void
ReportSetting(const Network *network, const char *setting, const char *name, const BoundColumn *bound)
{
	bool		was_bound = OidIsValid(bound->relation);

	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_COLUMN),
			 was_bound ? errmsg("%s \"%s\" of network \"%s\" was dropped", setting, name, network->name) :
			 errmsg("%s \"%s\" of network \"%s\" is not bound", setting, name, network->name),
			 was_bound ? errdetail("A column that has the name now is another one.") :
			 errdetail("It was restored by a role that could not have chosen it, or where there was none."),
			 errhint("Its owner names it again: SELECT bnai_set(%s, %s, ...).", quote_literal_cstr(network->name),
					 quote_literal_cstr(setting))));
}

/* Raises an error about a column that is gone. */
pg_noreturn static void
ReportColumn(const Network *network, Oid source, const char *name, bool bound)
{
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_COLUMN),
			 bound ? errmsg("column \"%s\" of network \"%s\" was dropped", name, network->name) :
			 errmsg("column \"%s\" of network \"%s\" is not bound", name, network->name),
			 bound ? errdetail("A column of relation \"%s\" that has the name now is another one.", get_rel_name(source)) :
			 errdetail("It was restored by a role that could not have chosen it, or where there was none."),
			 errhint("Its owner binds the columns again: SELECT bnai_rebind(%s, %s, columns => ...).",
					 quote_literal_cstr(network->name), quote_literal_cstr(QualifiedRelationName(source)))));
}

void
CheckBound(const Network *network)
{
	const NetworkSettings *settings = &network->settings;
	Oid			source = NetworkSource(network);

	for (int i = 0; i < network->nnodes; i++)
	{
		const NetworkNode *node = &network->nodes[i];

		if (!IsLeaf(node))
			continue;
		if (!OidIsValid(node->source) || QualifiedRelationName(node->source) == NULL)
			ReportSource(network, node);
		for (int j = 0; j < node->nsource_columns; j++)
			if (node->source_columns[j].attribute <= 0)
				ReportColumn(network, node->source, node->source_columns[j].name,
							 node->source_columns[j].last_name != NULL);
	}
	if (!OidIsValid(source))
		return;
	if (settings->results_column != NULL && settings->results_attribute <= 0)
		ReportSetting(network, "results_column", settings->results_column, settings->results_bound);
	if (settings->weight_column != NULL && settings->weight_attribute <= 0)
		ReportSetting(network, "weight_column", settings->weight_column, settings->weight_bound);
}

/* --- binding --- */

/* Writes one of the columns that are settings. */
static void
BindSettingColumn(const Network *network, const char *setting, const char *name)
{
	Oid			types[] = {INT4OID, ExtensionType("bnai_column")};
	Oid			source = NetworkSource(network);
	SourceColumn column = {.name = unconstify(char *, name), .attribute = get_attnum(source, name)};
	Datum		values[] = {Int32GetDatum(network->id), PointerGetDatum(MakeBoundColumn(source, &column))};

	if (column.attribute > 0)
		WriteCatalog(psprintf("UPDATE %s.bnai_network SET %s = $2 WHERE id OPERATOR(pg_catalog.=) $1",
							  ExtensionSchema(), setting), lengthof(types), types, values, NULL);
}

void
BindSettingColumns(const Network *network, bool all)
{
	const NetworkSettings *settings = &network->settings;
	Oid			source = NetworkSource(network);

	if (settings->results_column != NULL && (all || settings->results_bound->relation != source))
		BindSettingColumn(network, "results_column", settings->results_column);
	if (settings->weight_column != NULL && (all || settings->weight_bound->relation != source))
		BindSettingColumn(network, "weight_column", settings->weight_column);
}

/* Counts the columns of all nodes. */
static int
CountSourceColumns(const Network *network)
{
	int			n = 0;

	for (int i = 0; i < network->nnodes; i++)
		n += network->nodes[i].nsource_columns;
	return n;
}

/* Gives a node other columns, in place of the present ones; names: NULL, or one for each. */
static void
BindNode(NetworkNode *node, Oid source, char *const *names)
{
	node->source = source;
	for (int i = 0; i < node->nsource_columns; i++)
	{
		SourceColumn *column = &node->source_columns[i];
		SourceColumn bound = ParseSourceColumn(source, names != NULL ? names[i] : SourceColumnText(column));

		/* what was learned has as many numbers */
		if (bound.width == 0)
			bound.width = column->width;
		if (bound.width != column->width)
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("\"%s\" cannot take the place of \"%s\" in node \"%s\"", SourceColumnText(&bound),
							SourceColumnText(column), node->name),
					 errdetail("An array that is observed keeps its number of elements.")));
		*column = bound;
	}
	node->ncolumns = ExpandColumns(node->nsource_columns, node->source_columns, &node->columns);
	CheckObserved(node);
}

/* Writes what a node is bound to. */
static void
StoreBinding(const Network *network, const NetworkNode *node)
{
	Oid			column_type = ExtensionType("bnai_column");
	Oid			types[] = {INT4OID, INT4OID, REGCLASSOID, get_array_type(column_type)};
	Datum		values[] = {Int32GetDatum(network->id), Int32GetDatum(node->id), ObjectIdGetDatum(node->source), (Datum) 0};
	Datum	   *columns = palloc(sizeof(Datum) * node->nsource_columns);

	for (int i = 0; i < node->nsource_columns; i++)
		columns[i] = PointerGetDatum(MakeBoundColumn(node->source, &node->source_columns[i]));
	values[3] = PointerGetDatum(construct_array(columns, node->nsource_columns, column_type, -1, false, TYPALIGN_INT));
	WriteCatalog(psprintf("UPDATE %s.bnai_node SET source = $3, columns = $4 "
						  "WHERE network OPERATOR(pg_catalog.=) $1 AND id OPERATOR(pg_catalog.=) $2", ExtensionSchema()),
				 lengthof(types), types, values, NULL);
}

/*
 * bnai_rebind(network, source, columns): binds a network to a source, which is
 * checked like that of bnai_add_node; keeps its runs, and the labels that there are.
 */
Datum
bnai_rebind(PG_FUNCTION_ARGS)
{
	Network    *network = LoadNetworkToChange(TextArgument(fcinfo, 0, "network"), false);
	Oid			source = PG_ARGISNULL(1) ? InvalidOid : PG_GETARG_OID(1);
	char	  **names = NULL;
	int			n = CountSourceColumns(network);
	int			given = PG_ARGISNULL(2) ? n : NamesArgument(fcinfo, 2, "columns", &names);

	if (n == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("network \"%s\" has no observed node", network->name)));
	if (!OidIsValid(source))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must not be NULL", "source")));
	if (given != n)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("network \"%s\" observes %d columns, not %d", network->name, n, given)));
	LockRelationOid(source, AccessShareLock);
	for (int i = 0; i < network->nnodes; i++)
		if (IsLeaf(&network->nodes[i]))
		{
			BindNode(&network->nodes[i], source, names);
			if (names != NULL)
				names += network->nodes[i].nsource_columns;
		}
	if (network->settings.results_column != NULL)
		network->settings.results_attribute = get_attnum(source, network->settings.results_column);
	if (network->settings.weight_column != NULL)
		network->settings.weight_attribute = get_attnum(source, network->settings.weight_column);
	CheckStructure(network);
	CheckSourcePrivileges(network, false);
	for (int i = 0; i < network->nnodes; i++)
		if (IsLeaf(&network->nodes[i]))
			StoreBinding(network, &network->nodes[i]);
	BindSettingColumns(network, true);
	PG_RETURN_VOID();
}

/* Removes rows of one of the tables that belong to a network, or wait for it. */
static void
RemoveRows(const char *table, int network)
{
	Oid			type = INT4OID;
	Datum		value = Int32GetDatum(network);

	WriteCatalog(psprintf("DELETE FROM %s.%s WHERE network OPERATOR(pg_catalog.=) $1 "
						  "OR network OPERATOR(pg_catalog.=) OPERATOR(pg_catalog.-) $1", ExtensionSchema(), table),
				 1, &type, &value, NULL);
}

void
RemoveLeftovers(int network)
{
	static const char *const tables[] = {"bnai_node", "bnai_run", "bnai_count", "bnai_watched", "bnai_scheduled", "bnai_granted"};

	for (int i = 0; i < lengthof(tables); i++)
		RemoveRows(tables[i], network);
}
