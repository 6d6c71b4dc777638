/*
 * gaussian_ard.c
 *		GaussianARD(mu, alpha): a scalar with mean mu and precision alpha.
 *
 * u(x) = (x, x^2), phi = (alpha mu, -alpha/2),
 * g = -E[alpha] E[mu^2] / 2 + E[log alpha] / 2, f = -log(2 pi) / 2
 * (Winn & Bishop 2005, section 3.4).
 */
#include "postgres.h"

#include <math.h>

#include "distributions/families.h"
#include "numerics/special.h"

static int
GaussianARDSize(int dim)
{
	return 2;
}

static void
GaussianARDNatural(int dim, const double *const *parents, double *phi)
{
	phi[0] = parents[1][0] * parents[0][0];
	phi[1] = -0.5 * parents[1][0];
}

static double
GaussianARDLogPartition(int dim, const double *const *parents)
{
	return -0.5 * parents[1][0] * parents[0][1] + 0.5 * parents[1][1];
}

static bool
GaussianARDMoments(int dim, const double *phi, double *u, double *g)
{
	double		precision = -2.0 * phi[1];

	if (!(precision > 0.0 && isfinite(precision) && isfinite(phi[0])))
		return false;
	u[0] = phi[0] / precision;
	u[1] = u[0] * u[0] + 1.0 / precision;
	*g = -0.5 * phi[0] * u[0] + 0.5 * log(precision);
	return true;
}

static void
GaussianARDMessage(int dim, int param, const double *const *parents, const double *u, double count, double *message)
{
	if (param == 0)
	{
		message[0] += parents[1][0] * u[0];
		message[1] -= 0.5 * count * parents[1][0];
	}
	else
	{
		message[0] -= 0.5 * (u[1] - 2.0 * u[0] * parents[0][0] + count * parents[0][1]);
		message[1] += 0.5 * count;
	}
}

static void
GaussianARDFixed(int dim, const double *value, double *u)
{
	u[0] = value[0];
	u[1] = value[0] * value[0];
}

static void
GaussianARDParameters(int dim, const double *phi, double *params)
{
	params[1] = -2.0 * phi[1];
	params[0] = phi[0] / params[1];
}

static void
GaussianARDMean(int dim, const double *phi, const double *u, double *mean)
{
	mean[0] = u[0];
}

const Distribution GaussianARD = {
	.name = "GaussianARD",
	.leaf = &GaussianARDLeaf,
	.shape = SHAPE_SCALAR,
	.nparams = 2,
	.params = {
		{"mu", ROLE_LOCATION, SHAPE_SCALAR, &GaussianARD, false},
		{"alpha", ROLE_PRECISION, SHAPE_SCALAR, &Gamma, true},
	},
	.signature = "GaussianARD(mu, alpha)",
	.proper = "alpha must be positive.",
	.nmoments = 2,
	.moment_specs = {{"mean", SHAPE_SCALAR}, {"second_moment", SHAPE_SCALAR}},
	.size = GaussianARDSize,
	.natural = GaussianARDNatural,
	.log_partition = GaussianARDLogPartition,
	.moments = GaussianARDMoments,
	.message = GaussianARDMessage,
	.fixed = GaussianARDFixed,
	.parameters = GaussianARDParameters,
	.mean = GaussianARDMean,
};

static bool
GaussianARDPrepare(int dim, const double *const *parents, const double *noise, double *constants)
{
	const double *mu = parents[0];
	const double *alpha = parents[1];
	double		second = mu[1] + (noise != NULL ? noise[0] : 0.0);

	constants[0] = 0.5 * (alpha[1] - LOG_2PI - alpha[0] * (second - mu[0] * mu[0]));
	constants[1] = mu[0];
	constants[2] = sqrt(0.5 * alpha[0]);
	return true;
}

static void
GaussianARDScore(int dim, const double *constants, const double *const *x, int rows, double *out)
{
	ActiveKernels->quadratic_score(dim, constants, x, rows, out);
}

static void
GaussianARDAccumulate(int dim, const double *constants, const double *const *x, const double *r, int rows, double *stats)
{
	ActiveKernels->quadratic_sums(dim, x, r, rows, stats);
}

/* With q(alpha) = Gamma(a, b): nu = 2a, scale b / a + Var[mu]; see gaussian.c. */
static void
GaussianARDPreparePredictive(int dim, const double *const *params, const bool *fixed, double *constants)
{
	double		nu = fixed[1] ? INFINITY : 2.0 * params[1][0];
	double		scale = fixed[1] ? 1.0 / params[1][0] : params[1][1] / params[1][0];

	if (!fixed[0])
		scale += 1.0 / params[0][1];
	PrepareStudent(1, params[0], &scale, nu, constants);
}

/* One column is there or not: only what is expected of one that is not. */
static const LeafMissing GaussianARDMissing = {
	.possible = true,
	.joint = true,
	.condition = QuadraticCondition,
	.complete = CompleteQuadratic,
	.condition_predictive = StudentCondition,
	.spread = StudentSpread,
};

const LeafKernel GaussianARDLeaf = {
	.distribution = &GaussianARD,
	.columns = &RealColumns,
	.search = &QuadraticSearch,
	.scales = &NoScales,
	.missing = &GaussianARDMissing,
	.constants_size = QuadraticConstantsSize,
	.prepare = GaussianARDPrepare,
	.score = GaussianARDScore,
	.stats_size = QuadraticConstantsSize,
	.accumulate = GaussianARDAccumulate,
	.expand = QuadraticExpand,
	.rows = RowsOfSums,
	.message = MessageOfSums,
	.density = DensityOfSums,
	.score_row = QuadraticScoreRow,
	.conditional_row = QuadraticConditionalRow,
	.predictive_size = StudentSize,
	.prepare_predictive = GaussianARDPreparePredictive,
	.predictive_row = StudentRow,
};
