/*
 * schedule.h
 *		Which networks are inferred on a schedule.
 */
#ifndef BNAI_SCHEDULE_H
#define BNAI_SCHEDULE_H

/*
 * True if that role has scheduled the network and the job is still pg_cron's;
 * gets the threshold, PG_INT64_MIN for none.
 */
extern bool FindSchedule(int network, Oid role, int64 *threshold);

#endif							/* BNAI_SCHEDULE_H */
