/*
 * bernoulli.c
 *		Bernoulli(p): 1 or 0, and Beta(a, b), which its p may be.
 *
 * u(x) = (x, 1 - x), phi = (E[log p], E[log (1 - p)]), g = f = 0.  Only in the test
 * build: what a family takes, in one file.
 */
#include "postgres.h"

#include <math.h>

#include "distributions/families.h"
#include "numerics/special.h"

/* --- Beta(a, b): u(p) = (log p, log (1 - p)), phi = (a, b), f = -u_1 - u_2 --- */

static int
Two(int dim)
{
	return 2;
}

static void
BetaNatural(int dim, const double *const *parents, double *phi)
{
	phi[0] = parents[0][0];
	phi[1] = parents[1][0];
}

static double
BetaPartition(double a, double b)
{
	return LogGamma(a + b) - LogGamma(a) - LogGamma(b);
}

static double
BetaLogPartition(int dim, const double *const *parents)
{
	return BetaPartition(parents[0][0], parents[1][0]);
}

static bool
BetaMoments(int dim, const double *phi, double *u, double *g)
{
	if (!(phi[0] > 0.0 && phi[1] > 0.0 && isfinite(phi[0]) && isfinite(phi[1])))
		return false;
	u[0] = Digamma(phi[0]) - Digamma(phi[0] + phi[1]);
	u[1] = Digamma(phi[1]) - Digamma(phi[0] + phi[1]);
	*g = BetaPartition(phi[0], phi[1]);
	return true;
}

/* Its parameters are numbers. */
static void
BetaMessage(int dim, int param, const double *const *parents, const double *u, double count, double *message)
{
}

static void
BetaFixed(int dim, const double *value, double *u)
{
	u[0] = log(value[0]);
	u[1] = log1p(-value[0]);
}

static void
BetaParameters(int dim, const double *phi, double *params)
{
	params[0] = phi[0];
	params[1] = phi[1];
}

static void
BetaMean(int dim, const double *phi, const double *u, double *mean)
{
	mean[0] = phi[0] / (phi[0] + phi[1]);
}

extern const Distribution Beta;
const Distribution Beta = {
	.name = "Beta",
	.shape = SHAPE_SCALAR,
	.nparams = 2,
	.params = {
		{"a", ROLE_INVARIANT, SHAPE_SCALAR, NULL, true},
		{"b", ROLE_INVARIANT, SHAPE_SCALAR, NULL, true},
	},
	.signature = "Beta(a, b)",
	.proper = "a and b must be positive.",
	.nmoments = 2,
	.moment_specs = {{"mean_log", SHAPE_SCALAR}, {"mean_log_complement", SHAPE_SCALAR}},
	.size = Two,
	.natural = BetaNatural,
	.log_partition = BetaLogPartition,
	.moments = BetaMoments,
	.message = BetaMessage,
	.fixed = BetaFixed,
	.parameters = BetaParameters,
	.mean = BetaMean,
};

/* --- Bernoulli(p) --- */

extern const LeafKernel BernoulliLeaf;

static void
BernoulliNatural(int dim, const double *const *parents, double *phi)
{
	phi[0] = parents[0][0];
	phi[1] = parents[0][1];
}

static double
BernoulliLogPartition(int dim, const double *const *parents)
{
	return 0.0;
}

static void
BernoulliMessage(int dim, int param, const double *const *parents, const double *u, double count, double *message)
{
	message[0] += u[0];
	message[1] += u[1];
}

extern const Distribution Bernoulli;
const Distribution Bernoulli = {
	.name = "Bernoulli",
	.leaf = &BernoulliLeaf,
	.shape = SHAPE_SCALAR,
	.nparams = 1,
	.params = {
		{"p", ROLE_INVARIANT, SHAPE_SCALAR, &Beta, true},
	},
	.signature = "Bernoulli(p)",
	.proper = "p must lie between 0 and 1.",
	.size = Two,
	.natural = BernoulliNatural,
	.log_partition = BernoulliLogPartition,
	.message = BernoulliMessage,
};

/* The leaf: constants are E[log (1 - p)] and E[log p], statistics the rows and the sum of x. */
static bool
BernoulliPrepare(int dim, const double *const *parents, const double *noise, double *constants)
{
	constants[0] = parents[0][1];
	constants[1] = parents[0][0];
	return true;
}

static double
BernoulliScoreRow(int dim, const double *constants, const double *x)
{
	return constants[x[0] == 1.0];
}

static void
BernoulliScore(int dim, const double *constants, const double *const *x, int rows, double *out)
{
	for (int n = 0; n < rows; n++)
		out[n] += constants[x[0][n] == 1.0];
}

static void
BernoulliAccumulate(int dim, const double *constants, const double *const *x, const double *r, int rows, double *stats)
{
	for (int n = 0; n < rows; n++)
	{
		stats[n % KERNEL_LANES] += r[n];
		stats[KERNEL_LANES + n % KERNEL_LANES] += r[n] * x[0][n];
	}
}

static void
BernoulliExpand(int dim, const double *stats, const double *noise, double *u)
{
	u[0] = stats[1];
	u[1] = stats[0] - stats[1];
}

static double
BernoulliConditionalRow(int dim, const double *constants, const double *x, int column)
{
	return BernoulliScoreRow(dim, constants, x);
}

static void
BernoulliPreparePredictive(int dim, const double *const *params, const bool *fixed, double *constants)
{
	double		p = fixed[0] ? params[0][0] : params[0][0] / (params[0][0] + params[0][1]);

	constants[0] = log1p(-p);
	constants[1] = log(p);
}

static bool
IsFlag(double value)
{
	return value == 0.0 || value == 1.0;
}

static const ColumnKind Flags = {
	.most = 1,
	.framed = false,
	.recorded = false,
	.any = false,
	.valid = IsFlag,
	.values = "0 and 1",
};

static void
BernoulliCentre(int dim, const double *stats, double *mean)
{
	if (stats[0] > 0.0)
		mean[0] = stats[1] / stats[0];
}

static void
BernoulliSpread(int dim, const double *stats, double *variance)
{
	double		p = stats[0] > 0.0 ? stats[1] / stats[0] : 0.0;

	variance[0] = p * (1.0 - p);
}

static const LeafSearch BernoulliSearch = {
	.by_column = true,
	.centre = BernoulliCentre,
	.spread = BernoulliSpread,
};

const LeafKernel BernoulliLeaf = {
	.distribution = &Bernoulli,
	.columns = &Flags,
	.search = &BernoulliSearch,
	.scales = &NoScales,
	.missing = &NeedsWholeRows,
	.constants_size = Two,
	.prepare = BernoulliPrepare,
	.score = BernoulliScore,
	.stats_size = Two,
	.accumulate = BernoulliAccumulate,
	.rows = RowsOfSums,
	.message = MessageOfSums,
	.density = DensityOfSums,
	.expand = BernoulliExpand,
	.score_row = BernoulliScoreRow,
	.conditional_row = BernoulliConditionalRow,
	.predictive_size = Two,
	.prepare_predictive = BernoulliPreparePredictive,
	.predictive_row = BernoulliScoreRow,
};
