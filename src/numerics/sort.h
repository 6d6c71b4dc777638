/*
 * sort.h
 *		Sorting of numbers.
 */
#ifndef BNAI_SORT_H
#define BNAI_SORT_H

/* Sorts numbers, none of them NaN, in ascending order. */
extern void SortDoubles(double *values, size_t n);

#endif
