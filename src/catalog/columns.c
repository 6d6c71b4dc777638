/*
 * columns.c
 *		What tables and columns a network can read, and write its labels to.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "catalog/build.h"
#include "catalog/network.h"
#include "catalog/observed.h"

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
				 errmsg("column \"%s\" of relation \"%s\" does not exist", column, get_rel_name(relation)),
				 errdetail_internal("%s", use)));
	if (((Form_pg_attribute) GETSTRUCT(tuple))->attnum <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_COLUMN_REFERENCE),
				 errmsg("system column \"%s\" cannot be used by a network", column),
				 errdetail_internal("%s", use)));
	return tuple;
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
						   "arrays of them, and types with a cast to double precision[] or real[].")));
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

/* Raises an error unless two nodes observe a column alike. */
static void
CheckSameWidth(const NetworkNode *a, const NetworkNode *b)
{
	for (int i = 0; i < a->nsource_columns; i++)
		for (int j = 0; j < b->nsource_columns; j++)
			if (strcmp(a->source_columns[i].name, b->source_columns[j].name) == 0 &&
				a->source_columns[i].width != b->source_columns[j].width)
				ereport(ERROR,
						(errcode(ERRCODE_DATATYPE_MISMATCH),
						 errmsg("nodes \"%s\" and \"%s\" observe \"%s\" and \"%s\"", a->name, b->name,
								SourceColumnText(&a->source_columns[i]), SourceColumnText(&b->source_columns[j])),
						 errdetail("A column has as many elements in each row.")));
}

void
CheckWidths(const Network *network)
{
	for (int i = 0; i < network->nnodes; i++)
		for (int j = 0; j < i; j++)
			CheckSameWidth(&network->nodes[j], &network->nodes[i]);
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
