/*
 * graph.c
 *		The edges of a network, and its picture for Graphviz.
 */
#include "postgres.h"

#include "funcapi.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"

#include "catalog/network.h"
#include "catalog/observed.h"
#include "catalog/params.h"
#include "catalog/privileges.h"
#include "compat.h"

PG_FUNCTION_INFO_V1(bnai_node_parents);
PG_FUNCTION_INFO_V1(bnai_graph);

/* Returns what the item of a Mixture, or of another distribution, is called. */
static const char *
ItemRole(const Distribution *distribution, const ParsedParams *params, int item)
{
	bool		mixture = distribution != NULL && distribution->mixes;

	if (mixture && item == 0)
		return "selector";
	if (mixture)
	{
		distribution = params->items[1].kind == ITEM_NAME ? FindDistribution(params->items[1].name) : NULL;
		item -= 2;
	}
	return distribution != NULL && item < distribution->nparams ? distribution->params[item].name : "";
}

/* bnai_node_parents(distribution, params): the nodes that are named in parameters, and what they are there. */
Datum
bnai_node_parents(PG_FUNCTION_ARGS)
{
	const Distribution *distribution = FindDistribution(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	ParsedParams *params = ParseParams(text_to_cstring(PG_GETARG_TEXT_PP(1)));
	bool		mixture = distribution != NULL && distribution->mixes;
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i < params->nitems; i++)
	{
		Datum		values[2];
		bool		nulls[2] = {false, false};

		if (params->items[i].kind != ITEM_NAME || (mixture && i == 1))
			continue;
		values[0] = CStringGetTextDatum(params->items[i].name);
		values[1] = CStringGetTextDatum(ItemRole(distribution, params, i));
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/* Appends a text as a quoted string of the DOT language. */
static void
AppendQuoted(StringInfo dot, const char *text)
{
	appendStringInfoChar(dot, '"');
	for (; *text != '\0'; text++)
	{
		if (*text == '\n')
			appendStringInfoString(dot, "\\n");
		else if (*text != '\r')
		{
			if (*text == '"' || *text == '\\')
				appendStringInfoChar(dot, '\\');
			appendStringInfoChar(dot, *text);
		}
	}
	appendStringInfoChar(dot, '"');
}

/* Longest parameters of a node that a picture shows */
#define MOST_PARAMS 400

/* Returns the parameters of a node, cut off if they are long. */
static char *
ShortParams(const NetworkNode *node)
{
	int			length = strlen(node->params_text);

	if (length <= MOST_PARAMS)
		return node->params_text;
	return psprintf("%.*s ...", pg_mbcliplen(node->params_text, length, MOST_PARAMS), node->params_text);
}

/* Appends a node: its name, and the columns of an observed one, which is shaded. */
static void
AppendNodeStatement(StringInfo dot, const NetworkNode *node, const char *indent)
{
	StringInfoData label;

	initStringInfo(&label);
	appendStringInfoString(&label, node->name);
	for (int i = 0; i < node->nsource_columns; i++)
		appendStringInfo(&label, "%s%s", i == 0 ? "\n" : ", ", SourceColumnText(&node->source_columns[i]));
	appendStringInfoString(dot, indent);
	AppendQuoted(dot, node->name);
	appendStringInfoString(dot, " [label=");
	AppendQuoted(dot, label.data);
	if (IsLeaf(node))
		appendStringInfoString(dot, ", style=filled, fillcolor=lightgrey");
	appendStringInfoString(dot, ", tooltip=");
	AppendQuoted(dot, psprintf("%s ~ %s(%s)", node->name, node->distribution_name, ShortParams(node)));
	appendStringInfoString(dot, "];\n");
}

/* Returns true for a node that is repeated for each row. */
static bool
OnRowPlate(const NetworkNode *node)
{
	return IsLeaf(node) || IsSelector(node);
}

/* Appends the box of the row plate. */
static void
AppendRowPlate(StringInfo dot, const Network *network)
{
	const char *source = NULL;
	bool		any = false;

	for (int i = 0; i < network->nnodes; i++)
	{
		any |= OnRowPlate(&network->nodes[i]);
		if (IsLeaf(&network->nodes[i]) && source == NULL)
			source = network->nodes[i].source_name;
	}
	if (!any)
		return;
	appendStringInfoString(dot, "\tsubgraph cluster_rows {\n\t\tstyle=rounded;\n\t\tlabel=");
	AppendQuoted(dot, source != NULL ? psprintf("rows of %s", source) : "rows");
	appendStringInfoString(dot, ";\n");
	for (int i = 0; i < network->nnodes; i++)
		if (OnRowPlate(&network->nodes[i]))
			AppendNodeStatement(dot, &network->nodes[i], "\t\t");
	appendStringInfoString(dot, "\t}\n");
}

/* Appends the nodes off the rows with that many plates, in a box if there is more than one. */
static void
AppendPlates(StringInfo dot, const Network *network, int plates)
{
	if (plates > 1)
		appendStringInfo(dot, "\tsubgraph cluster_%d {\n\t\tstyle=rounded;\n\t\tlabel=\"%d components\";\n",
						 plates, plates);
	for (int i = 0; i < network->nnodes; i++)
		if (!OnRowPlate(&network->nodes[i]) && network->nodes[i].plates == plates)
			AppendNodeStatement(dot, &network->nodes[i], plates > 1 ? "\t\t" : "\t");
	if (plates > 1)
		appendStringInfoString(dot, "\t}\n");
}

/* Returns true if an earlier node off the rows has as many plates. */
static bool
PlatesSeen(const Network *network, int node)
{
	for (int i = 0; i < node; i++)
		if (!OnRowPlate(&network->nodes[i]) && network->nodes[i].plates == network->nodes[node].plates)
			return true;
	return false;
}

/* Appends the edge from one node to another. */
static void
AppendEdge(StringInfo dot, const NetworkNode *parent, const NetworkNode *child)
{
	appendStringInfoChar(dot, '\t');
	AppendQuoted(dot, parent->name);
	appendStringInfoString(dot, " -> ");
	AppendQuoted(dot, child->name);
	appendStringInfoString(dot, ";\n");
}

/* Appends the edges that lead to a node. */
static void
AppendEdges(StringInfo dot, const Network *network, const NetworkNode *node)
{
	if (node->selector >= 0)
		AppendEdge(dot, &network->nodes[node->selector], node);
	for (int i = 0; i < node->nparams; i++)
		if (node->params[i].kind == PARAM_NODE)
			AppendEdge(dot, &network->nodes[node->params[i].node], node);
}

/* bnai_graph(network): the network in the DOT language. */
Datum
bnai_graph(PG_FUNCTION_ARGS)
{
	Network    *network = LoadNetwork(text_to_cstring(PG_GETARG_TEXT_PP(0)), false);
	StringInfoData dot;

	CheckMayReadNetwork(network);
	initStringInfo(&dot);
	appendStringInfoString(&dot, "digraph ");
	AppendQuoted(&dot, network->name);
	appendStringInfoString(&dot, " {\n\tgraph [labelloc=b, labeljust=r];\n");
	for (int i = 0; i < network->nnodes; i++)
		if (!OnRowPlate(&network->nodes[i]) && !PlatesSeen(network, i))
			AppendPlates(&dot, network, network->nodes[i].plates);
	AppendRowPlate(&dot, network);
	for (int i = 0; i < network->nnodes; i++)
		AppendEdges(&dot, network, &network->nodes[i]);
	appendStringInfoString(&dot, "}\n");
	PG_RETURN_TEXT_P(cstring_to_text_with_len(dot.data, dot.len));
}
