/*
 * curve.c
 *		The posterior density of a node, to be drawn.
 */
#include "postgres.h"

#include <float.h>
#include <math.h>

#include "funcapi.h"
#include "utils/builtins.h"

#include "compat.h"
#include "posterior/current.h"
#include "posterior/describe.h"

PG_FUNCTION_INFO_V1(bnai_density);

#define POINTS 129     /* of a curve: odd, so that the middle of its mass is one */
#define DEVIATIONS 4.0 /* to either side of the mean: all but 6e-5 of a Gaussian's mass */

/* One marginal of one plate */
typedef struct Marginal
{
	bool gamma;   /* else a Gaussian */
	double shape; /* of the Gamma */
	double rate;
	double mean;
	double deviation;
} Marginal;

/* What is drawn, and where */
typedef struct Curves
{
	ReturnSetInfo *result;
	bool bounded; /* an interval was asked for */
	double lower;
	double upper;
} Curves;

/*
 * Returns the density of a marginal.
 */
static double
Density(const Marginal *marginal, double x)
{
	double z = (x - marginal->mean) / marginal->deviation;

	if (!marginal->gamma)
		return exp(-0.5 * z * z) / (marginal->deviation * sqrt(2 * M_PI));
	if (x <= 0)
		return 0;
	return exp(marginal->shape * log(marginal->rate) - lgamma(marginal->shape) + (marginal->shape - 1) * log(x)
			   - marginal->rate * x);
}

/*
 * Adds the points of one curve: over the given interval, else over its mass.
 */
static void
PutCurve(const Curves *curves, int plate, const char *label, int index, const Marginal *marginal)
{
	double lower = curves->bounded ? curves->lower : marginal->mean - DEVIATIONS * marginal->deviation;
	double upper = curves->bounded ? curves->upper : marginal->mean + DEVIATIONS * marginal->deviation;

	if (marginal->gamma && !curves->bounded && lower <= 0)
		lower = upper / (10 * POINTS); /* not 0 itself, where it may be infinite */
	for (int i = 0; i < POINTS; i++)
	{
		double x = lower + (upper - lower) * i / (POINTS - 1);
		Datum values[5] = {Int32GetDatum(plate + 1), 0, Int32GetDatum(index + 1), Float8GetDatum(x),
						   Float8GetDatum(Density(marginal, x))};
		bool nulls[5] = {false, label == NULL, false, false, false};

		if (label != NULL)
			values[1] = CStringGetTextDatum(label);
		tuplestore_putvalues(curves->result->setResult, curves->result->setDesc, values, nulls);
	}
}

/*
 * Adds the curves of one plate of a Gaussian node: one for each column.
 */
static void
PutGaussian(const Curves *curves, const PosteriorNode *node, int plate, const char *label)
{
	const Distribution *distribution = node->distribution;
	const double *mean = PosteriorNodeParams(node, plate);
	int size = ShapeSize(distribution->shape, node->dim);
	ValueShape shape = distribution->params[1].shape;
	double *covariance = palloc(sizeof(double) * ShapeSize(shape, node->dim));

	InvertPrecision(shape, node->dim, mean + size, covariance);
	for (int i = 0; i < size; i++)
	{
		int at = shape == SHAPE_MATRIX ? i * (size + 1) : shape == SHAPE_VECTOR ? i : 0;
		Marginal marginal = {.mean = mean[i], .deviation = sqrt(covariance[at])};

		PutCurve(curves, plate, label, i, &marginal);
	}
	pfree(covariance);
}

/*
 * Adds the curves of one plate of a Gamma node, or of a vector of them: one for each rate.
 */
static void
PutGamma(const Curves *curves, const PosteriorNode *node, int plate, const char *label)
{
	const double *shapes = PosteriorNodeParams(node, plate);
	int size = ShapeSize(node->distribution->shape, node->dim);
	const double *rates = shapes + size;

	for (int i = 0; i < size; i++)
	{
		Marginal marginal = {.gamma = true,
							 .shape = shapes[i],
							 .rate = rates[i],
							 .mean = shapes[i] / rates[i],
							 .deviation = sqrt(shapes[i]) / rates[i]};

		PutCurve(curves, plate, label, i, &marginal);
	}
}

/*
 * Tells whether the first two parameters of a distribution have these roles.
 */
static bool
HasRoles(const PosteriorNode *node, ParamRole first, ParamRole second)
{
	const ParamSpec *params = node->distribution->params;

	return node->distribution->nparams == 2 && params[0].role == first && params[1].role == second;
}

/*
 * Reads the interval that arguments 2 and 3 give, if any.
 */
static void
ReadInterval(FunctionCallInfo fcinfo, Curves *curves)
{
	curves->bounded = !PG_ARGISNULL(2) || !PG_ARGISNULL(3);
	if (!curves->bounded)
		return;
	if (PG_ARGISNULL(2) || PG_ARGISNULL(3))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("an interval has a lower and an upper end")));
	curves->lower = PG_GETARG_FLOAT8(2);
	curves->upper = PG_GETARG_FLOAT8(3);
	if (!(curves->lower < curves->upper) || !isfinite(curves->upper - curves->lower))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("no curve can be drawn from %g to %g", curves->lower, curves->upper),
						errhint("The lower end must be below the upper one, and both finite.")));
}

/*
 * bnai_density(network, node, lower, upper): points of the posterior density
 * of a node, plate by plate and column by column.
 */
Datum
bnai_density(PG_FUNCTION_ARGS)
{
	Curves curves = {.result = (ReturnSetInfo *) fcinfo->resultinfo};
	const Fitted *fitted;
	const PosteriorNode *node;
	bool gaussian;

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i < 2; i++)
		if (PG_ARGISNULL(i))
			ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("a density is that of a node of a network"),
							errhint("SELECT network, node FROM bnai_nodes lists them.")));
	ReadInterval(fcinfo, &curves);
	fitted = CurrentFitted(fcinfo);
	if (fitted == NULL)
		return (Datum) 0;
	node = &fitted->posterior->nodes[FindArgumentNode(fcinfo, fitted->posterior)];
	gaussian = HasRoles(node, ROLE_LOCATION, ROLE_PRECISION);
	if (!gaussian
		&& (!HasRoles(node, ROLE_INVARIANT, ROLE_RATE) || node->distribution->shape == SHAPE_MATRIX))
		ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
						errmsg("node \"%s\" is a %s, whose density is not drawn", node->name,
							   node->distribution->name),
						errhint("Nodes that are Gaussian or Gamma, of any kind, can be drawn.")));
	for (int k = 0; k < node->plates; k++)
	{
		const char *label = PlateLabel(fitted->posterior, node, k);

		CHECK_FOR_INTERRUPTS();
		if (gaussian)
			PutGaussian(&curves, node, k, label);
		else
			PutGamma(&curves, node, k, label);
	}
	return (Datum) 0;
}
