/*
 * densities.c
 *		How dense the rows of a fit are.
 *
 * Complete rows are ranked while they go through.  What lacks columns can be
 * compared only with rows by the same columns: the density of all that have
 * them, of which a pass knows too little.  So where a store is incomplete, a
 * sample of its rows is kept and ranked afterwards, once for each frequent
 * choice of missing columns: by the rows that lack just these where they are
 * many, since rows that lack something may be of a kind of their own; else
 * together with those that lack less, but for these columns.
 */
#include "postgres.h"

#include <math.h>

#include "miscadmin.h"
#include "storage/shmem.h"

#include "inference/densities.h"
#include "posterior/typicality.h"
#include "scoring/scoring.h"

/* Work that densities are collected with, where there are very many: terms times squared columns, for each row */
#define DENSITY_WORK 2e8

/* Memory of the sample, and its least number of rows as far as there is memory */
#define SAMPLE_BYTES (16 * 1024 * 1024)
#define SAMPLE_ROWS 2000

/* So many rows that lack the same columns need no others: a share is known to 1 / sqrt(2000), about 0.02 */
#define MANY_ROWS 2000

/* Fewer rows than that tell nothing: a share is known to 1 / sqrt(100), 0.1 */
#define FEW_ROWS 100

struct Densities
{
	const NetworkPlan *plan;
	Scorer	   *scorer;
	DensitySketch *sketch;
	double	   *row;			/* in the user's units, in the scorer's order of columns */
	int64		seen;
	int64		step;			/* every so many rows */

	/* the sample, where rows lack columns */
	double	   *sample;			/* columns and weight of each row; NULL: there is none */
	int64		sample_step;
	int			nsampled;
	int			max_sampled;
};

/* Rows of the sample that lack the same columns */
typedef struct SampleRun
{
	int			first;
	int			count;
} SampleRun;

static double *
SampledRow(const Densities *densities, int i)
{
	return densities->sample + (Size) i * (densities->scorer->ncolumns + 1);
}

Densities *
BeginDensities(const NetworkPlan *plan, const RowStore *rows, const Posterior *posterior)
{
	Densities  *densities = palloc0(sizeof(Densities));
	Scorer	   *scorer = BuildScorer(posterior, CANDIDATES_LIVE);
	int			ncolumns = scorer->ncolumns;
	double		affordable = DENSITY_WORK / ((double) scorer->nterms * ncolumns * ncolumns);
	double		most = Min(DENSITY_ROWS, Max(SAMPLE_ROWS, affordable));

	densities->plan = plan;
	densities->scorer = scorer;
	densities->sketch = CreateDensitySketch(posterior->elbo / rows->total);
	densities->row = palloc(sizeof(double) * ncolumns);
	densities->step = (int64) ceil(rows->rows / Max(DENSITY_ROWS, affordable));
	if (rows->incomplete)
	{
		most = Max(1.0, Min(most, SAMPLE_BYTES / (sizeof(double) * (ncolumns + 1))));
		densities->sample_step = (int64) ceil(rows->rows / most);
		densities->max_sampled = (int) (rows->rows / densities->sample_step) + 1;
		densities->sample = palloc_extended(mul_size(sizeof(double) * densities->max_sampled, ncolumns + 1),
											MCXT_ALLOC_HUGE);
	}
	return densities;
}

/* Reads a row of a block in the user's units; returns whether it is complete. */
static bool
ReadRow(Densities *densities, const double *const *columns, int n)
{
	bool		complete = true;
	int			i = 0;

	for (int l = 0; l < densities->plan->nleaves; l++)
	{
		const PlanLeaf *leaf = &densities->plan->leaves[l];

		for (int j = 0; j < leaf->dim; j++, i++)
		{
			densities->row[i] = columns[leaf->columns[j]][n] * leaf->frame.scale[j] + leaf->frame.centre[j];
			complete &= isfinite(densities->row[i]);
		}
	}
	return complete;
}

/* Adds the row that was read to the sample; one of weight 0 is as good as none, and one that overflows in the user's units too. */
static void
SampleRow(Densities *densities, double weight)
{
	int			ncolumns = densities->scorer->ncolumns;
	double	   *to = SampledRow(densities, densities->nsampled);

	if (weight == 0.0 || densities->nsampled == densities->max_sampled)
		return;
	for (int i = 0; i < ncolumns; i++)
		if (isinf(densities->row[i]))
			return;
	memcpy(to, densities->row, sizeof(double) * ncolumns);
	to[ncolumns] = weight;
	densities->nsampled++;
}

void
VisitDensities(void *state, const double *const *columns, const double *weights, int rows)
{
	Densities  *densities = state;

	for (int n = 0; n < rows; n++, densities->seen++)
	{
		double		weight = weights ? weights[n] : 1.0;
		bool		ranked = densities->seen % densities->step == 0;
		bool		sampled = densities->sample && densities->seen % densities->sample_step == 0;

		if (!ranked && !sampled)
			continue;
		if (ReadRow(densities, columns, n) && ranked)
			AddDensity(densities->sketch, ScoreDensity(densities->scorer, densities->row), weight);
		if (sampled)
			SampleRow(densities, weight);
	}
}

/* Orders rows of the sample by what they lack, the complete ones first. */
static int
CompareRows(const void *a, const void *b, void *arg)
{
	const Densities *densities = arg;
	const double *x = SampledRow(densities, *(const int *) a);
	const double *y = SampledRow(densities, *(const int *) b);

	for (int c = 0; c < densities->scorer->ncolumns; c++)
		if (isnan(x[c]) != isnan(y[c]))
			return isnan(x[c]) ? 1 : -1;
	return 0;
}

/* Orders runs by descending length, equal ones by their place. */
static int
CompareRuns(const void *a, const void *b)
{
	const SampleRun *x = a;
	const SampleRun *y = b;

	return x->count != y->count ? y->count - x->count : x->first - y->first;
}

/* Writes the numbers of the rows, those that lack the same columns together, and the runs that they form; returns how many. */
static int
FindRuns(Densities *densities, int *order, SampleRun *runs)
{
	int			nruns = 0;

	for (int i = 0; i < densities->nsampled; i++)
		order[i] = i;
	qsort_arg(order, densities->nsampled, sizeof(int), CompareRows, densities);
	for (int i = 0; i < densities->nsampled; i++)
	{
		if (i == 0 || CompareRows(&order[i - 1], &order[i], densities) != 0)
			runs[nruns++].first = i;
		runs[nruns - 1].count = i + 1 - runs[nruns - 1].first;
	}
	qsort(runs, nruns, sizeof(SampleRun), CompareRuns);
	return nruns;
}

/* Reads a row of the sample without the columns that another one lacks; false if it lacks more. */
static bool
ReadLike(Densities *densities, const double *like, const double *row)
{
	for (int c = 0; c < densities->scorer->ncolumns; c++)
	{
		if (isnan(row[c]) && !isnan(like[c]))
			return false;
		densities->row[c] = isnan(like[c]) ? like[c] : row[c];
	}
	return true;
}

/* Returns the quantiles of the densities of rows like those of a run; NULL if these are too few. */
static double *
RunQuantiles(Densities *densities, const int *order, SampleRun run)
{
	const double *like = SampledRow(densities, order[run.first]);
	int			first = run.count >= MANY_ROWS ? run.first : 0;
	int			end = run.count >= MANY_ROWS ? run.first + run.count : densities->nsampled;
	double	   *log_densities = palloc(sizeof(double) * (end - first) * 2);
	double	   *weights = log_densities + (end - first);
	double	   *quantiles = palloc(sizeof(double) * DENSITY_QUANTILES);
	DensitySketch *sketch;
	double		mean = 0.0;
	int			n = 0;

	for (int i = first; i < end; i++)
	{
		const double *row = SampledRow(densities, order[i]);

		CHECK_FOR_INTERRUPTS();
		if (!ReadLike(densities, like, row))
			continue;
		log_densities[n] = ScoreDensity(densities->scorer, densities->row);
		weights[n] = row[densities->scorer->ncolumns];
		if (isfinite(log_densities[n]))
		{
			mean += (log_densities[n] - mean) / (n + 1);
			n++;
		}
	}
	sketch = CreateDensitySketch(mean);
	for (int i = 0; i < n; i++)
		AddDensity(sketch, log_densities[i], weights[i]);
	if (n < FEW_ROWS || !DensityQuantiles(sketch, quantiles))
		quantiles = NULL;
	pfree(sketch);
	pfree(log_densities);
	return quantiles;
}

/* Writes a pattern of missing columns with its quantiles; false if it has none. */
static bool
DescribePattern(Densities *densities, const int *order, SampleRun run, DensityPattern *pattern)
{
	const double *row = SampledRow(densities, order[run.first]);
	int			ncolumns = densities->scorer->ncolumns;

	pattern->nmissing = 0;
	pattern->missing = palloc(sizeof(int) * ncolumns);
	for (int c = 0; c < ncolumns; c++)
		if (isnan(row[c]))
			pattern->missing[pattern->nmissing++] = c;
	if (pattern->nmissing == 0)
		return false;
	pattern->quantiles = RunQuantiles(densities, order, run);
	return pattern->quantiles != NULL;
}

/* Writes the quantiles for what rows of the sample lack, the most frequent first. */
static void
DescribePatterns(Densities *densities, Posterior *posterior)
{
	int		   *order = palloc(sizeof(int) * densities->nsampled);
	SampleRun  *runs = palloc(sizeof(SampleRun) * densities->nsampled);
	int			nruns = FindRuns(densities, order, runs);

	posterior->patterns = palloc(sizeof(DensityPattern) * MAX_DENSITY_PATTERNS);
	/* one of the runs are the complete rows */
	for (int r = 0; r < Min(nruns, MAX_DENSITY_PATTERNS + 1) && posterior->npatterns < MAX_DENSITY_PATTERNS; r++)
		if (DescribePattern(densities, order, runs[r], &posterior->patterns[posterior->npatterns]))
			posterior->npatterns++;
	pfree(runs);
	pfree(order);
}

void
EndDensities(Densities *densities, Posterior *posterior)
{
	double	   *quantiles = palloc(sizeof(double) * DENSITY_QUANTILES);

	posterior->quantiles = DensityQuantiles(densities->sketch, quantiles) ? quantiles : NULL;
	pfree(densities->sketch);
	if (densities->sample)
	{
		DescribePatterns(densities, posterior);
		pfree(densities->sample);
	}
	pfree(densities);
}
