/*
 * kernels.h
 *		The vector kernels of the pass over the rows, one set for each
 *		instruction set; the best one is chosen when the library is loaded.
 *
 * Rows are columns of doubles, in blocks of at most KERNEL_MAX_ROWS rows
 * padded to a multiple of KERNEL_LANES.  Sums are kept in KERNEL_LANES lanes:
 * sum number i lies in lanes[i * KERNEL_LANES ..], to be reduced at the end.
 * The sets differ in the order of summation and in contraction to fused
 * multiply-add, so their results agree to rounding, not bit by bit.
 */
#ifndef BNAI_KERNELS_H
#define BNAI_KERNELS_H

#define KERNEL_LANES 8
#define KERNEL_MAX_ROWS 512
#define KERNEL_MAX_DIM 1024

typedef struct Kernels
{
	const char *name;

	/* out[n] = value */
	void		(*fill) (double value, int rows, double *out);

	/* Returns the sum of products. */
	double		(*dot) (int rows, const double *a, const double *b);

	/*
	 * Gaussian score: out[n] += c - |U (x_n - m)|^2, where constants are c, m
	 * and the rows of the upper triangular U, packed (see QuadraticSize).
	 */
	void		(*quadratic_score) (int dim, const double *constants, const double *const *x, int rows, double *out);

	/* Sums of r, r x_i and r x_i x_j (j <= i, row by row). */
	void		(*quadratic_sums) (int dim, const double *const *x, const double *r, int rows, double *lanes);

	/* The same without products of different columns: out[n] += c - sum_j w_j (x_jn - m_j)^2; constants are c, m, w. */
	void		(*diagonal_score) (int dim, const double *constants, const double *const *x, int rows, double *out);

	/* Sums of r, r x_j and r x_j^2: first all of one kind, then all of the next. */
	void		(*diagonal_sums) (int dim, const double *const *x, const double *r, int rows, double *lanes);

	/*
	 * Turns scores (components x rows, one after the other) into
	 * responsibilities, 0 from row `valid` on; returns the sum of their log
	 * normalisers.  With weights (NULL: all are 1) both are times the row's.
	 */
	double		(*softmax) (int components, int rows, int valid, const double *weights, double *scores);

	/* Element-wise log of positive, finite, normal numbers. */
	void		(*log_positive) (int rows, double *values);

	/* Element-wise exp of numbers <= 0, for tests of its error; 0 below exp(-600). */
	void		(*exp_negative) (int rows, double *values);
} Kernels;

/* Numbers in the constants of quadratic_score, and sums of quadratic_sums. */
#define QuadraticSize(dim) (1 + (dim) + (dim) * ((dim) + 1) / 2)

/* Numbers in the constants of diagonal_score, and sums of diagonal_sums. */
#define DiagonalKernelSize(dim) (1 + 2 * (dim))

extern const Kernels KernelsBaseline;
#if defined(__x86_64__) && defined(__GNUC__)
#define KERNELS_X86
extern const Kernels KernelsAVX2;
extern const Kernels KernelsAVX512;
#endif

/* The set in use. */
extern const Kernels *ActiveKernels;

typedef enum KernelChoice
{
	KERNELS_AUTO,				/* the best that this processor can run */
	KERNELS_BASELINE,
	KERNELS_AVX2,
	KERNELS_AVX512
} KernelChoice;

extern bool KernelsSupported(KernelChoice choice);
extern void SelectKernels(KernelChoice choice);

/* Adds the lanes of `size` sums to sums[], in a fixed order. */
extern void ReduceLanes(int size, const double *lanes, double *sums);

#endif
