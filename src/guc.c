/*
 * guc.c
 *		Every bnai.* setting, in alphabetical order.
 */
#include "postgres.h"

#include <limits.h>

#include "utils/guc.h"

#include "compat.h"
#include "guc.h"

int			BnaiWorkMem = -1;

/*
 * Defines the settings and reserves their prefix, so that a misspelt name is
 * an error instead of a placeholder.
 */
void
InitSettings(void)
{
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
