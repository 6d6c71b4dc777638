/*
 * current.h
 *		What a network's name stands for when it is read: its current run.
 */
#ifndef BNAI_CURRENT_H
#define BNAI_CURRENT_H

#include "fmgr.h"

#include "posterior/posterior.h"

/* What the answer to "which run is current, and may it be read?" depends on */
typedef struct Moment
{
	TransactionId xmin;
	TransactionId xmax;
	uint64		completions;	/* transactions completed when the snapshot was taken */
	CommandId	command;
	SubTransactionId subtransaction;
	Oid			user;
} Moment;

extern void GetMoment(Moment *moment);
extern bool SameMoment(const Moment *a, const Moment *b);

/*
 * Returns the network's current run, after checking that the user may read it.
 * 0 if it has not been inferred; then a notice says so, once per statement.
 */
extern int64 ReadableRun(const char *network);

/* The posterior of a current run, as bytes and as a structure */
typedef struct Fitted
{
	MemoryContext context;
	char	   *network;
	Moment		moment;
	int64		run;			/* 0: not inferred */
	Datum		value;
	Posterior  *posterior;
} Fitted;

/*
 * Returns the posterior of the network that argument 0 names, NULL (with that
 * notice) if it has not been inferred.  Kept in fn_extra: functions of it
 * stand in WHERE clauses, where they are called for each row.
 */
extern const Fitted *CurrentFitted(FunctionCallInfo fcinfo);

/* Index of the node of that posterior that argument 1 names; an error says what has a posterior. */
extern int	FindArgumentNode(FunctionCallInfo fcinfo, const Posterior *posterior);

#endif							/* BNAI_CURRENT_H */
