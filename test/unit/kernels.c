/*
 * kernels.c
 *		Tests the vector exp against that of the C library.
 *
 * Built with src/numerics/kernels*.c
 */
#include "postgres.h"

#include <math.h>
#include <stdio.h>

#include "numerics/kernels.h"

#undef printf					/* the server's own is in the server */

/* Error of the vector exp, in units in the last place of the result. */
static double
WorstError(void)
{
	double		values[KERNEL_MAX_ROWS];
	double		x[KERNEL_MAX_ROWS];
	double		worst = 0.0;

	for (int round = 0; round < 4000; round++)
	{
		for (int n = 0; n < KERNEL_MAX_ROWS; n++)
			values[n] = x[n] = -600.0 * fmod((round * KERNEL_MAX_ROWS + n) * 0.6180339887498949, 1.0)
				/ (round % 2 ? 1 : 700);
		ActiveKernels->exp_negative(KERNEL_MAX_ROWS, values);
		for (int n = 0; n < KERNEL_MAX_ROWS; n++)
		{
			double		right = exp(x[n]);

			worst = fmax(worst, fabs(values[n] - right) / (nextafter(right, 1.0) - right));
		}
	}
	return worst;
}

int
main(void)
{
	static const char *const names[] = {"auto", "baseline", "avx2", "avx512"};
	int			test = 0;
	int			failed = 0;

	for (KernelChoice choice = KERNELS_BASELINE; choice <= KERNELS_AVX512; choice++)
	{
		double		edge[KERNEL_LANES] = {0.0, -0.0, -1e-300, -601.0, -1000.0, -INFINITY, -1e308, -0.5};
		double		worst;
		bool		good;

		if (!KernelsSupported(choice))
			continue;
		SelectKernels(choice);

		/* 2 ulp: 1 of the polynomial and its argument, 1 of the library's own exp */
		worst = WorstError();
		ActiveKernels->exp_negative(KERNEL_LANES, edge);
		good = worst <= 2.0 && edge[0] == 1.0 && edge[1] == 1.0 && edge[2] == 1.0;
		for (int n = 3; n < 7; n++)
			good = good && edge[n] == 0.0;
		failed += !good;
		printf("%sok %d - exp of %s is within %.2f ulp of the library's\n", good ? "" : "not ", ++test, names[choice], worst);
	}
	printf("1..%d\n", test);
	return failed;
}
