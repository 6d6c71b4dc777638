/*
 * wishart.c
 *		Wishart(n, V): n degrees of freedom, V the inverse scale matrix, so that
 *		E[Lambda] = n V^-1.
 *
 * u = (Lambda, log|Lambda|), phi = (-V/2, n/2),
 * g = n/2 E log|V| - n d/2 log 2 - log Gamma_d(n/2), f = -(d+1)/2 log|Lambda|
 * (Bishop 2006, B.78-B.82).  V may itself be a Wishart.
 */
#include "postgres.h"

#include <math.h>

#include "distributions/families.h"
#include "numerics/linalg.h"
#include "numerics/special.h"

static int
WishartSize(int dim)
{
	return dim * dim + 1;
}

static void
WishartNatural(int dim, const double *const *parents, double *phi)
{
	for (int i = 0; i < dim * dim; i++)
		phi[i] = -0.5 * parents[1][i];
	phi[dim * dim] = 0.5 * parents[0][0];
}

/* Returns the log partition for n degrees of freedom and (expected) log|V|. */
static double
LogPartition(int dim, double n, double log_det)
{
	return 0.5 * n * (log_det - dim * M_LN2) - MultivariateLogGamma(0.5 * n, dim);
}

static double
WishartLogPartition(int dim, const double *const *parents)
{
	return LogPartition(dim, parents[0][0], parents[1][dim * dim]);
}

static bool
WishartMoments(int dim, const double *phi, double *u, double *g)
{
	double		n = 2.0 * phi[dim * dim];
	double	   *v;
	double		log_det;
	bool		proper;

	if (!(n > dim - 1 && isfinite(n)))
		return false;
	v = palloc(sizeof(double) * dim * dim);
	for (int i = 0; i < dim * dim; i++)
		v[i] = -2.0 * phi[i];
	proper = InvertSPD(v, dim, u, &log_det);
	pfree(v);
	if (!proper)
		return false;
	for (int i = 0; i < dim * dim; i++)
		u[i] *= n;
	u[dim * dim] = MultivariateDigamma(0.5 * n, dim) + dim * M_LN2 - log_det;
	*g = LogPartition(dim, n, log_det);
	return true;
}

/* Adds the message to the inverse scale: log p = -tr(V Lambda)/2 + n/2 log|V| + ... */
static void
WishartMessage(int dim, int param, const double *const *parents, const double *u, double count, double *message)
{
	for (int i = 0; i < dim * dim; i++)
		message[i] -= 0.5 * u[i];
	message[dim * dim] += 0.5 * count * parents[0][0];
}

static void
WishartFixed(int dim, const double *value, double *u)
{
	double	   *l = palloc(sizeof(double) * dim * dim);

	if (!Cholesky(value, dim, l))
		RaiseImproper("the matrix is not positive definite");
	memcpy(u, value, sizeof(double) * dim * dim);
	u[dim * dim] = CholeskyLogDet(l, dim);
	pfree(l);
}

static void
WishartParameters(int dim, const double *phi, double *params)
{
	params[0] = 2.0 * phi[dim * dim];
	for (int i = 0; i < dim * dim; i++)
		params[1 + i] = -2.0 * phi[i];
}

static void
WishartMean(int dim, const double *phi, const double *u, double *mean)
{
	memcpy(mean, u, sizeof(double) * dim * dim);
}

const Distribution Wishart = {
	.name = "Wishart",
	.shape = SHAPE_MATRIX,
	.nparams = 2,
	.params = {
		{"n", ROLE_INVARIANT, SHAPE_SCALAR, NULL, true},
		{"V", ROLE_RATE, SHAPE_MATRIX, &Wishart, true},
	},
	.signature = "Wishart(n, V)",
	.proper = "n must be greater than the dimension less one, and V positive definite.",
	.nmoments = 2,
	.moment_specs = {{"mean", SHAPE_MATRIX}, {"mean_log_det", SHAPE_SCALAR}},
	.size = WishartSize,
	.natural = WishartNatural,
	.log_partition = WishartLogPartition,
	.moments = WishartMoments,
	.message = WishartMessage,
	.fixed = WishartFixed,
	.parameters = WishartParameters,
	.mean = WishartMean,
};
