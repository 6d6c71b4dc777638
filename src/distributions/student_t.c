/*
 * student_t.c
 *		StudentT(mu, Lambda, nu): a Gaussian with a precision scale u of its own
 *		for each row; see student_t_body.h.
 */
#include "postgres.h"

#include "distributions/families.h"

#define CORE Gaussian
#define CORE_CHARGE QuadraticCharge
#define CORE_MARGINAL QuadraticMarginal
#define CORE_LEAF GaussianLeaf
#define CORE_PREDICTIVE GaussianLeaf.prepare_predictive

#include "distributions/student_t_body.h"

const Distribution StudentT = {
	.name = "StudentT",
	.leaf = &StudentTLeaf,
	.shape = SHAPE_VECTOR,
	.nparams = 3,
	.params = {
		{"mu", ROLE_LOCATION, SHAPE_VECTOR, &Gaussian, false},
		{"Lambda", ROLE_PRECISION, SHAPE_MATRIX, &Wishart, true},
		{"nu", ROLE_TAILS, SHAPE_SCALAR, &DegreesOfFreedom, true, 2.0},
	},
	.signature = "StudentT(mu, Lambda, nu)",
	.proper = "Lambda must be positive definite, and nu greater than 2.",
	STUDENT_T_OPERATIONS,
};

static const LeafSearch Search = {
	.by_column = false,
	STUDENT_T_SEARCH,
};

static const LeafMissing Missing = {
	STUDENT_T_MISSING,
	.joint = true,
	.condition_predictive = StudentCondition,
	.spread = StudentSpread,
};

const LeafKernel StudentTLeaf = {
	.distribution = &StudentT,
	.columns = &MatrixColumns,
	.search = &Search,
	.missing = &Missing,
	STUDENT_T_KERNEL,
	.predictive_size = StudentSize,
	.predictive_row = StudentRow,
};
