/*
 * typicality.c
 *		Quantiles of the log density of the rows of a fit.
 *
 * The quantiles come from a histogram whose bins are equal on the scale
 * sign(d) log(1 + |d|), d being the distance from the centre in nats: as in
 * DDSketch (Masson, Rim & Lee 2019) a value is known to a constant relative
 * error, here of 1 + |d|.  Adding is the same in any order.
 */
#include "postgres.h"

#include <math.h>

#include "posterior/typicality.h"

/* Width of a bin, and how far from the centre the last ones are: 1e6 nats */
#define BIN_WIDTH 0.001
#define BINS_PER_SIDE 13816

/* Densities that differ by less, in nats and relative to their size, are the same but for rounding of a value that is far from 0 */
#define SAME_DENSITY 1e-6

/* Relative rounding errors of sums of rows */
#define ROUNDING 1e-12

/* Levels of the lower tail: 1e-7 to 1e-2, four to a decade; then 0.02, 0.03 … 0.99 */
#define TAIL_LEVELS 21
#define LEVELS_PER_DECADE 4
#define FIRST_PERCENT 2

struct DensitySketch
{
	double		centre;
	double		lowest;
	double		highest;
	double		rows;
	double		bins[2 * BINS_PER_SIDE];	/* the first half from the centre downwards */
	double		least[2 * BINS_PER_SIDE];	/* density in each of them */
	double		most[2 * BINS_PER_SIDE];
};

double
DensityLevel(int i)
{
	static const double mantissa[LEVELS_PER_DECADE] = {1.0, 1.778279410038923, 3.162277660168379, 5.623413251903491};
	static const double decade[] = {1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2};

	if (i == 0)
		return 0.0;
	if (i == DENSITY_QUANTILES - 1)
		return 1.0;
	i--;
	if (i < TAIL_LEVELS)
		return mantissa[i % LEVELS_PER_DECADE] * decade[i / LEVELS_PER_DECADE];
	return (i - TAIL_LEVELS + FIRST_PERCENT) / 100.0;
}

DensitySketch *
CreateDensitySketch(double centre)
{
	DensitySketch *sketch = palloc0(sizeof(DensitySketch));

	sketch->centre = centre;
	sketch->lowest = INFINITY;
	sketch->highest = -INFINITY;
	return sketch;
}

void
AddDensity(DensitySketch *sketch, double log_density, double weight)
{
	double		d = log_density - sketch->centre;
	double		bin = log1p(fabs(d)) / BIN_WIDTH;
	int			index = bin < BINS_PER_SIDE - 1 ? (int) bin : BINS_PER_SIDE - 1;

	if (!isfinite(log_density) || weight == 0.0)
		return;
	index = d < 0 ? index : BINS_PER_SIDE + index;
	sketch->least[index] = sketch->bins[index] == 0.0 ? log_density : Min(sketch->least[index], log_density);
	sketch->most[index] = sketch->bins[index] == 0.0 ? log_density : Max(sketch->most[index], log_density);
	sketch->bins[index] += weight;
	sketch->lowest = Min(sketch->lowest, log_density);
	sketch->highest = Max(sketch->highest, log_density);
	sketch->rows += weight;
}

bool
DensityQuantiles(const DensitySketch *sketch, double *quantiles)
{
	double		below = 0.0;
	int			level = 1;

	if (!(sketch->rows > 0.0))
		return false;
	quantiles[0] = sketch->lowest;
	for (int bin = 0; bin < 2 * BINS_PER_SIDE; bin++)
	{
		int			index = bin < BINS_PER_SIDE ? BINS_PER_SIDE - 1 - bin : bin;
		double		n = sketch->bins[index];
		double		first = sketch->least[index];
		double		width = sketch->most[index] - first;

		if (n == 0.0)
			continue;
		/* rows that are all equal have one density, whatever the width of the bin */
		for (; level < DENSITY_QUANTILES && DensityLevel(level) * sketch->rows <= (below + n) * (1.0 + ROUNDING); level++)
			quantiles[level] = first + width * Min(Max(0.0, (DensityLevel(level) * sketch->rows - below) / n), 1.0);
		below += n;
	}
	for (; level < DENSITY_QUANTILES; level++)
		quantiles[level] = sketch->highest;
	for (level = 1; level < DENSITY_QUANTILES; level++)
		quantiles[level] = Max(quantiles[level], quantiles[level - 1]);
	return true;
}

double
DensityRank(const double *quantiles, double rows, double log_density)
{
	double		same = log_density + SAME_DENSITY * (1.0 + fabs(log_density));
	int			next = 0;
	double		part;
	double		low;
	double		high;

	while (next < DENSITY_QUANTILES && quantiles[next] <= same)
		next++;
	if (next == 0 || next == DENSITY_QUANTILES)
		return next == 0 ? 0.0 : 1.0;
	low = DensityLevel(next - 1);
	high = DensityLevel(next);
	part = Max(0.0, (log_density - quantiles[next - 1]) / (quantiles[next] - quantiles[next - 1]));
	if (next > 1 && next <= TAIL_LEVELS)
		low *= exp(part * log(high / low));
	else
		low += part * (high - low);
	/* the row itself is one of those that are at most as dense */
	return Max(low, 1.0 / rows);
}
