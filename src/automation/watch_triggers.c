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

#include "automation/watch_triggers.h"
#include "catalog/relations.h"
#include "catalog/source.h"
#include "compat.h"

/* A trigger that an event needs */
typedef struct WatchTrigger
{
	const char *event;
	const char *suffix;			/* of the trigger's name */
	const char *timing;
	const char *referencing;
	bool		row;			/* FOR EACH ROW */
	char		fires;			/* pg_trigger.tgenabled */
	const char *function;
} WatchTrigger;

/*
 * Rows that logical replication applies are seen by row triggers only, so that
 * there is one beside each statement trigger, which fires for nobody else.
 * TRUNCATE has no transition table: rows are counted before it.
 */
static const WatchTrigger Triggers[] = {
	{"INSERT", "insert", "AFTER INSERT", "REFERENCING NEW TABLE AS bnai_rows",
	 false, TRIGGER_FIRES_ON_ORIGIN, "bnai_count_rows"},
	{"INSERT", "insert_applied", "AFTER INSERT", "", true, TRIGGER_FIRES_ON_REPLICA, "bnai_count_rows"},
	{"UPDATE", "update", "AFTER UPDATE", "REFERENCING NEW TABLE AS bnai_rows",
	 false, TRIGGER_FIRES_ON_ORIGIN, "bnai_count_rows"},
	{"UPDATE", "update_applied", "AFTER UPDATE", "", true, TRIGGER_FIRES_ON_REPLICA, "bnai_count_rows"},
	{"DELETE", "delete", "AFTER DELETE", "REFERENCING OLD TABLE AS bnai_rows",
	 false, TRIGGER_FIRES_ON_ORIGIN, "bnai_count_rows"},
	{"DELETE", "delete_applied", "AFTER DELETE", "", true, TRIGGER_FIRES_ON_REPLICA, "bnai_count_rows"},
	{"TRUNCATE", "truncate", "BEFORE TRUNCATE", "", false, TRIGGER_FIRES_ALWAYS, "bnai_count_rows"},
	{"TRUNCATE", "truncated", "AFTER TRUNCATE", "", false, TRIGGER_FIRES_ALWAYS, "bnai_count_rows"},
	{"LABEL", "label", "BEFORE INSERT OR UPDATE", "", true, TRIGGER_FIRES_ON_ORIGIN, "bnai_label_row"},
};

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
	return psprintf("bnai_watch_%d_%s", network, trigger->suffix);
}

/* Runs CREATE TRIGGER as the current user. */
static void
CreateOne(int network, const char *network_name, Oid relation, const WatchTrigger *trigger)
{
	int			code;

	SPI_connect();
	code = SPI_execute(psprintf("CREATE TRIGGER %s %s ON %s %s FOR EACH %s EXECUTE FUNCTION %s.%s(%s)",
								TriggerName(network, trigger), trigger->timing, QualifiedRelationName(relation),
								trigger->referencing, trigger->row ? "ROW" : "STATEMENT",
								ExtensionSchema(), trigger->function, quote_literal_cstr(network_name)),
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
	return !trigger->row || relation == target || !get_rel_relispartition(relation);
}

/* Creates the triggers of an event on one table, those that are not there. */
void
CreateWatchTriggers(int network, const char *network_name, Oid relation, Oid target, const char *event)
{
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
			CreateOne(network, network_name, relation, trigger);
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
	{
		ObjectAddress address = {TriggerRelationId};

		if (strcmp(Triggers[i].event, event) != 0)
			continue;
		address.objectId = get_trigger_oid(relation, TriggerName(network, &Triggers[i]), true);
		if (OidIsValid(address.objectId))
			performDeletion(&address, DROP_RESTRICT, PERFORM_DELETION_INTERNAL);
	}
}
