/*
 * frame.h
 *		The coordinates of the computation: x' = (x - centre) / scale.
 *
 * Scales are powers of two, so that scaling is exact.
 */
#ifndef BNAI_FRAME_H
#define BNAI_FRAME_H

#include "distributions/distribution.h"

typedef struct Frame
{
	int			dim;
	double	   *centre;
	double	   *scale;
} Frame;

/*
 * Columns with the same number in `frame` share centre and scale, for a global
 * belongs to all of them; those with the same number in `scale`, which are at
 * least these, the scale.  Those that are fixed are taken as they are.
 */
typedef struct FrameGroups
{
	int		   *frame;
	int		   *scale;
	bool	   *fixed;
} FrameGroups;

/* How a quantity changes with the units of the data */
typedef enum Units
{
	UNITS_NONE,					/* not at all */
	UNITS_VALUE,				/* as x */
	UNITS_PRECISION,			/* as 1 / x^2 */
	UNITS_VARIANCE				/* as x^2 */
} Units;

/* The units of a parameter of a variable with units `variable`. */
extern Units ParamUnits(Units variable, ParamRole role);

/* Transforms a value in place, from the user's units to the frame and back. */
extern void ToFrame(const Frame *frame, Units units, ValueShape shape, double *values);
extern void FromFrame(const Frame *frame, Units units, ValueShape shape, double *values);

/* Transforms the parameters of a distribution whose variable has these units, one after the other as Distribution.parameters writes them. */
extern void ParamsFromFrame(const Frame *frame, Units variable, const Distribution *distribution, double *params);
extern void ParamsToFrame(const Frame *frame, Units variable, const Distribution *distribution, double *params);

#endif
