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
			message[j] += parents[1][j] * u[j];
			message[dim + j] -= 0.5 * count * parents[1][j];
		}
		else
		{
			message[j] -= 0.5 * (u[dim + j] - 2.0 * u[j] * mu[j] + count * mu[dim + j]);
			message[dim + j] += 0.5 * count;
		}
	}
}

static void
DiagonalMessage(int dim, int param, const double *const *parents, const double *u, double count, double *message)
{
	ColumnsMessage(dim, param, parents, u, &count, 0, message);
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
	.leaf = &GaussianDiagonalLeaf,
	.shape = SHAPE_VECTOR,
	.nparams = 2,
	.params = {
		{"mu", ROLE_LOCATION, SHAPE_VECTOR, &GaussianDiagonal, false},
		{"tau", ROLE_PRECISION, SHAPE_VECTOR, &GammaVector, true},
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
 * c - sum_j w_j (x_j - m_j)^2; constants are c, m, w as the kernel takes them,
 * then what each column has in c: E[log tau_j] / 2 and E[tau_j] Var[mu_j] / 2.
 */
#define LOG_PARTS(dim) DiagonalKernelSize(dim)
#define TRACE_PARTS(dim) (DiagonalKernelSize(dim) + (dim))

int
DiagonalConstantsSize(int dim)
{
	return DiagonalKernelSize(dim) + 2 * dim;
}

static bool
DiagonalPrepare(int dim, const double *const *parents, const double *noise, double *constants)
{
	const double *mu = parents[0];
	const double *tau = parents[1];

	constants[0] = -0.5 * dim * LOG_2PI;
	for (int j = 0; j < dim; j++)
	{
		double		variance = ColumnSecond(dim, j, mu, noise) - mu[j] * mu[j];

		constants[0] += 0.5 * (tau[dim + j] - tau[j] * variance);
		SetDiagonalConstants(dim, j, mu[j], variance, tau[j], tau[dim + j], constants);
	}
	return true;
}

double
ColumnSecond(int dim, int j, const double *mu, const double *noise)
{
	return mu[dim + j] + (noise != NULL ? noise[j] : 0.0);
}

void
SetDiagonalConstants(int dim, int j, double location, double variance, double tau, double log_tau, double *constants)
{
	constants[1 + j] = location;
	constants[1 + dim + j] = 0.5 * tau;
	constants[LOG_PARTS(dim) + j] = 0.5 * log_tau;
	constants[TRACE_PARTS(dim) + j] = 0.5 * tau * variance;
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

/*
 * Statistics: rows that have all columns, sums of x_j, sums of x_j^2, as the
 * kernel adds them up; then of the rows that lack some, which columns these
 * have, and their number.  The sums are over all rows that have the column.
 */
int
DiagonalStatsSize(int dim)
{
	return DiagonalKernelSize(dim) + PartialCountsSize(dim);
}

int
PartialCountsSize(int dim)
{
	return dim + 1;
}

/* Returns how many rows have a column. */
static double
ColumnRows(int dim, const double *stats, int j)
{
	return stats[0] + stats[DiagonalKernelSize(dim) + j];
}

double
DiagonalRows(int dim, const double *stats)
{
	return stats[0] + stats[DiagonalKernelSize(dim) + dim];
}

void
DiagonalExpand(int dim, const double *stats, const double *noise, double *u)
{
	memcpy(u, stats + 1, sizeof(double) * 2 * dim);
	for (int j = 0; j < dim; j++)
		u[dim + j] += ColumnRows(dim, stats, j) * noise[j];
}

static void
DiagonalLeafMessage(const LeafKernel *kernel, int dim, int param, const double *const *parents, const double *stats,
					const double *noise, double *message)
{
	double	   *u = palloc(sizeof(double) * 3 * dim);
	double	   *counts = u + 2 * dim;

	DiagonalExpand(dim, stats, noise, u);
	for (int j = 0; j < dim; j++)
		counts[j] = ColumnRows(dim, stats, j);
	ColumnsMessage(dim, param, parents, u, counts, 1, message);
	pfree(u);
}

double
PartialDensity(int dim, const double *mu, const double *tau, const double *log_tau, int step, const double *counts,
			   const double *weights)
{
	double		density = 0.0;

	for (int j = 0; j < dim; j++)
		density += 0.5 * (counts[j] * log_tau[j * step] - weights[j] * tau[j * step] * mu[dim + j]);
	return density;
}

static double
DiagonalDensity(const LeafKernel *kernel, int dim, const double *const *parents, const double *stats,
				const double *noise)
{
	const double *partial = stats + DiagonalKernelSize(dim);

	return DensityOfSums(kernel, dim, parents, stats, noise)
		+ PartialDensity(dim, parents[0], parents[1], parents[1] + dim, 1, partial, partial);
}

void
DiagonalCentre(int dim, const double *stats, double *mean)
{
	for (int j = 0; j < dim; j++)
		if (ColumnRows(dim, stats, j) > 0.0)
			mean[j] = stats[1 + j] / ColumnRows(dim, stats, j);
}

void
DiagonalSpread(int dim, const double *stats, double *variances)
{
	const double *s = stats + 1;
	const double *ss = s + dim;

	for (int j = 0; j < dim; j++)
	{
		double		rows = ColumnRows(dim, stats, j);

		variances[j] = rows > 0.0 ? ss[j] / rows - (s[j] / rows) * (s[j] / rows) : 0.0;
	}
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

/* Returns what the missing columns' means take from the constant, noise included; noise is in their second moments. */
double
DiagonalCharge(int dim, const double *constants, const double *noise, const Pattern *pattern)
{
	double		charge = 0.0;

	for (int i = 0; i < pattern->nmissing; i++)
		charge += constants[TRACE_PARTS(dim) + pattern->missing[i]];
	return charge;
}

/* Leaves the missing columns out, but for what their means take from the constant. */
void
DiagonalMarginal(int dim, const double *constants, const Pattern *pattern, double *work, Conditional *out)
{
	static const int parts = 4;
	int			n = pattern->nobserved;

	out->constants[0] = constants[0] + 0.5 * pattern->nmissing * LOG_2PI;
	for (int i = 0; i < pattern->nmissing; i++)
	{
		int			j = pattern->missing[i];

		out->constants[0] -= constants[LOG_PARTS(dim) + j];
		out->offset[i] = constants[1 + j];
		out->covariance[i] = 0.5 / constants[1 + dim + j];
	}
	for (int part = 0; part < parts; part++)
		for (int i = 0; i < n; i++)
			out->constants[1 + part * n + i] = constants[1 + part * dim + pattern->observed[i]];
}

void
DiagonalCondition(int dim, const double *constants, const double *noise, const Pattern *pattern, double *work,
				  Conditional *out)
{
	DiagonalMarginal(dim, constants, pattern, work, out);
	out->constants[0] += DiagonalCharge(dim, constants, noise, pattern);
}

void
AddPartialCounts(const Pattern *pattern, double count, double *whole, double *partial)
{
	if (pattern->nmissing == 0)
	{
		*whole += count;
		return;
	}
	for (int i = 0; i < pattern->nobserved; i++)
		partial[pattern->observed[i]] += count;
	partial[pattern->dim] += count;
}

void
DiagonalComplete(const Pattern *pattern, const Conditional *conditional, const double *noise, double count,
				 const double *stats, double *to)
{
	const double *s = stats + 1;
	const double *ss = s + pattern->nobserved;
	double	   *to_s = to + 1;
	double	   *to_ss = to_s + pattern->dim;

	AddPartialCounts(pattern, stats[0], to, to + DiagonalKernelSize(pattern->dim));
	for (int i = 0; i < pattern->nobserved; i++)
	{
		to_s[pattern->observed[i]] += s[i];
		to_ss[pattern->observed[i]] += ss[i];
	}
}

/* --- posterior predictive: a product of Student-t, as constants log normaliser, location, 1 / scale, nu --- */

static int
DiagonalPredictiveSize(int dim)
{
	return 1 + 3 * dim;
}

/* Writes location, precision and degrees of freedom of the columns, and returns the log normaliser of all.
 * With q(tau_j) = Gamma(a_j, b_j): nu_j = 2 a_j, scale b_j / a_j + Var[mu_j]; see gaussian_ard.c. */
static double
PrepareColumns(int dim, const double *const *params, const bool *fixed, double *location, double *precision, double *nu)
{
	double		normaliser = 0.0;

	for (int j = 0; j < dim; j++)
	{
		double		scale = fixed[1] ? 1.0 / params[1][j] : params[1][dim + j] / params[1][j];

		if (!fixed[0])
			scale += 1.0 / params[0][dim + j];
		nu[j] = fixed[1] ? INFINITY : 2.0 * params[1][j];
		normaliser += LogStudentT(0.0, log(scale), nu[j], 1);
		location[j] = params[0][j];
		precision[j] = 1.0 / scale;
	}
	return normaliser;
}

static void
DiagonalPreparePredictive(int dim, const double *const *params, const bool *fixed, double *constants)
{
	constants[0] = PrepareColumns(dim, params, fixed, constants + 1, constants + 1 + dim, constants + 1 + 2 * dim);
}

static double
DiagonalPredictiveRow(int dim, const double *constants, const double *x)
{
	double		density = constants[0];
	const double *m = constants + 1;
	const double *precision = m + dim;
	const double *nu = precision + dim;

	for (int j = 0; j < dim; j++)
	{
		double		quadratic = (x[j] - m[j]) * (x[j] - m[j]) * precision[j];

		density -= isinf(nu[j]) ? 0.5 * quadratic : 0.5 * (nu[j] + 1.0) * log1p(quadratic / nu[j]);
	}
	return density;
}

/* Writes the conditional of one Student-t but for the log normaliser; returns the log determinant of the observed columns' scale. */
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

/* The others say nothing of a column: its own Student-t, whose variance is that of its scale stretched. */
static void
DiagonalConditionPredictive(int dim, const double *constants, const Pattern *pattern, double *work, Conditional *out)
{
	static const int parts = 3;
	const double *m = constants + 1;
	const double *precision = m + dim;
	const double *nu = precision + dim;
	int			n = pattern->nobserved;

	out->constants[0] = 0.0;
	for (int i = 0; i < pattern->nmissing; i++)
	{
		int			j = pattern->missing[i];

		out->offset[i] = m[j];
		out->covariance[i] = StudentStretch(0, nu[j], 0.0) / precision[j];
	}
	for (int i = 0; i < n; i++)
	{
		int			j = pattern->observed[i];

		out->constants[0] += LogStudentT(0.0, -log(precision[j]), nu[j], 1);
		for (int part = 0; part < parts; part++)
			out->constants[1 + part * n + i] = constants[1 + part * dim + j];
	}
}

static double
DiagonalPredictiveSpread(int dim, const double *constants, const double *x)
{
	return 1.0;
}

/*
 * The columns' Student-t made one with a scale for each column, as a Student-t
 * with a precision scale for whole rows needs it.  Each column's unknown
 * precision is a_j / b_j times its own g_j ~ Gamma(a_j, a_j); here it is times one g
 * for all, Gamma(A, A) over `stretch`, A the sum of the shapes, such that E log g is
 * E log g_j (psi(shape) - log(rate): Bishop 2006, eq. B.30) and Var log g = psi'(A) that
 * of the mean of d of them, psi'(a) / d, about.  Exact where the precisions are
 * known, and for one column.
 */
void
DiagonalPrepareJoint(int dim, const double *const *params, const bool *fixed, double *constants)
{
	double	   *location = constants + 2;
	double	   *precision = location + dim;
	double	   *nu = palloc(sizeof(double) * dim);
	double		total = 0.0;
	double		log_det = 0.0;
	bool		same = true;

	(void) PrepareColumns(dim, params, fixed, location, precision, nu);
	for (int j = 0; j < dim; j++)
	{
		total += nu[j];
		same &= nu[j] == nu[0];
	}
	constants[1] = same && !isinf(nu[0]) ? nu[0] * dim : total;
	for (int j = 0; j < dim && !isinf(total); j++)
		precision[j] /= exp(Digamma(0.5 * constants[1]) - log(same ? dim : total / nu[j]) - Digamma(0.5 * nu[j]));
	for (int j = 0; j < dim; j++)
		log_det -= log(precision[j]);
	constants[0] = LogStudentT(0.0, log_det, constants[1], dim);
	pfree(nu);
}

const LeafSearch DiagonalSearch = {
	.by_column = true,
	.centre = DiagonalCentre,
	.spread = DiagonalSpread,
};

static const LeafMissing GaussianDiagonalMissing = {
	.possible = true,
	.joint = false,
	.condition = DiagonalCondition,
	.complete = DiagonalComplete,
	.condition_predictive = DiagonalConditionPredictive,
	.spread = DiagonalPredictiveSpread,
};

const LeafKernel GaussianDiagonalLeaf = {
	.distribution = &GaussianDiagonal,
	.columns = &RealColumns,
	.search = &DiagonalSearch,
	.scales = &NoScales,
	.missing = &GaussianDiagonalMissing,
	.constants_size = DiagonalConstantsSize,
	.prepare = DiagonalPrepare,
	.score = DiagonalScore,
	.stats_size = DiagonalStatsSize,
	.accumulate = DiagonalAccumulate,
	.expand = DiagonalExpand,
	.rows = DiagonalRows,
	.message = DiagonalLeafMessage,
	.density = DiagonalDensity,
	.score_row = DiagonalScoreRow,
	.conditional_row = DiagonalConditionalRow,
	.predictive_size = DiagonalPredictiveSize,
	.prepare_predictive = DiagonalPreparePredictive,
	.predictive_row = DiagonalPredictiveRow,
};
