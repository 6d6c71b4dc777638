/*
 * families.h
 *		The constant tables of the distributions, for the registry.
 */
#ifndef BNAI_FAMILIES_H
#define BNAI_FAMILIES_H

#include "distributions/leaf.h"

extern const Distribution Gaussian;
extern const Distribution GaussianARD;
extern const Distribution Gamma;
extern const Distribution Wishart;
extern const Distribution Dirichlet;
extern const Distribution Categorical;
extern const Distribution Mixture;

extern const LeafKernel GaussianLeaf;
extern const LeafKernel GaussianARDLeaf;

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

#endif
