/*
 * ensure.h
 *		What must hold: an assertion where the server has them, and an ordinary
 *		error elsewhere.
 *
 * For what a mistake of the code would turn into reading or writing memory that
 * is not there.  What a user can do wrong has an error of its own.
 */
#ifndef BNAI_ENSURE_H
#define BNAI_ENSURE_H

/* Raises an error with a formatted message unless the condition holds. */
#ifdef USE_ASSERT_CHECKING
#define Ensure(condition, ...) Assert(condition)
#else
#define Ensure(condition, ...) \
	do { \
		if (unlikely(!(condition))) \
			ereport(ERROR, \
					(errcode(ERRCODE_INTERNAL_ERROR), \
					 errmsg_internal(__VA_ARGS__), \
					 errdetail_internal("It does not hold that %s.", #condition))); \
	} while (0)
#endif

#endif
