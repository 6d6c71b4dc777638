/*
 * rng.h
 *		Seeded, counter-based random numbers: the same on every platform.
 */
#ifndef BNAI_RNG_H
#define BNAI_RNG_H

typedef struct Rng
{
	uint64		state;
} Rng;

extern Rng	RngSeed(uint64 seed, uint64 stream);
extern uint64 RngNext(Rng *rng);
extern double RngUniform(Rng *rng);	/* in [0, 1) */
extern uint64 MixBits(uint64 x);

/* A grid over the values of each column */
typedef struct RowGrid
{
	const double *origin;
	const double *fineness;		/* cells for a unit */
} RowGrid;

extern void HashRows(const double *const *columns, int ncolumns, int first, int rows, const RowGrid *grid, uint64 seed,
					 uint64 *hashes);

#endif
