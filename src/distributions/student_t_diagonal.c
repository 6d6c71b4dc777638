/*
 * student_t_diagonal.c
 *		StudentTDiagonal(mu, tau, nu): a precision for each column, and a precision
 *		scale u of its own for each row; see student_t_body.h.
 *
 * The scale belongs to the whole row: what is far out in one column counts for
 * little in all of them.
 */
#include "postgres.h"

#include "distributions/families.h"

#define CORE GaussianDiagonal
#define CORE_LEAF GaussianDiagonalLeaf
#define CORE_PREDICTIVE DiagonalPrepareJoint
#define CORE_PARTIAL(dim) PartialCountsSize(dim)
#define CORE_PARTIAL_DENSITY(dim, parents, counts, weights) \
	PartialDensity(dim, parents[0], parents[1], parents[1] + (dim), 1, counts, weights)

#include "distributions/student_t_body.h"

const Distribution StudentTDiagonal = {
	.name = "StudentTDiagonal",
	.leaf = &StudentTDiagonalLeaf,
	.shape = SHAPE_VECTOR,
	.nparams = 3,
	.params = {
		{"mu", ROLE_LOCATION, SHAPE_VECTOR, &GaussianDiagonal, false},
		{"tau", ROLE_PRECISION, SHAPE_VECTOR, &GammaVector, true},
		{"nu", ROLE_TAILS, SHAPE_SCALAR, &DegreesOfFreedom, true, 2.0},
	},
	.signature = "StudentTDiagonal(mu, tau, nu)",
	.proper = "All elements of tau must be positive, and nu greater than 2.",
	STUDENT_T_OPERATIONS,
};

const LeafKernel StudentTDiagonalLeaf = {
	.distribution = &StudentTDiagonal,
	STUDENT_T_KERNEL,
	.diagonal = true,
	.predictive_size = ScaledStudentSize,
	.predictive_row = ScaledStudentRow,
	.condition_predictive = ScaledStudentCondition,
	.predictive_spread = ScaledStudentSpread,
};
