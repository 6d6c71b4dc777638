/*
 * owner.c
 *		Inferring for the network's owner when nobody asked for it.
 *
 * Tables are read and written as their owners (inference/roles.c).  Here is
 * what is around that: whoever's session it is, his settings reach neither the
 * model nor the code of others, and his transaction stays as it is.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/pg_class.h"
#include "catalog/pg_db_role_setting.h"
#include "catalog/pg_inherits.h"
#include "commands/trigger.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/rel.h"

#include "automation/owner.h"
#include "catalog/privileges.h"
#include "inference/roles.h"

/* Settings that are the database's where it has them, and else the session's default */
static const char *const DatabaseSettings[] = {"TimeZone", "DateStyle", "IntervalStyle"};

/* Settings that have one value */
static const char *const FixedSettings[][2] = {
	{"row_security", "on"},
	{"debug_print_parse", "off"},
	{"debug_print_rewritten", "off"},
	{"debug_print_plan", "off"},
};

/* Sets a setting until the GUC nest level ends. */
static void
SetSetting(const char *name, const char *value)
{
	(void) set_config_option(name, value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
}

/* Returns the value that a list "name=value" gives a setting; NULL: none. */
static char *
SettingIn(ArrayType *list, const char *name)
{
	Datum	   *items;
	bool	   *nulls;
	int			n;
	Size		length = strlen(name);
	char	   *value = NULL;

	deconstruct_array(list, TEXTOID, -1, false, TYPALIGN_INT, &items, &nulls, &n);
	for (int i = 0; i < n; i++)
	{
		char	   *item = nulls[i] ? "" : TextDatumGetCString(items[i]);

		if (pg_strncasecmp(item, name, length) == 0 && item[length] == '=')
			value = item + length + 1;
	}
	return value;
}

/* Returns what ALTER DATABASE … SET has said, for all roles; NULL: nothing. */
static ArrayType *
SettingsOfDatabase(void)
{
	Relation	relation = table_open(DbRoleSettingRelationId, AccessShareLock);
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	tuple;
	ArrayType  *settings = NULL;
	bool		isnull = true;

	ScanKeyInit(&keys[0], Anum_pg_db_role_setting_setdatabase, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(MyDatabaseId));
	ScanKeyInit(&keys[1], Anum_pg_db_role_setting_setrole, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(InvalidOid));
	scan = systable_beginscan(relation, DbRoleSettingDatidRolidIndexId, true, NULL, 2, keys);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
	{
		Datum		value = heap_getattr(tuple, Anum_pg_db_role_setting_setconfig, RelationGetDescr(relation), &isnull);

		settings = isnull ? NULL : DatumGetArrayTypePCopy(value);
	}
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	return settings;
}

/* Makes settings independent of who is there. */
static void
SetOwnSettings(void)
{
	ArrayType  *settings = SettingsOfDatabase();

	SetSafeSearchPath();
	for (int i = 0; i < lengthof(FixedSettings); i++)
		SetSetting(FixedSettings[i][0], FixedSettings[i][1]);
	for (int i = 0; i < lengthof(DatabaseSettings); i++)
	{
		const char *value = settings != NULL ? SettingIn(settings, DatabaseSettings[i]) : NULL;

		SetSetting(DatabaseSettings[i], value != NULL ? value : GetConfigOptionResetString(DatabaseSettings[i]));
	}
}

/* Becomes the network's owner. */
OwnerAccess
BeginAsOwner(const Network *network)
{
	OwnerAccess access;

	if (!OidIsValid(network->owner))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("role \"%s\", which owns network \"%s\", does not exist", network->owner_name, network->name)));
	GetUserIdAndSecContext(&access.user, &access.security_context);
	SetUserIdAndSecContext(network->owner, access.security_context | SECURITY_RESTRICTED_OPERATION);
	access.guc_level = NewGUCNestLevel();
	SetOwnSettings();
	return access;
}

/* Becomes who one was before. */
void
EndAsOwner(OwnerAccess access)
{
	AtEOXact_GUC(false, access.guc_level);
	SetUserIdAndSecContext(access.user, access.security_context);
}

/* Has constraints fire at once until the end of the transaction. */
void
FireConstraintsAtOnce(void)
{
	ConstraintsSetStmt *statement = makeNode(ConstraintsSetStmt);

	statement->constraints = NIL;
	statement->deferred = false;
	AfterTriggerSetState(statement);
}

/*
 * Returns true if a table has an enabled constraint trigger that waits for the
 * end of the transaction, or may have events that do.  The server counts the
 * trigger that we are called by among them, so that a constraint that could be
 * put off is taken as one that is.
 */
static bool
Defers(Relation table)
{
	bool		deferrable = false;

	for (int i = 0; table->trigdesc != NULL && i < table->trigdesc->numtriggers; i++)
	{
		const Trigger *trigger = &table->trigdesc->triggers[i];

		if (trigger->tgenabled == TRIGGER_DISABLED)
			continue;
		if (trigger->tginitdeferred)
			return true;
		deferrable |= trigger->tgdeferrable;
	}
	return deferrable && AfterTriggerPendingOnRel(RelationGetRelid(table));
}

/* Returns true if the source or a part of it does. */
bool
HasDeferredConstraints(const Network *network)
{
	bool		deferred = false;
	ListCell   *cell;

	if (!OidIsValid(NetworkSource(network)))
		return false;
	foreach(cell, find_all_inheritors(NetworkSource(network), AccessShareLock, NULL))
	{
		Relation	table = relation_open(lfirst_oid(cell), NoLock);

		deferred |= Defers(table);
		relation_close(table, NoLock);
	}
	return deferred;
}

/* Raises an error unless reading and writing for the owner would be allowed. */
void
CheckMayInferUnasked(const Network *network)
{
	char	   *left_out;

	if (!OidIsValid(network->owner) || !OidIsValid(NetworkSource(network)))
		return;
	(void) ReadingRole(network, network->owner);
	if (network->settings.results_column != NULL)
		(void) FindResultsTargets(network, network->owner, &left_out);
}
