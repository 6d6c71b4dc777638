/*
 * obstacles.c
 *		What would make a label wrong, or an application's statement fail, where
 *		rows are labelled as they arrive.
 *
 * The label is that of the row as it is stored, and no statement fails because
 * of it: where that cannot be promised there is no label.  bnai_label_on_insert
 * refuses what stands in the way then, and the trigger looks again whenever the
 * table has changed.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/sysattr.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_index.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "optimizer/optimizer.h"
#include "storage/lmgr.h"
#include "rewrite/rowsecurity.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/partcache.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "automation/obstacles.h"
#include "automation/watch_triggers.h"
#include "catalog/relations.h"

/* Returns true if an expression, or a list of them, names a column of its only table. */
static bool
Mentions(Node *expression, AttrNumber attribute)
{
	Bitmapset  *attributes = NULL;

	pull_varattnos(expression, 1, &attributes);
	return bms_is_member(attribute - FirstLowInvalidHeapAttributeNumber, attributes);
}

/* Looks at the columns that are observed: those that are computed have no value yet. */
static const char *
GeneratedColumn(Relation relation, const Network *network)
{
	for (int i = 0; i < network->nnodes; i++)
		for (int j = 0; j < network->nodes[i].nsource_columns; j++)
		{
			const char *name = network->nodes[i].source_columns[j].name;
			AttrNumber	attribute = get_attnum(RelationGetRelid(relation), name);

			if (attribute > 0 && TupleDescAttr(RelationGetDescr(relation), attribute - 1)->attgenerated != '\0')
				return psprintf(_("Observed column \"%s\" is generated, after all triggers that fire before a row is stored."), name);
		}
	return NULL;
}

/* Returns true if a trigger of that function only labels, as another network says. */
static bool
OnlyLabels(Oid function)
{
	const char *name = get_func_name(function);

	return name != NULL && strcmp(name, "bnai_label_row") == 0 && get_func_namespace(function) == ExtensionNamespace();
}

/* Looks for triggers that may change the row after it was labelled; they fire in the order of their names. */
static const char *
LaterTrigger(Relation relation, const char *before)
{
	for (int i = 0; relation->trigdesc != NULL && i < relation->trigdesc->numtriggers; i++)
	{
		const Trigger *trigger = &relation->trigdesc->triggers[i];

		if (TRIGGER_FOR_ROW(trigger->tgtype) && TRIGGER_FOR_BEFORE(trigger->tgtype) &&
			(TRIGGER_FOR_INSERT(trigger->tgtype) || TRIGGER_FOR_UPDATE(trigger->tgtype)) &&
			trigger->tgenabled != TRIGGER_DISABLED && strcmp(trigger->tgname, before) > 0 &&
			!OnlyLabels(trigger->tgfoid))
			return psprintf(_("Trigger \"%s\" fires after trigger \"%s\" and may change the row."), trigger->tgname, before);
	}
	return NULL;
}

/* Looks at partition bounds: a trigger cannot move a row to another partition. */
static const char *
Partitioning(Relation relation, AttrNumber results, const char *column)
{
	bool		decides = relation->rd_rel->relispartition && Mentions((Node *) RelationGetPartitionQual(relation), results);

	if (relation->rd_rel->relkind == RELKIND_PARTITIONED_TABLE)
	{
		PartitionKey key = RelationGetPartitionKey(relation);

		for (int i = 0; i < key->partnatts; i++)
			decides |= key->partattrs[i] == results;
		decides |= Mentions((Node *) key->partexprs, results);
	}
	return decides ? psprintf(_("Column \"%s\" decides which partition a row belongs to."), column) : NULL;
}

/* Looks for constraints that a label, or the lack of one, could violate. */
static const char *
ViolableConstraint(Relation relation, AttrNumber results, const char *column)
{
	Form_pg_attribute form = TupleDescAttr(RelationGetDescr(relation), results - 1);
	Relation	constraints;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	const char *found = NULL;

	if (form->attnotnull)
		return psprintf(_("Column \"%s\" is NOT NULL, and a row may have no label."), column);
	if (get_typtype(form->atttypid) == TYPTYPE_DOMAIN && DomainHasConstraints(form->atttypid))
		return psprintf(_("The type of column \"%s\" has constraints that a label may violate."), column);
	constraints = table_open(ConstraintRelationId, AccessShareLock);
	ScanKeyInit(&key, Anum_pg_constraint_conrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(RelationGetRelid(relation)));
	scan = systable_beginscan(constraints, ConstraintRelidTypidNameIndexId, true, NULL, 1, &key);
	while (found == NULL && (tuple = systable_getnext(scan)) != NULL)
	{
		bool		isnull;
		Datum		columns = heap_getattr(tuple, Anum_pg_constraint_conkey, RelationGetDescr(constraints), &isnull);
		ArrayType  *array = isnull ? NULL : DatumGetArrayTypeP(columns);

		for (int i = 0; array != NULL && i < ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array)); i++)
			if (((int16 *) ARR_DATA_PTR(array))[i] == results)
				found = psprintf(_("A label may violate constraint \"%s\" of column \"%s\"."),
								 NameStr(((Form_pg_constraint) GETSTRUCT(tuple))->conname), column);
	}
	systable_endscan(scan);
	table_close(constraints, AccessShareLock);
	return found;
}

/* Looks for a unique index that is no constraint. */
static const char *
UniqueIndex(Relation relation, AttrNumber results, const char *column)
{
	ListCell   *cell;

	foreach(cell, RelationGetIndexList(relation))
	{
		HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(lfirst_oid(cell)));
		bool		unique = false;

		if (!HeapTupleIsValid(tuple))
			continue;
		if (((Form_pg_index) GETSTRUCT(tuple))->indisunique)
			for (int i = 0; i < ((Form_pg_index) GETSTRUCT(tuple))->indnkeyatts; i++)
				unique |= ((Form_pg_index) GETSTRUCT(tuple))->indkey.values[i] == results;
		ReleaseSysCache(tuple);
		if (unique)
			return psprintf(_("Two rows with one label would violate index \"%s\" of column \"%s\"."),
							get_rel_name(lfirst_oid(cell)), column);
	}
	return NULL;
}

/* Looks for policies that say which labels somebody may write. */
static const char *
Policy(Relation relation, AttrNumber results, const char *column)
{
	ListCell   *cell;

	if (relation->rd_rsdesc == NULL)
		return NULL;
	foreach(cell, relation->rd_rsdesc->policies)
	{
		const RowSecurityPolicy *policy = lfirst(cell);

		if (Mentions((Node *) policy->qual, results) || Mentions((Node *) policy->with_check_qual, results))
			return psprintf(_("A label may violate policy \"%s\" of column \"%s\"."), policy->policy_name, column);
	}
	return NULL;
}

const char *
LabelObstacle(Relation relation, const Network *network, const char *before)
{
	const char *column = network->settings.results_column;
	AttrNumber	results = get_attnum(RelationGetRelid(relation), column);
	const char *found;

	if (results <= 0)
		return psprintf(_("There is no column \"%s\"."), column);
	found = GeneratedColumn(relation, network);
	if (found == NULL)
		found = LaterTrigger(relation, before);
	if (found == NULL)
		found = Partitioning(relation, results, column);
	if (found == NULL)
		found = ViolableConstraint(relation, results, column);
	if (found == NULL)
		found = UniqueIndex(relation, results, column);
	if (found == NULL)
		found = Policy(relation, results, column);
	return found;
}

bool
HasLabelObstacle(const Network *network, Oid table)
{
	Relation	relation;
	bool		has;

	if (!ConditionalLockRelationOid(table, AccessShareLock))
		return false;
	relation = try_table_open(table, NoLock);
	if (relation == NULL)
		return false;
	has = LabelObstacle(relation, network, LabelTriggerName(network->id)) != NULL;
	table_close(relation, AccessShareLock);
	return has;
}

/* Raises an error if there is such a thing in the table or a part of it. */
void
CheckLabelObstacles(const Network *network, Oid target)
{
	const char *trigger = LabelTriggerName(network->id);
	ListCell   *cell;

	foreach(cell, find_all_inheritors(target, AccessShareLock, NULL))
	{
		Relation	relation = table_open(lfirst_oid(cell), NoLock);
		const char *obstacle = LabelObstacle(relation, network, trigger);

		if (obstacle != NULL)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("rows of table \"%s\" cannot be labelled as they arrive", RelationGetRelationName(relation)),
					 errdetail_internal("%s", obstacle),
					 errhint("bnai_infer and a threshold still label them; and bnai_predict in a query or a view does at any time.")));
		table_close(relation, NoLock);
	}
}
