/*
 * bnai.c
 *		Loads the module: calls each part's Init in order.
 */
#include "postgres.h"

#include "fmgr.h"

#include "automation/counter.h"
#include "automation/running.h"
#include "automation/shared.h"
#include "automation/worker.h"
#include "engine/progress.h"
#include "guc.h"
#include "inference/results.h"

PG_MODULE_MAGIC;

void		_PG_init(void);

/*
 * Runs when the library is loaded into a backend.
 */
void
_PG_init(void)
{
	InitSettings();
	InitProgress();
	InitResults();
	InitShared();
	InitCounter();
	InitRunning();
	InitWorkers();
}
