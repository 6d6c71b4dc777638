/*
 * conditional.c
 *		Conditional Gaussians by rotations of a triangular factor.
 */
#include "postgres.h"

#include <math.h>

#include "distributions/conditional.h"

Pattern *
CreatePattern(int dim)
{
	Pattern    *pattern = palloc0(sizeof(Pattern));

	pattern->dim = dim;
	pattern->observed = palloc(sizeof(int) * dim);
	pattern->missing = palloc(sizeof(int) * dim);
	return pattern;
}

void
ReadPattern(const double *x, Pattern *pattern)
{
	pattern->nobserved = pattern->nmissing = 0;
	for (int j = 0; j < pattern->dim; j++)
		if (isnan(x[j]))
			pattern->missing[pattern->nmissing++] = j;
		else
			pattern->observed[pattern->nobserved++] = j;
}

int
ConditionalSize(const Pattern *pattern, int constants_size, bool joint)
{
	return constants_size + pattern->nmissing * (joint ? pattern->nobserved + 1 + pattern->nmissing : 2);
}

Conditional
PlaceConditional(double *memory, const Pattern *pattern, int constants_size, bool joint)
{
	Conditional conditional;

	conditional.constants = memory;
	conditional.slopes = joint ? memory + constants_size : NULL;
	conditional.offset = memory + constants_size + (joint ? pattern->nmissing * pattern->nobserved : 0);
	conditional.covariance = conditional.offset + pattern->nmissing;
	return conditional;
}

double
ExpectedValue(const Conditional *conditional, const Pattern *pattern, int i, const double *observed)
{
	double		value = conditional->offset[i];

	for (int j = 0; conditional->slopes != NULL && j < pattern->nobserved; j++)
		value += conditional->slopes[i * pattern->nobserved + j] * observed[j];
	return value;
}

double
ConditionalVariance(const Conditional *conditional, const Pattern *pattern, int i)
{
	return conditional->covariance[conditional->slopes ? i * (pattern->nmissing + 1) : i];
}

/* Writes the columns of a packed upper triangle in the order missing, observed. */
static void
PermuteFactor(const double *u, const Pattern *pattern, double *r)
{
	int			dim = pattern->dim;

	for (int i = 0; i < dim; i++)
	{
		const double *row = u - i;	/* begins at its column i */
		double	   *to = r + i * dim;

		for (int p = 0; p < pattern->nmissing; p++)
			*to++ = pattern->missing[p] >= i ? row[pattern->missing[p]] : 0.0;
		for (int p = 0; p < pattern->nobserved; p++)
			*to++ = pattern->observed[p] >= i ? row[pattern->observed[p]] : 0.0;
		u += dim - i;
	}
}

/* Rotates two rows so that the second one is 0 in a column, and both stay 0 before it. */
static void
RotateRows(double *a, double *b, int column, int dim)
{
	double		length = sqrt(a[column] * a[column] + b[column] * b[column]);

	/* squares that are 0 are nothing against the rest of the column */
	if (length > 0.0)
	{
		double		c = a[column] / length;
		double		s = b[column] / length;

		for (int j = column; j < dim; j++)
		{
			double		x = a[j];

			a[j] = c * x + s * b[j];
			b[j] = c * b[j] - s * x;
		}
	}
	b[column] = 0.0;
}

/* Makes a square matrix upper triangular with a positive diagonal (Golub & Van Loan 2013, 5.2.5). */
static void
Triangulate(double *r, int dim)
{
	for (int column = 0; column < dim; column++)
	{
		double	   *diagonal = r + column * dim;

		for (int i = dim - 1; i > column; i--)
			if (r[i * dim + column] != 0.0)
				RotateRows(r + (i - 1) * dim, r + i * dim, column, dim);
		if (diagonal[column] < 0.0)
			for (int j = column; j < dim; j++)
				diagonal[j] = -diagonal[j];
	}
}

/* Writes -A^-1 B. */
static void
SolveSlopes(const double *r, const Pattern *pattern, double *slopes)
{
	int			dim = pattern->dim;
	int			n = pattern->nmissing;
	int			nobserved = pattern->nobserved;

	for (int i = n - 1; i >= 0; i--)
		for (int j = 0; j < nobserved; j++)
		{
			double		sum = r[i * dim + n + j];

			for (int k = i + 1; k < n; k++)
				sum += r[i * dim + k] * slopes[k * nobserved + j];
			slopes[i * nobserved + j] = -sum / r[i * dim + i];
		}
}

/* Writes (A^T A)^-1 = A^-1 A^-T, column by column of A^-T from below. */
static void
InvertBlock(const double *r, int dim, int n, double *inverse)
{
	/* A^-1 first, an upper triangle */
	for (int j = 0; j < n; j++)
		for (int i = n - 1; i >= 0; i--)
		{
			double		sum = i == j ? 1.0 : 0.0;

			for (int k = i + 1; k <= j; k++)
				sum -= r[i * dim + k] * inverse[k * n + j];
			inverse[i * n + j] = i > j ? 0.0 : sum / r[i * dim + i];
		}

	/* row i of the product needs rows i and after of the factor: from above, in place */
	for (int i = 0; i < n; i++)
		for (int j = i; j < n; j++)
		{
			double		sum = 0.0;

			for (int k = j; k < n; k++)
				sum += inverse[i * n + k] * inverse[j * n + k];
			inverse[i * n + j] = sum;
		}
	for (int i = 0; i < n; i++)
		for (int j = 0; j < i; j++)
			inverse[i * n + j] = inverse[j * n + i];
}

void
ConditionQuadratic(const double *m, const double *u, const Pattern *pattern, double *r, double *observed,
				   Conditional *out)
{
	int			dim = pattern->dim;
	int			nmissing = pattern->nmissing;
	double	   *factor = observed + pattern->nobserved;

	PermuteFactor(u, pattern, r);
	Triangulate(r, dim);
	SolveSlopes(r, pattern, out->slopes);
	InvertBlock(r, dim, nmissing, out->covariance);
	for (int i = 0; i < nmissing; i++)
	{
		out->offset[i] = m[pattern->missing[i]];
		for (int j = 0; j < pattern->nobserved; j++)
			out->offset[i] -= out->slopes[i * pattern->nobserved + j] * m[pattern->observed[j]];
	}
	for (int i = 0; i < pattern->nobserved; i++)
		observed[i] = m[pattern->observed[i]];
	for (int i = nmissing; i < dim; i++)
		for (int j = i; j < dim; j++)
			*factor++ = r[i * dim + j];
}

/* Number of the product of columns i and j in the statistics. */
static int
ProductOf(int i, int j)
{
	return i >= j ? i * (i + 1) / 2 + j : j * (j + 1) / 2 + i;
}

void
CompleteQuadratic(const Pattern *pattern, const Conditional *conditional, const double *noise, double count,
				  const double *stats, double *to)
{
	int			nobserved = pattern->nobserved;
	const double *sums = stats + 1;
	const double *products = sums + nobserved;
	double	   *to_products = to + 1 + pattern->dim;
	double	   *cross = palloc(sizeof(double) * (nobserved + 1));

	to[0] += stats[0];
	for (int i = 0; i < nobserved; i++)
	{
		to[1 + pattern->observed[i]] += sums[i];
		for (int j = 0; j <= i; j++)
			to_products[ProductOf(pattern->observed[i], pattern->observed[j])] += products[ProductOf(i, j)];
	}
	for (int i = 0; i < pattern->nmissing; i++)
	{
		const double *slopes = conditional->slopes + i * nobserved;
		double		sum = stats[0] * conditional->offset[i];

		/* sums of the expected value of a missing column times the observed ones */
		for (int j = 0; j < nobserved; j++)
		{
			sum += slopes[j] * sums[j];
			cross[j] = conditional->offset[i] * sums[j];
			for (int k = 0; k < nobserved; k++)
				cross[j] += slopes[k] * products[ProductOf(j, k)];
			to_products[ProductOf(pattern->missing[i], pattern->observed[j])] += cross[j];
		}
		to[1 + pattern->missing[i]] += sum;
		for (int j = 0; j <= i; j++)
		{
			double		product = conditional->offset[j] * sum
				+ count * conditional->covariance[i * pattern->nmissing + j];

			if (i == j && noise)
				product -= stats[0] * noise[pattern->missing[i]];
			for (int k = 0; k < nobserved; k++)
				product += conditional->slopes[j * nobserved + k] * cross[k];
			to_products[ProductOf(pattern->missing[i], pattern->missing[j])] += product;
		}
	}
	pfree(cross);
}
