/*
 * categorical.c
 *		Categorical(p): one of dim categories, here always the latent selector
 *		of a row.
 *
 * u(z) is the indicator of z, phi = E[log p], g = f = 0.  Responsibilities
 * come out of the pass over the rows, so the operations of q itself are not
 * needed; the message to p is the expected counts.
 */
#include "postgres.h"

#include "distributions/families.h"

static int
CategoricalSize(int dim)
{
	return dim;
}

static void
CategoricalNatural(int dim, const double *const *parents, double *phi)
{
	memcpy(phi, parents[0], sizeof(double) * dim);
}

static void
CategoricalMessage(int dim, int param, const double *const *parents, const double *u, double count, double *message)
{
	for (int i = 0; i < dim; i++)
		message[i] += u[i];
}

const Distribution Categorical = {
	.name = "Categorical",
	.selects = true,
	.shape = SHAPE_VECTOR,
	.nparams = 1,
	.params = {
		{"p", ROLE_INVARIANT, SHAPE_VECTOR, &Dirichlet, true, .sums_to_one = true},
	},
	.signature = "Categorical(p)",
	.proper = "The probabilities must be positive.",
	.size = CategoricalSize,
	.natural = CategoricalNatural,
	.message = CategoricalMessage,
};
