/*
 * stored.h
 *		The type bnai_stored_posterior: a posterior as table bnai_run keeps it.
 *
 * Who dumps a database reads the table, and must not read by that what others
 * have inferred.  So the column has a type of its own, which is written as
 * text only, and only for who may read the network of the run that the value
 * was stored for.  Its bytes begin with a random key: a copy of the value is
 * known by it, whatever run has the number later, and comparing the bytes of two
 * values tells nothing of what follows.
 */
#ifndef BNAI_STORED_H
#define BNAI_STORED_H

#include "postgres.h"

#define STORED_KEY_BYTES 16

/* What a value begins with; the bytes of a bnai_posterior follow, or none if it was withheld */
typedef struct StoredHead
{
	char		vl_len_[4];		/* varlena header */
	char		key[STORED_KEY_BYTES];	/* zeros: not stored yet */
	char		run[sizeof(int64)];
} StoredHead;

/* Makes a value of a bnai_posterior: for a run, or (MakeUnbound) for none yet; MakeWithheld: without a posterior. */
extern Datum MakeStored(int64 run, Datum posterior);
extern Datum MakeUnbound(Datum posterior);
extern Datum MakeWithheld(void);

/* The bnai_posterior in a value, in the current memory context; 0 if it was withheld. */
extern Datum StoredPosterior(Datum stored);

/* The head of a value, without reading the rest. */
extern const StoredHead *StoredHeadOf(Datum stored);

/* True if a value has a posterior; if it belongs to a run, to which; if two are the same value. */
extern bool IsWithheld(const StoredHead *head);
extern bool IsBound(const StoredHead *head);
extern int64 BoundRun(const StoredHead *head);
extern bool SameStored(const StoredHead *a, const StoredHead *b);

#endif							/* BNAI_STORED_H */
