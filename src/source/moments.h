/*
 * moments.h
 *		Mean and covariance of rows while they are being loaded, and the frame
 *		that follows from them.
 */
#ifndef BNAI_MOMENTS_H
#define BNAI_MOMENTS_H

#include "distributions/frame.h"

/* Moments of each pair of columns over the rows that have both: dim x dim numbers each */
typedef struct PairMoments
{
	double		rows;			/* of all rows added here */
	double	   *counts;
	double	   *means;			/* of the first column of the pair */
	double	   *products;
} PairMoments;

typedef struct RowMoments
{
	int			dim;
	bool		covariances;	/* of each pair of columns, or variances alone? */
	double		rows;			/* or the sum of their weights */
	double	   *mean;			/* dim */
	double	   *products;		/* sums of products of differences from the mean: j <= i, row by row; or of squares */
	double	   *counts;			/* without covariances: rows that have each column */

	PairMoments *pairs;			/* with them: of rows that lack columns; NULL: there are none */

	/* work space */
	double	   *centred;		/* one block of rows, less the pivot */
	const double **columns;		/* of it */
	double	   *lanes;
	double	   *sums;
} RowMoments;

extern RowMoments *CreateMoments(int dim, bool covariances);
extern void FreeMoments(RowMoments *moments);

/* Adds the rows of a chunk; without weights (NULL) each counts for one. */
extern void AddMoments(RowMoments *moments, const double *const *columns, const double *weights, int rows);

/* Adds rows that lack the same columns, and returns what they count for; `observed` are the other columns. */
extern double AddIncompleteMoments(RowMoments *moments, const double *const *columns, const double *weights,
								   int nobserved, const int *observed, int rows);

/*
 * Ends adding.  Where rows lack columns, mean and variance are of the values
 * that are there, and covariances of the rows that have both, made smaller
 * together if they fit no distribution.
 */
extern void FinishMoments(RowMoments *moments);

/* Writes means, variances and, if they are known, covariances in a frame. */
extern void MomentsInFrame(const RowMoments *moments, const Frame *frame, double *mean, double *variance,
						   double *covariance);

/*
 * Chooses centres and scales: for each group of columns (about) the average of
 * their means, and the power of two next to the root of their mean square
 * distance from it.
 */
extern void ChooseFrame(const RowMoments *moments, const FrameGroups *groups, char *const *names, Frame *frame);

#endif
