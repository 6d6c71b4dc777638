/*
 * source.c
 *		The type bnai_source.
 *
 * A regclass that does not resolve fails the COPY of its whole table, so that
 * one missing table would cost a restore all networks.  A bnai_source holds
 * the OID, which survives renaming, and the name, which is looked up again
 * when the OID says nothing.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "fmgr.h"
#include "nodes/value.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/syscache.h"

#include "catalog/source.h"
#include "compat.h"

PG_FUNCTION_INFO_V1(bnai_source_in);
PG_FUNCTION_INFO_V1(bnai_source_out);
PG_FUNCTION_INFO_V1(bnai_source_from_regclass);
PG_FUNCTION_INFO_V1(bnai_source_to_regclass);

/* Builds a value from its two parts. */
static Source *
BuildSource(Oid relation, const char *name)
{
	Size		length = strlen(name) + 1;
	Source	   *source = palloc0(offsetof(Source, name) + length);

	SET_VARSIZE(source, offsetof(Source, name) + length);
	source->relation = relation;
	memcpy(source->name, name, length);
	return source;
}

/* Returns the qualified and quoted name of a relation, or NULL if it does not exist. */
char *
QualifiedRelationName(Oid relation)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
	Form_pg_class form;
	char	   *schema;
	char	   *name = NULL;

	if (!HeapTupleIsValid(tuple))
		return NULL;
	form = (Form_pg_class) GETSTRUCT(tuple);
	schema = get_namespace_name(form->relnamespace);
	if (schema != NULL)
		name = quote_qualified_identifier(schema, NameStr(form->relname));
	ReleaseSysCache(tuple);
	return name;
}

/* Makes the value for an existing relation. */
Source *
MakeSource(Oid relation)
{
	char	   *name = QualifiedRelationName(relation);

	if (name == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", relation)));
	return BuildSource(relation, name);
}

/*
 * Looks a written name up.  Rights on the schema are not asked for: whoever
 * reads the relation is checked then, and a view over all networks must not
 * fail because of one.
 */
static Oid
LookupRelation(const char *name)
{
	List	   *parts = StringToQualifiedNameList(name);
	const char *relation = strVal(llast(parts));
	Oid			schema;

	if (list_length(parts) == 1)
		return RelnameGetRelid(relation);
	if (list_length(parts) > 2)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("improper name of a source: \"%s\"", name),
				 errdetail("A source is written as table or schema.table.")));
	schema = get_namespace_oid(strVal(linitial(parts)), true);
	return OidIsValid(schema) ? get_relname_relid(relation, schema) : InvalidOid;
}

/* Returns the relation that a source means now. */
Oid
ResolveSource(const Source *source)
{
	if (OidIsValid(source->relation) &&
		SearchSysCacheExists1(RELOID, ObjectIdGetDatum(source->relation)))
		return source->relation;
	return LookupRelation(source->name);
}

/* Returns the name to show for a source. */
char *
SourceName(const Source *source)
{
	Oid			relation = ResolveSource(source);
	char	   *name = OidIsValid(relation) ? QualifiedRelationName(relation) : NULL;

	return name != NULL ? name : pstrdup(source->name);
}

/* Reads a name; one that does not exist is kept as text. */
Datum
bnai_source_in(PG_FUNCTION_ARGS)
{
	char	   *text = PG_GETARG_CSTRING(0);
	Oid			relation = LookupRelation(text);

	PG_RETURN_POINTER(OidIsValid(relation) ? MakeSource(relation) : BuildSource(InvalidOid, text));
}

/* Writes the present name. */
Datum
bnai_source_out(PG_FUNCTION_ARGS)
{
	PG_RETURN_CSTRING(SourceName(DatumGetSource(PG_GETARG_DATUM(0))));
}

/* Casts a regclass to a source. */
Datum
bnai_source_from_regclass(PG_FUNCTION_ARGS)
{
	PG_RETURN_POINTER(MakeSource(PG_GETARG_OID(0)));
}

/* Casts a source to a regclass; NULL if it is gone. */
Datum
bnai_source_to_regclass(PG_FUNCTION_ARGS)
{
	Oid			relation = ResolveSource(DatumGetSource(PG_GETARG_DATUM(0)));

	if (!OidIsValid(relation))
		PG_RETURN_NULL();
	PG_RETURN_OID(relation);
}
