/*
 * guc.c
 *		Every bnai.* setting, in alphabetical order.
 */
#include "postgres.h"

#include <limits.h>

#include "utils/guc.h"

#include "compat.h"
#include "guc.h"

int			BnaiFlushInterval = 1000;
int			BnaiMaxWorkers = 2;
int			BnaiRetryDelay = 10;
int			BnaiWorkMem = -1;

/*
 * Defines the settings and reserves their prefix, so that a misspelt name is
 * an error instead of a placeholder.
 */
void
InitSettings(void)
{
	DefineCustomIntVariable("bnai.flush_interval",
							"Sets how long counts are collected in memory before they are written.",
							"A crash of the server costs at most what was counted meanwhile. "
							"0 writes each count with its transaction, as it is without preloading bnai.",
							&BnaiFlushInterval,
							1000, 0, 3600 * 1000,
							PGC_SIGHUP,
							GUC_UNIT_MS,
							NULL, NULL, NULL);

	DefineCustomIntVariable("bnai.max_workers",
							"Sets how many networks may be inferred in the background at once.",
							"One for each database, in all databases together; 0 infers nothing in the background.",
							&BnaiMaxWorkers,
							2, 0, 8,
							PGC_SIGHUP,
							0,
							NULL, NULL, NULL);

	DefineCustomIntVariable("bnai.retry_delay",
							"Sets how long to wait before an inference that failed in the background is tried again.",
							"Each further failure doubles it, up to an hour.",
							&BnaiRetryDelay,
							10, 1, 3600,
							PGC_SIGHUP,
							GUC_UNIT_S,
							NULL, NULL, NULL);

	DefineCustomIntVariable("bnai.work_mem",
							"Sets the memory in which an inference keeps the rows of its source.",
							"-1 uses maintenance_work_mem.",
							&BnaiWorkMem,
							-1, -1, MAX_KILOBYTES,
							PGC_USERSET,
							GUC_UNIT_KB,
							NULL, NULL, NULL);

	MarkGUCPrefixReserved("bnai");
}
