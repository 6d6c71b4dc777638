/*
 * runs.h
 *		The history: one row for each inference.
 */
#ifndef BNAI_INFERENCE_RUNS_H
#define BNAI_INFERENCE_RUNS_H

#include "catalog/runs.h"
#include "datatype/timestamp.h"
#include "engine/vb.h"
#include "posterior/posterior.h"

/* What bnai_infer returns and the history keeps, beside the posterior */
typedef struct RunSummary
{
	int64		run;
	TimestampTz started_at;
	TimestampTz ended_at;
	int64		rows;
	int64		skipped;
	int			clusters;		/* that hold rows; 0 for a network without a selector */
	int64		relabelled;		/* -1: there is no results column */
	int			warm_runs;		/* how many runs in a row, this one included, began from the one before */
	char	   *left_out;		/* parts of the source whose labels were not written, since their owners do not let; NULL: none */
} RunSummary;

/* The type bnai_posterior. */
extern Oid	PosteriorTypeId(void);

/* Stores a run as the current one and gives it its number; matching: NULL if there was none before. */
extern void StoreRun(const Network *network, const Fit *fit, const Posterior *posterior, const RunMatching *matching,
					 RunSummary *summary);

/* Records how many rows were relabelled and when the run ended; drops runs that are too old for the history. */
extern void FinishRun(const Network *network, const RunSummary *summary);

/* Makes an earlier run the current one, and the current one the previous. */
extern void MakeRunCurrent(const Network *network, int64 run);

/* Records how many rows have a label now that the run is the current one again. */
extern void SetRowsLabelled(int64 run, int64 rows);

/* Makes no run the current one. */
extern void ForgetRuns(const Network *network);

#endif
