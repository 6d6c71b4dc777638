/*
 * guc.c
 *		Every bnai.* setting, in alphabetical order.
 */
#include "postgres.h"

#include <limits.h>

#include "postmaster/bgworker_internals.h"
#include "utils/guc.h"

#include "compat.h"
#include "guc.h"
#include "numerics/kernels.h"

int			BnaiBackgroundTimeout = 60;
int			BnaiFlushInterval = 1000;
int			BnaiKernels = KERNELS_AUTO;
int			BnaiMaxParallelWorkers = -1;
int			BnaiMaxWorkers = 2;
int			BnaiModelMem = 8 * 1024 * 1024;
int			BnaiProgressInterval = 5000;
int			BnaiRecalculateTimeout = 5000;
int			BnaiRetryDelay = 10;
int			BnaiWorkMem = -1;

static const struct config_enum_entry kernel_options[] = {
	{"auto", KERNELS_AUTO, false},
	{"baseline", KERNELS_BASELINE, false},
	{"avx2", KERNELS_AVX2, false},
	{"avx512", KERNELS_AVX512, false},
	{NULL, 0, false}
};

/* Refuses kernels that this processor cannot run. */
static bool
CheckKernels(int *value, void **extra, GucSource source)
{
	if (KernelsSupported(*value))
		return true;
	GUC_check_errdetail("This processor or this build has no such instructions.");
	return false;
}

static void
AssignKernels(int value, void *extra)
{
	SelectKernels(value);
}

/* A setting that is a number */
typedef struct NumberSetting
{
	const char *name;
	const char *what;			/* it is for */
	const char *how;			/* to choose it */
	int		   *value;
	int			value_at_start;
	int			least;
	int			most;
	GucContext	context;
	int			unit;
} NumberSetting;

static const NumberSetting NumberSettings[] = {
	{"bnai.background_timeout",
	 "Sets how long an inference in the background may keep others waiting.",
	 "After so long it is stopped if another network has had to wait for a worker meanwhile, "
	 "and is tried again later. 0 never stops one.",
	 &BnaiBackgroundTimeout, 60, 0, INT_MAX / 1000, PGC_SIGHUP, GUC_UNIT_S},
	{"bnai.flush_interval",
	 "Sets how long counts are collected in memory before they are written.",
	 "A crash of the server costs at most what was counted meanwhile. "
	 "0 writes each count with its transaction, as it is without preloading bnai.",
	 &BnaiFlushInterval, 1000, 0, 3600 * 1000, PGC_SIGHUP, GUC_UNIT_MS},
	{"bnai.max_parallel_workers",
	 "Sets how many parallel workers an inference may use.",
	 "-1 uses max_parallel_workers_per_gather.",
	 &BnaiMaxParallelWorkers, -1, -1, MAX_PARALLEL_WORKER_LIMIT, PGC_USERSET, 0},
	{"bnai.max_workers",
	 "Sets how many networks may be inferred in the background at once.",
	 "One for each owner of networks in a database, in all databases together; 0 infers nothing in the background.",
	 &BnaiMaxWorkers, 2, 0, 8, PGC_SIGHUP, 0},
	{"bnai.model_mem",
	 "Sets the memory that the parameters of an inference may take.",
	 "An inference that is going to need more is refused before it starts; "
	 "rows are not counted, see bnai.work_mem.",
	 &BnaiModelMem, 8 * 1024 * 1024, 64, MAX_KILOBYTES, PGC_USERSET, GUC_UNIT_KB},
	{"bnai.progress_interval",
	 "Sets how often an inference that takes more than two seconds tells its client how far it is.",
	 "0 turns the notices off; the view bnai_progress shows it in any case.",
	 &BnaiProgressInterval, 5000, 0, 3600 * 1000, PGC_USERSET, GUC_UNIT_MS},
	{"bnai.recalculate_timeout",
	 "Sets how long an inference may take in the transaction that reaches a threshold.",
	 "After so long it is stopped and left for another time; half of what statement_timeout leaves is a "
	 "limit, too. 0: no other limit.",
	 &BnaiRecalculateTimeout, 5000, 0, INT_MAX, PGC_USERSET, GUC_UNIT_MS},
	{"bnai.retry_delay",
	 "Sets how long to wait before an inference that failed in the background is tried again.",
	 "Each further failure doubles it, up to an hour.",
	 &BnaiRetryDelay, 10, 1, 3600, PGC_SIGHUP, GUC_UNIT_S},
	{"bnai.work_mem",
	 "Sets the memory in which an inference keeps the rows of its source.",
	 "-1 uses maintenance_work_mem.",
	 &BnaiWorkMem, -1, -1, MAX_KILOBYTES, PGC_USERSET, GUC_UNIT_KB},
};

/*
 * Defines the settings and reserves their prefix, so that a misspelt name is
 * an error instead of a placeholder.
 */
void
InitSettings(void)
{
	for (int i = 0; i < lengthof(NumberSettings); i++)
	{
		const NumberSetting *setting = &NumberSettings[i];

		DefineCustomIntVariable(setting->name, setting->what, setting->how, setting->value, setting->value_at_start,
								setting->least, setting->most, setting->context, setting->unit, NULL, NULL, NULL);
	}
	DefineCustomEnumVariable("bnai.kernels",
							 "Chooses the instructions that the passes of an inference use.",
							 "They differ in speed, and in the last digits of the result.",
							 &BnaiKernels,
							 KERNELS_AUTO, kernel_options,
							 PGC_USERSET,
							 0,
							 CheckKernels, AssignKernels, NULL);
	MarkGUCPrefixReserved("bnai");
}
