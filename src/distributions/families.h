/*
 * families.h
 *		The constant tables of the distributions, for the registry.
 */
#ifndef BNAI_FAMILIES_H
#define BNAI_FAMILIES_H

#include "distributions/leaf.h"

extern const Distribution Gaussian;
extern const Distribution GaussianARD;
extern const Distribution GaussianDiagonal;
extern const Distribution GaussianSpherical;
extern const Distribution StudentT;
extern const Distribution StudentTDiagonal;
extern const Distribution StudentTSpherical;
extern const Distribution Gamma;
extern const Distribution GammaVector;
extern const Distribution DegreesOfFreedom;
extern const Distribution Wishart;
extern const Distribution Dirichlet;
extern const Distribution Categorical;
extern const Distribution Mixture;

extern const LeafKernel GaussianLeaf;
extern const LeafKernel GaussianARDLeaf;
extern const LeafKernel GaussianDiagonalLeaf;
extern const LeafKernel GaussianSphericalLeaf;
extern const LeafKernel StudentTLeaf;
extern const LeafKernel StudentTDiagonalLeaf;
extern const LeafKernel StudentTSphericalLeaf;

/* Tables of leaves that others share. */
extern const ColumnKind MatrixColumns;
extern const LeafSearch QuadraticSearch;
extern const LeafSearch DiagonalSearch;
extern bool AnyNumber(double value);

/* Parts of the Gaussian kernel that the scalar one shares: they depend on the quadratic form only. */
extern double QuadraticScoreRow(int dim, const double *constants, const double *x);
extern double QuadraticConditionalRow(int dim, const double *constants, const double *x, int column);
extern int	QuadraticConstantsSize(int dim);
extern void QuadraticExpand(int dim, const double *stats, const double *noise, double *u);
extern void QuadraticCentre(int dim, const double *stats, double *mean);
extern void QuadraticSpread(int dim, const double *stats, double *covariance);
extern int	StudentSize(int dim);
extern void PrepareStudent(int dim, const double *location, const double *scale, double nu, double *constants);
extern double StudentRow(int dim, const double *constants, const double *x);
extern void QuadraticCondition(int dim, const double *constants, const double *noise, const Pattern *pattern,
							   double *work, Conditional *out);
extern void StudentCondition(int dim, const double *constants, const Pattern *pattern, double *work, Conditional *out);
extern double QuadraticCharge(int dim, const double *constants, const double *noise, const Pattern *pattern);
extern void QuadraticMarginal(int dim, const double *constants, const Pattern *pattern, double *work, Conditional *out);
extern double StudentStretch(int dim, double nu, double quadratic);
extern double StudentSpread(int dim, const double *constants, const double *x);

/* Parts of the diagonal kernel that the spherical one shares: for both, columns are independent given the precisions. */
extern int	DiagonalConstantsSize(int dim);
extern int	DiagonalStatsSize(int dim);
extern double DiagonalRows(int dim, const double *stats);
extern void DiagonalCentre(int dim, const double *stats, double *mean);
extern void DiagonalMarginal(int dim, const double *constants, const Pattern *pattern, double *work, Conditional *out);

/* Second moment of a column's mean, noise of the values counting like its uncertainty. */
extern double ColumnSecond(int dim, int j, const double *mu, const double *noise);

/* Writes the constants of one column, whose mean has this expectation and variance; the constant of all is the caller's. */
extern void SetDiagonalConstants(int dim, int j, double location, double variance, double tau, double log_tau,
								 double *constants);

/*
 * Counts of rows that lack columns, for leaves whose columns are independent: how
 * many have each column, and how many there are.  Rows that have all columns are
 * counted in one number, `whole`.
 */
extern int	PartialCountsSize(int dim);
extern void AddPartialCounts(const Pattern *pattern, double count, double *whole, double *partial);

/* Returns what such rows add to a log density whose linear form has all rows; column j's precision is tau[j * step]. */
extern double PartialDensity(int dim, const double *mu, const double *tau, const double *log_tau, int step,
							 const double *counts, const double *weights);

extern void DiagonalScore(int dim, const double *constants, const double *const *x, int rows, double *out);
extern void DiagonalAccumulate(int dim, const double *constants, const double *const *x, const double *r, int rows,
							   double *stats);
extern void DiagonalExpand(int dim, const double *stats, const double *noise, double *u);
extern void DiagonalSpread(int dim, const double *stats, double *variances);
extern double DiagonalScoreRow(int dim, const double *constants, const double *x);
extern double DiagonalConditionalRow(int dim, const double *constants, const double *x, int column);
extern void DiagonalCondition(int dim, const double *constants, const double *noise, const Pattern *pattern,
							  double *work, Conditional *out);
extern double DiagonalCharge(int dim, const double *constants, const double *noise, const Pattern *pattern);
extern void DiagonalComplete(const Pattern *pattern, const Conditional *conditional, const double *noise,
							 double count, const double *stats, double *to);
extern double ConditionScales(int dim, const double *constants, const Pattern *pattern, Conditional *out);
extern void DiagonalPrepareJoint(int dim, const double *const *params, const bool *fixed, double *constants);

/* One Student-t with a scale for each column: the predictive density of the spherical kernel, and of robust ones. */
extern int	ScaledStudentSize(int dim);
extern double ScaledStudentRow(int dim, const double *constants, const double *x);
extern void ScaledStudentCondition(int dim, const double *constants, const Pattern *pattern, double *work,
								   Conditional *out);
extern double ScaledStudentSpread(int dim, const double *constants, const double *x);

#endif
