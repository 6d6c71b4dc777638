/*
 * packet.c
 *		Plans and jobs as flat bytes.
 */
#include "postgres.h"

#include "engine/packet.h"
#include "engine/unit.h"

typedef struct PackedPlan
{
	int			components;
	int			constants_size;
	int			stats_size;
	int			nleaves;
} PackedPlan;

/* Followed by the numbers of its columns and their noise */
typedef struct PackedLeaf
{
	int			distribution;	/* its place in the registry */
	int			dim;
	int			constants_offset;
	int			stats_offset;
	int			absent_offset;
} PackedLeaf;

typedef struct PackedJob
{
	int			nlive;
	int			nsplits;
	Rule		rule;			/* its pointers are not valid */
	Size		constants;
	Size		centres;
	Size		weights;
	Size		origin;
	Size		fineness;
	Size		splits;
} PackedJob;

typedef struct PackedSplit
{
	Split		split;			/* its pointers are not valid */
	int			leaf;
	Size		mean;
	Size		axes;
} PackedSplit;

/* --- plans --- */

Size
PackedPlanSize(const NetworkPlan *plan)
{
	Size		size = sizeof(PackedPlan);

	for (int l = 0; l < plan->nleaves; l++)
		size += sizeof(PackedLeaf) + (sizeof(int) + sizeof(double)) * plan->leaves[l].dim;
	return size;
}

/* Returns the place of a distribution in the registry, which is the same in all processes. */
static int
PlaceOf(const Distribution *distribution)
{
	int			place = 0;

	while (Distributions[place] != distribution)
		place++;
	return place;
}

void
PackPlan(const NetworkPlan *plan, void *to)
{
	PackedPlan *packed = to;
	char	   *next = (char *) (packed + 1);

	*packed = (PackedPlan) {plan->components, plan->constants_size, plan->stats_size, plan->nleaves};
	for (int l = 0; l < plan->nleaves; l++)
	{
		const PlanLeaf *leaf = &plan->leaves[l];

		*(PackedLeaf *) next = (PackedLeaf) {PlaceOf(leaf->distribution), leaf->dim, leaf->constants_offset,
		leaf->stats_offset, leaf->absent_offset};
		next += sizeof(PackedLeaf);
		memcpy(next, leaf->columns, sizeof(int) * leaf->dim);
		next += sizeof(int) * leaf->dim;
		memcpy(next, leaf->noise, sizeof(double) * leaf->dim);
		next += sizeof(double) * leaf->dim;
	}
}

NetworkPlan *
UnpackPlan(const void *from)
{
	const PackedPlan *packed = from;
	const char *next = (const char *) (packed + 1);
	NetworkPlan *plan = palloc0(sizeof(NetworkPlan));

	plan->components = packed->components;
	plan->constants_size = packed->constants_size;
	plan->stats_size = packed->stats_size;
	plan->nleaves = packed->nleaves;
	plan->leaves = palloc0(sizeof(PlanLeaf) * (plan->nleaves + 1));
	for (int l = 0; l < plan->nleaves; l++)
	{
		const PackedLeaf *leaf = (const PackedLeaf *) next;

		plan->leaves[l].distribution = Distributions[leaf->distribution];
		plan->leaves[l].kernel = plan->leaves[l].distribution->leaf;
		plan->leaves[l].dim = leaf->dim;
		plan->leaves[l].constants_offset = leaf->constants_offset;
		plan->leaves[l].stats_offset = leaf->stats_offset;
		plan->leaves[l].absent_offset = leaf->absent_offset;
		next += sizeof(PackedLeaf);
		plan->leaves[l].columns = palloc(sizeof(int) * leaf->dim);
		memcpy(plan->leaves[l].columns, next, sizeof(int) * leaf->dim);
		next += sizeof(int) * leaf->dim;
		plan->leaves[l].noise = palloc(sizeof(double) * leaf->dim);
		memcpy(plan->leaves[l].noise, next, sizeof(double) * leaf->dim);
		next += sizeof(double) * leaf->dim;
	}
	return plan;
}

/* --- jobs --- */

/* An area that is filled from its beginning */
typedef struct Area
{
	char	   *base;
	Size		size;
	Size		used;
	bool		full;
} Area;

/* Takes room in the area; returns its offset. */
static Size
Reserve(Area *area, Size size)
{
	Size		offset = area->used;

	size = MAXALIGN(size);
	if (area->full || size > area->size - area->used)
	{
		area->full = true;
		return 0;
	}
	area->used += size;
	return offset;
}

/* Copies doubles into the area; returns their offset. */
static Size
Put(Area *area, const double *values, Size n)
{
	Size		offset = Reserve(area, sizeof(double) * n);

	if (!area->full && n > 0)
		memcpy(area->base + offset, values, sizeof(double) * n);
	return offset;
}

static void
PackSplit(const Job *job, const Split *split, Area *area, Size offset)
{
	PackedSplit packed = {
		.split = *split,
		.leaf = split->leaf - job->plan->leaves,
		.mean = Put(area, split->mean, split->leaf->dim),
		.axes = Put(area, split->axes, split->naxes * split->leaf->dim),
	};

	if (!area->full)
		memcpy(area->base + offset, &packed, sizeof(packed));
}

static void
PackJob(const Job *job, Area *area, Size offset)
{
	bool		centres = job->rule.kind == RULE_CENTRES;
	bool		random = job->rule.kind == RULE_RANDOM;
	int			ncolumns = job->rows->ncolumns;
	PackedJob	packed = {
		.nlive = job->nlive,
		.nsplits = job->nsplits,
		.rule = job->rule,
		.constants = Put(area, job->constants, (Size) job->nlive * job->plan->constants_size),
		.centres = Put(area, job->rule.centres, centres ? (Size) job->nlive * ncolumns : 0),
		.weights = Put(area, job->rule.weights, centres ? ncolumns : 0),
		.origin = Put(area, job->rule.grid.origin, random ? ncolumns : 0),
		.fineness = Put(area, job->rule.grid.fineness, random ? ncolumns : 0),
		.splits = Reserve(area, sizeof(PackedSplit) * job->nsplits),
	};

	for (int s = 0; s < job->nsplits && !area->full; s++)
		PackSplit(job, &job->splits[s], area, packed.splits + sizeof(PackedSplit) * s);
	if (!area->full)
		memcpy(area->base + offset, &packed, sizeof(packed));
}

bool
PackJobs(Job *const *jobs, int njobs, char *base, Size size, PassPacket *packet)
{
	Area		area = {base, size, 0, false};

	packet->njobs = njobs;
	packet->jobs = Reserve(&area, sizeof(PackedJob) * njobs);
	packet->group_size = 0;
	for (int j = 0; j < njobs && !area.full; j++)
	{
		PackJob(jobs[j], &area, packet->jobs + sizeof(PackedJob) * j);
		packet->group_size += JobSumsSize(jobs[j]);
	}
	packet->sums = Reserve(&area, sizeof(double) * packet->group_size * packet->groups);
	return !area.full;
}

static void
UnpackSplit(const PackedSplit *packed, const NetworkPlan *plan, char *base, Split *split)
{
	*split = packed->split;
	split->leaf = &plan->leaves[packed->leaf];
	split->mean = (double *) (base + packed->mean);
	split->axes = (double *) (base + packed->axes);
	split->stats = NULL;
}

const Job **
UnpackJobs(const PassPacket *packet, const NetworkPlan *plan, const RowStore *rows, char *base)
{
	const PackedJob *packed = (const PackedJob *) (base + packet->jobs);
	const Job **jobs = palloc(sizeof(Job *) * packet->njobs);

	for (int j = 0; j < packet->njobs; j++, packed++)
	{
		Job		   *job = palloc0(sizeof(Job));

		job->plan = plan;
		job->rows = rows;
		job->nlive = packed->nlive;
		job->nsplits = packed->nsplits;
		job->constants = (double *) (base + packed->constants);
		job->rule = packed->rule;
		job->rule.centres = (double *) (base + packed->centres);
		job->rule.weights = (double *) (base + packed->weights);
		job->rule.grid.origin = (double *) (base + packed->origin);
		job->rule.grid.fineness = (double *) (base + packed->fineness);
		job->splits = palloc(sizeof(Split) * (job->nsplits + 1));
		for (int s = 0; s < job->nsplits; s++)
			UnpackSplit((const PackedSplit *) (base + packed->splits) + s, plan, base, &job->splits[s]);
		jobs[j] = job;
	}
	return jobs;
}
