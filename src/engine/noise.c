/*
 * noise.c
 *		How exact recorded values are: the steps that they were rounded to, and
 *		the resolution in terms of ordinary values.
 *
 * A value that many rows share was rounded, or is exact.  How far it stands
 * from its neighbours tells: from those that about as many rows have, lest a
 * value that is off the grid, or was not rounded as others were, counts.  Two
 * or three values further apart than the column is wide are exact: plans,
 * flags, terms.  A column's step is the least one that the coarsest part of
 * its rows have, so that no single row decides.
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

/* Values so many widths of the middle half (or of the middle nine tenths) from it say nothing of how wide a column is */
#define FAR_HALVES 10.0

/* A neighbour that has less than this part of a value's rows, by more than so many standard deviations, is not its neighbour on the grid */
#define AS_MANY 0.5
#define BY_CHANCE 2.0

/* Rows between two neighbours are none if they are fewer than this part of the value's; else their middle third must have this part of them */
#define FEW_BETWEEN 0.1
#define MIDDLE_PART (1.0 / 6.0)

/*
 * Equal steps are a grid from four values on that have all but a few rows.
 * Otherwise values that are further apart than so many standard deviations are
 * exact: a normal distribution that is rounded to such steps has four values.
 */
#define GRID_VALUES 4
#define GRID_ROWS 0.95
#define SAME_STEP 1e-6
#define EXACT_APART 1.1

/* Fewer rows are one, but for rounding of their weights */
#define ONE_ROW 1.000001

/* The part of the rows that a column's step is at least that of */
#define COARSEST 0.15

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

/* A value, how many rows have it, and how far it is from the next one on its grid; 0: it is exact */
typedef struct DistinctValue
{
	double		value;
	double		rows;
	double		gap;
} DistinctValue;

static int
CompareValues(const void *a, const void *b)
{
	double		x = ((const DistinctValue *) a)->value;
	double		y = ((const DistinctValue *) b)->value;

	return x > y ? 1 : x < y ? -1 : 0;
}

/* Orders values by descending gap. */
static int
CompareGaps(const void *a, const void *b)
{
	double		x = ((const DistinctValue *) a)->gap;
	double		y = ((const DistinctValue *) b)->gap;

	return x < y ? 1 : x > y ? -1 : 0;
}

/*
 * Returns the weight that counts as a row: the least one, where weights are
 * whole numbers, and else the largest one, lest parts of a row repeat it.
 */
static double
RowUnit(const RowStore *sample)
{
	const double **columns = palloc(sizeof(double *) * sample->width);
	double		least = INFINITY;
	double		largest = 1.0;
	bool		whole = true;

	for (int c = 0; c < sample->nchunks && sample->weighted; c++)
	{
		ChunkColumns(sample, c, columns);
		for (int i = 0; i < ChunkRows(sample, c); i++)
		{
			double		weight = columns[sample->width - 1][i];

			whole &= weight == rint(weight);
			largest = Max(largest, weight);
			if (weight > 0.0)
				least = Min(least, weight);
		}
	}
	pfree(columns);
	return !whole ? largest : isinf(least) ? 1.0 : least;
}

/* Writes the different values of a column, in ascending order, and what rows have them; returns how many. */
static int
DistinctValues(const SortedColumn *sorted, double deviation, DistinctValue *values)
{
	const RowStore *sample = sorted->sample;
	const double **columns = palloc(sizeof(double *) * sample->width);
	double		unit = RowUnit(sample);
	int			n = 0;
	int			distinct = 0;

	for (int c = 0; c < sample->nchunks; c++)
	{
		ChunkColumns(sample, c, columns);
		for (int i = 0; i < ChunkRows(sample, c); i++)
			if (!isnan(columns[sorted->column][i]))
				values[n++] = (DistinctValue) {columns[sorted->column][i],
					sample->weighted ? columns[sample->width - 1][i] / unit : 1.0, 0.0};
	}
	pfree(columns);
	qsort(values, n, sizeof(DistinctValue), CompareValues);
	for (int i = 0; i < n; i++)
		if (distinct > 0 && values[i].value - values[distinct - 1].value <= SAME_VALUE * deviation)
			values[distinct - 1].rows += values[i].rows;
		else
			values[distinct++] = values[i];
	return distinct;
}

/* Returns the nearest value in a direction that has about as many rows as value i has; -1 if there is none. */
static int
Neighbour(const DistinctValue *values, int n, int i, int direction)
{
	for (int j = i + direction; j >= 0 && j < n; j += direction)
		if (values[j].rows + BY_CHANCE * sqrt(values[j].rows) >= AS_MANY * values[i].rows)
			return j;
	return -1;
}

/* Returns whether the rows between two values are few, or lie between them as rows do that were not rounded so. */
static bool
IsOneStep(const DistinctValue *values, int i, int j)
{
	int			low = Min(i, j);
	int			high = Max(i, j);
	double		third = (values[high].value - values[low].value) / 3.0;
	double		between = 0.0;
	double		middle = 0.0;

	for (int k = low + 1; k < high; k++)
	{
		between += values[k].rows;
		if (values[k].value >= values[low].value + third && values[k].value <= values[high].value - third)
			middle += values[k].rows;
	}
	return between <= FEW_BETWEEN * values[i].rows || middle >= MIDDLE_PART * between;
}

/* Returns the distance of value i from its neighbours on the grid; 0 if it has none, or no grid at all. */
static double
LocalGap(const DistinctValue *values, int n, int i, double most)
{
	double		gap = INFINITY;

	for (int direction = -1; direction <= 1; direction += 2)
	{
		int			j = Neighbour(values, n, i, direction);

		if (j >= 0 && !IsOneStep(values, i, j))
			j = i + direction;
		if (j >= 0)
			gap = Min(gap, fabs(values[j].value - values[i].value));
	}
	return isinf(gap) || gap > most ? 0.0 : gap;
}

/* Returns whether the values of a column, but for a few rows, are four or more in equal steps. */
static bool
IsGrid(const DistinctValue *values, int n, double rows)
{
	int			first = -1;		/* of the run, among values that repeat */
	int			last = -1;
	int			length = 0;
	double		step = 0.0;
	double		held = 0.0;

	for (int i = 0; i < n; i++)
	{
		double		gap;

		if (values[i].rows < 2.0)
			continue;
		gap = last < 0 ? 0.0 : values[i].value - values[last].value;
		if (length >= 2 && fabs(gap - step) <= SAME_STEP * step)
		{
			held += values[i].rows;
			length++;
		}
		else
		{
			first = last < 0 ? i : last;
			held = values[i].rows + (first == i ? 0.0 : values[first].rows);
			length = first == i ? 1 : 2;
			step = gap;
		}
		last = i;
		if (length >= GRID_VALUES && held >= GRID_ROWS * rows)
			return true;
	}
	return false;
}

/*
 * Returns how wide the column is but for values that are far out: its standard
 * deviation in the sample without them.
 */
static double
PlainDeviation(const SortedColumn *sorted, const DistinctValue *values, int n, double deviation)
{
	static const double shares[] = {0.25, 0.05, 0.01};
	double		half = 0.0;
	double		low = 0.0;
	double		high = 0.0;
	double		mean = 0.0;
	double		square = 0.0;
	double		rows = 0.0;

	for (int s = 0; s < lengthof(shares) && !(half > 0.0) && sorted->n > 0; s++)
	{
		low = Quantile(sorted, shares[s]);
		high = Quantile(sorted, 1.0 - shares[s]);
		half = high - low;
	}
	if (!(half > 0.0))
		return deviation;
	for (int i = 0; i < n; i++)
		if (values[i].value >= low - FAR_HALVES * half && values[i].value <= high + FAR_HALVES * half)
		{
			double		shift = values[i].value - mean;

			rows += values[i].rows;
			mean += shift * values[i].rows / rows;
			square += values[i].rows * shift * (values[i].value - mean);
		}
	return rows > 0.0 && square > 0.0 ? Min(deviation, sqrt(square / rows)) : deviation;
}

/* Returns the smallest distance between the values of a column: where no two rows have the same, it was rounded no coarser. */
static double
SmallestGap(const DistinctValue *values, int n)
{
	double		gap = INFINITY;

	for (int i = 1; i < n; i++)
		gap = Min(gap, values[i].value - values[i - 1].value);
	return isinf(gap) ? 0.0 : gap;
}

/* Returns the step that a column was rounded to; 0, or next to it, if it was not. */
static double
ColumnStep(const SortedColumn *sorted, double deviation)
{
	DistinctValue *values = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(DistinctValue) * (sorted->n + 1));
	int			n = DistinctValues(sorted, deviation, values);
	double		most = EXACT_APART * PlainDeviation(sorted, values, n, deviation);
	double		rows = 0.0;
	double		coarser = 0.0;
	double		step;
	bool		repeats = false;

	for (int i = 0; i < n; i++)
	{
		rows += values[i].rows;
		repeats |= values[i].rows > ONE_ROW;
	}
	step = repeats ? 0.0 : SmallestGap(values, n);
	if (repeats)
	{
		if (IsGrid(values, n, rows))
			most = INFINITY;
		for (int i = 0; i < n; i++)
			values[i].gap = values[i].rows > ONE_ROW ? LocalGap(values, n, i, most) : 0.0;
		qsort(values, n, sizeof(DistinctValue), CompareGaps);
		for (int i = 0; i < n && coarser < COARSEST * rows; i++)
		{
			coarser += values[i].rows;
			step = values[i].gap;
		}
	}
	pfree(values);
	return step;
}

void
SetNoise(NetworkPlan *plan, const RowStore *rows)
{
	double		resolution = plan->network->settings.resolution;
	bool		estimated = resolution == DEFAULT_RESOLUTION;
	const RowStore *sample = resolution == 0.0 ? NULL
		: CanonicalSample(rows, STEP_SAMPLE, plan->network->settings.seed, CurrentMemoryContext);

	for (int i = 0; i < plan->nleaves; i++)
	{
		PlanLeaf   *leaf = &plan->leaves[i];

		leaf->noise = palloc0(sizeof(double) * leaf->dim);
		leaf->steps = palloc0(sizeof(double) * leaf->dim);
		for (int j = 0; j < leaf->dim && sample != NULL && leaf->kernel->columns->recorded; j++)
		{
			SortedColumn sorted;
			double		deviation;
			double		least;

			SortColumn(sample, leaf->columns[j], &sorted);
			deviation = OrdinaryDeviation(rows, &sorted);
			least = Max(resolution * deviation, Min(resolution, LEAST_RESOLUTION) * sqrt(ColumnVariance(rows, leaf->columns[j])));
			if (estimated)
				leaf->steps[j] = ColumnStep(&sorted, deviation);
			leaf->noise[j] = Max(leaf->steps[j] * leaf->steps[j] / 12.0, least * least);
			pfree(sorted.values);
		}
	}
}
