/*
 * spare.h
 *		Shared memory from the server's reserve, for a library that was not
 *		preloaded.
 */
#ifndef BNAI_SPARE_H
#define BNAI_SPARE_H

/*
 * Returns a piece of shared memory of that name, set up by `init` if nobody has
 * done so before; NULL if the reserve is used up, which is not an error.
 */
extern void *TakeSpareMemory(const char *name, Size size, void (*init) (void *memory));

#endif
