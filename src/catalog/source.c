/*
 * source.c
 *		The type bnai_source.
 *
 * A regclass that does not resolve fails the COPY of its whole table, so that
 * one missing table would cost a restore all networks.  A bnai_source holds
 * the OID, which survives renaming, and the last name, which is for people and
 * dumps: who finds another table under it is not served from that one.
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

#include "catalog/gone.h"
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

/* Splits a written name; its schema is NULL if it has none. */
static const char *
SplitName(const char *name, const char **schema)
{
	List	   *parts = StringToQualifiedNameList(name);

	if (list_length(parts) > 2)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("improper name of a source: \"%s\"", name),
				 errdetail("A source is written as table or schema.table.")));
	*schema = list_length(parts) == 2 ? strVal(linitial(parts)) : NULL;
	return strVal(llast(parts));
}

/*
 * Binds a source of which there is only a name to the relation that has it;
 * dumps qualify names.  Rights on the relation are the caller's to ask for.
 */
Source *
BindSource(Source *source)
{
	const char *schema;
	const char *name;
	Oid			namespace;
	Oid			relation;

	if (OidIsValid(source->relation))
		return source;
	if (SaysGone(source->name))
		return NULL;
	name = SplitName(source->name, &schema);
	namespace = schema != NULL ? get_namespace_oid(schema, true) : InvalidOid;
	relation = schema == NULL ? RelnameGetRelid(name) :
		OidIsValid(namespace) ? get_relname_relid(name, namespace) : InvalidOid;
	return OidIsValid(relation) ? MakeSource(relation) : NULL;
}

/* Returns the relation that a source means, by its OID alone. */
Oid
ResolveSource(const Source *source)
{
	return OidIsValid(source->relation) && SearchSysCacheExists1(RELOID, ObjectIdGetDatum(source->relation)) ?
		source->relation : InvalidOid;
}

/* Returns the name to show for a source. */
char *
SourceName(const Source *source)
{
	char	   *name = OidIsValid(source->relation) ? QualifiedRelationName(source->relation) : NULL;

	return name != NULL ? name : OidIsValid(source->relation) ? GoneText(source->name) : pstrdup(source->name);
}

Source *
UnboundSource(const Source *source)
{
	return BuildSource(InvalidOid, SourceName(source));
}

/* Reads a name, and does not ask what has it. */
Datum
bnai_source_in(PG_FUNCTION_ARGS)
{
	char	   *text = PG_GETARG_CSTRING(0);
	const char *schema;

	(void) SplitName(NameInText(text), &schema);
	PG_RETURN_POINTER(BuildSource(InvalidOid, text));
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

/* Casts a source to a regclass; NULL if it is gone or nobody has bound it. */
Datum
bnai_source_to_regclass(PG_FUNCTION_ARGS)
{
	Oid			relation = ResolveSource(DatumGetSource(PG_GETARG_DATUM(0)));

	if (!OidIsValid(relation))
		PG_RETURN_NULL();
	PG_RETURN_OID(relation);
}
