/*
 * impute.c
 *		What is missing in a row, by what is there.
 *
 * Given a cluster and the columns that the row has, the missing ones follow a
 * conditional of the cluster's predictive density; the clusters are weighted
 * with the probabilities of bnai_predict_proba.  Mean and variance are those of
 * the mixture.
 */
#include "postgres.h"

#include <math.h>

#include "funcapi.h"
#include "utils/builtins.h"

#include "compat.h"
#include "scoring/scoring.h"

PG_FUNCTION_INFO_V1(bnai_impute);
PG_FUNCTION_INFO_V1(bnai_impute_by_value);

/* A mixture's moments while its parts are added */
typedef struct Moments
{
	double		weight;
	double		mean;
	double		variance;
} Moments;

/*
 * Adds a part to a mixture (Chan, Golub & LeVeque 1983).
 */
static void
AddPart(Moments *moments, double weight, double mean, double variance)
{
	double		total = moments->weight + weight;
	double		shift = mean - moments->mean;

	moments->variance = (moments->weight * moments->variance + weight * variance
						 + moments->weight * weight / total * shift * shift) / total;
	moments->mean += shift * weight / total;
	moments->weight = total;
}

/*
 * Adds what one term of the density says of the missing columns of a leaf.
 */
static void
AddTerm(Scorer *scorer, int index, int term, double weight, Moments *moments)
{
	const ScorerLeaf *leaf = &scorer->leaves[index];
	const Pattern *pattern = scorer->patterns[index];
	const double *observed = scorer->observed + leaf->first_column;
	Conditional conditional = ConditionTerm(scorer, index, term);
	double		spread = leaf->kernel->missing->spread(pattern->nobserved, conditional.constants, observed);

	for (int i = 0; i < pattern->nmissing; i++)
		AddPart(&moments[i], weight, ExpectedValue(&conditional, pattern, i, observed),
				spread * ConditionalVariance(&conditional, pattern, i));
}

/*
 * Adds a row for each column that a leaf lacks.
 */
static void
ImputeLeaf(ReturnSetInfo *result, Scorer *scorer, int index, const double *probabilities)
{
	const ScorerLeaf *leaf = &scorer->leaves[index];
	const Pattern *pattern = scorer->patterns[index];
	Moments    *moments = palloc0(sizeof(Moments) * (pattern->nmissing + 1));

	if (!leaf->mixture)
		AddTerm(scorer, index, 0, 1, moments);
	for (int c = 0; leaf->mixture && c < scorer->ncandidates; c++)
		if (probabilities[c] > 0)
			AddTerm(scorer, index, scorer->terms[c], probabilities[c], moments);
	for (int i = 0; i < pattern->nmissing; i++)
	{
		int			column = pattern->missing[i];
		Datum		values[3] = {CStringGetTextDatum(scorer->columns[leaf->first_column + column]),
		Float8GetDatum(moments[i].mean + leaf->centre[column]), Float8GetDatum(sqrt(moments[i].variance))};
		bool		nulls[3] = {false, isnan(moments[i].mean), isnan(moments[i].variance)};

		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	pfree(moments);
}

/*
 * Returns the missing columns; none where nothing is missing, or everything.
 */
static Datum
Impute(FunctionCallInfo fcinfo, Scorer *scorer)
{
	const double *x;
	double	   *probabilities;

	InitMaterializedSRF(fcinfo, 0);
	x = scorer == NULL ? NULL : ScorerRow(fcinfo, scorer, true);
	if (x == NULL || (scorer->clusters && scorer->ncandidates == 0))
		return (Datum) 0;
	probabilities = palloc(sizeof(double) * (scorer->ncandidates + 1));
	if (scorer->clusters)
		ScoreProbabilities(scorer, x, probabilities);
	else
		(void) ScoreDensity(scorer, x);
	for (int i = 0; scorer->lacking && i < scorer->nleaves; i++)
		ImputeLeaf((ReturnSetInfo *) fcinfo->resultinfo, scorer, i, probabilities);
	return (Datum) 0;
}

/*
 * Imputes by the network's current run.
 */
Datum
bnai_impute(PG_FUNCTION_ARGS)
{
	return Impute(fcinfo, ScorerByName(fcinfo, false));
}

/*
 * Imputes by a posterior.
 */
Datum
bnai_impute_by_value(PG_FUNCTION_ARGS)
{
	return Impute(fcinfo, ScorerByValue(fcinfo, false));
}
