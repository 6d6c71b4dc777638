/*
 * version.c
 *		Compares the number of bnai's tables with the library's.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "commands/extension.h"
#include "storage/lmgr.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "catalog/relations.h"
#include "catalog/version.h"

/* In the place of a number */
#define UNKNOWN 0

/* The table whose number is the library's; InvalidOid: to be compared (again) */
static Oid	fitting_table = InvalidOid;

/* True if TriggersRest has said so */
static bool warned = false;

/* Forgets the answer with the table, which each update script changes last. */
static void
ForgetVersion(Datum arg, Oid relation)
{
	if (relation == InvalidOid || relation == fitting_table)
		fitting_table = InvalidOid;
}

/*
 * Reads the number of a table, with the snapshot that catalogs are read with,
 * which works in parallel workers, too.
 */
static int
ReadCatalogNumber(Oid table, bool nowait)
{
	Relation	relation;
	SysScanDesc scan;
	HeapTuple	tuple;
	bool		isnull = true;
	int			number = UNKNOWN;

	if (nowait && !ConditionalLockRelationOid(table, AccessShareLock))
		return UNKNOWN;
	relation = try_table_open(table, nowait ? NoLock : AccessShareLock);
	if (relation == NULL)
		return UNKNOWN;
	scan = systable_beginscan(relation, InvalidOid, false, NULL, 0, NULL);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
		number = DatumGetInt32(heap_getattr(tuple, 1, RelationGetDescr(relation), &isnull));
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	return isnull ? UNKNOWN : number;
}

/*
 * Returns the number of the tables that there are; remembers it if it is the
 * library's.  UNKNOWN if they are being dropped, or nowait and somebody has
 * the table to himself.
 */
static int
CatalogNumber(bool nowait)
{
	static bool registered = false;
	Oid			table;
	int			number;

	if (!registered)
	{
		CacheRegisterRelcacheCallback(ForgetVersion, (Datum) 0);
		registered = true;
	}
	if (OidIsValid(fitting_table))
		return CATALOG_NUMBER;
	table = get_relname_relid("bnai_catalog_version", UncheckedExtensionNamespace());
	if (!OidIsValid(table))
		return 1;
	number = ReadCatalogNumber(table, nowait);
	if (number == CATALOG_NUMBER)
	{
		fitting_table = table;
		warned = false;
	}
	return number;
}

/* Reports what does not fit. */
static void
ReportMisfit(int level, int number)
{
	if (number < CATALOG_NUMBER)
		ereport(level,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the objects of extension \"bnai\" in this database are older than its library"),
				 errdetail("Their catalog number is %d, the library's is %d.", number, CATALOG_NUMBER),
				 errhint("Run ALTER EXTENSION bnai UPDATE in this database.")));
	else
		ereport(level,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the objects of extension \"bnai\" in this database are newer than the library of this session"),
				 errdetail("Their catalog number is %d, the library's is %d.", number, CATALOG_NUMBER),
				 errhint("Connect again to load the new library; where it is preloaded, restart the server.")));
}

/* Returns true while bnai itself is being created or updated. */
bool
InOwnScript(void)
{
	return creating_extension && CurrentExtensionObject == get_extension_oid("bnai", true);
}

/* Returns true if the tables are this library's. */
bool
CatalogVersionFits(void)
{
	return CatalogNumber(false) == CATALOG_NUMBER;
}

/* Raises an error unless they are. */
void
CheckCatalogVersion(void)
{
	int			number;

	if (InOwnScript())
		return;
	number = CatalogNumber(false);
	if (number != CATALOG_NUMBER)
		ReportMisfit(ERROR, number);
}

/*
 * Returns true if triggers on users' tables are to do nothing; warns once.
 * Nothing is waited for: who drops the extension, and has locked its tables,
 * may be waiting for the user's table.
 */
bool
TriggersRest(void)
{
	int			number;

	if (InOwnScript())
		return true;
	number = CatalogNumber(true);
	if (number == CATALOG_NUMBER)
		return false;
	if (!warned && number != UNKNOWN)
		ReportMisfit(WARNING, number);
	warned |= number != UNKNOWN;
	return true;
}
