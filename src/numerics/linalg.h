/*
 * linalg.h
 *		Dense linear algebra: the only door to LAPACK.
 *
 * Matrices are square, row-major, n x n doubles; symmetric ones are stored
 * whole.  Every function checks its arguments before LAPACK sees them, for
 * the reference XERBLA ends the process.  All of them can be cancelled.
 */
#ifndef BNAI_LINALG_H
#define BNAI_LINALG_H

/* Factors a = L L^T; the lower triangle of l becomes L, the rest 0.  False if a is not positive definite. */
extern bool Cholesky(const double *a, int n, double *l);

/* Returns log |L L^T|. */
extern double CholeskyLogDet(const double *l, int n);

/* Solves L L^T x = b; more exact than multiplying by the inverse where that is ill-conditioned. */
extern void CholeskySolve(const double *l, int n, const double *b, double *x);

/* Writes (L L^T)^-1, exactly symmetric. */
extern void CholeskyInverse(const double *l, int n, double *inverse);

/* Writes the inverse and the log determinant of a symmetric positive definite matrix.  False if it is not one. */
extern bool InvertSPD(const double *a, int n, double *inverse, double *log_det);

/* Writes eigenvalues in ascending order and the eigenvectors as rows.  False if LAPACK did not converge. */
extern bool SymmetricEigen(const double *a, int n, double *values, double *vectors);

#endif
