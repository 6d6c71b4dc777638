/*
 * leaf.c
 *		What leaves do unless they have their own way.
 */
#include "postgres.h"

#include "distributions/leaf.h"

double
RowsOfSums(int dim, const double *stats)
{
	return stats[0];
}

void
MessageOfSums(const LeafKernel *kernel, int dim, int param, const double *const *parents, const double *stats,
			  const double *noise, double *message)
{
	const Distribution *distribution = kernel->distribution;
	double	   *u = palloc(sizeof(double) * distribution->size(dim));

	kernel->expand(dim, stats, noise, u);
	distribution->message(dim, param, parents, u, stats[0], message);
	pfree(u);
}

double
DensityOfSums(const LeafKernel *kernel, int dim, const double *const *parents, const double *stats, const double *noise)
{
	const Distribution *distribution = kernel->distribution;
	int			size = distribution->size(dim);
	double	   *u = palloc(sizeof(double) * size * 2);
	double	   *phi = u + size;
	double		density;

	kernel->expand(dim, stats, noise, u);
	distribution->natural(dim, parents, phi);
	density = stats[0] * distribution->log_partition(dim, parents);
	for (int i = 0; i < size; i++)
		density += phi[i] * u[i];
	pfree(u);
	return density;
}
