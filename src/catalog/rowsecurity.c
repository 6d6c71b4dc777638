/*
 * rowsecurity.c
 *		Whether row security may keep rows from who reads a source.
 *
 * Tables that a view names are read with the rights of the view's owner, or of
 * its reader where it says so.  Who may not see all rows of such a table is
 * taken not to see all of the view's, whichever of both reads it: a policy may
 * ask for the current user, who is the reader in either case.
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "rewrite/prs2lock.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/rls.h"

#include "catalog/grants.h"
#include "catalog/source.h"

/* A walk through what a source names */
typedef struct Walk
{
	List	   *seen;			/* relations */
	Oid			owner;			/* of the view that names them; InvalidOid: the source itself */
	Oid			found;			/* whose row security is active */
} Walk;

static void LookAtRelation(Oid relation, Walk *walk);

/* Looks at the relations of a query, also of those within it. */
static bool
WalkQuery(Node *node, void *context)
{
	Walk	   *walk = context;

	if (node == NULL)
		return false;
	if (IsA(node, RangeTblEntry))
	{
		const RangeTblEntry *entry = (RangeTblEntry *) node;

		if (entry->rtekind == RTE_RELATION)
			LookAtRelation(entry->relid, walk);
		return OidIsValid(walk->found);
	}
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, WalkQuery, context, QTW_EXAMINE_RTES_BEFORE);
	return expression_tree_walker(node, WalkQuery, context);
}

/* Looks at what a view is made of. */
static void
LookAtView(Relation view, Walk *walk)
{
	Oid			owner = walk->owner;

	walk->owner = view->rd_rel->relowner;
	for (int i = 0; view->rd_rules != NULL && i < view->rd_rules->numLocks; i++)
		if (view->rd_rules->rules[i]->event == CMD_SELECT)
			(void) WalkQuery((Node *) linitial(view->rd_rules->rules[i]->actions), walk);
	walk->owner = owner;
}

/* Looks at a relation, once for each view that names it. */
static void
LookAtRelation(Oid id, Walk *walk)
{
	Relation	relation;

	check_stack_depth();
	if (OidIsValid(walk->found))
		return;
	relation = table_open(id, AccessShareLock);
	if (check_enable_rls(id, GetUserId(), true) == RLS_ENABLED ||
		(OidIsValid(walk->owner) && check_enable_rls(id, walk->owner, true) == RLS_ENABLED))
		walk->found = id;
	else if (relation->rd_rel->relkind == RELKIND_VIEW && !list_member_oid(walk->seen, id))
	{
		walk->seen = lappend_oid(walk->seen, id);
		LookAtView(relation, walk);
	}
	table_close(relation, NoLock);
}

/* Finds a relation whose row security is active. */
char *
RowSecurityBelow(Oid source)
{
	Walk		walk = {NIL};

	if (OidIsValid(source) && get_rel_name(source) != NULL)
		LookAtRelation(source, &walk);
	return OidIsValid(walk.found) ? QualifiedRelationName(walk.found) : NULL;
}
