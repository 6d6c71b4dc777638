/*
 * describe.h
 *		Values of a posterior as SQL arrays.
 */
#ifndef BNAI_DESCRIBE_H
#define BNAI_DESCRIBE_H

#include "posterior/posterior.h"

/* A float8[] of a value: one element, a vector, or a matrix of two dimensions; NaN becomes NULL. */
extern Datum ValueArray(ValueShape shape, int dim, const double *values);

/* Writes the covariance that a precision of this shape stands for: its inverse, or one over the scalar. */
extern void InvertPrecision(ValueShape shape, int dim, const double *precision, double *covariance);

/*
 * Writes mean and covariance of a leaf for a component into the rows and
 * columns from `first` of a vector and a matrix of ncolumns; a leaf without
 * location and precision leaves them as they are.
 */
extern void DescribeLeaf(const Posterior *posterior, const PosteriorLeaf *leaf, int component, int first, int ncolumns,
						 double *mean, double *covariance);

/* Label of a plate of a node; NULL where the plates are not the components, or the component has none. */
extern const char *PlateLabel(const Posterior *posterior, const PosteriorNode *node, int plate);

/* Index of the parameter with a role, -1 if the distribution has none. */
extern int	FindParam(const Distribution *distribution, ParamRole role);

#endif							/* BNAI_DESCRIBE_H */
