/*
 * mixture.c
 *		Mixture(z, distribution, parameters…): a choice among components.
 *
 * It has no operations of its own: a mixture is its component distribution
 * with one set of parents for each value of the selector z.
 */
#include "postgres.h"

#include "distributions/families.h"

const Distribution Mixture = {
	.name = "Mixture",
	.mixes = true,
	.signature = "Mixture(z, distribution, parameters of the distribution)",
	.proper = "z must be a Categorical node, and the distribution one that can be observed.",
};
