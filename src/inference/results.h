/*
 * results.h
 *		The results column: labels written by UPDATE, and taken away again.
 */
#ifndef BNAI_RESULTS_H
#define BNAI_RESULTS_H

#include "lib/stringinfo.h"
#include "nodes/pg_list.h"
#include "posterior/posterior.h"
#include "storage/block.h"

/* Raises an error if a label does not fit into the results column. */
extern void CheckLabelsFit(const Network *network, const Posterior *posterior);

/* True if the results column holds numbers of labels. */
extern bool ResultsAreNumbers(const Network *network);

/* The name of the network's source, qualified and quoted; an error if it is gone.  Nothing about it changes until the transaction ends. */
extern char *QualifiedSource(const Network *network);

/* The name of its results column, quoted; an error if the column is gone. */
extern char *QuotedResultsColumn(const Network *network);

/*
 * The columns of the source that the numbers of a posterior's leaves come from,
 * one after the other; one without an attribute is gone.  NULL: the network has
 * not these leaves any more.
 */
extern SourceColumn *PosteriorSourceColumns(const Network *network, const Posterior *posterior, int *n);

/* Appends bnai_predict($parameter, …) over the columns of the posterior, in a query on the network's source. */
extern void AppendPrediction(StringInfo sql, const Network *network, const Posterior *posterior, int parameter);

/*
 * Writes the label of each row of the targets (see roles.h) whose label changes;
 * returns how many did, and adds to `refused` how many a trigger of the table
 * has kept from it.  Needs SPI.
 */
extern int64 WriteResults(const Network *network, const List *targets, const Posterior *posterior, int64 *refused);

/*
 * The same for the rows in n blocks from `first` on, of each partition or child,
 * but for rows that others have locked.  ResultsBlocks says up to which block
 * there are rows; 0: they have no blocks.
 */
extern int64 WriteResultsInBlocks(const Network *network, const List *targets, const Posterior *posterior,
								  BlockNumber first, BlockNumber n, int64 *refused);
extern BlockNumber ResultsBlocks(const Network *network);

/* Warns of them, if there are any. */
extern void ReportRefused(const Network *network, int64 refused);

/* Counts the rows that have a label, as the current user. */
extern int64 CountResults(const Network *network);

/* Sets the results column to NULL; returns how many rows changed. */
extern int64 ClearResults(const Network *network);

/* True while bnai itself updates a results column of that table, or of one that it is part of: such updates are not news. */
extern bool ResultsUpdateInProgress(Oid relation);

extern void InitResults(void);

#endif
