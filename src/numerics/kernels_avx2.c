/*
 * kernels_avx2.c
 *		The kernels for x86-64 processors with AVX2 and FMA.
 */
#include "postgres.h"

#include <math.h>

#include "numerics/kernels.h"

#ifdef KERNELS_X86
#pragma GCC target("avx2,fma")
#define VECTOR_WIDTH 4
#define KERNEL_SET KernelsAVX2
#define KERNEL_NAME "avx2"
#include "numerics/kernels_body.h"
#endif
