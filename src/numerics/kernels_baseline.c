/*
 * kernels_baseline.c
 *		The kernels for any processor: vectors of two doubles, which SSE2 and
 *		NEON have.
 */
#include "postgres.h"

#include <math.h>

#include "numerics/kernels.h"

#define VECTOR_WIDTH 2
#define KERNEL_SET KernelsBaseline
#define KERNEL_NAME "baseline"
#include "numerics/kernels_body.h"
