/*
 * rules.c
 *		Responsibilities by rule.
 */
#include "postgres.h"

#include <math.h>

#include "engine/rules.h"
#include "miscadmin.h"
#include "numerics/rng.h"

/* Returns the nearest centre of a row, in the columns that it has. */
static int
NearestCentre(const Rule *rule, int centres, const double *const *columns, int ncolumns, int n)
{
	int			nearest = 0;
	double		least = INFINITY;

	for (int k = 0; k < centres; k++)
	{
		double		distance = 0.0;

		for (int j = 0; j < ncolumns; j++)
		{
			double		d = columns[j][n] - rule->centres[k * ncolumns + j];

			distance += isnan(d) ? 0.0 : rule->weights[j] * d * d;
		}
		if (distance < least)
		{
			least = distance;
			nearest = k;
		}
	}
	return nearest;
}

/* Returns the component that a row is given to; -1: none. */
static int
GivenComponent(const Rule *rule, const Job *job, const double *const *columns, int n)
{
	int			ncolumns = job->rows->ncolumns;
	uint64		hash;

	switch (rule->kind)
	{
		case RULE_CENTRES:
			return NearestCentre(rule, job->nlive, columns, ncolumns, n);
		case RULE_RANDOM:
			HashRows(columns, ncolumns, n, 1, &rule->grid, rule->seed, &hash);
			return hash % job->nlive;
		case RULE_LABELS:
			return (int) columns[ncolumns][n];
		case RULE_ONE:
			return 0;
		default:
			return -1;
	}
}

/* Returns the squared distance of a row from the mean of a split, with a factor for each column. */
static double
DiagonalDistance(const Split *split, const double *const *columns, int n)
{
	double		square = 0.0;

	for (int j = 0; j < split->leaf->dim; j++)
	{
		double		u = split->axes[j] * (columns[split->leaf->columns[j]][n] - split->mean[j]);

		square += u * u;
	}
	return square;
}

/* True if a row belongs to the second half of a split component. */
static bool
InSecondHalf(const Split *split, const double *const *columns, int n)
{
	int			dim = split->leaf->dim;
	double		first = 0.0;
	double		second = 0.0;
	double		square = 0.0;

	if (split->shape == SPLIT_SHELL_DIAGONAL)
		return DiagonalDistance(split, columns, n) > split->threshold;
	for (int a = 0; a < split->naxes; a++)
	{
		double		u = 0.0;

		for (int j = 0; j < dim; j++)
			u += split->axes[a * dim + j] * (columns[split->leaf->columns[j]][n] - split->mean[j]);
		if (a == 0)
			first = u;
		if (a == 1)
			second = u;
		square += u * u;
	}
	switch (split->shape)
	{
		case SPLIT_AXIS:
			return first > split->threshold;
		case SPLIT_CROSS:
			return fabs(first) > fabs(second);
		case SPLIT_SHELL:
			return square > split->threshold;
		case SPLIT_SHELL_DIAGONAL:
			break;
	}
	return false;
}

void
ApplySplit(const Split *split, const double *const *columns, int rows, const double *r, double *second)
{
	for (int n = 0; n < rows; n++)
		second[n] = r[n] > 0.0 && InSecondHalf(split, columns, n) ? r[n] : 0.0;
}

void
ApplyRule(const Rule *rule, const Job *job, const double *const *columns, int rows, int valid, double *r)
{
	memset(r, 0, sizeof(double) * job->nlive * rows);
	for (int n = 0; n < valid; n++)
	{
		int			k;

		CHECK_FOR_INTERRUPTS();
		k = GivenComponent(rule, job, columns, n);
		if (k >= 0)
			r[(Size) k * rows + n] = 1.0;
	}
}
