/*
 * density.c
 *		The log predictive density of a row.
 */
#include "postgres.h"

#include "scoring/scoring.h"

PG_FUNCTION_INFO_V1(bnai_score);
PG_FUNCTION_INFO_V1(bnai_score_by_value);

/*
 * Returns the log density of the row.
 */
static Datum
LogDensity(FunctionCallInfo fcinfo, Scorer *scorer)
{
	const double *row = scorer == NULL ? NULL : ScorerRow(fcinfo, scorer, scorer->marginalize);

	if (row == NULL)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(ScoreDensity(scorer, row));
}

/*
 * Scores a row with the network's current run.
 */
Datum
bnai_score(PG_FUNCTION_ARGS)
{
	return LogDensity(fcinfo, ScorerByName(fcinfo, false));
}

/*
 * Scores a row with a posterior.
 */
Datum
bnai_score_by_value(PG_FUNCTION_ARGS)
{
	return LogDensity(fcinfo, ScorerByValue(fcinfo, false));
}
