/*
 * packet.h
 *		What parallel workers are told: once of the plan, and for each pass of
 *		its jobs.
 *
 * Packets lie in shared memory; an offset is in bytes from the beginning of
 * the area that they lie in.
 */
#ifndef BNAI_PACKET_H
#define BNAI_PACKET_H

#include "engine/job.h"

/* One pass: groups x slices units, each some jobs on a group of chunks */
typedef struct PassPacket
{
	bool		sample;			/* of the copied sample instead of the rows */
	int			njobs;
	int			groups;
	int			slices;			/* of the list of jobs */
	Size		jobs;			/* offset of PacketJob[njobs] */
	Size		group_size;		/* doubles of one group's sums */
	Size		sums;			/* offset of the sums of all groups */
} PassPacket;

/* Size of a plan as workers need it. */
extern Size PackedPlanSize(const NetworkPlan *plan);
extern void PackPlan(const NetworkPlan *plan, void *to);

/* Makes a plan that can score rows and add up statistics, but no more. */
extern NetworkPlan *UnpackPlan(const void *from);

/*
 * Writes the jobs of a pass into an area of `size` bytes and fills in the
 * offsets; returns false if they, or their sums, do not fit.
 */
extern bool PackJobs(Job *const *jobs, int njobs, char *area, Size size, PassPacket *packet);

/* Makes the jobs of a packet, in the current memory context. */
extern const Job **UnpackJobs(const PassPacket *packet, const NetworkPlan *plan, const RowStore *rows, char *area);

/* Jobs of a slice: from this one to before that of the next slice. */
#define SliceJob(packet, slice) ((int) ((int64) (packet)->njobs * (slice) / (packet)->slices))

#endif
