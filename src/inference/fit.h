/*
 * fit.h
 *		What bnai_infer and bnai_fit share: from rows to a fit.
 */
#ifndef BNAI_INFERENCE_FIT_H
#define BNAI_INFERENCE_FIT_H

#include "engine/vb.h"
#include "posterior/posterior.h"
#include "source/query.h"

/* What a plan reads of each row, from its source. */
extern LoadRequest RowsForPlan(const NetworkPlan *plan);

/*
 * Fits a plan to rows that are loaded, from a posterior that fits the plan
 * (NULL: as the settings say); everything is allocated in the current memory
 * context.
 */
extern Fit *FitRows(NetworkPlan *plan, const RowStore *rows, const Posterior *start);

#endif
