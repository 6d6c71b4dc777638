/*
 * shared.h
 *		What sessions and workers share: counters, and who works where.
 */
#ifndef BNAI_SHARED_H
#define BNAI_SHARED_H

#include "datatype/timestamp.h"
#include "port/atomics.h"
#include "storage/latch.h"
#include "storage/lwlock.h"

/*
 * A network's counter in shared memory.  Without preloading it only says when
 * to look at the table of differences: `total` is the committed counter or
 * more than that, never less.  With preloading, counts are collected in
 * `unflushed` at commit, and a worker moves them to the table.
 */
typedef struct CounterSlot
{
	/* key; changes under the lock only */
	Oid			database;		/* InvalidOid: free */
	Oid			installation;	/* OID of table bnai_count: another one when the extension is created again, as ids are not */
	int			network;

	/* the counter */
	pg_atomic_uint32 known;		/* 0: total has not been compared with the table */
	pg_atomic_uint64 total;
	pg_atomic_uint32 corrections;	/* how often it has been */
	pg_atomic_uint64 prepared_at;	/* when a transaction with counts was last prepared; 0: never */
	pg_atomic_uint32 appended;	/* rows of the table so far */
	pg_atomic_uint32 fold_from; /* block of the table where the next fold begins */

	/* counts that are not in the table yet */
	pg_atomic_uint64 unflushed;
	int64		flushing;		/* under the lock: what a worker is writing … */
	TransactionId flushing_xid; /* … in this transaction */

	/* inference in the background; times are TimestampTz */
	pg_atomic_uint64 wake_after;	/* no worker is to be woken before */
	pg_atomic_uint64 running_since; /* 0: nobody infers the network */
	pg_atomic_uint32 stop;		/* StopReason: whoever infers the network is to stop */
	pg_atomic_uint32 put_off;	/* a transaction has left it to a worker to infer the network */
} CounterSlot;

typedef enum WorkerKind
{
	WORKER_NONE,				/* entry is free */
	WORKER_INFERS,
	WORKER_FLUSHES
} WorkerKind;

/* A worker that runs or was asked for */
typedef struct WorkerEntry
{
	Oid			database;
	WorkerKind	kind;
	int			pid;			/* 0: starting */
	TimestampTz since;
	Latch	   *latch;
	bool		woken;			/* there is something to do */
	bool		sleeping;		/* waits, without a connection, until it is time to try again */
	Oid			owner;			/* of the network that it infers; InvalidOid: none */
} WorkerEntry;

#define MAX_WORKERS 16

typedef struct Shared
{
	LWLock		lock;
	bool		in_memory;		/* preloaded: counts are collected here */
	pg_atomic_uint64 waited_at; /* when somebody last had to wait for a worker; TimestampTz */
	WorkerEntry workers[MAX_WORKERS];
	int			nslots;
	CounterSlot slots[FLEXIBLE_ARRAY_MEMBER];
} Shared;

/* The shared memory; NULL if the server has none to spare. */
extern Shared *AttachShared(void);

/* The slot of a network of this database; NULL if there is no room. */
extern CounterSlot *FindSlot(Oid installation, int network);

/* The slot that it has already, or NULL. */
extern CounterSlot *FindSlotInUse(Oid installation, int network);

/* True while the slot is that network's; it may be given away when the network is gone. */
extern bool SlotIs(const CounterSlot *slot, Oid installation, int network);

/* Gives a slot back, whose network is gone, unless somebody else has it by now. */
extern void FreeSlot(CounterSlot *slot, Oid database, Oid installation);

/* The same, unless there are counts in it: whoever is to write them sees that the network is gone. */
extern void FreeWrittenSlot(CounterSlot *slot, Oid installation, int network);

/* In a transaction. */
extern bool DatabaseExists(Oid database);

/* Asks for shared memory where the library is preloaded. */
extern void InitShared(void);

#endif							/* BNAI_SHARED_H */
