/*
 * posterior_json.c
 *		The text form of a posterior: JSON.
 *
 *	{"version": 3, "network_type": "clustering", "rows": 200, "elbo": -951.57,
 *	 "density_quantiles": [-9.5, …, -1.2],
 *	 "density_patterns": [{"missing": [2], "quantiles": [-8.1, …, -0.9]}, …],
 *	 "nodes": [{"name": "mu", "distribution": "Gaussian", "plates": 2, "dim": 1,
 *	            "parameters": {"mu": [[20], [25]], "Lambda": [[[4]], [[5]]]}}, …],
 *	 "selector": {"name": "Z", "parameters": {"p": "alpha"}},
 *	 "clusters": [{"label": "A", "size": 120, "count": 119.5, "live": true}, …],
 *	 "leaves": [{"name": "Y", "distribution": "Gaussian", "mixture": true, "dim": 1,
 *	             "columns": ["a"], "parameters": {"mu": "mu", "Lambda": "Lambda"}}]}
 *
 * A scalar is a number, a vector a list, a matrix a list of rows; where a node
 * has more than one plate, each of its parameters is a list of those.  A
 * parameter of a leaf or of the selector is the name of a node, or a constant.
 * "missing": "marginalize" after the type says that rows that lack columns took
 * part; version 1 does not know it.  The quantiles are those of the complete
 * rows' log density at the levels of typicality.c, or null; version 1 does not
 * have them.  Those without some columns, which are numbered from 1 on over the
 * leaves, are new in version 3.
 * Doubles are the shortest decimal that reads back as the same double.
 */
#include "postgres.h"

#include "common/shortest_dec.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/jsonb.h"
#include "utils/numeric.h"

#include "posterior/posterior.h"
#include "posterior/typicality.h"

PG_FUNCTION_INFO_V1(bnai_posterior_in);
PG_FUNCTION_INFO_V1(bnai_posterior_out);

#define Malformed(...) \
	ereport(ERROR, (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION), \
					errmsg("invalid input syntax for type %s", "bnai_posterior"), errdetail(__VA_ARGS__)))

/* --- writing --- */

/*
 * Appends a double.
 */
static void
WriteDouble(StringInfo out, double value)
{
	char		digits[DOUBLE_SHORTEST_DECIMAL_LEN];

	double_to_shortest_decimal_buf(value, digits);
	appendStringInfoString(out, digits);
}

/*
 * Appends a vector.
 */
static void
WriteVector(StringInfo out, const double *values, int dim)
{
	appendStringInfoChar(out, '[');
	for (int i = 0; i < dim; i++)
	{
		if (i > 0)
			appendStringInfoString(out, ", ");
		WriteDouble(out, values[i]);
	}
	appendStringInfoChar(out, ']');
}

/*
 * Appends a value of any shape.
 */
static void
WriteValue(StringInfo out, ValueShape shape, int dim, const double *values)
{
	switch (shape)
	{
		case SHAPE_SCALAR:
			WriteDouble(out, values[0]);
			break;
		case SHAPE_VECTOR:
			WriteVector(out, values, dim);
			break;
		case SHAPE_MATRIX:
			appendStringInfoChar(out, '[');
			for (int i = 0; i < dim; i++)
			{
				if (i > 0)
					appendStringInfoString(out, ", ");
				WriteVector(out, values + i * dim, dim);
			}
			appendStringInfoChar(out, ']');
			break;
	}
}

/*
 * Appends a key; the first one of an object without a comma.
 */
static void
WriteKey(StringInfo out, const char *key, bool first)
{
	if (!first)
		appendStringInfoString(out, ", ");
	escape_json(out, key);
	appendStringInfoString(out, ": ");
}

/*
 * Appends a key with a string.
 */
static void
WriteString(StringInfo out, const char *key, const char *string, bool first)
{
	WriteKey(out, key, first);
	escape_json(out, string);
}

/*
 * Appends a global node.
 */
static void
WriteNode(StringInfo out, const PosteriorNode *node)
{
	const Distribution *distribution = node->distribution;
	int			size = ParamsSize(distribution, node->dim);
	int			offset = 0;

	appendStringInfoChar(out, '{');
	WriteString(out, "name", node->name, true);
	WriteString(out, "distribution", distribution->name, false);
	appendStringInfo(out, ", \"plates\": %d, \"dim\": %d, \"parameters\": {", node->plates, node->dim);
	for (int i = 0; i < distribution->nparams; i++)
	{
		const ParamSpec *spec = &distribution->params[i];

		WriteKey(out, spec->name, i == 0);
		if (node->plates > 1)
			appendStringInfoChar(out, '[');
		for (int k = 0; k < node->plates; k++)
		{
			CHECK_FOR_INTERRUPTS();
			if (k > 0)
				appendStringInfoString(out, ", ");
			WriteValue(out, WrittenShape(spec, node->dim, node->params + (Size) k * size + offset), node->dim,
					   node->params + (Size) k * size + offset);
		}
		if (node->plates > 1)
			appendStringInfoChar(out, ']');
		offset += ShapeSize(spec->shape, node->dim);
	}
	appendStringInfoString(out, "}}");
}

/*
 * Appends the parameters of a leaf or of the selector.
 */
static void
WriteParams(StringInfo out, const Posterior *posterior, const Distribution *distribution, int dim,
			const PosteriorParam *params)
{
	appendStringInfoString(out, ", \"parameters\": {");
	for (int i = 0; i < distribution->nparams; i++)
	{
		WriteKey(out, distribution->params[i].name, i == 0);
		if (params[i].node >= 0)
			escape_json(out, posterior->nodes[params[i].node].name);
		else
			WriteValue(out, distribution->params[i].shape, dim, params[i].values);
	}
	appendStringInfoChar(out, '}');
}

/*
 * Appends a leaf.
 */
static void
WriteLeaf(StringInfo out, const Posterior *posterior, const PosteriorLeaf *leaf)
{
	const Distribution *distribution = leaf->distribution;

	appendStringInfoChar(out, '{');
	WriteString(out, "name", leaf->name, true);
	WriteString(out, "distribution", distribution->name, false);
	appendStringInfo(out, ", \"mixture\": %s, \"dim\": %d, \"columns\": [", leaf->mixture ? "true" : "false",
					 leaf->dim);
	for (int i = 0; i < PosteriorLeafColumns(leaf); i++)
	{
		if (i > 0)
			appendStringInfoString(out, ", ");
		escape_json(out, leaf->columns[i]);
	}
	appendStringInfoChar(out, ']');
	WriteParams(out, posterior, distribution, leaf->dim, leaf->params);
	appendStringInfoChar(out, '}');
}

/*
 * Appends a component.
 */
static void
WriteCluster(StringInfo out, const PosteriorCluster *cluster)
{
	appendStringInfoChar(out, '{');
	WriteKey(out, "label", true);
	if (cluster->label != NULL)
		escape_json(out, cluster->label);
	else
		appendStringInfoString(out, "null");
	appendStringInfo(out, ", \"size\": " INT64_FORMAT ", \"count\": ", cluster->size);
	WriteDouble(out, cluster->count);
	appendStringInfo(out, ", \"live\": %s}", cluster->live ? "true" : "false");
}

/*
 * Appends the quantiles for rows that lack columns.
 */
static void
WritePatterns(StringInfo out, const Posterior *posterior)
{
	WriteKey(out, "density_patterns", false);
	appendStringInfoChar(out, '[');
	for (int p = 0; p < posterior->npatterns; p++)
	{
		const DensityPattern *pattern = &posterior->patterns[p];

		appendStringInfoString(out, p > 0 ? ", {\"missing\": [" : "{\"missing\": [");
		for (int i = 0; i < pattern->nmissing; i++)
			appendStringInfo(out, i > 0 ? ", %d" : "%d", pattern->missing[i] + 1);
		appendStringInfoString(out, "], \"quantiles\": ");
		WriteVector(out, pattern->quantiles, DENSITY_QUANTILES);
		appendStringInfoChar(out, '}');
	}
	appendStringInfoChar(out, ']');
}

/*
 * Returns the text form of a posterior.
 */
char *
PosteriorToJson(const Posterior *posterior)
{
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfo(&out, "{\"version\": %d, \"network_type\": \"%s\", %s\"rows\": " INT64_FORMAT ", \"elbo\": ",
					 POSTERIOR_VERSION, posterior->type == NETWORK_CLUSTERING ? "clustering" : "general",
					 posterior->marginalize ? "\"missing\": \"marginalize\", " : "", posterior->rows);
	WriteDouble(&out, posterior->elbo);
	appendStringInfoString(&out, ", \"density_quantiles\": ");
	if (posterior->quantiles)
		WriteVector(&out, posterior->quantiles, DENSITY_QUANTILES);
	else
		appendStringInfoString(&out, "null");
	WritePatterns(&out, posterior);
	appendStringInfoString(&out, ", \"nodes\": [");
	for (int i = 0; i < posterior->nnodes; i++)
	{
		if (i > 0)
			appendStringInfoString(&out, ", ");
		WriteNode(&out, &posterior->nodes[i]);
	}
	appendStringInfoString(&out, "], \"selector\": ");
	if (posterior->selector != NULL)
	{
		appendStringInfoChar(&out, '{');
		WriteString(&out, "name", posterior->selector, true);
		WriteParams(&out, posterior, SelectorDistribution, posterior->components, &posterior->weights);
		appendStringInfoChar(&out, '}');
	}
	else
		appendStringInfoString(&out, "null");
	appendStringInfoString(&out, ", \"clusters\": [");
	for (int k = 0; k < posterior->components; k++)
	{
		if (k > 0)
			appendStringInfoString(&out, ", ");
		WriteCluster(&out, &posterior->clusters[k]);
	}
	appendStringInfoString(&out, "], \"leaves\": [");
	for (int i = 0; i < posterior->nleaves; i++)
	{
		if (i > 0)
			appendStringInfoString(&out, ", ");
		WriteLeaf(&out, posterior, &posterior->leaves[i]);
	}
	appendStringInfoString(&out, "]}");
	return out.data;
}

/*
 * Returns the value as text.
 */
Datum
bnai_posterior_out(PG_FUNCTION_ARGS)
{
	PG_RETURN_CSTRING(PosteriorToJson(DatumGetPosterior(PG_GETARG_DATUM(0))));
}

/*
 * Reads a value from text.
 */
Datum
bnai_posterior_in(PG_FUNCTION_ARGS)
{
	PG_RETURN_DATUM(PosteriorGetDatum(PosteriorFromJson(PG_GETARG_CSTRING(0))));
}
