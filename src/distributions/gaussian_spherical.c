/*
 * gaussian_spherical.c
 *		GaussianSpherical(mu, tau): x in R^d with mean mu and one precision tau
 *		for all columns, which are in the same units.
 *
 * u(x) = (x_j, x_j^2), phi = (tau mu_j, -tau/2),
 * g = -E[tau] E[|mu|^2] / 2 + d E[log tau] / 2; see gaussian_diagonal.c.  A leaf
 * only: messages to a global would make its precisions differ.
 */
#include "postgres.h"

#include <math.h>

#include "distributions/families.h"
#include "numerics/special.h"

static int
SphericalSize(int dim)
{
	return 2 * dim;
}

static void
SphericalNatural(int dim, const double *const *parents, double *phi)
{
	for (int j = 0; j < dim; j++)
	{
		phi[j] = parents[1][0] * parents[0][j];
		phi[dim + j] = -0.5 * parents[1][0];
	}
}

static double
SphericalLogPartition(int dim, const double *const *parents)
{
	double		square = 0.0;

	for (int j = 0; j < dim; j++)
		square += parents[0][dim + j];
	return 0.5 * (dim * parents[1][1] - parents[1][0] * square);
}

/* Adds the message of children of which column j has counts[j * step]. */
static void
ColumnsMessage(int dim, int param, const double *const *parents, const double *u, const double *counts, int step,
			   double *message)
{
	const double *mu = parents[0];

	for (int j = 0; j < dim; j++)
	{
		double		count = counts[j * step];

		if (param == 0)
		{
			message[j] += parents[1][0] * u[j];
			message[dim + j] -= 0.5 * count * parents[1][0];
		}
		else
		{
			message[0] -= 0.5 * (u[dim + j] - 2.0 * u[j] * mu[j] + count * mu[dim + j]);
			message[1] += 0.5 * count;
		}
	}
}

static void
SphericalMessage(int dim, int param, const double *const *parents, const double *u, double count, double *message)
{
	ColumnsMessage(dim, param, parents, u, &count, 0, message);
}

const Distribution GaussianSpherical = {
	.name = "GaussianSpherical",
	.leaf = &GaussianSphericalLeaf,
	.shape = SHAPE_VECTOR,
	.nparams = 2,
	.params = {
		{"mu", ROLE_LOCATION, SHAPE_VECTOR, &GaussianDiagonal, false},
		{"tau", ROLE_PRECISION, SHAPE_SCALAR, &Gamma, true},
	},
	.signature = "GaussianSpherical(mu, tau)",
	.proper = "tau must be positive.",
	.size = SphericalSize,
	.natural = SphericalNatural,
	.log_partition = SphericalLogPartition,
	.message = SphericalMessage,
};

/* The leaf: constants as in gaussian_diagonal.c. */
static bool
SphericalPrepare(int dim, const double *const *parents, const double *noise, double *constants)
{
	const double *mu = parents[0];
	const double *tau = parents[1];

	constants[0] = 0.5 * dim * (tau[1] - LOG_2PI);
	for (int j = 0; j < dim; j++)
	{
		double		variance = ColumnSecond(dim, j, mu, noise) - mu[j] * mu[j];

		constants[0] -= 0.5 * tau[0] * variance;
		SetDiagonalConstants(dim, j, mu[j], variance, tau[0], tau[1], constants);
	}
	return true;
}

static void
SphericalLeafMessage(const LeafKernel *kernel, int dim, int param, const double *const *parents, const double *stats,
					 const double *noise, double *message)
{
	double	   *u = palloc(sizeof(double) * 3 * dim);
	double	   *counts = u + 2 * dim;

	DiagonalExpand(dim, stats, noise, u);
	for (int j = 0; j < dim; j++)
		counts[j] = stats[0] + stats[DiagonalKernelSize(dim) + j];
	ColumnsMessage(dim, param, parents, u, counts, 1, message);
	pfree(u);
}

static double
SphericalDensity(const LeafKernel *kernel, int dim, const double *const *parents, const double *stats,
				 const double *noise)
{
	const double *partial = stats + DiagonalKernelSize(dim);

	return DensityOfSums(kernel, dim, parents, stats, noise)
		+ PartialDensity(dim, parents[0], parents[1], parents[1] + 1, 0, partial, partial);
}

/* --- posterior predictive: one Student-t, as constants log normaliser, nu, location, 1 / scale --- */

int
ScaledStudentSize(int dim)
{
	return 2 + 2 * dim;
}

/* With q(tau) = Gamma(a, b): nu = 2a, scale b / a + Var[mu_j]; see gaussian.c. */
static void
SphericalPreparePredictive(int dim, const double *const *params, const bool *fixed, double *constants)
{
	double		nu = fixed[1] ? INFINITY : 2.0 * params[1][0];
	double		log_det = 0.0;

	for (int j = 0; j < dim; j++)
	{
		double		scale = fixed[1] ? 1.0 / params[1][0] : params[1][1] / params[1][0];

		if (!fixed[0])
			scale += 1.0 / params[0][dim + j];
		log_det += log(scale);
		constants[2 + j] = params[0][j];
		constants[2 + dim + j] = 1.0 / scale;
	}
	constants[0] = LogStudentT(0.0, log_det, nu, dim);
	constants[1] = nu;
}

/* Returns the quadratic form of the scale at x. */
static double
ScaleQuadratic(int dim, const double *constants, const double *x)
{
	double		quadratic = 0.0;
	const double *m = constants + 2;
	const double *precision = m + dim;

	for (int j = 0; j < dim; j++)
		quadratic += (x[j] - m[j]) * (x[j] - m[j]) * precision[j];
	return quadratic;
}

double
ScaledStudentRow(int dim, const double *constants, const double *x)
{
	double		nu = constants[1];
	double		quadratic = ScaleQuadratic(dim, constants, x);

	return constants[0] - (isinf(nu) ? 0.5 * quadratic : 0.5 * (nu + dim) * log1p(quadratic / nu));
}

void
ScaledStudentCondition(int dim, const double *constants, const Pattern *pattern, double *work, Conditional *out)
{
	double		log_det = ConditionScales(dim, constants, pattern, out);

	out->constants[0] = LogStudentT(0.0, log_det, constants[1], pattern->nobserved);
}

/* Columns have one precision, or one scale of it, of which the others tell: see gaussian.c. */
double
ScaledStudentSpread(int dim, const double *constants, const double *x)
{
	return StudentStretch(dim, constants[1], ScaleQuadratic(dim, constants, x));
}

static const LeafMissing GaussianSphericalMissing = {
	.possible = true,
	.joint = false,
	.condition = DiagonalCondition,
	.complete = DiagonalComplete,
	.condition_predictive = ScaledStudentCondition,
	.spread = ScaledStudentSpread,
};

const LeafKernel GaussianSphericalLeaf = {
	.distribution = &GaussianSpherical,
	.columns = &RealColumns,
	.search = &DiagonalSearch,
	.scales = &NoScales,
	.missing = &GaussianSphericalMissing,
	.constants_size = DiagonalConstantsSize,
	.prepare = SphericalPrepare,
	.score = DiagonalScore,
	.stats_size = DiagonalStatsSize,
	.accumulate = DiagonalAccumulate,
	.expand = DiagonalExpand,
	.rows = DiagonalRows,
	.message = SphericalLeafMessage,
	.density = SphericalDensity,
	.score_row = DiagonalScoreRow,
	.conditional_row = DiagonalConditionalRow,
	.predictive_size = ScaledStudentSize,
	.prepare_predictive = SphericalPreparePredictive,
	.predictive_row = ScaledStudentRow,
};
