/*
 * watch_triggers.c
 *		The triggers that belong to a row of bnai_watched.
 *
 * A statement trigger stands on the table and on each of its partitions and
 * children, for a statement fires those of the table that it names; a row
 * trigger stands on the table, and the server gives it to partitions.
 */
#include "postgres.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "automation/watch.h"
#include "automation/watch_triggers.h"
#include "catalog/relations.h"
#include "catalog/source.h"
#include "compat.h"

/* A trigger that an event needs */
typedef struct WatchTrigger
{
	const char *event;
	const char *prefix;			/* of the trigger's name */
	const char *suffix;
	const char *timing;
	const char *referencing;
	bool		row;			/* FOR EACH ROW */
	bool		part;			/* only for a watched table that is part of another one */
	char		fires;			/* pg_trigger.tgenabled */
	const char *function;
} WatchTrigger;

/*
 * Rows that logical replication applies are seen by row triggers only, so that
 * there is one beside each statement trigger, which fires for nobody else.
 * Rows that come to a partition or child through a table that is not watched
 * are seen by row triggers only, too; where the watched table is such a part,
 * they count all its rows, and the statement triggers wait for its being
 * detached.  TRUNCATE fires the triggers of parts; it has no transition table:
 * rows are counted before it.
 *
 * Row triggers that fire before a row is stored do so in the order of their
 * names: the one that labels comes after all that are called by letters.
 */
#define COUNTING "bnai_watch"
#define LABELLING "~bnai_watch"

static const WatchTrigger Triggers[] = {
	{"INSERT", COUNTING, "insert", "AFTER INSERT", "REFERENCING NEW TABLE AS bnai_rows",
	 false, false, TRIGGER_FIRES_ON_ORIGIN, "bnai_count_rows"},
	{"INSERT", COUNTING, "insert_row", "AFTER INSERT", "", true, true, TRIGGER_FIRES_ON_ORIGIN, "bnai_count_rows"},
	{"INSERT", COUNTING, "insert_applied", "AFTER INSERT", "", true, false, TRIGGER_FIRES_ON_REPLICA, "bnai_count_rows"},
	{"UPDATE", COUNTING, "update", "AFTER UPDATE", "REFERENCING NEW TABLE AS bnai_rows",
	 false, false, TRIGGER_FIRES_ON_ORIGIN, "bnai_count_rows"},
	{"UPDATE", COUNTING, "update_row", "AFTER UPDATE", "", true, true, TRIGGER_FIRES_ON_ORIGIN, "bnai_count_rows"},
	{"UPDATE", COUNTING, "update_applied", "AFTER UPDATE", "", true, false, TRIGGER_FIRES_ON_REPLICA, "bnai_count_rows"},
	{"DELETE", COUNTING, "delete", "AFTER DELETE", "REFERENCING OLD TABLE AS bnai_rows",
	 false, false, TRIGGER_FIRES_ON_ORIGIN, "bnai_count_rows"},
	{"DELETE", COUNTING, "delete_row", "AFTER DELETE", "", true, true, TRIGGER_FIRES_ON_ORIGIN, "bnai_count_rows"},
	{"DELETE", COUNTING, "delete_applied", "AFTER DELETE", "", true, false, TRIGGER_FIRES_ON_REPLICA, "bnai_count_rows"},
	{"TRUNCATE", COUNTING, "truncate", "BEFORE TRUNCATE", "", false, false, TRIGGER_FIRES_ALWAYS, "bnai_count_rows"},
	{"TRUNCATE", COUNTING, "truncated", "AFTER TRUNCATE", "", false, false, TRIGGER_FIRES_ALWAYS, "bnai_count_rows"},
	{"LABEL", LABELLING, "label", "BEFORE INSERT OR UPDATE", "", true, false, TRIGGER_FIRES_ON_ORIGIN, "bnai_label_row"},
};

/* The label trigger of 0.1.0, after which others could fire */
static const WatchTrigger EarlyLabelTrigger = {.event = "LABEL", .prefix = COUNTING, .suffix = "label"};

/* Returns the event of that name. */
const char *
WatchEvent(const char *name)
{
	for (int i = 0; i < lengthof(Triggers); i++)
		if (pg_strcasecmp(Triggers[i].event, name) == 0)
			return Triggers[i].event;
	return NULL;
}

/* Returns the name of a trigger; networks keep their numbers when a dump is restored. */
static char *
TriggerName(int network, const WatchTrigger *trigger)
{
	return psprintf("%s_%d_%s", trigger->prefix, network, trigger->suffix);
}

/* Returns the name of the trigger that labels rows. */
const char *
LabelTriggerName(int network)
{
	return TriggerName(network, &Triggers[lengthof(Triggers) - 1]);
}

/*
 * Runs CREATE TRIGGER as the current user.  Networks may be renamed, so that
 * the argument is the id; a first one tells it from the names that 0.1.0 gave.
 */
static void
CreateOne(int network, Oid relation, const WatchTrigger *trigger)
{
	int			code;

	SPI_connect();
	code = SPI_execute(psprintf("CREATE TRIGGER %s %s ON %s %s FOR EACH %s EXECUTE FUNCTION %s.%s('id', '%d')",
								quote_identifier(TriggerName(network, trigger)), trigger->timing, QualifiedRelationName(relation),
								trigger->referencing, trigger->row ? "ROW" : "STATEMENT",
								ExtensionSchema(), trigger->function, network),
					   false, 0);
	if (code < 0)
		elog(ERROR, "SPI_execute failed: %s", SPI_result_code_string(code));
	SPI_finish();
}

/* Says when a trigger fires; ALTER TABLE would ask for ownership of the table. */
static void
SetFiring(Oid relation, const char *name, char fires)
{
	Relation	table = table_open(relation, ShareRowExclusiveLock);

	SetTriggerFiring(table, name, fires);
	table_close(table, NoLock);
	CommandCounterIncrement();
}

/* Returns true if a trigger is to be created on a table: row triggers come to partitions by themselves. */
static bool
NeedsTrigger(Oid relation, Oid target, const WatchTrigger *trigger)
{
	if (trigger->part && !HasParent(target))
		return false;
	return !trigger->row || relation == target || !get_rel_relispartition(relation);
}

/* Drops a trigger, if it is there; one that a partition has from its parent goes with the parent's. */
static void
DropOne(int network, Oid relation, const WatchTrigger *trigger)
{
	ObjectAddress address = {TriggerRelationId};

	address.objectId = get_trigger_oid(relation, TriggerName(network, trigger), true);
	if (OidIsValid(address.objectId))
		performDeletion(&address, DROP_RESTRICT, PERFORM_DELETION_INTERNAL);
}

/* Creates the triggers of an event on one table, those that are not there. */
void
CreateWatchTriggers(int network, Oid relation, Oid target, const char *event)
{
	if (strcmp(event, "LABEL") == 0 && (relation == target || !get_rel_relispartition(relation)))
		DropOne(network, relation, &EarlyLabelTrigger);
	for (int i = 0; i < lengthof(Triggers); i++)
	{
		const WatchTrigger *trigger = &Triggers[i];
		char	   *name = TriggerName(network, trigger);

		if (strcmp(trigger->event, event) != 0)
			continue;
		if (!OidIsValid(get_trigger_oid(relation, name, true)))
		{
			if (!NeedsTrigger(relation, target, trigger))
				continue;
			CreateOne(network, relation, trigger);
		}
		if (trigger->fires != TRIGGER_FIRES_ON_ORIGIN)
			SetFiring(relation, name, trigger->fires);
	}
}

/* Returns true if a trigger is missing on a relation that should have it. */
bool
LacksWatchTriggers(int network, Oid relation, Oid target, const char *event)
{
	for (int i = 0; i < lengthof(Triggers); i++)
		if (strcmp(Triggers[i].event, event) == 0 && NeedsTrigger(relation, target, &Triggers[i]) &&
			!OidIsValid(get_trigger_oid(relation, TriggerName(network, &Triggers[i]), true)))
			return true;
	return false;
}

/* Drops the triggers of an event from one table. */
void
DropWatchTriggers(int network, Oid relation, const char *event)
{
	for (int i = 0; i < lengthof(Triggers); i++)
		if (strcmp(Triggers[i].event, event) == 0)
			DropOne(network, relation, &Triggers[i]);
	if (strcmp(event, "LABEL") == 0)
		DropOne(network, relation, &EarlyLabelTrigger);
}
