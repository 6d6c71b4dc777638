/*
 * scales.c
 *		Rows' scales and the precision that they share a size with, moved together.
 *
 * The rows of a Student-t see only the product of their scales u and of the
 * precision Lambda.  Updated one after the other the two exchange a factor so
 * slowly, in many columns, that it takes a thousand sweeps (see priors.md).
 * So before Lambda is updated the scales of all rows that it is the precision
 * of are multiplied by an s that makes the bound greater with q(Lambda) at its
 * best.  The bound is
 *
 *		rise log s - fall s + log Z(phi + (s - 1) m)
 *
 * with the sums of LeafScales, m the message of the rows to Lambda but
 * for the part of log|Lambda|, and Z the normaliser of q(Lambda).  It is concave
 * in log s, for log Z is like -a log|B + s M|, M positive semidefinite.  Where
 * sweeps end is the same (the idea of Liu, Rubin & Wu 1998, "Parameter expansion
 * to accelerate EM"; of Qi & Jaakkola 2007, "Parameter expanded variational
 * Bayesian methods").
 */
#include "postgres.h"

#include <math.h>

#include "engine/scales.h"
#include "engine/update.h"

/* What is less to gain than so many nats is left to the updates */
#define LEAST_GAIN 1e-4

/* Halvings of a step that goes too far */
#define MOST_HALVINGS 12

typedef struct Balance
{
	const PlanGlobal *precision;
	double		rise;
	double		fall;
	double	   *natural;		/* of the precision, at s = 1 */
	double	   *message;		/* m */
	double	   *phi;			/* work */
	double	   *moments;		/* work */
} Balance;

/* Returns the derivative of the bound by log s; 0, which moves nothing, where the precision is not proper. */
static double
Slope(const Balance *balance, double log_s)
{
	const PlanGlobal *precision = balance->precision;
	double		s = exp(log_s);
	double		expected = 0.0;
	double		partition;

	for (int i = 0; i < precision->size; i++)
		balance->phi[i] = balance->natural[i] + (s - 1.0) * balance->message[i];
	if (!precision->distribution->moments(precision->dim, balance->phi, balance->moments, &partition))
		return 0.0;
	for (int i = 0; i < precision->size; i++)
		expected += balance->moments[i] * balance->message[i];
	return balance->rise - s * balance->fall + s * expected;
}

/*
 * Returns a log s that is between 0 and the best one, so that the bound gains:
 * Newton's step, which goes too far where the precision resists, halved until
 * the slope there is what it is at 0.
 */
static double
BetterLogScale(const Balance *balance)
{
	double		slope = Slope(balance, 0.0);
	double		log_s;

	if (!(balance->fall > 0.0) || !(slope * slope > LEAST_GAIN * balance->fall))
		return 0.0;
	log_s = Max(-1.0, Min(1.0, slope / balance->fall));
	for (int i = 0; i < MOST_HALVINGS; i++)
	{
		if (Slope(balance, log_s) * slope > 0.0)
			return log_s;
		log_s *= 0.5;
	}
	return 0.0;
}

/* Rows of one component whose scales stand beside a precision */
typedef struct Sender
{
	const PlanLeaf *leaf;
	int			param;			/* the precision, among the leaf's parameters */
	int			index;			/* of the component, among the live ones */
	double	   *stats;
} Sender;

/* Lists who sends messages to this plate of a global as the precision of rows with scales; returns how many do. */
static int
FindSenders(const Job *job, const PlanGlobal *global, int plate, Sender **senders)
{
	int			n = 0;

	for (int c = 0; c < global->nchildren; c++)
	{
		const PlanChild *child = &global->children[c];
		const PlanLeaf *leaf;

		if (child->kind != CHILD_LEAF)
			continue;
		leaf = &job->plan->leaves[child->index];
		if (!leaf->kernel->scales->present || leaf->distribution->params[child->param].role != ROLE_PRECISION)
			continue;
		if (n == 0)
			*senders = palloc(sizeof(Sender) * global->nchildren * job->nlive);
		for (int i = 0; i < job->nlive; i++)
			if (global->plates == 1 || job->live[i] == plate)
				(*senders)[n++] = (Sender) {leaf, child->param, i, JobStats(job, i) + leaf->stats_offset};
	}
	return n;
}

/* Adds a sender's rise and fall; true if sweeps alone are slow. */
static bool
AddScales(const Job *job, const Sender *sender, Balance *balance)
{
	const PlanLeaf *leaf = sender->leaf;
	const double *parents[MAX_PARAMS];

	GatherParents(job, leaf->distribution, leaf->params, job->live[sender->index], parents);
	return leaf->kernel->scales->balance(leaf->dim, parents, sender->stats, &balance->rise, &balance->fall);
}

/* Adds what of a sender's message goes with s: as it is linear, what doubling adds. */
static void
AddMessage(const Job *job, const Sender *sender, Balance *balance)
{
	const PlanLeaf *leaf = sender->leaf;
	int			size = balance->precision->size;
	int			nstats = leaf->kernel->stats_size(leaf->dim);
	double	   *message = palloc0(sizeof(double) * (size + nstats));
	double	   *twice = message + size;

	AddLeafMessage(job, leaf, sender->param, sender->index, sender->stats, message);
	for (int i = 0; i < size; i++)
		balance->message[i] -= message[i];
	memcpy(twice, sender->stats, sizeof(double) * nstats);
	leaf->kernel->scales->rescale(leaf->dim, 2.0, twice);
	AddLeafMessage(job, leaf, sender->param, sender->index, twice, balance->message);
	pfree(message);
}

void
BalanceScales(Job *job, int global, int plate)
{
	const PlanGlobal *precision = &job->plan->globals[global];
	Balance		balance = {.precision = precision};
	Sender	   *senders = NULL;
	int			n = FindSenders(job, precision, plate, &senders);
	bool		slow = false;

	for (int i = 0; i < n; i++)
		slow |= AddScales(job, &senders[i], &balance);
	if (slow)
	{
		double	   *work = palloc0(sizeof(double) * precision->size * 4);
		double		log_s;

		balance.message = work;
		balance.natural = work + precision->size;
		balance.phi = work + 2 * precision->size;
		balance.moments = work + 3 * precision->size;
		for (int i = 0; i < n; i++)
			AddMessage(job, &senders[i], &balance);
		GatherNatural(job, global, plate, balance.natural);
		log_s = BetterLogScale(&balance);
		for (int i = 0; i < n && log_s != 0.0; i++)
			senders[i].leaf->kernel->scales->rescale(senders[i].leaf->dim, exp(log_s), senders[i].stats);
		pfree(work);
	}
	if (senders != NULL)
		pfree(senders);
}
