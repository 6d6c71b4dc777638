/*
 * rng.c
 *		Seeded random numbers.
 *
 * SplitMix64 (Steele, Lea & Flood 2014): the state is a counter and the
 * output its mixed bits, so streams need no warming up.
 */
#include "postgres.h"

#include <math.h>

#include "numerics/rng.h"

#define GOLDEN_GAMMA UINT64CONST(0x9E3779B97F4A7C15)

/* Mixes bits so that every input bit reaches every output bit (the finaliser of SplitMix64). */
uint64
MixBits(uint64 x)
{
	x = (x ^ (x >> 30)) * UINT64CONST(0xBF58476D1CE4E5B9);
	x = (x ^ (x >> 27)) * UINT64CONST(0x94D049BB133111EB);
	return x ^ (x >> 31);
}

/* Returns a generator; streams of one seed are independent. */
Rng
RngSeed(uint64 seed, uint64 stream)
{
	return (Rng) {MixBits(seed + GOLDEN_GAMMA) ^ MixBits((stream + 1) * GOLDEN_GAMMA)};
}

uint64
RngNext(Rng *rng)
{
	rng->state += GOLDEN_GAMMA;
	return MixBits(rng->state);
}

/* Returns a uniform number in [0, 1) with 53 random bits. */
double
RngUniform(Rng *rng)
{
	return (double) (RngNext(rng) >> 11) * 0x1p-53;
}

/*
 * Hashes the values of each of some rows, not its position: the cells of a grid
 * that they lie in, for the hash must not depend on the columns' units, and
 * their last digits do.  Column by column, for one row's steps wait for each
 * other.
 */
void
HashRows(const double *const *columns, int ncolumns, int first, int rows, const RowGrid *grid, uint64 seed,
		 uint64 *hashes)
{
	for (int n = 0; n < rows; n++)
		hashes[n] = MixBits(seed + GOLDEN_GAMMA);
	for (int i = 0; i < ncolumns; i++)
	{
		const double *x = columns[i] + first;
		double		origin = grid->origin[i];
		double		fineness = grid->fineness[i];

		for (int n = 0; n < rows; n++)
		{
			double		value = rint((x[n] - origin) * fineness) + 0.0;
			uint64		bits;

			memcpy(&bits, &value, sizeof(bits));
			hashes[n] = MixBits((hashes[n] ^ bits) + GOLDEN_GAMMA);
		}
	}
}
