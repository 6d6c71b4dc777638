/*
 * kernels.c
 *		Choice of the vector kernels at load.
 */
#include "postgres.h"

#include "numerics/kernels.h"

const Kernels *ActiveKernels = &KernelsBaseline;

/* Returns the set of that name if this processor can run it. */
static const Kernels *
FindKernels(const char *name)
{
#ifdef KERNELS_X86
	bool		automatic = pg_strcasecmp(name, "auto") == 0;

	__builtin_cpu_init();
	if ((automatic || pg_strcasecmp(name, "avx512") == 0) && __builtin_cpu_supports("avx512f")
		&& __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
		return &KernelsAVX512;
	if ((automatic || pg_strcasecmp(name, "avx2") == 0) && __builtin_cpu_supports("avx2")
		&& __builtin_cpu_supports("fma"))
		return &KernelsAVX2;
#endif
	if (pg_strcasecmp(name, "auto") == 0 || pg_strcasecmp(name, "baseline") == 0)
		return &KernelsBaseline;
	return NULL;
}

bool
SelectKernels(const char *name)
{
	const Kernels *kernels = FindKernels(name);

	if (kernels != NULL)
		ActiveKernels = kernels;
	return kernels != NULL;
}

void
KernelsInit(void)
{
	(void) SelectKernels("auto");
}

void
ReduceLanes(int size, const double *lanes, double *sums)
{
	for (int i = 0; i < size; i++, lanes += KERNEL_LANES)
		sums[i] += ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) + ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]));
}
