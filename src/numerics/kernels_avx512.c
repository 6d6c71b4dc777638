/*
 * kernels_avx512.c
 *		The kernels for x86-64 processors with AVX-512.
 */
#include "postgres.h"

#include <math.h>

#include "numerics/kernels.h"

#ifdef KERNELS_X86
#pragma GCC target("avx512f,avx512dq,avx512vl,fma,prefer-vector-width=512")
#define VECTOR_WIDTH 8
#define KERNEL_SET KernelsAVX512
#define KERNEL_NAME "avx512"
#include "numerics/kernels_body.h"
#endif
