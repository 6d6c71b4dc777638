/*
 * refit.h
 *		Where an inference begins: anew, or from the current run.
 */
#ifndef BNAI_REFIT_H
#define BNAI_REFIT_H

#include "catalog/runs.h"
#include "engine/vb.h"
#include "posterior/posterior.h"

/* Who asks for an inference */
typedef enum Asked
{
	ASKED_BY_USER,				/* begins as the setting start says */
	ASKED_BY_COUNTER			/* or a schedule: as the setting refit says */
} Asked;

typedef struct Beginning
{
	Posterior  *posterior;		/* to begin from; NULL: anew */
	RunState	run;			/* that has it */
	bool		alone;			/* nothing else is tried but to go on from there … */
	bool		guarded;		/* … unless the data have changed too much for that */
	bool		due;			/* it is time for a search beside it */
} Beginning;

/* Says where an inference begins.  Needs a transaction. */
extern Beginning ChooseBeginning(Network *network, const NetworkPlan *plan, Asked asked);

/*
 * Fits a plan to rows from there; *warm_runs gets how many runs in a row, this
 * one included, began from the one before.  Touches nothing in the database.
 */
extern Fit *FitFrom(const Beginning *beginning, Network *network, NetworkPlan *plan, const RowStore *rows,
					int *warm_runs);

#endif							/* BNAI_REFIT_H */
