/*
 * fit.c
 *		From rows to a fit, wherever the rows come from.
 */
#include "postgres.h"

#include "engine/parallel.h"
#include "inference/fit.h"

LoadRequest
RowsForPlan(const NetworkPlan *plan)
{
	return (LoadRequest) {
		.source = plan->source,
		.ncolumns = plan->ncolumns,
		.columns = plan->columns,
		.frame_group = plan->frame_group,
		.max_labels = plan->components,
		.share_from = ParallelRows(plan),
	};
}

Fit *
FitRows(NetworkPlan *plan, const RowStore *rows)
{
	BindPlan(plan, rows);
	return FitInParallel(plan, rows);
}
