/*
 * params.h
 *		The language in which the parameters of a node are written.
 *
 *		params   = [ item { "," item } ]
 *		item     = "plates" "=" integer | name | [ number "*" ] value
 *		value    = number | list | function | moment of the data | each
 *		list     = "[" number { "," number } "]" | "[" list { "," list } "]"
 *		function = full(n, x) | zeros(n) | ones(n) | eye(n)
 *		each     = each(value { "," value }), one value for each plate: numbers, lists and functions, all of one shape
 *		moment   = data_mean | data_variance | data_precision | data_covariance | data_inverse_covariance
 *		name     = letters, digits and _, or anything in double quotes
 *
 * Nothing is evaluated.  What a name means, and whether a value fits its
 * place, is decided where the network is known (network.c).
 */
#ifndef BNAI_PARAMS_H
#define BNAI_PARAMS_H

#include "catalog/network.h"

#define MAX_VECTOR_DIM	4096
#define MAX_MATRIX_DIM	512
#define MAX_ITEMS		(MAX_PARAMS + 2)	/* a Mixture has its selector and distribution, too */

typedef enum ItemKind
{
	ITEM_VALUE,					/* numbers */
	ITEM_MOMENT,				/* factor times a moment of the data */
	ITEM_NAME					/* of a node, or of a distribution */
} ItemKind;

typedef struct ParamItem
{
	ItemKind	kind;
	int			location;		/* byte offset in the text */
	ValueShape	shape;			/* ITEM_VALUE */
	int			dim;			/* ITEM_VALUE */
	int			plates;			/* ITEM_VALUE: how many values each(…) has; 0: one for all plates */
	double	   *values;			/* ITEM_VALUE: ShapeSize(shape, dim) numbers, for each of the values */
	double		factor;			/* ITEM_MOMENT */
	DataMoment	moment;			/* ITEM_MOMENT */
	char	   *name;			/* ITEM_NAME */
} ParamItem;

typedef struct ParsedParams
{
	int			nitems;
	ParamItem	items[MAX_ITEMS];
	int			plates;			/* 0: not given */
	int			plates_location;
} ParsedParams;

/* Parses a text; an error points at the character. */
extern ParsedParams *ParseParams(const char *text);

/* To be used inside ereport: points at a byte of a parameter text. */
extern int	ErrorAt(const char *text, int location);

/* Number of characters before a byte, plus one. */
extern int	CharacterPosition(const char *text, int location);

/* A name as it must be written in parameters: in double quotes unless it is plain. */
extern char *QuoteNodeName(const char *name);

/* Name of a moment as it is written. */
extern const char *DataMomentName(DataMoment moment);

#endif							/* BNAI_PARAMS_H */
