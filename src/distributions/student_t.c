/*
 * student_t.c
 *		StudentT(mu, Lambda, nu): a Gaussian with a precision scale u of its own
 *		for each row, x ~ N(mu, (u Lambda)^-1), u ~ Gamma(nu/2, nu/2).
 *
 * Given the component, q(u) = Gamma(a, b) with a = (E[nu] + d)/2 and
 * b = (E[nu] + E[(x-mu)^T Lambda (x-mu)])/2 is as good as it can be, so that u
 * is never stored: a row's part of the bound, with the entropy of its q(u), is
 *
 *		E log|Lambda|/2 - d/2 log 2 pi + E[Psi(nu)] + log Gamma(a) - a log b
 *
 * and its statistics are (E[u], E[u] x, E[u] x x^T, E[log u])
 * (Svensen & Bishop 2005, "Robust Bayesian mixture modelling"; Psi: see
 * degrees_of_freedom.c).  Leaves only.
 *
 * Given u the missing columns of a row are Gaussian with covariance
 * (u Lambda_mm)^-1.  With these integrated out, what is left of d/2 E[log u] is
 * the part of the columns that are there: as above with their number for d, but
 * for E log|Lambda| and the covariance of q(mu), which stay whole, and with
 * - log|E[Lambda]_mm| / 2 and the Schur complement.  E[u x_m x_m^T] has
 * Lambda_mm^-1 for each row, whatever its scale.
 */
#include "postgres.h"

#include <math.h>

#include "distributions/families.h"
#include "numerics/special.h"

/* Statistics: count, then the quadratic ones with weights E[u], then the sum of r E[log u] */
#define WEIGHTED 1
#define LOG_SCALE(dim) (1 + QuadraticSize(dim))

/* Constants: those of the score, a, (E[nu] + tr(E[Lambda] Cov[mu]))/2, psi(a), then quadratic ones */
#define SHAPE 1
#define HALF_RATE 2
#define DIGAMMA 3
#define QUADRATIC 4

/* Where rows are given to components by a rule, their scales are about as for so many degrees of freedom */
#define START_DEGREES 5.0

static int
StudentTSize(int dim)
{
	return 2 + dim + dim * dim;
}

static void
StudentTNatural(int dim, const double *const *parents, double *phi)
{
	const double *lambda = parents[1];
	double		nu = parents[2][0];

	phi[0] = Gaussian.log_partition(dim, parents) - 0.5 * lambda[dim * dim] - 0.5 * nu;
	Gaussian.natural(dim, parents, phi + 1);
	phi[1 + dim + dim * dim] = 0.5 * nu;
}

static double
StudentTLogPartition(int dim, const double *const *parents)
{
	return 0.5 * parents[1][dim * dim] + parents[2][1];
}

static void
StudentTMessage(int dim, int param, const double *const *parents, const double *u, double count, double *message)
{
	double		weight = u[0];

	if (param < 2)
		Gaussian.message(dim, param, parents, u + 1, weight, message);
	if (param == 1)
		message[dim * dim] += 0.5 * (count - weight);
	if (param == 2)
	{
		message[0] += 0.5 * (u[1 + dim + dim * dim] - weight);
		message[1] += count;
	}
}

const Distribution StudentT = {
	.name = "StudentT",
	.id = DIST_STUDENT_T,
	.shape = SHAPE_VECTOR,
	.nparams = 3,
	.params = {
		{"mu", ROLE_LOCATION, SHAPE_VECTOR, DIST_GAUSSIAN, false},
		{"Lambda", ROLE_PRECISION, SHAPE_MATRIX, DIST_WISHART, true},
		{"nu", ROLE_INVARIANT, SHAPE_SCALAR, DIST_DEGREES_OF_FREEDOM, true, 2.0},
	},
	.signature = "StudentT(mu, Lambda, nu)",
	.proper = "Lambda must be positive definite, and nu greater than 2.",
	.size = StudentTSize,
	.natural = StudentTNatural,
	.log_partition = StudentTLogPartition,
	.message = StudentTMessage,
};

static int
StudentTConstantsSize(int dim)
{
	return QUADRATIC + QuadraticSize(dim);
}

static bool
StudentTPrepare(int dim, const double *const *parents, double *constants)
{
	double		base = 0.5 * (parents[1][dim * dim] - dim * LOG_2PI);
	double		nu = parents[2][0];
	double		a = 0.5 * (nu + dim);
	double	   *quadratic = constants + QUADRATIC;

	if (!GaussianLeaf.prepare(dim, parents, quadratic))
		return false;
	constants[0] = base + parents[2][1] + LogGamma(a);
	constants[SHAPE] = a;
	constants[HALF_RATE] = 0.5 * nu + base - quadratic[0];
	constants[DIGAMMA] = Digamma(a);
	quadratic[0] = 0.0;
	return true;
}

/* Writes the rates b of the rows' scales. */
static void
Rates(int dim, const double *constants, const double *const *x, int rows, double *b)
{
	ActiveKernels->fill(0.0, rows, b);
	ActiveKernels->quadratic_score(dim, constants + QUADRATIC, x, rows, b);
	for (int n = 0; n < rows; n++)
		b[n] = constants[HALF_RATE] - b[n];
}

static void
StudentTScore(int dim, const double *constants, const double *const *x, int rows, double *out)
{
	double		b[KERNEL_MAX_ROWS];

	Rates(dim, constants, x, rows, b);
	ActiveKernels->log_positive(rows, b);
	for (int n = 0; n < rows; n++)
		out[n] += constants[0] - constants[SHAPE] * b[n];
}

static int
StudentTStatsSize(int dim)
{
	return 2 + QuadraticSize(dim);
}

static void
StudentTAccumulate(int dim, const double *constants, const double *const *x, const double *r, int rows, double *stats)
{
	double		b[KERNEL_MAX_ROWS];
	double		w[KERNEL_MAX_ROWS];
	double		start = 0.5 * (START_DEGREES + dim);
	double		count = 0.0;

	for (int n = 0; n < rows; n++)
		count += r[n];
	stats[0] += count;
	if (constants == NULL)
	{
		ActiveKernels->quadratic_sums(dim, x, r, rows, stats + WEIGHTED * KERNEL_LANES);
		stats[LOG_SCALE(dim) * KERNEL_LANES] += count * (Digamma(start) - log(start));
		return;
	}
	Rates(dim, constants, x, rows, b);
	for (int n = 0; n < rows; n++)
		w[n] = r[n] * constants[SHAPE] / b[n];
	ActiveKernels->log_positive(rows, b);
	ActiveKernels->quadratic_sums(dim, x, w, rows, stats + WEIGHTED * KERNEL_LANES);
	stats[LOG_SCALE(dim) * KERNEL_LANES] += count * constants[DIGAMMA] - ActiveKernels->dot(rows, r, b);
}

static void
StudentTExpand(int dim, const double *stats, const double *noise, double *u)
{
	u[0] = stats[WEIGHTED];
	QuadraticExpand(dim, stats + WEIGHTED, noise, u + 1);
	u[1 + dim + dim * dim] = stats[LOG_SCALE(dim)];
}

static void
StudentTCentre(int dim, const double *stats, double *mean)
{
	QuadraticCentre(dim, stats + WEIGHTED, mean);
}

static void
StudentTSpread(int dim, const double *stats, double *covariance)
{
	QuadraticSpread(dim, stats + WEIGHTED, covariance);
}

/* Returns the rate b of a row's scale. */
static double
RateRow(int dim, const double *constants, const double *x)
{
	return constants[HALF_RATE] - QuadraticScoreRow(dim, constants + QUADRATIC, x);
}

static double
StudentTScoreRow(int dim, const double *constants, const double *x)
{
	return constants[0] - constants[SHAPE] * log(RateRow(dim, constants, x));
}

/*
 * Given the other columns, column c is a Student-t with nu + d - 1 degrees of
 * freedom whose scale grows with the distance of the others (Roth 2013, "On
 * the multivariate t distribution", eq. 5.9).  The Gaussian's conditional gives
 * Lambda_cc, at the mean, and the distance that c adds.
 */
static double
StudentTConditionalRow(int dim, const double *constants, const double *x, int column)
{
	const double *quadratic = constants + QUADRATIC;
	double		at_mean = QuadraticConditionalRow(dim, quadratic, quadratic + 1, column);
	double		distance = 2.0 * (at_mean - QuadraticConditionalRow(dim, quadratic, x, column));
	double		nu = 2.0 * constants[SHAPE] - 1.0;
	double		stretch = (2.0 * RateRow(dim, constants, x) - distance) / nu;

	return LogStudentT(distance / stretch, log(stretch) - 2.0 * at_mean - LOG_2PI, nu, 1);
}

static void
StudentTCondition(int dim, const double *constants, const double *noise, const Pattern *pattern, double *work,
				  Conditional *out)
{
	double		a = constants[SHAPE] - 0.5 * pattern->nmissing;
	double		charge = ChargedNoise(dim, constants + QUADRATIC, noise, pattern);
	Conditional quadratic = *out;

	quadratic.constants = out->constants + QUADRATIC;
	QuadraticCondition(dim, constants + QUADRATIC, NULL, pattern, work, &quadratic);
	out->constants[0] = constants[0] + quadratic.constants[0] - LogGamma(constants[SHAPE]) + LogGamma(a);
	out->constants[SHAPE] = a;
	out->constants[HALF_RATE] = constants[HALF_RATE] - charge;
	out->constants[DIGAMMA] = Digamma(a);
	quadratic.constants[0] = 0.0;
}

static void
StudentTComplete(const Pattern *pattern, const Conditional *conditional, const double *noise, const double *stats,
				 double *to)
{
	to[0] += stats[0];
	CompleteQuadratic(pattern, conditional, noise, stats[0], stats + WEIGHTED, to + WEIGHTED);
	to[LOG_SCALE(pattern->dim)] += stats[LOG_SCALE(pattern->nobserved)];
}

/*
 * Two sources of heavy tails, the rows' scales and what is not known of
 * Lambda: a Student-t whose 1 / nu is the sum of theirs, which is exact where
 * one of them vanishes.
 */
static void
StudentTPreparePredictive(int dim, const double *const *params, const bool *fixed, double *constants)
{
	double		nu = params[2][0];
	double		before;

	if (!fixed[2])
	{
		double		phi[2] = {-params[2][0], params[2][1]};
		double		u[2];
		double		g;

		if (!DegreesOfFreedom.moments(1, phi, u, &g))
			elog(ERROR, "degrees of freedom of a posterior are not proper");
		nu = u[0];
	}
	GaussianLeaf.prepare_predictive(dim, params, fixed, constants);
	before = constants[1];
	constants[1] = 1.0 / (1.0 / nu + 1.0 / before);
	constants[0] += LogStudentT(0.0, 0.0, constants[1], dim) - LogStudentT(0.0, 0.0, before, dim);
}

const LeafKernel StudentTLeaf = {
	.distribution = DIST_STUDENT_T,
	.constants_size = StudentTConstantsSize,
	.prepare = StudentTPrepare,
	.score = StudentTScore,
	.stats_size = StudentTStatsSize,
	.accumulate = StudentTAccumulate,
	.expand = StudentTExpand,
	.centre = StudentTCentre,
	.spread = StudentTSpread,
	.score_row = StudentTScoreRow,
	.conditional_row = StudentTConditionalRow,
	.predictive_size = StudentSize,
	.prepare_predictive = StudentTPreparePredictive,
	.predictive_row = StudentRow,
	.condition = StudentTCondition,
	.complete = StudentTComplete,
	.condition_predictive = StudentCondition,
	.predictive_spread = StudentSpread,
};
