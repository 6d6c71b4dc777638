/*
 * infer.h
 *		An inference from beginning to end: load, iterate, store.
 */
#ifndef BNAI_INFER_H
#define BNAI_INFER_H

#include "catalog/network.h"
#include "inference/runs.h"

/*
 * Fits a network that was loaded by LoadNetworkToChange, stores the run and
 * writes the results, all as the current user and in the current transaction.
 * `fit` (may be NULL) gets the numbers of how it went; its pointers are gone.  Needs SPI to be connected.
 */
extern RunSummary InferNetwork(Network *network, Fit *fit);

/* Raises an error where nothing can be written: in read-only and parallel mode and in recovery. */
extern void PreventWhereReadOnly(const char *function);

#endif
