/*
 * update.c
 *		Coordinate ascent on the globals, and the evidence lower bound.
 *
 * Each global gathers phi = phi(parents) + messages from its children (Winn &
 * Bishop 2005, eq. 21).  With q conjugate, and the pass having maximised over
 * the responsibilities, the ELBO is
 *
 *		sum_n log sum_k exp(score_kn) + sum_globals (phi_p - phi_q) . u + g_p - g_q
 *
 * where the terms of a global are minus its Kullback-Leibler divergence from
 * the prior (its parents' expectation).
 */
#include "postgres.h"

#include <math.h>

#include "engine/scales.h"
#include "engine/slots.h"
#include "engine/update.h"
#include "miscadmin.h"
#include "numerics/special.h"
#include "utils/memutils.h"

/*
 * Values are recorded with a resolution: x varies about the recorded value
 * with the leaf's noise, so x x^T has that much more on its diagonal.  Leaf
 * kernels add it wherever second moments of the rows are used.
 */

/* A component with fewer rows than this is nothing: its responsibilities underflowed */
#define VANISHED_ROWS 1e-20

/*
 * With less than this part of a row in a leaf a component is nothing there.  It may
 * be more than rounding, for it changes the bound by that part of what a row does;
 * but not much more, or the bound would fall when a component loses a leaf's rows.
 */
#define UNSEEN_ROWS 1e-6

/* How often an unsettled job updates its globals: each time costs no pass, and a shared scale gets ten times nearer */
#define SETTLING_UPDATES 20

double *
GlobalPhi(const NetworkPlan *plan, const double *state, int global, int plate)
{
	const PlanGlobal *g = &plan->globals[global];

	return (double *) state + g->offset + (Size) (g->plates == 1 ? 0 : plate) * PlateSize(g);
}

double *
GlobalMoments(const NetworkPlan *plan, const double *state, int global, int plate)
{
	return GlobalPhi(plan, state, global, plate) + plan->globals[global].size;
}

static double *
GlobalPartition(const NetworkPlan *plan, const double *state, int global, int plate)
{
	return GlobalPhi(plan, state, global, plate) + 2 * plan->globals[global].size;
}

const double *
ParamMoments(const NetworkPlan *plan, const double *state, const PlanParam *param, int plate)
{
	return param->global < 0 ? param->moments + plate * param->stride : GlobalMoments(plan, state, param->global, plate);
}

void
GatherParents(const Job *job, const Distribution *distribution, const PlanParam *params, int plate,
			  const double **parents)
{
	for (int p = 0; p < distribution->nparams; p++)
		parents[p] = ParamMoments(job->plan, job->state, &params[p], plate);
}

/*
 * True if rows of a live component have something of a leaf.  Where none of its
 * rows lacks the leaf, whether it is in use is a matter of the whole component.
 */
static bool
HasLeaf(const Job *job, const PlanLeaf *leaf, int index)
{
	const double *stats = JobStats(job, index);

	return stats[leaf->absent_offset] == 0.0
		|| leaf->kernel->rows(leaf->dim, stats + leaf->stats_offset) >= UNSEEN_ROWS * job->weight;
}

/* True if rows of a live component say anything of its plate of a global, by one of the leaves below it. */
static bool
IsSeen(const Job *job, const PlanGlobal *global, int index)
{
	bool		seen = false;

	for (int c = 0; c < global->nchildren && !seen; c++)
	{
		const PlanChild *child = &global->children[c];

		seen = child->kind == CHILD_SELECTOR
			|| (child->kind == CHILD_LEAF && HasLeaf(job, &job->plan->leaves[child->index], index))
			|| (child->kind == CHILD_GLOBAL && IsSeen(job, &job->plan->globals[child->index], index));
	}
	return seen;
}

/*
 * True if this plate of a global takes part: shared, or of a live component that
 * has rows in a leaf below it.  Others are integrated out: they stand at their
 * priors and send no messages.
 */
static bool
TakesPart(const Job *job, const PlanGlobal *global, int plate)
{
	if (global->plates == 1 || job->plan->components == 1)
		return true;
	for (int i = 0; i < job->nlive; i++)
		if (job->live[i] == plate)
			return IsSeen(job, global, i);
	return false;
}

/* True if all numbers are. */
static bool
AreFinite(const double *values, int n)
{
	for (int i = 0; i < n; i++)
		if (!isfinite(values[i]))
			return false;
	return true;
}

/* Computes the moments of one plate of a global from its natural parameters; false if they or its normaliser are no numbers. */
static bool
ComputeMoments(Job *job, int index, int plate)
{
	const PlanGlobal *global = &job->plan->globals[index];
	double	   *u = GlobalMoments(job->plan, job->state, index, plate);
	double	   *partition = GlobalPartition(job->plan, job->state, index, plate);

	CHECK_FOR_INTERRUPTS();
	return global->distribution->moments(global->dim, GlobalPhi(job->plan, job->state, index, plate), u, partition)
		&& isfinite(*partition) && AreFinite(u, global->size);
}

/* Sets one plate of a global to what its parents alone say. */
static bool
SetToPrior(Job *job, int index, int plate)
{
	const PlanGlobal *global = &job->plan->globals[index];
	const double *parents[MAX_PARAMS];

	GatherParents(job, global->distribution, global->params, plate, parents);
	if (!isfinite(global->distribution->log_partition(global->dim, parents)))
		return false;
	global->distribution->natural(global->dim, parents, GlobalPhi(job->plan, job->state, index, plate));
	return ComputeMoments(job, index, plate);
}

static void
ReportImproper(const Job *job, int index)
{
	ereport(ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg("the distribution of node \"%s\" is not proper",
					job->plan->network->nodes[job->plan->globals[index].node].name),
			 errdetail("Its parameters are %s.", job->plan->network->nodes[job->plan->globals[index].node].params_text),
			 errhint("A Wishart needs more degrees of freedom than columns minus one, and a precision that is not extreme for the scale of the data.")));
}

void
InitGlobals(Job *job)
{
	for (int i = 0; i < job->plan->nglobals; i++)
		for (int plate = 0; plate < job->plan->globals[i].plates; plate++)
			if (!SetToPrior(job, i, plate))
				ReportImproper(job, i);
}

void
SetComponentToPrior(Job *job, int component)
{
	for (int i = 0; i < job->plan->nglobals; i++)
		if (job->plan->globals[i].plates > 1)
			(void) SetToPrior(job, i, component);
}

void
ResetRetired(Job *job)
{
	for (int i = 0; i < job->plan->nglobals; i++)
		for (int plate = 0; plate < job->plan->globals[i].plates; plate++)
			if (!TakesPart(job, &job->plan->globals[i], plate))
				(void) SetToPrior(job, i, plate);
}

void
AddLeafMessage(const Job *job, const PlanLeaf *leaf, int param, int index, const double *stats, double *phi)
{
	const double *parents[MAX_PARAMS];

	GatherParents(job, leaf->distribution, leaf->params, job->live[index], parents);
	leaf->kernel->message(leaf->kernel, leaf->dim, param, parents, stats, leaf->noise, phi);
}

/* Adds the messages that a leaf sends to one plate of its parameter: from all components where the parameter is shared. */
static void
LeafMessages(const Job *job, const PlanGlobal *global, int plate, const PlanChild *child, double *phi)
{
	const PlanLeaf *leaf = &job->plan->leaves[child->index];

	for (int i = 0; i < job->nlive; i++)
		if (global->plates == 1 || job->live[i] == plate)
			AddLeafMessage(job, leaf, child->param, i, JobStats(job, i) + leaf->stats_offset, phi);
}

/* Adds the messages of a child that is a global itself; what does not take part sends none. */
static void
GlobalMessages(const Job *job, const PlanGlobal *global, int plate, const PlanChild *child, double *phi)
{
	const PlanGlobal *sender = &job->plan->globals[child->index];
	const double *parents[MAX_PARAMS];

	for (int k = 0; k < sender->plates; k++)
	{
		if ((global->plates > 1 && k != plate) || !TakesPart(job, sender, k))
			continue;
		GatherParents(job, sender->distribution, sender->params, k, parents);
		sender->distribution->message(sender->dim, child->param, parents,
									  GlobalMoments(job->plan, job->state, child->index, k), 1.0, phi);
	}
}

/* Each leaf knows them, those that have it and those that lack it; which differ by rounding. */
double
ComponentRows(const Job *job, int index)
{
	double		rows = 0.0;

	for (int l = 0; l < job->plan->nleaves; l++)
	{
		const PlanLeaf *leaf = &job->plan->leaves[l];
		const double *stats = JobStats(job, index);

		rows = Max(rows, leaf->kernel->rows(leaf->dim, stats + leaf->stats_offset) + stats[leaf->absent_offset]);
	}
	return rows;
}

int
UnusedComponents(const Job *job)
{
	int			unused = 0;

	for (int i = 0; i < job->nlive && !job->plan->network->settings.prune; i++)
		unused += ComponentRows(job, i) < job->weight && !StaysWithoutRows(job->plan, job->live[i]);
	return unused;
}

/* Adds the expected counts of the components, the selector's message to its probabilities. */
static void
SelectorMessages(const Job *job, double *phi)
{
	for (int i = 0; i < job->nlive; i++)
		phi[job->live[i]] += ComponentRows(job, i);
}

void
GatherNatural(const Job *job, int index, int plate, double *phi)
{
	const PlanGlobal *global = &job->plan->globals[index];
	const double *parents[MAX_PARAMS];

	GatherParents(job, global->distribution, global->params, plate, parents);
	global->distribution->natural(global->dim, parents, phi);
	for (int c = 0; c < global->nchildren; c++)
	{
		const PlanChild *child = &global->children[c];

		if (child->kind == CHILD_LEAF)
			LeafMessages(job, global, plate, child, phi);
		else if (child->kind == CHILD_GLOBAL)
			GlobalMessages(job, global, plate, child, phi);
		else
			SelectorMessages(job, phi);
	}
}

/* Updates one plate of a global; false if the result is not proper. */
static bool
UpdatePlate(Job *job, int index, int plate)
{
	GatherNatural(job, index, plate, GlobalPhi(job->plan, job->state, index, plate));
	return ComputeMoments(job, index, plate);
}

/* True if the global says where the leaf's values lie: its first parameter. */
static bool
IsLocation(const PlanGlobal *global, const PlanChild *child)
{
	return child->kind == CHILD_LEAF && global->units == UNITS_VALUE;
}

/* Puts the locations of a component where its statistics are, then fits its other globals to that. */
static bool
PrimeComponent(Job *job, int index)
{
	const NetworkPlan *plan = job->plan;
	int			plate = job->live[index];
	bool		proper = true;

	for (int i = 0; i < plan->nglobals; i++)
	{
		const PlanGlobal *global = &plan->globals[i];

		for (int c = 0; c < global->nchildren && global->plates > 1; c++)
		{
			const PlanLeaf *leaf = &plan->leaves[global->children[c].index];
			const double *stats = JobStats(job, index) + leaf->stats_offset;
			double	   *mean;

			if (!IsLocation(global, &global->children[c]) || !(leaf->kernel->rows(leaf->dim, stats) > 0.0))
				continue;
			mean = palloc(sizeof(double) * leaf->dim);
			global->distribution->mean(global->dim, GlobalPhi(plan, job->state, i, plate),
									   GlobalMoments(plan, job->state, i, plate), mean);
			leaf->kernel->search->centre(leaf->dim, stats, mean);
			global->distribution->fixed(global->dim, mean, GlobalMoments(plan, job->state, i, plate));
			pfree(mean);
		}
	}
	for (int o = 0; o < plan->nglobals && proper; o++)
	{
		int			i = plan->update_order[o];

		if (plan->globals[i].plates > 1 && plan->globals[i].units != UNITS_VALUE)
			proper = UpdatePlate(job, i, plate);
	}
	job->fresh[index] = false;
	return proper;
}

/*
 * Retires a component whose posterior cannot be computed (rows so close to a
 * line that its covariance has no inverse within rounding), instead of giving
 * up the whole inference.
 */
static void
RetireImproper(Job *job, int index, int plate)
{
	if (job->plan->components == 1 || job->nlive == 1 || job->plan->globals[index].plates == 1)
		ReportImproper(job, index);
	for (int i = 0; i < job->nlive; i++)
		if (job->live[i] == plate)
		{
			RetireComponent(job, i);
			break;
		}
	ereport(DEBUG1,
			(errmsg_internal("bnai: component %d was retired: the posterior of node \"%s\" is not proper", plate,
							 job->plan->network->nodes[job->plan->globals[index].node].name)));
}

/*
 * Fewest rows of a component that may live: any on all rows.  On a sample a
 * few rows that count for many look like a dense cluster, so it takes more of
 * them than there are dimensions.
 */
static double
FewestRows(const Job *job)
{
	return job->weight == 1.0 ? VANISHED_ROWS : (job->plan->rank + 1.5) * job->weight;
}

/* Retires components that no row comes from; one whose prior says where it lies waits for rows that may come. */
static void
RetireVanished(Job *job)
{
	double		fewest = FewestRows(job);

	for (int i = job->nlive - 1; i >= 0 && job->nlive > 1; i--)
		if (ComponentRows(job, i) < fewest && (job->fresh[i] || !StaysWithoutRows(job->plan, job->live[i])))
			RetireComponent(job, i);
}

/* Updates all globals once. */
static void
UpdateOnce(Job *job)
{
	const NetworkPlan *plan = job->plan;

	for (int o = 0; o < plan->nglobals; o++)
	{
		int			index = plan->update_order[o];

		for (int plate = 0; plate < plan->globals[index].plates; plate++)
		{
			if (!TakesPart(job, &plan->globals[index], plate))
				continue;
			BalanceScales(job, index, plate);
			if (!UpdatePlate(job, index, plate))
				RetireImproper(job, index, plate);
		}
	}
}

/* Sets what no row of a live component says anything of to its prior, as its parents are now. */
static void
ResetUnseen(Job *job)
{
	const NetworkPlan *plan = job->plan;

	for (int i = 0; i < plan->nglobals; i++)
		for (int k = 0; k < job->nlive && plan->globals[i].plates > 1; k++)
			if (!IsSeen(job, &plan->globals[i], k))
				(void) SetToPrior(job, i, job->live[k]);
}

void
UpdateGlobals(Job *job)
{
	int			updates = job->plan->hierarchical && job->unsettled ? SETTLING_UPDATES : 1;

	if (job->plan->components > 1 && job->plan->network->settings.prune)
		RetireVanished(job);
	if (job->plan->twins != NULL)
		PlaceComponents(job);
	for (int i = 0; i < job->nlive; i++)
		if (job->fresh[i])
			(void) PrimeComponent(job, i);
	for (int i = 0; i < updates; i++)
		UpdateOnce(job);
	ResetUnseen(job);
	job->unsettled = false;
}

/* Computes the constants of one leaf and component, false if they are not proper. */
static bool
PrepareLeaf(const Job *job, const PlanLeaf *leaf, int index)
{
	const double *parents[MAX_PARAMS];

	GatherParents(job, leaf->distribution, leaf->params, job->live[index], parents);
	return leaf->kernel->prepare(leaf->dim, parents, leaf->noise, JobConstants(job, index) + leaf->constants_offset);
}

/* Computes the constants of one component; false if they are not proper. */
static bool
PrepareComponent(Job *job, int index)
{
	const NetworkPlan *plan = job->plan;
	bool		proper = true;

	JobConstants(job, index)[0] = plan->selector < 0 ? 0.0
		: ParamMoments(plan, job->state, &plan->weights, 0)[job->live[index]];
	CHECK_FOR_INTERRUPTS();
	for (int l = 0; l < plan->nleaves; l++)
		proper &= PrepareLeaf(job, &plan->leaves[l], index);
	return proper && AreFinite(JobConstants(job, index), plan->constants_size);
}

void
PrepareJob(Job *job)
{
	for (int i = 0; i < job->nlive; i++)
	{
		if (PrepareComponent(job, i))
			continue;
		if (job->nlive == 1)
			ereport(ERROR,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("the expected precision of node \"%s\" is not positive definite within rounding",
							job->plan->network->nodes[job->plan->leaves[0].node].name),
					 errhint("The columns may depend on each other linearly, or the priors be extreme for their scale.")));
		RetireComponent(job, i--);
	}
}

/* Writes the moments of a fixed parameter that has the mean or the variances of all rows; NULL for any other one. */
static double *
DataParent(const RowStore *rows, const PlanLeaf *leaf, const ParamSpec *spec)
{
	int			dim = leaf->dim;
	double		variances = 0.0;
	double	   *value;
	double	   *moments;

	if (spec->family == NULL || (spec->role != ROLE_LOCATION && spec->role != ROLE_PRECISION))
		return NULL;
	value = palloc0(sizeof(double) * ShapeSize(spec->shape, dim));
	for (int j = 0; j < dim; j++)
	{
		int			column = leaf->columns[j];
		double		variance = rows->variance[column];

		if (!(variance > 1e-12))
			variance = 1.0;
		variances += variance;
		if (spec->role == ROLE_LOCATION)
			value[spec->shape == SHAPE_SCALAR ? 0 : j] = rows->mean[column];
		else if (spec->shape == SHAPE_SCALAR)
			value[0] = (j + 1) / variances;
		else
			value[spec->shape == SHAPE_MATRIX ? j * (dim + 1) : j] = 1.0 / variance;
	}
	moments = palloc(sizeof(double) * spec->family->size(dim));
	spec->family->fixed(dim, value, moments);
	pfree(value);
	return moments;
}

void
PrepareFromData(Job *job)
{
	for (int l = 0; l < job->plan->nleaves; l++)
	{
		const PlanLeaf *leaf = &job->plan->leaves[l];
		const double *parents[MAX_PARAMS];
		double	   *data[MAX_PARAMS];

		for (int p = 0; p < leaf->distribution->nparams; p++)
			data[p] = DataParent(job->rows, leaf, &leaf->distribution->params[p]);
		for (int k = 0; k < job->nlive; k++)
		{
			CHECK_FOR_INTERRUPTS();
			GatherParents(job, leaf->distribution, leaf->params, job->live[k], parents);
			for (int p = 0; p < leaf->distribution->nparams; p++)
				if (data[p] != NULL)
					parents[p] = data[p];
			if (!leaf->kernel->prepare(leaf->dim, parents, NULL, JobConstants(job, k) + leaf->constants_offset))
				elog(ERROR, "variances of the rows are not proper");
		}
		for (int p = 0; p < leaf->distribution->nparams; p++)
			if (data[p] != NULL)
				pfree(data[p]);
	}
}

void
PrepareForLabels(Job *job)
{
	for (int l = 0; l < job->plan->nleaves; l++)
		memset(job->plan->leaves[l].noise, 0, sizeof(double) * job->plan->leaves[l].dim);
	PrepareJob(job);
}

/*
 * Returns minus the Kullback-Leibler divergence of one plate of a global from what its parents expect;
 * adds the sizes of the numbers that it is the difference of to *terms.
 */
static double
GlobalTerm(const Job *job, int index, int plate, double *terms)
{
	const PlanGlobal *global = &job->plan->globals[index];
	const double *phi = GlobalPhi(job->plan, job->state, index, plate);
	const double *u = GlobalMoments(job->plan, job->state, index, plate);
	const double *parents[MAX_PARAMS];
	double	   *prior = palloc(sizeof(double) * global->size);
	double		partition;
	double		term;

	CHECK_FOR_INTERRUPTS();
	GatherParents(job, global->distribution, global->params, plate, parents);
	global->distribution->natural(global->dim, parents, prior);
	partition = global->distribution->log_partition(global->dim, parents);
	term = partition - *GlobalPartition(job->plan, job->state, index, plate);
	*terms += fabs(partition) + fabs(*GlobalPartition(job->plan, job->state, index, plate));
	for (int i = 0; i < global->size; i++)
	{
		term += (prior[i] - phi[i]) * u[i];
		*terms += (fabs(prior[i]) + fabs(phi[i])) * fabs(u[i]);
	}
	pfree(prior);
	return term;
}

/* Returns how many numbers of a leaf's parameters a component has for itself. */
static double
LeafParameters(const NetworkPlan *plan, const PlanLeaf *leaf)
{
	double		n = 0.0;

	for (int p = 0; p < leaf->distribution->nparams; p++)
	{
		ValueShape	shape = leaf->distribution->params[p].shape;

		if (leaf->params[p].global >= 0 && plan->globals[leaf->params[p].global].plates > 1)
			n += shape == SHAPE_MATRIX ? 0.5 * leaf->dim * (leaf->dim + 1) : ShapeSize(shape, leaf->dim);
	}
	return n;
}

double
ComponentCost(const Job *job)
{
	const NetworkPlan *plan = job->plan;
	double		cost = 0.0;
	double		parameters = 0.0;
	double		terms = 0.0;

	for (int l = 0; l < plan->nleaves; l++)
		parameters += LeafParameters(plan, &plan->leaves[l]);
	for (int i = 0; i < plan->nglobals; i++)
		for (int k = 0; k < job->nlive && plan->globals[i].plates > 1; k++)
			cost -= GlobalTerm(job, i, job->live[k], &terms);
	return cost / (job->nlive * Max(parameters, 1.0));
}

/* How often ComponentBound updates the globals of a component: more changes the ranking no more */
#define BOUND_UPDATES 2

/* Returns the expected log density of a component's rows, but for its constant per row. */
static double
LeafTerm(const Job *job, const PlanLeaf *leaf, int index)
{
	const double *parents[MAX_PARAMS];

	GatherParents(job, leaf->distribution, leaf->params, job->live[index], parents);
	return leaf->kernel->density(leaf->kernel, leaf->dim, parents, JobStats(job, index) + leaf->stats_offset, leaf->noise);
}

/* Returns what the rows of a component add through its probability, with the Dirichlet integrated out. */
static double
WeightTerm(const Job *job, int plate, double rows)
{
	const NetworkPlan *plan = job->plan;
	const PlanGlobal *global;
	double		concentration;

	if (plan->weights.global < 0)
		return rows * plan->weights.moments[plate];
	global = &plan->globals[plan->weights.global];
	concentration = ParamMoments(plan, job->state, &global->params[0], 0)[plate];
	return LogGamma(concentration + rows) - LogGamma(concentration);
}

double
ComponentBound(Job *scratch, int component, const double *stats)
{
	const NetworkPlan *plan = scratch->plan;
	int			plate = component;
	double		terms = 0.0;
	double		bound;

	scratch->nlive = 1;
	scratch->live[0] = component;
	memcpy(JobStats(scratch, 0), stats, sizeof(double) * plan->stats_size);
	if (!PrimeComponent(scratch, 0))
		return -INFINITY;
	for (int update = 0; update < BOUND_UPDATES; update++)
		for (int o = 0; o < plan->nglobals; o++)
			if (plan->globals[plan->update_order[o]].plates > 1
				&& !UpdatePlate(scratch, plan->update_order[o], plate))
				return -INFINITY;
	bound = WeightTerm(scratch, plate, ComponentRows(scratch, 0));
	for (int l = 0; l < plan->nleaves; l++)
		bound += LeafTerm(scratch, &plan->leaves[l], 0);
	for (int i = 0; i < plan->nglobals; i++)
		if (plan->globals[i].plates > 1)
			bound += GlobalTerm(scratch, i, plate, &terms);
	return bound;
}

/* Returns the log determinant of the change to the frame, for all values of all rows. */
static double
LogScale(const Job *job)
{
	const RowStore *rows = job->rows;
	double		sum = 0.0;

	for (int l = 0; l < job->plan->nleaves; l++)
		for (int j = 0; j < job->plan->leaves[l].dim; j++)
		{
			int			column = job->plan->leaves[l].columns[j];
			double		missing = rows->missing ? rows->missing[column] / rows->total : 0.0;

			sum -= log(job->plan->leaves[l].frame.scale[j]) * (1.0 - missing);
		}
	return sum * rows->total * job->weight;
}

void
ComputeElbo(Job *job)
{
	double		elbo = job->log_normaliser + LogScale(job);

	job->terms = fabs(job->log_normaliser);

	for (int i = 0; i < job->plan->nglobals; i++)
		for (int plate = 0; plate < job->plan->globals[i].plates; plate++)
			if (TakesPart(job, &job->plan->globals[i], plate))
				elbo += GlobalTerm(job, i, plate, &job->terms);
	job->elbo = isfinite(elbo) ? elbo : -INFINITY;
}
