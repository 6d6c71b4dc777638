/*
 * clustering.c
 *		Creates the nodes of a Gaussian mixture in one call.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/builtins.h"

#include "catalog/define.h"
#include "catalog/params.h"

PG_FUNCTION_INFO_V1(bnai_create_clustering);

/* A node to make; in params %K is the number of components and %D that of columns */
typedef struct Template
{
	const char *name;
	const char *distribution;
	const char *params;
	bool		observed;
} Template;

#define MAX_TEMPLATES 6

typedef struct Priors
{
	const char *name;
	double		resolution;		/* see bnai_set; without a floor a shared scale can shrink to nothing */
	Template	nodes[MAX_TEMPLATES];
} Priors;

/*
 * "data" follows the data's scale, and its shared scale W lets the data say
 * how large a typical cluster is.  "vague" says next to nothing.
 */
static const Priors PriorSets[] = {
	{"data", 1e-4, {
		{"alpha", "Dirichlet", "full(%K, 0.5)"},
		{"Z", "Categorical", "alpha"},
		{"mu", "Gaussian", "data_mean, 0.1 * data_precision, plates=%K"},
		{"W", "Wishart", "%D, %R * data_precision"},
		{"Lambda", "Wishart", "%E, W, plates=%K"},
		{"Y", "Mixture", "Z, Gaussian, mu, Lambda", true},
	}},
	{"vague", 0.0, {
		{"alpha", "Dirichlet", "full(%K, 1e-5)"},
		{"Z", "Categorical", "alpha"},
		{"mu", "Gaussian", "zeros(%D), 1e-5 * eye(%D), plates=%K"},
		{"Lambda", "Wishart", "%D, 1e-5 * eye(%D), plates=%K"},
		{"Y", "Mixture", "Z, Gaussian, mu, Lambda", true},
	}},
};

/* Number of the argument of bnai_create_clustering that chooses another resolution than that of the priors */
#define RESOLUTION_ARGUMENT 13

/* Returns the priors of that name. */
static const Priors *
FindPriors(const char *name)
{
	for (int i = 0; i < lengthof(PriorSets); i++)
		if (strcmp(PriorSets[i].name, name) == 0)
			return &PriorSets[i];
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid priors: \"%s\"", name),
			 errhint("Priors are: data, vague.")));
}

/*
 * Appends one size: of K components, D columns, E degrees of freedom of a
 * component's precision (one more than columns), or R, the ratio D/E that
 * makes a component expect the scale of the data.
 */
static void
AppendSize(StringInfo text, char size, int components, int columns)
{
	switch (size)
	{
		case 'K':
			appendStringInfo(text, "%d", components);
			break;
		case 'D':
			appendStringInfo(text, "%d", columns);
			break;
		case 'E':
			appendStringInfo(text, "%d", columns + 1);
			break;
		case 'R':
			appendStringInfo(text, "%.10g", columns / (columns + 1.0));
			break;
		default:
			elog(ERROR, "unknown size \"%c\" in a template", size);
	}
}

/* Puts the sizes into the parameters of a node. */
static char *
FillTemplate(const char *params, int components, int columns)
{
	StringInfoData text;

	initStringInfo(&text);
	for (; *params != '\0'; params++)
	{
		if (*params != '%')
			appendStringInfoChar(&text, *params);
		else
			AppendSize(&text, *++params, components, columns);
	}
	return text.data;
}

/* bnai_create_clustering(network, source, columns, results_column, max_clusters, restarts, priors, seed, settings…) */
Datum
bnai_create_clustering(PG_FUNCTION_ARGS)
{
	static const char *const first_settings[] = {"results_column", NULL};
	static const char *const other_settings[] = {
		"restarts", "seed", "max_iterations", "tolerance", "moves", "start", "restart_sample", "resolution",
		"counter_threshold", "threshold_action", "prune", "history", "weight_column", NULL
	};
	char	   *network = TextArgument(fcinfo, 0, "network");
	const Priors *priors = FindPriors(TextArgument(fcinfo, 5, "priors"));
	SettingValue values[MAX_SETTINGS];
	char	  **columns;
	int			ncolumns = NamesArgument(fcinfo, 2, "columns", &columns);
	int			components = PG_ARGISNULL(4) ? 0 : PG_GETARG_INT32(4);
	int			n;

	if (PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must not be NULL", "source")));
	if (components < 1 || components > MAX_VECTOR_DIM)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be from 1 to %d", "max_clusters", MAX_VECTOR_DIM)));
	n = SettingArguments(fcinfo, 3, first_settings, values);
	n += SettingArguments(fcinfo, 6, other_settings, values + n);
	if (PG_ARGISNULL(RESOLUTION_ARGUMENT))
		values[n++] = (SettingValue) {FindSetting("resolution"), Float8GetDatum(priors->resolution)};
	CreateNetwork(network, "clustering", n, values);
	for (const Template *node = priors->nodes; node < priors->nodes + MAX_TEMPLATES && node->name != NULL; node++)
		AddNode(network, node->name, node->distribution, FillTemplate(node->params, components, ncolumns),
				node->observed ? PG_GETARG_OID(1) : InvalidOid,
				node->observed ? ncolumns : 0, node->observed ? columns : NULL);
	PG_RETURN_VOID();
}
