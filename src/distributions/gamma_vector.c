/*
 * gamma_vector.c
 *		GammaVector(a, b): independent Gamma variables with one shape a and a
 *		vector of rates b, such as the precisions of several columns.
 *
 * u(x) = (x_j, log x_j), phi = (-b_j, a), g = sum_j a E[log b_j] - d log Gamma(a);
 * see gamma.c.  The rates may themselves be a GammaVector.
 */
#include "postgres.h"

#include <math.h>

#include "distributions/families.h"
#include "numerics/special.h"

static int
GammaVectorSize(int dim)
{
	return 2 * dim;
}

static void
GammaVectorNatural(int dim, const double *const *parents, double *phi)
{
	for (int j = 0; j < dim; j++)
	{
		phi[j] = -parents[1][j];
		phi[dim + j] = parents[0][0];
	}
}

static double
GammaVectorLogPartition(int dim, const double *const *parents)
{
	double		a = parents[0][0];
	double		g = -dim * LogGamma(a);

	for (int j = 0; j < dim; j++)
		g += a * parents[1][dim + j];
	return g;
}

static bool
GammaVectorMoments(int dim, const double *phi, double *u, double *g)
{
	double		a = phi[dim];		/* one for all: every message adds the same to each */
	double		digamma;
	double		log_gamma;

	if (!(a > 0.0 && isfinite(a)))
		return false;
	digamma = Digamma(a);
	log_gamma = LogGamma(a);
	*g = 0.0;
	for (int j = 0; j < dim; j++)
	{
		double		b = -phi[j];

		if (!(b > 0.0 && isfinite(b)))
			return false;
		u[j] = a / b;
		u[dim + j] = digamma - log(b);
		*g += a * log(b) - log_gamma;
	}
	return true;
}

/* Adds the message to the rates: log p = sum_j -b_j x_j + a log b_j + ... */
static void
GammaVectorMessage(int dim, int param, const double *const *parents, const double *u, double count, double *message)
{
	for (int j = 0; j < dim; j++)
	{
		message[j] -= u[j];
		message[dim + j] += count * parents[0][0];
	}
}

static void
GammaVectorFixed(int dim, const double *value, double *u)
{
	for (int j = 0; j < dim; j++)
	{
		u[j] = value[j];
		u[dim + j] = log(value[j]);
	}
}

static void
GammaVectorParameters(int dim, const double *phi, double *params)
{
	params[0] = phi[dim];
	for (int j = 0; j < dim; j++)
		params[1 + j] = -phi[j];
}

static void
GammaVectorMean(int dim, const double *phi, const double *u, double *mean)
{
	memcpy(mean, u, sizeof(double) * dim);
}

const Distribution GammaVector = {
	.name = "GammaVector",
	.id = DIST_GAMMA_VECTOR,
	.shape = SHAPE_VECTOR,
	.nparams = 2,
	.params = {
		{"a", ROLE_INVARIANT, SHAPE_SCALAR, DIST_NONE, true},
		{"b", ROLE_RATE, SHAPE_VECTOR, DIST_GAMMA_VECTOR, true},
	},
	.signature = "GammaVector(a, b)",
	.proper = "a and all elements of b must be positive.",
	.nmoments = 2,
	.moment_specs = {{"mean", SHAPE_VECTOR}, {"mean_log", SHAPE_VECTOR}},
	.size = GammaVectorSize,
	.natural = GammaVectorNatural,
	.log_partition = GammaVectorLogPartition,
	.moments = GammaVectorMoments,
	.message = GammaVectorMessage,
	.fixed = GammaVectorFixed,
	.parameters = GammaVectorParameters,
	.mean = GammaVectorMean,
};
