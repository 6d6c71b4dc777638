/*
 * moments.c
 *		Moments of the rows, chunk by chunk, by the kernel that the inference
 *		uses too.
 *
 * Differences are taken from the mean of the rows before (of the first chunk:
 * from its first row), which keeps the digits of columns far from 0, and chunks
 * are merged by the update of Chan, Golub and LeVeque (1983).
 *
 * Covariances cost the square of the number of columns, and few priors ask for
 * them: without them each column has its own mean, variance and number of rows.
 */
#include "postgres.h"

#include <float.h>
#include <math.h>

#include "numerics/kernels.h"
#include "numerics/linalg.h"
#include "source/moments.h"
#include "storage/shmem.h"

/* The centre is rounded to this fraction of the scale, so that the order of summation does not change it */
#define CENTRE_STEP 0.0625

static double *
AllocDoubles(Size n)
{
	return palloc_extended(mul_size(n, sizeof(double)), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
}

/* Returns how many sums the rows of a block have. */
static int
SumsSize(const RowMoments *moments, int dim)
{
	return moments->covariances ? QuadraticSize(dim) : DiagonalKernelSize(dim);
}

RowMoments *
CreateMoments(int dim, bool covariances)
{
	RowMoments *moments = palloc0(sizeof(RowMoments));

	moments->dim = dim;
	moments->covariances = covariances;
	moments->mean = AllocDoubles(dim);
	moments->products = AllocDoubles(covariances ? (Size) dim * (dim + 1) / 2 : dim);
	moments->counts = covariances ? NULL : AllocDoubles(dim);
	moments->centred = AllocDoubles((Size) dim * KERNEL_MAX_ROWS);
	moments->columns = palloc(sizeof(double *) * dim);
	for (int j = 0; j < dim; j++)
		moments->columns[j] = moments->centred + (Size) j * KERNEL_MAX_ROWS;
	moments->lanes = AllocDoubles((Size) SumsSize(moments, dim) * KERNEL_LANES);
	moments->sums = AllocDoubles(SumsSize(moments, dim));
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
	if (moments->counts)
		pfree(moments->counts);
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
	if (moments->covariances)
		ActiveKernels->quadratic_sums(dim, moments->columns, r, padded, moments->lanes);
	else
		ActiveKernels->diagonal_sums(dim, moments->columns, r, padded, moments->lanes);
}

/* Writes the sums of rows, less the pivot. */
static void
SumRows(RowMoments *moments, const double *const *columns, const double *weights, int dim, const double *pivot, int rows)
{
	int			size = SumsSize(moments, dim);

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

/* Merges sums of some columns (NULL: of all) about a pivot into the moments; each column has rows of its own. */
static void
MergeColumns(RowMoments *moments, const double *pivot, int n, const int *observed)
{
	double		rows = moments->sums[0];
	const double *s = moments->sums + 1;
	const double *ss = s + n;

	if (rows == 0.0)
		return;
	for (int i = 0; i < n; i++)
	{
		int			j = observed ? observed[i] : i;
		double		total = moments->counts[j] + rows;
		double		factor = moments->counts[j] * rows / total;
		double		shift = pivot[i] + s[i] / rows - moments->mean[j];

		moments->products[j] += ss[i] - s[i] * s[i] / rows + factor * shift * shift;
		moments->mean[j] += shift * rows / total;
		moments->counts[j] = total;
	}
	moments->rows += rows;
}

void
AddMoments(RowMoments *moments, const double *const *columns, const double *weights, int rows)
{
	double	   *pivot;

	if (rows == 0)
		return;
	pivot = palloc(sizeof(double) * moments->dim);
	for (int j = 0; j < moments->dim; j++)
		pivot[j] = (moments->covariances ? moments->rows : moments->counts[j]) > 0 ? moments->mean[j] : columns[j][0];
	SumRows(moments, columns, weights, moments->dim, pivot, rows);
	if (moments->covariances)
		MergeSums(moments, pivot);
	else
		MergeColumns(moments, pivot, moments->dim, NULL);
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

/* Turns the sums of some columns about a pivot, which becomes their mean, into products, and merges them. */
static void
MergeIncomplete(RowMoments *moments, double *pivot, int nobserved, const int *observed)
{
	double		total = moments->sums[0];
	double	   *s = moments->sums + 1;
	double	   *ss = s + nobserved;

	if (moments->pairs == NULL)
		moments->pairs = CreatePairs(moments->dim);
	if (total == 0.0)
		return;
	for (int i = 0; i < nobserved; i++)
		for (int j = 0; j <= i; j++)
			ss[ProductIndex(i, j)] -= s[i] * s[j] / total;
	for (int i = 0; i < nobserved; i++)
		pivot[i] += s[i] / total;
	MergePairs(moments->pairs, moments->dim, nobserved, observed, pivot, ss, total);
}

double
AddIncompleteMoments(RowMoments *moments, const double *const *columns, const double *weights, int nobserved,
					 const int *observed, int rows)
{
	const double **present = palloc(sizeof(double *) * nobserved);
	double	   *pivot = palloc(sizeof(double) * nobserved);

	for (int i = 0; i < nobserved; i++)
	{
		present[i] = columns[observed[i]];
		pivot[i] = present[i][0];
	}
	SumRows(moments, present, weights, nobserved, pivot, rows);
	if (moments->covariances)
		MergeIncomplete(moments, pivot, nobserved, observed);
	else
		MergeColumns(moments, pivot, nobserved, observed);
	pfree(present);
	pfree(pivot);
	return moments->sums[0];
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

/* Brings the products of columns that some rows lack to the number of all rows. */
static void
FinishColumns(RowMoments *moments)
{
	for (int j = 0; j < moments->dim; j++)
		if (moments->counts[j] == 0.0)
			moments->products[j] = 0.0;
		else if (moments->counts[j] != moments->rows)
			moments->products[j] *= moments->rows / moments->counts[j];
}

void
FinishMoments(RowMoments *moments)
{
	PairMoments *pairs = moments->pairs;
	int			dim = moments->dim;
	int		   *all;
	double		factor;

	if (!moments->covariances)
		FinishColumns(moments);
	if (pairs == NULL)
		return;
	all = palloc(sizeof(int) * dim);
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

/* Returns the variance of a column. */
static double
Variance(const RowMoments *moments, int column)
{
	return moments->products[moments->covariances ? ProductIndex(column, column) : column] / moments->rows;
}

void
MomentsInFrame(const RowMoments *moments, const Frame *frame, double *mean, double *variance, double *covariance)
{
	int			dim = moments->dim;

	for (int i = 0; i < dim; i++)
	{
		mean[i] = (moments->mean[i] - frame->centre[i]) / frame->scale[i];
		variance[i] = Variance(moments, i) / frame->scale[i] / frame->scale[i];
		for (int j = 0; moments->covariances && j < dim; j++)
			covariance[(Size) i * dim + j] = moments->products[ProductIndex(i, j)] / moments->rows
				/ frame->scale[i] / frame->scale[j];
	}
}

/* Returns the variance of a column; an error if it or the mean is beyond what doubles hold. */
static double
ColumnVariance(const RowMoments *moments, int column, char *const *names)
{
	double		variance = Variance(moments, column);

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
		if (groups != NULL && groups->fixed[j])
		{
			frame->centre[j] = 0.0;
			frame->scale[j] = 1.0;
		}
	}
	pfree(variances);
}
