/*
 * spare.c
 *		Taking shared memory that was not asked for at the server's start.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"

#include "engine/spare.h"

/*
 * The error that ShmemInitStruct raises where there is no room is no reason to
 * fail, and it leaves nothing behind but the lock that is taken here, so it
 * takes no subtransaction, which could not begin everywhere, to recover from it.
 * But raising it has forgotten how many locks hold interrupts back: releasing
 * the lock without saying so again would leave a session that no signal reaches.
 */
void *
TakeSpareMemory(const char *name, Size size, void (*init) (void *memory))
{
	MemoryContext context = CurrentMemoryContext;
	uint32		holdoff;
	void	   *volatile memory = NULL;
	bool		found;

	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	holdoff = InterruptHoldoffCount;
	PG_TRY();
	{
		memory = ShmemInitStruct(name, size, &found);
		if (!found)
			init(memory);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		FlushErrorState();
		InterruptHoldoffCount = holdoff;
		memory = NULL;
	}
	PG_END_TRY();
	LWLockRelease(AddinShmemInitLock);
	return memory;
}
