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

struct LeafKernel
{
	const Distribution *distribution;

	/* Number of doubles that prepare writes. */
	int			(*constants_size) (int dim);

	/* Writes the constants of one component from the moments of its parents; false if they are not proper. */
	bool		(*prepare) (int dim, const double *const *parents, double *constants);

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

	/*
	 * Writes the summed moments u in the layout of Distribution (stats[0] is the
	 * count), where each value has the variance noise[j] about what was recorded.
	 */
	void		(*expand) (int dim, const double *stats, const double *noise, double *u);

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

	/* Writes where the rows of a component lie: their mean; where no row has a column, its element stays. */
	void		(*centre) (int dim, const double *stats, double *mean);

	/* Writes how far they spread: their covariance matrix, or where `diagonal` the variance of each column; 0 where no row has it. */
	void		(*spread) (int dim, const double *stats, double *spread);
	bool		diagonal;		/* columns are independent given the component; so conditionals have no slopes */

	/*
	 * Where rows have scales of their own within a component; NULL elsewhere.
	 * When these are multiplied by s, and the statistics with them, the bound
	 * gains rise log s - fall (s - 1), beside what it does through the
	 * precision; see engine/scales.c.  `scales` adds to both numbers, and is
	 * true where sweeps alone are slow.
	 */
	bool		(*scales) (int dim, const double *const *parents, const double *stats, double *rise, double *fall);
	void		(*rescale) (int dim, double s, double *stats);

	/*
	 * The same score for one row, in plain C that gives the same result on
	 * every processor: what labels and bnai_predict are computed with.
	 */
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

	/*
	 * Rows that lack some of the columns, but not all; all NULL where a leaf needs
	 * whole rows.  `condition` writes the conditional of a pattern, whose constants
	 * are for the operations above with dim = pattern->nobserved.  Where `diagonal`
	 * the missing columns are left out; else the missing values are integrated out, at
	 * the best q(x_missing | component).  noise (NULL: none) is what update.c adds to
	 * each value's square: it is not there where the value is not.  work is dim x dim;
	 * where `diagonal`, NULL.
	 */
	void		(*condition) (int dim, const double *constants, const double *noise, const Pattern *pattern,
							  double *work, Conditional *out);

	/*
	 * Adds statistics of the observed columns to those of all columns, where there
	 * are missing values `count` times their covariance.  The count is stats[0], but where
	 * the statistics are a Gaussian's within a Student-t: there rows have
	 * weights, of which that covariance is free.
	 */
	void		(*complete) (const Pattern *pattern, const Conditional *conditional, const double *noise, double count,
							 const double *stats, double *to);

	/*
	 * Only of what can be a Gaussian within a Student-t.  `charge` returns what the missing
	 * columns have taken from the score as part of its quadratic form; `marginal` is
	 * `condition` without giving that back.
	 */
	double		(*charge) (int dim, const double *constants, const double *noise, const Pattern *pattern);
	void		(*marginal) (int dim, const double *constants, const Pattern *pattern, double *work, Conditional *out);

	/* The same of the predictive density; here the missing values' covariance is `predictive_spread` times that of the conditional. */
	void		(*condition_predictive) (int dim, const double *constants, const Pattern *pattern, double *work,
										 Conditional *out);
	double		(*predictive_spread) (int dim, const double *constants, const double *x);
};

/* What rows say of a parameter and how dense they are, by sums that all rows are in; `rows` is their count. */
extern double RowsOfSums(int dim, const double *stats);
extern void MessageOfSums(const LeafKernel *kernel, int dim, int param, const double *const *parents, const double *stats,
						  const double *noise, double *message);
extern double DensityOfSums(const LeafKernel *kernel, int dim, const double *const *parents, const double *stats,
							const double *noise);

#endif
