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
	int			increment;
	int64		threshold;		/* 0: none */
	ThresholdAction action;
} Watch;

/* Looks for the row of bnai_watched that makes triggers of that event on that table count. */
extern bool IsWatched(int network, Oid relation, const char *event, Oid *target, int *increment);

/*
 * What is known about the trigger that fires.  Who drops the extension may be
 * waiting for the table that the trigger stands on, and is not waited for: then
 * it is what was known before, or nothing is registered.
 */
extern const Watch *FindWatch(const TriggerData *data);

/* True in a session that restores a dump. */
extern bool RestoresDump(void);

#endif							/* BNAI_WATCH_H */
