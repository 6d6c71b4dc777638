/*
 * watch.c
 *		Which tables are watched for which networks: what triggers look up.
 *
 * A row of bnai_watched is what counts: it was written for somebody who may
 * change the network and had TRIGGER on the table.  A trigger without such a
 * row, which whoever owns a table can create, does nothing.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "automation/watch.h"
#include "catalog/privileges.h"
#include "catalog/relations.h"
#include "catalog/source.h"
#include "catalog/version.h"
#include "compat.h"

PG_FUNCTION_INFO_V1(bnai_changed);

static HTAB *watches = NULL;
static Oid	signal_relation = InvalidOid;

/* Forgets what may have changed: all that is known, or what is known of one table. */
static void
ForgetWatches(Datum arg, Oid relation)
{
	HASH_SEQ_STATUS status;
	Watch	   *watch;

	hash_seq_init(&status, watches);
	while ((watch = hash_seq_search(&status)) != NULL)
		if (relation == InvalidOid || relation == signal_relation || relation == watch->relation)
			watch->valid = false;
}

/* Prepares to remember. */
static void
InitWatches(void)
{
	HASHCTL		control = {.keysize = sizeof(Oid), .entrysize = sizeof(Watch), .hcxt = TopMemoryContext};

	watches = hash_create("bnai watches", 32, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	CacheRegisterRelcacheCallback(ForgetWatches, (Datum) 0);
}

/*
 * Tells all sessions that networks or watches have changed.  The tables are
 * none of the server's catalogs, whose changes are told of by themselves; the
 * message of a change of table bnai_watched serves.
 */
Datum
bnai_changed(PG_FUNCTION_ARGS)
{
	TriggerData *data = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_AFTER(data->tg_event) ||
		!TRIGGER_FIRED_FOR_STATEMENT(data->tg_event) ||
		RelationGetNamespace(data->tg_relation) != ExtensionNamespace())
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"bnai_changed\" is for bnai's own tables")));
	CacheInvalidateRelcacheByRelid(CatalogRelation("bnai_watched"));
	return PointerGetDatum(NULL);
}

/* Returns the name of the event that a trigger is for. */
static const char *
EventName(TriggerEvent event)
{
	return TRIGGER_FIRED_BEFORE(event) && TRIGGER_FIRED_FOR_ROW(event) ? "LABEL" :
		TRIGGER_FIRED_BY_INSERT(event) ? "INSERT" :
		TRIGGER_FIRED_BY_UPDATE(event) ? "UPDATE" :
		TRIGGER_FIRED_BY_DELETE(event) ? "DELETE" : "TRUNCATE";
}

/* Returns true if a table is the watched one or one of its partitions or children. */
static bool
BelongsTo(Oid relation, Oid target)
{
	return OidIsValid(target) &&
		(relation == target || list_member_oid(find_all_inheritors(target, NoLock, NULL), relation));
}

/* Returns true for a table that is part of another one. */
bool
HasParent(Oid relation)
{
	return get_rel_relispartition(relation) || has_superclass(relation);
}

/*
 * Looks for the row that an event of a table is watched by.  A row whose table
 * is part of another watched one is nothing of its own: changes count once.
 */
bool
IsWatched(int network, Oid relation, const char *event, Oid *target, int *increment)
{
	CatalogScan scan = BeginCatalogScan("bnai_watched", "bnai_watched_network", WATCHED_NETWORK,
										Int32GetDatum(network));
	HeapTuple	tuple;
	bool		watched = false;

	while ((tuple = NextCatalogTuple(&scan)) != NULL)
	{
		bool		isnull;
		Oid			candidate = ResolveSource(DatumGetSource(CatalogValue(&scan, tuple, WATCHED_TARGET, &isnull)));

		if (strcmp(TextDatumGetCString(CatalogValue(&scan, tuple, WATCHED_EVENT, &isnull)), event) != 0 ||
			!BelongsTo(relation, candidate) || (watched && !BelongsTo(*target, candidate)))
			continue;
		watched = true;
		*target = candidate;
		*increment = DatumGetInt32(CatalogValue(&scan, tuple, WATCHED_INCREMENT, &isnull));
	}
	EndCatalogScan(&scan);
	return watched;
}

/* Returns true for a trigger whose arguments say which network it is for. */
bool
HasNetworkArgument(const Trigger *trigger)
{
	return trigger->tgnargs == 1 || (trigger->tgnargs == 2 && strcmp(trigger->tgargs[0], "id") == 0);
}

/*
 * Loads the network of a trigger, which is given by its id; triggers of 0.1.0
 * have its name.  Either is nothing but a claim, see IsWatched.
 */
static Network *
NetworkOfTrigger(const Trigger *trigger)
{
	if (trigger->tgnargs == 1)
		return LoadUnparsedNetwork(trigger->tgargs[0], true);
	return LoadUnparsedNetworkById(atoi(trigger->tgargs[1]), true);
}

/* Reads what a trigger needs to know, as it is now and not when the transaction began. */
static void
ReadWatch(Watch *watch, const TriggerData *data)
{
	Network    *network;

	watch->relation = RelationGetRelid(data->tg_relation);
	watch->registered = false;
	signal_relation = CatalogRelation("bnai_watched");
	PushActiveSnapshot(GetLatestSnapshot());
	network = NetworkOfTrigger(data->tg_trigger);
	if (network != NULL)
	{
		watch->counter = FindCounter(network->id);
		watch->threshold = network->settings.counter_threshold;
		watch->action = network->settings.threshold_action;
		watch->registered = IsWatched(network->id, watch->relation, EventName(data->tg_event),
									  &watch->target, &watch->increment);
		watch->by_row = watch->registered && HasParent(watch->target);
	}
	PopActiveSnapshot();
}

/* Finds out about a trigger. */
const Watch *
FindWatch(const TriggerData *data)
{
	static const Watch unregistered = {0};
	MemoryContext context;
	MemoryContext old;
	Watch	   *watch;
	bool		found;

	if (TriggersRest())
		return &unregistered;
	if (watches == NULL)
		InitWatches();
	watch = hash_search(watches, &data->tg_trigger->tgoid, HASH_ENTER, &found);
	if (found && watch->valid)
		return watch;
	if (!found)
		memset((char *) watch + sizeof(Oid), 0, sizeof(Watch) - sizeof(Oid));
	/* what others keep about it may be as old */
	watch->reading++;
	if (!MayReadCatalog())
		return watch;
	context = AllocSetContextCreate(CurrentMemoryContext, "bnai watch", ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(context);
	/* an invalidation while it is read must not be lost */
	watch->valid = true;
	PG_TRY();
	{
		ReadWatch(watch, data);
	}
	PG_CATCH();
	{
		watch->valid = false;
		PG_RE_THROW();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return watch;
}

/*
 * Returns true in a session that restores a dump: what it loads was counted
 * when it was first written.  pg_dump's scripts and pg_restore, with workers
 * or without, set both.  Anybody can; so it is believed of those only who need
 * not ask.
 */
bool
RestoresDump(const TriggerData *data)
{
	return !check_function_bodies && namespace_search_path != NULL && namespace_search_path[0] == '\0' &&
		OwnsRelation(RelationGetRelid(data->tg_relation), GetUserId());
}
