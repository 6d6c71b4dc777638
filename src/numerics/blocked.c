/*
 * blocked.c
 *		Large matrices in blocks of 64 rows and columns.
 *
 * Everything is made of one operation, C -= A B^T of blocks, whose inner
 * products run along rows.  The factor is found column by column of blocks, each
 * from those to its left; its inverse's transpose W row by row, from
 * W L^T = 1; and (L L^T)^-1 = W W^T (Golub & Van Loan 2013, 4.2.9).
 */
#include "postgres.h"

#include <math.h>

#include "miscadmin.h"
#include "numerics/blocked.h"
#include "numerics/kernels.h"

/* Rows and columns of a block */
#define BLOCK 64

/* Numbers of a row that are multiplied before the next rows: what stays in a first-level cache with those of the other block */
#define DEPTH 256

/* Rows that a triangular system is solved for at once */
#define SOLVED_AT_ONCE 8

/*
 * Four numbers, with no fixed alignment: two instructions where the processor
 * has room for two only, and the same sums.
 */
typedef double Quad __attribute__((vector_size(32), aligned(8)));

#define LANES 4
#define QUAD(x) (*(const Quad *) (x))
#define INLINE static inline __attribute__((always_inline))

/* Returns an inner product of two rows: what the lanes have added up, and what is left over. */
INLINE double
FinishProduct(int depth, const Quad *sum, const double *a, const double *b)
{
	double		rest = 0.0;

	for (int k = depth / LANES * LANES; k < depth; k++)
		rest += a[k] * b[k];
	return (((*sum)[0] + (*sum)[2]) + ((*sum)[1] + (*sum)[3])) + rest;
}

/* Subtracts the inner products of some rows with some others; each is computed as if it were alone. */
INLINE void
SubtractTile(int rows, int others, int depth, const double *a, const double *b, int stride, double *c)
{
	Quad		sum[4][2] = {{{0.0}}};

	for (int k = 0; k + LANES <= depth; k += LANES)
		for (int i = 0; i < rows; i++)
			for (int j = 0; j < others; j++)
				sum[i][j] += QUAD(a + (Size) i * stride + k) * QUAD(b + (Size) j * stride + k);
	for (int i = 0; i < rows; i++)
		for (int j = 0; j < others; j++)
			c[(Size) i * stride + j] -= FinishProduct(depth, &sum[i][j], a + (Size) i * stride, b + (Size) j * stride);
}

/* Subtracts the inner products of all rows with all others, so many at once as registers hold. */
INLINE void
SubtractDepth(int tile, int rows, int others, int depth, const double *a, const double *b, int stride, double *c)
{
	int			i = 0;

	for (; i + tile <= rows; i += tile, a += (Size) tile * stride, c += (Size) tile * stride)
	{
		int			j = 0;

		for (; j + 2 <= others; j += 2)
			SubtractTile(tile, 2, depth, a, b + (Size) j * stride, stride, c + j);
		if (j < others)
			SubtractTile(tile, 1, depth, a, b + (Size) j * stride, stride, c + j);
	}
	for (; i < rows; i++, a += stride, c += stride)
		for (int j = 0; j < others; j++)
			SubtractTile(1, 1, depth, a, b + (Size) j * stride, stride, c + j);
}

typedef void (*SubtractFunction) (int rows, int others, int depth, const double *a, const double *b, int stride, double *c);

static void
SubtractBaseline(int rows, int others, int depth, const double *a, const double *b, int stride, double *c)
{
	SubtractDepth(2, rows, others, depth, a, b, stride, c);
}

#ifdef KERNELS_X86
__attribute__((target("avx2"))) static void
SubtractAVX2(int rows, int others, int depth, const double *a, const double *b, int stride, double *c)
{
	SubtractDepth(4, rows, others, depth, a, b, stride, c);
}
#endif

/* Returns the fastest function for this processor; they differ in nothing else. */
static SubtractFunction
ChooseSubtract(void)
{
#ifdef KERNELS_X86
	__builtin_cpu_init();
	if (__builtin_cpu_supports("avx2"))
		return SubtractAVX2;
#endif
	return SubtractBaseline;
}

/* C -= A B^T, where A has so many rows, B so many, and both so many columns. */
static void
SubtractProducts(int rows, int others, int columns, const double *a, const double *b, int stride, double *c)
{
	static SubtractFunction subtract = NULL;

	if (subtract == NULL)
		subtract = ChooseSubtract();
	CHECK_FOR_INTERRUPTS();
	for (int first = 0; first < columns; first += DEPTH)
		subtract(rows, others, Min(DEPTH, columns - first), a + first, b + first, stride, c);
}

/* Factors a block on the diagonal in place. */
static bool
FactorBlock(int rows, double *a, int stride)
{
	for (int i = 0; i < rows; i++)
	{
		double	   *row = a + (Size) i * stride;

		for (int j = 0; j <= i; j++)
		{
			const double *other = a + (Size) j * stride;
			double		sum = row[j];

			for (int k = 0; k < j; k++)
				sum -= row[k] * other[k];
			if (j < i)
				row[j] = sum / other[j];
			else if (sum > 0.0 && isfinite(sum))
				row[j] = sqrt(sum);
			else
				return false;
		}
	}
	return true;
}

/* Solves X L^T = B in place for some rows at once, lest each waits for the one before, where L is a block on the diagonal. */
INLINE void
SolveRows(int rows, int columns, const double *l, int stride, double *x)
{
	for (int j = 0; j < columns; j++)
	{
		const double *row = l + (Size) j * stride;
		double		sum[SOLVED_AT_ONCE];

		for (int i = 0; i < rows; i++)
			sum[i] = x[(Size) i * stride + j];
		for (int k = 0; k < j; k++)
			for (int i = 0; i < rows; i++)
				sum[i] -= x[(Size) i * stride + k] * row[k];
		for (int i = 0; i < rows; i++)
			x[(Size) i * stride + j] = sum[i] / row[j];
	}
}

static void
SolveBlock(int rows, int columns, const double *l, int stride, double *x)
{
	int			i = 0;

	for (; i + SOLVED_AT_ONCE <= rows; i += SOLVED_AT_ONCE)
		SolveRows(SOLVED_AT_ONCE, columns, l, stride, x + (Size) i * stride);
	for (; i < rows; i++)
		SolveRows(1, columns, l, stride, x + (Size) i * stride);
}

bool
BlockedCholesky(double *a, int n)
{
	for (int column = 0; column < n; column += BLOCK)
	{
		int			columns = Min(BLOCK, n - column);
		double	   *left = a + (Size) column * n;

		for (int row = column; row < n; row += BLOCK)
		{
			int			rows = Min(BLOCK, n - row);
			double	   *block = a + (Size) row * n;

			SubtractProducts(rows, columns, column, block, left, n, block + column);
			if (row > column)
				SolveBlock(rows, columns, left + column, n, block + column);
			else if (!FactorBlock(rows, block + column, n))
				return false;
		}
	}
	return true;
}

/* Writes W = L^-T, whose lower triangle is 0. */
static void
InvertFactor(const double *l, int n, double *w)
{
	memset(w, 0, sizeof(double) * n * n);
	for (int i = 0; i < n; i++)
		w[(Size) i * n + i] = 1.0;
	for (int column = 0; column < n; column += BLOCK)
	{
		int			columns = Min(BLOCK, n - column);
		const double *left = l + (Size) column * n;

		for (int row = 0; row <= column; row += BLOCK)
		{
			int			rows = Min(BLOCK, n - row);
			double	   *block = w + (Size) row * n;

			SubtractProducts(rows, columns, column - row, block + row, left + row, n, block + column);
			SolveBlock(rows, columns, left + column, n, block + column);
		}
	}
}

void
BlockedInverse(const double *l, int n, double *inverse)
{
	double	   *w = palloc(sizeof(double) * n * n);

	InvertFactor(l, n, w);
	memset(inverse, 0, sizeof(double) * n * n);
	for (int row = 0; row < n; row += BLOCK)
		for (int column = 0; column <= row; column += BLOCK)
			SubtractProducts(Min(BLOCK, n - row), Min(BLOCK, n - column), n - row, w + (Size) row * n + row,
							 w + (Size) column * n + row, n, inverse + (Size) row * n + column);
	for (int i = 0; i < n; i++)
		for (int j = 0; j <= i; j++)
			inverse[(Size) i * n + j] = -inverse[(Size) i * n + j];
	pfree(w);
}
