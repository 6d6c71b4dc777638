/*
 * moments.c
 *		Moments of the rows, chunk by chunk, by the kernel that the inference
 *		uses too.
 *
 * Differences are taken from the mean of the rows before (of the first chunk:
 * from its first row), which keeps the digits of columns far from 0, and chunks
 * are merged by the update of Chan, Golub and LeVeque (1983).
 */
#include "postgres.h"

#include <float.h>
#include <math.h>

#include "numerics/kernels.h"
#include "numerics/linalg.h"
#include "source/moments.h"

/* The centre is rounded to this fraction of the scale, so that the order of summation does not change it */
#define CENTRE_STEP 0.0625

static double *
AllocDoubles(Size n)
{
	return palloc_extended(mul_size(n, sizeof(double)), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
}

RowMoments *
CreateMoments(int dim)
{
	RowMoments *moments = palloc0(sizeof(RowMoments));

	moments->dim = dim;
	moments->mean = AllocDoubles(dim);
	moments->products = AllocDoubles((Size) dim * (dim + 1) / 2);
	moments->centred = AllocDoubles((Size) dim * KERNEL_MAX_ROWS);
	moments->columns = palloc(sizeof(double *) * dim);
	for (int j = 0; j < dim; j++)
		moments->columns[j] = moments->centred + (Size) j * KERNEL_MAX_ROWS;
	moments->lanes = AllocDoubles((Size) QuadraticSize(dim) * KERNEL_LANES);
	moments->sums = AllocDoubles(QuadraticSize(dim));
	return moments;
}

void
FreeMoments(RowMoments *moments)
{
	if (moments->pairs)
	{
		pfree(moments->pairs->counts);
		pfree(moments->pairs->means);
		pfree(moments->pairs->products);
		pfree(moments->pairs);
	}
	pfree(moments->mean);
	pfree(moments->products);
	pfree(moments->centred);
	pfree(moments->columns);
	pfree(moments->lanes);
	pfree(moments->sums);
	pfree(moments);
}

/* Adds the rows of one block, less the pivot, to the lanes. */
static void
AddBlock(RowMoments *moments, const double *const *columns, const double *weights, int dim, const double *pivot, int first,
		 int rows)
{
	static const double ones[KERNEL_MAX_ROWS] = {[0 ... KERNEL_MAX_ROWS - 1] = 1.0};
	double		rest[KERNEL_MAX_ROWS];
	const double *r = ones;
	int			padded = TYPEALIGN(KERNEL_LANES, rows);

	if (rows < KERNEL_MAX_ROWS || weights != NULL)
	{
		for (int n = 0; n < padded; n++)
			rest[n] = n >= rows ? 0.0 : weights != NULL ? weights[first + n] : 1.0;
		r = rest;
	}
	for (int j = 0; j < dim; j++)
	{
		double	   *to = moments->centred + (Size) j * KERNEL_MAX_ROWS;
		const double *from = columns[j] + first;

		for (int n = 0; n < padded; n++)
			to[n] = n < rows ? from[n] - pivot[j] : 0.0;
	}
	ActiveKernels->quadratic_sums(dim, moments->columns, r, padded, moments->lanes);
}

/* Writes the sums of rows, less the pivot. */
static void
SumRows(RowMoments *moments, const double *const *columns, const double *weights, int dim, const double *pivot, int rows)
{
	int			size = QuadraticSize(dim);

	memset(moments->lanes, 0, sizeof(double) * size * KERNEL_LANES);
	memset(moments->sums, 0, sizeof(double) * size);
	for (int n = 0; n < rows; n += KERNEL_MAX_ROWS)
		AddBlock(moments, columns, weights, dim, pivot, n, Min(KERNEL_MAX_ROWS, rows - n));
	ReduceLanes(size, moments->lanes, moments->sums);
}

/* Merges sums about a pivot into the moments. */
static void
MergeSums(RowMoments *moments, const double *pivot)
{
	double		rows = moments->sums[0];
	const double *s = moments->sums + 1;
	const double *ss = s + moments->dim;
	double		total = moments->rows + rows;
	double		factor = moments->rows * rows / total;
	double	   *product = moments->products;

	if (rows == 0.0)
		return;
	for (int i = 0; i < moments->dim; i++)
	{
		double		shift = pivot[i] + s[i] / rows - moments->mean[i];

		for (int j = 0; j <= i; j++)
			*product++ += *ss++ - s[i] * s[j] / rows
				+ factor * shift * (pivot[j] + s[j] / rows - moments->mean[j]);
	}
	for (int i = 0; i < moments->dim; i++)
		moments->mean[i] += (pivot[i] + s[i] / rows - moments->mean[i]) * rows / total;
	moments->rows = total;
}

void
AddMoments(RowMoments *moments, const double *const *columns, const double *weights, int rows)
{
	double	   *pivot;

	if (rows == 0)
		return;
	pivot = palloc(sizeof(double) * moments->dim);
	for (int j = 0; j < moments->dim; j++)
		pivot[j] = moments->rows > 0 ? moments->mean[j] : columns[j][0];
	SumRows(moments, columns, weights, moments->dim, pivot, rows);
	MergeSums(moments, pivot);
	pfree(pivot);
}

/* Number of the product of columns i and j. */
static Size
ProductIndex(int i, int j)
{
	return i >= j ? (Size) i * (i + 1) / 2 + j : (Size) j * (j + 1) / 2 + i;
}

/* --- rows that lack columns --- */

static PairMoments *
CreatePairs(int dim)
{
	PairMoments *pairs = palloc0(sizeof(PairMoments));

	pairs->counts = AllocDoubles((Size) dim * dim);
	pairs->means = AllocDoubles((Size) dim * dim);
	pairs->products = AllocDoubles((Size) dim * dim);
	return pairs;
}

/* Merges mean and products of the observed columns of some rows into those of the pairs. */
static void
MergePairs(PairMoments *pairs, int dim, int nobserved, const int *observed, const double *mean, const double *products,
		   double rows)
{
	for (int i = 0; i < nobserved; i++)
		for (int j = 0; j < nobserved; j++)
		{
			Size		pair = (Size) observed[i] * dim + observed[j];
			Size		mirrored = (Size) observed[j] * dim + observed[i];
			double		total = pairs->counts[pair] + rows;
			double		shift = mean[i] - pairs->means[pair];

			/* the upper triangle first: the mirrored mean is still the old one */
			if (j >= i)
				pairs->products[pair] += products[ProductIndex(i, j)]
					+ pairs->counts[pair] * rows / total * shift * (mean[j] - pairs->means[mirrored]);
			else
				pairs->products[pair] = pairs->products[mirrored];
			pairs->means[pair] += shift * rows / total;
			pairs->counts[pair] = total;
		}
	pairs->rows += rows;
}

double
AddIncompleteMoments(RowMoments *moments, const double *const *columns, const double *weights, int nobserved,
					 const int *observed, int rows)
{
	const double **present = palloc(sizeof(double *) * nobserved);
	double	   *mean = palloc(sizeof(double) * nobserved);
	double	   *s = moments->sums + 1;
	double	   *ss = s + nobserved;
	double		total;

	if (moments->pairs == NULL)
		moments->pairs = CreatePairs(moments->dim);
	for (int i = 0; i < nobserved; i++)
	{
		present[i] = columns[observed[i]];
		mean[i] = present[i][0];
	}
	SumRows(moments, present, weights, nobserved, mean, rows);
	total = moments->sums[0];
	if (total > 0.0)
	{
		for (int i = 0; i < nobserved; i++)
			for (int j = 0; j <= i; j++)
				ss[ProductIndex(i, j)] -= s[i] * s[j] / total;
		for (int i = 0; i < nobserved; i++)
			mean[i] += s[i] / total;
		MergePairs(moments->pairs, moments->dim, nobserved, observed, mean, ss, total);
	}
	pfree(present);
	pfree(mean);
	return total;
}

/* How much smaller covariances are made each time that they fit no distribution */
#define SHRINK 0.9
#define LEAST_FACTOR 1e-3

/* Returns a factor for the covariances of different columns, at most 1, such that correlations are positive definite. */
static double
FittingFactor(const PairMoments *pairs, int dim)
{
	double	   *correlation = AllocDoubles((Size) dim * dim * 2);
	double		factor = 1.0;

	while (factor > LEAST_FACTOR)
	{
		for (int i = 0; i < dim; i++)
			for (int j = 0; j < dim; j++)
			{
				Size		pair = (Size) i * dim + j;
				Size		ii = (Size) i * (dim + 1);
				Size		jj = (Size) j * (dim + 1);
				double		scale = sqrt(pairs->products[ii] / pairs->counts[ii]) * sqrt(pairs->products[jj] / pairs->counts[jj]);

				correlation[pair] = i == j ? 1.0 : scale > 0.0 && pairs->counts[pair] > 0
					? factor * pairs->products[pair] / pairs->counts[pair] / scale : 0.0;
			}
		if (Cholesky(correlation, dim, correlation + (Size) dim * dim))
		{
			pfree(correlation);
			return factor;
		}
		factor *= SHRINK;
	}
	pfree(correlation);
	return 0.0;
}

void
FinishMoments(RowMoments *moments)
{
	PairMoments *pairs = moments->pairs;
	int			dim = moments->dim;
	int		   *all = palloc(sizeof(int) * dim);
	double		factor;

	if (pairs == NULL)
		return;
	for (int j = 0; j < dim; j++)
		all[j] = j;
	if (moments->rows > 0)
		MergePairs(pairs, dim, dim, all, moments->mean, moments->products, moments->rows);
	factor = FittingFactor(pairs, dim);
	moments->rows = pairs->rows;
	for (int i = 0; i < dim; i++)
	{
		moments->mean[i] = pairs->means[(Size) i * (dim + 1)];
		for (int j = 0; j <= i; j++)
		{
			Size		pair = (Size) i * dim + j;

			moments->products[ProductIndex(i, j)] = pairs->counts[pair] == 0 ? 0.0
				: (i == j ? 1.0 : factor) * pairs->products[pair] / pairs->counts[pair] * moments->rows;
		}
	}
	pfree(all);
}

void
MomentsInFrame(const RowMoments *moments, const Frame *frame, double *mean, double *covariance)
{
	int			dim = moments->dim;

	for (int i = 0; i < dim; i++)
	{
		mean[i] = (moments->mean[i] - frame->centre[i]) / frame->scale[i];
		for (int j = 0; j < dim; j++)
			covariance[(Size) i * dim + j] = moments->products[ProductIndex(i, j)] / moments->rows
				/ frame->scale[i] / frame->scale[j];
	}
}

/* Returns the variance of a column; an error if it or the mean is beyond what doubles hold. */
static double
ColumnVariance(const RowMoments *moments, int column, char *const *names)
{
	double		variance = moments->products[ProductIndex(column, column)] / moments->rows;

	if (!isfinite(moments->mean[column]) || !isfinite(variance))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("values of column \"%s\" are too large to compute with", names[column]),
				 errhint("Their squares must be finite: use other units.")));
	return Max(variance, 0.0);
}

void
ChooseFrame(const RowMoments *moments, const FrameGroups *groups, char *const *names, Frame *frame)
{
	int			n = moments->dim;
	const double *mean = moments->mean;
	double	   *variances = palloc(sizeof(double) * n); /* about the centre */

	for (int j = 0; j < n; j++)
	{
		int			members = 0;

		frame->centre[j] = 0.0;
		for (int k = 0; k < n; k++)
			if (k == j || (groups != NULL && groups->frame[k] == groups->frame[j]))
				frame->centre[j] += (mean[k] - frame->centre[j]) / ++members;
		variances[j] = ColumnVariance(moments, j, names);
		variances[j] += (mean[j] - frame->centre[j]) * (mean[j] - frame->centre[j]);
	}
	for (int j = 0; j < n; j++)
	{
		double		centre = frame->centre[j];
		double		square = 0.0;
		double		step;
		int			members = 0;

		for (int k = 0; k < n; k++)
			if (k == j || (groups != NULL && groups->scale[k] == groups->scale[j]))
				square += (variances[k] - square) / ++members;

		/* a column that is constant but for rounding has no scale of its own */
		if (sqrt(square) > 1e-14 * fabs(centre) && square > 1e-300)
			frame->scale[j] = exp2(rint(log2(square) / 2));
		step = frame->scale[j] * CENTRE_STEP;
		frame->centre[j] = fabs(centre) < step / DBL_EPSILON ? rint(centre / step) * step : centre;
	}
	pfree(variances);
}
