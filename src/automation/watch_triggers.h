/*
 * watch_triggers.h
 *		The triggers that belong to a row of bnai_watched.
 */
#ifndef BNAI_WATCH_TRIGGERS_H
#define BNAI_WATCH_TRIGGERS_H

/* The event of that name, in any case: as it stands in bnai_watched; NULL if there is none. */
extern const char *WatchEvent(const char *name);

/* The name of the trigger that labels the rows of a table. */
extern const char *LabelTriggerName(int network);

/* Creates the triggers of an event on one table, as the current user: those that are not there. */
extern void CreateWatchTriggers(int network, Oid relation, Oid target, const char *event);

/* True if one is missing. */
extern bool LacksWatchTriggers(int network, Oid relation, Oid target, const char *event);

/* Drops them, whoever owns the table. */
extern void DropWatchTriggers(int network, Oid relation, const char *event);

#endif							/* BNAI_WATCH_TRIGGERS_H */
