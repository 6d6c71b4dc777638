/*
 * clustering.c
 *		Creates the nodes of a Gaussian mixture in one call.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/builtins.h"

#include "catalog/define.h"
#include "catalog/observed.h"
#include "catalog/params.h"

PG_FUNCTION_INFO_V1(bnai_create_clustering);

/* A node to make; in params %K is the number of components, for others see AppendSize */
typedef struct Template
{
	const char *name;
	const char *distribution;
	const char *params;
} Template;

#define MAX_TEMPLATES 4

typedef enum Covariance
{
	COVARIANCE_FULL,
	COVARIANCE_DIAGONAL,
	COVARIANCE_SPHERICAL,
	COVARIANCE_TIED,
	COVARIANCE_COUNT
} Covariance;

/* A structure of covariances, and the parameters of the Mixture that has it */
typedef struct Structure
{
	const char *name;
	const char *mixture;
	const char *robust;			/* the same with heavier tails; NULL: there is none */
} Structure;

static const Structure Structures[COVARIANCE_COUNT] = {
	[COVARIANCE_FULL] = {"full", "Z, Gaussian, mu, Lambda", "Z, StudentT, mu, Lambda, nu"},
	[COVARIANCE_DIAGONAL] = {"diagonal", "Z, GaussianDiagonal, mu, tau"},
	[COVARIANCE_SPHERICAL] = {"spherical", "Z, GaussianSpherical, mu, tau"},
	[COVARIANCE_TIED] = {"tied", "Z, Gaussian, mu, Lambda", "Z, StudentT, mu, Lambda, nu"},
};

typedef struct Priors
{
	const char *name;
	double		resolution;		/* see bnai_set; without a floor a shared scale can shrink to nothing */
	const char *weights;
	Template	nodes[COVARIANCE_COUNT][MAX_TEMPLATES];
} Priors;

/*
 * "data" follows the data's scale, and its shared scale W (w) lets the data say
 * how large a typical cluster is.  With one column all structures are the same.
 * "vague" says next to nothing.
 */
static const Priors PriorSets[] = {
	{"data", 1e-4, "full(%K, 0.5)", {
		[COVARIANCE_FULL] = {
			{"mu", "Gaussian", "data_mean, 0.1 * data_precision, plates=%K"},
			{"W", "Wishart", "%D, %R * data_precision"},
			{"Lambda", "Wishart", "%E, W, plates=%K"},
		},
		[COVARIANCE_DIAGONAL] = {
			{"mu", "GaussianDiagonal", "data_mean, 0.1 * data_precision, plates=%K"},
			{"w", "GammaVector", "0.5, 0.5 * data_precision"},
			{"tau", "GammaVector", "1, w, plates=%K"},
		},
		[COVARIANCE_SPHERICAL] = {
			{"mu", "GaussianDiagonal", "data_mean, 0.1 * data_precision, plates=%K"},
			{"w", "Gamma", "0.5, 0.5 * data_precision"},
			{"tau", "Gamma", "1, w, plates=%K"},
		},
		[COVARIANCE_TIED] = {
			{"mu", "Gaussian", "data_mean, 0.1 * data_precision, plates=%K"},
			{"W", "Wishart", "%D, %R * data_precision"},
			{"Lambda", "Wishart", "%E, W"},
		},
	}},
	{"vague", 0.0, "full(%K, 1e-5)", {
		[COVARIANCE_FULL] = {
			{"mu", "Gaussian", "zeros(%D), 1e-5 * eye(%D), plates=%K"},
			{"Lambda", "Wishart", "%D, 1e-5 * eye(%D), plates=%K"},
		},
		[COVARIANCE_DIAGONAL] = {
			{"mu", "GaussianDiagonal", "zeros(%D), full(%D, 1e-5), plates=%K"},
			{"tau", "GammaVector", "0.5, full(%D, 5e-6), plates=%K"},
		},
		[COVARIANCE_SPHERICAL] = {
			{"mu", "GaussianDiagonal", "zeros(%D), full(%D, 1e-5), plates=%K"},
			{"tau", "Gamma", "0.5, 5e-6, plates=%K"},
		},
		[COVARIANCE_TIED] = {
			{"mu", "Gaussian", "zeros(%D), 1e-5 * eye(%D), plates=%K"},
			{"Lambda", "Wishart", "%D, 1e-5 * eye(%D)"},
		},
	}},
};

/* Number of the argument of bnai_create_clustering that chooses another resolution than that of the priors */
#define RESOLUTION_ARGUMENT 15

/* Number of the argument that says which structure covariances have */
#define COVARIANCE_ARGUMENT 6

/* Number of the argument that asks for tails which outliers fit into */
#define ROBUST_ARGUMENT 7

/* Degrees of freedom of a component: about 10 before it has rows */
#define DEGREES_PRIOR "0.1, 0, plates=%K"

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

/* Returns the covariance structure of that name. */
static Covariance
FindCovariance(const char *name)
{
	for (int i = 0; i < COVARIANCE_COUNT; i++)
		if (strcmp(Structures[i].name, name) == 0)
			return i;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid covariance: \"%s\"", name),
			 errhint("Covariances are: full, diagonal, spherical, tied.")));
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

/* bnai_create_clustering(network, source, columns, results_column, max_clusters, priors, covariance, robust, restarts, seed, settings…) */
Datum
bnai_create_clustering(PG_FUNCTION_ARGS)
{
	static const char *const first_settings[] = {"results_column", NULL};
	static const char *const other_settings[] = {
		"restarts", "seed", "max_iterations", "tolerance", "moves", "start", "restart_sample", "resolution", "missing",
		"counter_threshold", "threshold_action", "prune", "history", "weight_column", "refit", NULL
	};
	char	   *network = TextArgument(fcinfo, 0, "network");
	const Priors *priors = FindPriors(TextArgument(fcinfo, 5, "priors"));
	Covariance	covariance = FindCovariance(TextArgument(fcinfo, COVARIANCE_ARGUMENT, "covariance"));
	bool		robust = !PG_ARGISNULL(ROBUST_ARGUMENT) && PG_GETARG_BOOL(ROBUST_ARGUMENT);
	SettingValue values[MAX_SETTINGS];
	char	  **columns;
	int			ncolumns = NamesArgument(fcinfo, 2, "columns", &columns);
	int			components = PG_ARGISNULL(4) ? 0 : PG_GETARG_INT32(4);
	int			dim;			/* numbers that the columns are */
	int			n;

	if (PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" must not be NULL", "source")));
	if (components < 1 || components > MAX_VECTOR_DIM)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" must be from 1 to %d", "max_clusters", MAX_VECTOR_DIM)));
	if (robust && Structures[covariance].robust == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("a robust clustering cannot have %s covariances", Structures[covariance].name),
				 errhint("Covariances of a robust clustering are: full, tied.")));
	n = SettingArguments(fcinfo, 3, first_settings, values);
	n += SettingArguments(fcinfo, 8, other_settings, values + n);
	if (PG_ARGISNULL(RESOLUTION_ARGUMENT))
		values[n++] = (SettingValue) {FindSetting("resolution"), Float8GetDatum(priors->resolution)};
	dim = ResolveColumns(PG_GETARG_OID(1), ncolumns, columns);
	CreateNetwork(network, "clustering", n, values);
	AddNode(network, "alpha", "Dirichlet", FillTemplate(priors->weights, components, dim), InvalidOid, 0, NULL);
	AddNode(network, "Z", "Categorical", "alpha", InvalidOid, 0, NULL);
	for (const Template *node = priors->nodes[covariance]; node->name != NULL; node++)
		AddNode(network, node->name, node->distribution, FillTemplate(node->params, components, dim), InvalidOid, 0,
				NULL);
	if (robust)
		AddNode(network, "nu", "DegreesOfFreedom", FillTemplate(DEGREES_PRIOR, components, dim), InvalidOid, 0, NULL);
	AddNode(network, "Y", "Mixture", robust ? Structures[covariance].robust : Structures[covariance].mixture, PG_GETARG_OID(1), ncolumns, columns);
	PG_RETURN_VOID();
}
