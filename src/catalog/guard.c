/*
 * guard.c
 *		What somebody other than a superuser may restore into bnai's tables.
 *
 * The owner of a database must be able to dump and restore it, and so may
 * INSERT into the tables.  That must not be a way to let others read, and so
 * run, what they did not choose: a network that is restored by who cannot act
 * as its owner belongs to who restores it, as with pg_restore --no-owner;
 * nodes and runs are accepted for such networks only.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "commands/trigger.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/rel.h"

#include "catalog/build.h"
#include "catalog/privileges.h"
#include "catalog/relations.h"

PG_FUNCTION_INFO_V1(bnai_guard);

/* Gives a restored network an owner that the current user can act as. */
static HeapTuple
GuardNetwork(const TriggerData *trigger)
{
	HeapTuple	tuple = trigger->tg_trigtuple;
	TupleDesc	desc = RelationGetDescr(trigger->tg_relation);
	int			attribute = NETWORK_OWNER;
	bool		isnull;
	Datum		owner = heap_getattr(tuple, NETWORK_OWNER, desc, &isnull);
	Datum		name = heap_getattr(tuple, NETWORK_NAME, desc, &isnull);
	Datum		user;

	if (HasOwnerRights(get_role_oid(NameStr(*DatumGetName(owner)), true)))
		return tuple;
	user = DirectFunctionCall1(namein, CStringGetDatum(GetUserNameFromId(GetUserId(), false)));
	ereport(WARNING,
			(errmsg("network \"%s\" is given to role \"%s\"",
					TextDatumGetCString(name), NameStr(*DatumGetName(user))),
			 errdetail("Only a member of its owner, role \"%s\", or a superuser can restore it for that role.",
					   NameStr(*DatumGetName(owner)))));
	return heap_modify_tuple_by_cols(tuple, desc, 1, &attribute, &user, &isnull);
}

/* Raises an error unless the current user may change the network of a node or run. */
static HeapTuple
GuardPart(const TriggerData *trigger, AttrNumber attribute)
{
	bool		isnull;
	Datum		id = heap_getattr(trigger->tg_trigtuple, attribute,
								  RelationGetDescr(trigger->tg_relation), &isnull);
	Network    *network = isnull ? NULL : LoadUnparsedNetworkById(DatumGetInt32(id), true);

	/* without one it is for the constraints to say so */
	if (network != NULL)
		CheckMayModifyNetwork(network);
	return trigger->tg_trigtuple;
}

/* Runs before each INSERT into one of the tables. */
Datum
bnai_guard(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	Relation	relation;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_BEFORE(trigger->tg_event) ||
		!TRIGGER_FIRED_BY_INSERT(trigger->tg_event) || !TRIGGER_FIRED_FOR_ROW(trigger->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"bnai_guard\" must be fired BEFORE INSERT FOR EACH ROW")));
	relation = trigger->tg_relation;
	if (superuser() || relation->rd_rel->relowner == GetUserId())
		return PointerGetDatum(trigger->tg_trigtuple);
	if (RelationGetRelid(relation) == CatalogRelation("bnai_network"))
		return PointerGetDatum(GuardNetwork(trigger));
	if (RelationGetRelid(relation) == CatalogRelation("bnai_node"))
		return PointerGetDatum(GuardPart(trigger, NODE_NETWORK));
	if (RelationGetRelid(relation) == CatalogRelation("bnai_run"))
		return PointerGetDatum(GuardPart(trigger, RUN_NETWORK));
	if (RelationGetRelid(relation) == CatalogRelation("bnai_count"))
		return PointerGetDatum(GuardPart(trigger, COUNT_NETWORK));
	if (RelationGetRelid(relation) == CatalogRelation("bnai_watched"))
		return PointerGetDatum(GuardPart(trigger, WATCHED_NETWORK));
	if (RelationGetRelid(relation) == CatalogRelation("bnai_scheduled"))
		return PointerGetDatum(GuardPart(trigger, SCHEDULED_NETWORK));
	ereport(ERROR,
			(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
			 errmsg("function \"bnai_guard\" is for bnai's own tables")));
}
