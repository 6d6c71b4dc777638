/*
 * degrees_of_freedom.c
 *		DegreesOfFreedom(rate, count): nu of a Student-t, between 2, where a
 *		covariance begins to exist, and 200, where it is as good as Gaussian.
 *
 * The conjugate family of nu in p(u | nu) = Gamma(nu/2, nu/2), the precision
 * scales of the rows (Lange, Little & Taylor 1989; Liu & Rubin 1995):
 *
 *		p(nu) ~ exp(-rate nu + count Psi(nu)), Psi(nu) = nu/2 log(nu/2) - log Gamma(nu/2)
 *
 * With count 0, that is before any row, an exponential.  The density is
 * concave in the log, and its integrals are computed where it is not 0.
 */
#include "postgres.h"

#include <math.h>

#include "distributions/families.h"
#include "numerics/special.h"

#define LEAST_DEGREES 2.0
#define MOST_DEGREES 200.0

/* What is this far below the maximum of the log density counts for nothing: exp(-40) is 4e-18 */
#define NEGLIGIBLE 40.0

#define HALVINGS 40
#define PANELS 8

static int
DegreesSize(int dim)
{
	return 2;
}

static double
Psi(double nu)
{
	return 0.5 * nu * log(0.5 * nu) - LogGamma(0.5 * nu);
}

static double
LogDensity(const double *phi, double nu)
{
	return phi[0] * nu + phi[1] * Psi(nu);
}

/* Returns the mode, by halving: the derivative falls. */
static double
Mode(const double *phi)
{
	double		low = LEAST_DEGREES;
	double		high = MOST_DEGREES;

	for (int i = 0; i < HALVINGS; i++)
	{
		double		nu = sqrt(low * high);

		if (phi[0] + 0.5 * phi[1] * (log(0.5 * nu) + 1.0 - Digamma(0.5 * nu)) > 0.0)
			low = nu;
		else
			high = nu;
	}
	return low;
}

/* Returns where the density becomes negligible between the mode and a limit; the limit, if it does not. */
static double
Edge(const double *phi, double mode, double limit)
{
	double		least = LogDensity(phi, mode) - NEGLIGIBLE;
	double		inside = mode;

	if (LogDensity(phi, limit) > least)
		return limit;
	for (int i = 0; i < HALVINGS; i++)
	{
		double		nu = 0.5 * (inside + limit);

		if (LogDensity(phi, nu) > least)
			inside = nu;
		else
			limit = nu;
	}
	return limit;
}

/*
 * Integrates over log nu, where Psi is smooth, by Gauss and Legendre's rule of 8
 * points on each panel: the density, nu and Psi, relative to the density at the
 * mode.
 */
static void
Integrate(const double *phi, double mode, double *sums)
{
	static const double nodes[4] = {0.1834346424956498, 0.5255324099163290, 0.7966664774136267, 0.9602898564975363};
	static const double weights[4] = {0.3626837833783620, 0.3137066458778873, 0.2223810344533745, 0.1012285362903763};
	double		highest = LogDensity(phi, mode);
	double		low = log(Edge(phi, mode, LEAST_DEGREES));
	double		half = 0.5 * (log(Edge(phi, mode, MOST_DEGREES)) - low) / PANELS;

	for (int p = 0; p < PANELS; p++)
		for (int i = 0; i < 8; i++)
		{
			double		nu = exp(low + half * (2 * p + 1 + (i % 2 == 0 ? -1 : 1) * nodes[i / 2]));
			double		density = half * weights[i / 2] * nu * exp(LogDensity(phi, nu) - highest);

			sums[0] += density;
			sums[1] += density * nu;
			sums[2] += density * Psi(nu);
		}
}

static void
DegreesNatural(int dim, const double *const *parents, double *phi)
{
	phi[0] = -parents[0][0];
	phi[1] = parents[1][0];
}

static bool
DegreesMoments(int dim, const double *phi, double *u, double *g)
{
	double		sums[3] = {0};
	double		mode;

	if (!(isfinite(phi[0]) && isfinite(phi[1]) && phi[1] >= 0.0))
		return false;
	mode = Mode(phi);
	Integrate(phi, mode, sums);
	u[0] = sums[1] / sums[0];
	u[1] = sums[2] / sums[0];
	*g = -LogDensity(phi, mode) - log(sums[0]);
	return isfinite(*g);
}

static double
DegreesLogPartition(int dim, const double *const *parents)
{
	double		phi[2];
	double		u[2];
	double		g;

	DegreesNatural(dim, parents, phi);
	if (!DegreesMoments(dim, phi, u, &g))
		RaiseImproper("the parameters of degrees of freedom are not proper");
	return g;
}

static void
DegreesMessage(int dim, int param, const double *const *parents, const double *u, double count, double *message)
{
	elog(ERROR, "parameters of degrees of freedom are numbers");
}

static void
DegreesFixed(int dim, const double *value, double *u)
{
	u[0] = value[0];
	u[1] = Psi(value[0]);
}

static void
DegreesParameters(int dim, const double *phi, double *params)
{
	params[0] = -phi[0];
	params[1] = phi[1];
}

static void
DegreesMean(int dim, const double *phi, const double *u, double *mean)
{
	mean[0] = u[0];
}

const Distribution DegreesOfFreedom = {
	.name = "DegreesOfFreedom",
	.shape = SHAPE_SCALAR,
	.nparams = 2,
	.params = {
		{"rate", ROLE_INVARIANT, SHAPE_SCALAR, NULL, true},
		{"count", ROLE_INVARIANT, SHAPE_SCALAR, NULL, false},
	},
	.signature = "DegreesOfFreedom(rate, count)",
	.proper = "rate and count must be finite, and count not negative.",
	.nmoments = 2,
	.moment_specs = {{"mean", SHAPE_SCALAR}, {"mean_log_normaliser", SHAPE_SCALAR}},
	.size = DegreesSize,
	.natural = DegreesNatural,
	.log_partition = DegreesLogPartition,
	.moments = DegreesMoments,
	.message = DegreesMessage,
	.fixed = DegreesFixed,
	.parameters = DegreesParameters,
	.mean = DegreesMean,
};
