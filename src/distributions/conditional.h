/*
 * conditional.h
 *		Rows of which some columns are missing: the distribution of a leaf's
 *		columns that are there, and that of the others given them.
 *
 * All is read off one factor.  With U of the quadratic form |U (x - m)|^2 and
 * its columns put in the order missing, observed, rotations from the left make
 *
 *		R = [ A  B ]		|U d|^2 = |A d_m + B d_o|^2 + |C d_o|^2
 *		    [ 0  C ]
 *
 * so that C is the factor of the Schur complement, d_m = -A^-1 B d_o is where
 * the form is least, and (A^T A)^-1 the inverse of its block of missing columns
 * (Bishop 2006, 2.3.1 and 2.3.2).  Plain C: the same on every processor.
 *
 * Where columns are independent given the component (not `joint`), the others
 * say nothing of a missing one, and all takes memory and time in proportion to
 * the number of columns.
 */
#ifndef BNAI_CONDITIONAL_H
#define BNAI_CONDITIONAL_H

/* Which of a leaf's columns a row has */
typedef struct Pattern
{
	int			dim;
	int			nobserved;
	int			nmissing;
	int		   *observed;		/* in ascending order, as `missing` */
	int		   *missing;
} Pattern;

/* A leaf's distribution for rows of one pattern */
typedef struct Conditional
{
	double	   *constants;		/* of the leaf's kernel, for the observed columns */
	double	   *slopes;			/* nmissing x nobserved: expected missing values are offset + slopes x_o; NULL: 0 */
	double	   *offset;			/* nmissing */
	double	   *covariance;		/* nmissing x nmissing, of the missing values about that; without slopes its diagonal */
} Conditional;

/* Allocates a pattern for a leaf of that dimension, with nothing in it. */
extern Pattern *CreatePattern(int dim);

/* Reads the pattern off a row, whose missing values are NaN. */
extern void ReadPattern(const double *x, Pattern *pattern);

/* Doubles of a conditional whose kernel has that many constants; and a conditional in that memory. */
extern int	ConditionalSize(const Pattern *pattern, int constants_size, bool joint);
extern Conditional PlaceConditional(double *memory, const Pattern *pattern, int constants_size, bool joint);

/* Returns the expected value of missing column i, and its variance about that. */
extern double ExpectedValue(const Conditional *conditional, const Pattern *pattern, int i, const double *observed);
extern double ConditionalVariance(const Conditional *conditional, const Pattern *pattern, int i);

/*
 * Writes slopes, offset and (A^T A)^-1 for the form with the location m and the
 * packed factor u, and m and C of the observed columns behind one another to
 * `observed`.  R is dim x dim work space that holds the factor afterwards, with
 * a positive diagonal.
 */
extern void ConditionQuadratic(const double *m, const double *u, const Pattern *pattern, double *r, double *observed,
							   Conditional *out);

/*
 * Adds statistics of the observed columns to those of all, with the missing
 * values as they are expected; `count` times their covariance, and `noise`
 * (NULL: none) not, which is added to each value's square later.
 */
extern void CompleteQuadratic(const Pattern *pattern, const Conditional *conditional, const double *noise, double count,
							  const double *stats, double *to);

#endif
