/*
 * kernels.c
 *		Choice of the vector kernels at load.
 */
#include "postgres.h"

#include "numerics/kernels.h"

const Kernels *ActiveKernels = &KernelsBaseline;

/* Returns the set that is meant if this processor can run it, else NULL. */
static const Kernels *
FindKernels(KernelChoice choice)
{
	bool		automatic = choice == KERNELS_AUTO;

#ifdef KERNELS_X86
	__builtin_cpu_init();
	if ((automatic || choice == KERNELS_AVX512) && __builtin_cpu_supports("avx512f")
		&& __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
		return &KernelsAVX512;
	if ((automatic || choice == KERNELS_AVX2) && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
		return &KernelsAVX2;
#endif
	return automatic || choice == KERNELS_BASELINE ? &KernelsBaseline : NULL;
}

bool
KernelsSupported(KernelChoice choice)
{
	return FindKernels(choice) != NULL;
}

void
SelectKernels(KernelChoice choice)
{
	const Kernels *kernels = FindKernels(choice);

	if (kernels != NULL)
		ActiveKernels = kernels;
}

void
ReduceLanes(int size, const double *lanes, double *sums)
{
	for (int i = 0; i < size; i++, lanes += KERNEL_LANES)
		sums[i] += ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) + ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]));
}
