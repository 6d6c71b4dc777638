/*
 * rules.h
 *		Responsibilities by rule: starts, and the halves of splits.
 */
#ifndef BNAI_RULES_H
#define BNAI_RULES_H

#include "engine/job.h"

/* Writes the responsibilities of a block by a rule that replaces the globals: live components x rows; 0 from row `valid` on. */
extern void ApplyRule(const Rule *rule, const Job *job, const double *const *columns, int rows, int valid, double *r);

/* Writes the part of a component's responsibilities r that goes to the second half of a split. */
extern void ApplySplit(const Split *split, const double *const *columns, int rows, const double *r, double *second);

#endif
