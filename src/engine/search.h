/*
 * search.h
 *		The search for a better optimum: trial moves raced against the incumbent.
 */
#ifndef BNAI_SEARCH_H
#define BNAI_SEARCH_H

#include "engine/vb.h"

/* A cut of the trials in a race: after so many sweeps, so many stay */
typedef struct RaceCut
{
	int			sweep;
	int			keep;
} RaceCut;

#define RACE_CUTS 3

/* How long a race lasts */
typedef struct RaceLength
{
	int			most;			/* sweeps */
	int			fewest;			/* before it may end because someone is ahead */
	RaceCut		cuts[RACE_CUTS];
	double		patience;		/* sweeps like the last one that a trial may need to catch up, from sweep 5 on; less before */
} RaceLength;

/* How hard a search tries */
typedef struct SearchEffort
{
	int			rounds;			/* of moves, at most */
	int			merges;			/* tried in a round: the pairs with the largest bounds on their gain */
	int			deletes;		/* tried in a round: the smallest components */
	int			shapes;			/* splits tried of each component: those that gain most at once */
	int			exchanges;		/* merges of one pair with splits of a third component, where all components are used */
	int			swaps;			/* pairs that swap their tails, where components have such */
	int			replacements;	/* splits with the delete of the smallest component, there too */
	int			heirs;			/* components that its tails are given to, in turn: the largest */
	int			resplits;		/* pairs that are merged and divided anew */
	int			resplit_shapes;
	int			two_merges;		/* pairs of which any two are merged at once */
	bool		together;		/* merges, deletes and splits race together */
	RaceLength	shrink;
	RaceLength	grow;
} SearchEffort;

/* On the first level, where sweeps are cheap; on larger samples; and on all rows of a small or a large table, to confirm. */
extern const SearchEffort FirstEffort;
extern const SearchEffort MiddleEffort;
extern const SearchEffort SmallConfirmEffort;
extern const SearchEffort ConfirmEffort;

/*
 * Improves a job by moves until none is accepted.  A move is accepted only if
 * its ELBO, after as many sweeps as the incumbent has had, is higher.
 */
extern void SearchMoves(Job *incumbent, const SearchEffort *effort, Fit *fit, int restart, int *iterations);

#endif
