/*
 * columns.c
 *		What tables and columns a network can read, and write its labels to.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "catalog/excerpt.h"
#include "catalog/build.h"
#include "catalog/network.h"
#include "catalog/observed.h"
#include "catalog/writable.h"

/* Kinds of relations, as bits */
#define KIND_TABLE 1
#define KIND_OTHER 2

/* Returns whether a relation is a table, something else that has rows, or 0. */
static int
RelationKind(char relkind)
{
	switch (relkind)
	{
		case RELKIND_RELATION:
		case RELKIND_PARTITIONED_TABLE:
			return KIND_TABLE;
		case RELKIND_VIEW:
		case RELKIND_MATVIEW:
		case RELKIND_FOREIGN_TABLE:
			return KIND_OTHER;
		default:
			return 0;
	}
}

/* Raises an error unless a relation can be the source of a stored network. */
static void
CheckSource(const NetworkNode *node)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(node->source));
	Form_pg_class form;

	if (!HeapTupleIsValid(tuple))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("source %s of node \"%s\" does not exist",
						node->source_name != NULL ? node->source_name : "", node->name)));
	form = (Form_pg_class) GETSTRUCT(tuple);
	if (RelationKind(form->relkind) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" cannot be the source of a node", NameStr(form->relname)),
				 errdetail("A source is a table, a partitioned or foreign table, a view or a materialized view.")));
	if (form->relpersistence == RELPERSISTENCE_TEMP)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TABLE_DEFINITION),
				 errmsg("temporary relation \"%s\" cannot be the source of a node", NameStr(form->relname)),
				 errdetail("A network outlives the session.")));
	ReleaseSysCache(tuple);
}

/* Returns true for the types that a label can be written to. */
static bool
IsLabel(Oid type)
{
	switch (getBaseType(type))
	{
		case TEXTOID:
		case VARCHAROID:
		case BPCHAROID:
		case INT2OID:
		case INT4OID:
		case INT8OID:
			return true;
		default:
			return false;
	}
}

/* Returns the row of pg_attribute for a user's column that must exist; `use` says what for. */
static HeapTuple
UserColumn(Oid relation, const char *column, const char *use)
{
	HeapTuple	tuple = SearchSysCacheAttName(relation, column);

	if (!HeapTupleIsValid(tuple))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"%s\" of relation \"%s\" does not exist", Excerpt(column), get_rel_name(relation)),
				 errdetail_internal("%s", use)));
	if (((Form_pg_attribute) GETSTRUCT(tuple))->attnum <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_COLUMN_REFERENCE),
				 errmsg("system column \"%s\" cannot be used by a network", column),
				 errdetail_internal("%s", use)));
	return tuple;
}

/* Returns what makes a number of a column of a type that is none. */
static const char *
NumberInstead(Oid type, const char *column)
{
	char		category;
	bool		preferred;
	const char *name = quote_identifier(column);

	if (type == BOOLOID)
		return psprintf("%s::integer", name);
	if (type == DATEOID || type == TIMESTAMPOID || type == TIMESTAMPTZOID || type == INTERVALOID || type == TIMEOID)
		return psprintf("extract(epoch FROM %s)::double precision", name);
	get_type_category_preferred(getBaseType(type), &category, &preferred);
	if (category == TYPCATEGORY_STRING)
		return psprintf(_("%s::double precision, or (%s = '...')::integer for each of its values"), name, name);
	if (category == TYPCATEGORY_ENUM)
		return psprintf(_("(%s = '...')::integer for each of its values"), name);
	return psprintf("an expression of %s that is a number", name);
}

/* Raises an error unless a column is a number, or the array that it is observed as. */
static void
CheckObservedType(const NetworkNode *node, const SourceColumn *column)
{
	HeapTuple	tuple = UserColumn(node->source, column->name, psprintf(_("Node \"%s\" observes it."), node->name));
	Oid			type = ((Form_pg_attribute) GETSTRUCT(tuple))->atttypid;
	Oid			cast;

	ReleaseSysCache(tuple);
	if (column->width == 0 && !IsNumber(type))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" of relation \"%s\" is of type %s, which is no number",
						column->name, get_rel_name(node->source), format_type_be(type)),
				 errdetail("Types that can be observed are smallint, integer, bigint, real, double precision and numeric, "
						   "arrays of them, and types with a cast to double precision[] or real[]."),
				 errhint("Observe a view of \"%s\" that has %s.", get_rel_name(node->source),
						 NumberInstead(type, column->name))));
	if (column->width > 0 && !OidIsValid(ArrayForm(type, &cast)))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" of relation \"%s\" is of type %s, which is no array of numbers",
						column->name, get_rel_name(node->source), format_type_be(type)),
				 errdetail("Node \"%s\" observes an array of %d elements.", node->name, column->width)));
}

/* Raises an error unless the columns of a leaf can be observed. */
void
CheckObserved(const NetworkNode *node)
{
	CheckSource(node);
	for (int i = 0; i < node->nsource_columns; i++)
	{
		const SourceColumn *column = &node->source_columns[i];

		CheckObservedType(node, column);
		CheckElementNames(node->source, column);
		for (int j = 0; j < i; j++)
			if (strcmp(column->name, node->source_columns[j].name) == 0)
				ereport(ERROR,
						(errcode(ERRCODE_DUPLICATE_COLUMN),
						 errmsg("column \"%s\" of node \"%s\" is given twice", column->name, node->name)));
	}
}

/* Marks a node's selector and parameters, and theirs; what is marked already is not followed. */
static void
MarkAncestors(const Network *network, const NetworkNode *node, bool *marked)
{
	check_stack_depth();
	for (int i = -1; i < node->nparams; i++)
	{
		int			parent = i < 0 ? node->selector : node->params[i].kind == PARAM_NODE ? node->params[i].node : -1;

		if (parent < 0 || marked[parent])
			continue;
		marked[parent] = true;
		MarkAncestors(network, &network->nodes[parent], marked);
	}
}

/* Returns a node that two others learn about: their selector, if both have the same one, else a parameter; NULL if there is none. */
static const NetworkNode *
CommonAncestor(const Network *network, const NetworkNode *a, const NetworkNode *b)
{
	bool	   *above_a = palloc0(network->nnodes);
	bool	   *above_b = palloc0(network->nnodes);
	const NetworkNode *common = NULL;

	if (a->selector >= 0 && a->selector == b->selector)
		return &network->nodes[a->selector];
	MarkAncestors(network, a, above_a);
	MarkAncestors(network, b, above_b);
	for (int i = 0; i < network->nnodes && common == NULL; i++)
		if (above_a[i] && above_b[i])
			common = &network->nodes[i];
	pfree(above_a);
	pfree(above_b);
	return common;
}

/* Raises an error if two nodes observe a column in two ways, or tell a third one twice what it says. */
static void
CheckSharedColumn(const Network *network, const NetworkNode *a, const SourceColumn *column_a, const NetworkNode *b,
				  const SourceColumn *column_b)
{
	const NetworkNode *common;

	if (column_a->width != column_b->width)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("nodes \"%s\" and \"%s\" observe \"%s\" and \"%s\"", a->name, b->name,
						SourceColumnText(column_a), SourceColumnText(column_b)),
				 errdetail("A column has as many elements in each row.")));
	common = CommonAncestor(network, a, b);
	if (common != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_COLUMN),
				 errmsg("column \"%s\" cannot be observed by both \"%s\" and \"%s\"", column_a->name, a->name, b->name),
				 errdetail("Both belong to node \"%s\", for which each value would count twice.", common->name),
				 errhint("Observe the column in one of them.")));
}

void
CheckSharedColumns(const Network *network)
{
	for (int i = 0; i < network->nnodes; i++)
		for (int j = 0; j < i; j++)
		{
			const NetworkNode *a = &network->nodes[j];
			const NetworkNode *b = &network->nodes[i];

			for (int p = 0; p < a->nsource_columns; p++)
				for (int q = 0; q < b->nsource_columns; q++)
					if (strcmp(a->source_columns[p].name, b->source_columns[q].name) == 0)
						CheckSharedColumn(network, a, &a->source_columns[p], b, &b->source_columns[q]);
		}
}

/* Raises an error if a network observes its own results. */
static void
CheckNotObserved(const Network *network, const char *column)
{
	for (int i = 0; i < network->nnodes; i++)
		for (int j = 0; j < network->nodes[i].nsource_columns; j++)
			if (strcmp(network->nodes[i].source_columns[j].name, column) == 0)
				ereport(ERROR,
						(errcode(ERRCODE_INVALID_COLUMN_REFERENCE),
						 errmsg("results column \"%s\" is observed by node \"%s\"",
								column, network->nodes[i].name)));
}

/* Raises an error unless the results column exists, if one is set and the source is known, and takes labels. */
void
CheckResultsColumn(const Network *network)
{
	const char *column = network->settings.results_column;
	Oid			source = NetworkSource(network);
	HeapTuple	tuple;
	Form_pg_attribute form;

	if (column == NULL || !OidIsValid(source))
		return;
	if (RelationKind(get_rel_relkind(source)) != KIND_TABLE)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("results cannot be written to \"%s\"", get_rel_name(source)),
				 errdetail("The source of a network with a results column is a plain or partitioned table.")));
	tuple = UserColumn(source, column, psprintf(_("It is the results column of network \"%s\"."), network->name));
	form = (Form_pg_attribute) GETSTRUCT(tuple);
	if (!IsLabel(form->atttypid))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("results column \"%s\" of relation \"%s\" is of type %s, which takes no labels",
						column, get_rel_name(source), format_type_be(form->atttypid)),
				 errhint("Use a column of type text, varchar, char, smallint, integer or bigint.")));
	if (form->attgenerated != '\0' || form->attidentity != '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_COLUMN_REFERENCE),
				 errmsg("results column \"%s\" of relation \"%s\" is generated", column, get_rel_name(source))));
	ReleaseSysCache(tuple);
	CheckNotObserved(network, column);
	CheckNoUpdateRule(source);
}

/* Raises an error unless the weight column exists, if one is set and the source is known, and holds numbers. */
void
CheckWeightColumn(const Network *network)
{
	const char *column = network->settings.weight_column;
	Oid			source = NetworkSource(network);
	HeapTuple	tuple;
	Oid			type;

	if (column == NULL || !OidIsValid(source))
		return;
	tuple = UserColumn(source, column, psprintf(_("It is the weight column of network \"%s\"."), network->name));
	type = ((Form_pg_attribute) GETSTRUCT(tuple))->atttypid;
	ReleaseSysCache(tuple);
	if (!IsNumber(type))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("weight column \"%s\" of relation \"%s\" is of type %s, which is no number", column,
						get_rel_name(source), format_type_be(type))));
	if (network->settings.results_column != NULL && strcmp(column, network->settings.results_column) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_COLUMN_REFERENCE),
				 errmsg("weight column \"%s\" is the results column of network \"%s\"", column, network->name)));
}
