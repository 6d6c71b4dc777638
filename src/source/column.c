/*
 * column.c
 *		From values of a column to numbers.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/float.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"

#include "catalog/params.h"
#include "compat.h"
#include "source/column.h"

PG_FUNCTION_INFO_V1(bnai_elements);

/* Calls the function of a cast, which may take the type modifier, and whether it is an explicit cast; it may return NULL. */
static Datum
Cast(FmgrInfo *cast, Datum value, bool *isnull)
{
	LOCAL_FCINFO(fcinfo, 3);
	Datum		result;

	InitFunctionCallInfoData(*fcinfo, cast, cast->fn_nargs, InvalidOid, NULL, NULL);
	fcinfo->args[0] = (NullableDatum) {value, false};
	fcinfo->args[1] = (NullableDatum) {Int32GetDatum(-1), false};
	fcinfo->args[2] = (NullableDatum) {BoolGetDatum(true), false};
	result = FunctionCallInvoke(fcinfo);
	*isnull = fcinfo->isnull;
	return result;
}

/* Returns a number of any of the types that can be observed; infinity if it is too large. */
static double
NumberOf(Datum value, Oid type)
{
	switch (type)
	{
		case INT2OID:
			return DatumGetInt16(value);
		case INT4OID:
			return DatumGetInt32(value);
		case INT8OID:
			return DatumGetInt64(value);
		case FLOAT4OID:
			return DatumGetFloat4(value);
		case FLOAT8OID:
			return DatumGetFloat8(value);
		case NUMERICOID:
			return DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow, value));
		default:
			return get_float8_nan();
	}
}

/* Writes the elements of an array of another type than double precision and real, or with NULLs. */
static int
ReadAnyElements(const ArrayType *array, double *values, bool *nulls)
{
	Oid			type = getBaseType(ARR_ELEMTYPE(array));
	Datum	   *elements;
	bool	   *missing;
	int16		length;
	bool		by_value;
	char		align;
	int			n;
	int			count = 0;

	get_typlenbyvalalign(type, &length, &by_value, &align);
	deconstruct_array((ArrayType *) array, ARR_ELEMTYPE(array), length, by_value, align, &elements, &missing, &n);
	for (int i = 0; i < n; i++)
	{
		nulls[i] = missing[i];
		values[i] = missing[i] ? get_float8_nan() : NumberOf(elements[i], type);
		count += missing[i];
	}
	pfree(elements);
	pfree(missing);
	return count;
}

int
ReadElements(const ArrayType *array, int width, double *values, bool *nulls)
{
	if (ARR_NDIM(array) != 1 || ARR_DIMS(array)[0] != width)
		return -1;
	if (ARR_HASNULL(array) || (ARR_ELEMTYPE(array) != FLOAT8OID && ARR_ELEMTYPE(array) != FLOAT4OID))
		return ReadAnyElements(array, values, nulls);
	memset(nulls, 0, sizeof(bool) * width);
	if (ARR_ELEMTYPE(array) == FLOAT8OID)
		memcpy(values, ARR_DATA_PTR(array), sizeof(double) * width);
	else
		for (int i = 0; i < width; i++)
			values[i] = ((const float4 *) ARR_DATA_PTR(array))[i];
	return 0;
}

void
ReportElements(const ArrayType *array, int width, const char *column, const char *relation)
{
	int			dimensions = ARR_NDIM(array);
	int			elements = dimensions == 0 ? 0 : ARR_DIMS(array)[0];
	const char *what = dimensions > 1 ? psprintf(_("an array of %d dimensions"), dimensions)
		: psprintf(ngettext("an array of %d element", "an array of %d elements", elements), elements);

	ereport(ERROR,
			(errcode(dimensions > 1 ? ERRCODE_ARRAY_SUBSCRIPT_ERROR : ERRCODE_ARRAY_ELEMENT_ERROR),
			 relation ? errmsg("column \"%s\" of \"%s\" holds %s", column, relation, what)
			 : errmsg("column \"%s\" holds %s", column, what),
			 errdetail("The network observes lists of %d numbers.", width),
			 errhint("Correct the rows, or use a view without them as the source.")));
}

bool
MakeColumnReader(ColumnReader *reader, Oid relation, const SourceColumn *column)
{
	Oid			cast = InvalidOid;
	Oid			type;

	memset(reader, 0, sizeof(ColumnReader));
	reader->column = *column;
	reader->attribute = get_attnum(relation, column->name);
	if (reader->attribute <= 0)
		return false;
	type = get_atttype(relation, reader->attribute);
	reader->type = getBaseType(type);
	if (column->width == 0)
		return IsNumber(type);
	if (!OidIsValid(ArrayForm(type, &cast)))
		return false;
	if (OidIsValid(cast))
		fmgr_info(cast, &reader->cast);
	return true;
}

int
ReadColumn(ColumnReader *reader, Datum value, bool isnull, double *values, bool *nulls)
{
	int			width = Max(reader->column.width, 1);

	if (!isnull && OidIsValid(reader->cast.fn_oid))
		value = Cast(&reader->cast, value, &isnull);
	for (int i = 0; isnull && i < width; i++)
	{
		values[i] = get_float8_nan();
		nulls[i] = true;
	}
	if (isnull)
		return width;
	if (reader->column.width > 0)
		return ReadElements(DatumGetArrayTypeP(value), width, values, nulls);
	values[0] = NumberOf(value, reader->type);
	nulls[0] = false;
	return 0;
}

/* bnai_elements(value, width, name): the elements of a column as double precision, a NULL for each if it is NULL. */
Datum
bnai_elements(PG_FUNCTION_ARGS)
{
	int			width = PG_ARGISNULL(1) ? 0 : PG_GETARG_INT32(1);
	Datum	   *elements;
	double	   *values;
	bool	   *nulls;
	int			lower = 1;

	if (width < 1 || width > MAX_VECTOR_DIM || PG_ARGISNULL(2))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("an observed array has a name, and from 1 to %d elements", MAX_VECTOR_DIM)));
	elements = palloc(sizeof(Datum) * width);
	values = palloc(sizeof(double) * width);
	nulls = palloc(sizeof(bool) * width);
	memset(nulls, true, sizeof(bool) * width);
	if (!PG_ARGISNULL(0))
	{
		ArrayType  *array = PG_GETARG_ARRAYTYPE_P(0);

		if (!IsNumber(ARR_ELEMTYPE(array)))
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("elements of type %s are no numbers", format_type_be(ARR_ELEMTYPE(array)))));
		if (ReadElements(array, width, values, nulls) < 0)
			ReportElements(array, width, text_to_cstring(PG_GETARG_TEXT_PP(2)), NULL);
	}
	for (int i = 0; i < width; i++)
		elements[i] = nulls[i] ? (Datum) 0 : Float8GetDatum(values[i]);
	PG_RETURN_ARRAYTYPE_P(construct_md_array(elements, nulls, 1, &width, &lower, FLOAT8OID, sizeof(float8),
											 FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}
