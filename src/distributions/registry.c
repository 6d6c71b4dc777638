/*
 * registry.c
 *		All distributions: a new one is a line here.
 */
#include "postgres.h"

#include "distributions/families.h"
#include "distributions/leaf.h"

/* Families that are not part of the library: a file that names each as FAMILY(name) */
#ifdef MORE_FAMILIES
#define FAMILY(name) extern const Distribution name;
#include MORE_FAMILIES
#undef FAMILY
#endif

const Distribution *const Distributions[] = {
	&Gaussian,
	&GaussianARD,
	&GaussianDiagonal,
	&GaussianSpherical,
	&StudentT,
	&StudentTDiagonal,
	&StudentTSpherical,
	&Gamma,
	&GammaVector,
	&DegreesOfFreedom,
	&Wishart,
	&Dirichlet,
	&Categorical,
	&Mixture,
#ifdef MORE_FAMILIES
#define FAMILY(name) &name,
#include MORE_FAMILIES
#endif
};

const int	NDistributions = lengthof(Distributions);

const Distribution *const SelectorDistribution = &Categorical;

/* Returns the distribution of that name, in any case of letters, or NULL. */
const Distribution *
FindDistribution(const char *name)
{
	for (int i = 0; i < NDistributions; i++)
		if (pg_strcasecmp(Distributions[i]->name, name) == 0)
			return Distributions[i];
	return NULL;
}

/* Returns how many numbers a value of that shape has. */
int
ShapeSize(ValueShape shape, int dim)
{
	return shape == SHAPE_SCALAR ? 1 : shape == SHAPE_VECTOR ? dim : dim * dim;
}

ValueShape
WrittenShape(const ParamSpec *spec, int dim, const double *values)
{
	if (!spec->spreads)
		return spec->shape;
	for (int i = 1; i < dim; i++)
		if (values[i] != values[0])
			return spec->shape;
	return SHAPE_SCALAR;
}

/* Returns how many numbers the parameters of one plate have. */
int
ParamsSize(const Distribution *distribution, int dim)
{
	int			size = 0;

	for (int i = 0; i < distribution->nparams; i++)
		size += ShapeSize(distribution->params[i].shape, dim);
	return size;
}

void
RaiseImproper(const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg_internal("%s", what),
			 errdetail("Its numbers are too large, too small or too unequal to compute with.")));
}
