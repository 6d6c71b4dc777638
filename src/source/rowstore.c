/*
 * rowstore.c
 *		Packed rows in memory.
 */
#include "postgres.h"

#include <float.h>
#include <math.h>

#include "miscadmin.h"
#include "numerics/kernels.h"
#include "source/rowstore.h"
#include "utils/memutils.h"

#define INITIAL_CHUNKS 64

static Size
ChunkSize(const RowStore *store)
{
	return sizeof(double) * CHUNK_ROWS * (store->ncolumns + store->labelled);
}

/* Creates an empty store for rows of ncolumns numbers (and a label). */
RowStore *
RowStoreCreate(MemoryContext context, int ncolumns, bool labelled)
{
	MemoryContext old = MemoryContextSwitchTo(context);
	RowStore   *store = palloc0(sizeof(RowStore));

	store->context = context;
	store->ncolumns = ncolumns;
	store->labelled = labelled;
	store->maxchunks = INITIAL_CHUNKS;
	store->chunks = palloc(sizeof(double *) * store->maxchunks);
	store->frame.dim = ncolumns;
	store->frame.centre = palloc0(sizeof(double) * ncolumns);
	store->frame.scale = palloc(sizeof(double) * ncolumns);
	for (int j = 0; j < ncolumns; j++)
		store->frame.scale[j] = 1.0;
	store->mean = palloc0(sizeof(double) * ncolumns);
	store->covariance = palloc0(sizeof(double) * ncolumns * ncolumns);
	MemoryContextSwitchTo(old);
	return store;
}

/* Creates an empty store whose rows come in the frame of another. */
RowStore *
RowStoreLike(const RowStore *store, MemoryContext context)
{
	RowStore   *like = RowStoreCreate(context, store->ncolumns, store->labelled);

	memcpy(like->frame.centre, store->frame.centre, sizeof(double) * store->ncolumns);
	memcpy(like->frame.scale, store->frame.scale, sizeof(double) * store->ncolumns);
	return like;
}

static void
AddChunk(RowStore *store)
{
	if (store->nchunks == store->maxchunks)
	{
		store->maxchunks *= 2;
		store->chunks = repalloc_huge(store->chunks, sizeof(double *) * store->maxchunks);
	}
	/* zeroed, for kernels read the padding behind the last row */
	store->chunks[store->nchunks++] = MemoryContextAllocExtended(store->context, ChunkSize(store),
																 MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
}

/* Appends one row; values holds ncolumns numbers, then the label if the store is labelled. */
void
RowStoreAppend(RowStore *store, const double *values)
{
	int			offset = store->rows % CHUNK_ROWS;
	double	   *chunk;

	if (offset == 0)
		AddChunk(store);
	chunk = store->chunks[store->nchunks - 1];
	for (int j = 0; j < store->ncolumns + store->labelled; j++)
		chunk[(Size) j * CHUNK_ROWS + offset] = values[j];
	store->rows++;
}

int
ChunkRows(const RowStore *store, int chunk)
{
	return chunk < store->nchunks - 1 ? CHUNK_ROWS : (int) (store->rows - (int64) chunk * CHUNK_ROWS);
}

/* Writes the addresses of the chunk's columns. */
void
ChunkColumns(const RowStore *store, int chunk, const double **columns)
{
	for (int j = 0; j < store->ncolumns + store->labelled; j++)
		columns[j] = store->chunks[chunk] + (Size) j * CHUNK_ROWS;
}

/* Returns sum of (x - centre)^power over one column. */
static double
ColumnSum(const RowStore *store, int column, double centre, int power)
{
	double		total = 0.0;

	for (int c = 0; c < store->nchunks; c++)
	{
		const double *x = store->chunks[c] + (Size) column * CHUNK_ROWS;
		int			rows = ChunkRows(store, c);
		double		sum = 0.0;

		CHECK_FOR_INTERRUPTS();
		for (int n = 0; n < rows; n++)
			sum += power == 1 ? x[n] - centre : (x[n] - centre) * (x[n] - centre);
		total += sum;
	}
	return total;
}

/* Writes mean and variance of a column, in the user's units. */
static void
ColumnMoments(const RowStore *store, int column, double *mean, double *variance)
{
	*mean = ColumnSum(store, column, 0.0, 1) / store->rows;
	*variance = ColumnSum(store, column, *mean, 2) / store->rows;
	if (!isfinite(*mean) || !isfinite(*variance))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("values of observed column %d are too large to compute with", column + 1),
				 errhint("Their squares must be finite: use other units.")));
}

/* The centre is rounded to this fraction of the scale, so that the order of summation does not change it */
#define CENTRE_STEP 0.0625

/*
 * Chooses centres and scales: for each group of columns (about) the average of
 * their means, and the power of two next to the root of their mean square
 * distance from it.
 */
static void
ChooseFrame(RowStore *store)
{
	int			n = store->ncolumns;
	double	   *mean = palloc(sizeof(double) * n * 2);
	double	   *variance = mean + n;

	for (int j = 0; j < n; j++)
		ColumnMoments(store, j, &mean[j], &variance[j]);
	for (int j = 0; j < n; j++)
	{
		double		centre = 0.0;
		double		square = 0.0;
		double		step;
		int			members = 0;

		for (int pass = 0; pass < 2; pass++)
			for (int k = 0; k < n; k++)
			{
				if (k != j && (store->frame_group == NULL || store->frame_group[k] != store->frame_group[j]))
					continue;
				if (pass == 0)
				{
					centre += (mean[k] - centre) / ++members;
					continue;
				}
				square += (variance[k] + (mean[k] - centre) * (mean[k] - centre)) / members;
			}

		/* a column that is constant but for rounding has no scale of its own */
		if (sqrt(square) > 1e-14 * fabs(centre) && square > 1e-300)
			store->frame.scale[j] = exp2(rint(log2(square) / 2));
		step = store->frame.scale[j] * CENTRE_STEP;
		store->frame.centre[j] = fabs(centre) < step / DBL_EPSILON ? rint(centre / step) * step : centre;
	}
	pfree(mean);
}

/* Moves all rows into the frame. */
static void
MoveIntoFrame(RowStore *store)
{
	for (int c = 0; c < store->nchunks; c++)
	{
		int			rows = ChunkRows(store, c);

		CHECK_FOR_INTERRUPTS();
		for (int j = 0; j < store->ncolumns; j++)
		{
			double	   *x = store->chunks[c] + (Size) j * CHUNK_ROWS;
			double		centre = store->frame.centre[j];
			double		factor = 1.0 / store->frame.scale[j];

			for (int n = 0; n < rows; n++)
				x[n] = (x[n] - centre) * factor;
		}
	}
}

/* Computes mean and covariance of the rows, in the frame, by the kernel that the inference uses too. */
static void
ComputeMoments(RowStore *store)
{
	int			dim = store->ncolumns;
	int			size = QuadraticSize(dim);
	double	   *lanes = palloc_extended(sizeof(double) * size * KERNEL_LANES, MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	double	   *sums = palloc0(sizeof(double) * size);
	const double **columns = palloc(sizeof(double *) * (dim + 1) * 2);
	const double **block = columns + dim + 1;
	double		ones[KERNEL_MAX_ROWS];
	const double *product = sums + 1 + dim;

	for (int c = 0; c < store->nchunks; c++)
	{
		int			rows = ChunkRows(store, c);

		CHECK_FOR_INTERRUPTS();
		ChunkColumns(store, c, columns);
		for (int n = 0; n < rows; n += KERNEL_MAX_ROWS)
		{
			int			valid = Min(KERNEL_MAX_ROWS, rows - n);

			for (int i = 0; i < KERNEL_MAX_ROWS; i++)
				ones[i] = i < valid ? 1.0 : 0.0;
			for (int j = 0; j < dim; j++)
				block[j] = columns[j] + n;
			ActiveKernels->quadratic_sums(dim, block, ones, TYPEALIGN(KERNEL_LANES, valid), lanes);
		}
	}
	ReduceLanes(size, lanes, sums);
	for (int i = 0; i < dim; i++)
	{
		store->mean[i] = sums[1 + i] / store->rows;
		for (int j = 0; j <= i; j++)
			store->covariance[i * dim + j] = store->covariance[j * dim + i] =
				*product++ / store->rows - store->mean[i] * store->mean[j];
	}
	pfree(lanes);
	pfree(sums);
	pfree(columns);
}

/* Ends loading: chooses the frame, moves the rows into it and computes their moments. */
void
RowStoreFinish(RowStore *store)
{
	if (store->rows == 0)
		return;
	ChooseFrame(store);
	MoveIntoFrame(store);
	ComputeMoments(store);
}

/* Ends filling a store made by RowStoreLike. */
void
RowStoreFinishLike(RowStore *store)
{
	if (store->rows > 0)
		ComputeMoments(store);
}
