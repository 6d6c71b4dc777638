/*
 * advice.h
 *		What is said to who infers by hand, where the rows or the clusters call
 *		for it.
 */
#ifndef BNAI_ADVICE_H
#define BNAI_ADVICE_H

#include "engine/plan.h"

/* Says what is odd about the rows before an inference of them; returns how many notices were sent. */
extern int	AdviseOnRows(const NetworkPlan *plan, const RowStore *rows);

/* Says which column has lost its ordinary values to some that are far out, when the plan is bound to the rows; returns 1 if there is one. */
extern int	AdviseOnResolution(const NetworkPlan *plan, const RowStore *rows);

/* Says what is to be known of the clusters, if not so many notices have been sent already. */
extern void AdviseOnClusters(const NetworkPlan *plan, int clusters, int said);

#endif
