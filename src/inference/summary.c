/*
 * summary.c
 *		Job -> posterior, and back.
 */
#include "postgres.h"

#include <math.h>

#include "engine/pass.h"
#include "engine/slots.h"
#include "engine/update.h"
#include "inference/densities.h"
#include "inference/summary.h"
#include "posterior/labels.h"
#include "storage/shmem.h"

/* Takes the rounding errors from matrices in which both halves were computed: a posterior is read back only if they agree. */
static void
MakeSymmetric(const Distribution *distribution, int dim, double *params)
{
	for (int p = 0; p < distribution->nparams; p++)
	{
		ValueShape	shape = distribution->params[p].shape;

		for (int i = 0; i < dim && shape == SHAPE_MATRIX; i++)
			for (int j = 0; j < i; j++)
				params[i * dim + j] = params[j * dim + i];
		params += ShapeSize(shape, dim);
	}
}

/* Writes the q of one global, plate by plate, in the user's units. */
static void
SummariseGlobal(const NetworkPlan *plan, const Job *job, int index, PosteriorNode *node)
{
	const PlanGlobal *global = &plan->globals[index];
	int			size = ParamsSize(global->distribution, global->dim);

	node->name = plan->network->nodes[global->node].name;
	node->distribution = global->distribution;
	node->plates = global->plates;
	node->dim = global->dim;
	node->params = palloc(sizeof(double) * size * global->plates);
	for (int plate = 0; plate < global->plates; plate++)
	{
		double	   *params = node->params + (Size) size * plate;

		global->distribution->parameters(global->dim, GlobalPhi(plan, job->state, index, plate), params);
		ParamsFromFrame(&global->frame, global->units, global->distribution, params);
		MakeSymmetric(global->distribution, global->dim, params);
	}
}

/* Writes a parameter: the node's index in the posterior, or the constant in the user's units. */
static PosteriorParam
SummariseParam(const NetworkPlan *plan, const int *node_of, const PlanParam *param, const ParamSpec *spec,
			   const NodeParam *source, const Frame *frame, Units units, int dim)
{
	PosteriorParam result = {.node = -1, .shape = spec->shape};
	int			size = ShapeSize(spec->shape, dim);

	if (param->global >= 0)
	{
		result.node = node_of[param->global];
		return result;
	}
	result.values = palloc(sizeof(double) * size);
	if (source->kind == PARAM_CONSTANT)
		memcpy(result.values, source->values, sizeof(double) * size);
	else
	{
		/* the moments of a fixed value begin with the value */
		memcpy(result.values, param->moments, sizeof(double) * size);
		FromFrame(frame, units, spec->shape, result.values);
	}
	return result;
}

static void
SummariseLeaf(const NetworkPlan *plan, const int *node_of, const PlanLeaf *leaf, PosteriorLeaf *summary)
{
	const NetworkNode *node = &plan->network->nodes[leaf->node];

	summary->name = node->name;
	summary->distribution = leaf->distribution;
	summary->mixture = node->selector >= 0;
	summary->dim = leaf->dim;
	summary->columns = node->columns;
	for (int p = 0; p < leaf->distribution->nparams; p++)
	{
		const ParamSpec *spec = &leaf->distribution->params[p];

		summary->params[p] = SummariseParam(plan, node_of, &leaf->params[p], spec, &node->params[p], &leaf->frame,
											ParamUnits(UNITS_VALUE, spec->role), leaf->dim);
	}
}

/* Returns a sum of weights as a number of rows: rounded, but not to 0. */
static int64
RowCount(double weight)
{
	return weight > 0.0 ? Max(1, (int64) rint(weight)) : 0;
}

static void
SummariseClusters(const NetworkPlan *plan, const Job *job, const double *best, Posterior *posterior)
{
	posterior->clusters = palloc0(sizeof(PosteriorCluster) * plan->components);
	for (int i = 0; i < job->nlive; i++)
	{
		PosteriorCluster *cluster = &posterior->clusters[job->live[i]];

		cluster->live = true;
		cluster->size = RowCount(best[job->live[i]]);
		cluster->count = ComponentRows(job, i);
	}
}

/* Describes what was fitted, without labels. */
static Posterior *
DescribeFit(const NetworkPlan *plan, const Fit *fit, const double *best)
{
	const Network *network = plan->network;
	Posterior  *posterior = palloc0(sizeof(Posterior));
	int		   *node_of = palloc(sizeof(int) * (plan->nglobals + 1));

	posterior->type = network->type;
	posterior->marginalize = plan->missing == MISSING_MARGINALIZE;
	posterior->rows = RowCount(fit->job->rows->total);
	posterior->elbo = fit->job->elbo;
	posterior->nodes = palloc0(sizeof(PosteriorNode) * (plan->nglobals + 1));
	for (int n = 0; n < network->nnodes; n++)
		for (int i = 0; i < plan->nglobals; i++)
			if (plan->globals[i].node == n)
			{
				node_of[i] = posterior->nnodes;
				SummariseGlobal(plan, fit->job, i, &posterior->nodes[posterior->nnodes++]);
			}
	posterior->nleaves = plan->nleaves;
	posterior->leaves = palloc0(sizeof(PosteriorLeaf) * (plan->nleaves + 1));
	for (int l = 0; l < plan->nleaves; l++)
		SummariseLeaf(plan, node_of, &plan->leaves[l], &posterior->leaves[l]);
	posterior->components = plan->components;
	if (plan->selector >= 0)
	{
		const NetworkNode *selector = &network->nodes[plan->selector];

		posterior->selector = selector->name;
		posterior->weights = SummariseParam(plan, node_of, &plan->weights, &selector->distribution->params[0],
											&selector->params[0], NULL, UNITS_NONE, plan->components);
	}
	SummariseClusters(plan, fit->job, best, posterior);
	return posterior;
}

/* Returns the index of the posterior's node for a global, if it is of the same kind; else -1. */
static int
SameNode(const NetworkPlan *plan, const PlanGlobal *global, const Posterior *posterior)
{
	int			index = PosteriorNodeIndex(posterior, plan->network->nodes[global->node].name);
	const PosteriorNode *node = &posterior->nodes[Max(index, 0)];

	return index >= 0 && node->distribution == global->distribution && node->plates == global->plates
		&& node->dim == global->dim ? index : -1;
}

bool
PosteriorFits(const NetworkPlan *plan, const Posterior *posterior)
{
	if (posterior->components != plan->components || posterior->nleaves != plan->nleaves)
		return false;

	/* it may have nodes besides: parameters of these, for which numbers have been put since */
	for (int i = 0; i < plan->nglobals; i++)
		if (SameNode(plan, &plan->globals[i], posterior) < 0)
			return false;
	for (int l = 0; l < plan->nleaves; l++)
	{
		const PlanLeaf *leaf = &plan->leaves[l];

		/* a node's columns change only with the runs, but for their names */
		if (leaf->distribution != posterior->leaves[l].distribution || leaf->dim != posterior->leaves[l].dim ||
			strcmp(plan->network->nodes[leaf->node].name, posterior->leaves[l].name) != 0)
			return false;
	}
	return true;
}

/* Sets one plate of a global to a distribution given by its usual parameters. */
static void
SetGlobal(const NetworkPlan *plan, Job *job, int index, int plate, const double *params)
{
	const PlanGlobal *global = &plan->globals[index];
	const Distribution *distribution = global->distribution;
	double	   *phi = GlobalPhi(plan, job->state, index, plate);
	double	   *values = palloc(sizeof(double) * ParamsSize(distribution, global->dim));
	const double *parents[MAX_PARAMS];
	const double *value = values;

	memcpy(values, params, sizeof(double) * ParamsSize(distribution, global->dim));
	ParamsToFrame(&global->frame, global->units, distribution, values);
	for (int p = 0; p < distribution->nparams; p++)
	{
		const ParamSpec *spec = &distribution->params[p];
		double	   *moments = palloc(sizeof(double) * ParamMomentsSize(spec, global->dim));

		FixedMoments(spec, global->dim, value, moments);
		parents[p] = moments;
		value += ShapeSize(spec->shape, global->dim);
	}
	distribution->natural(global->dim, parents, phi);
	if (!distribution->moments(global->dim, phi, phi + global->size, phi + 2 * global->size))
		elog(ERROR, "posterior of node \"%s\" is not proper", plan->network->nodes[global->node].name);
}

Job *
JobFromPosterior(const NetworkPlan *plan, const RowStore *rows, const Posterior *posterior, bool revive)
{
	Job		   *job = CreateJob(plan, rows, 1.0);

	for (int i = 0; i < plan->nglobals; i++)
	{
		const PosteriorNode *node = &posterior->nodes[SameNode(plan, &plan->globals[i], posterior)];

		for (int plate = 0; plate < node->plates; plate++)
			SetGlobal(plan, job, i, plate, PosteriorNodeParams(node, plate));
	}
	for (int k = plan->components - 1; k >= 0 && !revive; k--)
		if (!posterior->clusters[k].live && job->nlive > 1)
			RetireComponent(job, k);
	PrepareJob(job);
	return job;
}

/* Returns which components their priors locate; NULL: none. */
static bool *
LocatedComponents(const NetworkPlan *plan)
{
	bool	   *located = plan->places == NULL ? NULL : palloc(sizeof(bool) * plan->components);

	for (int k = 0; k < plan->components && located; k++)
		located[k] = StaysWithoutRows(plan, k);
	return located;
}

Posterior *
SummariseFit(const NetworkPlan *plan, Fit *fit, const Posterior *previous, double **pairs)
{
	Posterior  *posterior;
	Job		   *old;
	double	   *best = palloc0(sizeof(double) * plan->components);
	double	   *shared;
	RowVisitor	visitor = {VisitDensities};

	ResetRetired(fit->job);
	PrepareForLabels(fit->job);
	old = previous && PosteriorFits(plan, previous) ? JobFromPosterior(plan, fit->job->rows, previous, false) : NULL;
	if (plan->selector < 0)
		old = NULL;
	shared = palloc0(mul_size(sizeof(double) * plan->components, plan->components));
	*pairs = old ? palloc0(mul_size(sizeof(double) * plan->components, plan->components)) : NULL;
	visitor.state = BeginDensities(plan, fit->job->rows, DescribeFit(plan, fit, best));
	CountBest(fit->job, old, best, shared, *pairs, &visitor);
	posterior = DescribeFit(plan, fit, best);
	EndDensities(visitor.state, posterior);
	if (plan->selector >= 0)
		AssignLabels(posterior, old ? previous : NULL, shared, LocatedComponents(plan));
	return posterior;
}
