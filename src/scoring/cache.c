/*
 * cache.c
 *		Keeps scorers in fn_extra.
 *
 * A scorer is made once per query, not per row.  fn_extra outlives statements
 * in PL/pgSQL, so an entry says what it was made from:
 *
 * - by name: the run.  Runs never change, so the scorer of a run is good for
 *   ever; which run is current, and whether the user may read it, is asked
 *   again when the snapshot, the command or the user is another.
 * - by value: the bytes of the argument as they came, be it in line, compressed
 *   or a pointer out of line (which is only trusted within one snapshot).
 *
 * A few entries, because a query may score each row with the model of its
 * group.
 */
#include "postgres.h"

#include <math.h>

#include "nodes/primnodes.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/float.h"
#include "utils/memutils.h"

#include "catalog/observed.h"
#include "catalog/runs.h"
#include "compat.h"
#include "posterior/current.h"
#include "scoring/scoring.h"

#define CACHE_ENTRIES 8

typedef struct CacheEntry
{
	MemoryContext context;		/* of key and scorer; NULL: not in use */
	char	   *key;			/* name, or bytes of the value */
	Size		key_length;
	Moment		moment;
	int64		run;			/* 0: the network has none, or found by value */
	Scorer	   *scorer;			/* NULL: not inferred */
} CacheEntry;

typedef struct ScorerCache
{
	MemoryContext context;
	bool		explanation;	/* do the scorers explain? */
	bool		constant;		/* argument 0 is a constant: its only entry fits */
	int			last;			/* entry of the last call */
	int			next;			/* entry that makes room for another */
	CacheEntry	entries[CACHE_ENTRIES];
} ScorerCache;

/*
 * Returns whether argument 0 of a call is a constant.
 */
static bool
FirstArgumentIsConstant(FmgrInfo *flinfo)
{
	Node	   *expression = flinfo->fn_expr;

	return expression != NULL && IsA(expression, FuncExpr) && IsA(linitial(((FuncExpr *) expression)->args), Const);
}

/*
 * Returns the cache of this call site.
 */
static ScorerCache *
GetCache(FmgrInfo *flinfo, bool explanation)
{
	ScorerCache *cache = flinfo->fn_extra;

	if (unlikely(cache == NULL))
	{
		cache = MemoryContextAllocZero(flinfo->fn_mcxt, sizeof(ScorerCache));
		cache->context = flinfo->fn_mcxt;
		cache->explanation = explanation;
		cache->constant = FirstArgumentIsConstant(flinfo);
		flinfo->fn_extra = cache;
	}
	return cache;
}

/*
 * Returns whether an entry has this key.
 */
static bool
EntryMatches(const CacheEntry *entry, const char *key, Size length)
{
	return entry->context != NULL && entry->key_length == length && memcmp(entry->key, key, length) == 0;
}

/*
 * Returns the entry with this key, NULL if there is none.  The last one is the
 * usual one.
 */
static CacheEntry *
FindEntry(ScorerCache *cache, const char *key, Size length)
{
	if (likely(EntryMatches(&cache->entries[cache->last], key, length)))
		return &cache->entries[cache->last];
	for (int i = 0; i < CACHE_ENTRIES; i++)
		if (EntryMatches(&cache->entries[i], key, length))
		{
			cache->last = i;
			return &cache->entries[i];
		}
	return NULL;
}

/*
 * Empties an entry.
 */
static void
ForgetEntry(CacheEntry *entry)
{
	if (entry->context != NULL)
		MemoryContextDelete(entry->context);
	memset(entry, 0, sizeof(CacheEntry));
}

/*
 * Makes room for a key.  The entry is valid, without a scorer, when the caller
 * fills it in; an error before that leaves an empty one.
 */
static CacheEntry *
NewEntry(ScorerCache *cache)
{
	CacheEntry *entry = &cache->entries[cache->next];

	cache->last = cache->next;
	cache->next = (cache->next + 1) % CACHE_ENTRIES;
	ForgetEntry(entry);
	return entry;
}

/*
 * Fills an entry with the scorer of a posterior (0: none).
 */
static void
FillEntry(ScorerCache *cache, CacheEntry *entry, const char *key, Size length, Datum posterior)
{
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "bnai posterior", ALLOCSET_DEFAULT_SIZES);
	MemoryContext context = AllocSetContextCreate(scratch, "bnai scorer", ALLOCSET_SMALL_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(scratch);
	Posterior  *fitted = posterior == 0 ? NULL : DatumGetPosterior(posterior);
	Scorer	   *scorer;
	char	   *copy;

	MemoryContextSwitchTo(context);
	scorer = fitted == NULL ? NULL : BuildScorer(fitted, CANDIDATES_LABELLED);
	if (scorer != NULL && cache->explanation)
		PrepareExplanation(scorer, fitted);
	copy = palloc(length);
	memcpy(copy, key, length);
	MemoryContextSwitchTo(caller);

	/* Nothing fails from here on. */
	MemoryContextSetParent(context, cache->context);
	MemoryContextDelete(scratch);
	entry->key = copy;
	entry->key_length = length;
	entry->scorer = scorer;
	entry->context = context;
}

/*
 * Finds the current run anew; makes the scorer unless it is that of the run.
 */
static Scorer *
RefreshByName(ScorerCache *cache, CacheEntry *entry, text *name, const Moment *now)
{
	int64		run = ReadableRun(text_to_cstring(name));

	if (entry == NULL || entry->run != run)
	{
		if (entry == NULL)
			entry = NewEntry(cache);
		else
			ForgetEntry(entry);
		FillEntry(cache, entry, VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name), run == 0 ? 0 : RequiredPosterior(run));
		entry->run = run;
	}
	entry->moment = *now;
	return entry->scorer;
}

/*
 * Returns the scorer of the network that argument 0 names.
 */
Scorer *
ScorerByName(FunctionCallInfo fcinfo, bool explanation)
{
	ScorerCache *cache = GetCache(fcinfo->flinfo, explanation);
	text	   *name = PG_GETARG_TEXT_PP(0);
	CacheEntry *entry = FindEntry(cache, VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name));
	Moment		now;

	GetMoment(&now);
	if (likely(entry != NULL && SameMoment(&entry->moment, &now)))
		return entry->scorer;
	return RefreshByName(cache, entry, name, &now);
}

/*
 * Returns the scorer of the posterior that argument 0 is.
 */
Scorer *
ScorerByValue(FunctionCallInfo fcinfo, bool explanation)
{
	ScorerCache *cache = GetCache(fcinfo->flinfo, explanation);
	struct varlena *value = (struct varlena *) PG_GETARG_POINTER(0);
	CacheEntry *entry;
	Moment		now = {0};

	if (cache->constant && cache->entries[0].context != NULL)
		return cache->entries[0].scorer;
	if (VARATT_IS_EXTERNAL_ONDISK(value))
		GetMoment(&now);
	else if (VARATT_IS_EXTERNAL(value))
		value = PG_DETOAST_DATUM(PointerGetDatum(value));
	entry = FindEntry(cache, (char *) value, VARSIZE_ANY(value));
	if (entry != NULL && SameMoment(&entry->moment, &now))
		return entry->scorer;
	if (entry == NULL)
		entry = NewEntry(cache);
	else
		ForgetEntry(entry);
	FillEntry(cache, entry, (char *) value, VARSIZE_ANY(value), PointerGetDatum(value));
	entry->moment = now;
	return entry->scorer;
}

/*
 * Raises an error that names the columns.
 */
static void
RefuseRow(const Scorer *scorer, int given)
{
	StringInfoData columns;

	initStringInfo(&columns);
	AppendNames(&columns, scorer->ncolumns, scorer->columns);
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg_plural("%d value was given for a network with %d columns",
						   "%d values were given for a network with %d columns", given, given, scorer->ncolumns),
			 errdetail("The columns are %s, in this order.", columns.data)));
}

/*
 * Copies a row with NULLs, as NaN; returns NULL if there is nothing else.
 */
static const double *
CopyRow(ArrayType *array, Scorer *scorer)
{
	const double *values = (const double *) ARR_DATA_PTR(array);
	const bits8 *present = ARR_NULLBITMAP(array);
	int			observed = 0;

	for (int i = 0; i < scorer->ncolumns; i++)
		if (present[i / 8] & (1 << i % 8))
		{
			if (unlikely(isnan(values[observed])))
				RefuseValue(scorer, i, values[observed]);
			scorer->given[i] = values[observed++];
		}
		else
			scorer->given[i] = get_float8_nan();
	return observed == 0 ? NULL : scorer->given;
}

const double *
ScorerRow(FunctionCallInfo fcinfo, Scorer *scorer, bool marginalize)
{
	ArrayType  *array = PG_GETARG_ARRAYTYPE_P(1);
	const double *values = (const double *) ARR_DATA_PTR(array);

	if (unlikely(ARR_NDIM(array) > 1))
		ereport(ERROR, (errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR), errmsg("a row must be a one-dimensional array")));
	if (unlikely(ARR_NDIM(array) == 0 || ARR_DIMS(array)[0] != scorer->ncolumns))
		RefuseRow(scorer, ARR_NDIM(array) == 0 ? 0 : ARR_DIMS(array)[0]);
	if (unlikely(ARR_HASNULL(array)) && array_contains_nulls(array))
		return marginalize ? CopyRow(array, scorer) : NULL;
	for (int i = 0; i < scorer->ncolumns; i++)
		if (unlikely(isnan(values[i])))
			RefuseValue(scorer, i, values[i]);
	return values;
}
