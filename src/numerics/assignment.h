/*
 * assignment.h
 *		Who gets what, so that all together get most.
 */
#ifndef BNAI_ASSIGNMENT_H
#define BNAI_ASSIGNMENT_H

/* Maximises sum of gain[i][assignment[i]] (Kuhn 1955, Munkres 1957); -1 where columns run out.  Gains are finite. */
extern void OptimalAssignment(int rows, int columns, const double *gain, int *assignment);

#endif							/* BNAI_ASSIGNMENT_H */
