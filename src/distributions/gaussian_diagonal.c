/*
 * gaussian_diagonal.c
 *		GaussianDiagonal(mu, tau): x in R^d with mean mu and a precision tau_j of
 *		its own for each column.
 *
 * u(x) = (x_j, x_j^2), phi = (tau_j mu_j, -tau_j/2),
 * g = sum_j -E[tau_j] E[mu_j^2] / 2 + E[log tau_j] / 2; see gaussian_ard.c,
 * which is one of these columns.  Nothing grows with the square of d.
 */
#include "postgres.h"

#include <math.h>

#include "distributions/families.h"
#include "numerics/special.h"

static int
DiagonalSize(int dim)
{
	return 2 * dim;
}

static void
DiagonalNatural(int dim, const double *const *parents, double *phi)
{
	for (int j = 0; j < dim; j++)
	{
		phi[j] = parents[1][j] * parents[0][j];
		phi[dim + j] = -0.5 * parents[1][j];
	}
}

static double
DiagonalLogPartition(int dim, const double *const *parents)
{
	double		g = 0.0;

	for (int j = 0; j < dim; j++)
		g += 0.5 * (parents[1][dim + j] - parents[1][j] * parents[0][dim + j]);
	return g;
}

static bool
DiagonalMoments(int dim, const double *phi, double *u, double *g)
{
	*g = 0.0;
	for (int j = 0; j < dim; j++)
	{
		double		precision = -2.0 * phi[dim + j];

		if (!(precision > 0.0 && isfinite(precision) && isfinite(phi[j])))
			return false;
		u[j] = phi[j] / precision;
		u[dim + j] = u[j] * u[j] + 1.0 / precision;
		*g += 0.5 * (log(precision) - phi[j] * u[j]);
	}
	return true;
}

static void
DiagonalMessage(int dim, int param, const double *const *parents, const double *u, double count, double *message)
{
	const double *mu = parents[0];

	for (int j = 0; j < dim; j++)
		if (param == 0)
		{
			message[j] += parents[1][j] * u[j];
			message[dim + j] -= 0.5 * count * parents[1][j];
		}
		else
		{
			message[j] -= 0.5 * (u[dim + j] - 2.0 * u[j] * mu[j] + count * mu[dim + j]);
			message[dim + j] += 0.5 * count;
		}
}

static void
DiagonalFixed(int dim, const double *value, double *u)
{
	for (int j = 0; j < dim; j++)
	{
		u[j] = value[j];
		u[dim + j] = value[j] * value[j];
	}
}

static void
DiagonalParameters(int dim, const double *phi, double *params)
{
	for (int j = 0; j < dim; j++)
	{
		params[dim + j] = -2.0 * phi[dim + j];
		params[j] = phi[j] / params[dim + j];
	}
}

static void
DiagonalMean(int dim, const double *phi, const double *u, double *mean)
{
	memcpy(mean, u, sizeof(double) * dim);
}

const Distribution GaussianDiagonal = {
	.name = "GaussianDiagonal",
	.id = DIST_GAUSSIAN_DIAGONAL,
	.shape = SHAPE_VECTOR,
	.nparams = 2,
	.params = {
		{"mu", ROLE_LOCATION, SHAPE_VECTOR, DIST_GAUSSIAN_DIAGONAL, false},
		{"tau", ROLE_PRECISION, SHAPE_VECTOR, DIST_GAMMA_VECTOR, true},
	},
	.signature = "GaussianDiagonal(mu, tau)",
	.proper = "All elements of tau must be positive.",
	.nmoments = 2,
	.moment_specs = {{"mean", SHAPE_VECTOR}, {"second_moment", SHAPE_VECTOR}},
	.size = DiagonalSize,
	.natural = DiagonalNatural,
	.log_partition = DiagonalLogPartition,
	.moments = DiagonalMoments,
	.message = DiagonalMessage,
	.fixed = DiagonalFixed,
	.parameters = DiagonalParameters,
	.mean = DiagonalMean,
};

/*
 * The leaf: with w_j = E[tau_j] / 2 the expected log density is
 * c - sum_j w_j (x_j - m_j)^2; constants are c, m, w.
 */
int
DiagonalConstantsSize(int dim)
{
	return DiagonalKernelSize(dim);
}

static bool
DiagonalPrepare(int dim, const double *const *parents, double *constants)
{
	const double *mu = parents[0];
	const double *tau = parents[1];

	constants[0] = -0.5 * dim * LOG_2PI;
	for (int j = 0; j < dim; j++)
	{
		constants[0] += 0.5 * (tau[dim + j] - tau[j] * (mu[dim + j] - mu[j] * mu[j]));
		constants[1 + j] = mu[j];
		constants[1 + dim + j] = 0.5 * tau[j];
	}
	return true;
}

void
DiagonalScore(int dim, const double *constants, const double *const *x, int rows, double *out)
{
	ActiveKernels->diagonal_score(dim, constants, x, rows, out);
}

void
DiagonalAccumulate(int dim, const double *constants, const double *const *x, const double *r, int rows, double *stats)
{
	ActiveKernels->diagonal_sums(dim, x, r, rows, stats);
}

void
DiagonalExpand(int dim, const double *stats, const double *noise, double *u)
{
	memcpy(u, stats + 1, sizeof(double) * 2 * dim);
	for (int j = 0; j < dim; j++)
		u[dim + j] += stats[0] * noise[j];
}

void
DiagonalSpread(int dim, const double *stats, double *variances)
{
	const double *s = stats + 1;
	const double *ss = s + dim;

	for (int j = 0; j < dim; j++)
		variances[j] = ss[j] / stats[0] - (s[j] / stats[0]) * (s[j] / stats[0]);
}

double
DiagonalScoreRow(int dim, const double *constants, const double *x)
{
	const double *m = constants + 1;
	const double *w = m + dim;
	double		score = constants[0];

	for (int j = 0; j < dim; j++)
		score -= w[j] * (x[j] - m[j]) * (x[j] - m[j]);
	return score;
}

/* Given the component, columns are independent. */
double
DiagonalConditionalRow(int dim, const double *constants, const double *x, int column)
{
	double		w = constants[1 + dim + column];
	double		d = x[column] - constants[1 + column];

	return 0.5 * log(w / M_PI) - w * d * d;
}

double
DiagonalCharge(int dim, const double *constants, const double *noise, const Pattern *pattern)
{
	const double *w = constants + 1 + dim;
	double		charge = 0.0;

	for (int i = 0; noise != NULL && i < pattern->nmissing; i++)
		charge += noise[pattern->missing[i]] * w[pattern->missing[i]];
	return charge;
}

/*
 * Integrates the missing values out, each for itself: 1/2 log pi - 1/2 log w_j,
 * as in gaussian.c.
 */
void
DiagonalCondition(int dim, const double *constants, const double *noise, const Pattern *pattern, double *work,
				  Conditional *out)
{
	const double *m = constants + 1;
	const double *w = m + dim;
	int			n = pattern->nobserved;

	out->constants[0] = constants[0] + DiagonalCharge(dim, constants, noise, pattern);
	for (int i = 0; i < pattern->nmissing; i++)
	{
		int			j = pattern->missing[i];

		out->constants[0] += 0.5 * log(M_PI / w[j]);
		out->offset[i] = m[j];
		out->covariance[i] = 0.5 / w[j];
	}
	for (int i = 0; i < n; i++)
	{
		out->constants[1 + i] = m[pattern->observed[i]];
		out->constants[1 + n + i] = w[pattern->observed[i]];
	}
}

void
DiagonalComplete(const Pattern *pattern, const Conditional *conditional, const double *noise, double count,
				 const double *stats, double *to)
{
	const double *s = stats + 1;
	const double *ss = s + pattern->nobserved;
	double	   *to_ss = to + 1 + pattern->dim;

	to[0] += stats[0];
	for (int i = 0; i < pattern->nobserved; i++)
	{
		to[1 + pattern->observed[i]] += s[i];
		to_ss[pattern->observed[i]] += ss[i];
	}
	for (int i = 0; i < pattern->nmissing; i++)
	{
		int			j = pattern->missing[i];
		double		value = conditional->offset[i];

		to[1 + j] += stats[0] * value;
		to_ss[j] += stats[0] * (value * value - (noise ? noise[j] : 0.0)) + count * conditional->covariance[i];
	}
}

/* --- posterior predictive: a product of Student-t, as constants log normaliser, nu, location, 1 / scale --- */

static int
DiagonalPredictiveSize(int dim)
{
	return 2 + 2 * dim;
}

/* With q(tau_j) = Gamma(a, b_j): nu = 2a, scale b_j / a + Var[mu_j]; see gaussian_ard.c. */
static void
DiagonalPreparePredictive(int dim, const double *const *params, const bool *fixed, double *constants)
{
	double		nu = fixed[1] ? INFINITY : 2.0 * params[1][0];

	constants[0] = 0.0;
	constants[1] = nu;
	for (int j = 0; j < dim; j++)
	{
		double		scale = fixed[1] ? 1.0 / params[1][j] : params[1][1 + j] / params[1][0];

		if (!fixed[0])
			scale += 1.0 / params[0][dim + j];
		constants[0] += LogStudentT(0.0, log(scale), nu, 1);
		constants[2 + j] = params[0][j];
		constants[2 + dim + j] = 1.0 / scale;
	}
}

static double
DiagonalPredictiveRow(int dim, const double *constants, const double *x)
{
	double		nu = constants[1];
	double		density = constants[0];
	const double *m = constants + 2;
	const double *precision = m + dim;

	for (int j = 0; j < dim; j++)
	{
		double		quadratic = (x[j] - m[j]) * (x[j] - m[j]) * precision[j];

		density -= isinf(nu) ? 0.5 * quadratic : 0.5 * (nu + 1.0) * log1p(quadratic / nu);
	}
	return density;
}

/* Writes the conditional but for the log normaliser; returns the log determinant of the observed columns' scale. */
double
ConditionScales(int dim, const double *constants, const Pattern *pattern, Conditional *out)
{
	const double *m = constants + 2;
	const double *precision = m + dim;
	int			n = pattern->nobserved;
	double		log_det = 0.0;

	for (int i = 0; i < pattern->nmissing; i++)
	{
		out->offset[i] = m[pattern->missing[i]];
		out->covariance[i] = 1.0 / precision[pattern->missing[i]];
	}
	for (int i = 0; i < n; i++)
	{
		out->constants[2 + i] = m[pattern->observed[i]];
		out->constants[2 + n + i] = precision[pattern->observed[i]];
		log_det -= log(precision[pattern->observed[i]]);
	}
	out->constants[1] = constants[1];
	return log_det;
}

static void
DiagonalConditionPredictive(int dim, const double *constants, const Pattern *pattern, double *work, Conditional *out)
{
	double		log_det = ConditionScales(dim, constants, pattern, out);

	out->constants[0] = pattern->nobserved * LogStudentT(0.0, 0.0, constants[1], 1) - 0.5 * log_det;
}

/* The others say nothing of a column. */
static double
DiagonalPredictiveSpread(int dim, const double *constants, const double *x)
{
	return StudentStretch(0, constants[1], 0.0);
}

/*
 * The columns' Student-t made one with a scale for each column, as a Student-t
 * with a precision scale for whole rows needs it.  Each column's unknown
 * precision is a / b_j times its own g_j ~ Gamma(a, a); here it is times one g
 * for all, Gamma(a d, a d) over `stretch`, such that E log g is E log g_j
 * (psi(shape) - log(rate): Bishop 2006, eq. B.30) and Var log g = psi'(a d) that
 * of the mean of d of them, psi'(a) / d, about.  Exact where the precisions are
 * known, and for one column.
 */
void
DiagonalPrepareJoint(int dim, const double *const *params, const bool *fixed, double *constants)
{
	double		a;
	double		stretch;
	double		log_det = 0.0;

	DiagonalPreparePredictive(dim, params, fixed, constants);
	if (!isinf(constants[1]))
	{
		a = 0.5 * constants[1];
		stretch = exp(Digamma(a * dim) - log(dim) - Digamma(a));
		for (int j = 0; j < dim; j++)
			constants[2 + dim + j] /= stretch;
		constants[1] *= dim;
	}
	for (int j = 0; j < dim; j++)
		log_det -= log(constants[2 + dim + j]);
	constants[0] = LogStudentT(0.0, log_det, constants[1], dim);
}

const LeafKernel GaussianDiagonalLeaf = {
	.distribution = DIST_GAUSSIAN_DIAGONAL,
	.constants_size = DiagonalConstantsSize,
	.prepare = DiagonalPrepare,
	.score = DiagonalScore,
	.stats_size = DiagonalConstantsSize,
	.accumulate = DiagonalAccumulate,
	.expand = DiagonalExpand,
	.centre = QuadraticCentre,
	.spread = DiagonalSpread,
	.diagonal = true,
	.score_row = DiagonalScoreRow,
	.conditional_row = DiagonalConditionalRow,
	.predictive_size = DiagonalPredictiveSize,
	.prepare_predictive = DiagonalPreparePredictive,
	.predictive_row = DiagonalPredictiveRow,
	.condition = DiagonalCondition,
	.complete = DiagonalComplete,
	.charge = DiagonalCharge,
	.condition_predictive = DiagonalConditionPredictive,
	.predictive_spread = DiagonalPredictiveSpread,
};
