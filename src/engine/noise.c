/*
 * noise.c
 *		How exact recorded values are: the steps that they are rounded to, and
 *		the resolution in terms of ordinary values.
 */
#include "postgres.h"

#include <math.h>

#include "engine/noise.h"
#include "engine/start.h"
#include "numerics/sort.h"
#include "utils/memutils.h"

/* Rows in which the steps of rounded columns are looked for; values nearer than this part of a deviation are the same */
#define STEP_SAMPLE 10000
#define SAME_VALUE 1e-9

/* Width of the middle half of a normal distribution, in standard deviations */
#define NORMAL_HALF 1.3489795

/*
 * Least resolution where values are far out, in standard deviations of the
 * column with them: sums of squares about its mean have no more digits, and
 * would depend on the order of the rows.
 */
#define LEAST_RESOLUTION 1e-5

/* A column's standard deviation is at most so many times that of a normal distribution with its middle half, or values are far out */
#define FAR_OUT 3.0

/* The values of one column of a sample, in ascending order */
typedef struct SortedColumn
{
	const RowStore *sample;
	int			column;
	int64		n;				/* without missing ones */
	double	   *values;
} SortedColumn;

static void
SortColumn(const RowStore *sample, int column, SortedColumn *sorted)
{
	const double **columns = palloc(sizeof(double *) * sample->width);

	*sorted = (SortedColumn) {sample, column, 0,
		MemoryContextAllocHuge(CurrentMemoryContext, sizeof(double) * (sample->rows + 1))};
	for (int c = 0; c < sample->nchunks; c++)
	{
		ChunkColumns(sample, c, columns);
		for (int i = 0; i < ChunkRows(sample, c); i++)
			if (!isnan(columns[column][i]))
				sorted->values[sorted->n++] = columns[column][i];
	}
	SortDoubles(sorted->values, sorted->n);
	pfree(columns);
}

/* Returns how many rows of a weighted sample, by weight, have at most this value. */
static double
RowsUpTo(const SortedColumn *sorted, double value)
{
	const RowStore *sample = sorted->sample;
	const double **columns = palloc(sizeof(double *) * sample->width);
	double		rows = 0.0;

	for (int c = 0; c < sample->nchunks; c++)
	{
		ChunkColumns(sample, c, columns);
		for (int i = 0; i < ChunkRows(sample, c); i++)
			if (columns[sorted->column][i] <= value)
				rows += columns[sample->width - 1][i];
	}
	pfree(columns);
	return rows;
}

/* Returns the least value that a share of the rows has or is below; there must be a row. */
static double
Quantile(const SortedColumn *sorted, double share)
{
	int64		low = 0;
	int64		high = sorted->n - 1;
	double		rows;

	if (!sorted->sample->weighted)
		return sorted->values[(int64) Max(ceil(share * sorted->n) - 1.0, 0.0)];
	rows = share * RowsUpTo(sorted, sorted->values[high]);
	while (low < high)
	{
		int64		middle = (low + high) / 2;

		if (RowsUpTo(sorted, sorted->values[middle]) >= rows)
			high = middle;
		else
			low = middle + 1;
	}
	return sorted->values[low];
}

/*
 * Returns the standard deviation that a resolution is a part of: that of the
 * column, but no more than the middle half of its values has to do with, for a
 * few that are far out, a million among tens, must not make all others one.
 */
static double
OrdinaryDeviation(const RowStore *rows, const SortedColumn *sorted)
{
	double		deviation = sqrt(ColumnVariance(rows, sorted->column));
	double		half = sorted->n == 0 ? 0.0 : Quantile(sorted, 0.75) - Quantile(sorted, 0.25);

	/* a column that is constant but for rounding has no scale, nor has a middle half that is one value */
	if (ColumnVariance(rows, sorted->column) != rows->variance[sorted->column] || !(half > 0.0))
		return deviation;
	return Min(deviation, FAR_OUT * half / NORMAL_HALF);
}

/* Returns the smallest step between the values of a column: the unit that it was rounded to; next to 0 if it was not. */
static double
ColumnStep(const SortedColumn *sorted, double deviation)
{
	const double *values = sorted->values;
	double		step = INFINITY;

	for (int64 i = 1; i < sorted->n; i++)
		if (values[i] - values[i - 1] > SAME_VALUE * deviation)
			step = Min(step, values[i] - values[i - 1]);
	return isinf(step) ? 0.0 : step;
}

void
SetNoise(NetworkPlan *plan, const RowStore *rows)
{
	double		resolution = plan->network->settings.resolution;
	const RowStore *sample = resolution == 0.0 ? NULL
		: CanonicalSample(rows, STEP_SAMPLE, plan->network->settings.seed, CurrentMemoryContext);

	for (int i = 0; i < plan->nleaves; i++)
	{
		PlanLeaf   *leaf = &plan->leaves[i];

		leaf->noise = palloc0(sizeof(double) * leaf->dim);
		for (int j = 0; j < leaf->dim && sample != NULL && leaf->kernel->columns->recorded; j++)
		{
			SortedColumn sorted;
			double		deviation;
			double		least;
			double		step;

			SortColumn(sample, leaf->columns[j], &sorted);
			deviation = OrdinaryDeviation(rows, &sorted);
			least = Max(resolution * deviation, Min(resolution, LEAST_RESOLUTION) * sqrt(ColumnVariance(rows, leaf->columns[j])));
			step = ColumnStep(&sorted, deviation);
			leaf->noise[j] = Max(step * step / 12.0, least * least);
			pfree(sorted.values);
		}
	}
}
