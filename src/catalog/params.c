/*
 * params.c
 *		Parses the parameters of a node by recursive descent.
 */
#include "postgres.h"

#include <errno.h>
#include <math.h>

#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "catalog/params.h"
#include "compat.h"

/* As many numbers as the values of each(…) may have together */
#define MAX_NUMBERS ((Size) (MaxAllocSize / sizeof(double)))

typedef struct Parser
{
	const char *text;
	const char *at;				/* next byte to read */
} Parser;

static void ParseItem(Parser *parser, ParamItem *item);

static const char *const MomentNames[] = {
	[DATA_MEAN] = "data_mean",
	[DATA_VARIANCE] = "data_variance",
	[DATA_PRECISION] = "data_precision",
	[DATA_COVARIANCE] = "data_covariance",
	[DATA_INVERSE_COVARIANCE] = "data_inverse_covariance",
};

/* Returns the name of a moment of the data as it is written. */
const char *
DataMomentName(DataMoment moment)
{
	return MomentNames[moment];
}

/* Returns the position of a byte, counted in characters from one. */
int
CharacterPosition(const char *text, int location)
{
	return pg_mbstrlen_with_len(text, location) + 1;
}

/* Adds the text of the parameters, and the position in it, to an error. */
int
ErrorAt(const char *text, int location)
{
	internalerrquery(text);
	internalerrposition(CharacterPosition(text, location));
	return 0;
}

/* Raises a syntax error: what was expected at a place. */
pg_noreturn static void
ExpectedAt(Parser *parser, const char *expected, const char *where)
{
	int			location = where - parser->text;
	int			position = CharacterPosition(parser->text, location);

	ereport(ERROR,
			(errcode(ERRCODE_SYNTAX_ERROR),
			 *where == '\0' ?
			 errmsg("syntax error at the end of the parameters: expected %s", expected) :
			 errmsg("syntax error in the parameters at character %d: expected %s", position, expected),
			 ErrorAt(parser->text, location)));
}

/* Raises an error about a value at a place. */
pg_noreturn static void
InvalidAt(Parser *parser, const char *where, const char *message)
{
	int			location = where - parser->text;

	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid parameters at character %d: %s", CharacterPosition(parser->text, location), message),
			 ErrorAt(parser->text, location)));
}

/* Skips blanks. */
static void
SkipSpace(Parser *parser)
{
	while (*parser->at == ' ' || (*parser->at >= '\t' && *parser->at <= '\r'))
		parser->at++;
}

/* Reads a character if it is the next one. */
static bool
Accept(Parser *parser, char c)
{
	SkipSpace(parser);
	if (*parser->at != c)
		return false;
	parser->at++;
	return true;
}

/* Reads a character that must be the next one. */
static void
Expect(Parser *parser, char c, const char *expected)
{
	if (!Accept(parser, c))
		ExpectedAt(parser, expected, parser->at);
}

/* Returns true for what a plain name can begin with. */
static bool
StartsName(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || IS_HIGHBIT_SET(c);
}

/* Returns true for what a plain name can have inside. */
static bool
ContinuesName(char c)
{
	return StartsName(c) || (c >= '0' && c <= '9');
}

/* Returns true for a digit, whatever the locale. */
static bool
IsDigit(char c)
{
	return c >= '0' && c <= '9';
}

/* Returns true if a number must follow. */
static bool
StartsNumber(Parser *parser)
{
	SkipSpace(parser);
	return *parser->at == '-' || *parser->at == '+' || *parser->at == '.' || IsDigit(*parser->at);
}

/* Returns the end of a number's digits, point and exponent, or NULL if there is no number. */
static const char *
NumberEnd(const char *at)
{
	int			digits = 0;
	const char *exponent;

	if (*at == '-' || *at == '+')
		at++;
	for (; IsDigit(*at); at++)
		digits++;
	if (*at == '.')
		for (at++; IsDigit(*at); at++)
			digits++;
	if (digits == 0)
		return NULL;
	if (*at != 'e' && *at != 'E')
		return at;
	exponent = at + 1;
	if (*exponent == '-' || *exponent == '+')
		exponent++;
	if (!IsDigit(*exponent))
		return at;
	while (IsDigit(*exponent))
		exponent++;
	return exponent;
}

/* Reads a number: decimal only, for strtod alone would take inf, nan and hexadecimal, too. */
static double
ParseNumber(Parser *parser)
{
	const char *start;
	const char *end;
	char	   *stop;
	double		value;

	SkipSpace(parser);
	start = parser->at;
	end = NumberEnd(start);
	if (end == NULL)
		ExpectedAt(parser, "a number", start);
	if (ContinuesName(*end))
		ExpectedAt(parser, "the end of a number", end);
	errno = 0;
	value = strtod(start, &stop);
	if (errno == ERANGE && (value == 0.0 || isinf(value)))
		InvalidAt(parser, start, "the number is out of range for type double precision");
	parser->at = end;
	return value;
}

/* Reads an integer from 1 to a limit: a size. */
static int
ParseSize(Parser *parser, int limit)
{
	const char *start;
	int64		size = 0;

	SkipSpace(parser);
	start = parser->at;
	if (!IsDigit(*start))
		ExpectedAt(parser, "a positive integer", start);
	for (; IsDigit(*parser->at); parser->at++)
		size = Min(size * 10 + (*parser->at - '0'), PG_INT32_MAX);
	if (ContinuesName(*parser->at) || *parser->at == '.')
		ExpectedAt(parser, "the end of an integer", parser->at);
	if (size < 1 || size > limit)
		InvalidAt(parser, start, psprintf("the size must be from 1 to %d", limit));
	return (int) size;
}

/* Reads a name: plain or in double quotes. */
static char *
ParseName(Parser *parser, bool *quoted)
{
	StringInfoData name;
	const char *start = parser->at;

	initStringInfo(&name);
	*quoted = (*start == '"');
	if (!*quoted)
	{
		while (ContinuesName(*parser->at))
			appendStringInfoChar(&name, *parser->at++);
		return name.data;
	}
	for (parser->at++; *parser->at != '"' || parser->at[1] == '"'; parser->at++)
	{
		if (*parser->at == '\0')
			InvalidAt(parser, start, "the quoted name has no end");
		if (*parser->at == '"')
			parser->at++;
		appendStringInfoChar(&name, *parser->at);
	}
	parser->at++;
	if (name.len == 0)
		InvalidAt(parser, start, "the quoted name is empty");
	return name.data;
}

/* Reads [1, 2, 3], one row of a list; the bracket is still to be read. */
static int
ParseRow(Parser *parser, double **values)
{
	int			capacity = 16;
	int			n = 0;

	*values = palloc(sizeof(double) * capacity);
	Expect(parser, '[', "\"[\"");
	do
	{
		if (n == MAX_VECTOR_DIM)
			InvalidAt(parser, parser->at, psprintf("a list has at most %d numbers", MAX_VECTOR_DIM));
		if (n == capacity)
			*values = repalloc(*values, sizeof(double) * (capacity *= 2));
		(*values)[n++] = ParseNumber(parser);
	} while (Accept(parser, ','));
	Expect(parser, ']', "\",\" or \"]\"");
	return n;
}

/* Reads the rows of a matrix; the outer bracket has been read. */
static void
ParseRows(Parser *parser, ParamItem *item, const char *start)
{
	int			rows = 0;

	do
	{
		double	   *row;
		int			n = ParseRow(parser, &row);

		if (rows == 0)
		{
			if (n > MAX_MATRIX_DIM)
				InvalidAt(parser, start, psprintf("a matrix has at most %d rows and columns", MAX_MATRIX_DIM));
			item->dim = n;
			item->values = palloc(sizeof(double) * n * n);
		}
		if (n != item->dim || rows == item->dim)
			InvalidAt(parser, start, "a matrix must have as many rows as columns, all of one length");
		memcpy(item->values + rows++ * n, row, sizeof(double) * n);
		pfree(row);
	} while (Accept(parser, ','));
	if (rows != item->dim)
		InvalidAt(parser, start, "a matrix must have as many rows as columns, all of one length");
	Expect(parser, ']', "\",\" or \"]\"");
}

/* Reads a vector or a matrix in brackets. */
static void
ParseList(Parser *parser, ParamItem *item)
{
	const char *start = parser->at;

	parser->at++;
	SkipSpace(parser);
	if (*parser->at == '[')
	{
		item->shape = SHAPE_MATRIX;
		ParseRows(parser, item, start);
		return;
	}
	parser->at = start;
	item->shape = SHAPE_VECTOR;
	item->dim = ParseRow(parser, &item->values);
}

/* Reads the arguments of full, zeros, ones or eye; the name and its parenthesis have been read. */
static void
ParseFunction(Parser *parser, ParamItem *item, const char *name, const char *start)
{
	bool		matrix = strcmp(name, "eye") == 0;
	double		fill = strcmp(name, "zeros") == 0 ? 0.0 : 1.0;
	bool		full = strcmp(name, "full") == 0;

	if (!matrix && !full && strcmp(name, "zeros") != 0 && strcmp(name, "ones") != 0)
		ExpectedAt(parser, "one of the functions full, zeros, ones, eye, each", start);
	item->dim = ParseSize(parser, matrix ? MAX_MATRIX_DIM : MAX_VECTOR_DIM);
	if (full)
	{
		Expect(parser, ',', "\",\"");
		fill = ParseNumber(parser);
	}
	Expect(parser, ')', "\")\"");
	item->shape = matrix ? SHAPE_MATRIX : SHAPE_VECTOR;
	item->values = palloc0(sizeof(double) * ShapeSize(item->shape, item->dim));
	if (matrix)
		for (int i = 0; i < item->dim; i++)
			item->values[i * item->dim + i] = 1.0;
	else
		for (int i = 0; i < item->dim; i++)
			item->values[i] = fill;
}

/* Raises an error unless a value can be the next one of each(…). */
static void
CheckEach(Parser *parser, const ParamItem *item, const ParamItem *value)
{
	const char *start = parser->text + value->location;

	if (value->kind != ITEM_VALUE || value->plates > 0)
		InvalidAt(parser, start, "each takes numbers, lists and functions of numbers");
	if (item->plates > 0 && (value->shape != item->shape || value->dim != item->dim))
		InvalidAt(parser, start, "the values of each must have one shape and dimension");
	if (item->plates == MAX_VECTOR_DIM)
		InvalidAt(parser, start, psprintf("each has at most %d values", MAX_VECTOR_DIM));
	if ((Size) (item->plates + 1) * ShapeSize(value->shape, value->dim) > MAX_NUMBERS)
		InvalidAt(parser, start, "there are too many numbers");
}

/* Reads the values of each, one for each plate; the name and its parenthesis have been read. */
static void
ParseEach(Parser *parser, ParamItem *item)
{
	Size		capacity = 0;

	check_stack_depth();
	do
	{
		ParamItem	value = {0};
		Size		size;

		ParseItem(parser, &value);
		CheckEach(parser, item, &value);
		size = ShapeSize(value.shape, value.dim);
		if (item->plates == 0)
			item->values = palloc(sizeof(double) * (capacity = 4 * size));
		else if ((item->plates + 1) * size > capacity)
			item->values = repalloc(item->values, sizeof(double) * (capacity = Min(2 * capacity, MAX_NUMBERS)));
		item->shape = value.shape;
		item->dim = value.dim;
		memcpy(item->values + item->plates++ * size, value.values, sizeof(double) * size);
		pfree(value.values);
	} while (Accept(parser, ','));
	Expect(parser, ')', "\",\" or \")\"");
}

/* Returns true and the moment if the name is that of a moment of the data. */
static bool
FindDataMoment(const char *name, DataMoment *moment)
{
	for (int i = 0; i < lengthof(MomentNames); i++)
		if (strcmp(MomentNames[i], name) == 0)
		{
			*moment = (DataMoment) i;
			return true;
		}
	return false;
}

/* Reads what begins with a name: a function, a moment of the data or a node; "plates" is left to the caller. */
static void
ParseNamed(Parser *parser, ParamItem *item)
{
	const char *start = parser->at;
	bool		quoted;
	char	   *name = ParseName(parser, &quoted);

	item->kind = ITEM_NAME;
	item->name = name;
	if (quoted)
		return;
	if (FindDataMoment(name, &item->moment))
	{
		item->kind = ITEM_MOMENT;
		item->factor = 1.0;
	}
	else if (Accept(parser, '('))
	{
		item->kind = ITEM_VALUE;
		if (strcmp(name, "each") == 0)
			ParseEach(parser, item);
		else
			ParseFunction(parser, item, name, start);
	}
}

/* Multiplies a value by a number; values must stay finite. */
static void
ScaleItem(Parser *parser, ParamItem *item, double factor)
{
	Size		size;

	if (item->kind == ITEM_NAME)
		InvalidAt(parser, parser->text + item->location, "a number can be multiplied by a value, not by a node");
	if (item->kind == ITEM_MOMENT)
	{
		item->factor = factor;
		return;
	}
	size = (Size) ShapeSize(item->shape, item->dim) * Max(item->plates, 1);
	for (Size i = 0; i < size; i++)
	{
		item->values[i] *= factor;
		if (isinf(item->values[i]))
			InvalidAt(parser, parser->text + item->location, "the product is out of range for type double precision");
	}
}

/* Reads a list or what begins with a name. */
static void
ParseOperand(Parser *parser, ParamItem *item)
{
	SkipSpace(parser);
	item->location = parser->at - parser->text;
	item->kind = ITEM_VALUE;
	if (*parser->at == '[')
		ParseList(parser, item);
	else if (*parser->at == '"' || StartsName(*parser->at))
		ParseNamed(parser, item);
	else
		ExpectedAt(parser, "a number, a list, a function or the name of a node", parser->at);
}

/* Reads one item that is not "plates". */
static void
ParseItem(Parser *parser, ParamItem *item)
{
	int			location;
	double		number;

	if (!StartsNumber(parser))
	{
		ParseOperand(parser, item);
		return;
	}
	location = parser->at - parser->text;
	number = ParseNumber(parser);
	if (Accept(parser, '*'))
	{
		ParseOperand(parser, item);
		ScaleItem(parser, item, number);
	}
	else
	{
		item->kind = ITEM_VALUE;
		item->shape = SHAPE_SCALAR;
		item->dim = 1;
		item->values = palloc(sizeof(double));
		item->values[0] = number;
	}
	item->location = location;
}

/* Reads plates=K if that is what follows. */
static bool
ParsePlates(Parser *parser, ParsedParams *params)
{
	const char *start;
	size_t		length = strlen("plates");

	SkipSpace(parser);
	start = parser->at;
	if (strncmp(start, "plates", length) != 0 || ContinuesName(start[length]))
		return false;
	parser->at += length;
	if (!Accept(parser, '='))
	{
		parser->at = start;
		return false;
	}
	if (params->plates != 0)
		InvalidAt(parser, start, "plates is given twice");
	params->plates_location = start - parser->text;
	params->plates = ParseSize(parser, MAX_VECTOR_DIM);
	return true;
}

/* Parses the parameters of a node. */
ParsedParams *
ParseParams(const char *text)
{
	Parser		parser = {text, text};
	ParsedParams *params = palloc0(sizeof(ParsedParams));

	SkipSpace(&parser);
	if (*parser.at == '\0')
		return params;
	do
	{
		if (ParsePlates(&parser, params))
			continue;
		if (params->nitems == MAX_ITEMS)
			InvalidAt(&parser, parser.at, "too many parameters");
		ParseItem(&parser, &params->items[params->nitems++]);
	} while (Accept(&parser, ','));
	if (*parser.at != '\0')
		ExpectedAt(&parser, "\",\" or the end", parser.at);
	return params;
}

/* Writes a name as ParseParams reads it. */
char *
QuoteNodeName(const char *name)
{
	StringInfoData quoted;
	const char *at = name;
	DataMoment	moment;

	if (StartsName(*at))
		while (ContinuesName(*at))
			at++;
	if (*at == '\0' && *name != '\0' && !FindDataMoment(name, &moment))
		return pstrdup(name);
	initStringInfo(&quoted);
	appendStringInfoChar(&quoted, '"');
	for (at = name; *at != '\0'; at++)
	{
		if (*at == '"')
			appendStringInfoChar(&quoted, '"');
		appendStringInfoChar(&quoted, *at);
	}
	appendStringInfoChar(&quoted, '"');
	return quoted.data;
}
