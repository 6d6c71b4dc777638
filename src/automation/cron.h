/*
 * cron.h
 *		When a schedule in cron's notation comes next.
 */
#ifndef BNAI_CRON_H
#define BNAI_CRON_H

#include "datatype/timestamp.h"
#include "pgtime.h"

/* The first minute after `now` that a schedule names, in a time zone; 0 if it is not understood or never comes. */
extern TimestampTz NextCronTime(const char *schedule, TimestampTz now, pg_tz *zone);

#endif							/* BNAI_CRON_H */
