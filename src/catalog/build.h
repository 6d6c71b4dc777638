/*
 * build.h
 *		From catalog rows to a Network, step by step: for the files of this
 *		folder only.
 */
#ifndef BNAI_BUILD_H
#define BNAI_BUILD_H

#include "catalog/network.h"

/* Like LoadNetworkToChange, but parameters are not parsed. */
extern Network *LoadUnparsedNetworkToChange(const char *name, bool nowait);

/* Adds a node in memory, which takes the columns; InterpretNode comes next. */
extern NetworkNode *AppendNode(Network *network, const char *name, const char *distribution, const char *params,
							   Oid source, int ncolumns, SourceColumn *columns);

/* Parses a node's parameters and finds out what they mean. */
extern void InterpretNode(Network *network, NetworkNode *node);

/* Raises an error if what there is of a network does not fit together; resolves dimensions as far as they are known. */
extern void CheckStructure(Network *network);

/*
 * Binds the columns that are settings to the network's source: those that have
 * only a name, or belong to another relation; all: whatever they are bound to.
 */
extern void BindSettingColumns(const Network *network, bool all);

/* Removes what somebody has restored for a network of that id before there was one. */
extern void RemoveLeftovers(int network);

/* Raises an error unless the source exists and its columns can be observed. */
extern void CheckObserved(const NetworkNode *node);

/*
 * Raises an error if two nodes observe one array with different numbers of
 * elements, or one column below the same node, which would count it twice.
 */
extern void CheckSharedColumns(const Network *network);

/* Raises an error unless labels can be written to that column of the source. */
extern void CheckResultsColumn(const Network *network);

/* Raises an error unless that column of the source holds numbers. */
extern void CheckWeightColumn(const Network *network);

#endif							/* BNAI_BUILD_H */
