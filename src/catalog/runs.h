/*
 * runs.h
 *		Reading runs from the catalog without SQL: what scoring by a network's
 *		name needs on its first row.
 */
#ifndef BNAI_RUNS_H
#define BNAI_RUNS_H

#include "catalog/stored.h"

/* Id of the network's current run as the active snapshot sees it; 0 if it has none. */
extern int64 CurrentRun(int network);

/* The posterior of a run (a bnai_posterior datum in the current memory context); 0 if the run is gone or has none. */
extern Datum RunPosterior(int64 run);

/* The same; an error if it has none. */
extern Datum RequiredPosterior(int64 run);

/* True if the run's posterior is that very stored value. */
extern bool RunHolds(int64 run, const StoredHead *head);

/* Rows that the clusters of a run share with those of the run that it took its labels from */
typedef struct RunMatching
{
	int64		previous;		/* run */
	int			n;				/* pairs of labels */
	char	  **from;			/* of the previous run */
	char	  **to;				/* of this one */
	double	   *rows;
} RunMatching;

/* Reads the matching of a run; NULL if it was compared with no other. */
extern RunMatching *ReadMatching(int64 run);

/* Rows that had a label after the current run, or 0 after a reset; -1: not known, or there was no run. */
extern int64 LabelledRows(int network);

/* The network that a run belongs to; 0 if there is no such run. */
extern int	RunNetwork(int64 run);

/* The run before the current one; 0 if the history has none. */
extern int64 PreviousRun(int network);

/* What an inference that begins from the current run needs to know of it */
typedef struct RunState
{
	int64		run;
	int64		rows;
	double		elbo;
	int			warm_runs;		/* how many runs in a row, this one included, began from the one before */
	int64		definition;		/* hash of what the network was then */
	Datum		posterior;		/* 0: withheld */
} RunState;

/* Reads a network's current run, likewise; false if it has none. */
extern bool ReadCurrentRun(int network, RunState *state);

#endif
