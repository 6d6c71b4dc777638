/*
 * start.c
 *		Samples and seeds.
 */
#include "postgres.h"

#include <math.h>

#include "engine/start.h"
#include "ensure.h"
#include "miscadmin.h"
#include "numerics/rng.h"
#include "utils/memutils.h"

/* Tables with at most this many different rows are sampled by occurrence, not by value */
#define MAX_DISTINCT 65536
#define SLOTS_PER_ROW 4

/*
 * A row that counts for w is sampled as w rows, of which the last may be a part
 * of one.  Where the heaviest row counts for more than this, or for less than
 * one, a larger or smaller unit serves for all rows: weights that are people by
 * country are as good as the same weights in millions.
 */
#define MAX_COPIES 1000

/* A part of a unit that is rounding */
#define NO_COPY 1e-9

/* Cells for a standard deviation, in the grid that rows are hashed by: far more than rounding blurs */
#define CELLS_PER_DEVIATION 0x1p16

/* A row of the sample on its way: the key that orders it, and where its values are */
typedef struct SampleRow
{
	uint64		key;
	int64		index;
} SampleRow;

/* How often each value was seen: an open-addressing table of hashes */
typedef struct Occurrences
{
	uint32		slots;
	uint64	   *hashes;			/* 0: free */
	uint64	   *counts;
	int			distinct;
	bool		overflow;		/* more than MAX_DISTINCT: counts mean nothing */
} Occurrences;

/*
 * Returns the grid that rows are hashed by: the same cells whatever the units
 * of the columns.
 */
static RowGrid
StandardGrid(const RowStore *rows)
{
	double	   *fineness = palloc(sizeof(double) * rows->ncolumns);

	for (int j = 0; j < rows->ncolumns; j++)
	{
		double		variance = rows->variance[j];

		fineness[j] = variance > 0.0 ? CELLS_PER_DEVIATION / sqrt(variance) : 0.0;
	}
	return (RowGrid) {rows->mean, fineness};
}

/* Returns how often this value was seen before, and counts it some times more. */
static uint64
CountOccurrences(Occurrences *seen, uint64 hash, int copies)
{
	uint32		slot = hash % seen->slots;
	uint64		before;

	if (seen->overflow)
		return 0;
	hash |= 1;
	while (seen->hashes[slot] != 0 && seen->hashes[slot] != hash)
		slot = (slot + 1) % seen->slots;
	if (seen->hashes[slot] == 0)
	{
		if (++seen->distinct > MAX_DISTINCT)
		{
			seen->overflow = true;
			return 0;
		}
		seen->hashes[slot] = hash;
	}
	before = seen->counts[slot];
	seen->counts[slot] += copies;
	return before;
}

static void
ResetOccurrences(Occurrences *seen)
{
	memset(seen->hashes, 0, sizeof(uint64) * seen->slots);
	memset(seen->counts, 0, sizeof(uint64) * seen->slots);
	seen->distinct = 0;
}

/* Returns what a row counts for. */
static double
RowWeight(const RowStore *rows, const double *const *columns, int row)
{
	return rows->weighted ? columns[rows->width - 1][row] : 1.0;
}

/* Returns the unit that weights are counted in, see MAX_COPIES. */
static double
WeightUnit(const RowStore *rows)
{
	if (!rows->weighted)
		return 1.0;
	return rows->heaviest > MAX_COPIES ? rows->heaviest / MAX_COPIES : Min(rows->heaviest, 1.0);
}

double
SampledRows(const RowStore *rows)
{
	return WeightUnit(rows) == 1.0 ? rows->total : rows->rows;
}

/* Returns how many rows a row of this weight is sampled as. */
static int
RowCopies(double weight, double unit)
{
	return weight > 0.0 ? (int) Max(ceil(weight / unit - NO_COPY), 1.0) : 0;
}

/* Returns how many rows all rows are sampled as. */
static double
TotalCopies(const RowStore *rows, double unit)
{
	const double **columns = palloc(sizeof(double *) * rows->width);
	double		total = 0.0;

	for (int c = 0; c < rows->nchunks && rows->weighted; c++)
	{
		int			n = ChunkRows(rows, c);

		CHECK_FOR_INTERRUPTS();
		ChunkColumns(rows, c, columns);
		for (int i = 0; i < n; i++)
			total += RowCopies(RowWeight(rows, columns, i), unit);
	}
	pfree(columns);
	return rows->weighted ? total : rows->rows;
}

/* Finds out whether few enough different values are there for counts to mean anything. */
static void
CountDistinct(const RowStore *rows, const RowGrid *grid, uint64 seed, Occurrences *seen)
{
	const double **columns = palloc(sizeof(double *) * rows->width);
	uint64	   *hashes = palloc(sizeof(uint64) * rows->chunk_rows);

	for (int c = 0; c < rows->nchunks && !seen->overflow; c++)
	{
		int			n = ChunkRows(rows, c);

		CHECK_FOR_INTERRUPTS();
		ChunkColumns(rows, c, columns);
		HashRows(columns, rows->ncolumns, 0, n, grid, seed, hashes);
		for (int i = 0; i < n && !seen->overflow; i++)
			if (RowWeight(rows, columns, i) > 0.0)
				(void) CountOccurrences(seen, hashes[i], 1);
	}
	ResetOccurrences(seen);
	pfree(hashes);
	pfree(columns);
}

typedef struct SampleState
{
	uint64		limit;			/* keys above are left out */
	double		unit;			/* of weights */
	uint64		least;			/* key of the row below, the smallest of those that were left out */
	double	   *spare;			/* what the sample is made of where all others are left out */
	int64		n;
	int64		max;
	SampleRow  *rows;
	int			width;			/* numbers of a row */
	bool		weighted;
	double	   *values;			/* of the rows, in the order in which they were found */
} SampleState;

/* Adds one row of a chunk to the sample; it counts for `weight` there. */
static void
CollectRow(SampleState *sample, uint64 key, const double *const *columns, int row, double weight)
{
	double	   *values;

	if (sample->n == sample->max)
	{
		sample->max *= 2;
		sample->rows = repalloc_huge(sample->rows, sizeof(SampleRow) * sample->max);
		sample->values = repalloc_huge(sample->values, sizeof(double) * sample->width * sample->max);
	}
	values = sample->values + sample->width * sample->n;
	for (int j = 0; j < sample->width; j++)
		values[j] = columns[j][row];
	if (sample->weighted)
		values[sample->width - 1] = weight;
	sample->rows[sample->n] = (SampleRow) {key, sample->n};
	sample->n++;
}

/* Remembers a row, in case that no other one is in the sample. */
static void
SpareRow(SampleState *sample, uint64 key, const double *const *columns, int row, double weight)
{
	sample->least = key;
	for (int j = 0; j < sample->width; j++)
		sample->spare[j] = columns[j][row];
	if (sample->weighted)
		sample->spare[sample->width - 1] = weight;
}

/* Collects those copies of a row whose keys are small: hashes of its values and of how often these were seen before. */
static void
CollectCopies(const RowStore *rows, const double *const *columns, int row, uint64 hash, Occurrences *seen,
			  SampleState *sample)
{
	double		weight = RowWeight(rows, columns, row);
	int			copies = RowCopies(weight, sample->unit);
	uint64		before = CountOccurrences(seen, hash, copies);

	for (int i = 0; i < copies; i++)
	{
		uint64		occurrence = seen->overflow ? 0 : before + i;
		uint64		key = occurrence == 0 ? hash : MixBits(hash + occurrence);

		double		counts = i < copies - 1 ? sample->unit : weight - i * sample->unit;

		if (key <= sample->limit)
			CollectRow(sample, key, columns, row, counts);
		else if (sample->n == 0 && key <= sample->least)
			SpareRow(sample, key, columns, row, counts);
	}
}

/* Collects the rows with the smallest keys. */
static void
CollectRows(const RowStore *rows, const RowGrid *grid, uint64 seed, Occurrences *seen, SampleState *sample)
{
	const double **columns = palloc(sizeof(double *) * rows->width);
	uint64	   *hashes = palloc(sizeof(uint64) * rows->chunk_rows);

	for (int c = 0; c < rows->nchunks; c++)
	{
		int			n = ChunkRows(rows, c);

		CHECK_FOR_INTERRUPTS();
		ChunkColumns(rows, c, columns);
		HashRows(columns, rows->ncolumns, 0, n, grid, seed, hashes);
		for (int i = 0; i < n; i++)
			CollectCopies(rows, columns, i, hashes[i], seen, sample);
	}
	pfree(hashes);
	pfree(columns);
}

static int
CompareSampleRows(const void *a, const void *b)
{
	uint64		x = ((const SampleRow *) a)->key;
	uint64		y = ((const SampleRow *) b)->key;

	return x < y ? -1 : x > y;
}

/* Chooses the rows, in the order of their keys. */
static void
ChooseSample(const RowStore *rows, int64 size, uint64 seed, SampleState *sample)
{
	RowGrid		grid = StandardGrid(rows);
	double		unit = WeightUnit(rows);
	double		copies = TotalCopies(rows, unit);
	Occurrences seen = {.slots = SLOTS_PER_ROW * Min(rows->rows, MAX_DISTINCT + 1)};

	seen.hashes = palloc0(sizeof(uint64) * seen.slots);
	seen.counts = palloc0(sizeof(uint64) * seen.slots);

	/* whether counts mean anything is known only at the end, so it takes a round of its own */
	CountDistinct(rows, &grid, seed, &seen);
	sample->limit = size >= copies ? PG_UINT64_MAX : (uint64) (size / copies * 0x1p64);
	sample->unit = unit;
	sample->least = PG_UINT64_MAX;
	sample->spare = palloc(sizeof(double) * rows->width);
	sample->n = 0;
	sample->max = (int64) Min((double) size, copies) + 64;
	sample->width = rows->width;
	sample->weighted = rows->weighted;
	sample->rows = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(SampleRow) * sample->max);
	sample->values = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(double) * sample->width * sample->max);
	CollectRows(rows, &grid, seed, &seen, sample);
	qsort(sample->rows, sample->n, sizeof(SampleRow), CompareSampleRows);
	pfree(seen.hashes);
	pfree(seen.counts);
}

RowStore *
CanonicalSample(const RowStore *rows, int64 size, uint64 seed, MemoryContext context)
{
	RowStore   *store = RowStoreLike(rows, context);
	SampleState sample;

	Ensure(rows->total > 0.0, "a sample of no rows was asked for");
	ChooseSample(rows, size, seed, &sample);
	for (int64 i = 0; i < sample.n; i++)
		RowStoreAppend(store, sample.values + sample.width * sample.rows[i].index);
	if (sample.n == 0)
		RowStoreAppend(store, sample.spare);
	pfree(sample.rows);
	pfree(sample.values);
	pfree(sample.spare);
	RowStoreFinishLike(store);
	return store;
}

/* --- k-means++ (Arthur & Vassilvitskii 2007), on standardised columns --- */

typedef struct KMeans
{
	const RowStore *rows;
	const double *weights;		/* of the squared differences */
	double	   *distance;		/* of each row to its nearest centre */
	double	   *mass;			/* that times the row's weight, what rows are drawn by; the same array if all weights are 1 */
	const double **columns;
} KMeans;

/* Lowers each row's distance to that from the newest centre; returns the sum of the masses. */
static double
UpdateDistances(KMeans *kmeans, const double *centre)
{
	double		total = 0.0;
	int64		row = 0;

	for (int c = 0; c < kmeans->rows->nchunks; c++)
	{
		int			n = ChunkRows(kmeans->rows, c);

		CHECK_FOR_INTERRUPTS();
		ChunkColumns(kmeans->rows, c, kmeans->columns);
		for (int i = 0; i < n; i++, row++)
		{
			double		distance = 0.0;

			for (int j = 0; j < kmeans->rows->ncolumns; j++)
			{
				double		d = kmeans->columns[j][i] - centre[j];

				distance += isnan(d) ? 0.0 : kmeans->weights[j] * d * d;
			}
			kmeans->distance[row] = Min(kmeans->distance[row], distance);
			if (kmeans->rows->weighted)
				kmeans->mass[row] = kmeans->distance[row] * RowWeight(kmeans->rows, kmeans->columns, i);
			total += kmeans->mass[row];
		}
	}
	return total;
}

/* Draws a row with probability proportional to its mass; uniformly if all are 0. */
static int64
DrawRow(const KMeans *kmeans, double total, Rng *rng)
{
	double		target = RngUniform(rng) * total;
	int64		last = 0;

	if (!(total > 0.0))
		return (int64) (RngUniform(rng) * kmeans->rows->rows);
	for (int64 row = 0; row < kmeans->rows->rows; row++)
	{
		if (kmeans->mass[row] > 0.0)
			last = row;
		target -= kmeans->mass[row];
		if (target < 0.0)
			break;
	}
	return last;
}

/* Puts the mean of all rows where a centre lacks a column. */
static void
FillCentre(const RowStore *rows, double *centre)
{
	for (int j = 0; j < rows->ncolumns; j++)
		if (isnan(centre[j]))
			centre[j] = rows->mean[j];
}

/* Draws `centres` rows; writes their values one after the other. */
static double *
DrawCentres(const RowStore *rows, int centres, const double *weights, Rng *rng)
{
	KMeans		kmeans = {
		.rows = rows,
		.weights = weights,
		.distance = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(double) * rows->rows),
		.columns = palloc(sizeof(double *) * rows->width),
	};
	double	   *values = palloc(sizeof(double) * (centres * rows->ncolumns + 2));	/* the last one's label and weight, too */
	double		total = 0.0;

	kmeans.mass = rows->weighted ? MemoryContextAllocHuge(CurrentMemoryContext, sizeof(double) * rows->rows)
		: kmeans.distance;
	for (int64 i = 0; i < rows->rows; i++)
		kmeans.distance[i] = INFINITY;
	for (int k = 0; k < centres; k++)
	{
		int64		row = k == 0 ? (int64) (RngUniform(rng) * rows->rows) : DrawRow(&kmeans, total, rng);

		RowStoreRow(rows, row, values + k * rows->ncolumns);
		FillCentre(rows, values + k * rows->ncolumns);
		total = UpdateDistances(&kmeans, values + k * rows->ncolumns);
	}
	if (rows->weighted)
		pfree(kmeans.mass);
	pfree(kmeans.distance);
	pfree(kmeans.columns);
	return values;
}

/* Weights that make distances independent of the columns' units. */
static double *
StandardWeights(const RowStore *rows)
{
	double	   *weights = palloc(sizeof(double) * rows->ncolumns);

	for (int j = 0; j < rows->ncolumns; j++)
	{
		double		variance = rows->variance[j];

		weights[j] = variance > 1e-12 ? 1.0 / variance : 0.0;
	}
	return weights;
}

Rule
StartRule(const NetworkPlan *plan, const RowStore *sample, int restart)
{
	const NetworkSettings *settings = &plan->network->settings;
	Rng			rng = RngSeed(settings->seed, restart);
	Rule		rule = {0};

	switch (settings->start)
	{
		case START_KMEANS:
		case START_POSTERIOR:	/* further restarts */
			rule.kind = RULE_CENTRES;
			rule.weights = StandardWeights(sample);
			rule.centres = DrawCentres(sample, plan->components, rule.weights, &rng);
			break;
		case START_RANDOM:
			rule.kind = RULE_RANDOM;
			rule.seed = RngNext(&rng);
			rule.grid = StandardGrid(sample);
			break;
		case START_RESULTS:
			rule.kind = RULE_LABELS;
			break;
	}
	return rule;
}
