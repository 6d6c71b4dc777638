/*
 * owner.c
 *		Inferring as the network's owner when nobody in particular asked for it.
 *
 * The UPDATE of the results column runs triggers that the table's owner wrote.
 * A superuser's network is therefore inferred as the table's owner.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "commands/trigger.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "utils/acl.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "automation/owner.h"

/* Returns the owner of a relation; InvalidOid if it does not exist. */
static Oid
RelationOwner(Oid relation)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
	Oid			owner = InvalidOid;

	if (HeapTupleIsValid(tuple))
	{
		owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
		ReleaseSysCache(tuple);
	}
	return owner;
}

/* Returns who infers a network. */
static Oid
InferringRole(const Network *network)
{
	Oid			source_owner = RelationOwner(NetworkSource(network));

	if (!OidIsValid(network->owner))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("role \"%s\", which owns network \"%s\", does not exist", network->owner_name, network->name)));
	return superuser_arg(network->owner) && OidIsValid(source_owner) ? source_owner : network->owner;
}

/* Fires what is deferred: within a security-restricted operation nothing can be. */
static void
SetConstraintsImmediate(void)
{
	ConstraintsSetStmt *statement = makeNode(ConstraintsSetStmt);

	statement->constraints = NIL;
	statement->deferred = false;
	AfterTriggerSetState(statement);
}

/* Becomes who infers the network. */
OwnerAccess
BeginAsOwner(const Network *network)
{
	OwnerAccess access;
	Oid			role = InferringRole(network);

	SetConstraintsImmediate();
	GetUserIdAndSecContext(&access.user, &access.security_context);
	SetUserIdAndSecContext(role, access.security_context | SECURITY_RESTRICTED_OPERATION);
	access.guc_level = NewGUCNestLevel();
	(void) set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE,
							 true, 0, false);
	return access;
}

/* Becomes who one was before. */
void
EndAsOwner(OwnerAccess access)
{
	AtEOXact_GUC(false, access.guc_level);
	SetUserIdAndSecContext(access.user, access.security_context);
}

/* Raises an error unless the network's owner could do what the owner of a table can. */
void
CheckOwnerCanActFor(const Network *network, Oid table)
{
	Oid			owner = RelationOwner(table);

	if (!OidIsValid(owner) || (OidIsValid(network->owner) && has_privs_of_role(network->owner, owner)))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("network \"%s\" cannot be inferred in the background because of table \"%s\"",
					network->name, get_rel_name(table)),
			 errdetail("Role \"%s\", which owns the network, has not the rights of the table's owner.",
					   network->owner_name),
			 errhint("Make it a member of that role, or set threshold_action to \"recalculate\" or \"none\".")));
}
