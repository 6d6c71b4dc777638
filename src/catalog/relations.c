/*
 * relations.c
 *		Opens and scans bnai's own tables without SQL.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "catalog/relations.h"
#include "catalog/version.h"

/* Returns the OID of the schema that bnai is installed in, whatever version it is there in. */
Oid
UncheckedExtensionNamespace(void)
{
	Relation	relation = table_open(ExtensionRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	Oid			namespace = InvalidOid;

	ScanKeyInit(&key, Anum_pg_extension_extname, BTEqualStrategyNumber, F_NAMEEQ, CStringGetDatum("bnai"));
	scan = systable_beginscan(relation, ExtensionNameIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
		namespace = ((Form_pg_extension) GETSTRUCT(tuple))->extnamespace;
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	if (!OidIsValid(namespace))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("extension \"bnai\" is not installed in this database"),
				 errhint("Use CREATE EXTENSION bnai.")));
	return namespace;
}

/* Returns the same where what it holds is this library's; all that reaches bnai's tables comes by here. */
Oid
ExtensionNamespace(void)
{
	CheckCatalogVersion();
	return UncheckedExtensionNamespace();
}

/* Returns the name of that schema, quoted. */
const char *
ExtensionSchema(void)
{
	return quote_identifier(get_namespace_name(ExtensionNamespace()));
}

/* Returns the OID of a relation of bnai's. */
Oid
CatalogRelation(const char *table)
{
	Oid			relation = get_relname_relid(table, ExtensionNamespace());

	if (!OidIsValid(relation))
		elog(ERROR, "relation \"%s\" of extension bnai does not exist", table);
	return relation;
}

/* Returns the OID of a type of bnai's. */
Oid
ExtensionType(const char *type)
{
	Oid			oid = GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid, CStringGetDatum(type),
									  ObjectIdGetDatum(ExtensionNamespace()));

	if (!OidIsValid(oid))
		elog(ERROR, "type \"%s\" of extension bnai does not exist", type);
	return oid;
}

/* Returns the function that compares values of a type of our indexed columns. */
static RegProcedure
EqualityFunction(Oid type)
{
	switch (type)
	{
		case INT4OID:
			return F_INT4EQ;
		case INT8OID:
			return F_INT8EQ;
		case TEXTOID:
			return F_TEXTEQ;
		default:
			elog(ERROR, "unexpected type %u of an indexed column", type);
	}
}

/* Begins a scan; the key's collation must be the index's, for a text is searched for in its order. */
CatalogScan
BeginCatalogScan(const char *table, const char *index, AttrNumber attribute, Datum value)
{
	CatalogScan scan;
	ScanKeyData key;
	Form_pg_attribute column;

	scan.relation = table_open(CatalogRelation(table), AccessShareLock);
	/* once more: an update may have had the table while we waited for it */
	CheckCatalogVersion();
	column = TupleDescAttr(RelationGetDescr(scan.relation), attribute - 1);
	ScanKeyEntryInitialize(&key, 0, attribute, BTEqualStrategyNumber, InvalidOid,
						   column->attcollation, EqualityFunction(column->atttypid), value);
	scan.scan = systable_beginscan(scan.relation, CatalogRelation(index), true, GetActiveSnapshot(), 1, &key);
	return scan;
}

/* Begins a scan of all rows, in no order. */
CatalogScan
BeginCatalogScanOfAll(const char *table)
{
	CatalogScan scan;

	scan.relation = table_open(CatalogRelation(table), AccessShareLock);
	scan.scan = systable_beginscan(scan.relation, InvalidOid, false, GetActiveSnapshot(), 0, NULL);
	return scan;
}

/* Returns the next row, valid until the next call, or NULL. */
HeapTuple
NextCatalogTuple(CatalogScan *scan)
{
	return systable_getnext(scan->scan);
}

/* Ends a scan. */
void
EndCatalogScan(CatalogScan *scan)
{
	systable_endscan(scan->scan);
	table_close(scan->relation, AccessShareLock);
}

/* Returns one column of a row. */
Datum
CatalogValue(const CatalogScan *scan, HeapTuple tuple, AttrNumber attribute, bool *isnull)
{
	return heap_getattr(tuple, attribute, RelationGetDescr(scan->relation), isnull);
}
