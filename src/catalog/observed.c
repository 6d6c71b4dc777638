/*
 * observed.c
 *		Columns of a source, and the numbers that a row has in them.
 *
 * The only place that knows how such numbers are called, and how SQL reads them.
 */
#include "postgres.h"

#include <ctype.h>

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "parser/parse_coerce.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "catalog/boundcolumn.h"
#include "catalog/observed.h"
#include "catalog/params.h"
#include "catalog/relations.h"
#include "catalog/source.h"

/* Room for "[4096]" and the end of the string */
#define SUFFIX_BYTES 14

/* --- names --- */

/* Returns the number in brackets that a name ends with, and how long the name is before it; 0 if there is none. */
static int
TrailingNumber(const char *name, int *length)
{
	const char *bracket = strrchr(name, '[');
	char	   *end;
	long		number;

	if (bracket == NULL || bracket == name || !isdigit((unsigned char) bracket[1]) || bracket[1] == '0')
		return 0;
	number = strtol(bracket + 1, &end, 10);
	if (strcmp(end, "]") != 0)
		return 0;
	*length = bracket - name;
	return Min(number, MAX_VECTOR_DIM + 1);
}

SourceColumn
ParseSourceColumn(Oid source, const char *text)
{
	AttrNumber	attribute = get_attnum(source, text);
	int			length;
	int			width = attribute != InvalidAttrNumber ? 0 : TrailingNumber(text, &length);
	char	   *name = width == 0 ? pstrdup(text) : pnstrdup(text, length);

	if (width > MAX_VECTOR_DIM)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("column \"%s\" has too many elements", text),
				 errdetail("An array that is observed has at most %d elements.", MAX_VECTOR_DIM)));
	return (SourceColumn) {name, width, width == 0 ? attribute : get_attnum(source, name)};
}

char *
SourceColumnText(const SourceColumn *column)
{
	return column->width == 0 ? pstrdup(column->name) : psprintf("%s[%d]", column->name, column->width);
}

int
ExpandColumns(int n, const SourceColumn *columns, char ***names)
{
	int			total = 0;
	char	  **name;

	for (int i = 0; i < n; i++)
		total += Max(columns[i].width, 1);
	name = *names = palloc(sizeof(char *) * (total + 1));
	for (int i = 0; i < n; i++)
	{
		Size		length = strlen(columns[i].name) + SUFFIX_BYTES;
		char	   *room = palloc(length * Max(columns[i].width, 1));

		for (int j = 1; j <= Max(columns[i].width, 1); j++, room += length)
		{
			*name++ = room;
			if (columns[i].width == 0)
				strcpy(room, columns[i].name);
			else
				snprintf(room, length, "%s[%d]", columns[i].name, j);
		}
	}
	return total;
}

/* Returns how many names from the first one on are those of an array's elements, and the array's name; 0: the first is not. */
static int
ElementNames(int n, char *const *names, char **array)
{
	int			length;
	int			run = 1;

	if (TrailingNumber(names[0], &length) != 1)
		return 0;
	for (; run < n; run++)
	{
		int			other;

		if (TrailingNumber(names[run], &other) != run + 1 || other != length || strncmp(names[run], names[0], length) != 0)
			break;
	}
	*array = pnstrdup(names[0], length);
	return run;
}

void
AppendNames(StringInfo list, int n, char *const *names)
{
	int			width;

	for (int i = 0; i < n; i += Max(width, 1))
	{
		char	   *array;

		width = ElementNames(n - i, names + i, &array);
		appendStringInfoString(list, i > 0 ? ", " : "");
		if (width > 1)
			appendStringInfo(list, "%s[1] to %s[%d]", quote_identifier(array), quote_identifier(array), width);
		else
			appendStringInfoString(list, quote_identifier(names[i]));
	}
}

/* --- types --- */

bool
IsNumber(Oid type)
{
	switch (getBaseType(type))
	{
		case INT2OID:
		case INT4OID:
		case INT8OID:
		case FLOAT4OID:
		case FLOAT8OID:
		case NUMERICOID:
			return true;
		default:
			return false;
	}
}

/* Returns true if a cast makes one type of another, by a function or because both are stored alike. */
static bool
HasCast(Oid from, Oid to, Oid *function)
{
	CoercionPathType path = find_coercion_pathway(to, from, COERCION_EXPLICIT, function);

	return path == COERCION_PATH_FUNC || path == COERCION_PATH_RELABELTYPE;
}

Oid
ArrayForm(Oid type, Oid *cast)
{
	Oid			base = getBaseType(type);
	Oid			element = get_element_type(base);

	*cast = InvalidOid;
	if (OidIsValid(element))
		return IsNumber(element) ? base : InvalidOid;
	if (IsNumber(base))
		return InvalidOid;
	if (HasCast(base, FLOAT8ARRAYOID, cast))
		return FLOAT8ARRAYOID;
	return HasCast(base, FLOAT4ARRAYOID, cast) ? FLOAT4ARRAYOID : InvalidOid;
}

/* --- SQL --- */

char *
QuotedColumn(Oid relation, AttrNumber attribute, const char *name)
{
	char	   *present = attribute > 0 ? AttributeName(relation, attribute) : NULL;

	if (present == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"%s\" of relation \"%s\" was dropped", name, get_rel_name(relation))));
	return pstrdup(quote_identifier(present));
}

void
AppendSourceColumn(StringInfo sql, Oid relation, const SourceColumn *column)
{
	Oid			type;
	Oid			cast;
	Oid			form;

	appendStringInfoString(sql, QuotedColumn(relation, column->attribute, column->name));
	if (column->width == 0)
	{
		appendStringInfoString(sql, "::pg_catalog.float8");
		return;
	}
	type = get_atttype(relation, column->attribute);
	form = ArrayForm(type, &cast);
	if (OidIsValid(form) && form != getBaseType(type))
		appendStringInfo(sql, "::pg_catalog.%s[]", form == FLOAT8ARRAYOID ? "float8" : "float4");
}

/*
 * bnai_elements is called with exactly the types that it is declared with:
 * nobody who may create functions in bnai's schema can make one that fits better.
 */
void
AppendRow(StringInfo sql, Oid relation, int n, const SourceColumn *columns)
{
	bool		list = false;	/* of single numbers is open */

	for (int i = 0; i < n; i++)
	{
		bool		array = columns[i].width > 0;

		if (list)
			appendStringInfoString(sql, array ? "]" : ", ");
		if (i > 0 && (array || !list))
			appendStringInfoString(sql, " OPERATOR(pg_catalog.||) ");
		appendStringInfoString(sql, array ? "" : list ? "" : "ARRAY[");
		if (array)
			appendStringInfo(sql, "%s.bnai_elements((", ExtensionSchema());
		AppendSourceColumn(sql, relation, &columns[i]);
		if (array)
			appendStringInfo(sql, ")::pg_catalog.float8[], %d::pg_catalog.int4, %s::pg_catalog.text)", columns[i].width,
							 quote_literal_cstr(columns[i].name));
		list = !array;
	}
	if (list)
		appendStringInfoChar(sql, ']');
}

/* --- how many elements an array has --- */

void
CheckElementNames(Oid source, const SourceColumn *column)
{
	char	  **names;
	int			n = column->width == 0 ? 0 : ExpandColumns(1, column, &names);

	for (int i = 0; i < n; i++)
		if (get_attnum(source, names[i]) != InvalidAttrNumber)
			ereport(ERROR,
					(errcode(ERRCODE_AMBIGUOUS_COLUMN),
					 errmsg("array \"%s\" of relation \"%s\" cannot be observed: there is a column \"%s\", too",
							column->name, get_rel_name(source), names[i]),
					 errhint("Use a view that calls one of them otherwise as the source.")));
}

/* Returns the number of elements of the first value of a column that has any; 0 if none has. */
static int
FirstWidth(Oid source, const SourceColumn *column)
{
	StringInfoData sql;
	ArrayType  *array;
	bool		isnull;
	int			width = 0;

	initStringInfo(&sql);
	appendStringInfoString(&sql, "SELECT c.v FROM (SELECT ");
	AppendSourceColumn(&sql, source, column);
	appendStringInfo(&sql, " FROM %s) c (v) WHERE pg_catalog.cardinality(c.v) OPERATOR(pg_catalog.>) 0 LIMIT 1", QualifiedRelationName(source));
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute(sql.data, true, 1) != SPI_OK_SELECT)
		elog(ERROR, "reading the first value of a column failed");
	if (SPI_processed > 0)
	{
		array = DatumGetArrayTypeP(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
		if (ARR_NDIM(array) != 1)
			ereport(ERROR,
					(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
					 errmsg("column \"%s\" of relation \"%s\" holds an array of %d dimensions", column->name,
							get_rel_name(source), ARR_NDIM(array)),
					 errdetail("Arrays that are observed have one dimension.")));
		width = ARR_DIMS(array)[0];
	}
	SPI_finish();
	return width;
}

/* Gives a column its number of elements, if it is an array that is written without one. */
static void
ResolveWidth(Oid source, SourceColumn *column)
{
	AttrNumber	attribute = get_attnum(source, column->name);
	Oid			cast;

	if (column->width > 0 || attribute <= 0 || !OidIsValid(ArrayForm(get_atttype(source, attribute), &cast)))
		return;
	column->width = 1;			/* it is an array */
	column->width = FirstWidth(source, column);
	if (column->width == 0)
		ereport(ERROR,
				(errcode(ERRCODE_NO_DATA_FOUND),
				 errmsg("no row of relation \"%s\" says how many elements column \"%s\" has", get_rel_name(source),
						column->name),
				 errhint("Fill the table first, or write the column with their number, as in \"%s[384]\".", column->name)));
	if (column->width > MAX_VECTOR_DIM)
		(void) ParseSourceColumn(source, SourceColumnText(column));
	CheckElementNames(source, column);
}

int
ResolveColumns(Oid source, int n, char **columns)
{
	int			total = 0;

	for (int i = 0; i < n; i++)
	{
		SourceColumn column = ParseSourceColumn(source, columns[i]);

		ResolveWidth(source, &column);
		columns[i] = SourceColumnText(&column);
		total += Max(column.width, 1);
	}
	return total;
}
