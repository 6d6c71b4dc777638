/*
 * network.h
 *		A network as it stands in the catalog: loaded, parsed and validated.
 */
#ifndef BNAI_NETWORK_H
#define BNAI_NETWORK_H

#include "access/attnum.h"

#include "distributions/distribution.h"

typedef enum NetworkType
{
	NETWORK_GENERAL,
	NETWORK_CLUSTERING
} NetworkType;

typedef enum StartKind
{
	START_KMEANS,
	START_RANDOM,
	START_RESULTS,
	START_POSTERIOR
} StartKind;

typedef enum MissingAction
{
	MISSING_BY_TYPE,			/* marginalize in a clustering whose leaves can, else skip */
	MISSING_MARGINALIZE,		/* a row takes part with the columns that it has */
	MISSING_SKIP,				/* a row without all columns takes no part, and gets no label */
	MISSING_ERROR
} MissingAction;

/* How an inference that a counter or a schedule asks for begins */
typedef enum RefitKind
{
	REFIT_AUTO,					/* from the current run, while that is good enough */
	REFIT_WARM,					/* from the current run */
	REFIT_FULL					/* as the setting start says */
} RefitKind;

typedef enum ThresholdAction
{
	ACTION_NONE,
	ACTION_RECALCULATE,			/* in the transaction that counts */
	ACTION_BACKGROUND			/* by a worker */
} ThresholdAction;

typedef enum NodeParamKind
{
	PARAM_CONSTANT,				/* numbers, in the user's units */
	PARAM_DATA,					/* factor times a moment of the data, known when the rows are */
	PARAM_NODE					/* another node of the network */
} NodeParamKind;

/* Moments of the data that the parameter language can name; in the columns of the leaf that the node belongs to */
typedef enum DataMoment
{
	DATA_MEAN,					/* data_mean: vector */
	DATA_VARIANCE,				/* data_variance: diagonal matrix (or scalar) */
	DATA_PRECISION,				/* data_precision: its inverse */
	DATA_COVARIANCE,			/* data_covariance: full matrix */
	DATA_INVERSE_COVARIANCE		/* data_inverse_covariance */
} DataMoment;

typedef struct NodeParam
{
	NodeParamKind kind;
	int			location;		/* byte offset in the parameter text, for error positions */
	ValueShape	shape;			/* PARAM_CONSTANT: shape of the numbers; of one that spreads a scalar, until the dimension is known */
	int			dim;			/* PARAM_CONSTANT: their dimension */
	int			plates;			/* PARAM_CONSTANT: 1, or as many values as the node has plates */
	double	   *values;			/* PARAM_CONSTANT: plates x ShapeSize(shape, dim) numbers */
	double		factor;			/* PARAM_DATA */
	DataMoment	moment;			/* PARAM_DATA */
	int			node;			/* PARAM_NODE: index into Network.nodes */
} NodeParam;

/* A column of the source: a number, or an array of them */
typedef struct SourceColumn
{
	char	   *name;			/* at present, or the last one */
	int			width;			/* elements of an array; 0: a number */
	AttrNumber	attribute;		/* number of the column in the source; 0: there is none, whatever has the name */
	char	   *last_name;		/* when it was bound; NULL: it is not stored */
} SourceColumn;

/*
 * A node.  A Mixture is kept as what it means: `distribution` is that of a
 * component, `selector` the index of its Categorical, and params are the
 * component's.  For all other nodes selector is -1.
 */
typedef struct NetworkNode
{
	int			id;
	char	   *name;
	char	   *distribution_name;	/* as stored */
	const Distribution *distribution;
	int			selector;
	char	   *params_text;
	int			nparams;
	NodeParam	params[MAX_PARAMS];
	int			plates;			/* 1, or the number of components */
	int			dim;			/* dimension of the value; 0: not known before the data are */
	Oid			source;			/* InvalidOid: not observed, or its source is gone */
	char	   *source_name;	/* for messages when the source is gone */
	bool		source_bound;	/* it was known once */
	int			nsource_columns;
	SourceColumn *source_columns;
	int			ncolumns;		/* numbers of a row: one for each element of an array */
	char	  **columns;		/* their names, see observed.h */
} NetworkNode;

/* Resolution of priors that follow the data; any other one than this and 0 is the user's word */
#define DEFAULT_RESOLUTION 1e-4

typedef struct NetworkSettings
{
	int			restarts;		/* 0: chosen by type and number of rows */
	int			max_iterations;
	double		tolerance;		/* nats; 0 never stops early */
	bool		moves;
	bool		prune;			/* components that no row needs are taken out of use */
	int64		seed;
	StartKind	start;
	int			history;		/* runs that are kept */
	int			restart_sample; /* rows of the sample on which restarts race; 0: all rows */
	MissingAction missing;		/* what a NULL among the observed columns means */
	double		resolution;		/* of the data, in standard deviations of a column; 0: exact */
	char	   *results_column; /* NULL: none */
	char	   *weight_column;	/* NULL: none */
	struct BoundColumn *results_bound;	/* the same as they are stored, see boundcolumn.h */
	struct BoundColumn *weight_bound;
	AttrNumber	results_attribute;	/* their numbers in the source; 0: none, or not there */
	AttrNumber	weight_attribute;
	int64		counter_threshold;	/* 0: none */
	ThresholdAction threshold_action;
	RefitKind	refit;
	double		refit_margin;	/* nats that a refit must gain by other groups than those of the current run */
} NetworkSettings;

typedef struct Network
{
	int			id;
	char	   *name;
	NetworkType type;
	char	   *owner_name;		/* at present, or the last one */
	Oid			owner;			/* InvalidOid: the role is gone, whoever has the name; superusers only */
	NetworkSettings settings;
	int			nnodes;
	NetworkNode *nodes;			/* in order of id */
} Network;

/*
 * Loads a network by name; the caller's right to do what it does is checked
 * by the functions of privileges.h.  missing_ok: returns NULL.
 */
extern Network *LoadNetwork(const char *name, bool missing_ok);
extern Network *LoadNetworkById(int id, bool missing_ok);

/*
 * The same without parsing parameters (selector, params, plates and dim are
 * not set): enough for privileges and for finding runs, and works for a
 * network that is broken.
 */
extern Network *LoadUnparsedNetwork(const char *name, bool missing_ok);

/* The same as it is now, not when the statement or transaction began. */
extern Network *LoadLatestUnparsedNetwork(const char *name);

extern Network *LoadUnparsedNetworkById(int id, bool missing_ok);

/* Raises an error unless the current user may do something with a network; see privileges.h. */
typedef void (*CheckRight) (const Network *network);

/*
 * Loads a network that the current user is about to change or to fit: checks
 * the right to, takes the network's lock until the end of the transaction
 * (an error if nowait and it is taken), and reads what is committed then.
 */
extern Network *LoadNetworkToChange(const char *name, bool nowait);
extern Network *LoadNetworkForWhoMay(const char *name, bool nowait, CheckRight check);

/*
 * Raises an error unless the network's source and columns are what they were
 * when somebody who could chose them; the hint says how to choose again.
 */
extern void CheckBound(const Network *network);

/*
 * Keeps the source and its columns as they are until the end of the
 * transaction, reads their present names, and does what CheckBound does.
 * Before SQL is built from the names.
 */
extern void LockSource(Network *network);

/* Raises an error unless the network as a whole can be fitted; resolves dimensions and plates. */
extern void ValidateNetwork(Network *network);

/* True if a parameter is a number, vector or matrix for each plate. */
extern bool DiffersByPlate(const NodeParam *param);

/*
 * A number that changes with whatever says which posterior belongs to the
 * rows: the nodes, and the settings that are no matter of the search.
 */
extern int64 DefinitionHash(const Network *network);

/*
 * True if two states of a network have the same definition, and by it the same
 * source and results: a posterior of the one can be stored for the other.
 */
extern bool SameDefinition(const Network *a, const Network *b);

/* Index of a node, or -1. */
extern int	FindNode(const Network *network, const char *name);

/* True if the node is a leaf: observed. */
extern bool IsLeaf(const NetworkNode *node);

/* True if the node is a selector: which component a row comes from. */
extern bool IsSelector(const NetworkNode *node);

/* The table or view that all leaves read; InvalidOid if there is no observed node. */
extern Oid	NetworkSource(const Network *network);

#endif
