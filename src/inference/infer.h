/*
 * infer.h
 *		An inference from beginning to end: load, iterate, store.
 */
#ifndef BNAI_INFER_H
#define BNAI_INFER_H

#include "catalog/network.h"
#include "inference/refit.h"
#include "inference/runs.h"

/*
 * Fits a network that was loaded by LoadNetworkToInfer, stores the run and
 * writes the results, all in the current transaction: as the current user, or
 * for a decider (see roles.h), and then without waiting for rows that others have locked.
 * `fit` (may be NULL) gets the numbers of how it went; its pointers are gone.  Needs SPI to be connected.
 */
extern RunSummary InferNetwork(Network *network, Asked asked, Oid decider, Fit *fit);

/*
 * The same in phases, for who has a transaction for loading and one for
 * storing.  Loading and storing need a transaction and SPI; iterating needs
 * neither.  What is read and written is so as the current user or for a decider.  What an inference holds is below the
 * memory context that is current when it is loaded, and so must the network be.
 * keep: it outlives the transaction that loads; without parallel workers, so far.
 */
typedef struct Inference Inference;

extern Inference *LoadInference(Network *network, Asked asked, Oid decider, bool keep);
extern void IterateInference(Inference *inference);
/*
 * Between iterating and storing: labels one batch of the rows of a large
 * table, in a transaction that is to be committed; false if there is nothing
 * (more) to label in advance.
 */
extern bool LabelInAdvance(Inference *inference);

/* Who decides may have changed since an inference was loaded. */
extern void SetDecider(Inference *inference, Oid decider);

extern RunSummary StoreInference(Inference *inference);
extern void EndInference(Inference *inference);

/* Like LoadNetworkForWhoMay, for an inference: first takes the lock that allows one at a time. */
extern Network *LoadNetworkToInfer(const char *name, bool nowait, CheckRight check);

/* Called when InferNetwork begins and, unless it fails, when it ends. */
extern void (*inference_hook) (int network, bool begins);

/* Raises an error where nothing can be written: in read-only and parallel mode and in recovery. */
extern void PreventWhereReadOnly(const char *function);

#endif
