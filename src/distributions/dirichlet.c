/*
 * dirichlet.c
 *		Dirichlet(alpha): probabilities p of dim categories.
 *
 * u(p) = log p, phi = alpha, g = log Gamma(sum alpha) - sum log Gamma(alpha),
 * f = -sum log p (Bishop 2006, B.16-B.25).
 */
#include "postgres.h"

#include <math.h>

#include "distributions/families.h"
#include "numerics/special.h"

static int
DirichletSize(int dim)
{
	return dim;
}

static void
DirichletNatural(int dim, const double *const *parents, double *phi)
{
	memcpy(phi, parents[0], sizeof(double) * dim);
}

static double
DirichletLogPartition(int dim, const double *const *parents)
{
	double		sum = 0.0;
	double		logs = 0.0;

	for (int i = 0; i < dim; i++)
	{
		sum += parents[0][i];
		logs += LogGamma(parents[0][i]);
	}
	return LogGamma(sum) - logs;
}

static bool
DirichletMoments(int dim, const double *phi, double *u, double *g)
{
	const double *parents[] = {phi};
	double		sum = 0.0;
	double		digamma_sum;

	for (int i = 0; i < dim; i++)
	{
		if (!(phi[i] > 0.0 && isfinite(phi[i])))
			return false;
		sum += phi[i];
	}
	digamma_sum = Digamma(sum);
	for (int i = 0; i < dim; i++)
		u[i] = Digamma(phi[i]) - digamma_sum;
	*g = DirichletLogPartition(dim, parents);
	return true;
}

static void
DirichletMessage(int dim, int param, const double *const *parents, const double *u, double count, double *message)
{
	elog(ERROR, "a Dirichlet has no stochastic parameter");
}

static void
DirichletFixed(int dim, const double *value, double *u)
{
	for (int i = 0; i < dim; i++)
		u[i] = log(value[i]);
}

static void
DirichletParameters(int dim, const double *phi, double *params)
{
	memcpy(params, phi, sizeof(double) * dim);
}

static void
DirichletMean(int dim, const double *phi, const double *u, double *mean)
{
	double		sum = 0.0;

	for (int i = 0; i < dim; i++)
		sum += phi[i];
	for (int i = 0; i < dim; i++)
		mean[i] = phi[i] / sum;
}

const Distribution Dirichlet = {
	.name = "Dirichlet",
	.shape = SHAPE_VECTOR,
	.nparams = 1,
	.params = {
		{"alpha", ROLE_INVARIANT, SHAPE_VECTOR, NULL, true},
	},
	.signature = "Dirichlet(alpha)",
	.proper = "All elements of alpha must be positive.",
	.nmoments = 1,
	.moment_specs = {{"mean_log", SHAPE_VECTOR}},
	.size = DirichletSize,
	.natural = DirichletNatural,
	.log_partition = DirichletLogPartition,
	.moments = DirichletMoments,
	.message = DirichletMessage,
	.fixed = DirichletFixed,
	.parameters = DirichletParameters,
	.mean = DirichletMean,
};
