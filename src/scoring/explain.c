/*
 * explain.c
 *		Why a row has its label: column by column.
 *
 * A column's pull is what its value adds to the log odds of the label against
 * the runner-up once the other columns are known:
 * log p(x_j | others, label) - log p(x_j | others, runner-up).  Its deviation
 * is its distance from the mean of the cluster in standard deviations of the
 * cluster, as bnai_clusters shows them.
 */
#include "postgres.h"

#include <math.h>

#include "funcapi.h"
#include "storage/shmem.h"
#include "utils/builtins.h"

#include "compat.h"
#include "posterior/describe.h"
#include "scoring/scoring.h"

PG_FUNCTION_INFO_V1(bnai_explain);
PG_FUNCTION_INFO_V1(bnai_explain_by_value);

/*
 * Adds means and standard deviations of each column under each candidate (the
 * only component, where there are no clusters).
 */
void
PrepareExplanation(Scorer *scorer, const Posterior *posterior)
{
	int			nrows = scorer->clusters ? scorer->ncandidates : 1;

	scorer->means = palloc(sizeof(double) * nrows * scorer->ncolumns);
	scorer->deviations = palloc(sizeof(double) * nrows * scorer->ncolumns);
	for (int i = 0; i < nrows * scorer->ncolumns; i++)
		scorer->means[i] = scorer->deviations[i] = NAN;
	for (int l = 0; l < posterior->nleaves; l++)
	{
		const ScorerLeaf *leaf = &scorer->leaves[l];
		double	   *covariance = palloc(mul_size(sizeof(double) * leaf->ncolumns, leaf->ncolumns));

		for (int c = 0; c < nrows; c++)
		{
			Size		first = (Size) c * scorer->ncolumns + leaf->first_column;

			for (int j = 0; j < leaf->ncolumns; j++)
				covariance[j * (leaf->ncolumns + 1)] = NAN;
			DescribeLeaf(posterior, &posterior->leaves[l], scorer->clusters ? scorer->components[c] : 0, 0,
						 leaf->ncolumns, scorer->means + first, covariance);
			for (int j = 0; j < leaf->ncolumns; j++)
				scorer->deviations[first + j] = sqrt(covariance[j * (leaf->ncolumns + 1)]);
		}
		pfree(covariance);
	}
}

/*
 * Returns the index of the best candidate but one, -1 if there is none.
 */
static int
RunnerUp(const Scorer *scorer, int best)
{
	int			second = -1;

	for (int c = 0; c < scorer->ncandidates; c++)
		if (c != best && (second < 0 || scorer->scores[c] > scorer->scores[second]))
			second = c;
	return second;
}

/*
 * Returns the log density of column j of a leaf under a candidate, given the
 * other columns that the row has; NaN if it does not have this one.
 */
static double
ColumnDensity(Scorer *scorer, int index, int j, int candidate)
{
	const ScorerLeaf *leaf = &scorer->leaves[index];
	const Pattern *pattern = scorer->lacking ? scorer->patterns[index] : NULL;
	Size		offset = (Size) candidate * leaf->constants_size;

	if (pattern == NULL)
		return leaf->kernel->conditional_row(leaf->dim, leaf->constants + offset, scorer->row + leaf->first_column, j);
	for (int i = 0; i < pattern->nobserved; i++)
		if (pattern->observed[i] == j)
			return leaf->kernel->conditional_row(pattern->nobserved, leaf->marginals + offset,
												 scorer->observed + leaf->first_column, i);
	return NAN;
}

/*
 * Returns the pull of column j of a leaf towards one candidate against
 * another, for the row that was scored last.
 */
static double
Pull(Scorer *scorer, int index, int j, int best, int second)
{
	if (!scorer->leaves[index].mixture)
		return 0;
	return ColumnDensity(scorer, index, j, best) - ColumnDensity(scorer, index, j, second);
}

/*
 * Adds the row of one column.
 */
static void
PutExplanation(ReturnSetInfo *result, Scorer *scorer, const double *x, int index, int j, int best, int second)
{
	const ScorerLeaf *leaf = &scorer->leaves[index];
	int			column = leaf->first_column + j;
	Size		cell = (Size) Max(best, 0) * scorer->ncolumns + column;
	double		deviation = (x[column] - scorer->means[cell]) / scorer->deviations[cell];
	Datum		values[7] = {CStringGetTextDatum(scorer->columns[column]), Float8GetDatum(x[column])};
	bool		nulls[7] = {false};

	nulls[1] = isnan(x[column]);
	values[2] = Float8GetDatum(scorer->means[cell]);
	nulls[2] = isnan(scorer->means[cell]);
	values[3] = Float8GetDatum(deviation);
	nulls[3] = isnan(deviation);
	nulls[4] = nulls[6] = second < 0;
	nulls[5] = best < 0;
	if (second >= 0)
	{
		double		pull = Pull(scorer, index, j, best, second);

		values[4] = Float8GetDatum(pull);
		nulls[4] = isnan(pull);
		values[6] = PointerGetDatum(scorer->labels[second]);
	}
	if (best >= 0)
		values[5] = PointerGetDatum(scorer->labels[best]);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/*
 * Returns a row for each column; none where there is no label to explain.
 */
static Datum
Explain(FunctionCallInfo fcinfo, Scorer *scorer)
{
	const double *x;
	int			best;
	int			second;

	InitMaterializedSRF(fcinfo, 0);
	x = scorer == NULL ? NULL : ScorerRow(fcinfo, scorer, scorer->marginalize);
	if (x == NULL || (scorer->clusters && scorer->ncandidates == 0))
		return (Datum) 0;
	best = ScoreCandidate(scorer, x);
	second = RunnerUp(scorer, best);
	for (int i = 0; i < scorer->nleaves; i++)
		for (int j = 0; j < scorer->leaves[i].ncolumns; j++)
			PutExplanation((ReturnSetInfo *) fcinfo->resultinfo, scorer, x, i, j, best, second);
	return (Datum) 0;
}

/*
 * Explains a row with the network's current run.
 */
Datum
bnai_explain(PG_FUNCTION_ARGS)
{
	return Explain(fcinfo, ScorerByName(fcinfo, true));
}

/*
 * Explains a row with a posterior.
 */
Datum
bnai_explain_by_value(PG_FUNCTION_ARGS)
{
	return Explain(fcinfo, ScorerByValue(fcinfo, true));
}
