/*
 * stored.c
 *		Values of the type bnai_stored_posterior, as bytes.
 */
#include "postgres.h"

#include "fmgr.h"

#include "catalog/stored.h"
#include "compat.h"

/* Makes a value with a head of zeros. */
static StoredHead *
MakeValue(const char *bytes, Size length)
{
	StoredHead *head = palloc0(sizeof(StoredHead) + length);

	SET_VARSIZE(head, sizeof(StoredHead) + length);
	if (length > 0)
		memcpy((char *) head + sizeof(StoredHead), bytes, length);
	return head;
}

/* Makes a value of a posterior that belongs to no run yet. */
Datum
MakeUnbound(Datum posterior)
{
	struct varlena *value = PG_DETOAST_DATUM_PACKED(posterior);

	return PointerGetDatum(MakeValue(VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value)));
}

/* Makes a value without a posterior. */
Datum
MakeWithheld(void)
{
	return PointerGetDatum(MakeValue(NULL, 0));
}

/* Makes a value for a run. */
Datum
MakeStored(int64 run, Datum posterior)
{
	StoredHead *head = (StoredHead *) DatumGetPointer(MakeUnbound(posterior));

	if (!pg_strong_random(head->key, STORED_KEY_BYTES))
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not generate random values")));
	memcpy(head->run, &run, sizeof(run));
	return PointerGetDatum(head);
}

/* Returns the posterior in a value. */
Datum
StoredPosterior(Datum stored)
{
	struct varlena *value = PG_DETOAST_DATUM(stored);
	int			length = VARSIZE(value) - (int) sizeof(StoredHead);
	struct varlena *posterior;

	if (length <= 0)
		return (Datum) 0;
	posterior = palloc(VARHDRSZ + length);
	SET_VARSIZE(posterior, VARHDRSZ + length);
	memcpy(VARDATA(posterior), (char *) value + sizeof(StoredHead), length);
	return PointerGetDatum(posterior);
}

/* Reads the head of a value and one byte more, which tells whether there is a posterior. */
const StoredHead *
StoredHeadOf(Datum stored)
{
	struct varlena *slice = PG_DETOAST_DATUM_SLICE(stored, 0, sizeof(StoredHead) - VARHDRSZ + 1);

	if (VARSIZE(slice) < sizeof(StoredHead))
		elog(ERROR, "stored posterior is too short");
	return (const StoredHead *) slice;
}

/* Returns true if there is nothing behind the head. */
bool
IsWithheld(const StoredHead *head)
{
	return VARSIZE(head) <= sizeof(StoredHead);
}

/* Returns true if the value was stored. */
bool
IsBound(const StoredHead *head)
{
	static const char none[STORED_KEY_BYTES];

	return memcmp(head->key, none, STORED_KEY_BYTES) != 0;
}

/* Returns the run that it was stored for. */
int64
BoundRun(const StoredHead *head)
{
	int64		run;

	memcpy(&run, head->run, sizeof(run));
	return run;
}

/* Returns true if both are the one value that was stored. */
bool
SameStored(const StoredHead *a, const StoredHead *b)
{
	return IsBound(a) && memcmp(a->key, b->key, STORED_KEY_BYTES) == 0;
}
