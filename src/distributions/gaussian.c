/*
 * gaussian.c
 *		Gaussian(mu, Lambda): x in R^d with mean mu and precision matrix Lambda.
 *
 * u(x) = (x, x x^T), phi = (Lambda mu, -Lambda/2),
 * g = -tr(Lambda E[mu mu^T])/2 + E log|Lambda| / 2, f = -d/2 log 2 pi
 * (Winn & Bishop 2005, section 4; Bishop 2006, 10.2).
 */
#include "postgres.h"

#include <math.h>

#include "distributions/families.h"
#include "numerics/linalg.h"
#include "numerics/special.h"

/* Returns tr(a b) for symmetric a, b. */
static double
TraceProduct(int dim, const double *a, const double *b)
{
	double		sum = 0.0;

	for (int i = 0; i < dim * dim; i++)
		sum += a[i] * b[i];
	return sum;
}

static int
GaussianSize(int dim)
{
	return dim + dim * dim;
}

static void
GaussianNatural(int dim, const double *const *parents, double *phi)
{
	const double *m = parents[0];
	const double *lambda = parents[1];

	for (int i = 0; i < dim; i++)
	{
		phi[i] = 0.0;
		for (int j = 0; j < dim; j++)
		{
			phi[i] += lambda[i * dim + j] * m[j];
			phi[dim + i * dim + j] = -0.5 * lambda[i * dim + j];
		}
	}
}

static double
GaussianLogPartition(int dim, const double *const *parents)
{
	const double *mm = parents[0] + dim;
	const double *lambda = parents[1];

	return -0.5 * TraceProduct(dim, lambda, mm) + 0.5 * lambda[dim * dim];
}

/*
 * Writes the mean, the covariance (unless NULL) and log |precision|; false if
 * it is not proper.  The mean is solved for: multiplied by the covariance, its
 * error would grow with the condition of the precision, and the ELBO with it.
 */
static bool
MeanAndCovariance(int dim, const double *phi, double *mean, double *covariance, double *log_det)
{
	double	   *precision = palloc(sizeof(double) * dim * dim * 2);
	double	   *l = precision + dim * dim;
	bool		proper;

	for (int i = 0; i < dim * dim; i++)
		precision[i] = -2.0 * phi[dim + i];
	proper = Cholesky(precision, dim, l);
	if (proper)
	{
		*log_det = CholeskyLogDet(l, dim);
		CholeskySolve(l, dim, phi, mean);
		if (covariance)
			CholeskyInverse(l, dim, covariance);
	}
	pfree(precision);
	return proper;
}

static bool
GaussianMoments(int dim, const double *phi, double *u, double *g)
{
	double		log_det;
	double		mean_term = 0.0;

	if (!MeanAndCovariance(dim, phi, u, u + dim, &log_det))
		return false;
	for (int i = 0; i < dim; i++)
	{
		mean_term += phi[i] * u[i];
		for (int j = 0; j < dim; j++)
			u[dim + i * dim + j] += u[i] * u[j];
	}
	*g = -0.5 * mean_term + 0.5 * log_det;
	return true;
}

/* Adds (Lambda s, -count Lambda / 2), the message to mu. */
static void
MessageToMean(int dim, const double *lambda, const double *s, double count, double *message)
{
	for (int i = 0; i < dim; i++)
		for (int j = 0; j < dim; j++)
		{
			message[i] += lambda[i * dim + j] * s[j];
			message[dim + i * dim + j] -= 0.5 * count * lambda[i * dim + j];
		}
}

/* Adds (-(S - s m^T - m s^T + count E[mu mu^T]) / 2, count / 2), the message to Lambda. */
static void
MessageToPrecision(int dim, const double *mu, const double *u, double count, double *message)
{
	const double *mm = mu + dim;
	const double *s = u;
	const double *ss = u + dim;

	for (int i = 0; i < dim; i++)
		for (int j = 0; j < dim; j++)
			message[i * dim + j] -= 0.5 * (ss[i * dim + j] - s[i] * mu[j] - mu[i] * s[j] + count * mm[i * dim + j]);
	message[dim * dim] += 0.5 * count;
}

static void
GaussianMessage(int dim, int param, const double *const *parents, const double *u, double count, double *message)
{
	if (param == 0)
		MessageToMean(dim, parents[1], u, count, message);
	else
		MessageToPrecision(dim, parents[0], u, count, message);
}

static void
GaussianFixed(int dim, const double *value, double *u)
{
	for (int i = 0; i < dim; i++)
	{
		u[i] = value[i];
		for (int j = 0; j < dim; j++)
			u[dim + i * dim + j] = value[i] * value[j];
	}
}

static void
GaussianParameters(int dim, const double *phi, double *params)
{
	double		log_det;

	if (!MeanAndCovariance(dim, phi, params, NULL, &log_det))
		RaiseImproper("the natural parameters of a Gaussian are not proper");
	for (int i = 0; i < dim * dim; i++)
		params[dim + i] = -2.0 * phi[dim + i];
}

static void
GaussianMean(int dim, const double *phi, const double *u, double *mean)
{
	memcpy(mean, u, sizeof(double) * dim);
}

const Distribution Gaussian = {
	.name = "Gaussian",
	.leaf = &GaussianLeaf,
	.shape = SHAPE_VECTOR,
	.nparams = 2,
	.params = {
		{"mu", ROLE_LOCATION, SHAPE_VECTOR, &Gaussian, false},
		{"Lambda", ROLE_PRECISION, SHAPE_MATRIX, &Wishart, true},
	},
	.signature = "Gaussian(mu, Lambda)",
	.proper = "Lambda must be positive definite.",
	.nmoments = 2,
	.moment_specs = {{"mean", SHAPE_VECTOR}, {"second_moment", SHAPE_MATRIX}},
	.size = GaussianSize,
	.natural = GaussianNatural,
	.log_partition = GaussianLogPartition,
	.moments = GaussianMoments,
	.message = GaussianMessage,
	.fixed = GaussianFixed,
	.parameters = GaussianParameters,
	.mean = GaussianMean,
};

/*
 * The leaf: with U^T U = E[Lambda] / 2 the expected log density is
 * c - |U (x - m)|^2, c = E log|Lambda| / 2 - d/2 log 2 pi - tr(E[Lambda] Cov[mu]) / 2
 * (Bishop 2006, eq. 10.64 for this factorisation).  Noise of x counts like
 * uncertainty of its mean.
 */
int
QuadraticConstantsSize(int dim)
{
	return QuadraticSize(dim);
}

static bool
GaussianPrepare(int dim, const double *const *parents, const double *noise, double *constants)
{
	const double *m = parents[0];
	const double *mm = m + dim;
	const double *lambda = parents[1];
	double	   *l = palloc(sizeof(double) * dim * dim);
	double	   *u = constants + 1 + dim;
	double		trace = 0.0;

	if (!Cholesky(lambda, dim, l))
		return false;
	for (int i = 0; i < dim; i++)
	{
		constants[1 + i] = m[i];
		for (int j = i; j < dim; j++)
			*u++ = l[j * dim + i] * M_SQRT1_2;
		for (int j = 0; j < dim; j++)
		{
			double		second = mm[i * dim + j] + (i == j && noise != NULL ? noise[j] : 0.0);

			trace += lambda[i * dim + j] * (second - m[i] * m[j]);
		}
	}
	constants[0] = 0.5 * (lambda[dim * dim] - dim * LOG_2PI - trace);
	pfree(l);
	return true;
}

static void
GaussianScore(int dim, const double *constants, const double *const *x, int rows, double *out)
{
	ActiveKernels->quadratic_score(dim, constants, x, rows, out);
}

static void
GaussianAccumulate(int dim, const double *constants, const double *const *x, const double *r, int rows, double *stats)
{
	ActiveKernels->quadratic_sums(dim, x, r, rows, stats);
}

void
QuadraticExpand(int dim, const double *stats, const double *noise, double *u)
{
	const double *product = stats + 1 + dim;

	for (int i = 0; i < dim; i++)
	{
		u[i] = stats[1 + i];
		for (int j = 0; j <= i; j++)
			u[dim + i * dim + j] = u[dim + j * dim + i] = *product++;
		u[dim + i * dim + i] += stats[0] * noise[i];
	}
}

void
QuadraticCentre(int dim, const double *stats, double *mean)
{
	for (int i = 0; i < dim && stats[0] > 0.0; i++)
		mean[i] = stats[1 + i] / stats[0];
}

void
QuadraticSpread(int dim, const double *stats, double *covariance)
{
	const double *s = stats + 1;
	const double *product = s + dim;

	for (int i = 0; i < dim; i++)
		for (int j = 0; j <= i; j++)
		{
			double		square = *product++ / stats[0] - (s[i] / stats[0]) * (s[j] / stats[0]);

			covariance[i * dim + j] = covariance[j * dim + i] = stats[0] > 0.0 ? square : 0.0;
		}
}

double
QuadraticScoreRow(int dim, const double *constants, const double *x)
{
	const double *m = constants + 1;
	const double *u = m + dim;
	double		score = constants[0];

	for (int i = 0; i < dim; i++)
	{
		double		y = 0.0;

		for (int j = i; j < dim; j++)
			y += (x[j] - m[j]) * *u++;
		score -= y * y;
	}
	return score;
}

/*
 * Given the other columns, column c of a Gaussian is Gaussian with precision
 * Lambda_cc, and lies (Lambda (x - m))_c / Lambda_cc from its mean
 * (Bishop 2006, eq. 2.96).  Here p and q are (Lambda (x - m))_c / 2 and
 * Lambda_cc / 2, from Lambda = 2 U^T U.
 */
double
QuadraticConditionalRow(int dim, const double *constants, const double *x, int column)
{
	const double *m = constants + 1;
	const double *u = m + dim;
	double		p = 0.0;
	double		q = 0.0;

	for (int i = 0; i <= column; i++)
	{
		double		entry = u[column - i];
		double		y = 0.0;

		for (int j = i; j < dim; j++)
			y += (x[j] - m[j]) * *u++;
		p += entry * y;
		q += entry * entry;
	}
	return 0.5 * log(q / M_PI) - p * p / q;
}

/* Returns what noise of the missing values takes from the score; Lambda_jj / 2 is the square of column j of the factor. */
double
QuadraticCharge(int dim, const double *constants, const double *noise, const Pattern *pattern)
{
	const double *u = constants + 1 + dim;
	double		charge = 0.0;

	for (int i = 0; noise != NULL && i < pattern->nmissing; i++)
	{
		int			column = pattern->missing[i];
		const double *entry = u + column;

		for (int k = 0; k <= column; k++, entry += dim - k)
			charge += noise[column] * *entry * *entry;
	}
	return charge;
}

/*
 * Integrates the missing values out: a Gaussian integral, that adds
 * |m| / 2 log 2 pi - log|Lambda_mm| / 2 to the constant, and leaves the Schur
 * complement of Lambda_mm.  Here A^T A = Lambda_mm / 2, so both are
 * |m| / 2 log pi - log|A|.  Gives back the noise that the constant was charged
 * for values that are not there.
 */
void
QuadraticCondition(int dim, const double *constants, const double *noise, const Pattern *pattern, double *work,
				   Conditional *out)
{
	int			n = pattern->nmissing;
	double		score = constants[0] + 0.5 * n * log(M_PI) + QuadraticCharge(dim, constants, noise, pattern);

	ConditionQuadratic(constants + 1, constants + 1 + dim, pattern, work, out->constants + 1, out);
	for (int i = 0; i < n; i++)
	{
		score -= log(work[i * dim + i]);
		for (int j = 0; j < n; j++)
			out->covariance[i * n + j] *= 0.5;
	}
	out->constants[0] = score;
}

/* The same without giving the noise back. */
void
QuadraticMarginal(int dim, const double *constants, const Pattern *pattern, double *work, Conditional *out)
{
	QuadraticCondition(dim, constants, NULL, pattern, work, out);
}

/* --- posterior predictive: a multivariate Student-t, as constants log normaliser, nu, location, U --- */

int
StudentSize(int dim)
{
	return 1 + QuadraticSize(dim);
}

/* Writes constants such that |U (x - location)|^2 is the quadratic form of the scale matrix. */
void
PrepareStudent(int dim, const double *location, const double *scale, double nu, double *constants)
{
	double	   *precision = palloc(sizeof(double) * dim * dim * 2);
	double	   *l = precision + dim * dim;
	double	   *u = constants + 2 + dim;
	double		log_det;

	if (!InvertSPD(scale, dim, precision, &log_det) || !Cholesky(precision, dim, l))
		RaiseImproper("the scale of a predictive density is not positive definite");
	constants[0] = LogStudentT(0.0, log_det, nu, dim);
	constants[1] = nu;
	memcpy(constants + 2, location, sizeof(double) * dim);
	for (int i = 0; i < dim; i++)
		for (int j = i; j < dim; j++)
			*u++ = l[j * dim + i];
	pfree(precision);
}

/* Returns the quadratic form of the scale matrix at x. */
static double
StudentQuadratic(int dim, const double *constants, const double *x)
{
	const double *m = constants + 2;
	const double *u = m + dim;
	double		quadratic = 0.0;

	for (int i = 0; i < dim; i++)
	{
		double		y = 0.0;

		for (int j = i; j < dim; j++)
			y += (x[j] - m[j]) * *u++;
		quadratic += y * y;
	}
	return quadratic;
}

double
StudentRow(int dim, const double *constants, const double *x)
{
	double		nu = constants[1];
	double		quadratic = StudentQuadratic(dim, constants, x);

	return constants[0] - (isinf(nu) ? 0.5 * quadratic : 0.5 * (nu + dim) * log1p(quadratic / nu));
}

/* Leaves the observed columns: a Student-t too, with the same nu (Kotz & Nadarajah 2004, 1.10). */
void
StudentCondition(int dim, const double *constants, const Pattern *pattern, double *work, Conditional *out)
{
	double		log_det = 0.0;
	double		nu = constants[1];

	ConditionQuadratic(constants + 2, constants + 2 + dim, pattern, work, out->constants + 2, out);
	for (int i = pattern->nmissing; i < dim; i++)
		log_det -= 2.0 * log(work[i * dim + i]);
	out->constants[0] = LogStudentT(0.0, log_det, nu, pattern->nobserved);
	out->constants[1] = nu;
}

/*
 * Given columns at the distance `quadratic` the others are a Student-t with
 * nu + dim degrees of freedom and (nu + quadratic) / (nu + dim) times the scale
 * (Kotz & Nadarajah 2004, 1.11); infinite where that has no covariance.
 */
double
StudentStretch(int dim, double nu, double quadratic)
{
	if (isinf(nu))
		return 1.0;
	return nu + dim > 2.0 ? (nu + quadratic) / (nu + dim - 2.0) : INFINITY;
}

double
StudentSpread(int dim, const double *constants, const double *x)
{
	return StudentStretch(dim, constants[1], StudentQuadratic(dim, constants, x));
}

/*
 * With q(mu) = N(m, P^-1) and q(Lambda) = Wishart(n, V) independent the
 * predictive density has no closed form; a Student-t with nu = n - d + 1 and
 * scale V / nu + P^-1 is close: exact where either factor is a point.
 */
static void
GaussianPreparePredictive(int dim, const double *const *params, const bool *fixed, double *constants)
{
	const double *location = params[0];
	const double *precision = params[0] + dim;
	double	   *scale = palloc(sizeof(double) * dim * dim * 2);
	double	   *covariance = scale + dim * dim;
	double		nu = fixed[1] ? INFINITY : params[1][0] - dim + 1;

	if (fixed[1])
	{
		if (!InvertSPD(params[1], dim, scale, NULL))
			RaiseImproper("the precision is not positive definite");
	}
	else
		for (int i = 0; i < dim * dim; i++)
			scale[i] = params[1][1 + i] / nu;
	if (!fixed[0])
	{
		if (!InvertSPD(precision, dim, covariance, NULL))
			RaiseImproper("the precision of a mean is not positive definite");
		for (int i = 0; i < dim * dim; i++)
			scale[i] += covariance[i];
	}
	PrepareStudent(dim, location, scale, nu, constants);
	pfree(scale);
}

const ColumnKind MatrixColumns = {
	.most = KERNEL_MAX_DIM,
	.framed = true,
	.recorded = true,
	.any = true,
	.valid = AnyNumber,
	.values = "numbers",
};

const LeafSearch QuadraticSearch = {
	.by_column = false,
	.centre = QuadraticCentre,
	.spread = QuadraticSpread,
};

static const LeafMissing GaussianMissing = {
	.possible = true,
	.joint = true,
	.condition = QuadraticCondition,
	.complete = CompleteQuadratic,
	.condition_predictive = StudentCondition,
	.spread = StudentSpread,
};

const LeafKernel GaussianLeaf = {
	.distribution = &Gaussian,
	.columns = &MatrixColumns,
	.search = &QuadraticSearch,
	.scales = &NoScales,
	.missing = &GaussianMissing,
	.constants_size = QuadraticConstantsSize,
	.prepare = GaussianPrepare,
	.score = GaussianScore,
	.stats_size = QuadraticConstantsSize,
	.accumulate = GaussianAccumulate,
	.expand = QuadraticExpand,
	.rows = RowsOfSums,
	.message = MessageOfSums,
	.density = DensityOfSums,
	.score_row = QuadraticScoreRow,
	.conditional_row = QuadraticConditionalRow,
	.predictive_size = StudentSize,
	.prepare_predictive = GaussianPreparePredictive,
	.predictive_row = StudentRow,
};
