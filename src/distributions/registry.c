/*
 * registry.c
 *		All distributions, by id.
 */
#include "postgres.h"

#include "distributions/families.h"
#include "distributions/leaf.h"

const Distribution *const Distributions[DIST_COUNT] = {
	[DIST_GAUSSIAN] = &Gaussian,
	[DIST_GAUSSIAN_ARD] = &GaussianARD,
	[DIST_GAUSSIAN_DIAGONAL] = &GaussianDiagonal,
	[DIST_GAUSSIAN_SPHERICAL] = &GaussianSpherical,
	[DIST_STUDENT_T] = &StudentT,
	[DIST_STUDENT_T_DIAGONAL] = &StudentTDiagonal,
	[DIST_STUDENT_T_SPHERICAL] = &StudentTSpherical,
	[DIST_GAMMA] = &Gamma,
	[DIST_GAMMA_VECTOR] = &GammaVector,
	[DIST_DEGREES_OF_FREEDOM] = &DegreesOfFreedom,
	[DIST_WISHART] = &Wishart,
	[DIST_DIRICHLET] = &Dirichlet,
	[DIST_CATEGORICAL] = &Categorical,
	[DIST_MIXTURE] = &Mixture,
};

static const LeafKernel *const LeafKernels[DIST_COUNT] = {
	[DIST_GAUSSIAN] = &GaussianLeaf,
	[DIST_GAUSSIAN_ARD] = &GaussianARDLeaf,
	[DIST_GAUSSIAN_DIAGONAL] = &GaussianDiagonalLeaf,
	[DIST_GAUSSIAN_SPHERICAL] = &GaussianSphericalLeaf,
	[DIST_STUDENT_T] = &StudentTLeaf,
	[DIST_STUDENT_T_DIAGONAL] = &StudentTDiagonalLeaf,
	[DIST_STUDENT_T_SPHERICAL] = &StudentTSphericalLeaf,
};

/* Returns the distribution of that name, in any case of letters, or NULL. */
const Distribution *
FindDistribution(const char *name)
{
	for (int i = 0; i < DIST_COUNT; i++)
		if (pg_strcasecmp(Distributions[i]->name, name) == 0)
			return Distributions[i];
	return NULL;
}

const LeafKernel *
FindLeafKernel(DistributionId distribution)
{
	return distribution == DIST_NONE ? NULL : LeafKernels[distribution];
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
