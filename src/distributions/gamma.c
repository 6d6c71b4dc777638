/*
 * gamma.c
 *		Gamma(a, b): shape a, rate b.
 *
 * u(x) = (x, log x), phi = (-b, a), g = a E[log b] - log Gamma(a),
 * f = -log x.  The rate may itself be a Gamma.
 */
#include "postgres.h"

#include <math.h>

#include "distributions/families.h"
#include "numerics/special.h"

static int
GammaSize(int dim)
{
	return 2;
}

static void
GammaNatural(int dim, const double *const *parents, double *phi)
{
	phi[0] = -parents[1][0];
	phi[1] = parents[0][0];
}

static double
GammaLogPartition(int dim, const double *const *parents)
{
	double		a = parents[0][0];

	return a * parents[1][1] - LogGamma(a);
}

static bool
GammaMoments(int dim, const double *phi, double *u, double *g)
{
	double		a = phi[1];
	double		b = -phi[0];

	if (!(a > 0.0 && b > 0.0 && isfinite(a) && isfinite(b)))
		return false;
	u[0] = a / b;
	u[1] = Digamma(a) - log(b);
	*g = a * log(b) - LogGamma(a);
	return true;
}

/* Adds the message to the rate: log p = -b x + a log b + ... */
static void
GammaMessage(int dim, int param, const double *const *parents, const double *u, double count, double *message)
{
	message[0] -= u[0];
	message[1] += count * parents[0][0];
}

static void
GammaFixed(int dim, const double *value, double *u)
{
	u[0] = value[0];
	u[1] = log(value[0]);
}

static void
GammaParameters(int dim, const double *phi, double *params)
{
	params[0] = phi[1];
	params[1] = -phi[0];
}

static void
GammaMean(int dim, const double *phi, const double *u, double *mean)
{
	mean[0] = u[0];
}

const Distribution Gamma = {
	.name = "Gamma",
	.shape = SHAPE_SCALAR,
	.nparams = 2,
	.params = {
		{"a", ROLE_INVARIANT, SHAPE_SCALAR, NULL, true},
		{"b", ROLE_RATE, SHAPE_SCALAR, &Gamma, true},
	},
	.signature = "Gamma(a, b)",
	.proper = "a and b must be positive.",
	.nmoments = 2,
	.moment_specs = {{"mean", SHAPE_SCALAR}, {"mean_log", SHAPE_SCALAR}},
	.size = GammaSize,
	.natural = GammaNatural,
	.log_partition = GammaLogPartition,
	.moments = GammaMoments,
	.message = GammaMessage,
	.fixed = GammaFixed,
	.parameters = GammaParameters,
	.mean = GammaMean,
};
