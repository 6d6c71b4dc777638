/*
 * farvalues.c
 *		Values so far out that a column's mean and variance say nothing of the
 *		others: 2147483647 for "unknown", among degrees.
 *
 * Values beyond five standard deviations are left out of both, time and again
 * until none is left, so that the frame and the priors that follow the data are
 * those of the ordinary values.  Only where that makes the deviation a hundredth
 * of what it was: heavy tails are no such values.  Sums of differences from the
 * mean would else have no digits left for the groups among the others.
 */
#include "postgres.h"

#include <math.h>

#include "miscadmin.h"
#include "source/storage.h"

/* Values further out, in standard deviations, are left out on trial; 1 in 25 rows at least is not */
#define TRIMMED 5.0
#define MOST_TRIMS 30

/* The deviation must shrink by this, or nothing is left out */
#define SHRINKS 100.0

/* Values so many deviations of the others away are worth a warning */
#define WORTH_A_WARNING 1000.0

/* The values of one column within some distance from a centre, and the value that is furthest from it */
typedef struct NearValues
{
	bool		trimming;		/* the others may change mean and deviation yet */
	double		centre;			/* mean and deviation so far */
	double		deviation;
	double		rows;
	double		mean;
	double		squares;		/* of differences from the mean */
	double		furthest;
} NearValues;

/* Adds the values of a chunk that are near. */
static void
AddNear(NearValues *near, const double *x, const double *weights, int rows)
{
	for (int i = 0; i < rows; i++)
	{
		double		weight = weights ? weights[i] : 1.0;
		double		distance = fabs(x[i] - near->centre);
		double		shift = x[i] - near->mean;

		if (isnan(x[i]) || weight == 0.0)
			continue;
		if (distance > fabs(near->furthest - near->centre))
			near->furthest = x[i];
		if (distance > TRIMMED * near->deviation)
			continue;
		near->rows += weight;
		near->mean += shift * weight / near->rows;
		near->squares += weight * shift * (x[i] - near->mean);
	}
}

/* Goes through the rows once; returns whether mean or deviation of a column may change once more. */
static bool
TrimOnce(const RowStore *store, NearValues *near)
{
	const double **columns = palloc(sizeof(double *) * store->width);
	bool		again = false;

	for (int j = 0; j < store->ncolumns; j++)
	{
		near[j].rows = near[j].mean = near[j].squares = 0.0;
		near[j].furthest = near[j].centre;
	}
	for (int c = 0; c < store->nchunks; c++)
	{
		CHECK_FOR_INTERRUPTS();
		ChunkColumns(store, c, columns);
		for (int j = 0; j < store->ncolumns; j++)
			if (near[j].trimming)
				AddNear(&near[j], columns[j], store->weighted ? columns[store->width - 1] : NULL, ChunkRows(store, c));
	}
	for (int j = 0; j < store->ncolumns; j++)
	{
		double		deviation = near[j].rows > 0.0 ? sqrt(near[j].squares / near[j].rows) : 0.0;

		if (!near[j].trimming)
			continue;
		near[j].trimming = deviation > 0.0 && deviation < near[j].deviation
			&& fabs(near[j].furthest - near[j].centre) > TRIMMED * near[j].deviation;
		if (!near[j].trimming)
			continue;
		near[j].centre = near[j].mean;
		near[j].deviation = deviation;
		again = true;
	}
	pfree(columns);
	return again;
}

void
SetFarValuesAside(RowStore *store)
{
	RowMoments *moments = store->storage->moments;
	NearValues *near = palloc0(sizeof(NearValues) * store->ncolumns);

	/* covariances of other rows than the variances would fit no distribution */
	for (int j = 0; j < store->ncolumns && !moments->covariances; j++)
	{
		near[j].centre = moments->mean[j];
		near[j].deviation = moments->counts[j] > 0.0 ? sqrt(moments->products[j] / moments->rows) : 0.0;
		near[j].trimming = near[j].deviation > 0.0 && isfinite(near[j].deviation);
	}
	for (int trim = 0; trim < MOST_TRIMS && !moments->covariances && TrimOnce(store, near); trim++)
		;
	for (int j = 0; j < store->ncolumns && !moments->covariances; j++)
	{
		double		away = fabs(near[j].furthest - near[j].centre) / near[j].deviation;

		if (!(near[j].deviation > 0.0) || !(near[j].deviation * SHRINKS < sqrt(moments->products[j] / moments->rows)))
			continue;
		if (away > WORTH_A_WARNING)
			ereport(WARNING,
					(errmsg("column \"%s\" holds %.10g, %.2g standard deviations of its other values away from them",
							store->names[j], near[j].furthest, away),
					 errhint("If it stands for something unknown, replace it by NULL.")));
		moments->mean[j] = near[j].centre;
		moments->products[j] = near[j].deviation * near[j].deviation * moments->rows;
	}
	pfree(near);
	store->storage->buffered = -1;
}
