/*
 * patterns.c
 *		Order of rows by what they lack.
 */
#include "postgres.h"

#include <math.h>

#include "numerics/rng.h"
#include "source/patterns.h"
#include "source/storage.h"

bool
RowIsComplete(const double *const *columns, int ncolumns, int row)
{
	for (int j = 0; j < ncolumns; j++)
		if (isnan(columns[j][row]))
			return false;
	return true;
}

/* True if two rows lack the same columns. */
static bool
SamePattern(const double *const *columns, int ncolumns, int a, int b)
{
	for (int j = 0; j < ncolumns; j++)
		if (isnan(columns[j][a]) != isnan(columns[j][b]))
			return false;
	return true;
}

/* They are one run, so its end is searched by doubling steps, then by halving them. */
int
PatternRows(const double *const *columns, int ncolumns, int first, int end)
{
	int			same = first;	/* has the pattern */
	int			other = end;	/* has not, or is none */

	if (SamePattern(columns, ncolumns, first, end - 1))
		return end - first;
	for (int step = 1; same + step < other; step *= 2)
		if (SamePattern(columns, ncolumns, first, same + step))
			same += step;
		else
			other = same + step;
	while (other - same > 1)
	{
		int			middle = same + (other - same) / 2;

		if (SamePattern(columns, ncolumns, first, middle))
			same = middle;
		else
			other = middle;
	}
	return other - first;
}

/* A row on its way to its place */
typedef struct PatternRow
{
	uint64		key;			/* 0: complete; equal for equal patterns */
	int			row;
} PatternRow;

typedef struct PatternSort
{
	const RowStore *store;
	double	   *const *chunks;
	int			n;
	PatternRow *rows;
} PatternSort;

/* Address of a number of a row. */
static double *
Cell(const PatternSort *sort, int row, int column)
{
	return sort->chunks[row / sort->store->chunk_rows] + column * sort->store->storage->stride
		+ row % sort->store->chunk_rows;
}

/* Returns a key of what a row lacks: the columns as bits, mixed where they are more than 64. */
static uint64
PatternKey(const PatternSort *sort, int row)
{
	uint64		key = 0;
	bool		complete = true;

	for (int j = 0; j < sort->store->ncolumns; j++)
	{
		if (j > 0 && j % 64 == 0)
			key = MixBits(key);
		if (isnan(*Cell(sort, row, j)))
		{
			key ^= UINT64CONST(1) << j % 64;
			complete = false;
		}
	}
	return key == 0 && !complete ? 1 : key;
}

/* Orders by pattern; ties, which a mixed key may be, column by column, then by the order that there was. */
static int
ComparePatterns(const void *a, const void *b, void *arg)
{
	const PatternRow *x = a;
	const PatternRow *y = b;
	const PatternSort *sort = arg;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	for (int j = 0; sort->store->ncolumns > 64 && j < sort->store->ncolumns; j++)
	{
		bool		x_lacks = isnan(*Cell(sort, x->row, j));
		bool		y_lacks = isnan(*Cell(sort, y->row, j));

		if (x_lacks != y_lacks)
			return x_lacks ? 1 : -1;
	}
	return x->row < y->row ? -1 : x->row > y->row;
}

/* Puts the rows into their order, column by column. */
static void
MoveRows(const PatternSort *sort)
{
	double	   *values = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(double) * sort->n);

	for (int j = 0; j < sort->store->width; j++)
	{
		for (int i = 0; i < sort->n; i++)
			values[i] = *Cell(sort, sort->rows[i].row, j);
		for (int i = 0; i < sort->n; i++)
			*Cell(sort, i, j) = values[i];
	}
	pfree(values);
}

void
SortByPattern(const RowStore *store, double *const *chunks, int nchunks, int last_rows)
{
	PatternSort sort = {store, chunks, (nchunks - 1) * store->chunk_rows + last_rows};
	int			complete = 0;
	int			last = sort.n;

	/* complete rows, which may be most, from the front; the others from the back */
	sort.rows = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(PatternRow) * sort.n);
	for (int i = 0; i < sort.n; i++)
	{
		PatternRow	row = {PatternKey(&sort, i), i};

		sort.rows[row.key == 0 ? complete++ : --last] = row;
	}
	qsort_arg(sort.rows + complete, sort.n - complete, sizeof(PatternRow), ComparePatterns, &sort);
	if (complete < sort.n)
		MoveRows(&sort);
	pfree(sort.rows);
}
