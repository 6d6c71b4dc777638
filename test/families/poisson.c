/*
 * poisson.c
 *		Poisson(l): a count with rate l, which is a number or a Gamma.
 *
 * u(x) = x, phi = E[log l], g = -E[l], f = -log x!.  Only in the test build: what
 * a family takes, in one file.
 */
#include "postgres.h"

#include <math.h>

#include "distributions/families.h"
#include "numerics/special.h"

extern const LeafKernel PoissonLeaf;

static int
PoissonSize(int dim)
{
	return 1;
}

static void
PoissonNatural(int dim, const double *const *parents, double *phi)
{
	phi[0] = parents[0][1];
}

static double
PoissonLogPartition(int dim, const double *const *parents)
{
	return -parents[0][0];
}

static void
PoissonMessage(int dim, int param, const double *const *parents, const double *u, double count, double *message)
{
	message[0] -= count;
	message[1] += u[0];
}

extern const Distribution Poisson;
const Distribution Poisson = {
	.name = "Poisson",
	.leaf = &PoissonLeaf,
	.shape = SHAPE_SCALAR,
	.nparams = 1,
	.params = {
		{"l", ROLE_INVARIANT, SHAPE_SCALAR, &Gamma, true},
	},
	.signature = "Poisson(l)",
	.proper = "l must be positive.",
	.size = PoissonSize,
	.natural = PoissonNatural,
	.log_partition = PoissonLogPartition,
	.message = PoissonMessage,
};

/* --- the leaf: constants are E[log l] and E[l], statistics the rows and the sum of x --- */

static int
Two(int dim)
{
	return 2;
}

static bool
PoissonPrepare(int dim, const double *const *parents, const double *noise, double *constants)
{
	constants[0] = parents[0][1];
	constants[1] = parents[0][0];
	return true;
}

static double
PoissonScoreRow(int dim, const double *constants, const double *x)
{
	return x[0] * constants[0] - constants[1] - LogGamma(x[0] + 1.0);
}

static void
PoissonScore(int dim, const double *constants, const double *const *x, int rows, double *out)
{
	for (int n = 0; n < rows; n++)
		out[n] += PoissonScoreRow(dim, constants, &x[0][n]);
}

static void
PoissonAccumulate(int dim, const double *constants, const double *const *x, const double *r, int rows, double *stats)
{
	for (int n = 0; n < rows; n++)
	{
		stats[n % KERNEL_LANES] += r[n];
		stats[KERNEL_LANES + n % KERNEL_LANES] += r[n] * x[0][n];
	}
}

static void
PoissonExpand(int dim, const double *stats, const double *noise, double *u)
{
	u[0] = stats[1];
}

static double
PoissonConditionalRow(int dim, const double *constants, const double *x, int column)
{
	return PoissonScoreRow(dim, constants, x);
}

/* A negative binomial, as constants a, b; or a Poisson, as l, infinity. */
static void
PoissonPreparePredictive(int dim, const double *const *params, const bool *fixed, double *constants)
{
	constants[0] = params[0][0];
	constants[1] = fixed[0] ? INFINITY : params[0][1];
}

static double
PoissonPredictiveRow(int dim, const double *constants, const double *x)
{
	double		a = constants[0];
	double		b = constants[1];

	if (isinf(b))
		return x[0] * log(a) - a - LogGamma(x[0] + 1.0);
	return LogGamma(a + x[0]) - LogGamma(a) - LogGamma(x[0] + 1.0) - a * log1p(1.0 / b) - x[0] * log1p(b);
}

static bool
IsCount(double value)
{
	return value >= 0.0 && value == floor(value);
}

static const ColumnKind Counts = {
	.most = 1,
	.framed = false,
	.recorded = false,
	.any = false,
	.valid = IsCount,
	.values = "whole numbers from 0 on",
};

static void
PoissonCentre(int dim, const double *stats, double *mean)
{
	if (stats[0] > 0.0)
		mean[0] = stats[1] / stats[0];
}

/* The variance of a count is its mean. */
static void
PoissonSpread(int dim, const double *stats, double *variance)
{
	variance[0] = stats[0] > 0.0 ? stats[1] / stats[0] : 0.0;
}

static const LeafSearch PoissonSearch = {
	.by_column = true,
	.centre = PoissonCentre,
	.spread = PoissonSpread,
};

const LeafKernel PoissonLeaf = {
	.distribution = &Poisson,
	.columns = &Counts,
	.search = &PoissonSearch,
	.scales = &NoScales,
	.missing = &NeedsWholeRows,
	.constants_size = Two,
	.prepare = PoissonPrepare,
	.score = PoissonScore,
	.stats_size = Two,
	.accumulate = PoissonAccumulate,
	.rows = RowsOfSums,
	.message = MessageOfSums,
	.density = DensityOfSums,
	.expand = PoissonExpand,
	.score_row = PoissonScoreRow,
	.conditional_row = PoissonConditionalRow,
	.predictive_size = Two,
	.prepare_predictive = PoissonPreparePredictive,
	.predictive_row = PoissonPredictiveRow,
};
