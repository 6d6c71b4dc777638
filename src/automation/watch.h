/*
 * watch.h
 *		Which tables are watched for which networks.
 */
#ifndef BNAI_WATCH_H
#define BNAI_WATCH_H

#include "commands/trigger.h"

#include "automation/counter.h"
#include "catalog/network.h"

/* What a trigger that counts needs to know */
typedef struct Watch
{
	Oid			trigger;		/* hash key */
	Oid			relation;
	bool		valid;			/* false: to be read again */
	uint32		reading;		/* how often it was to be read: who keeps more about it compares */
	bool		registered;		/* false: nobody who may change the network asked for this trigger */
	Counter		counter;		/* of the network */
	Oid			target;			/* the watched table, which `relation` may be a part of */
	bool		by_row;			/* rows come to it through tables that are not watched: row triggers count */
	int			increment;
	int64		threshold;		/* 0: none */
	ThresholdAction action;
} Watch;

/* True for a trigger whose arguments say which network it is for. */
extern bool HasNetworkArgument(const Trigger *trigger);

/*
 * Looks for the row of bnai_watched that makes triggers of that event on that
 * table count; of several the one whose table the others' are parts of.
 */
extern bool IsWatched(int network, Oid relation, const char *event, Oid *target, int *increment);

/*
 * What is known about the trigger that fires.  Who drops the extension may be
 * waiting for the table that the trigger stands on, and is not waited for: then
 * it is what was known before, or nothing is registered.
 */
extern const Watch *FindWatch(const TriggerData *data);

/* True for a table that statements reach through another one: a partition or a child. */
extern bool HasParent(Oid relation);

/*
 * True in a session that restores a dump as somebody who could have disabled
 * the trigger anyway: the owner of the table, or a superuser.
 */
extern bool RestoresDump(const TriggerData *data);

#endif							/* BNAI_WATCH_H */
