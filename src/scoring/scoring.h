/*
 * scoring.h
 *		A posterior made ready to score rows.
 *
 * Everything is computed in plain C, the same on every processor, and labels
 * with the expected log densities of the fit: the label of a row is what the
 * results column holds for it.
 */
#ifndef BNAI_SCORING_H
#define BNAI_SCORING_H

#include "fmgr.h"

#include "distributions/leaf.h"
#include "posterior/posterior.h"

/* A leaf, with constants for each candidate and for each term of the density */
typedef struct ScorerLeaf
{
	const LeafKernel *kernel;
	const char *name;
	bool		mixture;		/* one set of constants per candidate and term, else one */
	int			dim;
	int			first_column;
	int			ncolumns;
	double	   *centre;			/* of the coordinates that constants are in */
	int			constants_size;
	double	   *constants;		/* candidates x constants_size */
	int			predictive_size;
	double	   *predictive;		/* terms x predictive_size */

	/* the same for the columns that a row has, if it lacks some */
	double	   *marginals;
	double	   *marginal_predictive;
} ScorerLeaf;

/* How dense the rows of the fit were by the columns that are left without some */
typedef struct PatternDensity
{
	bool	   *lacks;			/* which columns are missing */
	double	   *quantiles;
} PatternDensity;

typedef struct Scorer
{
	/* columns, leaf by leaf */
	int			ncolumns;
	char	  **columns;
	int			nleaves;
	ScorerLeaf *leaves;

	bool		clusters;		/* is there a selector, so that rows can be given to components? */

	/* candidates: the components that a row can be given to, in the order that decides ties */
	int			ncandidates;
	int		   *components;
	text	  **labels;			/* NULL where there is none */
	double	   *log_weights;	/* E[log pi_k] */

	/* terms of the density: live components, then all retired ones in one */
	int			nterms;
	double	   *term_log_weights;	/* log E[pi_k] */

	double	   *quantiles;		/* of the log density of the complete rows of the fit; NULL: not known */
	double		ranked;			/* so many rows they are of */
	int			ndensities;
	PatternDensity *densities;	/* of rows that lack columns */

	/* what explains a row, made when it is asked for: candidates x ncolumns, one row without clusters */
	double	   *means;
	double	   *deviations;		/* standard deviations */

	/* rows that lack columns */
	bool		marginalize;	/* they have labels and densities */
	bool		lacking;		/* the row lacks some; they are NaN in it */
	Pattern   **patterns;		/* of the last such row, for each leaf; NULL until there is one */
	bool	   *lacks;			/* its columns */
	bool		marginals_ready;	/* for these columns */
	bool		marginal_predictive_ready;
	double	   *observed;		/* what the row has of each leaf, from its first column on */
	double	   *conditional_memory;	/* for one conditional */
	double	   *work;

	/* memory */
	MemoryContext context;
	double	   *given;			/* the row as it was given, where it lacks columns */
	double	   *row;			/* the row in the coordinates of the leaves */
	double	   *scores;			/* of the candidates, or terms */
	int		   *terms;			/* of each candidate */
} Scorer;

/*
 * Which components are candidates: those with a label in the order of labels,
 * or all live ones in their own order, which is for the first labelling.  For
 * rows of the fit the best one is the same.
 */
typedef enum Candidates
{
	CANDIDATES_LABELLED,
	CANDIDATES_LIVE
} Candidates;

/* Allocates in the current memory context. */
extern Scorer *BuildScorer(const Posterior *posterior, Candidates candidates);

/*
 * Rows are ncolumns finite numbers in the user's units, or NaN for what is
 * missing: then everything is by the columns that are there.
 *
 * Returns the best component for a row; -1 if there are no candidates.
 */
extern int	ScoreComponent(Scorer *scorer, const double *x);

/* The same, as an index into the candidates. */
extern int	ScoreCandidate(Scorer *scorer, const double *x);

/* Writes the probabilities of the candidates; they sum to 1. */
extern void ScoreProbabilities(Scorer *scorer, const double *x, double *probabilities);

/* Adds means and standard deviations to a scorer of this posterior. */
extern void PrepareExplanation(Scorer *scorer, const Posterior *posterior);

/* True unless a number is there that is none of its column's values. */
extern bool ValuesAreValid(const Scorer *scorer, const double *x);

/* Raises an error for a value that no density is defined for. */
extern void RefuseValue(const Scorer *scorer, int column, double value);

/* Returns the log predictive density of a row. */
extern double ScoreDensity(Scorer *scorer, const double *x);

/*
 * The scorer for a call: of the current run of the network that argument 0
 * names, NULL (with a notice) if there is none; or of the posterior that
 * argument 0 is.  Kept in fn_extra while nothing changes.  `explanation`: with
 * what PrepareExplanation adds.
 */
extern Scorer *ScorerByName(FunctionCallInfo fcinfo, bool explanation);
extern Scorer *ScorerByValue(FunctionCallInfo fcinfo, bool explanation);

/*
 * Returns the conditional of a leaf in a term of the density, for the row that
 * was scored last and lacks columns; valid until the next one.
 */
extern Conditional ConditionTerm(Scorer *scorer, int leaf, int term);

/*
 * The row that argument 1, an array, holds; NULL if it holds only NULLs or, unless
 * `marginalize`, any.  Raises an error for a wrong number of elements, and for NaN.
 */
extern const double *ScorerRow(FunctionCallInfo fcinfo, Scorer *scorer, bool marginalize);

#endif							/* BNAI_SCORING_H */
