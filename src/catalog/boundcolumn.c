/*
 * boundcolumn.c
 *		The type bnai_column.
 *
 * A name means another column once the one that had it is dropped or renamed.
 * A bnai_column holds the relation and the number of the column, which a table
 * never gives to another one, and the last name for people and dumps.  Reading
 * a text keeps it as it is, and who may read the column binds it.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_attribute.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "catalog/boundcolumn.h"
#include "catalog/gone.h"
#include "catalog/observed.h"
#include "compat.h"

PG_FUNCTION_INFO_V1(bnai_column_in);
PG_FUNCTION_INFO_V1(bnai_column_out);

/* Builds a value from its parts. */
static BoundColumn *
BuildColumn(Oid relation, AttrNumber attribute, int width, const char *name)
{
	Size		length = strlen(name) + 1;
	BoundColumn *column = palloc0(offsetof(BoundColumn, name) + length);

	SET_VARSIZE(column, offsetof(BoundColumn, name) + length);
	column->relation = relation;
	column->attribute = attribute;
	column->width = width;
	memcpy(column->name, name, length);
	return column;
}

BoundColumn *
MakeBoundColumn(Oid relation, const SourceColumn *column)
{
	return BuildColumn(relation, column->attribute, column->width, column->name);
}

char *
AttributeName(Oid relation, AttrNumber attribute)
{
	HeapTuple	tuple = SearchSysCache2(ATTNUM, ObjectIdGetDatum(relation), Int16GetDatum(attribute));
	char	   *name = NULL;

	if (!HeapTupleIsValid(tuple))
		return NULL;
	if (!((Form_pg_attribute) GETSTRUCT(tuple))->attisdropped)
		name = pstrdup(NameStr(((Form_pg_attribute) GETSTRUCT(tuple))->attname));
	ReleaseSysCache(tuple);
	return name;
}

/* Returns the present name of a bound column; NULL if it is gone. */
static char *
PresentName(const BoundColumn *column)
{
	return SearchSysCacheExists1(RELOID, ObjectIdGetDatum(column->relation)) ?
		AttributeName(column->relation, column->attribute) : NULL;
}

SourceColumn
ReadBoundColumn(const BoundColumn *column, Oid source)
{
	SourceColumn read;
	char	   *name = OidIsValid(source) && column->relation == source ? PresentName(column) : NULL;

	if (!OidIsValid(column->relation))
		return ParseSourceColumn(InvalidOid, NameInText(column->name));
	read = (SourceColumn) {
		.name = name != NULL ? name : pstrdup(column->name),
		.width = column->width,
		.attribute = name != NULL ? column->attribute : InvalidAttrNumber,
		.last_name = pstrdup(column->name)
	};
	return read;
}

BoundColumn *
BindColumn(BoundColumn *column, Oid relation)
{
	SourceColumn found;

	if (OidIsValid(column->relation))
		return column->relation == relation && PresentName(column) != NULL ? column : NULL;
	if (SaysGone(column->name))
		return NULL;
	found = ParseSourceColumn(relation, column->name);
	return found.attribute > 0 ? MakeBoundColumn(relation, &found) : NULL;
}

/* Reads a name, and does not ask what has it. */
Datum
bnai_column_in(PG_FUNCTION_ARGS)
{
	char	   *text = PG_GETARG_CSTRING(0);

	if (text[0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_NAME),
				 errmsg("the name of a column is empty")));
	PG_RETURN_POINTER(BuildColumn(InvalidOid, InvalidAttrNumber, 0, text));
}

/* Returns the present name, not quoted, and the number of elements of an array. */
static char *
ColumnText(const BoundColumn *column)
{
	char	   *name;
	SourceColumn written;

	if (!OidIsValid(column->relation))
		return pstrdup(column->name);
	name = PresentName(column);
	written = (SourceColumn) {.name = name != NULL ? name : pstrdup(column->name), .width = column->width};
	/* of a table that is gone the source says so */
	return name != NULL || !SearchSysCacheExists1(RELOID, ObjectIdGetDatum(column->relation)) ?
		SourceColumnText(&written) : GoneText(SourceColumnText(&written));
}

BoundColumn *
UnboundColumn(const BoundColumn *column)
{
	return BuildColumn(InvalidOid, InvalidAttrNumber, 0, ColumnText(column));
}

/* Writes that. */
Datum
bnai_column_out(PG_FUNCTION_ARGS)
{
	PG_RETURN_CSTRING(ColumnText(DatumGetBoundColumn(PG_GETARG_DATUM(0))));
}
