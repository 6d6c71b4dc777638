/*
 * student_t_body.h
 *		A Student-t around a Gaussian family, its core, written once for all of
 *		them.
 *
 * Included by one file for each core, which defines CORE (its Distribution),
 * CORE_LEAF (its LeafKernel), CORE_PREDICTIVE: as CORE_LEAF's
 * prepare_predictive, but always one Student-t, whose log normaliser and degrees
 * of freedom are the first two constants; CORE_CHARGE, which returns what missing
 * columns have taken from the score as part of its quadratic form, and CORE_MARGINAL,
 * which is CORE_LEAF's condition without giving that back; and, where the core leaves
 * missing columns out, CORE_PARTIAL, the size of its PartialCounts, and
 * CORE_PARTIAL_DENSITY.  All that depends on the structure of the precision is asked
 * of these.
 *
 * Each row has a precision scale u of its own, x ~ N(mu, (u Lambda)^-1),
 * u ~ Gamma(nu/2, nu/2).  Given the component, q(u) = Gamma(a, b) with
 * a = (E[nu] + d)/2 and b = (E[nu] + E[(x-mu)^T Lambda (x-mu)])/2 is as good as
 * it can be, so that u is never stored: a row's part of the bound, with the
 * entropy of its q(u), is
 *
 *		E log|Lambda|/2 - d/2 log 2 pi + E[Psi(nu)] + log Gamma(a) - a log b
 *
 * and its statistics are those of the core with the weight E[u], and E[log u]
 * (Svensen & Bishop 2005, "Robust Bayesian mixture modelling"; Psi: see
 * degrees_of_freedom.c).  Leaves only.
 *
 * Given u the missing columns of a row are Gaussian with covariance
 * (u Lambda_mm)^-1.  With these integrated out, what is left of d/2 E[log u] is
 * the part of the columns that are there: as above with their number for d, but
 * for E log|Lambda| and the covariance of q(mu), which stay whole, and with
 * - log|E[Lambda]_mm| / 2 and the Schur complement.  E[u x_m x_m^T] has
 * Lambda_mm^-1 for each row, whatever its scale.  Where the core leaves missing
 * columns out, all of it is as if the row had no others than it has.
 */
#include <math.h>

#include "distributions/families.h"
#include "numerics/special.h"

/*
 * Statistics: count, then those of the core with weights E[u], then the sum of r
 * E[log u], then partial counts without weights.
 */
#define WEIGHTED 1
#define LOG_SCALE(dim) (1 + CORE_LEAF.stats_size(dim))
#define PARTIAL(dim) (LOG_SCALE(dim) + 1)

#ifndef CORE_PARTIAL
#define CORE_PARTIAL(dim) 0
#define CORE_PARTIAL_DENSITY(dim, parents, counts, weights) 0.0
#endif

/* Constants: those of the score, a, (E[nu] + tr(E[Lambda] Cov[mu]))/2, psi(a), then those of the core */
#define SHAPE 1
#define HALF_RATE 2
#define DIGAMMA 3
#define CORE_CONSTANTS 4

/* What a sweep should go of the way to where scales and precision are in balance */
#define SLOW 0.05

/* Where rows are given to components by a rule, their scales are about as for so many degrees of freedom */
#define START_DEGREES 5.0

static int
StudentTSize(int dim)
{
	return 2 + CORE.size(dim);
}

/* Returns E log|Lambda| / 2: what the log partition of the core is at 0. */
static double
HalfLogDeterminant(int dim, const double *precision)
{
	double	   *origin = palloc0(sizeof(double) * CORE.size(dim));
	const double *parents[MAX_PARAMS] = {origin, precision};
	double		half = CORE.log_partition(dim, parents);

	pfree(origin);
	return half;
}

static void
StudentTNatural(int dim, const double *const *parents, double *phi)
{
	double		nu = parents[2][0];

	phi[0] = CORE.log_partition(dim, parents) - HalfLogDeterminant(dim, parents[1]) - 0.5 * nu;
	CORE.natural(dim, parents, phi + 1);
	phi[1 + CORE.size(dim)] = 0.5 * nu;
}

static double
StudentTLogPartition(int dim, const double *const *parents)
{
	return HalfLogDeterminant(dim, parents[1]) + parents[2][1];
}

/* Adds the message to log|Lambda| alone: that of rows that lie where the mean is, at 0; `stats` are of the core. */
static void
LogDeterminantMessage(int dim, const double *precision, const double *stats, double *message)
{
	double	   *origin = palloc0(sizeof(double) * (CORE.size(dim) + dim));
	const double *noise = origin + CORE.size(dim);
	const double *parents[] = {origin, precision};

	CORE_LEAF.message(&CORE_LEAF, dim, 1, parents, stats, noise, message);
	pfree(origin);
}

/* A row counts for its weight, except in log|Lambda|, where it counts as one. */
static void
StudentTMessage(int dim, int param, const double *const *parents, const double *u, double count, double *message)
{
	double		weight = u[0];
	double	   *stats = palloc0(sizeof(double) * CORE_LEAF.stats_size(dim));

	stats[0] = count - weight;
	if (param < 2)
		CORE.message(dim, param, parents, u + 1, weight, message);
	if (param == 1)
		LogDeterminantMessage(dim, parents[1], stats, message);
	pfree(stats);
	if (param == 2)
	{
		message[0] += 0.5 * (u[1 + CORE.size(dim)] - weight);
		message[1] += count;
	}
}

static int
StudentTConstantsSize(int dim)
{
	return CORE_CONSTANTS + CORE_LEAF.constants_size(dim);
}

static bool
StudentTPrepare(int dim, const double *const *parents, const double *noise, double *constants)
{
	double		base = HalfLogDeterminant(dim, parents[1]) - 0.5 * dim * LOG_2PI;
	double		nu = parents[2][0];
	double		a = 0.5 * (nu + dim);
	double	   *core = constants + CORE_CONSTANTS;

	if (!CORE_LEAF.prepare(dim, parents, noise, core))
		return false;
	constants[0] = base + parents[2][1] + LogGamma(a);
	constants[SHAPE] = a;
	constants[HALF_RATE] = 0.5 * nu + base - core[0];
	constants[DIGAMMA] = Digamma(a);
	core[0] = 0.0;
	return true;
}

/* Writes the rates b of the rows' scales. */
static void
Rates(int dim, const double *constants, const double *const *x, int rows, double *b)
{
	ActiveKernels->fill(0.0, rows, b);
	CORE_LEAF.score(dim, constants + CORE_CONSTANTS, x, rows, b);
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
	return PARTIAL(dim) + CORE_PARTIAL(dim);
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
		CORE_LEAF.accumulate(dim, NULL, x, r, rows, stats + WEIGHTED * KERNEL_LANES);
		stats[LOG_SCALE(dim) * KERNEL_LANES] += count * (Digamma(start) - log(start));
		return;
	}
	Rates(dim, constants, x, rows, b);
	for (int n = 0; n < rows; n++)
		w[n] = r[n] * constants[SHAPE] / b[n];
	ActiveKernels->log_positive(rows, b);
	CORE_LEAF.accumulate(dim, constants + CORE_CONSTANTS, x, w, rows, stats + WEIGHTED * KERNEL_LANES);
	stats[LOG_SCALE(dim) * KERNEL_LANES] += count * constants[DIGAMMA] - ActiveKernels->dot(rows, r, b);
}

static void
StudentTExpand(int dim, const double *stats, const double *noise, double *u)
{
	u[0] = stats[WEIGHTED];
	CORE_LEAF.expand(dim, stats + WEIGHTED, noise, u + 1);
	u[1 + CORE.size(dim)] = stats[LOG_SCALE(dim)];
}

/* Returns how many rows lack some columns that the core leaves out. */
static double
PartialRows(int dim, const double *stats)
{
	return CORE_PARTIAL(dim) > 0 ? stats[PARTIAL(dim) + dim] : 0.0;
}

static double
StudentTRows(int dim, const double *stats)
{
	return stats[0] + PartialRows(dim, stats);
}

/* Adds to log|Lambda| what rows have that count for more or less than one elsewhere. */
static void
AddLogDeterminant(int dim, const double *precision, const double *stats, double *message)
{
	int			size = CORE_LEAF.stats_size(dim);
	double	   *rest = palloc0(sizeof(double) * size);

	rest[0] = stats[0] - stats[WEIGHTED];
	for (int i = 0; i < CORE_PARTIAL(dim); i++)
		rest[size - CORE_PARTIAL(dim) + i] = stats[PARTIAL(dim) + i] - stats[WEIGHTED + size - CORE_PARTIAL(dim) + i];
	LogDeterminantMessage(dim, precision, rest, message);
	pfree(rest);
}

static void
StudentTLeafMessage(const LeafKernel *kernel, int dim, int param, const double *const *parents, const double *stats,
					const double *noise, double *message)
{
	if (param < 2)
		CORE_LEAF.message(&CORE_LEAF, dim, param, parents, stats + WEIGHTED, noise, message);
	if (param == 1)
		AddLogDeterminant(dim, parents[1], stats, message);
	if (param == 2)
	{
		message[0] += 0.5 * (stats[LOG_SCALE(dim)] - CORE_LEAF.rows(dim, stats + WEIGHTED));
		message[1] += StudentTRows(dim, stats);
	}
}

/* Returns the expected log density; what rows lack is left out of what DensityOfSums has for whole ones. */
static double
StudentTDensity(const LeafKernel *kernel, int dim, const double *const *parents, const double *stats,
				const double *noise)
{
	double		partial_weight = CORE_LEAF.rows(dim, stats + WEIGHTED) - stats[WEIGHTED];

	return DensityOfSums(kernel, dim, parents, stats, noise)
		+ CORE_PARTIAL_DENSITY(dim, parents, stats + PARTIAL(dim), stats + LOG_SCALE(dim) - CORE_PARTIAL(dim))
		+ PartialRows(dim, stats) * parents[2][1] - 0.5 * parents[2][0] * partial_weight;
}

/* Returns the number of values that rows have which lack some columns that the core leaves out. */
static double
PartialValues(int dim, const double *stats)
{
	double		values = 0.0;

	for (int j = 0; j < CORE_PARTIAL(dim) - 1; j++)
		values += stats[PARTIAL(dim) + j];
	return values;
}

/*
 * q(u) = Gamma(a, b / s): of a row's part of the bound E log p(u | nu) gains
 * (nu/2 - 1) log s - nu/2 (s - 1) E[u], the entropy log s, and E log p(x | u)
 * d/2 log s beside what it says of Lambda.  Missing values that are not left out
 * stay where they are, with the covariance (u Lambda_mm)^-1 of the u before, so that d
 * is all columns and what they add to the statistics is multiplied, too.  A sweep goes
 * nu / (nu + d) of the way by itself.
 */
static bool
StudentTScales(int dim, const double *const *parents, const double *stats, double *rise, double *fall)
{
	double		nu = parents[2][0];

	*rise += 0.5 * (nu + dim) * stats[0] + 0.5 * (nu * PartialRows(dim, stats) + PartialValues(dim, stats));
	*fall += 0.5 * nu * CORE_LEAF.rows(dim, stats + WEIGHTED);
	return nu < SLOW * (nu + dim);
}

static void
StudentTRescale(int dim, double s, double *stats)
{
	for (int i = 0; i < CORE_LEAF.stats_size(dim); i++)
		stats[WEIGHTED + i] *= s;
	stats[LOG_SCALE(dim)] += StudentTRows(dim, stats) * log(s);
}

static void
StudentTCentre(int dim, const double *stats, double *mean)
{
	CORE_LEAF.search->centre(dim, stats + WEIGHTED, mean);
}

static void
StudentTSpread(int dim, const double *stats, double *spread)
{
	CORE_LEAF.search->spread(dim, stats + WEIGHTED, spread);
}

/* Returns the rate b of a row's scale. */
static double
RateRow(int dim, const double *constants, const double *x)
{
	return constants[HALF_RATE] - CORE_LEAF.score_row(dim, constants + CORE_CONSTANTS, x);
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
	const double *core = constants + CORE_CONSTANTS;
	double		at_mean = CORE_LEAF.conditional_row(dim, core, core + 1, column);
	double		distance = 2.0 * (at_mean - CORE_LEAF.conditional_row(dim, core, x, column));
	double		nu = 2.0 * constants[SHAPE] - 1.0;
	double		stretch = (2.0 * RateRow(dim, constants, x) - distance) / nu;

	return LogStudentT(distance / stretch, log(stretch) - 2.0 * at_mean - LOG_2PI, nu, 1);
}

static void
StudentTCondition(int dim, const double *constants, const double *noise, const Pattern *pattern, double *work,
				  Conditional *out)
{
	double		a = constants[SHAPE] - 0.5 * pattern->nmissing;
	Conditional core = *out;

	core.constants = out->constants + CORE_CONSTANTS;
	CORE_MARGINAL(dim, constants + CORE_CONSTANTS, pattern, work, &core);
	out->constants[0] = constants[0] + core.constants[0] - LogGamma(constants[SHAPE]) + LogGamma(a);
	out->constants[SHAPE] = a;
	out->constants[HALF_RATE] = constants[HALF_RATE] - CORE_CHARGE(dim, constants + CORE_CONSTANTS, noise, pattern);
	out->constants[DIGAMMA] = Digamma(a);
	core.constants[0] = 0.0;
}

static void
StudentTComplete(const Pattern *pattern, const Conditional *conditional, const double *noise, double count,
				 const double *stats, double *to)
{
	if (CORE_PARTIAL(pattern->dim) > 0)
		AddPartialCounts(pattern, count, to, to + PARTIAL(pattern->dim));
	else
		to[0] += count;
	CORE_LEAF.missing->complete(pattern, conditional, noise, count, stats + WEIGHTED, to + WEIGHTED);
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
			RaiseImproper("the degrees of freedom of a posterior are not proper");
		nu = u[0];
	}
	CORE_PREDICTIVE(dim, params, fixed, constants);
	before = constants[1];
	constants[1] = 1.0 / (1.0 / nu + 1.0 / before);
	constants[0] += LogStudentT(0.0, 0.0, constants[1], dim) - LogStudentT(0.0, 0.0, before, dim);
}

/* What the including file puts into its tables, beside names and what belongs to the core's structure */
#define STUDENT_T_OPERATIONS \
	.size = StudentTSize, \
	.natural = StudentTNatural, \
	.log_partition = StudentTLogPartition, \
	.message = StudentTMessage

#define STUDENT_T_KERNEL \
	.constants_size = StudentTConstantsSize, \
	.prepare = StudentTPrepare, \
	.score = StudentTScore, \
	.stats_size = StudentTStatsSize, \
	.accumulate = StudentTAccumulate, \
	.expand = StudentTExpand, \
	.rows = StudentTRows, \
	.message = StudentTLeafMessage, \
	.density = StudentTDensity, \
	.score_row = StudentTScoreRow, \
	.conditional_row = StudentTConditionalRow, \
	.prepare_predictive = StudentTPreparePredictive, \
	.scales = &Scales

static const LeafScales Scales = {
	.present = true,
	.balance = StudentTScales,
	.rescale = StudentTRescale,
};

#define STUDENT_T_SEARCH \
	.centre = StudentTCentre, \
	.spread = StudentTSpread

#define STUDENT_T_MISSING \
	.possible = true, \
	.condition = StudentTCondition, \
	.complete = StudentTComplete
