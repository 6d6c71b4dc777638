/*
 * special.c
 *		Digamma, multivariate gamma and Student-t: what the exponential family
 *		needs beyond libm.
 */
#include "postgres.h"

#include <math.h>

#include "numerics/special.h"

/* Below this the recurrence is used, above it the asymptotic series is exact to rounding. */
#define DIGAMMA_ASYMPTOTIC_FROM 10.0

/*
 * Returns psi(x) for x > 0: recurrence psi(x) = psi(x + 1) - 1/x, then the
 * asymptotic series (Abramowitz & Stegun 1964, 6.3.5 and 6.3.18).
 */
double
Digamma(double x)
{
	double		shift = 0.0;
	double		y;

	while (x < DIGAMMA_ASYMPTOTIC_FROM)
	{
		shift += 1.0 / x;
		x += 1.0;
	}
	y = 1.0 / (x * x);

	/* Bernoulli numbers B_2k / 2k, k = 1 .. 7 */
	return log(x) - 0.5 / x - shift
		- y * (1.0 / 12 - y * (1.0 / 120 - y * (1.0 / 252 - y * (1.0 / 240
																 - y * (1.0 / 132 - y * (691.0 / 32760 - y / 12))))));
}

/* Returns log Gamma(x) for x > 0, without lgamma's global sign variable. */
double
LogGamma(double x)
{
	int			sign;

	return lgamma_r(x, &sign);
}

/* Returns d/da log Gamma_dim(a) (Bishop 2006, B.81). */
double
MultivariateDigamma(double a, int dim)
{
	double		sum = 0.0;

	for (int i = 0; i < dim; i++)
		sum += Digamma(a - 0.5 * i);
	return sum;
}

/* Returns log Gamma_dim(a), a > (dim - 1) / 2 (Bishop 2006, B.79). */
double
MultivariateLogGamma(double a, int dim)
{
	double		sum = 0.25 * dim * (dim - 1) * log(M_PI);

	for (int i = 0; i < dim; i++)
		sum += LogGamma(a - 0.5 * i);
	return sum;
}

/*
 * Returns the log density of a dim-variate Student-t with nu degrees of
 * freedom (Bishop 2006, B.68); `quadratic` is (x-m)^T S^-1 (x-m) and
 * `log_det_scale` is log |S|.  nu = infinity is the Gaussian.
 */
double
LogStudentT(double quadratic, double log_det_scale, double nu, int dim)
{
	if (isinf(nu))
		return -0.5 * (quadratic + log_det_scale + dim * LOG_2PI);

	return LogGamma(0.5 * (nu + dim)) - LogGamma(0.5 * nu) - 0.5 * dim * log(nu * M_PI) - 0.5 * log_det_scale
		- 0.5 * (nu + dim) * log1p(quadratic / nu);
}
