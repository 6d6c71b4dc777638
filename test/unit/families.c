/*
 * families.c
 *		Holds every family of the registry to its contract: messages and moments
 *		are derivatives, partial sums add up, divergences are not negative, values
 *		outside the domain are refused, and there is no slot that is NULL.
 *
 * Built with src/distributions/*.c src/numerics/*.c test/families/*.c test/unit/server/*.c -llapack -lblas
 */
#include "postgres.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "distributions/leaf.h"

#undef printf
#undef vprintf

#define MOST_DIM 3
#define MOST_NUMBERS 64
#define ROWS 64

static int	tests = 0;
static int	failures = 0;

/* Prints one test's line. */
static void
Ok(bool good, const char *format, ...)
{
	va_list		arguments;

	printf("%sok %d - ", good ? "" : "not ", ++tests);
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	printf("\n");
	failures += !good;
}

/* A number from 0 to 1, the next of a fixed sequence. */
static double
Draw(void)
{
	static int	i = 0;

	return fmod(++i * 0.6180339887498949, 1.0);
}

/* --- example values --- */

/* Writes a value that the parameter may have. */
static void
ExampleValue(const ParamSpec *spec, int dim, double *value)
{
	double		sum = 0.0;

	for (int i = 0; i < ShapeSize(spec->shape, dim); i++)
	{
		if (spec->shape == SHAPE_MATRIX)
			value[i] = i % (dim + 1) == 0 ? 2.0 + Draw() : 0.3;
		else if (spec->sums_to_one)
			value[i] = 0.5 + Draw();
		else if (spec->positive || spec->family == NULL)
			value[i] = spec->above + (spec->shape == SHAPE_SCALAR && spec->family == NULL ? dim : 0) + 0.4 + Draw();
		else
			value[i] = Draw() - 0.5;
		sum += value[i];
	}
	/* what is a probability is less than 1 */
	for (int i = 0; i < ShapeSize(spec->shape, dim) && spec->sums_to_one; i++)
		value[i] /= sum;
}

static bool ExampleMoments(const Distribution *distribution, int dim, double *phi, double *u, double *g, double *params);

/* Writes the moments of a parameter: of a distribution, where it can have one. */
static void
ExampleParent(const ParamSpec *spec, int dim, double *moments)
{
	double		phi[MOST_NUMBERS];
	double		g;

	if (spec->family == NULL)
		ExampleValue(spec, dim, moments);
	else if (!ExampleMoments(spec->family, dim, phi, moments, &g, NULL))
		Ok(false, "%s: an example is proper", spec->family->name);
}

/* Writes an example of a distribution that a global may have; the parents of its parameters are constants. */
static bool
ExampleMoments(const Distribution *distribution, int dim, double *phi, double *u, double *g, double *params)
{
	double		moments[MAX_PARAMS][MOST_NUMBERS];
	double		value[MOST_NUMBERS];
	const double *parents[MAX_PARAMS];

	for (int p = 0; p < distribution->nparams; p++)
	{
		const ParamSpec *spec = &distribution->params[p];

		ExampleValue(spec, dim, value);
		if (spec->family)
			spec->family->fixed(dim, value, moments[p]);
		else
			memcpy(moments[p], value, sizeof(double) * ShapeSize(spec->shape, dim));
		if (params)
		{
			memcpy(params, value, sizeof(double) * ShapeSize(spec->shape, dim));
			params += ShapeSize(spec->shape, dim);
		}
		parents[p] = moments[p];
	}
	distribution->natural(dim, parents, phi);
	return distribution->moments(dim, phi, u, g);
}

/*
 * Which number stands for the same as number i, where the moments have a matrix:
 * both are moved together.
 */
static int
Mirror(const Distribution *distribution, int dim, int i)
{
	int			offset = 0;

	for (int m = 0; m < distribution->nmoments; m++)
	{
		int			size = ShapeSize(distribution->moment_specs[m].shape, dim);

		if (i < offset + size)
			return distribution->moment_specs[m].shape != SHAPE_MATRIX ? i
				: offset + (i - offset) % dim * dim + (i - offset) / dim;
		offset += size;
	}
	return i;
}

/* True if two derivatives agree: differences of third order and rounding, both about 1e-9 at this step. */
#define STEP 1e-4
static bool
Agree(double numeric, double exact, double scale)
{
	return fabs(numeric - exact) <= 2e-6 * (1.0 + fabs(exact) + scale);
}

/* --- globals --- */

static void
TestMoments(const Distribution *distribution, int dim)
{
	double		phi[MOST_NUMBERS];
	double		u[MOST_NUMBERS];
	double		moved[MOST_NUMBERS];
	double		g;
	bool		good = ExampleMoments(distribution, dim, phi, u, &g, NULL);

	for (int i = 0; i < distribution->size(dim) && good; i++)
	{
		int			j = Mirror(distribution, dim, i);
		double		up;
		double		down;

		/* the normaliser's inverse is g, so that its derivative is minus the moment */
		memcpy(moved, phi, sizeof(moved));
		moved[i] += STEP;
		moved[j] += j == i ? 0.0 : STEP;
		good = distribution->moments(dim, moved, moved + MOST_NUMBERS / 2, &up);
		memcpy(moved, phi, sizeof(moved));
		moved[i] -= STEP;
		moved[j] -= j == i ? 0.0 : STEP;
		good = good && distribution->moments(dim, moved, moved + MOST_NUMBERS / 2, &down)
			&& Agree(-(up - down) / (2.0 * STEP), j == i ? u[i] : u[i] + u[j], 0.0);
	}
	Ok(good, "%s, %d: moments are derivatives of the log normaliser", distribution->name, dim);
}

static void
TestDivergence(const Distribution *distribution, int dim)
{
	bool		good = true;

	for (int round = 0; round < 20; round++)
	{
		double		q[MOST_NUMBERS];
		double		p[MOST_NUMBERS];
		double		u[MOST_NUMBERS];
		double		other[MOST_NUMBERS];
		double		g_q;
		double		g_p;
		double		kl;
		double		self;

		good &= ExampleMoments(distribution, dim, q, u, &g_q, NULL)
			&& ExampleMoments(distribution, dim, p, other, &g_p, NULL);
		kl = g_q - g_p;
		for (int i = 0; i < distribution->size(dim); i++)
			kl += (q[i] - p[i]) * u[i];
		(void) distribution->moments(dim, q, other, &self);
		good &= kl >= 0.0 && self == g_q;
	}
	Ok(good, "%s, %d: divergences are not negative", distribution->name, dim);
}

/* The log partition by the parents' moments is that by the natural parameters, where these are points. */
static void
TestPartition(const Distribution *distribution, int dim)
{
	double		params[MOST_NUMBERS];
	double		back[MOST_NUMBERS];
	double		moments[MAX_PARAMS][MOST_NUMBERS];
	double		phi[MOST_NUMBERS];
	double		u[MOST_NUMBERS];
	double		g;
	const double *value = params;
	const double *parents[MAX_PARAMS];
	bool		good = ExampleMoments(distribution, dim, phi, u, &g, params);

	for (int p = 0; p < distribution->nparams; p++)
	{
		const ParamSpec *spec = &distribution->params[p];

		if (spec->family)
			spec->family->fixed(dim, value, moments[p]);
		else
			memcpy(moments[p], value, sizeof(double) * ShapeSize(spec->shape, dim));
		parents[p] = moments[p];
		value += ShapeSize(spec->shape, dim);
	}
	good = good && Agree(distribution->log_partition(dim, parents), g, 0.0);
	distribution->parameters(dim, phi, back);
	for (int i = 0; i < ParamsSize(distribution, dim); i++)
		good = good && Agree(back[i], params[i], 0.0);
	Ok(good, "%s, %d: parameters come back, and their log partition is that of the natural ones", distribution->name, dim);
}

static void
TestSlots(const Distribution *distribution)
{
	bool		good = distribution->name && distribution->signature && distribution->proper
		&& (distribution->mixes || (distribution->size && distribution->natural));

	if (distribution->moments)
		good = good && distribution->log_partition && distribution->message && distribution->fixed
			&& distribution->parameters && distribution->mean && distribution->nmoments > 0;
	Ok(good, "%s: no slot is empty that is called", distribution->name);
}

/* Returns the bound that children whose moments sum to u have, as a function of their parents. */
static double
ChildBound(const Distribution *distribution, int dim, const double *const *parents, const double *u, double count)
{
	double		phi[MOST_NUMBERS];
	double		bound = count * distribution->log_partition(dim, parents);

	distribution->natural(dim, parents, phi);
	for (int i = 0; i < distribution->size(dim); i++)
		bound += phi[i] * u[i];
	return bound;
}

/* What the bound of a leaf, or of a global, is by the moments of its parents */
typedef struct Bound
{
	const Distribution *distribution;
	const LeafKernel *leaf;		/* NULL: a global */
	int			dim;
	const double *u;			/* of the global, or statistics */
	const double *noise;
} Bound;

static double
BoundAt(const Bound *bound, const double *const *parents)
{
	if (bound->leaf)
		return bound->leaf->density(bound->leaf, bound->dim, parents, bound->u, bound->noise);
	return ChildBound(bound->distribution, bound->dim, parents, bound->u, 1.0);
}

/* Compares the message to each parameter with the derivative of the bound with respect to the parameter's moments. */
static bool
MessagesAreDerivatives(const Bound *bound)
{
	const Distribution *distribution = bound->distribution;
	int			dim = bound->dim;
	double		moments[MAX_PARAMS][MOST_NUMBERS];
	const double *parents[MAX_PARAMS];
	bool		good = true;

	for (int p = 0; p < distribution->nparams; p++)
	{
		ExampleParent(&distribution->params[p], dim, moments[p]);
		parents[p] = moments[p];
	}
	for (int p = 0; p < distribution->nparams; p++)
	{
		const Distribution *family = distribution->params[p].family;
		double		message[MOST_NUMBERS] = {0};

		if (family == NULL)
			continue;
		if (bound->leaf)
			bound->leaf->message(bound->leaf, dim, p, parents, bound->u, bound->noise, message);
		else
			distribution->message(dim, p, parents, bound->u, 1.0, message);
		for (int i = 0; i < family->size(dim); i++)
		{
			int			j = Mirror(family, dim, i);
			double		before = moments[p][i];
			double		mirrored = moments[p][j];
			double		difference;

			moments[p][i] = before + STEP;
			moments[p][j] = mirrored + STEP;
			difference = BoundAt(bound, parents);
			moments[p][i] = before - STEP;
			moments[p][j] = mirrored - STEP;
			difference -= BoundAt(bound, parents);
			moments[p][i] = before;
			moments[p][j] = mirrored;
			if (!Agree(difference / (2.0 * STEP), j == i ? message[i] : message[i] + message[j], fabs(BoundAt(bound, parents))))
			{
				printf("# parameter %s, moment %d: %.10g, message %.10g\n", distribution->params[p].name, i,
					   difference / (2.0 * STEP), message[i]);
				good = false;
			}
		}
	}
	return good;
}

static void
TestGlobal(const Distribution *distribution, int dim)
{
	double		phi[MOST_NUMBERS];
	double		u[MOST_NUMBERS];
	double		g;
	Bound		bound = {distribution, NULL, dim, u};

	TestMoments(distribution, dim);
	TestDivergence(distribution, dim);
	TestPartition(distribution, dim);
	(void) ExampleMoments(distribution, dim, phi, u, &g, NULL);
	Ok(MessagesAreDerivatives(&bound), "%s, %d: messages are derivatives of its bound", distribution->name, dim);
}

/* --- leaves --- */

/* Some rows of a leaf, column by column, with the constants of a component */
typedef struct LeafCase
{
	const Distribution *distribution;
	const LeafKernel *leaf;
	int			dim;
	double		values[MOST_DIM][ROWS];
	const double *columns[MOST_DIM];
	double		noise[MOST_DIM];
	double		r[ROWS];
	double		moments[MAX_PARAMS][MOST_NUMBERS];
	const double *parents[MAX_PARAMS];
	double		constants[MOST_NUMBERS];
	double		stats[MOST_NUMBERS];
} LeafCase;

static void
TestLeafSlots(const LeafKernel *leaf)
{
	Ok(leaf->distribution && leaf->columns && leaf->columns->valid && leaf->columns->values
	   && leaf->search && leaf->search->centre && leaf->search->spread
	   && leaf->scales && leaf->scales->balance && leaf->scales->rescale
	   && leaf->missing && leaf->missing->condition && leaf->missing->complete && leaf->missing->condition_predictive
	   && leaf->missing->spread && leaf->constants_size && leaf->prepare && leaf->score && leaf->stats_size
	   && leaf->accumulate && leaf->rows && leaf->message && leaf->density && leaf->expand && leaf->score_row
	   && leaf->conditional_row && leaf->predictive_size && leaf->prepare_predictive && leaf->predictive_row,
	   "%s: no slot of the leaf is empty", leaf->distribution->name);
	Ok(leaf->distribution->leaf == leaf, "%s: its leaf is its own", leaf->distribution->name);
	Ok(leaf->columns->framed || !leaf->columns->recorded, "%s: what is recorded with a resolution is framed", leaf->distribution->name);
}

/* Returns a value that the columns may have. */
static double
ExampleObservation(const ColumnKind *kind)
{
	double		value = 4.0 * Draw() - 1.5;

	if (kind->valid(value))
		return value;
	value = floor(fabs(value));
	return kind->valid(value) ? value : value > 0.0;
}

/* Fills in rows and weights, all within the domain. */
static void
FillCase(LeafCase *c)
{
	for (int j = 0; j < c->dim; j++)
	{
		for (int n = 0; n < ROWS; n++)
			c->values[j][n] = ExampleObservation(c->leaf->columns);
		c->columns[j] = c->values[j];
		c->noise[j] = c->leaf->columns->recorded ? 0.01 * (j + 1) : 0.0;
	}
	for (int n = 0; n < ROWS; n++)
		c->r[n] = n < ROWS - 3 ? Draw() : 0.0;
	for (int p = 0; p < c->distribution->nparams; p++)
	{
		ExampleParent(&c->distribution->params[p], c->dim, c->moments[p]);
		c->parents[p] = c->moments[p];
	}
}

/* Writes the statistics of rows with these weights. */
static void
Accumulate(const LeafCase *c, const double *r, double *stats)
{
	double		lanes[MOST_NUMBERS * KERNEL_LANES] = {0};
	int			size = c->leaf->stats_size(c->dim);

	c->leaf->accumulate(c->dim, c->constants, c->columns, r, ROWS, lanes);
	memset(stats, 0, sizeof(double) * size);
	ReduceLanes(size, lanes, stats);
}

/* Any division of the rows adds up to the same. */
static void
TestMerging(const LeafCase *c)
{
	double		first[ROWS];
	double		second[ROWS];
	double		a[MOST_NUMBERS];
	double		b[MOST_NUMBERS];
	bool		good = true;

	for (int n = 0; n < ROWS; n++)
	{
		first[n] = n % 3 == 0 ? c->r[n] : 0.25 * c->r[n];
		second[n] = c->r[n] - first[n];
	}
	Accumulate(c, first, a);
	Accumulate(c, second, b);
	for (int i = 0; i < c->leaf->stats_size(c->dim); i++)
		good &= fabs(a[i] + b[i] - c->stats[i]) <= 1e-12 * (1.0 + fabs(c->stats[i]) + ROWS);
	Ok(good, "%s, %d: partial statistics add up", c->distribution->name, c->dim);
}

/* The kernels' scores, whose multiplications may be fused, are those of the rows in plain C. */
static void
TestScores(const LeafCase *c)
{
	double		out[ROWS];
	bool		good = true;

	for (int n = 0; n < ROWS; n++)
		out[n] = 1.0;
	c->leaf->score(c->dim, c->constants, c->columns, ROWS, out);
	for (int n = 0; n < ROWS; n++)
	{
		double		x[MOST_DIM];

		for (int j = 0; j < c->dim; j++)
			x[j] = c->values[j][n];
		good &= fabs(out[n] - 1.0 - c->leaf->score_row(c->dim, c->constants, x)) <= 1e-9 * (1.0 + fabs(out[n]));
	}
	Ok(good, "%s, %d: scores of a block are those of its rows", c->distribution->name, c->dim);
}

/* Returns the sum of scores by other parents, less the density of the statistics: a constant of the rows. */
static double
ScoresLessDensity(LeafCase *c)
{
	double		out[ROWS] = {0};
	double		sum = 0.0;
	double		stats[MOST_NUMBERS];

	(void) c->leaf->prepare(c->dim, c->parents, c->noise, c->constants);
	c->leaf->score(c->dim, c->constants, c->columns, ROWS, out);
	Accumulate(c, c->r, stats);
	for (int n = 0; n < ROWS; n++)
		sum += c->r[n] * out[n];
	return sum - c->leaf->density(c->leaf, c->dim, c->parents, stats, c->noise);
}

/*
 * By whatever parents, the scores sum to what the statistics say, but for a constant
 * of the rows.  With scales of the rows their entropy would come to it.
 */
static void
TestDensity(const LeafCase *original)
{
	LeafCase	c = *original;
	double		one;
	double		other;

	if (c.leaf->scales->present)
		return;
	for (int j = 0; j < c.dim; j++)
		c.columns[j] = c.values[j];
	for (int p = 0; p < c.distribution->nparams; p++)
		c.parents[p] = c.moments[p];
	one = ScoresLessDensity(&c);
	for (int p = 0; p < c.distribution->nparams; p++)
		ExampleParent(&c.distribution->params[p], c.dim, c.moments[p]);
	other = ScoresLessDensity(&c);
	Ok(fabs(one - other) <= 1e-9 * (1.0 + fabs(one)), "%s, %d: scores sum to the density of the statistics", c.distribution->name, c.dim);
}

/* Adds rows that lack a column to the statistics, as a pass does; true if they are counted. */
static bool
AddIncomplete(LeafCase *c, int missing)
{
	const LeafMissing *ways = c->leaf->missing;
	int			observed[MOST_DIM];
	Pattern		pattern = {c->dim, 0, 1, observed, &missing};
	double		memory[MOST_NUMBERS];
	double		work[MOST_DIM * MOST_DIM];
	double		lanes[MOST_NUMBERS * KERNEL_LANES] = {0};
	double		stats[MOST_NUMBERS] = {0};
	const double *columns[MOST_DIM];
	Conditional conditional;
	double		before = c->leaf->rows(c->dim, c->stats);
	double		sum = 0.0;

	for (int j = 0; j < c->dim; j++)
		if (j != missing)
		{
			columns[pattern.nobserved] = c->columns[j];
			observed[pattern.nobserved++] = j;
		}
	conditional = PlaceConditional(memory, &pattern, c->leaf->constants_size(pattern.nobserved), ways->joint);
	ConditionLeaf(c->leaf, c->dim, c->constants, c->noise, &pattern, work, &conditional);
	c->leaf->accumulate(pattern.nobserved, conditional.constants, columns, c->r, ROWS, lanes);
	ReduceLanes(c->leaf->stats_size(pattern.nobserved), lanes, stats);
	ways->complete(&pattern, &conditional, c->noise, stats[0], stats, c->stats);
	for (int n = 0; n < ROWS; n++)
		sum += c->r[n];
	return fabs(c->leaf->rows(c->dim, c->stats) - before - sum) <= 1e-9 * sum;
}

/* A density is 1 in sum, or its integral is, where there is one column. */
static void
TestPredictive(const LeafCase *c)
{
	double		params[MAX_PARAMS][MOST_NUMBERS];
	const double *pointers[MAX_PARAMS];
	bool		fixed[MAX_PARAMS] = {false};
	double		constants[MOST_NUMBERS];
	double		sum = 0.0;
	bool		counts = !c->leaf->columns->any;

	for (int p = 0; p < c->distribution->nparams; p++)
	{
		double		phi[MOST_NUMBERS];
		double		u[MOST_NUMBERS];
		double		g;

		(void) ExampleMoments(c->distribution->params[p].family, 1, phi, u, &g, NULL);
		c->distribution->params[p].family->parameters(1, phi, params[p]);
		pointers[p] = params[p];
	}
	c->leaf->prepare_predictive(1, pointers, fixed, constants);

	/* x = sinh t, in steps that leave 1e-5 of heavy tails out */
	for (int i = -20000; i <= 20000; i++)
	{
		double		t = i * 1e-3;
		double		x = counts ? i : sinh(t);

		if (c->leaf->columns->valid(x))
			sum += exp(c->leaf->predictive_row(1, constants, &x)) * (counts ? 1.0 : 1e-3 * cosh(t));
	}
	Ok(fabs(sum - 1.0) < 1e-4, "%s: its predictive density is one: %.6f", c->distribution->name, sum);
}

static void
TestLeaf(const Distribution *distribution, int dim)
{
	LeafCase	c = {.distribution = distribution, .leaf = distribution->leaf, .dim = dim};
	Bound		bound = {distribution, distribution->leaf, dim, c.stats, c.noise};
	bool		counted = true;

	FillCase(&c);
	Ok(c.leaf->prepare(dim, c.parents, c.noise, c.constants), "%s, %d: its constants are proper", distribution->name, dim);
	Accumulate(&c, c.r, c.stats);
	TestMerging(&c);
	TestScores(&c);
	TestDensity(&c);
	Ok(MessagesAreDerivatives(&bound), "%s, %d: messages are derivatives of the bound of whole rows", distribution->name, dim);
	if (dim == 1)
		TestPredictive(&c);
	if (dim == 1 || !c.leaf->missing->possible)
		return;
	for (int j = 0; j < dim; j++)
		counted &= AddIncomplete(&c, j);
	Ok(counted, "%s, %d: rows that lack a column are counted", distribution->name, dim);
	Ok(MessagesAreDerivatives(&bound), "%s, %d: and messages of all rows are derivatives, too", distribution->name, dim);
}

/* Values that no column of a kind has are refused. */
static void
TestDomain(const LeafKernel *leaf)
{
	const ColumnKind *kind = leaf->columns;

	if (kind->any)
		Ok(kind->valid(-4.0) && kind->valid(0.5), "%s: takes any number", leaf->distribution->name);
	else
		Ok(kind->valid(0.0) && kind->valid(1.0) && !kind->valid(-4.0) && !kind->valid(0.5),
		   "%s: takes %s only", leaf->distribution->name, kind->values);
}

int
main(void)
{
	SelectKernels(KERNELS_BASELINE);
	for (int i = 0; i < NDistributions; i++)
	{
		const Distribution *distribution = Distributions[i];
		int			most = distribution->shape == SHAPE_SCALAR ? 1 : MOST_DIM;

		Ok(FindDistribution(distribution->name) == distribution, "%s: is found by its name", distribution->name);
		TestSlots(distribution);
		for (int dim = 1; dim <= most && distribution->moments; dim++)
			TestGlobal(distribution, dim);
		if (distribution->leaf == NULL)
			continue;
		TestLeafSlots(distribution->leaf);
		TestDomain(distribution->leaf);
		for (int dim = 1; dim <= most; dim++)
			TestLeaf(distribution, dim);
	}
	printf("1..%d\n", tests);
	return failures > 0;
}
