/*
 * predict.c
 *		The label of a row, and the probabilities of all labels.
 */
#include "postgres.h"

#include "funcapi.h"

#include "compat.h"
#include "scoring/scoring.h"

PG_FUNCTION_INFO_V1(bnai_predict);
PG_FUNCTION_INFO_V1(bnai_predict_by_value);
PG_FUNCTION_INFO_V1(bnai_predict_proba);
PG_FUNCTION_INFO_V1(bnai_predict_proba_by_value);

/*
 * Raises an error for a network that has no clusters.
 */
static void
CheckHasClusters(const Scorer *scorer)
{
	if (unlikely(!scorer->clusters))
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("a network without clusters has no labels to predict"),
						errhint("bnai_score gives the log density of a row.")));
}

/*
 * Returns the label of the row; the datum belongs to the cache.
 */
static Datum
PredictLabel(FunctionCallInfo fcinfo, Scorer *scorer)
{
	const double *row;
	int			candidate;

	if (scorer == NULL)
		PG_RETURN_NULL();
	CheckHasClusters(scorer);
	row = ScorerRow(fcinfo, scorer, scorer->marginalize);
	if (row == NULL)
		PG_RETURN_NULL();
	candidate = ScoreCandidate(scorer, row);
	if (candidate < 0)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(scorer->labels[candidate]);
}

/*
 * Predicts the label of a row with the network's current run.
 */
Datum
bnai_predict(PG_FUNCTION_ARGS)
{
	return PredictLabel(fcinfo, ScorerByName(fcinfo, false));
}

/*
 * Predicts the label of a row with a posterior.
 */
Datum
bnai_predict_by_value(PG_FUNCTION_ARGS)
{
	return PredictLabel(fcinfo, ScorerByValue(fcinfo, false));
}

/* A candidate with its probability */
typedef struct RankedCandidate
{
	int			candidate;
	double		probability;
} RankedCandidate;

/*
 * Orders candidates by falling probability, ties by label.
 */
static int
CompareProbabilities(const void *a, const void *b)
{
	const RankedCandidate *x = a;
	const RankedCandidate *y = b;

	if (x->probability != y->probability)
		return x->probability > y->probability ? -1 : 1;
	return x->candidate - y->candidate;
}

/*
 * Returns the labels with their probabilities, the greatest first; no rows
 * where the label is NULL.
 */
static Datum
PredictProbabilities(FunctionCallInfo fcinfo, Scorer *scorer)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	const double *row;
	double	   *probabilities;
	RankedCandidate *ranked;

	InitMaterializedSRF(fcinfo, 0);
	if (scorer == NULL)
		return (Datum) 0;
	CheckHasClusters(scorer);
	row = ScorerRow(fcinfo, scorer, scorer->marginalize);
	if (row == NULL || scorer->ncandidates == 0)
		return (Datum) 0;

	probabilities = palloc(sizeof(double) * scorer->ncandidates);
	ranked = palloc(sizeof(RankedCandidate) * scorer->ncandidates);
	ScoreProbabilities(scorer, row, probabilities);
	for (int c = 0; c < scorer->ncandidates; c++)
		ranked[c] = (RankedCandidate) {c, probabilities[c]};
	qsort(ranked, scorer->ncandidates, sizeof(RankedCandidate), CompareProbabilities);
	for (int c = 0; c < scorer->ncandidates; c++)
	{
		Datum		values[2] = {PointerGetDatum(scorer->labels[ranked[c].candidate]), Float8GetDatum(ranked[c].probability)};
		bool		nulls[2] = {false, false};

		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/*
 * Returns the probabilities of the labels of the network's current run.
 */
Datum
bnai_predict_proba(PG_FUNCTION_ARGS)
{
	return PredictProbabilities(fcinfo, ScorerByName(fcinfo, false));
}

/*
 * Returns the probabilities of the labels of a posterior.
 */
Datum
bnai_predict_proba_by_value(PG_FUNCTION_ARGS)
{
	return PredictProbabilities(fcinfo, ScorerByValue(fcinfo, false));
}
