/*
 * parallel.c
 *		Workers that live as long as one fit, and share its passes.
 *
 * The leader divides a pass into units and publishes it as one number in
 * shared memory: the number of the pass and the units that nobody has taken
 * yet.  Whoever lowers that number by one, the leader or a worker, has taken a
 * unit.  As the number of the pass is part of it, a worker that comes late
 * can never take a unit of another pass than it believes; and as the leader
 * waits for all units that were taken, what a pass consists of may be read by
 * whoever holds one.  Nobody waits for a worker that has taken nothing, so the
 * leader can do everything alone, and a run that gets no worker at all is
 * like any other.
 *
 * All shared memory is there before parallel mode begins, because no
 * subtransaction could catch its lack later: the rows (source/sharedrows.c),
 * and one area for what passes between leader and workers.
 */
#include "postgres.h"

#include "access/parallel.h"
#include "access/xact.h"
#include "miscadmin.h"
#include "optimizer/cost.h"
#include "pgstat.h"
#include "port/atomics.h"
#include "storage/condition_variable.h"
#include "utils/memutils.h"
#include "utils/wait_event.h"

#include "engine/packet.h"
#include "engine/parallel.h"
#include "engine/progress.h"
#include "engine/unit.h"
#include "guc.h"

/*
 * Products of a row's numbers that one sweep must add up (rows x components x
 * statistics) for workers to be worth their start.  A million takes one
 * process about a millisecond, so a fit of a hundred sweeps a tenth of a
 * second, of which a second process saves half; starting it costs 5 to 10 ms.
 */
#define PARALLEL_FIT_WORK 1e6

/* The same for one pass: what takes less than about 0.1 ms is done before a worker wakes up. */
#define PARALLEL_PASS_WORK 1e5

/* A pass is divided into about so many units, so that nobody waits long for the last one */
#define UNITS 32

/* Room for jobs besides that for their sums, and the most for both */
#define JOBS_BYTES ((Size) 4 * 1024 * 1024)
#define MAX_ARENA_BYTES ((Size) 64 * 1024 * 1024)

/* Samples of more bytes than this are not shared: the leader sweeps them alone */
#define MAX_SAMPLE_BYTES ((Size) 64 * 1024 * 1024)

/* The parallel context's own memory (settings, snapshots, queues), generously */
#define CONTEXT_BYTES ((Size) 1024 * 1024)

#define KEY_HANDLES UINT64CONST(0xB4A1000000000001)

/* What the workers find in the table of contents */
typedef struct Handles
{
	dsm_handle	control;
	dsm_handle	rows;
} Handles;

/* The number that says what is to be done: pass and units left */
#define Claim(pass, left) ((uint64) (pass) << 32 | (uint32) (left))
#define ClaimPass(claim) ((uint32) ((claim) >> 32))
#define ClaimLeft(claim) ((uint32) (claim))
#define PASS_OVER PG_UINT32_MAX

/* Beginning of the shared area; the rest is reached by offsets */
typedef struct PassControl
{
	pg_atomic_uint64 claim;
	pg_atomic_uint32 done;		/* units of the current pass that are finished */
	ConditionVariable begun;	/* a pass was published, or there will be no more */
	ConditionVariable finished; /* all units are done */

	/* written by the leader while no unit is taken */
	PassPacket	packet;
	uint64		sample_id;		/* of the store in the sample's place; 0: none */
	int64		sample_rows;
	bool		sample_incomplete;

	/* constant */
	Size		plan;
	Size		sample;
	Size		sample_size;
	Size		arena;			/* jobs and sums of a pass */
	Size		arena_size;
} PassControl;

/* The leader's side */
typedef struct Party
{
	ParallelContext *context;
	dsm_segment *segment;
	PassControl *control;
	const RowStore *rows;
	uint32		pass;
} Party;

static Party *party = NULL;

extern PGDLLEXPORT void BnaiPassWorker(dsm_segment *segment, shm_toc *toc);

#define At(control, offset) ((char *) (control) + (offset))

/* --- what both sides do --- */

/* Takes a unit; returns the pass it belongs to and how many were left before, or 0 for left. */
static uint64
TakeUnit(PassControl *control)
{
	uint64		claim = pg_atomic_read_u64(&control->claim);

	while (ClaimPass(claim) != PASS_OVER && ClaimLeft(claim) > 0)
		if (pg_atomic_compare_exchange_u64(&control->claim, &claim, claim - 1))
			return claim;
	return Claim(ClaimPass(claim), 0);
}

/* Does one unit of the current pass. */
static void
DoUnit(PassControl *control, WorkSpace *space, const RowStore *rows, const Job **jobs, uint32 left)
{
	const PassPacket *packet = &control->packet;
	uint32		units = packet->groups * packet->slices;
	int			unit = units - left;
	int			group = unit / packet->slices;
	int			first = SliceJob(packet, unit % packet->slices);
	int			end = SliceJob(packet, unit % packet->slices + 1);
	double	   *sums = (double *) (At(control, control->arena) + packet->sums) + group * packet->group_size;

	for (int j = 0; j < first; j++)
		sums += JobSumsSize(jobs[j]);
	RunUnit(space, rows, jobs + first, end - first, GroupChunk(rows, group, packet->groups),
			GroupChunk(rows, group + 1, packet->groups), sums);
	if (pg_atomic_add_fetch_u32(&control->done, 1) == units)
		ConditionVariableSignal(&control->finished);
}

/* --- workers --- */

/* Waits for something to do; returns false when there will be nothing any more. */
static bool
WaitForPass(PassControl *control)
{
	uint64		claim;

	for (;;)
	{
		claim = pg_atomic_read_u64(&control->claim);
		if (ClaimPass(claim) == PASS_OVER || ClaimLeft(claim) > 0)
			break;
		ConditionVariableSleep(&control->begun, PG_WAIT_EXTENSION);
	}
	ConditionVariableCancelSleep();
	return ClaimPass(claim) != PASS_OVER;
}

/* What a worker knows of the pass that it works on */
typedef struct WorkerPass
{
	uint32		pass;
	MemoryContext context;		/* of the jobs, reset with each pass */
	const NetworkPlan *plan;
	const RowStore *all_rows;
	RowStore   *sample;
	uint64		sample_id;
	const RowStore *rows;
	const Job **jobs;
} WorkerPass;

/* Makes the sample that the leader has put into its place. */
static const RowStore *
SampleInPlace(WorkerPass *pass, PassControl *control)
{
	if (pass->sample_id != control->sample_id)
		pass->sample = RowStoreOfCopy(pass->all_rows, control->sample_incomplete, control->sample_rows,
									  (double *) At(control, control->sample));
	pass->sample_id = control->sample_id;
	return pass->sample;
}

/* Reads what the pass consists of; only while a unit of it is held. */
static void
EnterPass(WorkerPass *pass, PassControl *control, uint32 number)
{
	MemoryContext old;

	pass->rows = control->packet.sample ? SampleInPlace(pass, control) : pass->all_rows;
	MemoryContextReset(pass->context);
	old = MemoryContextSwitchTo(pass->context);
	pass->jobs = UnpackJobs(&control->packet, pass->plan, pass->rows, At(control, control->arena));
	MemoryContextSwitchTo(old);
	pass->pass = number;
}

/* Entry point of a worker. */
void
BnaiPassWorker(dsm_segment *segment, shm_toc *toc)
{
	const Handles *handles = shm_toc_lookup(toc, KEY_HANDLES, false);
	dsm_segment *area = dsm_attach(handles->control);
	RowStore   *rows = RowStoreAttach(handles->rows);
	PassControl *control;
	WorkSpace  *space;
	WorkerPass	pass = {0};

	/* gone already: the leader has finished or failed */
	if (area == NULL || rows == NULL)
		return;
	control = dsm_segment_address(area);
	pass.plan = UnpackPlan(At(control, control->plan));
	pass.all_rows = rows;
	pass.context = AllocSetContextCreate(CurrentMemoryContext, "bnai pass", ALLOCSET_DEFAULT_SIZES);
	space = CreateWorkSpace(pass.plan, rows);
	while (WaitForPass(control))
	{
		uint64		claim = TakeUnit(control);

		if (ClaimLeft(claim) == 0)
			continue;
		if (ClaimPass(claim) != pass.pass)
			EnterPass(&pass, control, ClaimPass(claim));
		DoUnit(control, space, pass.rows, pass.jobs, ClaimLeft(claim));
	}
	RowStoreFree(rows);
	dsm_detach(area);
}

/* --- the leader --- */

/* Numbers that one sweep of all components adds up for a row. */
static double
WorkPerRow(const NetworkPlan *plan)
{
	return (double) plan->components * plan->stats_size;
}

/* Workers that may be asked for. */
static int
AllowedWorkers(void)
{
	if (IsInParallelMode() || IsParallelWorker())
		return 0;
	return BnaiMaxParallelWorkers < 0 ? max_parallel_workers_per_gather : BnaiMaxParallelWorkers;
}

int64
ParallelRows(const NetworkPlan *plan)
{
	if (plan->selector < 0 || AllowedWorkers() == 0)
		return 0;
	return Max(1, (int64) (PARALLEL_FIT_WORK / WorkPerRow(plan)));
}

/* Room for a sample of the rows; one of all of them would be no sample. */
static Size
SampleRoom(const RowStore *rows)
{
	int64		sample = Min(LargestSample(rows), rows->rows / 2);

	return Min(RowStoreCopySize(rows, sample), MAX_SAMPLE_BYTES);
}

/* Room for the jobs of a pass and their sums. */
static Size
ArenaRoom(const NetworkPlan *plan, const RowStore *rows)
{
	Size		splits = (Size) plan->components * plan->nleaves * 4;
	Size		job = sizeof(double) * (plan->components * plan->constants_size
										+ (plan->components + splits) * plan->stats_size
										+ (splits + plan->components) * 8 * rows->ncolumns);

	return Min(PASS_SUMS_BYTES + JOBS_BYTES + 2 * job, MAX_ARENA_BYTES);
}

/* Creates the area that leader and workers share; NULL if there is no room. */
static dsm_segment *
CreateControl(const NetworkPlan *plan, const RowStore *rows, Size sample_size)
{
	Size		plan_size = TYPEALIGN(64, PackedPlanSize(plan));
	Size		arena_size = ArenaRoom(plan, rows);
	Size		header = TYPEALIGN(64, sizeof(PassControl));
	dsm_segment *segment = CreateSegment(header + plan_size + sample_size + arena_size, CONTEXT_BYTES);
	PassControl *control;

	if (segment == NULL)
		return NULL;
	control = dsm_segment_address(segment);
	memset(control, 0, sizeof(PassControl));
	pg_atomic_init_u64(&control->claim, Claim(0, 0));
	pg_atomic_init_u32(&control->done, 0);
	ConditionVariableInit(&control->begun);
	ConditionVariableInit(&control->finished);
	control->plan = header;
	control->sample = header + plan_size;
	control->sample_size = sample_size;
	control->arena = control->sample + sample_size;
	control->arena_size = arena_size;
	PackPlan(plan, At(control, control->plan));
	return segment;
}

/* Starts the workers; returns how many could be had. */
static int
LaunchWorkers(Party *new, int workers)
{
	Handles    *handles;
	ParallelContext *context;

	EnterParallelMode();
	context = CreateParallelContext("$libdir/bnai", "BnaiPassWorker", workers);
	shm_toc_estimate_chunk(&context->estimator, sizeof(Handles));
	shm_toc_estimate_keys(&context->estimator, 1);
	InitializeParallelDSM(context);
	handles = shm_toc_allocate(context->toc, sizeof(Handles));
	handles->control = dsm_segment_handle(new->segment);
	handles->rows = RowStoreHandle(new->rows);
	shm_toc_insert(context->toc, KEY_HANDLES, handles);
	LaunchParallelWorkers(context);
	new->context = context;
	return context->nworkers_launched;
}

/* Ends the party; waits until its workers are gone. */
static void
Disband(Party *old)
{
	pg_atomic_write_u64(&old->control->claim, Claim(PASS_OVER, 0));
	ConditionVariableBroadcast(&old->control->begun);
	WaitForParallelWorkersToFinish(old->context);
	DestroyParallelContext(old->context);
	ExitParallelMode();
	dsm_detach(old->segment);
	pfree(old);
}

/* Brings leader and workers together; NULL if the leader stays alone. */
static Party *
Assemble(const NetworkPlan *plan, const RowStore *rows, int workers)
{
	Party	   *new;
	dsm_segment *segment;

	if (workers == 0 || RowStoreHandle(rows) == DSM_HANDLE_INVALID)
		return NULL;
	segment = CreateControl(plan, rows, TYPEALIGN(64, SampleRoom(rows)));
	if (segment == NULL)
		segment = CreateControl(plan, rows, 0);
	if (segment == NULL)
		return NULL;
	if (!SegmentFits(CONTEXT_BYTES, 0))
	{
		dsm_detach(segment);
		return NULL;
	}
	new = palloc0(sizeof(Party));
	new->segment = segment;
	new->control = dsm_segment_address(segment);
	new->rows = rows;
	if (LaunchWorkers(new, workers) > 0)
		return new;
	Disband(new);
	return NULL;
}

Fit *
FitInParallel(const NetworkPlan *plan, const RowStore *rows, const Job *from)
{
	int64		worthwhile = ParallelRows(plan);
	int			workers = worthwhile > 0 && rows->rows >= worthwhile ? AllowedWorkers() : 0;
	Fit		   *fit;

	party = Assemble(plan, rows, workers);
	ereport(DEBUG1,
			(errmsg_internal("bnai: passes with %d of %d workers, rows in %s, kernels %s",
							 party ? party->context->nworkers_launched : 0, workers, RowStorePlace(rows),
							 ActiveKernels->name)));
	PG_TRY();
	{
		fit = FitPlan(plan, rows, from);
		if (party)
			Disband(party);
	}
	PG_FINALLY();
	{
		/* after an error the end of the transaction does the rest */
		party = NULL;
	}
	PG_END_TRY();
	return fit;
}

/* Puts a sample into its place in shared memory; false if it is too large. */
static bool
PlaceSample(PassControl *control, const RowStore *sample)
{
	if (control->sample_id == sample->id)
		return true;
	if (RowStoreCopySize(sample, sample->rows) > control->sample_size)
		return false;
	RowStoreCopy(sample, (double *) At(control, control->sample));
	control->sample_id = sample->id;
	control->sample_rows = sample->rows;
	control->sample_incomplete = sample->incomplete;
	return true;
}

/* Publishes the pass, does what the workers leave, and waits for the rest. */
static void
MakePass(const RowStore *rows, Job *const *jobs)
{
	PassControl *control = party->control;
	WorkSpace  *space = CreateWorkSpace(jobs[0]->plan, rows);
	uint32		units = control->packet.groups * control->packet.slices;
	uint64		claim;

	pg_atomic_write_u32(&control->done, 0);
	(void) pg_atomic_exchange_u64(&control->claim, Claim(++party->pass, units));
	ConditionVariableBroadcast(&control->begun);
	while (ClaimLeft(claim = TakeUnit(control)) > 0)
	{
		DoUnit(control, space, rows, (const Job **) jobs, ClaimLeft(claim));
		RecordVisits(0);
	}
	while (pg_atomic_read_u32(&control->done) < units)
		ConditionVariableSleep(&control->finished, PG_WAIT_EXTENSION);
	ConditionVariableCancelSleep();
	pg_read_barrier();
	RecordVisits(rows->rows * control->packet.njobs);
	FreeWorkSpace(space);
}

int
SharedPass(const RowStore *rows, Job *const *jobs, int njobs, int groups, const double **sums)
{
	PassControl *control;
	PassPacket	packet = {.groups = groups};
	int			n = njobs;
	double		work = 0;

	if (party == NULL)
		return 0;
	for (int j = 0; j < njobs; j++)
		work += (double) rows->rows * (jobs[j]->nlive + jobs[j]->nsplits) * jobs[j]->plan->stats_size;
	if (work < PARALLEL_PASS_WORK || groups * njobs < 2)
		return 0;
	control = party->control;
	packet.sample = rows != party->rows;
	if (packet.sample && !PlaceSample(control, rows))
		return 0;
	while (!PackJobs(jobs, n, At(control, control->arena), control->arena_size, &packet))
	{
		if (n == 1)
			return 0;
		n = (n + 1) / 2;
	}
	packet.slices = Min(n, Max(1, UNITS / groups));
	control->packet = packet;
	MakePass(rows, jobs);
	*sums = (const double *) (At(control, control->arena) + packet.sums);
	return n;
}
