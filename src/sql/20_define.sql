
/* --- defining networks --- */

CREATE FUNCTION bnai_create_network(
	network text,
	network_type text DEFAULT 'general',
	restarts integer DEFAULT NULL,
	max_iterations integer DEFAULT NULL,
	tolerance double precision DEFAULT NULL,
	moves boolean DEFAULT NULL,
	seed bigint DEFAULT NULL,
	start text DEFAULT NULL,
	restart_sample integer DEFAULT NULL,
	resolution double precision DEFAULT NULL,
	missing text DEFAULT NULL,
	results_column text DEFAULT NULL,
	counter_threshold bigint DEFAULT NULL,
	threshold_action text DEFAULT NULL,
	prune boolean DEFAULT NULL,
	history integer DEFAULT NULL,
	weight_column text DEFAULT NULL,
	refit text DEFAULT NULL,
	refit_margin double precision DEFAULT NULL)
RETURNS void LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_create_network IS
'creates a network without nodes; network_type is general or clustering; the other arguments are settings, see bnai_set';

CREATE FUNCTION bnai_distributions(OUT distribution text, OUT parameters text, OUT condition text, OUT observable boolean)
RETURNS SETOF record LANGUAGE C IMMUTABLE PARALLEL SAFE ROWS 12 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_distributions() IS
'the distributions that a node can have: their parameters in order, what these must be, and whether a node that has it can be observed';

CREATE FUNCTION bnai_add_node(
	network text,
	node text,
	distribution text,
	params text,
	source regclass DEFAULT NULL,
	columns text[] DEFAULT NULL)
RETURNS void LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_add_node IS
'adds a node to a network; params are numbers, lists, names of nodes and plates=K in the order of the distribution; a node with a source and columns is observed; a column of an array type is as many columns as the first value has elements, or as embedding[384] says';

CREATE FUNCTION bnai_change_node(network text, node text, params text)
RETURNS void LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_change_node IS 'gives a node other parameters; takes effect at the next inference';

CREATE FUNCTION bnai_rebind(network text, source regclass, columns text[] DEFAULT NULL)
RETURNS void LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_rebind IS
'binds a network to another table or view, or to the one that has the name of a source that was dropped; columns are those of all observed nodes in their order, by default of the names that they had last, and so are results and weight column; asks for what bnai_add_node asks for; keeps runs and labels';

CREATE FUNCTION bnai_drop_node(network text, node text)
RETURNS void LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_drop_node IS 'drops a node that is no parameter of another one; with an observed node the runs of the network are dropped, too';

CREATE FUNCTION bnai_drop_network(network text)
RETURNS void LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_drop_network IS 'drops a network with its nodes and runs; leaves the results column as it is';

CREATE FUNCTION bnai_set(network text, setting text, value text)
RETURNS void LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_set IS
'changes a setting of a network: counter_threshold, history, max_iterations, missing, moves, owner, priors (data or vague: gives a clustering the parameters of its nodes that bnai_create_clustering writes), prune, refit, refit_margin, resolution, restart_sample, restarts, results_column, seed, start, threshold_action, tolerance or weight_column; NULL is the default';

CREATE FUNCTION bnai_create_clustering(
	network text,
	source regclass,
	columns text[],
	results_column text DEFAULT NULL,
	max_clusters integer DEFAULT 10,
	priors text DEFAULT 'data',
	covariance text DEFAULT 'full',
	robust boolean DEFAULT false,
	restarts integer DEFAULT NULL,
	seed bigint DEFAULT 1,
	max_iterations integer DEFAULT NULL,
	tolerance double precision DEFAULT NULL,
	moves boolean DEFAULT NULL,
	start text DEFAULT NULL,
	restart_sample integer DEFAULT NULL,
	resolution double precision DEFAULT NULL,
	missing text DEFAULT NULL,
	counter_threshold bigint DEFAULT NULL,
	threshold_action text DEFAULT NULL,
	prune boolean DEFAULT NULL,
	history integer DEFAULT NULL,
	weight_column text DEFAULT NULL,
	refit text DEFAULT NULL,
	refit_margin double precision DEFAULT NULL)
RETURNS void LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_create_clustering IS
'creates a Gaussian mixture of a table''s columns (an array is as many columns as it has elements; where no row says how many, write embedding[384]); priors are data (on the data''s scale) or vague; covariance is full, diagonal (columns are independent within a cluster), spherical (and have one variance) or tied (one covariance for all clusters); robust gives clusters heavier tails, Student-t instead of Gaussian, that outliers fit into; the nodes can be seen in bnai_nodes and changed with bnai_change_node; the other arguments are settings, see bnai_set';
