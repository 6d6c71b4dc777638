/*
 * roles.c
 *		In whose name an inference reads and writes.
 *
 * Triggers, policies and the functions of a view are the code of who owns the
 * relation, and run as the current user.  Where nobody asked for an inference,
 * each relation is therefore read and written as its owner, and only if the
 * network's owner could become him anyway.  The locks are held until the end of
 * the transaction, so that what was looked at stays as it is.
 *
 * Of what a view names, everything is read as the view's owner, at any depth:
 * there the owner of each relation whose reading runs code must be a role that
 * both the network's owner and who reads could become.  A superuser could
 * become anybody, which is no reason to run anybody's code as the superuser.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/transam.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_partitioned_table.h"
#include "catalog/pg_statistic_ext.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "rewrite/prs2lock.h"
#include "rewrite/rowsecurity.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/partcache.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/syscache.h"

#include "catalog/source.h"
#include "compat.h"
#include "inference/roles.h"

/* A walk through what a source names */
typedef struct Walk
{
	const Network *network;
	Oid			decider;
	Oid			reader;
	List	   *seen;			/* relations */
} Walk;

static void CheckRelation(Oid id, Walk *walk);

/* Becomes a role, in a security-restricted operation. */
Acting
ActAs(Oid role)
{
	Acting		acting;

	GetUserIdAndSecContext(&acting.user, &acting.security_context);
	if (OidIsValid(role))
		SetUserIdAndSecContext(role, acting.security_context | SECURITY_RESTRICTED_OPERATION);
	return acting;
}

/* Becomes who one was before. */
void
EndActing(Acting acting)
{
	SetUserIdAndSecContext(acting.user, acting.security_context);
}

/* --- what runs somebody's code --- */

/* Returns true for functions that did not come with the server. */
static bool
IsForeignFunction(Oid function, void *context)
{
	return function >= FirstNormalObjectId;
}

/* Returns true if an expression calls one: the planner evaluates constant parts of it as who plans. */
static bool
CallsForeignFunction(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (check_functions_in_node(node, IsForeignFunction, context))
		return true;
	if (IsA(node, CoerceToDomain) || IsA(node, SubLink))
		return true;
	return expression_tree_walker(node, CallsForeignFunction, context);
}

/* Returns true if the stored text of a list of expressions calls one. */
static bool
TextCallsForeignFunction(Oid catalog_cache, Oid key, AttrNumber attribute)
{
	HeapTuple	tuple = SearchSysCache1(catalog_cache, ObjectIdGetDatum(key));
	bool		isnull = true;
	Datum		value = (Datum) 0;
	bool		calls;

	if (!HeapTupleIsValid(tuple))
		return false;
	value = SysCacheGetAttr(catalog_cache, tuple, attribute, &isnull);
	calls = !isnull && CallsForeignFunction(stringToNode(TextDatumGetCString(value)), NULL);
	ReleaseSysCache(tuple);
	return calls;
}

/* Returns true if an index of a table has an expression that the planner may evaluate. */
static bool
IndexRunsCode(Relation table)
{
	List	   *indexes = RelationGetIndexList(table);
	ListCell   *cell;
	bool		runs = false;

	foreach(cell, indexes)
		runs |= TextCallsForeignFunction(INDEXRELID, lfirst_oid(cell), Anum_pg_index_indexprs) ||
			TextCallsForeignFunction(INDEXRELID, lfirst_oid(cell), Anum_pg_index_indpred);
	list_free(indexes);
	return runs;
}

/* Returns true if statistics of a table have such an expression. */
static bool
StatisticsRunCode(Relation table)
{
	List	   *statistics = RelationGetStatExtList(table);
	ListCell   *cell;
	bool		runs = false;

	foreach(cell, statistics)
		runs |= TextCallsForeignFunction(STATEXTOID, lfirst_oid(cell), Anum_pg_statistic_ext_stxexprs);
	list_free(statistics);
	return runs;
}

/* Returns true if a constraint of a table has one. */
static bool
ConstraintRunsCode(Relation table)
{
	const TupleConstr *constraints = RelationGetDescr(table)->constr;

	for (int i = 0; constraints != NULL && i < constraints->num_check; i++)
		if (CallsForeignFunction(stringToNode(constraints->check[i].ccbin), NULL))
			return true;
	return false;
}

/* Returns true if what a table is divided by has one. */
static bool
PartitionKeyRunsCode(Relation table)
{
	return table->rd_rel->relkind == RELKIND_PARTITIONED_TABLE &&
		TextCallsForeignFunction(PARTRELID, RelationGetRelid(table), Anum_pg_partitioned_table_partexprs);
}

/* Returns true if somebody's code runs where this relation is read, not looking at its parts. */
static bool
RunsCode(Relation relation)
{
	char		kind = relation->rd_rel->relkind;

	if (RelationGetRelid(relation) < FirstNormalObjectId)
		return false;
	if (kind != RELKIND_RELATION && kind != RELKIND_PARTITIONED_TABLE && kind != RELKIND_MATVIEW)
		return true;
	return relation->rd_rel->relrowsecurity || IndexRunsCode(relation) || StatisticsRunCode(relation) ||
		ConstraintRunsCode(relation) || PartitionKeyRunsCode(relation);
}

/* --- who may become whom --- */

/* Returns true if reading a relation of that owner, within what `reader` reads, gives the owner nothing. */
static bool
MayRunCodeOf(Oid owner, Oid decider, Oid reader)
{
	return CanSetRole(decider, owner) &&
		(owner == reader || superuser_arg(owner) || is_member_of_role_nosuper(reader, owner));
}

/* Returns the name of a role, or that it is gone. */
static char *
RoleText(Oid role)
{
	char	   *name = GetUserNameFromId(role, true);

	return name != NULL ? name : psprintf("%u", role);
}

/* Raises the error that a relation keeps a network from being inferred. */
static void
Refuse(const Network *network, Oid decider, Relation relation, const char *what)
{
	char	   *owner = RoleText(relation->rd_rel->relowner);
	char	   *name = QualifiedRelationName(RelationGetRelid(relation));

	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("network \"%s\" cannot be inferred unasked: relation %s belongs to role \"%s\"", network->name, name,
					owner),
			 errdetail("%s runs what its owner decides, whom role \"%s\" cannot become.", what, RoleText(decider)),
			 errhint("The owner of the network must be that role, or be able to SET ROLE to it.")));
}

/* Looks at the relations that an expression or a query names, also of queries within it. */
static bool
CheckNode(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, RangeTblEntry))
	{
		const RangeTblEntry *entry = (RangeTblEntry *) node;

		if (entry->rtekind == RTE_RELATION)
			CheckRelation(entry->relid, context);
		return false;
	}
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, CheckNode, context, QTW_EXAMINE_RTES_BEFORE);
	return expression_tree_walker(node, CheckNode, context);
}

/* Looks at what a view or the policies of a table name. */
static void
CheckBelow(Relation relation, Walk *walk)
{
	ListCell   *cell;

	for (int i = 0; relation->rd_rules != NULL && i < relation->rd_rules->numLocks; i++)
		if (relation->rd_rules->rules[i]->event == CMD_SELECT)
			(void) CheckNode((Node *) relation->rd_rules->rules[i]->actions, walk);
	if (relation->rd_rsdesc == NULL)
		return;
	foreach(cell, relation->rd_rsdesc->policies)
		(void) CheckNode((Node *) ((RowSecurityPolicy *) lfirst(cell))->qual, walk);
}

/* Looks at a relation that is read, and at what it names; its parts are read with its own rights, but planned one by one. */
static void
CheckRelation(Oid id, Walk *walk)
{
	ListCell   *cell;

	check_stack_depth();
	if (list_member_oid(walk->seen, id))
		return;
	foreach(cell, find_all_inheritors(id, AccessShareLock, NULL))
	{
		Relation	relation;

		if (list_member_oid(walk->seen, lfirst_oid(cell)))
			continue;
		walk->seen = lappend_oid(walk->seen, lfirst_oid(cell));
		relation = relation_open(lfirst_oid(cell), NoLock);
		if (RunsCode(relation))
		{
			if (!MayRunCodeOf(relation->rd_rel->relowner, walk->decider, walk->reader))
				Refuse(walk->network, walk->decider, relation, "Reading it");
			CheckBelow(relation, walk);
		}
		relation_close(relation, NoLock);
	}
}

/* Chooses who reads: the owner of the source, or, where nobody's code runs, who decides, if he has SELECT himself. */
Oid
ReadingRole(const Network *network, Oid decider)
{
	Oid			source = NetworkSource(network);
	Walk		walk = {.network = network, .decider = decider};
	Relation	relation;
	Oid			owner;

	if (!OidIsValid(decider) || !OidIsValid(source))
		return InvalidOid;
	relation = relation_open(source, AccessShareLock);
	owner = relation->rd_rel->relowner;
	if (CanSetRole(decider, owner))
		walk.reader = owner;
	else if (RunsCode(relation))
		Refuse(network, decider, relation, "Reading it");
	else
		walk.reader = decider;
	CheckRelation(source, &walk);
	relation_close(relation, NoLock);
	return walk.reader;
}

/* --- writing --- */

/* Makes a target. */
static ResultsTarget *
MakeTarget(Oid relation, Oid role, bool only)
{
	ResultsTarget *target = palloc(sizeof(ResultsTarget));

	*target = (ResultsTarget) {relation, role, psprintf("%s%s", only ? "ONLY " : "", QualifiedRelationName(relation))};
	return target;
}

/* Raises an error if rows would have to move to another part, which only an UPDATE of the whole can do. */
static void
CheckRowsStay(const Network *network, Relation table)
{
	AttrNumber	attribute = get_attnum(RelationGetRelid(table), network->settings.results_column);
	Bitmapset  *results = bms_make_singleton(attribute - FirstLowInvalidHeapAttributeNumber);
	bool		used_in_expression;

	if (table->rd_rel->relkind == RELKIND_PARTITIONED_TABLE && attribute != InvalidAttrNumber &&
		has_partition_attrs(table, results, &used_in_expression))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("results column \"%s\" of network \"%s\" is in the partition key of table \"%s\"",
						network->settings.results_column, network->name, RelationGetRelationName(table)),
				 errdetail("The parts of the table have several owners and are written one by one, so that no row can move.")));
}

/* Adds a part to the targets, or its name to those that are left out. */
static List *
AddPart(List *targets, Oid decider, Relation part, StringInfo left_out)
{
	Oid			owner = part->rd_rel->relowner;

	if (part->rd_rel->relkind == RELKIND_PARTITIONED_TABLE)
		return targets;
	if (CanSetRole(decider, owner))
		return lappend(targets, MakeTarget(RelationGetRelid(part), owner, true));
	appendStringInfo(left_out, "%s%s", left_out->len > 0 ? ", " : "", QualifiedRelationName(RelationGetRelid(part)));
	return targets;
}

/* Makes a target of each part that the decider may write. */
static List *
PartTargets(const Network *network, Oid decider, List *parts, char **left_out)
{
	List	   *targets = NIL;
	StringInfoData names;
	ListCell   *cell;

	initStringInfo(&names);
	foreach(cell, parts)
	{
		Relation	part = relation_open(lfirst_oid(cell), NoLock);

		CheckRowsStay(network, part);
		targets = AddPart(targets, decider, part, &names);
		relation_close(part, NoLock);
	}
	if (names.len > 0)
		*left_out = names.data;
	return targets;
}

/* Returns true if all parts have the owner of the whole. */
static bool
HaveOneOwner(List *parts, Oid *owner)
{
	ListCell   *cell;
	bool		same = true;

	*owner = InvalidOid;
	foreach(cell, parts)
	{
		Relation	part = relation_open(lfirst_oid(cell), NoLock);

		if (!OidIsValid(*owner))
			*owner = part->rd_rel->relowner;
		same &= part->rd_rel->relowner == *owner;
		relation_close(part, NoLock);
	}
	return same;
}

/* Finds what to write, and in whose name; what is written may not change its owner until the end of the transaction. */
List *
FindResultsTargets(const Network *network, Oid decider, char **left_out)
{
	Oid			source = NetworkSource(network);
	List	   *parts;
	List	   *targets;
	Oid			owner;

	*left_out = NULL;
	if (!OidIsValid(decider))
		return list_make1(MakeTarget(source, InvalidOid, false));
	/* the whole comes first */
	parts = find_all_inheritors(source, RowExclusiveLock, NULL);
	if (HaveOneOwner(parts, &owner) && CanSetRole(decider, owner))
		return list_make1(MakeTarget(source, owner, false));
	targets = PartTargets(network, decider, parts, left_out);
	if (targets == NIL)
	{
		Relation	relation = relation_open(source, NoLock);

		Refuse(network, decider, relation, "Writing labels to it");
	}
	return targets;
}
