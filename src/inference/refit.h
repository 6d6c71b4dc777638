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
	ASKED_BY_USER,				/* searches */
	ASKED_BY_COUNTER			/* or a schedule: as the setting refit says */
} Asked;

typedef enum Way
{
	BEGIN_ANEW,
	BEGIN_AS_RESTART,			/* the first restart goes on from the current run */
	GO_ON,						/* from the current run, and try nothing else */
	GO_ON_GUARDED,				/* unless the data have changed too much for that */
	GO_ON_AND_SEARCH,			/* likewise, and search in any case */
	SEARCH_GUARDED				/* search, and go on, too, if that ends with other groups */
} Way;

typedef struct Beginning
{
	Way			way;
	Posterior  *posterior;		/* to begin from; NULL: there is none */
	RunState	run;			/* that has it */
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
