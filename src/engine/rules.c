/*
 * rules.c
 *		Responsibilities by rule.
 */
#include "postgres.h"

#include <math.h>

#include "engine/rules.h"
#include "numerics/rng.h"

bool
RuleReplacesGlobals(const Rule *rule)
{
	return rule->kind == RULE_CENTRES || rule->kind == RULE_RANDOM || rule->kind == RULE_LABELS;
}

/* Returns the nearest centre of a row. */
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

			distance += rule->weights[j] * d * d;
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

	switch (rule->kind)
	{
		case RULE_CENTRES:
			return NearestCentre(rule, job->nlive, columns, ncolumns, n);
		case RULE_RANDOM:
			return HashRow(columns, ncolumns, n, rule->seed) % job->nlive;
		case RULE_LABELS:
			return (int) columns[ncolumns][n];
		default:
			return -1;
	}
}

/* True if a row belongs to the second half of a split component. */
static bool
InSecondHalf(const Rule *rule, const double *const *columns, int n)
{
	double		first = 0.0;
	double		second = 0.0;
	double		square = 0.0;
	int			axes = rule->shape == SPLIT_AXIS ? 1 : rule->shape == SPLIT_CROSS ? 2 : rule->dim;

	for (int a = 0; a < axes; a++)
	{
		double		u = 0.0;

		for (int j = 0; j < rule->dim; j++)
			u += rule->axes[a * rule->dim + j] * (columns[rule->columns[j]][n] - rule->mean[j]);
		if (a == 0)
			first = u;
		if (a == 1)
			second = u;
		square += u * u;
	}
	switch (rule->shape)
	{
		case SPLIT_AXIS:
			return first > 0.0;
		case SPLIT_CROSS:
			return fabs(first) > fabs(second);
		case SPLIT_SHELL:
			return square > rule->threshold;
	}
	return false;
}

/* Moves the second half of a component's responsibilities to the last component. */
static void
SplitBlock(const Rule *rule, const Job *job, const double *const *columns, int rows, int valid, double *r)
{
	double	   *from = r + (Size) rule->component * rows;
	double	   *to = r + (Size) (job->nlive - 1) * rows;

	for (int n = 0; n < rows; n++)
	{
		bool		moves = n < valid && from[n] > 0.0 && InSecondHalf(rule, columns, n);

		to[n] = moves ? from[n] : 0.0;
		if (moves)
			from[n] = 0.0;
	}
}

void
ApplyRule(const Rule *rule, const Job *job, const double *const *columns, int rows, int valid, double *r)
{
	if (rule->kind == RULE_SPLIT)
	{
		SplitBlock(rule, job, columns, rows, valid, r);
		return;
	}
	memset(r, 0, sizeof(double) * job->nlive * rows);
	for (int n = 0; n < valid; n++)
	{
		int			k = GivenComponent(rule, job, columns, n);

		if (k >= 0)
			r[(Size) k * rows + n] = 1.0;
	}
}
