/*
 * clustering.c
 *		Creates the nodes of a Gaussian mixture in one call.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/builtins.h"

#include "catalog/excerpt.h"
#include "catalog/build.h"
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
	const char *robust;			/* the same with heavier tails */
} Structure;

static const Structure Structures[COVARIANCE_COUNT] = {
	[COVARIANCE_FULL] = {"full", "Z, Gaussian, mu, Lambda", "Z, StudentT, mu, Lambda, nu"},
	[COVARIANCE_DIAGONAL] = {"diagonal", "Z, GaussianDiagonal, mu, tau", "Z, StudentTDiagonal, mu, tau, nu"},
	[COVARIANCE_SPHERICAL] = {"spherical", "Z, GaussianSpherical, mu, tau", "Z, StudentTSpherical, mu, tau, nu"},
	[COVARIANCE_TIED] = {"tied", "Z, Gaussian, mu, Lambda", "Z, StudentT, mu, Lambda, nu"},
};

typedef struct Priors
{
	const char *name;
	double		resolution;		/* see bnai_set; without a floor a shared scale can shrink to nothing */
	const char *weights;
	const char *robust_weights;
	Template	nodes[COVARIANCE_COUNT][MAX_TEMPLATES];
} Priors;

/*
 * "data" follows the data's scale, and its shared scale W (w) lets the data say
 * how large a typical cluster is.  With one column all structures are the same.
 * "vague" says next to nothing.  Robust ones charge more for a component: rows
 * spread over a wide area are easily taken for several wide groups by chance.
 */
static const Priors PriorSets[] = {
	{"data", DEFAULT_RESOLUTION, "full(%K, 0.5)", "full(%K, 0.001)", {
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
	{"vague", 0.0, "full(%K, 1e-5)", "full(%K, 1e-5)", {
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

const char *const PriorChoices[] = {"data", "vague", NULL};

/* Number of the argument of bnai_create_clustering that chooses another resolution than that of the priors */
#define RESOLUTION_ARGUMENT 15

/* Number of the argument that says which structure covariances have */
#define COVARIANCE_ARGUMENT 6

/* Number of the argument that asks for tails which outliers fit into */
#define ROBUST_ARGUMENT 7

/*
 * Degrees of freedom of a component: 4 before it has rows, as they are often
 * fixed (Lange, Little & Taylor 1989).  With a prior that expects many more a
 * group is Gaussian until outliers come, and then rows change sides.
 */
#define DEGREES_PRIOR "0.5, 0, plates=%K"

/* Returns the priors of that name. */
static const Priors *
FindPriors(const char *name)
{
	for (int i = 0; i < lengthof(PriorSets); i++)
		if (strcmp(PriorSets[i].name, name) == 0)
			return &PriorSets[i];
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid priors: \"%s\"", Excerpt(name)),
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
			 errmsg("invalid covariance: \"%s\"", Excerpt(name)),
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
		"counter_threshold", "threshold_action", "prune", "history", "weight_column", "refit", "refit_margin", NULL
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
	n = SettingArguments(fcinfo, 3, first_settings, values);
	n += SettingArguments(fcinfo, 8, other_settings, values + n);
	if (PG_ARGISNULL(RESOLUTION_ARGUMENT))
		values[n++] = (SettingValue) {FindSetting("resolution"), Float8GetDatum(priors->resolution)};
	dim = ResolveColumns(PG_GETARG_OID(1), ncolumns, columns);
	CreateNetwork(network, "clustering", n, values);
	AddNode(network, "alpha", "Dirichlet",
			FillTemplate(robust ? priors->robust_weights : priors->weights, components, dim), InvalidOid, 0, NULL);
	AddNode(network, "Z", "Categorical", "alpha", InvalidOid, 0, NULL);
	for (const Template *node = priors->nodes[covariance]; node->name != NULL; node++)
		AddNode(network, node->name, node->distribution, FillTemplate(node->params, components, dim), InvalidOid, 0,
				NULL);
	if (robust)
		AddNode(network, "nu", "DegreesOfFreedom", FillTemplate(DEGREES_PRIOR, components, dim), InvalidOid, 0, NULL);
	AddNode(network, "Y", "Mixture", robust ? Structures[covariance].robust : Structures[covariance].mixture,
			PG_GETARG_OID(1), ncolumns, columns);
	PG_RETURN_VOID();
}

/* --- back to the priors that a clustering was created with --- */

/* Returns the node that must be there in a clustering, of that distribution (NULL: any). */
static const NetworkNode *
TemplateNode(const Network *network, const char *name, const char *distribution)
{
	int			index = FindNode(network, name);

	if (index >= 0 && (distribution == NULL || strcmp(network->nodes[index].distribution_name, distribution) == 0))
		return &network->nodes[index];
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("network \"%s\" has not the nodes of a clustering, of which \"%s\" would be one", network->name, name),
			 errhint("Change its nodes one by one with bnai_change_node.")));
}

/* Finds out which structure the covariances of a clustering have, and whether it is robust. */
static Covariance
FindStructure(const Network *network, bool *robust)
{
	const char *mixture = TemplateNode(network, "Y", "Mixture")->params_text;

	for (int c = 0; c < COVARIANCE_COUNT; c++)
	{
		*robust = strcmp(mixture, Structures[c].robust) == 0;
		if (!*robust && strcmp(mixture, Structures[c].mixture) != 0)
			continue;

		/* full and tied differ by their plates only */
		if (c == COVARIANCE_FULL && TemplateNode(network, "Lambda", "Wishart")->plates == 1
			&& TemplateNode(network, "mu", NULL)->plates > 1)
			return COVARIANCE_TIED;
		return c;
	}
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("network \"%s\" has not the nodes that bnai_create_clustering makes", network->name),
			 errdetail("Its node \"Y\" has the parameters %s.", mixture),
			 errhint("Change its nodes one by one with bnai_change_node.")));
}

/* Writes the parameters of a node; adds it if it is not there. */
static void
ResetNode(const Network *network, const char *name, const char *distribution, const char *params)
{
	if (FindNode(network, name) < 0)
		AddNode(network->name, name, distribution, params, InvalidOid, 0, NULL);
	else
		StoreParams(network, TemplateNode(network, name, distribution), params);
}

/* Returns true if the priors have a node of that name. */
static bool
HasNode(const Template *nodes, const char *name)
{
	for (; nodes->name != NULL; nodes++)
		if (strcmp(nodes->name, name) == 0)
			return true;
	return false;
}

/* Removes the nodes that other priors have and these do not: shared scales. */
static void
RemoveOthers(const Network *network, Covariance covariance, const Template *nodes)
{
	for (int p = 0; p < lengthof(PriorSets); p++)
		for (const Template *other = PriorSets[p].nodes[covariance]; other->name != NULL; other++)
			if (!HasNode(nodes, other->name) && FindNode(network, other->name) >= 0)
				RemoveNode(network, &network->nodes[FindNode(network, other->name)]);
}

/* Gives a clustering the priors of that name; returns the resolution that they ask for. */
double
ResetPriors(const char *name, const char *priors_name)
{
	Network    *network = LoadNetworkToChange(name, false);
	const Priors *priors = FindPriors(priors_name);
	bool		robust;
	Covariance	covariance = FindStructure(network, &robust);
	const Template *nodes = priors->nodes[covariance];
	int			columns = TemplateNode(network, "Y", "Mixture")->ncolumns;
	int			components = TemplateNode(network, "mu", NULL)->plates;

	for (const Template *node = nodes; node->name != NULL; node++)
		ResetNode(network, node->name, node->distribution, FillTemplate(node->params, components, columns));
	ResetNode(network, "alpha", "Dirichlet",
			  FillTemplate(robust ? priors->robust_weights : priors->weights, components, columns));
	if (robust)
		ResetNode(network, "nu", "DegreesOfFreedom", FillTemplate(DEGREES_PRIOR, components, columns));
	RemoveOthers(network, covariance, nodes);
	CheckStructure(LoadNetworkToChange(name, false));
	return priors->resolution;
}
