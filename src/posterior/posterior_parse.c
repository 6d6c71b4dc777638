/*
 * posterior_parse.c
 *		Reads the text form of a posterior, described in posterior_json.c.
 *
 * jsonb does the lexing.  Keys that are not known are refused rather than
 * lost; whether the numbers make sense is CheckPosterior's business.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/numeric.h"

#include "posterior/posterior.h"
#include "posterior/typicality.h"

#define Malformed(...) \
	ereport(ERROR, (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION), \
					errmsg("invalid input syntax for type %s", "bnai_posterior"), errdetail(__VA_ARGS__)))

/* How many keys of a posterior are older than its quantiles */
#define KEYS_WITHOUT_QUANTILES 8

/* An object or list, and what it is, for messages */
typedef struct Part
{
	JsonbContainer *container;
	const char *what;
} Part;

/*
 * Returns the value of a key that must be there.
 */
static JsonbValue *
Find(Part object, const char *key)
{
	JsonbValue *value = getKeyJsonValueFromContainer(object.container, key, strlen(key), NULL);

	if (value == NULL)
		Malformed("Key \"%s\" of %s is missing.", key, object.what);
	return value;
}

/*
 * Returns the container of a value that must be an object.
 */
static Part
AsObject(JsonbValue *value, const char *what)
{
	if (value->type != jbvBinary || !JsonContainerIsObject(value->val.binary.data))
		Malformed("\"%s\" must hold objects.", what);
	return (Part) {value->val.binary.data, what};
}

/*
 * Returns the container of a value that must be a list.
 */
static Part
AsList(JsonbValue *value, const char *what)
{
	if (value->type != jbvBinary || !JsonContainerIsArray(value->val.binary.data) ||
		JsonContainerIsScalar(value->val.binary.data))
		Malformed("\"%s\" must be a list.", what);
	return (Part) {value->val.binary.data, what};
}

/*
 * Returns a double.
 */
static double
AsDouble(JsonbValue *value, const char *what)
{
	if (value->type != jbvNumeric)
		Malformed("\"%s\" must hold numbers.", what);
	return DatumGetFloat8(DirectFunctionCall1(numeric_float8, NumericGetDatum(value->val.numeric)));
}

/*
 * Returns a string.
 */
static char *
AsString(JsonbValue *value, const char *what)
{
	if (value->type != jbvString)
		Malformed("\"%s\" must be a string.", what);
	return pnstrdup(value->val.string.val, value->val.string.len);
}

/*
 * Returns the string, the integer, the flag under a key.
 */
static char *
FindString(Part object, const char *key)
{
	return AsString(Find(object, key), key);
}

static int64
AsInteger(JsonbValue *value, const char *key, int64 limit)
{
	Datum		number;

	if (value->type != jbvNumeric)
		Malformed("\"%s\" must be a number.", key);
	number = NumericGetDatum(value->val.numeric);
	if (!DatumGetBool(DirectFunctionCall2(numeric_eq, number, DirectFunctionCall2(numeric_trunc, number, Int32GetDatum(0)))))
		Malformed("\"%s\" must be an integer.", key);
	if (DatumGetBool(DirectFunctionCall2(numeric_lt, number, NumericGetDatum(int64_to_numeric(0)))) ||
		DatumGetBool(DirectFunctionCall2(numeric_gt, number, NumericGetDatum(int64_to_numeric(limit)))))
		Malformed("\"%s\" is outside 0 to " INT64_FORMAT ".", key, limit);
	return DatumGetInt64(DirectFunctionCall1(numeric_int8, number));
}

static int64
FindInteger(Part object, const char *key, int64 limit)
{
	return AsInteger(Find(object, key), key, limit);
}

static bool
FindFlag(Part object, const char *key)
{
	JsonbValue *value = Find(object, key);

	if (value->type != jbvBool)
		Malformed("\"%s\" must be true or false.", key);
	return value->val.boolean;
}

/*
 * Raises an error if an object has a key beyond those that were read.
 */
static void
CheckKeys(Part object, const char *const *keys, int nkeys)
{
	JsonbIterator *iterator = JsonbIteratorInit(object.container);
	JsonbIteratorToken token;
	JsonbValue	value;

	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		bool		known = false;

		if (token != WJB_KEY)
			continue;
		for (int i = 0; i < nkeys && !known; i++)
			known = strlen(keys[i]) == value.val.string.len &&
				memcmp(keys[i], value.val.string.val, value.val.string.len) == 0;
		if (!known)
			Malformed("Key \"%s\" of %s is not known.", pnstrdup(value.val.string.val, value.val.string.len), object.what);
	}
}

#define CheckOnlyKeys(object, ...) \
	do { \
		const char *const known_keys[] = {__VA_ARGS__}; \
		CheckKeys(object, known_keys, lengthof(known_keys)); \
	} while (0)

/*
 * Raises an error unless a list has this length.
 */
static void
CheckLength(Part list, int length)
{
	if (JsonContainerSize(list.container) != length)
		Malformed("\"%s\" has a list of %u elements instead of %d.", list.what, JsonContainerSize(list.container), length);
}

/*
 * Reads a value of any shape.
 */
static void
ReadValue(JsonbValue *value, const char *what, ValueShape shape, int dim, double *out)
{
	Part		list;

	if (shape == SHAPE_SCALAR)
	{
		*out = AsDouble(value, what);
		return;
	}
	list = AsList(value, what);
	CheckLength(list, dim);
	for (int i = 0; i < dim; i++)
	{
		JsonbValue *element = getIthJsonbValueFromContainer(list.container, i);

		if (shape == SHAPE_VECTOR)
			out[i] = AsDouble(element, what);
		else
			ReadValue(element, what, SHAPE_VECTOR, dim, out + i * dim);
		pfree(element);
	}
}

/*
 * Reads the numbers of a parameter of a node, which may be one for all.
 */
static void
ReadNumbers(JsonbValue *value, const ParamSpec *spec, int dim, double *out)
{
	if (!spec->spreads || value == NULL || value->type != jbvNumeric)
	{
		ReadValue(value, spec->name, spec->shape, dim, out);
		return;
	}
	for (int i = 0; i < dim; i++)
		out[i] = AsDouble(value, spec->name);
}

/*
 * Reads the name of a distribution.
 */
static const Distribution *
ReadDistribution(Part object)
{
	char	   *name = FindString(object, "distribution");
	const Distribution *distribution = FindDistribution(name);

	if (distribution == NULL)
		Malformed("There is no distribution \"%s\".", name);
	return distribution;
}

/*
 * Raises an error if "parameters" has others than the distribution's.
 */
static void
CheckParameterKeys(Part parameters, const Distribution *distribution)
{
	const char *keys[MAX_PARAMS];

	for (int i = 0; i < distribution->nparams; i++)
		keys[i] = distribution->params[i].name;
	CheckKeys(parameters, keys, distribution->nparams);
}

/*
 * Reads a global node.
 */
static void
ReadNode(Part object, PosteriorNode *node)
{
	const Distribution *distribution = ReadDistribution(object);
	Part		parameters = AsObject(Find(object, "parameters"), "parameters");
	int			size;
	int			offset = 0;

	CheckOnlyKeys(object, "name", "distribution", "plates", "dim", "parameters");
	CheckParameterKeys(parameters, distribution);
	node->name = FindString(object, "name");
	node->distribution = distribution;
	node->plates = FindInteger(object, "plates", PG_INT32_MAX);
	node->dim = FindInteger(object, "dim", PG_INT32_MAX);
	node->params = palloc(sizeof(double) * CheckedParamsSize(node->name, distribution, node->plates, node->dim));
	size = ParamsSize(distribution, node->dim);
	for (int i = 0; i < distribution->nparams; i++)
	{
		const ParamSpec *spec = &distribution->params[i];
		JsonbValue *value = Find(parameters, spec->name);

		if (node->plates == 1)
			ReadNumbers(value, spec, node->dim, node->params + offset);
		else
		{
			Part		list = AsList(value, spec->name);

			CheckLength(list, node->plates);
			for (int k = 0; k < node->plates; k++)
			{
				CHECK_FOR_INTERRUPTS();
				ReadNumbers(getIthJsonbValueFromContainer(list.container, k), spec, node->dim,
							node->params + (Size) k * size + offset);
			}
		}
		offset += ShapeSize(spec->shape, node->dim);
	}
}

/*
 * Reads the parameters of a leaf or the selector: names of nodes, or numbers.
 */
static void
ReadParams(const Posterior *posterior, Part object, const char *owner, const Distribution *distribution, int dim,
		   PosteriorParam *params)
{
	Part		parameters = AsObject(Find(object, "parameters"), "parameters");

	CheckParameterKeys(parameters, distribution);
	for (int i = 0; i < distribution->nparams; i++)
	{
		const ParamSpec *spec = &distribution->params[i];
		JsonbValue *value = Find(parameters, spec->name);

		params[i].shape = spec->shape;
		params[i].node = -1;
		if (value->type == jbvString)
		{
			char	   *name = AsString(value, spec->name);

			params[i].node = PosteriorNodeIndex(posterior, name);
			if (params[i].node < 0)
				Malformed("Parameter %s of \"%s\" refers to node \"%s\", which does not exist.", spec->name, owner, name);
		}
		else
		{
			params[i].values = palloc(sizeof(double) * CheckedConstantSize(owner, spec, dim));
			ReadValue(value, spec->name, spec->shape, dim, params[i].values);
		}
	}
}

/*
 * Reads a leaf.
 */
static void
ReadLeaf(const Posterior *posterior, Part object, PosteriorLeaf *leaf)
{
	const Distribution *distribution = ReadDistribution(object);
	Part		columns = AsList(Find(object, "columns"), "columns");

	CheckOnlyKeys(object, "name", "distribution", "mixture", "dim", "columns", "parameters");
	leaf->name = FindString(object, "name");
	leaf->distribution = distribution;
	leaf->mixture = FindFlag(object, "mixture");
	leaf->dim = FindInteger(object, "dim", POSTERIOR_MAX_DIM);
	CheckLength(columns, PosteriorLeafColumns(leaf));
	leaf->columns = palloc(sizeof(char *) * PosteriorLeafColumns(leaf));
	for (int i = 0; i < PosteriorLeafColumns(leaf); i++)
		leaf->columns[i] = AsString(getIthJsonbValueFromContainer(columns.container, i), "columns");
	ReadParams(posterior, object, leaf->name, distribution, leaf->dim, leaf->params);
}

/*
 * Reads a component.
 */
static void
ReadCluster(Part object, PosteriorCluster *cluster)
{
	JsonbValue *label = Find(object, "label");

	CheckOnlyKeys(object, "label", "size", "count", "live");
	cluster->label = label->type == jbvNull ? NULL : AsString(label, "label");
	cluster->size = FindInteger(object, "size", PG_INT64_MAX);
	cluster->count = AsDouble(Find(object, "count"), "count");
	cluster->live = FindFlag(object, "live");
}

/*
 * Reads the selector, which is null where there is none, and the components.
 */
static void
ReadComponents(Part object, Posterior *posterior)
{
	JsonbValue *selector = Find(object, "selector");
	Part		clusters = AsList(Find(object, "clusters"), "clusters");

	posterior->components = JsonContainerSize(clusters.container);
	CheckComponents(posterior->components);
	if (selector->type != jbvNull)
	{
		Part		part = AsObject(selector, "selector");

		CheckOnlyKeys(part, "name", "parameters");
		posterior->selector = FindString(part, "name");
		ReadParams(posterior, part, posterior->selector, SelectorDistribution, posterior->components,
				   &posterior->weights);
	}
	posterior->clusters = palloc0(sizeof(PosteriorCluster) * posterior->components);
	for (int k = 0; k < posterior->components; k++)
		ReadCluster(AsObject(getIthJsonbValueFromContainer(clusters.container, k), "clusters"), &posterior->clusters[k]);
}

/*
 * Reads the type of the network.
 */
static NetworkType
ReadNetworkType(Part object)
{
	char	   *name = FindString(object, "network_type");

	if (strcmp(name, "clustering") == 0)
		return NETWORK_CLUSTERING;
	if (strcmp(name, "general") != 0)
		Malformed("\"network_type\" is \"%s\" instead of \"general\" or \"clustering\".", name);
	return NETWORK_GENERAL;
}

/*
 * Returns whether rows that lack columns took part; without a word, no.
 */
static bool
ReadMarginalize(Part object)
{
	JsonbValue *value = getKeyJsonValueFromContainer(object.container, "missing", strlen("missing"), NULL);
	char	   *missing = value == NULL ? "skip" : AsString(value, "missing");

	if (strcmp(missing, "marginalize") != 0 && strcmp(missing, "skip") != 0)
		Malformed("\"missing\" is \"%s\" instead of \"marginalize\" or \"skip\".", missing);
	return strcmp(missing, "marginalize") == 0;
}

/*
 * Reads the quantiles of the log density, NULL if they are null.
 */
static double *
ReadQuantiles(Part object)
{
	JsonbValue *value = Find(object, "density_quantiles");
	double	   *quantiles;

	if (value->type == jbvNull)
		return NULL;
	quantiles = palloc(sizeof(double) * DENSITY_QUANTILES);
	ReadValue(value, "density_quantiles", SHAPE_VECTOR, DENSITY_QUANTILES, quantiles);
	return quantiles;
}

/*
 * Reads the quantiles for rows that lack columns.
 */
static void
ReadPatterns(Part object, Posterior *posterior)
{
	Part		list = AsList(Find(object, "density_patterns"), "density_patterns");

	posterior->npatterns = JsonContainerSize(list.container);
	if (posterior->npatterns > MAX_DENSITY_PATTERNS)
		Malformed("\"density_patterns\" has %d elements, more than %d.", posterior->npatterns, MAX_DENSITY_PATTERNS);
	posterior->patterns = palloc(sizeof(DensityPattern) * posterior->npatterns);
	for (int p = 0; p < posterior->npatterns; p++)
	{
		Part		part = AsObject(getIthJsonbValueFromContainer(list.container, p), "density_patterns");
		Part		missing = AsList(Find(part, "missing"), "missing");
		DensityPattern *pattern = &posterior->patterns[p];

		CheckOnlyKeys(part, "missing", "quantiles");
		pattern->nmissing = JsonContainerSize(missing.container);
		pattern->missing = palloc(sizeof(int) * pattern->nmissing);
		for (int i = 0; i < pattern->nmissing; i++)
			pattern->missing[i] = AsInteger(getIthJsonbValueFromContainer(missing.container, i), "missing", PG_INT32_MAX) - 1;
		pattern->quantiles = palloc(sizeof(double) * DENSITY_QUANTILES);
		ReadValue(Find(part, "quantiles"), "quantiles", SHAPE_VECTOR, DENSITY_QUANTILES, pattern->quantiles);
	}
}

/*
 * Returns the version of the form; raises an error unless it can be read.
 */
static int
CheckVersion(Part object)
{
	int64		version = FindInteger(object, "version", PG_INT32_MAX);

	if (version < POSTERIOR_VERSION_WITHOUT_QUANTILES || version > POSTERIOR_VERSION)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("version %d of a posterior is not supported", (int) version),
						errhint("This version of bnai reads versions 1 to %d.", POSTERIOR_VERSION)));
	return version;
}

/*
 * Reads a posterior from JSON and checks it in full.
 */
Posterior *
PosteriorFromJson(const char *json)
{
	/* in the order in which versions brought them */
	static const char *const keys[] = {"version", "network_type", "rows", "elbo", "nodes", "selector", "clusters", "leaves",
	"missing", "density_quantiles", "density_patterns"};
	Jsonb	   *jsonb = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(json)));
	Part		object = {&jsonb->root, "the posterior"};
	Posterior  *posterior = palloc0(sizeof(Posterior));
	Part		nodes;
	Part		leaves;
	int			version;

	if (!JsonContainerIsObject(object.container))
		Malformed("The posterior must be a JSON object.");
	version = CheckVersion(object);
	CheckKeys(object, keys, version == POSTERIOR_VERSION_WITHOUT_QUANTILES ? KEYS_WITHOUT_QUANTILES
			  : version == POSTERIOR_VERSION_WITHOUT_PATTERNS ? lengthof(keys) - 1 : lengthof(keys));
	if (version > POSTERIOR_VERSION_WITHOUT_QUANTILES)
	{
		posterior->marginalize = ReadMarginalize(object);
		posterior->quantiles = ReadQuantiles(object);
	}
	if (version > POSTERIOR_VERSION_WITHOUT_PATTERNS)
		ReadPatterns(object, posterior);
	posterior->type = ReadNetworkType(object);
	posterior->rows = FindInteger(object, "rows", PG_INT64_MAX);
	posterior->elbo = AsDouble(Find(object, "elbo"), "elbo");

	nodes = AsList(Find(object, "nodes"), "nodes");
	posterior->nnodes = JsonContainerSize(nodes.container);
	posterior->nodes = palloc0(sizeof(PosteriorNode) * posterior->nnodes);
	for (int i = 0; i < posterior->nnodes; i++)
		ReadNode(AsObject(getIthJsonbValueFromContainer(nodes.container, i), "nodes"), &posterior->nodes[i]);

	ReadComponents(object, posterior);

	leaves = AsList(Find(object, "leaves"), "leaves");
	posterior->nleaves = JsonContainerSize(leaves.container);
	posterior->leaves = palloc0(sizeof(PosteriorLeaf) * posterior->nleaves);
	for (int i = 0; i < posterior->nleaves; i++)
		ReadLeaf(posterior, AsObject(getIthJsonbValueFromContainer(leaves.container, i), "leaves"),
				 &posterior->leaves[i]);

	CheckPosterior(posterior, true);
	return posterior;
}
