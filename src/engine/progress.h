/*
 * progress.h
 *		What a long inference tells of itself: notices to its client, and a
 *		line in bnai_progress for everybody else.
 */
#ifndef BNAI_PROGRESS_H
#define BNAI_PROGRESS_H

typedef enum ProgressPhase
{
	PROGRESS_LOADING,
	PROGRESS_ITERATING,
	PROGRESS_STORING
} ProgressPhase;

/* Begins and ends an inference; an error ends it, too. */
extern void BeginProgress(int network);
extern void EndProgress(void);

extern void EnterPhase(ProgressPhase phase);

/* Records how many rows there are, so far. */
extern void RecordRows(int64 rows);

/* Records an iteration of a restart. */
extern void RecordIteration(int restart, int iteration, double elbo);

/* Counts rows that a pass has read for its jobs. */
extern void RecordVisits(int64 rows);

extern void InitProgress(void);

#endif
