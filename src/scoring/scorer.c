/*
 * scorer.c
 *		Makes a posterior ready to score rows, and scores them.
 *
 * The expected log density of a row under component k is
 * E[log pi_k] + sum over leaves of E[log p(x | k)], as in the pass of the fit.
 * The predictive density is sum over k of E[pi_k] times the predictive of the
 * component, a Student-t (Bishop 2006, eq. 10.81); the retired components
 * still hold their priors, so those of one prior enter as one term with their
 * joint weight.
 *
 * Constants are in coordinates that are centred on the components, since the
 * second moment of a location far from 0 has lost its variance.
 */
#include "postgres.h"

#include <math.h>

#include "miscadmin.h"
#include "storage/shmem.h"
#include "utils/builtins.h"

#include "posterior/labels.h"
#include "posterior/typicality.h"
#include "scoring/scoring.h"

/* A candidate with what orders it */
typedef struct RankedComponent
{
	int			component;
	int			rank;
} RankedComponent;

/*
 * Orders components for qsort.
 */
static int
CompareRanks(const void *a, const void *b)
{
	return ((const RankedComponent *) a)->rank - ((const RankedComponent *) b)->rank;
}

/*
 * Chooses the candidates and their order.
 */
static void
ChooseCandidates(Scorer *scorer, const Posterior *posterior, Candidates candidates)
{
	RankedComponent *ranked = palloc(sizeof(RankedComponent) * posterior->components);
	int			n = 0;

	for (int k = 0; k < posterior->components; k++)
	{
		const char *label = posterior->clusters[k].label;

		if (candidates == CANDIDATES_LABELLED ? label == NULL : !posterior->clusters[k].live)
			continue;
		ranked[n].component = k;
		ranked[n++].rank = candidates == CANDIDATES_LABELLED ? LabelOrdinal(label) : k;
	}
	qsort(ranked, n, sizeof(RankedComponent), CompareRanks);
	scorer->ncandidates = n;
	scorer->components = palloc(sizeof(int) * n);
	scorer->labels = palloc0(sizeof(text *) * n);
	scorer->log_weights = palloc0(sizeof(double) * n);
	for (int c = 0; c < n; c++)
	{
		const char *label = posterior->clusters[ranked[c].component].label;

		scorer->components[c] = ranked[c].component;
		if (label != NULL)
			scorer->labels[c] = cstring_to_text(label);
	}
	pfree(ranked);
}

/*
 * Writes the candidates' E[log pi_k].
 */
static void
PrepareLogWeights(Scorer *scorer, const Posterior *posterior)
{
	double	   *u;

	if (posterior->selector == NULL)
		return;
	u = palloc(sizeof(double) * posterior->components);
	if (posterior->weights.node >= 0)
		PosteriorMoments(posterior, posterior->weights.node, 0, u);
	else
		FixedMoments(&SelectorDistribution->params[0], posterior->components, posterior->weights.values, u);
	for (int c = 0; c < scorer->ncandidates; c++)
		scorer->log_weights[c] = u[scorer->components[c]];
	pfree(u);
}

/*
 * Returns whether two components have the same posterior.
 */
static bool
AreTwins(const Posterior *posterior, int a, int b)
{
	for (int i = 0; i < posterior->nnodes; i++)
	{
		const PosteriorNode *node = &posterior->nodes[i];

		if (node->plates > 1 && memcmp(PosteriorNodeParams(node, a), PosteriorNodeParams(node, b),
									   sizeof(double) * ParamsSize(node->distribution, node->dim)) != 0)
			return false;
	}
	return true;
}

/*
 * Chooses the terms of the density and their weights; returns the component
 * of each: for retired ones that are alike the first of them.
 */
static int *
ChooseTerms(Scorer *scorer, const Posterior *posterior)
{
	double	   *weights = palloc(sizeof(double) * posterior->components);
	double	   *term_weights = palloc0(sizeof(double) * posterior->components);
	int		   *components = palloc(sizeof(int) * posterior->components);
	int			n = 0;

	PosteriorWeights(posterior, weights);
	for (int k = 0; k < posterior->components; k++)
		if (posterior->clusters[k].live)
		{
			term_weights[n] = weights[k];
			components[n++] = k;
		}
	scorer->nterms = n;
	for (int k = 0; k < posterior->components; k++)
	{
		int			t = n;

		CHECK_FOR_INTERRUPTS();
		if (posterior->clusters[k].live)
			continue;
		while (t < scorer->nterms && !AreTwins(posterior, components[t], k))
			t++;
		if (t == scorer->nterms)
			components[scorer->nterms++] = k;
		term_weights[t] += weights[k];
	}
	scorer->term_log_weights = palloc(sizeof(double) * posterior->components);
	for (int t = 0; t < scorer->nterms; t++)
		scorer->term_log_weights[t] = log(term_weights[t]);
	pfree(term_weights);
	pfree(weights);
	return components;
}

/*
 * Returns coordinates centred on the mean location of the live components.
 */
static Frame
LeafFrame(const Posterior *posterior, const PosteriorLeaf *leaf)
{
	const Distribution *distribution = leaf->distribution;
	Frame		frame = {.dim = leaf->dim};
	double	   *location = palloc(sizeof(double) * leaf->dim);
	int			nlive = 0;

	frame.centre = palloc0(sizeof(double) * leaf->dim);
	frame.scale = palloc(sizeof(double) * leaf->dim);
	for (int j = 0; j < leaf->dim; j++)
		frame.scale[j] = 1;
	for (int k = 0; k < posterior->components; k++)
		nlive += posterior->clusters[k].live;
	for (int i = 0; i < distribution->nparams; i++)
	{
		const ParamSpec *spec = &distribution->params[i];

		if (spec->role != ROLE_LOCATION)
			continue;
		for (int k = 0; k < posterior->components; k++)
		{
			if (!posterior->clusters[k].live)
				continue;
			PosteriorParamMean(posterior, &leaf->params[i], spec, leaf->dim, k, location);
			for (int j = 0; j < ShapeSize(spec->shape, leaf->dim); j++)
				frame.centre[j] += location[j] / nlive;
		}
	}
	pfree(location);
	return frame;
}

/*
 * Prepares one leaf for all candidates and terms.
 */
static void
PrepareLeaf(Scorer *scorer, const Posterior *posterior, int index, const int *term_components)
{
	const PosteriorLeaf *leaf = &posterior->leaves[index];
	ScorerLeaf *out = &scorer->leaves[index];
	Frame		frame = LeafFrame(posterior, leaf);
	int			ncandidates = leaf->mixture ? scorer->ncandidates : 0;
	int			nterms = leaf->mixture ? scorer->nterms : 1;

	out->kernel = leaf->distribution->leaf;
	out->name = pstrdup(leaf->name);
	out->mixture = leaf->mixture;
	out->dim = leaf->dim;
	out->ncolumns = PosteriorLeafColumns(leaf);
	out->centre = frame.centre;
	out->constants_size = out->kernel->constants_size(leaf->dim);
	out->constants = palloc_extended(mul_size(sizeof(double) * out->constants_size, ncandidates), MCXT_ALLOC_HUGE);
	out->predictive_size = out->kernel->predictive_size(leaf->dim);
	out->predictive = palloc_extended(mul_size(sizeof(double) * out->predictive_size, nterms), MCXT_ALLOC_HUGE);
	for (int c = 0; c < ncandidates; c++)
	{
		LeafParents parents = PosteriorParents(posterior, index, scorer->components[c], &frame);

		CHECK_FOR_INTERRUPTS();
		if (!out->kernel->prepare(leaf->dim, parents.moments, NULL, out->constants + (Size) c * out->constants_size))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("node \"%s\" of the posterior has no proper distribution", leaf->name)));
		FreeParents(&parents, leaf->distribution->nparams);
	}
	for (int t = 0; t < nterms; t++)
	{
		LeafParents parents = PosteriorParents(posterior, index, leaf->mixture ? term_components[t] : 0, &frame);

		CHECK_FOR_INTERRUPTS();
		out->kernel->prepare_predictive(leaf->dim, parents.params, parents.fixed,
										out->predictive + (Size) t * out->predictive_size);
		FreeParents(&parents, leaf->distribution->nparams);
	}
}

/*
 * Copies the quantiles for rows that lack columns.
 */
static void
CopyPatterns(Scorer *scorer, const Posterior *posterior)
{
	scorer->ndensities = posterior->npatterns;
	scorer->densities = palloc(sizeof(PatternDensity) * posterior->npatterns);
	for (int p = 0; p < posterior->npatterns; p++)
	{
		const DensityPattern *pattern = &posterior->patterns[p];
		PatternDensity *density = &scorer->densities[p];

		density->lacks = palloc0(sizeof(bool) * scorer->ncolumns);
		for (int i = 0; i < pattern->nmissing; i++)
			density->lacks[pattern->missing[i]] = true;
		density->quantiles = palloc(sizeof(double) * DENSITY_QUANTILES);
		memcpy(density->quantiles, pattern->quantiles, sizeof(double) * DENSITY_QUANTILES);
	}
}

/*
 * Makes a scorer, in the current memory context.
 */
Scorer *
BuildScorer(const Posterior *posterior, Candidates candidates)
{
	Scorer	   *scorer = palloc0(sizeof(Scorer));
	int		   *term_components;

	scorer->clusters = posterior->selector != NULL;
	ChooseCandidates(scorer, posterior, candidates);
	PrepareLogWeights(scorer, posterior);
	term_components = ChooseTerms(scorer, posterior);

	scorer->nleaves = posterior->nleaves;
	scorer->leaves = palloc0(sizeof(ScorerLeaf) * posterior->nleaves);
	scorer->columns = palloc(sizeof(char *) * PosteriorColumns(posterior));
	for (int i = 0; i < posterior->nleaves; i++)
	{
		scorer->leaves[i].first_column = scorer->ncolumns;
		PrepareLeaf(scorer, posterior, i, term_components);
		for (int j = 0; j < scorer->leaves[i].ncolumns; j++)
			scorer->columns[scorer->ncolumns++] = pstrdup(posterior->leaves[i].columns[j]);
	}
	if (posterior->quantiles != NULL)
	{
		scorer->quantiles = palloc(sizeof(double) * DENSITY_QUANTILES);
		memcpy(scorer->quantiles, posterior->quantiles, sizeof(double) * DENSITY_QUANTILES);
	}
	scorer->ranked = Max(1.0, Min(posterior->rows, DENSITY_ROWS));
	CopyPatterns(scorer, posterior);
	scorer->marginalize = posterior->marginalize;
	scorer->context = CurrentMemoryContext;
	scorer->given = palloc(sizeof(double) * scorer->ncolumns);
	scorer->row = palloc(sizeof(double) * scorer->ncolumns);
	scorer->scores = palloc(sizeof(double) * posterior->components);
	scorer->terms = palloc0(sizeof(int) * scorer->ncandidates);
	for (int c = 0; c < scorer->ncandidates; c++)
		for (int t = 0; t < scorer->nterms; t++)
			if (term_components[t] == scorer->components[c])
				scorer->terms[c] = t;
	pfree(term_components);
	return scorer;
}

/* --- rows that lack columns --- */

/*
 * Allocates constants of the observed columns of a leaf for each candidate or term.
 */
static double *
MarginalRoom(int size, int count)
{
	return palloc_extended(mul_size(sizeof(double) * size, count), MCXT_ALLOC_HUGE);
}

/*
 * Makes room for what such rows need, when there is the first one.
 */
static void
MakeRoom(Scorer *scorer)
{
	MemoryContext old = MemoryContextSwitchTo(scorer->context);
	Pattern   **patterns = palloc(sizeof(Pattern *) * scorer->nleaves);
	Size		largest = 0;
	Size		room = 0;

	for (int i = 0; i < scorer->nleaves; i++)
	{
		ScorerLeaf *leaf = &scorer->leaves[i];
		Size		dim = leaf->dim;

		patterns[i] = CreatePattern(leaf->dim);
		leaf->marginals = MarginalRoom(leaf->constants_size, leaf->mixture ? scorer->ncandidates : 0);
		leaf->marginal_predictive = MarginalRoom(leaf->predictive_size, leaf->mixture ? scorer->nterms : 1);
		largest = Max(largest, leaf->kernel->missing->joint ? dim : 0);
		room = Max(room, Max(leaf->constants_size, leaf->predictive_size) + dim * (leaf->kernel->missing->joint ? dim + 1 : 2));
	}
	scorer->conditional_memory = palloc_extended(mul_size(sizeof(double), room), MCXT_ALLOC_HUGE);
	scorer->work = palloc_extended(mul_size(sizeof(double) * largest, largest), MCXT_ALLOC_HUGE);
	scorer->observed = palloc(sizeof(double) * scorer->ncolumns);
	scorer->lacks = palloc0(sizeof(bool) * scorer->ncolumns);
	scorer->patterns = patterns;
	MemoryContextSwitchTo(old);
}

/*
 * Finds out what the leaves lack in a row, and collects what they have.  What
 * was computed for the columns of the row before serves again if they are the
 * same.
 */
static void
ReadPatterns(Scorer *scorer)
{
	bool		same = scorer->patterns != NULL;

	if (scorer->patterns == NULL)
		MakeRoom(scorer);
	for (int c = 0; c < scorer->ncolumns; c++)
	{
		same &= scorer->lacks[c] == (bool) isnan(scorer->row[c]);
		scorer->lacks[c] = isnan(scorer->row[c]);
	}
	for (int i = 0; i < scorer->nleaves; i++)
	{
		const double *row = scorer->row + scorer->leaves[i].first_column;
		double	   *observed = scorer->observed + scorer->leaves[i].first_column;
		Pattern    *pattern = scorer->patterns[i];

		if (!same)
			ReadPattern(row, pattern);
		if (pattern->nmissing > 0 && pattern->nobserved > 0 && !scorer->leaves[i].kernel->missing->possible)
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("node \"%s\" needs values of all its columns", scorer->leaves[i].name)));
		for (int j = 0; j < pattern->nobserved; j++)
			observed[j] = row[pattern->observed[j]];
	}
	scorer->marginals_ready &= same;
	scorer->marginal_predictive_ready &= same;
}

/*
 * Writes the candidates' constants for the columns that the row has.
 */
static void
PrepareMarginals(Scorer *scorer)
{
	for (int i = 0; i < scorer->nleaves; i++)
	{
		const ScorerLeaf *leaf = &scorer->leaves[i];
		const Pattern *pattern = scorer->patterns[i];
		Conditional conditional = PlaceConditional(scorer->conditional_memory, pattern, 0, leaf->kernel->missing->joint);

		for (int c = 0; leaf->mixture && c < scorer->ncandidates; c++)
		{
			CHECK_FOR_INTERRUPTS();
			conditional.constants = leaf->marginals + (Size) c * leaf->constants_size;
			ConditionLeaf(leaf->kernel, leaf->dim, leaf->constants + (Size) c * leaf->constants_size, NULL, pattern,
						  scorer->work, &conditional);
		}
	}
	scorer->marginals_ready = true;
}

Conditional
ConditionTerm(Scorer *scorer, int index, int term)
{
	const ScorerLeaf *leaf = &scorer->leaves[index];
	const Pattern *pattern = scorer->patterns[index];
	Conditional conditional = PlaceConditional(scorer->conditional_memory, pattern, 0, leaf->kernel->missing->joint);

	CHECK_FOR_INTERRUPTS();
	conditional.constants = leaf->marginal_predictive + (Size) term * leaf->predictive_size;
	if (pattern->nmissing == 0)
		memcpy(conditional.constants, leaf->predictive + (Size) term * leaf->predictive_size,
			   sizeof(double) * leaf->predictive_size);
	else
		leaf->kernel->missing->condition_predictive(leaf->dim, leaf->predictive + (Size) term * leaf->predictive_size,
													pattern, scorer->work, &conditional);
	return conditional;
}

/*
 * Writes the terms' constants for the columns that the row has.
 */
static void
PrepareMarginalPredictive(Scorer *scorer)
{
	for (int i = 0; i < scorer->nleaves; i++)
		for (int t = 0; t < (scorer->leaves[i].mixture ? scorer->nterms : 1); t++)
			(void) ConditionTerm(scorer, i, t);
	scorer->marginal_predictive_ready = true;
}

/*
 * Returns a log density, that of a row which is infinitely far where it is no
 * number: parts of the distance of a row near the largest numbers overflow.
 */
static double
NumberOrNone(double density)
{
	return unlikely(isnan(density)) ? -INFINITY : density;
}

/*
 * Returns the expected log density of a leaf under a candidate.
 */
static double
LeafScore(Scorer *scorer, int index, int candidate)
{
	const ScorerLeaf *leaf = &scorer->leaves[index];
	Size		offset = (Size) candidate * leaf->constants_size;

	if (likely(!scorer->lacking))
		return NumberOrNone(leaf->kernel->score_row(leaf->dim, leaf->constants + offset,
													scorer->row + leaf->first_column));
	if (scorer->patterns[index]->nobserved == 0)
		return 0.0;
	return NumberOrNone(leaf->kernel->score_row(scorer->patterns[index]->nobserved, leaf->marginals + offset,
												scorer->observed + leaf->first_column));
}

/*
 * Returns the log predictive density of a leaf in one term.
 */
static double
LeafDensity(Scorer *scorer, int index, int term)
{
	const ScorerLeaf *leaf = &scorer->leaves[index];
	Size		offset = (Size) term * leaf->predictive_size;

	if (likely(!scorer->lacking))
		return NumberOrNone(leaf->kernel->predictive_row(leaf->dim, leaf->predictive + offset,
														 scorer->row + leaf->first_column));
	if (scorer->patterns[index]->nobserved == 0)
		return 0.0;
	return NumberOrNone(leaf->kernel->predictive_row(scorer->patterns[index]->nobserved,
													 leaf->marginal_predictive + offset,
													 scorer->observed + leaf->first_column));
}

bool
ValuesAreValid(const Scorer *scorer, const double *x)
{
	for (int i = 0; i < scorer->nleaves; i++)
	{
		const ScorerLeaf *leaf = &scorer->leaves[i];

		for (int j = 0; j < leaf->ncolumns && !leaf->kernel->columns->any; j++)
			if (!isnan(x[leaf->first_column + j]) && !leaf->kernel->columns->valid(x[leaf->first_column + j]))
				return false;
	}
	return true;
}

/* Returns the kind of a column. */
static const ColumnKind *
KindOf(const Scorer *scorer, int column)
{
	int			leaf = scorer->nleaves - 1;

	while (scorer->leaves[leaf].first_column > column)
		leaf--;
	return scorer->leaves[leaf].kernel->columns;
}

void
RefuseValue(const Scorer *scorer, int column, double value)
{
	if (isfinite(value))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("column \"%s\" holds %g", scorer->columns[column], value),
				 errdetail("Its values are %s.", KindOf(scorer, column)->values)));
	ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					errmsg("column \"%s\" holds %s", scorer->columns[column],
						   isnan(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity"),
					errhint("Leave such rows out, or replace the value by NULL.")));
}

/*
 * Brings a row into the coordinates of the leaves.
 */
static void
CentreRow(Scorer *scorer, const double *x)
{
	scorer->lacking = false;
	for (int i = 0; i < scorer->nleaves; i++)
	{
		const ScorerLeaf *leaf = &scorer->leaves[i];

		for (int j = 0; j < leaf->ncolumns; j++)
		{
			int			column = leaf->first_column + j;

			if (unlikely(!isfinite(x[column])))
			{
				if (isinf(x[column]))
					RefuseValue(scorer, column, x[column]);
				scorer->lacking = true;
			}
			else if (unlikely(!leaf->kernel->columns->any) && !leaf->kernel->columns->valid(x[column]))
				RefuseValue(scorer, column, x[column]);
			scorer->row[column] = x[column] - leaf->centre[j];
		}
	}
	if (unlikely(scorer->lacking))
		ReadPatterns(scorer);
}

/*
 * Writes the expected log densities of a row under the candidates; leaves
 * that do not depend on the selector are the same for all and left out.
 */
static void
ScoreCandidates(Scorer *scorer, const double *x)
{
	CentreRow(scorer, x);
	if (unlikely(scorer->lacking && !scorer->marginals_ready))
		PrepareMarginals(scorer);
	memcpy(scorer->scores, scorer->log_weights, sizeof(double) * scorer->ncandidates);
	for (int i = 0; i < scorer->nleaves; i++)
	{
		if (!scorer->leaves[i].mixture)
			continue;
		for (int c = 0; c < scorer->ncandidates; c++)
			scorer->scores[c] += LeafScore(scorer, i, c);
	}
}

/*
 * Returns the index of the greatest number, the first one of equals.
 */
static int
Greatest(const double *values, int count)
{
	int			best = 0;

	for (int i = 1; i < count; i++)
		if (values[i] > values[best])
			best = i;
	return best;
}

/*
 * Returns the best candidate for a row, -1 if there is none.
 */
int
ScoreCandidate(Scorer *scorer, const double *x)
{
	if (scorer->ncandidates == 0)
		return -1;
	ScoreCandidates(scorer, x);
	return Greatest(scorer->scores, scorer->ncandidates);
}

/*
 * Returns the best component for a row, -1 if there is none.
 */
int
ScoreComponent(Scorer *scorer, const double *x)
{
	int			candidate = ScoreCandidate(scorer, x);

	return candidate < 0 ? -1 : scorer->components[candidate];
}

/*
 * Writes the probabilities of the candidates.  Where the row is so far out
 * that no density can be told from 0, the whole goes to the best one.
 */
void
ScoreProbabilities(Scorer *scorer, const double *x, double *probabilities)
{
	int			best = ScoreCandidate(scorer, x);
	double		sum = 0;

	for (int c = 0; c < scorer->ncandidates; c++)
	{
		double		difference = scorer->scores[c] - scorer->scores[best];

		probabilities[c] = c == best ? 1 : isnan(difference) ? 0 : exp(difference);
		sum += probabilities[c];
	}
	for (int c = 0; c < scorer->ncandidates; c++)
		probabilities[c] /= sum;
}

/*
 * Returns log sum exp, -Infinity for nothing.
 */
static double
LogSumExp(const double *values, int count)
{
	double		greatest = -INFINITY;
	double		sum = 0;

	for (int i = 0; i < count; i++)
		greatest = Max(greatest, values[i]);
	if (isinf(greatest))
		return greatest;
	for (int i = 0; i < count; i++)
		sum += exp(values[i] - greatest);
	return greatest + log(sum);
}

/*
 * Returns the log predictive density of a row.
 */
double
ScoreDensity(Scorer *scorer, const double *x)
{
	double		density = 0;

	CentreRow(scorer, x);
	if (unlikely(scorer->lacking && !scorer->marginal_predictive_ready))
		PrepareMarginalPredictive(scorer);
	memcpy(scorer->scores, scorer->term_log_weights, sizeof(double) * scorer->nterms);
	for (int i = 0; i < scorer->nleaves; i++)
	{
		if (!scorer->leaves[i].mixture)
		{
			density += LeafDensity(scorer, i, 0);
			continue;
		}
		for (int t = 0; t < scorer->nterms; t++)
			scorer->scores[t] += LeafDensity(scorer, i, t);
	}
	return NumberOrNone(density + LogSumExp(scorer->scores, scorer->nterms));
}
