/*
 * search.h
 *		The search for a better optimum: trial moves raced against the incumbent.
 */
#ifndef BNAI_SEARCH_H
#define BNAI_SEARCH_H

#include "engine/vb.h"

/* How hard a search tries */
typedef struct SearchEffort
{
	int			rounds;			/* of moves, at most */
	int			merges;			/* tried in a round: the pairs with the largest bounds on their gain */
	int			deletes;		/* tried in a round: the smallest components */
	int			shrink_sweeps;	/* that merges and deletes get to overtake the incumbent */
	int			splits;			/* tried in a round: those that gain most at once */
	int			exchanges;		/* merges of one pair with splits of a third component */
	int			resplits;		/* pairs that are merged and divided anew */
	int			grow_sweeps;	/* that splits get to overtake the incumbent */
	int			halve_after_3;	/* trials that stay in the race after so many sweeps */
	int			halve_after_6;
	int			fewest_sweeps;	/* before the race may end early */
} SearchEffort;

/* On the first sample, where sweeps are cheap; on larger ones; and on all rows, to confirm. */
extern const SearchEffort FirstEffort;
extern const SearchEffort MiddleEffort;
extern const SearchEffort ConfirmEffort;

/*
 * Improves a job by moves until none is accepted.  A move is accepted only if
 * its ELBO, after as many sweeps as the incumbent has had, is higher.
 */
extern void SearchMoves(Job *incumbent, const SearchEffort *effort, Fit *fit, int restart, int *iterations);

#endif
