/*
 * scales.c
 *		Rows' scales and the precision that they share a size with, moved together.
 *
 * The rows of a Student-t see only the product of their scales u and of the
 * precision Lambda.  Updated one after the other the two exchange a factor so
 * slowly, in many columns, that it takes a thousand sweeps (see priors.md).
 * So before Lambda is updated the scales of all rows of a component are
 * multiplied by the s for which the bound is greatest with q(Lambda) at its
 * best.  It is
 *
 *		rise log s - fall s + log Z(phi + (s - 1) m)
 *
 * with the numbers of LeafKernel.scales, m the message of the rows to Lambda
 * but for the part of log|Lambda|, and Z the normaliser of q(Lambda), and
 * concave in log s.  The bound cannot fall, and where it ends is the same (the idea
 * of Liu, Rubin & Wu 1998, "Parameter expansion to accelerate EM"; of Qi &
 * Jaakkola 2007, "Parameter expanded variational Bayesian methods").
 */
#include "postgres.h"

#include <math.h>

#include "engine/scales.h"
#include "engine/update.h"

/* What is less to gain than so many nats is left to the updates */
#define LEAST_GAIN 1e-4

/* Steps of the search for s; it stops where the slope is a hundredth of the first one */
#define MOST_STEPS 8
#define FLAT 0.01

typedef struct Balance
{
	const PlanGlobal *precision;
	double		rise;
	double		fall;
	const double *natural;		/* of the precision, at s = 1 */
	const double *message;		/* m */
	double	   *phi;			/* work */
	double	   *moments;		/* work */
} Balance;

/* Returns the derivative of the bound by log s; false where the precision is not proper. */
static bool
Slope(const Balance *balance, double log_s, double *slope)
{
	double		s = exp(log_s);
	double		expected = 0.0;
	double		partition;

	for (int i = 0; i < balance->precision->size; i++)
		balance->phi[i] = balance->natural[i] + (s - 1.0) * balance->message[i];
	if (!balance->precision->distribution->moments(balance->precision->dim, balance->phi, balance->moments, &partition))
		return false;
	for (int i = 0; i < balance->precision->size; i++)
		expected += balance->moments[i] * balance->message[i];
	*slope = balance->rise - s * balance->fall + s * expected;
	return true;
}

/*
 * Returns a log s that is between 0 and the best one, so that the bound gains,
 * and near it: by Newton's rule, which goes too far where the precision
 * resists, and then by chords, which the Illinois rule (Dowell & Jarratt 1971)
 * keeps from ending on the far side again and again.
 */
static double
BestLogScale(const Balance *balance)
{
	double		low = 0.0;
	double		high;
	double		first;
	double		slope_low;
	double		slope_high;
	double		weight = 1.0;
	double		reached;

	if (!(balance->fall > 0.0) || !Slope(balance, 0.0, &first) || !(first * first > LEAST_GAIN * balance->fall))
		return 0.0;
	slope_low = reached = first;
	high = first > 0.0 ? Min(first / balance->fall, 1.0) : Max(first / balance->fall, -1.0);
	for (int step = 0; step < MOST_STEPS && fabs(reached) > FLAT * fabs(first) && Slope(balance, high, &slope_high); step++)
	{
		double		chord = (high - low) * weight * slope_low / (weight * slope_low - slope_high);

		if ((slope_high > 0.0) == (first > 0.0))
		{
			/* not far enough: the chord points on, but not farther than twice as much again */
			double		step_on = chord - (high - low);
			double		most = 2.0 * (high - low);

			low = high;
			slope_low = reached = slope_high;
			weight = 1.0;
			high += step_on * first > 0.0 && fabs(step_on) < fabs(most) ? step_on : most;
		}
		else
		{
			high = low + chord;
			weight *= 0.5;
		}
	}
	return low;
}

/* Multiplies the scales of the rows of one component (index among the live ones), of which `param` is the precision. */
static void
BalanceComponent(Job *job, int global, int plate, const PlanLeaf *leaf, int param, int index, double *work)
{
	int			size = job->plan->globals[global].size;
	double	   *natural = work;
	double	   *message = work + size;
	double	   *stats = JobStats(job, index) + leaf->stats_offset;
	Balance		balance = {.precision = &job->plan->globals[global], .natural = natural, .message = message,
		.phi = work + 2 * size, .moments = work + 3 * size};
	double	   *twice = work + 4 * size;
	const double *parents[MAX_PARAMS];
	double		log_s;

	GatherParents(job, leaf->distribution, leaf->params, job->live[index], parents);
	if (!leaf->kernel->scales(leaf->dim, parents, stats, &balance.rise, &balance.fall))
		return;
	GatherNatural(job, global, plate, natural);

	/* the message is linear in s: what doubling adds */
	memcpy(twice, stats, sizeof(double) * leaf->kernel->stats_size(leaf->dim));
	leaf->kernel->rescale(leaf->dim, 2.0, twice);
	memset(message, 0, sizeof(double) * size);
	AddLeafMessage(job, leaf, param, index, stats, message);
	for (int i = 0; i < size; i++)
		message[i] = -message[i];
	AddLeafMessage(job, leaf, param, index, twice, message);

	log_s = BestLogScale(&balance);
	if (log_s != 0.0)
		leaf->kernel->rescale(leaf->dim, exp(log_s), stats);
}

void
BalanceScales(Job *job, int global, int plate)
{
	const PlanGlobal *precision = &job->plan->globals[global];

	for (int c = 0; c < precision->nchildren; c++)
	{
		const PlanChild *child = &precision->children[c];
		const PlanLeaf *leaf = &job->plan->leaves[child->kind == CHILD_LEAF ? child->index : 0];
		double	   *work;

		if (child->kind != CHILD_LEAF || leaf->kernel->scales == NULL
			|| leaf->distribution->params[child->param].role != ROLE_PRECISION)
			continue;
		work = palloc(sizeof(double) * (4 * precision->size + leaf->kernel->stats_size(leaf->dim)));
		for (int i = 0; i < job->nlive; i++)
			if (precision->plates == 1 || job->live[i] == plate)
				BalanceComponent(job, global, plate, leaf, child->param, i, work);
		pfree(work);
	}
}
