/*
 * standins.c
 *		What src/numerics and src/distributions need of the server: memory that is
 *		never returned, and errors that end the program.
 */
#include "postgres.h"

#include <stdio.h>

#include "miscadmin.h"

#undef printf
#undef fprintf
#undef vprintf

volatile sig_atomic_t InterruptPending = false;

void
ProcessInterrupts(void)
{
}

void *
palloc(Size size)
{
	return malloc(Max(size, 1));
}

void *
palloc0(Size size)
{
	return calloc(1, Max(size, 1));
}

void *
palloc_extended(Size size, int flags)
{
	return calloc(1, Max(size, 1));
}

void
pfree(void *pointer)
{
	free(pointer);
}

Size
mul_size(Size a, Size b)
{
	return a * b;
}

bool
errstart(int elevel, const char *domain)
{
	return elevel >= ERROR;
}

bool
errstart_cold(int elevel, const char *domain)
{
	return errstart(elevel, domain);
}

void
errfinish(const char *file, int line, const char *function)
{
	printf("Bail out! error at %s:%d, %s\n", file, line, function);
	exit(1);
}

int
errcode(int code)
{
	return 0;
}

/* Prints what an error says. */
static int
Say(const char *format, va_list arguments)
{
	printf("# ");
	vprintf(format, arguments);
	printf("\n");
	return 0;
}

#define STANDIN(name) \
	int name(const char *format, ...) \
	{ \
		va_list		arguments; \
		int			result; \
		va_start(arguments, format); \
		result = Say(format, arguments); \
		va_end(arguments); \
		return result; \
	}

STANDIN(errmsg)
STANDIN(errmsg_internal)
STANDIN(errdetail)
STANDIN(errhint)

int
pg_strcasecmp(const char *a, const char *b)
{
	return strcasecmp(a, b);
}

#if PG_VERSION_NUM < 160000
void
ExceptionalCondition(const char *condition, const char *kind, const char *file, int line)
#else
void
ExceptionalCondition(const char *condition, const char *file, int line)
#endif
{
	printf("Bail out! assertion failed at %s:%d: %s\n", file, line, condition);
	exit(1);
}
