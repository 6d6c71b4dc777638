/*
 * frame.c
 *		Carrying parameters between the user's units and the frame.
 */
#include "postgres.h"

#include "distributions/frame.h"

Units
ParamUnits(Units variable, ParamRole role)
{
	switch (role)
	{
		case ROLE_LOCATION:
			return variable;
		case ROLE_PRECISION:
			return variable == UNITS_VALUE ? UNITS_PRECISION : UNITS_NONE;
		case ROLE_RATE:
			return variable == UNITS_PRECISION ? UNITS_VARIANCE
				: variable == UNITS_VARIANCE ? UNITS_PRECISION : UNITS_NONE;
		case ROLE_TAILS:
		case ROLE_INVARIANT:
			break;
	}
	return UNITS_NONE;
}

/* Multiplies element (i, j) by (scale_i scale_j)^power; scalars and vectors are their diagonal. */
static void
ScaleSquared(const Frame *frame, int power, ValueShape shape, double *values)
{
	int			n = shape == SHAPE_SCALAR ? 1 : frame->dim;

	for (int i = 0; i < n; i++)
		for (int j = shape == SHAPE_MATRIX ? 0 : i; j < (shape == SHAPE_MATRIX ? n : i + 1); j++)
		{
			double		factor = frame->scale[i] * frame->scale[j];
			double	   *value = shape == SHAPE_MATRIX ? &values[i * n + j] : &values[i];

			*value = power > 0 ? *value * factor : *value / factor;
		}
}

static void
Transform(const Frame *frame, Units units, ValueShape shape, double *values, bool inward)
{
	int			n = shape == SHAPE_SCALAR ? 1 : frame->dim;

	switch (units)
	{
		case UNITS_NONE:
			break;
		case UNITS_VALUE:
			Assert(shape != SHAPE_MATRIX);
			for (int i = 0; i < n; i++)
				values[i] = inward ? (values[i] - frame->centre[i]) / frame->scale[i]
					: values[i] * frame->scale[i] + frame->centre[i];
			break;
		case UNITS_PRECISION:
			ScaleSquared(frame, inward ? 1 : -1, shape, values);
			break;
		case UNITS_VARIANCE:
			ScaleSquared(frame, inward ? -1 : 1, shape, values);
			break;
	}
}

void
ToFrame(const Frame *frame, Units units, ValueShape shape, double *values)
{
	Transform(frame, units, shape, values, true);
}

void
FromFrame(const Frame *frame, Units units, ValueShape shape, double *values)
{
	Transform(frame, units, shape, values, false);
}

static void
TransformParams(const Frame *frame, Units variable, const Distribution *distribution, double *params, bool inward)
{
	for (int i = 0; i < distribution->nparams; i++)
	{
		const ParamSpec *spec = &distribution->params[i];

		Transform(frame, ParamUnits(variable, spec->role), spec->shape, params, inward);
		params += ShapeSize(spec->shape, frame->dim);
	}
}

void
ParamsFromFrame(const Frame *frame, Units variable, const Distribution *distribution, double *params)
{
	TransformParams(frame, variable, distribution, params, false);
}

void
ParamsToFrame(const Frame *frame, Units variable, const Distribution *distribution, double *params)
{
	TransformParams(frame, variable, distribution, params, true);
}
