/*
 * vb.h
 *		Variational Bayes: sweeps, stop rule, restarts, and the fit that comes
 *		out of them.
 */
#ifndef BNAI_VB_H
#define BNAI_VB_H

#include "engine/job.h"

typedef enum MoveKind
{
	MOVE_MERGE,
	MOVE_DELETE,
	MOVE_SPLIT,
	MOVE_PLACE,
	MOVE_SWAP,
	MOVE_KINDS
} MoveKind;

extern const char *const MoveNames[MOVE_KINDS];

typedef struct TraceEntry
{
	int			restart;		/* from 1 */
	int			iteration;		/* from 1, within the restart */
	double		elbo;
	const char *event;			/* NULL: a sweep; else the move that led here */
} TraceEntry;

typedef struct Trace
{
	MemoryContext context;		/* outlives the restarts that are traced */
	int			n;
	int			max;
	TraceEntry *entries;
} Trace;

/* A component with fewer expected rows holds none */
#define HOLDS_ROWS 0.5

/* How one restart ended */
typedef struct Outcome
{
	int			restart;		/* from 1 */
	int			iterations;
	bool		converged;
	bool		sampled;		/* it was given up on a sample, for which its ELBO is */
	double		elbo;
	double		evidence;		/* ELBO + log of the number of labellings of the components that hold rows */
	double		seconds;		/* -1: restarts ran side by side */
	int			clusters;		/* components that hold rows */
	double	   *sizes;			/* their expected rows, the largest first */
} Outcome;

/* What an inference found */
typedef struct Fit
{
	double		total;			/* of the rows; a sample's is less */
	Job		   *job;			/* on all rows */
	int			restarts;
	int			best_restart;
	int			iterations;		/* of the best restart */
	bool		converged;
	double		elbo;			/* of all rows */
	double		passes;			/* row visits / rows */
	int			tried[MOVE_KINDS];
	int			accepted[MOVE_KINDS];
	int			noutcomes;
	Outcome    *outcomes;
	Trace		trace;
	bool		warned;			/* that the bound fell */
} Fit;

/* Estimates the gain that is left (Aitken) and says when it is small enough */
typedef struct StopRule
{
	double		last;
	double		gain;
	int			sweeps;
	int			quiet;			/* how often running the estimate was below the tolerance */
} StopRule;

extern bool ShouldStop(StopRule *rule, double elbo, double tolerance);

/* One sweep of several jobs: globals, constants, one pass, ELBO. */
extern void Sweep(Job *const *jobs, int njobs);

/* First statistics of a job by its rule. */
extern void FirstPass(Job *const *jobs, int njobs);

/*
 * Fits a bound plan to the rows.  The first restart goes on from the globals
 * of `from`, a job on these rows, unless it is NULL.  Everything is allocated
 * in the current memory context.
 */
extern Fit *FitPlan(const NetworkPlan *plan, const RowStore *rows, const Job *from);

/*
 * Appends what another fit of the same rows tried, as further restarts;
 * `other_wins` says whose globals the result has.
 */
extern void JoinFits(Fit *fit, const Fit *other, bool other_wins);

extern void AppendTrace(Trace *trace, TraceEntry entry);
extern void AddTrace(Trace *trace, int restart, int iteration, double elbo, const char *event);

#endif
