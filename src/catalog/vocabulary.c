/*
 * vocabulary.c
 *		The distributions that a node can have.
 */
#include "postgres.h"

#include "compat.h"
#include "distributions/leaf.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(bnai_distributions);

/* Returns a row for each distribution. */
Datum
bnai_distributions(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i < NDistributions; i++)
	{
		const Distribution *distribution = Distributions[i];
		bool		nulls[4] = {false};
		Datum		values[4] = {
			CStringGetTextDatum(distribution->name),
			CStringGetTextDatum(distribution->signature),
			CStringGetTextDatum(distribution->proper),
			BoolGetDatum(distribution->mixes || distribution->leaf != NULL)
		};

		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}
