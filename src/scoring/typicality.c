/*
 * typicality.c
 *		The share of the rows of the fit that are less typical than a row.
 */
#include "postgres.h"

#include "posterior/typicality.h"
#include "scoring/scoring.h"

PG_FUNCTION_INFO_V1(bnai_typicality);
PG_FUNCTION_INFO_V1(bnai_typicality_by_value);

/*
 * Returns the rank of the row's density among those of the fit.
 */
static Datum
RankDensity(FunctionCallInfo fcinfo, Scorer *scorer)
{
	const double *row = scorer == NULL ? NULL : ScorerRow(fcinfo, scorer, false);

	if (row == NULL)
		PG_RETURN_NULL();
	if (scorer->quantiles == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the posterior does not say how dense the rows of its fit were"),
				 errhint("Infer the network again; or compare values of bnai_score.")));
	PG_RETURN_FLOAT8(DensityRank(scorer->quantiles, ScoreDensity(scorer, row)));
}

/*
 * Ranks a row with the network's current run.
 */
Datum
bnai_typicality(PG_FUNCTION_ARGS)
{
	return RankDensity(fcinfo, ScorerByName(fcinfo, false));
}

/*
 * Ranks a row with a posterior.
 */
Datum
bnai_typicality_by_value(PG_FUNCTION_ARGS)
{
	return RankDensity(fcinfo, ScorerByValue(fcinfo, false));
}
