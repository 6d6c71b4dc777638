/*
 * blocked.h
 *		Cholesky factors and inverses of large matrices, block by block, so that
 *		a query can be cancelled in the midst of them.
 *
 * As in linalg.h matrices are row-major, n x n doubles.  The same instructions
 * on every processor, so the same result.
 */
#ifndef BNAI_BLOCKED_H
#define BNAI_BLOCKED_H

/* Matrices with fewer rows are LAPACK's: it needs some milliseconds for them at most */
#define BLOCKED_FROM 512

/* Factors a = L L^T in place, of which the lower triangle is read and written.  False if a is not positive definite. */
extern bool BlockedCholesky(double *a, int n);

/* Writes (L L^T)^-1, the lower triangle of it. */
extern void BlockedInverse(const double *l, int n, double *inverse);

#endif
