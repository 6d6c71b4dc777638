/*
 * start.h
 *		Where an optimisation starts from: samples of the rows and seeds.
 */
#ifndef BNAI_START_H
#define BNAI_START_H

#include "engine/job.h"

/*
 * A sample of about `size` rows (all, if there are not more), chosen and
 * ordered by a hash of their values: the same whatever the order of the rows.
 * Never empty; some row must count.
 */
extern RowStore *CanonicalSample(const RowStore *rows, int64 size, uint64 seed, MemoryContext context);

/*
 * Returns how many rows a sample is one of: what they count for, as far as
 * weights are numbers of rows, and else the rows themselves.
 */
extern double SampledRows(const RowStore *rows);

/* The rule of a restart's first pass; k-means++ draws its centres from `sample`. */
extern Rule StartRule(const NetworkPlan *plan, const RowStore *sample, int restart);

#endif
