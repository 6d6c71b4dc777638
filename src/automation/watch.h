/*
 * watch.h
 *		Which tables are watched for which networks.
 */
#ifndef BNAI_WATCH_H
#define BNAI_WATCH_H

#include "commands/trigger.h"

#include "automation/shared.h"
#include "catalog/network.h"

/* What a trigger that counts needs to know */
typedef struct Watch
{
	Oid			trigger;		/* hash key */
	Oid			relation;
	bool		valid;			/* false: to be read again */
	bool		registered;		/* false: nobody who may change the network asked for this trigger */
	int			network;
	CounterSlot *slot;			/* NULL: there was no room */
	int			increment;
	int64		threshold;		/* 0: none */
	ThresholdAction action;
} Watch;

/* What is known about the trigger that fires. */
extern const Watch *FindWatch(const TriggerData *data);

#endif							/* BNAI_WATCH_H */
