/*
 * student_t_spherical.c
 *		StudentTSpherical(mu, tau, nu): one precision for all columns, and a precision
 *		scale u of its own for each row; see student_t_body.h.
 *
 * The scale belongs to the whole row: what is far out in one column counts for
 * little in all of them.
 */
#include "postgres.h"

#include "distributions/families.h"

#define CORE GaussianSpherical
#define CORE_CHARGE DiagonalCharge
#define CORE_MARGINAL DiagonalMarginal
#define CORE_LEAF GaussianSphericalLeaf
#define CORE_PREDICTIVE GaussianSphericalLeaf.prepare_predictive
#define CORE_PARTIAL(dim) PartialCountsSize(dim)
#define CORE_PARTIAL_DENSITY(dim, parents, counts, weights) \
	PartialDensity(dim, parents[0], parents[1], parents[1] + 1, 0, counts, weights)

#include "distributions/student_t_body.h"

const Distribution StudentTSpherical = {
	.name = "StudentTSpherical",
	.leaf = &StudentTSphericalLeaf,
	.shape = SHAPE_VECTOR,
	.nparams = 3,
	.params = {
		{"mu", ROLE_LOCATION, SHAPE_VECTOR, &GaussianDiagonal, false},
		{"tau", ROLE_PRECISION, SHAPE_SCALAR, &Gamma, true},
		{"nu", ROLE_TAILS, SHAPE_SCALAR, &DegreesOfFreedom, true, 2.0},
	},
	.signature = "StudentTSpherical(mu, tau, nu)",
	.proper = "tau must be positive, and nu greater than 2.",
	STUDENT_T_OPERATIONS,
};

static const LeafSearch Search = {
	.by_column = true,
	STUDENT_T_SEARCH,
};

static const LeafMissing Missing = {
	STUDENT_T_MISSING,
	.joint = false,
	.condition_predictive = ScaledStudentCondition,
	.spread = ScaledStudentSpread,
};

const LeafKernel StudentTSphericalLeaf = {
	.distribution = &StudentTSpherical,
	.columns = &RealColumns,
	.search = &Search,
	.missing = &Missing,
	STUDENT_T_KERNEL,
	.predictive_size = ScaledStudentSize,
	.predictive_row = ScaledStudentRow,
};
