/*
 * rules.h
 *		Responsibilities by rule: starts and splits.
 */
#ifndef BNAI_RULES_H
#define BNAI_RULES_H

#include "engine/job.h"

/* True if the rule gives the responsibilities by itself, false if it changes those of the globals. */
extern bool RuleReplacesGlobals(const Rule *rule);

/* Writes or changes the responsibilities of a block: live components x rows; 0 from row `valid` on. */
extern void ApplyRule(const Rule *rule, const Job *job, const double *const *columns, int rows, int valid, double *r);

#endif
