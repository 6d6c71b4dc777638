/*
 * writable.c
 *		What a table's owner has put between an UPDATE and the rows: rules and
 *		triggers.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_rewrite.h"
#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "rewrite/prs2lock.h"
#include "rewrite/rewriteDefine.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "catalog/relations.h"
#include "catalog/writable.h"

/* Returns the name of a rule. */
static char *
RuleName(Oid rule)
{
	Relation	rules = table_open(RewriteRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	char	   *name = NULL;

	ScanKeyInit(&key, Anum_pg_rewrite_oid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(rule));
	scan = systable_beginscan(rules, RewriteOidIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
		name = pstrdup(NameStr(((Form_pg_rewrite) GETSTRUCT(tuple))->rulename));
	systable_endscan(scan);
	table_close(rules, AccessShareLock);
	return name;
}

/* Raises an error if a rule does something else instead of updating the table. */
void
CheckNoUpdateRule(Oid relation)
{
	Relation	table = table_open(relation, AccessShareLock);

	for (int i = 0; table->rd_rules != NULL && i < table->rd_rules->numLocks; i++)
	{
		const RewriteRule *rule = table->rd_rules->rules[i];

		if (rule->event != CMD_UPDATE || !rule->isInstead || rule->enabled == RULE_DISABLED)
			continue;
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("labels cannot be written to table \"%s\"", get_rel_name(relation)),
				 errdetail("Its rule \"%s\" does something else instead of an UPDATE.", RuleName(rule->ruleId)),
				 errhint("Drop the rule, or leave the network without a results column and use bnai_predict.")));
	}
	table_close(table, NoLock);
}

/* Returns true if a trigger is the one of bnai_label_on_insert, which leaves bnai's own UPDATE alone. */
static bool
IsLabelTrigger(const Trigger *trigger)
{
	const char *name = get_func_name(trigger->tgfoid);

	return name != NULL && strcmp(name, "bnai_label_row") == 0 &&
		get_func_namespace(trigger->tgfoid) == ExtensionNamespace();
}

/* Returns true if a table has a row trigger of its owner's that an UPDATE fires. */
static bool
HasUpdateTrigger(Relation table)
{
	for (int i = 0; table->trigdesc != NULL && i < table->trigdesc->numtriggers; i++)
	{
		const Trigger *trigger = &table->trigdesc->triggers[i];

		if (TRIGGER_FOR_ROW(trigger->tgtype) && TRIGGER_FOR_UPDATE(trigger->tgtype) && !trigger->tgisinternal &&
			trigger->tgenabled != TRIGGER_DISABLED && !IsLabelTrigger(trigger))
			return true;
	}
	return false;
}

/* Returns true if a row trigger of the table, or of a part of it, may change or refuse what an UPDATE writes. */
bool
HasUpdateTriggers(Oid relation)
{
	bool		has = false;
	ListCell   *cell;

	foreach(cell, find_all_inheritors(relation, AccessShareLock, NULL))
	{
		Relation	table = table_open(lfirst_oid(cell), NoLock);

		has |= HasUpdateTrigger(table);
		table_close(table, NoLock);
	}
	return has;
}
