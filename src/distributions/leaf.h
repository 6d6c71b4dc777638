/*
 * leaf.h
 *		Kernels of distributions that may be observed: what one pass over the
 *		rows does, on column-major batches of doubles.
 *
 * A leaf's statistics are additive.  They begin with the sum of r over rows, then
 * come the sums of r times the packed sufficient statistics of x, as the kernels
 * add them up, and after these what the leaf keeps of rows that lack some of its
 * columns.  Rows that lack all of them are none of a leaf's business.
 */
#ifndef BNAI_LEAF_H
#define BNAI_LEAF_H

#include "distributions/conditional.h"
#include "distributions/distribution.h"
#include "numerics/kernels.h"

/* --- what a leaf is made of: small tables, each with one that serves where a family has no way of its own --- */

/* The columns that it takes */
typedef struct ColumnKind
{
	int			most;			/* so many at most; 0: any number */
	bool		framed;			/* inside they are centred and scaled; else taken as they are */
	bool		recorded;		/* with a resolution, about which the true value varies; else exactly */
	bool		any;			/* every finite number is one of its values */
	bool		(*valid) (double value);	/* is this finite number? */
	const char *values;			/* what they are, for messages: "numbers" */
} ColumnKind;

extern const ColumnKind RealColumns;

/*
 * Where the rows of a component lie, for starts and for splits: their mean, of which
 * an element stays as it is where no row has the column, and how far they spread;
 * 0 where no row has a column.
 */
typedef struct LeafSearch
{
	bool		by_column;		/* `spread` are the variances of the columns, else their covariance matrix */
	void		(*centre) (int dim, const double *stats, double *mean);
	void		(*spread) (int dim, const double *stats, double *spread);
} LeafSearch;

/*
 * Scales that rows of one component have of their own.  When these are multiplied
 * by s, and the statistics with them, the bound gains rise log s - fall (s - 1),
 * beside what it does through the precision; see engine/scales.c.  `balance` adds
 * to both numbers, and is true where sweeps alone are slow.
 */
typedef struct LeafScales
{
	bool		present;
	bool		(*balance) (int dim, const double *const *parents, const double *stats, double *rise, double *fall);
	void		(*rescale) (int dim, double s, double *stats);
} LeafScales;

extern const LeafScales NoScales;

/*
 * Rows that lack some of the columns, but not all.  (Those that lack all are none
 * of its business, and those that lack none are as the operations of the leaf have
 * it: ConditionLeaf.)
 */
typedef struct LeafMissing
{
	bool		possible;		/* false: a row with only some of the columns cannot take part */
	bool		joint;			/* missing values depend on the others: a Conditional has slopes and a matrix */

	/*
	 * Writes the conditional of a pattern, whose constants are for the operations
	 * of the leaf with dim = pattern->nobserved.  Where `joint` the missing values
	 * are integrated out, at the best q(x_missing | component); else they are left
	 * out.  noise (NULL: none) is not there where the value is not.  work is dim x
	 * dim; NULL unless `joint`.
	 */
	void		(*condition) (int dim, const double *constants, const double *noise, const Pattern *pattern,
							  double *work, Conditional *out);

	/*
	 * Adds statistics of the observed columns to those of all columns; where `joint`
	 * `count` times the missing values' covariance.  The count is stats[0], but where
	 * the statistics are a Gaussian's within a Student-t: there rows have
	 * weights, of which that covariance is free.
	 */
	void		(*complete) (const Pattern *pattern, const Conditional *conditional, const double *noise, double count,
							 const double *stats, double *to);

	/*
	 * The same of the predictive density, for rows that lack all columns, too: a
	 * missing value has the covariance of the conditional times `spread`.  NaN: not known.
	 */
	void		(*condition_predictive) (int dim, const double *constants, const Pattern *pattern, double *work,
										 Conditional *out);
	double		(*spread) (int dim, const double *constants, const double *x);
} LeafMissing;

extern const LeafMissing NeedsWholeRows;

struct LeafKernel
{
	const Distribution *distribution;
	const ColumnKind *columns;
	const LeafSearch *search;
	const LeafScales *scales;
	const LeafMissing *missing;

	/* --- the pass --- */

	/* Number of doubles that prepare writes. */
	int			(*constants_size) (int dim);

	/*
	 * Writes the constants of one component from the moments of its parents; false
	 * if they are not proper.  Values have the variance noise[j] (NULL: none) about
	 * what was recorded.
	 */
	bool		(*prepare) (int dim, const double *const *parents, const double *noise, double *constants);

	/* Adds E[log p(x_n | component)] to out[n]; rows is a multiple of KERNEL_LANES. */
	void		(*score) (int dim, const double *constants, const double *const *x, int rows, double *out);

	/* Number of doubles in the statistics of one component. */
	int			(*stats_size) (int dim);

	/*
	 * Adds sum r, sum r u(x) to stats, each number in KERNEL_LANES lanes; r is 0
	 * for padding.  The constants are those of the component that the rows are
	 * given to; NULL where no globals have given them.
	 */
	void		(*accumulate) (int dim, const double *constants, const double *const *x, const double *r, int rows,
							   double *stats);

	/* Returns the sum of r over all rows that have something of the leaf. */
	double		(*rows) (int dim, const double *stats);

	/*
	 * Adds the message of these rows to parameter `param`, and returns their expected
	 * log density, but for a constant per row.  The functions MessageOfSums and
	 * DensityOfSums serve where all rows have the same columns.
	 */
	void		(*message) (const LeafKernel *kernel, int dim, int param, const double *const *parents,
							const double *stats, const double *noise, double *message);
	double		(*density) (const LeafKernel *kernel, int dim, const double *const *parents, const double *stats,
							const double *noise);

	/*
	 * Writes the summed moments u in the layout of Distribution (stats[0] is the
	 * count): what MessageOfSums and DensityOfSums need.
	 */
	void		(*expand) (int dim, const double *stats, const double *noise, double *u);

	/* --- rows, one by one, in plain C that gives the same result on every processor --- */

	/* The same score for one row: what labels and bnai_predict are computed with. */
	double		(*score_row) (int dim, const double *constants, const double *x);

	/* Log density of one column of a row given its other columns, with the parameters at their expected values. */
	double		(*conditional_row) (int dim, const double *constants, const double *x, int column);

	/*
	 * Posterior predictive density of one component: constants from the usual
	 * parameters of its parents' q (of the value itself where fixed[i]), and
	 * the log density of a row.
	 */
	int			(*predictive_size) (int dim);
	void		(*prepare_predictive) (int dim, const double *const *params, const bool *fixed, double *constants);
	double		(*predictive_row) (int dim, const double *constants, const double *x);
};

/* Writes the conditional of a pattern, whatever it lacks; where it lacks all columns, nothing. */
extern void ConditionLeaf(const LeafKernel *kernel, int dim, const double *constants, const double *noise,
						  const Pattern *pattern, double *work, Conditional *out);

/* What rows say of a parameter and how dense they are, by sums that all rows are in; `rows` is their count. */
extern double RowsOfSums(int dim, const double *stats);
extern void MessageOfSums(const LeafKernel *kernel, int dim, int param, const double *const *parents, const double *stats,
						  const double *noise, double *message);
extern double DensityOfSums(const LeafKernel *kernel, int dim, const double *const *parents, const double *stats,
							const double *noise);

#endif
