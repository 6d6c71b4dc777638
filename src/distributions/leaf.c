/*
 * leaf.c
 *		What leaves do unless they have their own way.
 */
#include "postgres.h"

#include <math.h>

#include "distributions/families.h"

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

/* --- columns --- */

bool
AnyNumber(double value)
{
	return true;
}

const ColumnKind RealColumns = {
	.most = 0,
	.framed = true,
	.recorded = true,
	.any = true,
	.valid = AnyNumber,
	.values = "numbers",
};

/* --- scales --- */

static bool
BalanceNothing(int dim, const double *const *parents, const double *stats, double *rise, double *fall)
{
	return false;
}

static void
RescaleNothing(int dim, double s, double *stats)
{
}

const LeafScales NoScales = {
	.present = false,
	.balance = BalanceNothing,
	.rescale = RescaleNothing,
};

/* --- missing values --- */

void
ConditionLeaf(const LeafKernel *kernel, int dim, const double *constants, const double *noise, const Pattern *pattern,
			  double *work, Conditional *out)
{
	if (pattern->nmissing == 0)
		memcpy(out->constants, constants, sizeof(double) * kernel->constants_size(dim));
	else if (pattern->nobserved > 0)
		kernel->missing->condition(dim, constants, noise, pattern, work, out);
}

static void
ConditionNothing(int dim, const double *constants, const double *noise, const Pattern *pattern, double *work,
				 Conditional *out)
{
	elog(ERROR, "a leaf that needs whole rows was given a part of one");
}

/* Adds whole rows; there are no others. */
static void
CompleteNothing(const Pattern *pattern, const Conditional *conditional, const double *noise, double count,
				const double *stats, double *to)
{
	elog(ERROR, "a leaf that needs whole rows was given a part of one");
}

static void
ExpectNothing(int dim, const double *constants, const Pattern *pattern, double *work, Conditional *out)
{
	for (int i = 0; i < pattern->nmissing; i++)
		out->offset[i] = out->covariance[i] = NAN;
}

static double
SpreadOfNothing(int dim, const double *constants, const double *x)
{
	return 1.0;
}

const LeafMissing NeedsWholeRows = {
	.possible = false,
	.joint = false,
	.condition = ConditionNothing,
	.complete = CompleteNothing,
	.condition_predictive = ExpectNothing,
	.spread = SpreadOfNothing,
};
