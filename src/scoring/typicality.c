/*
 * typicality.c
 *		The share of the rows of the fit that are at most as typical as a row.
 */
#include "postgres.h"

#include "posterior/typicality.h"
#include "scoring/scoring.h"

PG_FUNCTION_INFO_V1(bnai_typicality);
PG_FUNCTION_INFO_V1(bnai_typicality_by_value);

/*
 * Returns the quantiles for rows that have the same columns as the last one;
 * NULL if there are none.
 */
static const double *
QuantilesOfRow(const Scorer *scorer)
{
	if (!scorer->lacking)
		return scorer->quantiles;
	for (int p = 0; p < scorer->ndensities; p++)
		if (memcmp(scorer->densities[p].lacks, scorer->lacks, sizeof(bool) * scorer->ncolumns) == 0)
			return scorer->densities[p].quantiles;
	return NULL;
}

/*
 * Returns the rank of the row's density among those of the fit, by the columns
 * that the row has.
 */
static Datum
RankDensity(FunctionCallInfo fcinfo, Scorer *scorer)
{
	const double *row = scorer == NULL ? NULL : ScorerRow(fcinfo, scorer, scorer->marginalize);
	const double *quantiles;
	double		density;

	if (row == NULL)
		PG_RETURN_NULL();
	if (scorer->quantiles == NULL && scorer->ndensities == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the posterior does not say how dense the rows of its fit were"),
				 errhint("Infer the network again; or compare values of bnai_score.")));
	density = ScoreDensity(scorer, row);
	quantiles = QuantilesOfRow(scorer);
	if (quantiles == NULL)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(DensityRank(quantiles, scorer->ranked, density));
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
