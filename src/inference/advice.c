/*
 * advice.c
 *		Notices on rows and clusters.
 *
 * None of what is said here is an error: it may be what is wanted.  A run sends
 * a few notices at most, the ones that matter most first, and an inference that
 * nobody waits for none.
 */
#include "postgres.h"

#include <math.h>

#include "lib/stringinfo.h"
#include "utils/builtins.h"

#include "engine/start.h"
#include "inference/advice.h"
#include "numerics/sort.h"

/* Notices of one run */
#define MOST_NOTICES 3

/* Names of columns in one notice */
#define MOST_NAMES 5

/* Full covariances of fewer columns are cheap, and as often right as not, where rows are few */
#define MANY_COLUMNS 10

/* Resolutions that are a smaller part of a column's deviation are those of values far out, which a sample of so many rows tells */
#define FAR_OUT 1e-4
#define SAMPLE_ROWS 1000

/* Columns that a notice is about */
typedef struct Columns
{
	int			n;
	StringInfoData names;
} Columns;

static void
AddColumn(Columns *columns, const char *name)
{
	if (columns->n++ == 0)
		initStringInfo(&columns->names);
	if (columns->n <= MOST_NAMES)
		appendStringInfo(&columns->names, "%s\"%s\"", columns->n > 1 ? ", " : "", name);
	else if (columns->n == MOST_NAMES + 1)
		appendStringInfoString(&columns->names, ", …");
}

/* Finds columns without any value, and those with one value only. */
static void
LookAtColumns(const NetworkPlan *plan, const RowStore *rows, Columns *empty, Columns *constant)
{
	for (int j = 0; j < rows->ncolumns; j++)
		if (rows->missing && rows->missing[j] >= rows->total)
			AddColumn(empty, plan->columns[j]);
		else if (ColumnVariance(rows, j) != rows->variance[j])
			AddColumn(constant, plan->columns[j]);
}

static void
TellEmpty(const Columns *empty)
{
	ereport(NOTICE,
			(errmsg_plural("column %s holds nothing but NULLs", "columns %s hold nothing but NULLs", empty->n,
						   empty->names.data),
			 errhint("It tells no rows apart; leave it out.")));
}

static void
TellConstant(const Columns *constant)
{
	ereport(NOTICE,
			(errmsg_plural("column %s holds one value only", "columns %s hold one value each", constant->n,
						   constant->names.data),
			 errhint("It tells no rows apart; leave it out.")));
}

/* Returns for how many numbers each component needs rows of its own, where that grows with the square of the columns. */
static double
FullParameters(const NetworkPlan *plan, int *columns)
{
	double		parameters = 0.0;

	*columns = 0;
	for (int l = 0; l < plan->nleaves; l++)
	{
		double		dim = plan->leaves[l].dim;

		if (LeafRank(plan, &plan->leaves[l]) < MANY_COLUMNS)
			continue;
		parameters += dim * (dim + 3.0) / 2.0;
		*columns += dim;
	}
	return parameters;
}

/* Says so where full covariances have more parameters than there are rows for them; true if that was said. */
static bool
TellFull(const NetworkPlan *plan, const RowStore *rows)
{
	int			columns;
	double		parameters = FullParameters(plan, &columns);

	if (parameters * plan->components <= rows->rows)
		return false;
	ereport(NOTICE,
			(errmsg("full covariances of %d columns have %.0f parameters for each cluster, and there are " INT64_FORMAT " rows for %d of them",
					columns, parameters, rows->rows, plan->components),
			 errdetail("The time of an inference grows with the cube of the columns, and rows say little of so many parameters."),
			 errhint("Use covariance => 'diagonal' or 'tied', or fewer clusters or columns.")));
	return true;
}

int
AdviseOnRows(const NetworkPlan *plan, const RowStore *rows)
{
	Columns		empty = {0};
	Columns		constant = {0};
	int			said = 0;

	LookAtColumns(plan, rows, &empty, &constant);
	said += TellFull(plan, rows);
	if (empty.n > 0)
	{
		TellEmpty(&empty);
		said++;
	}
	if (rows->rows == 1)
		ereport(NOTICE,
				(errmsg("network \"%s\" is inferred from one row", plan->network->name),
				 errhint("What is said of it is next to what the priors say.")));
	else if (constant.n > 0 && constant.n + empty.n == rows->ncolumns && !rows->incomplete)
		ereport(NOTICE,
				(errmsg("all " INT64_FORMAT " rows are equal", rows->rows),
				 errhint("There is nothing to tell groups by.")));
	else if (constant.n > 0)
		TellConstant(&constant);
	return said + (rows->rows == 1 || constant.n > 0);
}

/* Returns the width of the middle half of a column's values in a sample. */
static double
MiddleHalf(const RowStore *sample, int column)
{
	const double **columns = palloc(sizeof(double *) * sample->width);
	double	   *values = palloc(sizeof(double) * (sample->rows + 1));
	int64		n = 0;
	double		width;

	for (int c = 0; c < sample->nchunks; c++)
	{
		ChunkColumns(sample, c, columns);
		for (int i = 0; i < ChunkRows(sample, c); i++)
			if (!isnan(columns[column][i]))
				values[n++] = columns[column][i];
	}
	SortDoubles(values, n);
	width = n == 0 ? 0.0 : values[n * 3 / 4] - values[n / 4];
	pfree(values);
	pfree(columns);
	return width;
}

/*
 * Looks for a column whose resolution, which values far out keep from being
 * finer, is more than what its ordinary values vary by; -1 if there is none.
 */
static int
FindBlurred(const NetworkPlan *plan, const RowStore *rows)
{
	RowStore   *sample = NULL;
	int			found = -1;

	for (int l = 0; l < plan->nleaves && found < 0; l++)
		for (int j = 0; j < plan->leaves[l].dim && found < 0; j++)
		{
			int			column = plan->leaves[l].columns[j];
			double		resolution = sqrt(plan->leaves[l].noise[j]);
			double		half;

			/* a constant column has no ordinary values, and one that is rounded or coarse on purpose is as it is */
			if (!(resolution > 0.0) || resolution > FAR_OUT * sqrt(rows->variance[column]))
				continue;
			if (sample == NULL)
				sample = CanonicalSample(rows, SAMPLE_ROWS, plan->network->settings.seed, CurrentMemoryContext);
			half = MiddleHalf(sample, column);
			if (half > 0.0 && resolution > half)
				found = column;
		}
	if (sample != NULL)
		RowStoreFree(sample);
	return found;
}

int
AdviseOnResolution(const NetworkPlan *plan, const RowStore *rows)
{
	int			column = FindBlurred(plan, rows);

	if (column >= 0)
		ereport(WARNING,
				(errmsg("column \"%s\" holds values so far out that its other values cannot be told apart",
						plan->columns[column]),
				 errhint("Replace values that stand for something unknown by NULL.")));
	return column >= 0;
}

void
AdviseOnClusters(const NetworkPlan *plan, int clusters, int said)
{
	if (said < MOST_NOTICES && plan->selector >= 0 && plan->components > 1 && clusters == plan->components
		&& plan->network->settings.prune)
		ereport(NOTICE,
				(errmsg("all %d clusters of network \"%s\" are in use", plan->components, plan->network->name),
				 errhint("There may be more groups: allow more clusters, or compare their numbers with bnai_compare_clusters.")));
}
