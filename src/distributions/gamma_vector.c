/*
 * gamma_vector.c
 *		GammaVector(a, b): independent Gamma variables with shapes a and rates b,
 *		such as the precisions of several columns.
 *
 * u(x) = (x_j, log x_j), phi = (-b_j, a_j), g = sum_j a_j E[log b_j] - log Gamma(a_j);
 * see gamma.c.  The rates may themselves be a GammaVector.  Shapes are often one
 * number, and differ where some rows lack some of the columns.
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
		phi[dim + j] = parents[0][j];
	}
}

/* Returns how many shapes from number `first` on are the same. */
static int
SameShapes(int dim, const double *a, int first)
{
	int			n = 1;

	while (first + n < dim && a[first + n] == a[first])
		n++;
	return n;
}

static double
GammaVectorLogPartition(int dim, const double *const *parents)
{
	const double *a = parents[0];
	double		g = 0.0;
	int			n;

	for (int j = 0; j < dim; j += n)
	{
		n = SameShapes(dim, a, j);
		g -= n * LogGamma(a[j]);
	}
	for (int j = 0; j < dim; j++)
		g += a[j] * parents[1][dim + j];
	return g;
}

static bool
GammaVectorMoments(int dim, const double *phi, double *u, double *g)
{
	double		digamma = 0.0;
	double		log_gamma = 0.0;

	*g = 0.0;
	for (int j = 0; j < dim; j++)
	{
		double		a = phi[dim + j];
		double		b = -phi[j];

		if (!(a > 0.0 && isfinite(a) && b > 0.0 && isfinite(b)))
			return false;
		if (j == 0 || a != phi[dim + j - 1])
		{
			digamma = Digamma(a);
			log_gamma = LogGamma(a);
		}
		u[j] = a / b;
		u[dim + j] = digamma - log(b);
		*g += a * log(b) - log_gamma;
	}
	return true;
}

/* Adds the message to the rates: log p = sum_j -b_j x_j + a_j log b_j + ... */
static void
GammaVectorMessage(int dim, int param, const double *const *parents, const double *u, double count, double *message)
{
	for (int j = 0; j < dim; j++)
	{
		message[j] -= u[j];
		message[dim + j] += count * parents[0][j];
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
	for (int j = 0; j < dim; j++)
	{
		params[j] = phi[dim + j];
		params[dim + j] = -phi[j];
	}
}

static void
GammaVectorMean(int dim, const double *phi, const double *u, double *mean)
{
	memcpy(mean, u, sizeof(double) * dim);
}

const Distribution GammaVector = {
	.name = "GammaVector",
	.shape = SHAPE_VECTOR,
	.nparams = 2,
	.params = {
		{"a", ROLE_INVARIANT, SHAPE_VECTOR, NULL, true, .spreads = true},
		{"b", ROLE_RATE, SHAPE_VECTOR, &GammaVector, true},
	},
	.signature = "GammaVector(a, b)",
	.proper = "All elements of a and b must be positive.",
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
