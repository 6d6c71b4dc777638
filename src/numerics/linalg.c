/*
 * linalg.c
 *		Dense linear algebra by LAPACK, and of large matrices in blocks.
 *
 * LAPACK is column-major: a row-major lower triangle is its upper one, so
 * "U" below means our lower triangle.
 */
#include "postgres.h"

#include <math.h>

#include "miscadmin.h"
#include "numerics/blocked.h"
#include "numerics/linalg.h"

extern void dpotrf_(const char *uplo, const int *n, double *a, const int *lda, int *info, size_t uplo_len);
extern void dpotrs_(const char *uplo, const int *n, const int *nrhs, const double *a, const int *lda, double *b,
					const int *ldb, int *info, size_t uplo_len);
extern void dpotri_(const char *uplo, const int *n, double *a, const int *lda, int *info, size_t uplo_len);
extern void dsyev_(const char *jobz, const char *uplo, const int *n, double *a, const int *lda, double *w,
				   double *work, const int *lwork, int *info, size_t jobz_len, size_t uplo_len);

/*
 * Replaces LAPACK's error handler, which would end the process.  Reached only
 * if a function of this file passes a wrong argument.
 */
PGDLLEXPORT void xerbla_(const char *routine, const int *argument, size_t routine_len);

void
xerbla_(const char *routine, const int *argument, size_t routine_len)
{
	elog(ERROR, "LAPACK routine %.*s refused its argument %d", (int) routine_len, routine, *argument);
}

/*
 * Replaces LAPACK's comparison of two letters, whatever their case.  Each of its
 * routines asks this what its options are, at least once for each panel of a
 * matrix that it works on, so this is where a long one can be cancelled: the
 * eigenvectors of 400 columns take half a second.  None of them holds anything
 * that would have to be given back.  (A LAPACK that is linked dynamically has its
 * own, and is cancelled when it is done.)
 */
PGDLLEXPORT int lsame_(const char *a, const char *b, size_t a_len, size_t b_len);

int
lsame_(const char *a, const char *b, size_t a_len, size_t b_len)
{
	CHECK_FOR_INTERRUPTS();
	return (*a | 0x20) == (*b | 0x20);
}

static void
CheckDimension(int n)
{
	if (n < 1)
		elog(ERROR, "matrix dimension %d is not positive", n);
}

bool
Cholesky(const double *a, int n, double *l)
{
	int			info;

	CHECK_FOR_INTERRUPTS();
	CheckDimension(n);
	for (int i = 0; i < n; i++)
		for (int j = 0; j < n; j++)
		{
			if (!isfinite(a[i * n + j]))
				return false;
			l[i * n + j] = j <= i ? a[i * n + j] : 0.0;
		}
	if (n >= BLOCKED_FROM)
		return BlockedCholesky(l, n);
	dpotrf_("U", &n, l, &n, &info, 1);
	return info == 0;
}

double
CholeskyLogDet(const double *l, int n)
{
	double		sum = 0.0;

	for (int i = 0; i < n; i++)
		sum += log(l[i * n + i]);
	return 2.0 * sum;
}

void
CholeskySolve(const double *l, int n, const double *b, double *x)
{
	int			one = 1;
	int			info;

	CheckDimension(n);
	memcpy(x, b, sizeof(double) * n);
	dpotrs_("U", &n, &one, l, &n, x, &n, &info, 1);
	if (info != 0)
		elog(ERROR, "solving by a Cholesky factor failed");
}

void
CholeskyInverse(const double *l, int n, double *inverse)
{
	int			info;

	CHECK_FOR_INTERRUPTS();
	CheckDimension(n);
	if (n >= BLOCKED_FROM)
		BlockedInverse(l, n, inverse);
	else
	{
		memcpy(inverse, l, sizeof(double) * n * n);
		dpotri_("U", &n, inverse, &n, &info, 1);
		if (info != 0)
			elog(ERROR, "inverting a Cholesky factor failed at row %d", info);
	}
	for (int i = 0; i < n; i++)
		for (int j = 0; j < i; j++)
			inverse[j * n + i] = inverse[i * n + j];
}

bool
InvertSPD(const double *a, int n, double *inverse, double *log_det)
{
	double	   *l = palloc(sizeof(double) * n * n);
	bool		proper = Cholesky(a, n, l);

	if (proper)
	{
		if (log_det)
			*log_det = CholeskyLogDet(l, n);
		CholeskyInverse(l, n, inverse);
	}
	pfree(l);
	return proper;
}

bool
SymmetricEigen(const double *a, int n, double *values, double *vectors)
{
	int			info;
	int			lwork = 34 * n; /* (block size + 2) n: what dsyev works best with */
	double	   *work;

	CHECK_FOR_INTERRUPTS();
	CheckDimension(n);
	work = palloc(sizeof(double) * lwork);
	memcpy(vectors, a, sizeof(double) * n * n);
	dsyev_("V", "U", &n, vectors, &n, values, work, &lwork, &info, 1, 1);
	pfree(work);
	return info == 0;
}
