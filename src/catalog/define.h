/*
 * define.h
 *		Creating networks and nodes: what the SQL functions share.
 */
#ifndef BNAI_DEFINE_H
#define BNAI_DEFINE_H

#include "catalog/network.h"
#include "catalog/settings.h"

/* Text of an argument that must not be NULL. */
extern char *TextArgument(FunctionCallInfo fcinfo, int i, const char *name);

/* Names in an argument of type text[]; raises an error if one is NULL or there are none. */
extern int	NamesArgument(FunctionCallInfo fcinfo, int i, const char *name, char ***names);

/* Collects the arguments from `first` on that are not NULL; their settings are named in order, the list ends with NULL. */
extern int	SettingArguments(FunctionCallInfo fcinfo, int first, const char *const *names, SettingValue *values);

#define MAX_SETTINGS 32

extern void CreateNetwork(const char *name, const char *type, int nvalues, const SettingValue *values);
extern void AddNode(const char *network, const char *name, const char *distribution, const char *params,
					Oid source, int ncolumns, char **columns);

/* Write a node's parameters, or remove it, without looking whether the network fits together then. */
extern void StoreParams(const Network *network, const NetworkNode *node, const char *params);
extern void RemoveNode(const Network *network, const NetworkNode *node);

/* Gives a clustering the parameters of its nodes that bnai_create_clustering writes; the priors are named as there.  Returns their resolution. */
extern double ResetPriors(const char *network, const char *priors);

/* Priors of a clustering by name; the list ends with NULL. */
extern const char *const PriorChoices[];

#endif							/* BNAI_DEFINE_H */
