\echo Use "CREATE EXTENSION bnai" to load this file. \quit

/* --- bnai_source: a table or view, by OID and by name --- */

CREATE TYPE bnai_source;

CREATE FUNCTION bnai_source_in(cstring) RETURNS bnai_source
	LANGUAGE C STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_source_in(cstring) IS 'I/O';

CREATE FUNCTION bnai_source_out(bnai_source) RETURNS cstring
	LANGUAGE C STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_source_out(bnai_source) IS 'I/O';

CREATE TYPE bnai_source (
	INPUT = bnai_source_in,
	OUTPUT = bnai_source_out,
	INTERNALLENGTH = VARIABLE,
	ALIGNMENT = int4,
	STORAGE = plain
);
COMMENT ON TYPE bnai_source IS 'a table or view that a network reads: follows its renaming, and may be missing';

CREATE FUNCTION bnai_source_from_regclass(regclass) RETURNS bnai_source
	LANGUAGE C STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_source_from_regclass(regclass) IS 'cast';

CREATE FUNCTION bnai_source_to_regclass(bnai_source) RETURNS regclass
	LANGUAGE C STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_source_to_regclass(bnai_source) IS 'cast; NULL if the relation does not exist';

CREATE CAST (regclass AS bnai_source) WITH FUNCTION bnai_source_from_regclass(regclass) AS ASSIGNMENT;
COMMENT ON CAST (regclass AS bnai_source) IS 'remembers the name, too';
CREATE CAST (bnai_source AS regclass) WITH FUNCTION bnai_source_to_regclass(bnai_source);
COMMENT ON CAST (bnai_source AS regclass) IS 'NULL if the relation does not exist';

/* --- bnai_posterior: a fitted network as a value --- */

CREATE TYPE bnai_posterior;

CREATE FUNCTION bnai_posterior_in(cstring) RETURNS bnai_posterior
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_posterior_in(cstring) IS 'I/O';

CREATE FUNCTION bnai_posterior_out(bnai_posterior) RETURNS cstring
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_posterior_out(bnai_posterior) IS 'I/O';

CREATE FUNCTION bnai_posterior_recv(internal) RETURNS bnai_posterior
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_posterior_recv(internal) IS 'I/O';

CREATE FUNCTION bnai_posterior_send(bnai_posterior) RETURNS bytea
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_posterior_send(bnai_posterior) IS 'I/O';

CREATE TYPE bnai_posterior (
	INPUT = bnai_posterior_in,
	OUTPUT = bnai_posterior_out,
	RECEIVE = bnai_posterior_recv,
	SEND = bnai_posterior_send,
	INTERNALLENGTH = VARIABLE,
	STORAGE = extended
);
COMMENT ON TYPE bnai_posterior IS
	'a fitted network: the posterior of each global node, its leaves and the labels of its clusters, in the user''s units; as text JSON, which round-trips exactly';

CREATE CAST (bnai_posterior AS jsonb) WITH INOUT;
COMMENT ON CAST (bnai_posterior AS jsonb) IS 'the text form, to be queried';
/* --- catalog: networks, nodes and runs. Nothing here is granted to anyone; access goes through the functions and views. --- */

CREATE SEQUENCE bnai_network_id_seq;
CREATE SEQUENCE bnai_run_id_seq;

CREATE TABLE bnai_network (
	id integer DEFAULT pg_catalog.nextval('bnai_network_id_seq') CONSTRAINT bnai_network_pkey PRIMARY KEY,
	name text NOT NULL CONSTRAINT bnai_network_name_key UNIQUE
		CONSTRAINT a_network_has_a_name CHECK (name <> ''),
	network_type text NOT NULL
		CONSTRAINT network_type_is_general_or_clustering CHECK (network_type IN ('general', 'clustering')),
	owner name NOT NULL,
	restarts integer
		CONSTRAINT restarts_is_positive CHECK (restarts BETWEEN 1 AND 10000),
	max_iterations integer NOT NULL DEFAULT 1000
		CONSTRAINT max_iterations_is_positive CHECK (max_iterations BETWEEN 1 AND 1000000000),
	tolerance double precision NOT NULL DEFAULT 1e-3
		CONSTRAINT tolerance_is_not_negative CHECK (tolerance >= '0' AND tolerance < 'Infinity'),
	moves boolean NOT NULL DEFAULT true,
	seed bigint NOT NULL DEFAULT 1,
	start text NOT NULL DEFAULT 'kmeans++'
		CONSTRAINT start_is_known CHECK (start IN ('kmeans++', 'random', 'results', 'posterior')),
	restart_sample integer NOT NULL DEFAULT 50000
		CONSTRAINT restart_sample_is_not_negative CHECK (restart_sample >= 0),
	results_column name,
	counter_threshold bigint
		CONSTRAINT counter_threshold_is_positive CHECK (counter_threshold > 0),
	threshold_action text NOT NULL DEFAULT 'none'
		CONSTRAINT threshold_action_is_known CHECK (threshold_action IN ('none', 'recalculate', 'background')),
	created_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
	resolution double precision NOT NULL DEFAULT 0
		CONSTRAINT resolution_is_a_fraction CHECK (resolution BETWEEN '0' AND '1'),
	prune boolean NOT NULL DEFAULT true,
	history integer NOT NULL DEFAULT 10
		CONSTRAINT history_is_positive CHECK (history > 0),
	weight_column name,
	missing text
		CONSTRAINT missing_is_known CHECK (missing IN ('marginalize', 'skip', 'error')),
	refit text NOT NULL DEFAULT 'auto'
		CONSTRAINT refit_is_known CHECK (refit IN ('auto', 'warm', 'full')),
	refit_margin double precision NOT NULL DEFAULT 10
		CONSTRAINT refit_margin_is_not_negative CHECK (refit_margin >= '0' AND refit_margin < 'Infinity')
);

CREATE TABLE bnai_node (
	network integer NOT NULL,
	id integer NOT NULL,
	name text NOT NULL
		CONSTRAINT a_node_has_a_name CHECK (name <> ''),
	distribution text NOT NULL,
	params text NOT NULL,
	source bnai_source,
	columns text[],
	CONSTRAINT bnai_node_pkey PRIMARY KEY (network, id),
	CONSTRAINT node_names_are_unique_in_a_network UNIQUE (network, name),
	CONSTRAINT an_observed_node_has_a_source_and_columns CHECK ((source IS NULL) = (columns IS NULL)),
	CONSTRAINT bnai_node_network_fkey FOREIGN KEY (network) REFERENCES bnai_network ON DELETE CASCADE
);

CREATE TABLE bnai_run (
	id bigint DEFAULT pg_catalog.nextval('bnai_run_id_seq') CONSTRAINT bnai_run_pkey PRIMARY KEY,
	network integer NOT NULL,
	is_current boolean NOT NULL,
	is_previous boolean NOT NULL DEFAULT false,
	started_at timestamptz NOT NULL,
	elapsed interval NOT NULL,
	rows bigint NOT NULL,
	rows_skipped bigint NOT NULL,
	restarts integer NOT NULL,
	best_restart integer NOT NULL,
	iterations integer NOT NULL,
	converged boolean NOT NULL,
	elbo double precision NOT NULL,
	clusters integer,
	rows_relabelled bigint,
	passes double precision NOT NULL,
	moves jsonb NOT NULL,
	posterior bnai_posterior NOT NULL,
	trace_restart integer[] NOT NULL,
	trace_iteration integer[] NOT NULL,
	trace_elbo double precision[] NOT NULL,
	trace_event text[] NOT NULL,
	outcomes jsonb NOT NULL DEFAULT '[]',
	matched_run bigint,
	matched_from text[],
	matched_to text[],
	matched_rows double precision[],
	warm_runs integer NOT NULL DEFAULT 0,
	definition bigint NOT NULL DEFAULT 0,
	CONSTRAINT bnai_run_network_fkey FOREIGN KEY (network) REFERENCES bnai_network ON DELETE CASCADE
);
CREATE INDEX bnai_run_network ON bnai_run (network, id);
CREATE UNIQUE INDEX a_network_has_one_current_run ON bnai_run (network) WHERE is_current;
CREATE UNIQUE INDEX a_network_has_one_previous_run ON bnai_run (network) WHERE is_previous;

-- pg_restore with several jobs loads the tables in any order, so nothing asks whether the network is there yet; that what
-- belongs to a network goes with it is a matter of the triggers on bnai_network
ALTER TABLE bnai_node DISABLE TRIGGER ALL;
ALTER TABLE bnai_run DISABLE TRIGGER ALL;

COMMENT ON SEQUENCE bnai_network_id_seq IS 'ids of networks';
COMMENT ON SEQUENCE bnai_run_id_seq IS 'numbers of runs';
COMMENT ON TABLE bnai_network IS 'Networks and their settings; see the view bnai_status and the function bnai_set';
COMMENT ON COLUMN bnai_network.owner IS 'role that may change the network, infer and reset; a role that is a member of it may, too';
COMMENT ON COLUMN bnai_network.restarts IS 'number of restarts; NULL: chosen by the type of the network and the number of rows';
COMMENT ON COLUMN bnai_network.max_iterations IS 'most iterations of a restart after its moves';
COMMENT ON COLUMN bnai_network.tolerance IS 'stop when the remaining gain of the ELBO is below this, in nats; 0: never stop early';
COMMENT ON COLUMN bnai_network.moves IS 'try to merge, delete and split components';
COMMENT ON COLUMN bnai_network.seed IS 'number that all random draws follow from';
COMMENT ON COLUMN bnai_network.start IS 'where a restart begins: kmeans++, random, results (the labels in the results column), or posterior (the first restart goes on from the current run, further ones begin as with kmeans++)';
COMMENT ON COLUMN bnai_network.restart_sample IS 'most rows of the first sample on which restarts are compared; 0: all rows from the beginning';
COMMENT ON COLUMN bnai_network.results_column IS 'column of the source that labels are written into; NULL: none';
COMMENT ON COLUMN bnai_network.counter_threshold IS 'count of changes at which threshold_action is taken; NULL: none';
COMMENT ON COLUMN bnai_network.threshold_action IS 'what is done at the threshold: recalculate (in the transaction that reaches it), background (by a worker, soon after its commit) or none';
COMMENT ON COLUMN bnai_network.resolution IS 'values are taken as exact to this fraction of a column''s standard deviation, and to the step that the column is rounded to; keeps clusters whose rows lie exactly on a line from becoming infinitely dense; 0: exact';
COMMENT ON COLUMN bnai_network.prune IS 'take components out of use that no row needs; false: the number of components is fixed';
COMMENT ON COLUMN bnai_network.refit IS 'how an inference that a counter or a schedule asks for begins: warm, from the current run; full, as start says; auto, warm while that is good enough; with full, an inference by hand takes the best bound, too, whatever it gains';
COMMENT ON COLUMN bnai_network.refit_margin IS 'an inference that goes on from the current run, and one by hand on rows that have changed since, gives up the groups there are only if others gain more than this in the ELBO, in nats';
COMMENT ON COLUMN bnai_network.history IS 'number of runs that are kept, with their posteriors';
COMMENT ON COLUMN bnai_network.weight_column IS 'column of the source that says how often each row counts: numbers, 0 or more, as if the row were there so many times; NULL: each row counts once';
COMMENT ON COLUMN bnai_network.missing IS 'what is done with a row that is NULL in some of its observed columns: marginalize (it takes part with what it has, and gets a label), skip, or error; NULL: marginalize in a clustering, skip in other networks; a row that is NULL in all of them is skipped';
COMMENT ON TABLE bnai_node IS 'Nodes of the networks; see the views bnai_nodes and bnai_edges';
COMMENT ON TABLE bnai_run IS 'Runs: one for each inference, with its posterior and trace; see the view bnai_runs';

SELECT pg_catalog.pg_extension_config_dump('bnai_network_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('bnai_run_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('bnai_network', '');
SELECT pg_catalog.pg_extension_config_dump('bnai_node', '');
SELECT pg_catalog.pg_extension_config_dump('bnai_run', '');

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
/* --- inference --- */

CREATE FUNCTION bnai_infer(
	network text,
	nowait boolean DEFAULT false,
	OUT run bigint,
	OUT rows bigint,
	OUT rows_skipped bigint,
	OUT restarts integer,
	OUT best_restart integer,
	OUT iterations integer,
	OUT converged boolean,
	OUT elbo double precision,
	OUT clusters integer,
	OUT rows_relabelled bigint,
	OUT elapsed interval
)
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE COST 1000000;
COMMENT ON FUNCTION bnai_infer(text, boolean) IS
'Infers a network from the rows of its source: stores the posterior as a run and writes the labels into the results column, all or nothing. Returns one row: the run, how many rows were used and how many skipped for a NULL, restarts and which of them was best, its iterations and whether it converged, the evidence lower bound in nats, the number of clusters that hold rows, how many rows got another label, and the time it took. On rows that have changed since the current run its clusters stay, with a notice, unless others gain more than refit_margin; with refit as full the best bound wins in any case. Waits for another inference of the network, or with nowait fails at once. Call it as SELECT * FROM bnai_infer(...). Errors: no rows, a NaN or an infinity, a source or column that is gone, missing privileges.';

CREATE FUNCTION bnai_reset(network text) RETURNS bigint
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION bnai_reset(text) IS
'Forgets the posterior of a network and sets its results column to NULL; returns how many rows were cleared. The next inference names its clusters anew. The history of runs stays.';

CREATE FUNCTION bnai_rollback(network text, run bigint DEFAULT NULL) RETURNS bigint
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION bnai_rollback(text, bigint) IS
'Makes an earlier run of a network (by default the previous one) its current run again and writes its labels into the results column; returns how many rows were relabelled, NULL without a results column. The next inference carries its labels over. Errors: the history holds no such run of the network.';

CREATE FUNCTION bnai_compare(
	run bigint,
	other_run bigint,
	OUT label text,
	OUT other_label text,
	OUT rows bigint,
	OUT shift float8[])
	RETURNS SETOF record
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL UNSAFE COST 100000 ROWS 10;
COMMENT ON FUNCTION bnai_compare(bigint, bigint) IS
'Compares two runs on the rows that their source has now: how many rows each pair of labels has, and how far the mean of the second label lies from that of the first, column by column, in standard deviations of the first (NULL where the columns differ). Needs the right to read both networks and the source. Errors: the history holds no such run.';

CREATE FUNCTION bnai_changes(
	network text,
	OUT label text,
	OUT change text,
	OUT other_labels text[],
	OUT size bigint,
	OUT previous_size bigint,
	OUT moved float8,
	OUT drift float8[])
	RETURNS SETOF record
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 1000 ROWS 10;
COMMENT ON FUNCTION bnai_changes(text) IS
'What the current run of a network changed, label by label, against the run that it took its labels from. change is kept, birth (of rows that no cluster had), death (its rows are gone), split (a new label took most of its rows from other_labels) or merge (a label that is gone, whose rows other_labels took). moved is the share of the rows that the other run would have given that label, as they are now, that have another one; drift is how far the mean moved, column by column, in standard deviations of the old cluster. The last row, without a label, has the share of all rows that moved. No rows for the first run.';

CREATE FUNCTION bnai_compare_clusters(
	network text,
	from_clusters integer,
	to_clusters integer,
	OUT max_clusters integer,
	OUT restart integer,
	OUT best boolean,
	OUT elbo float8,
	OUT evidence float8,
	OUT clusters integer,
	OUT sizes bigint[],
	OUT iterations integer,
	OUT converged boolean)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE COST 1000000 ROWS 20;
COMMENT ON FUNCTION bnai_compare_clusters(text, integer, integer) IS
'Fits the rows of a network with each number of clusters in a range, none of which is pruned, and returns how each restart ended; stores nothing. evidence is the complete evidence lower bound plus the log of the number of labellings, to be compared over the numbers of clusters: the greatest is the best supported. Errors: a network without clusters, or whose nodes tell its components apart; no rows.';

CREATE FUNCTION bnai_posterior_as_prior(network text, discount float8 DEFAULT 1) RETURNS void
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION bnai_posterior_as_prior(text, float8) IS
'Turns what a network has learned into its priors: the parameters of its nodes become those of the current posterior, for each component its own (each), to be seen in bnai_nodes; a node that was a parameter of others only is dropped. discount, above 0 and at most 1, is what counts are multiplied by (as by a power of the posterior): 0.5 counts what was learned half. The rows that were learned from should not be in the source any more. bnai_set(network, ''priors'', ''data'') is the way back for a clustering. Errors: not inferred, nodes that have changed since, a discount that leaves no proper distribution.';

CREATE FUNCTION bnai_label_number(label text) RETURNS integer
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION bnai_label_number(text) IS
'The number of a label, as it is written into results columns of an integer type: A is 1, Z is 26, AA is 27. Error: the text is not a label.';

CREATE FUNCTION bnai_elements(value anyarray, width integer, name text) RETURNS float8[]
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE;
COMMENT ON FUNCTION bnai_elements(anyarray, integer, text) IS
'The numbers of an observed array: width of them, all NULL if the array is, which a row is put together from. Error: an array of another length, which is that of the column called name.';

/* --- fitting the rows of a query --- */

CREATE FUNCTION bnai_fit_row(state internal, network text, observation float8[]) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION bnai_fit_row(internal, text, float8[]) IS 'takes one row of bnai_fit';

CREATE FUNCTION bnai_fit_posterior(state internal) RETURNS bnai_posterior
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL UNSAFE COST 1000000;
COMMENT ON FUNCTION bnai_fit_posterior(internal) IS 'fits the rows that bnai_fit has taken';

CREATE AGGREGATE bnai_fit(network text, VARIADIC observation float8[]) (
	SFUNC = bnai_fit_row,
	STYPE = internal,
	SSPACE = 65536,
	FINALFUNC = bnai_fit_posterior,
	FINALFUNC_MODIFY = READ_WRITE,
	PARALLEL = UNSAFE
);
COMMENT ON AGGREGATE bnai_fit(text, VARIADIC float8[]) IS
'fits a network to the rows of a query, one model for each group, and returns the posterior, which the scoring functions take as their first argument; stores nothing. The values are those of the network''s columns, in its order, then that of its weight column if it has one (an array: VARIADIC array); the network''s settings hold; rows with a NULL are treated as bnai_infer treats them; NULL if there are no rows. Whoever may read the network may fit it. Errors: a NaN or an infinity, two networks in one group, a network that starts from its results, use as a window function';

/* --- scoring: rows that the network may never have seen --- */

-- A VARIADIC function takes an array too: f(network, VARIADIC array).  A second
-- function for arrays would have the same argument types.

CREATE FUNCTION bnai_predict(network text, VARIADIC observation float8[]) RETURNS text
	LANGUAGE C STABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'bnai_predict';
COMMENT ON FUNCTION bnai_predict(text, float8[]) IS
	'the label of the cluster that a row belongs to, as the results column holds it; the values are those of the network''s columns, in its order (an array: VARIADIC array); NULL if all of them are (one, where missing is skip), or the network has not been inferred';

CREATE FUNCTION bnai_predict(posterior bnai_posterior, VARIADIC observation float8[]) RETURNS text
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'bnai_predict_by_value';
COMMENT ON FUNCTION bnai_predict(bnai_posterior, float8[]) IS 'the label of the cluster of a posterior that a row belongs to';

CREATE FUNCTION bnai_predict_proba(network text, VARIADIC observation float8[], OUT label text, OUT probability float8)
	RETURNS SETOF record
	LANGUAGE C STABLE STRICT PARALLEL SAFE COST 20 ROWS 5 AS 'MODULE_PATHNAME', 'bnai_predict_proba';
COMMENT ON FUNCTION bnai_predict_proba(text, float8[]) IS
	'the labels with the probability that a row belongs to them, the greatest first; they sum to 1';

CREATE FUNCTION bnai_predict_proba(posterior bnai_posterior, VARIADIC observation float8[], OUT label text, OUT probability float8)
	RETURNS SETOF record
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20 ROWS 5 AS 'MODULE_PATHNAME', 'bnai_predict_proba_by_value';
COMMENT ON FUNCTION bnai_predict_proba(bnai_posterior, float8[]) IS
	'the labels of a posterior with the probability that a row belongs to them, the greatest first';

CREATE FUNCTION bnai_score(network text, VARIADIC observation float8[]) RETURNS float8
	LANGUAGE C STABLE STRICT PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'bnai_score';
COMMENT ON FUNCTION bnai_score(text, float8[]) IS
	'the log of the posterior predictive density of a row, a mixture of Student-t distributions, in nats and the user''s units: the lower, the less typical';

CREATE FUNCTION bnai_score(posterior bnai_posterior, VARIADIC observation float8[]) RETURNS float8
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'bnai_score_by_value';
COMMENT ON FUNCTION bnai_score(bnai_posterior, float8[]) IS 'the log of the predictive density of a row under a posterior';

CREATE FUNCTION bnai_typicality(network text, VARIADIC observation float8[]) RETURNS float8
	LANGUAGE C STABLE STRICT PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'bnai_typicality';
COMMENT ON FUNCTION bnai_typicality(text, float8[]) IS
	'the share of the rows of the fit that are less typical than this row, by their predictive density: 0.01 is a 1-in-100 row, 0 is less typical than all; NULL like bnai_score; a row that lacks columns is ranked by those that it has, NULL if they are not what rows of the fit lacked';

CREATE FUNCTION bnai_typicality(posterior bnai_posterior, VARIADIC observation float8[]) RETURNS float8
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'bnai_typicality_by_value';
COMMENT ON FUNCTION bnai_typicality(bnai_posterior, float8[]) IS 'the share of the rows of the fit of a posterior that are less typical than this row';

CREATE FUNCTION bnai_explain(network text, VARIADIC observation float8[],
	OUT column_name text, OUT value float8, OUT mean float8, OUT deviation float8, OUT pull float8, OUT label text, OUT runner_up text)
	RETURNS SETOF record
	LANGUAGE C STABLE STRICT PARALLEL SAFE COST 50 ROWS 5 AS 'MODULE_PATHNAME', 'bnai_explain';
COMMENT ON FUNCTION bnai_explain(text, float8[]) IS
	'why a row has its label, column by column: mean of the cluster, deviation from it in standard deviations, and pull: the log odds, in nats, that the column''s value adds to the label against the runner-up, given the other columns';

CREATE FUNCTION bnai_explain(posterior bnai_posterior, VARIADIC observation float8[],
	OUT column_name text, OUT value float8, OUT mean float8, OUT deviation float8, OUT pull float8, OUT label text, OUT runner_up text)
	RETURNS SETOF record
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50 ROWS 5 AS 'MODULE_PATHNAME', 'bnai_explain_by_value';
COMMENT ON FUNCTION bnai_explain(bnai_posterior, float8[]) IS 'why a row has its label under a posterior, column by column';

CREATE FUNCTION bnai_impute(network text, VARIADIC observation float8[], OUT column_name text, OUT value float8, OUT deviation float8)
	RETURNS SETOF record
	LANGUAGE C STABLE STRICT PARALLEL SAFE COST 50 ROWS 1 AS 'MODULE_PATHNAME', 'bnai_impute';
COMMENT ON FUNCTION bnai_impute(text, float8[]) IS
	'what is missing in a row: for each column that is NULL its expected value given the others and its standard deviation, over the clusters that the row may belong to; no rows where nothing is NULL, or everything';

CREATE FUNCTION bnai_impute(posterior bnai_posterior, VARIADIC observation float8[], OUT column_name text, OUT value float8, OUT deviation float8)
	RETURNS SETOF record
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50 ROWS 1 AS 'MODULE_PATHNAME', 'bnai_impute_by_value';
COMMENT ON FUNCTION bnai_impute(bnai_posterior, float8[]) IS 'what is missing in a row under a posterior: expected value and standard deviation of each column that is NULL';

/* --- counting changes and inferring again --- */

CREATE TABLE bnai_count (
	network integer NOT NULL,
	n bigint NOT NULL
) USING heap WITH (autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_scale_factor = 0);

CREATE TABLE bnai_watched (
	network integer NOT NULL,
	target bnai_source NOT NULL,
	event text NOT NULL
		CONSTRAINT event_is_known CHECK (event IN ('INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'LABEL')),
	increment integer NOT NULL
		CONSTRAINT increment_is_positive CHECK (increment > 0),
	CONSTRAINT bnai_watched_network_fkey FOREIGN KEY (network) REFERENCES bnai_network ON DELETE CASCADE
);
CREATE INDEX bnai_watched_network ON bnai_watched (network);

CREATE TABLE bnai_attempt (
	network integer NOT NULL CONSTRAINT bnai_attempt_pkey PRIMARY KEY,
	started_at timestamptz NOT NULL,
	running boolean NOT NULL,
	failures integer NOT NULL,
	next_attempt timestamptz,
	error text,
	failed_at timestamptz,
	CONSTRAINT bnai_attempt_network_fkey FOREIGN KEY (network) REFERENCES bnai_network ON DELETE CASCADE
);

CREATE TABLE bnai_failure (
	network integer NOT NULL,
	started_at timestamptz NOT NULL,
	failed_at timestamptz NOT NULL,
	error text NOT NULL,
	CONSTRAINT bnai_failure_network_fkey FOREIGN KEY (network) REFERENCES bnai_network ON DELETE CASCADE
);
CREATE INDEX bnai_failure_network ON bnai_failure (network, failed_at);

CREATE TABLE bnai_scheduled (
	network integer NOT NULL CONSTRAINT bnai_scheduled_pkey PRIMARY KEY,
	schedule text NOT NULL,
	threshold bigint,
	job bigint NOT NULL,
	CONSTRAINT bnai_scheduled_network_fkey FOREIGN KEY (network) REFERENCES bnai_network ON DELETE CASCADE
);

COMMENT ON TABLE bnai_scheduled IS 'Networks that are inferred on a schedule, and pg_cron''s number of the job; see the view bnai_status';
COMMENT ON TABLE bnai_count IS 'Counters: differences whose sum is how much has changed since a network was last inferred; see the view bnai_status';
COMMENT ON TABLE bnai_watched IS 'Watched tables: whose changes are counted for which network; see the view bnai_watches';
COMMENT ON TABLE bnai_attempt IS 'Inferences in the background, at a threshold or by bnai_infer_now: the latest of each network; see the view bnai_status';
COMMENT ON TABLE bnai_failure IS 'Inferences in the background, at a threshold or by bnai_infer_now, that failed; see the view bnai_runs';

-- as in bnai_node and bnai_run, before other triggers are made
ALTER TABLE bnai_watched DISABLE TRIGGER ALL;
ALTER TABLE bnai_scheduled DISABLE TRIGGER ALL;
SELECT pg_catalog.pg_extension_config_dump('bnai_count', 'WHERE network IN (SELECT id FROM @extschema@.bnai_network)');
SELECT pg_catalog.pg_extension_config_dump('bnai_watched', '');
SELECT pg_catalog.pg_extension_config_dump('bnai_scheduled', '');

CREATE FUNCTION bnai_increment(network text, n bigint)
RETURNS void LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_increment IS
'adds n to the counter of a network; may infer it again, as the setting threshold_action says';

CREATE FUNCTION bnai_watch(network text, target regclass, event text, increment integer DEFAULT 1)
RETURNS void LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_watch IS
'counts the rows of a table and its partitions that statements INSERT, UPDATE, DELETE or TRUNCATE, each times increment; needs ownership of the network and TRIGGER on the table; once more: changes the increment and includes partitions that are new';

CREATE FUNCTION bnai_label_on_insert(target regclass, network text DEFAULT NULL)
RETURNS void LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_label_on_insert IS
'gives each new row, and each row whose observed columns change, its label in the results column, as bnai_predict would; ends with bnai_unwatch(network, target, ''LABEL'')';

CREATE FUNCTION bnai_unwatch(network text, target regclass DEFAULT NULL, event text DEFAULT NULL)
RETURNS void LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_unwatch IS
'ends what bnai_watch began, for one table and event or for all';

CREATE FUNCTION bnai_recalculate_if_needed(network text, threshold bigint DEFAULT NULL)
RETURNS boolean LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_recalculate_if_needed IS
'infers a network again and sets its counter to 0 if the counter is at least threshold (by default the setting counter_threshold); true if it did; for schedulers';

CREATE FUNCTION bnai_schedule(network text, schedule text, threshold bigint DEFAULT NULL)
RETURNS bigint LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_schedule IS
'lets pg_cron infer a network regularly, as the current user, if its counter is at least threshold then; schedule is in cron''s notation; returns the number of the job; once more: replaces the schedule';

CREATE FUNCTION bnai_unschedule(network text)
RETURNS boolean LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_unschedule IS
'ends what bnai_schedule began; true if there was a schedule';

CREATE FUNCTION bnai_next_time(schedule text)
RETURNS timestamptz LANGUAGE C STABLE STRICT PARALLEL SAFE COST 1000 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_next_time IS
'when a schedule in cron''s notation comes next, in the time zone that pg_cron uses; NULL if that cannot be said';

CREATE PROCEDURE bnai_infer_now(network text, threshold bigint DEFAULT NULL)
LANGUAGE C AS 'MODULE_PATHNAME';
COMMENT ON PROCEDURE bnai_infer_now IS
'infers a network like bnai_infer, if its counter is at least threshold, and takes off what was counted; commits between loading and storing, so that vacuum goes on while it iterates; a failure is recorded in bnai_runs';

CREATE FUNCTION bnai_counter(network integer)
RETURNS bigint LANGUAGE C STABLE STRICT PARALLEL UNSAFE COST 1000 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_counter IS
'counter of the network with that id; NULL for who may not read it';

CREATE FUNCTION bnai_running_since(network integer)
RETURNS timestamptz LANGUAGE C VOLATILE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_running_since IS
'when the inference of the network with that id began that is under way; NULL if none is, and for who may not read it';

CREATE FUNCTION bnai_labelled_rows(network integer)
RETURNS bigint LANGUAGE C STABLE STRICT PARALLEL RESTRICTED COST 100000 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_labelled_rows IS
'rows of the source of the network with that id that have a label; counted in a table of up to 80 MB, else an estimate as of the last ANALYZE; NULL for who may not read it';

CREATE FUNCTION bnai_unlabelled_share(network integer)
RETURNS double precision LANGUAGE C STABLE STRICT PARALLEL RESTRICTED COST 100000 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_unlabelled_share IS
'share of the rows of the source of the network with that id that have no label, from 0 to 1, likewise';

CREATE FUNCTION bnai_count_rows()
RETURNS trigger LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_count_rows IS 'trigger on watched tables, made by bnai_watch';

CREATE FUNCTION bnai_label_row()
RETURNS trigger LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_label_row IS 'trigger on tables whose rows are labelled as they arrive, made by bnai_label_on_insert';

CREATE FUNCTION bnai_unwatched(network integer)
RETURNS text[] LANGUAGE C STABLE STRICT PARALLEL UNSAFE COST 1000 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_unwatched IS
'events and parts of watched tables that are not counted for the network with that id; NULL for who may not read it';

CREATE FUNCTION bnai_watch_partitions()
RETURNS event_trigger LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_watch_partitions IS 'watches what becomes part of a watched table';

CREATE FUNCTION bnai_check_background()
RETURNS trigger LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_check_background IS 'refuses inference in the background for a network whose owner could not act as the owner of a watched table';

CREATE FUNCTION bnai_drop_watch_triggers()
RETURNS trigger LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_drop_watch_triggers IS 'drops the triggers of a table that is no longer watched';

CREATE FUNCTION bnai_drop_job()
RETURNS trigger LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_drop_job IS 'takes a job from pg_cron that is no longer scheduled';

CREATE FUNCTION bnai_changed()
RETURNS trigger LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_changed IS 'tells all sessions that networks or watches have changed';

CREATE FUNCTION bnai_release_counter()
RETURNS trigger LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_release_counter IS 'gives back the shared memory of the counter of a network that is dropped';

CREATE TRIGGER bnai_release_counter AFTER DELETE ON bnai_network
	FOR EACH ROW EXECUTE FUNCTION bnai_release_counter();
CREATE TRIGGER bnai_drop_watch_triggers AFTER DELETE ON bnai_watched
	FOR EACH ROW EXECUTE FUNCTION bnai_drop_watch_triggers();
CREATE TRIGGER bnai_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON bnai_watched
	FOR EACH STATEMENT EXECUTE FUNCTION bnai_changed();
CREATE TRIGGER bnai_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON bnai_network
	FOR EACH STATEMENT EXECUTE FUNCTION bnai_changed();
CREATE TRIGGER bnai_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON bnai_run
	FOR EACH STATEMENT EXECUTE FUNCTION bnai_changed();
CREATE TRIGGER bnai_check_background AFTER UPDATE OF threshold_action, owner ON bnai_network
	FOR EACH ROW WHEN (NEW.threshold_action = 'background') EXECUTE FUNCTION bnai_check_background();

CREATE TRIGGER bnai_drop_job BEFORE DELETE ON bnai_scheduled
	FOR EACH ROW EXECUTE FUNCTION bnai_drop_job();

CREATE EVENT TRIGGER bnai_watch_partitions ON ddl_command_end WHEN TAG IN ('CREATE TABLE', 'CREATE FOREIGN TABLE', 'ALTER TABLE')
	EXECUTE FUNCTION bnai_watch_partitions();
COMMENT ON EVENT TRIGGER bnai_watch_partitions IS 'watches what becomes part of a watched table';

/* --- views: what the current user may read --- */

CREATE FUNCTION bnai_may_read(network integer)
RETURNS boolean LANGUAGE C STABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_may_read IS
'true if the current user may change the network with that id, or may SELECT all of its observed columns without row security';

CREATE FUNCTION bnai_node_parents(distribution text, params text, OUT parent text, OUT parameter text)
RETURNS SETOF record LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 2 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_node_parents IS 'nodes that the parameters of a node name, and as which parameter';

CREATE FUNCTION bnai_trace(network text, OUT restart integer, OUT iteration integer, OUT elbo double precision, OUT event text)
RETURNS SETOF record LANGUAGE C STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_trace IS 'evidence lower bound after every iteration of the latest run';

CREATE FUNCTION bnai_graph(network text)
RETURNS text LANGUAGE C STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_graph IS 'picture of a network in the DOT language of Graphviz: plates are boxes, observed nodes are shaded';

CREATE VIEW bnai_networks WITH (security_barrier) AS
SELECT n.name AS network,
	n.network_type AS type,
	n.owner,
	leaf.source::text AS source,
	leaf.columns,
	n.results_column,
	n.restarts,
	n.max_iterations,
	n.tolerance,
	n.moves,
	n.seed,
	n.start,
	n.restart_sample,
	n.resolution,
	n.weight_column,
	n.missing,
	n.counter_threshold,
	n.threshold_action,
	n.prune,
	n.history,
	n.refit,
	n.refit_margin,
	n.created_at
FROM bnai_network n
LEFT JOIN LATERAL (
	SELECT (pg_catalog.array_agg(d.source ORDER BY d.id))[1] AS source,
		pg_catalog.array_agg(c.name ORDER BY d.id, c.position) AS columns
	FROM bnai_node d, LATERAL pg_catalog.unnest(d.columns) WITH ORDINALITY c (name, position)
	WHERE d.network = n.id AND d.source IS NOT NULL
) leaf ON true
WHERE bnai_may_read(n.id);
COMMENT ON VIEW bnai_networks IS 'networks, what they read and their settings (NULL: chosen at inference, or none); change settings with bnai_set';

CREATE VIEW bnai_nodes WITH (security_barrier) AS
WITH readable AS MATERIALIZED (SELECT id, name FROM bnai_network WHERE bnai_may_read(id))
SELECT n.name AS network, d.id, d.name AS node, d.distribution, d.params, d.source::text AS source, d.columns
FROM readable n JOIN bnai_node d ON d.network = n.id;
COMMENT ON VIEW bnai_nodes IS 'nodes of the networks';

CREATE VIEW bnai_edges WITH (security_barrier) AS
WITH readable AS MATERIALIZED (SELECT id, name FROM bnai_network WHERE bnai_may_read(id))
SELECT n.name AS network, p.parent, d.name AS child, p.parameter
FROM readable n
JOIN bnai_node d ON d.network = n.id
CROSS JOIN LATERAL bnai_node_parents(d.distribution, d.params) p;
COMMENT ON VIEW bnai_edges IS 'edges of the networks: they follow from the names of nodes in parameters';

CREATE VIEW bnai_runs WITH (security_barrier) AS
WITH readable AS MATERIALIZED (SELECT id, name FROM bnai_network WHERE bnai_may_read(id))
SELECT r.id AS run,
	n.name AS network,
	r.started_at,
	r.elapsed,
	r.rows,
	r.rows_skipped,
	r.restarts,
	r.best_restart,
	r.iterations,
	r.converged,
	r.elbo,
	r.clusters,
	r.rows_relabelled,
	r.passes,
	r.moves,
	r.warm_runs > 0 AS warm,
	r.is_current,
	NULL::text AS error,
	(SELECT pg_catalog.array_agg((o->>'elbo')::float8 ORDER BY (o->>'restart')::int)
	 FROM pg_catalog.jsonb_array_elements(r.outcomes) o) AS restart_elbos
FROM readable n JOIN bnai_run r ON r.network = n.id
UNION ALL
SELECT NULL, n.name, f.started_at, f.failed_at - f.started_at,
	NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, false, f.error, NULL
FROM readable n JOIN bnai_failure f ON f.network = n.id;
COMMENT ON VIEW bnai_runs IS 'runs: one for each inference; passes are visits of rows divided by rows, elbo is in nats; warm: it began from the run before; those in the background, at a threshold or by bnai_infer_now, that failed have no number, but an error; restart_elbos has the elbo of each restart, see bnai_restarts; as many runs are kept as the setting history says';

CREATE VIEW bnai_restarts WITH (security_barrier) AS
WITH readable AS MATERIALIZED (SELECT id, name FROM bnai_network WHERE bnai_may_read(id))
SELECT r.id AS run,
	n.name AS network,
	o.restart,
	o.restart = r.best_restart AS best,
	o.elbo,
	o.evidence,
	o.clusters,
	o.sizes,
	o.iterations,
	o.converged,
	o.sampled,
	pg_catalog.make_interval(secs => o.seconds) AS elapsed
FROM readable n
JOIN bnai_run r ON r.network = n.id
CROSS JOIN LATERAL pg_catalog.jsonb_to_recordset(r.outcomes)
	AS o(restart integer, elbo float8, evidence float8, clusters integer, sizes bigint[], iterations integer,
		 converged boolean, sampled boolean, seconds float8);
COMMENT ON VIEW bnai_restarts IS
'how each restart of the runs ended: elbo is the complete evidence lower bound; evidence adds the log of the number of labellings of the clusters, so that it can be compared over numbers of clusters; sizes are expected numbers of rows; one that was sampled was given up on a sample and estimates the elbo; best is the one whose result was stored; one that went on from the current run, beside a search, is the last, and may be stored without having the greatest elbo, see refit_margin';

CREATE VIEW bnai_status WITH (security_barrier) AS
SELECT n.name AS network,
	n.network_type AS type,
	n.owner,
	leaf.source::text AS source,
	leaf.columns,
	n.results_column,
	bnai_counter(n.id) AS counter,
	n.counter_threshold,
	n.threshold_action,
	bnai_running_since(n.id) AS running_since,
	a.error AS last_error,
	a.failed_at AS last_error_at,
	CASE WHEN n.threshold_action = 'background' THEN a.next_attempt END AS next_attempt,
	c.schedule,
	bnai_next_time(c.schedule) AS next_scheduled_run,
	bnai_unwatched(n.id) AS unwatched,
	bnai_labelled_rows(n.id) AS rows_labelled,
	bnai_unlabelled_share(n.id) AS unlabelled_share,
	r.id AS run,
	r.started_at AS last_run,
	r.elapsed,
	r.rows,
	r.rows_skipped,
	r.clusters,
	r.converged,
	r.elbo
FROM bnai_network n
LEFT JOIN LATERAL (
	SELECT (pg_catalog.array_agg(d.source ORDER BY d.id))[1] AS source,
		pg_catalog.array_agg(c.name ORDER BY d.id, c.position) AS columns
	FROM bnai_node d, LATERAL pg_catalog.unnest(d.columns) WITH ORDINALITY c (name, position)
	WHERE d.network = n.id AND d.source IS NOT NULL
) leaf ON true
LEFT JOIN bnai_run r ON r.network = n.id AND r.is_current
LEFT JOIN bnai_attempt a ON a.network = n.id
LEFT JOIN bnai_scheduled c ON c.network = n.id
WHERE bnai_may_read(n.id);
COMMENT ON VIEW bnai_status IS 'state of the networks: what they read, when they are inferred again, how much was counted since then, and the current run';

CREATE FUNCTION bnai_progress_of(
	network integer,
	OUT pid integer,
	OUT phase text,
	OUT started_at timestamptz,
	OUT rows bigint,
	OUT restart integer,
	OUT iteration integer,
	OUT elbo double precision,
	OUT rows_per_second double precision,
	OUT estimated_end timestamptz)
RETURNS SETOF record LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED ROWS 1 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_progress_of IS 'how far the inferences of the network with that id are, if the current user may read it';

CREATE VIEW bnai_progress WITH (security_barrier) AS
SELECT n.name AS network, p.*
FROM bnai_network n, LATERAL bnai_progress_of(n.id) p
WHERE bnai_may_read(n.id);
COMMENT ON VIEW bnai_progress IS
'inferences that are under way: the phase (loading, iterating, storing), rows read so far, restart, iteration and its evidence lower bound, rows that passes read per second, and when the restart may have converged, where that can be told';

CREATE VIEW bnai_watches WITH (security_barrier) AS
SELECT n.name AS network, w.target::text AS target, w.event, w.increment
FROM bnai_network n JOIN bnai_watched w ON w.network = n.id
WHERE bnai_may_read(n.id);
COMMENT ON VIEW bnai_watches IS 'tables whose changes are counted, by network and event';

/* --- what was inferred: clusters, parameters and moments --- */

CREATE FUNCTION bnai_posterior_clusters(
	posterior bnai_posterior,
	OUT component integer,
	OUT label text,
	OUT size bigint,
	OUT expected_size float8,
	OUT live boolean,
	OUT weight float8,
	OUT mean float8[],
	OUT covariance float8[],
	OUT columns text[])
	RETURNS SETOF record
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 ROWS 10 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_posterior_clusters(bnai_posterior) IS
	'the components of a posterior, those without a label too: size is the number of rows whose most probable component it is, expected_size the sum of probabilities; weight is the posterior mean of the mixing weight, covariance the inverse of the expected precision';

CREATE FUNCTION bnai_posterior_parameters(
	posterior bnai_posterior,
	OUT node text,
	OUT plate integer,
	OUT label text,
	OUT parameter text,
	OUT index integer[],
	OUT value float8)
	RETURNS SETOF record
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100 ROWS 100 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_posterior_parameters(bnai_posterior) IS
	'the parameters of the distribution of each node, number by number; index is its position in a vector or matrix, from 1, and NULL for a scalar';

CREATE FUNCTION bnai_fitted(network text) RETURNS bnai_posterior
	LANGUAGE C STABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_fitted(text) IS 'the posterior of a network''s current run; NULL if it has not been inferred';

CREATE FUNCTION bnai_mean(network text, node text) RETURNS float8
	LANGUAGE C STABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_mean(text, text) IS
	'the posterior mean of a node that is one number; NULL if the network has not been inferred; for others see bnai_moments';

CREATE FUNCTION bnai_moments(network text, node text, OUT plate integer, OUT moment text, OUT value float8[])
	RETURNS SETOF record
	LANGUAGE C STABLE STRICT PARALLEL SAFE COST 100 ROWS 10 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_moments(text, text) IS
	'the posterior moments of a node for each plate (from 1): mean; variance or covariance and second_moment of a Gaussian; mean_log (of each element), mean_log_det (of the determinant); a scalar is an array of one element, a matrix has two dimensions';

CREATE VIEW bnai_clusters WITH (security_barrier) AS
	WITH readable AS MATERIALIZED (SELECT id, name FROM bnai_network WHERE bnai_may_read(id))
	SELECT n.name AS network, c.label, c.size, c.weight, c.mean, c.covariance, c.columns
	FROM readable n
	JOIN bnai_run r ON r.network = n.id AND r.is_current
	CROSS JOIN LATERAL bnai_posterior_clusters(r.posterior) c
	WHERE c.label IS NOT NULL
	ORDER BY n.name, pg_catalog.length(c.label), c.label;
COMMENT ON VIEW bnai_clusters IS
	'the clusters that the current run found, by label: size is the number of rows, weight the posterior mean of the mixing weight; mean and covariance are in the order of columns, covariance is the inverse of the expected precision';

CREATE VIEW bnai_previous_clusters WITH (security_barrier) AS
	WITH readable AS MATERIALIZED (SELECT id, name FROM bnai_network WHERE bnai_may_read(id))
	SELECT n.name AS network, c.label, c.size, c.weight, c.mean, c.covariance, c.columns
	FROM readable n
	JOIN bnai_run r ON r.network = n.id AND r.is_previous
	CROSS JOIN LATERAL bnai_posterior_clusters(r.posterior) c
	WHERE c.label IS NOT NULL
	ORDER BY n.name, pg_catalog.length(c.label), c.label;
COMMENT ON VIEW bnai_previous_clusters IS 'the clusters that the run before the current one found; see bnai_clusters';

CREATE VIEW bnai_parameters WITH (security_barrier) AS
	WITH readable AS MATERIALIZED (SELECT id, name FROM bnai_network WHERE bnai_may_read(id))
	SELECT n.name AS network, p.node, p.plate, p.label, p.parameter, p.index, p.value
	FROM readable n
	JOIN bnai_run r ON r.network = n.id AND r.is_current
	CROSS JOIN LATERAL bnai_posterior_parameters(r.posterior) p;
COMMENT ON VIEW bnai_parameters IS
	'the parameters of the posterior of each node of the current run; see bnai_posterior_parameters';

GRANT SELECT ON bnai_clusters, bnai_previous_clusters, bnai_parameters TO PUBLIC;

/* --- pictures: Vega-Lite specifications with their data --- */

CREATE FUNCTION bnai_sample_rows(network text, size integer DEFAULT 2000, seed bigint DEFAULT 1, OUT place bigint, OUT observed float8[])
RETURNS SETOF record LANGUAGE C STABLE STRICT PARALLEL RESTRICTED COST 1000 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_sample_rows IS
'some rows of a network''s source: its observed columns, in the order of scoring, without rows that hold a NULL, NaN or infinity; their values and the seed decide which; also needs SELECT on the columns';

CREATE FUNCTION bnai_density(
	network text,
	node text,
	lower float8 DEFAULT NULL,
	upper float8 DEFAULT NULL,
	OUT plate integer,
	OUT label text,
	OUT index integer,
	OUT x float8,
	OUT density float8)
RETURNS SETOF record LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL SAFE COST 100 ROWS 1000 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_density IS
'the posterior density of a node that is a Gaussian or a Gamma of any kind, as points from lower to upper, by default four standard deviations to either side of the mean; a vector gives the marginal density of each element (index)';

CREATE FUNCTION bnai_plot_columns(posterior bnai_posterior, columns text[])
RETURNS integer[] LANGUAGE C IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_plot_columns IS 'part of bnai_plot: positions of the columns to draw';

CREATE FUNCTION bnai_plot_names(posterior bnai_posterior, leaf text DEFAULT NULL)
RETURNS text[] LANGUAGE C IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_plot_names IS 'part of bnai_plot: names of the observed numbers, of one leaf or of all';

CREATE FUNCTION bnai_refuse_plot(what text)
RETURNS json LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_refuse_plot IS 'part of bnai_plot: the error for what cannot be drawn';

-- The colours of Okabe and Ito (2008), without yellow and black, and shapes: a
-- label has one pair of them whatever other labels there are, and the first 42 differ.
CREATE FUNCTION bnai_plot_labels(labels text[])
RETURNS json LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (
	SELECT json_build_object(
		'domain', json_agg(label ORDER BY n),
		'colors', json_agg(('{#0072b2,#e69f00,#009e73,#cc79a7,#56b4e9,#d55e00,#7a7a7a}'::text[])[1 + (n - 1) % 7] ORDER BY n),
		'shapes', json_agg(('{circle,square,triangle-up,diamond,cross,triangle-down}'::text[])[1 + (n - 1) % 6] ORDER BY n))
	FROM (SELECT label, bnai_label_number(label) AS n FROM unnest(labels) AS label) l
);
COMMENT ON FUNCTION bnai_plot_labels IS 'part of bnai_plot: colours and shapes of labels, for colour-blind readers too';

CREATE FUNCTION bnai_plot_scale(labels json, kind text)
RETURNS json LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN json_build_object('domain', labels -> 'domain', 'range', labels -> kind);
COMMENT ON FUNCTION bnai_plot_scale IS 'part of bnai_plot: a scale of labels';

CREATE FUNCTION bnai_plot_title(network text, title text, subtitle text)
RETURNS json LANGUAGE sql STABLE CALLED ON NULL INPUT PARALLEL SAFE
RETURN json_build_object('text', title, 'subtitle', concat_ws(', ', 'network ' || network, subtitle), 'anchor', 'start');
COMMENT ON FUNCTION bnai_plot_title IS 'part of bnai_plot: title and subtitle';

CREATE FUNCTION bnai_plot_spec(title json, parts json)
RETURNS json LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (
	SELECT json_object_agg(key, value ORDER BY part, n)
	FROM (
		SELECT 1 AS part, n, key, value FROM json_each(json_build_object(
			'$schema', 'https://vega.github.io/schema/vega-lite/v5.json',
			'title', title,
			'background', 'white',
			'config', json_build_object('axis', json_build_object('grid', true, 'gridOpacity', 0.5), 'view', json_build_object('stroke', '#ddd'),
				'mark', json_build_object('color', '#0072b2')))
		) WITH ORDINALITY AS j (key, value, n)
		UNION ALL
		SELECT 2, n, key, value FROM json_each(parts) WITH ORDINALITY AS j (key, value, n)
	) p
);
COMMENT ON FUNCTION bnai_plot_spec IS 'part of bnai_plot: what all specifications have in common';

/* One picture of two columns: the rows, the ellipses and the means, from the data sets of bnai_plot_clusters. */
CREATE FUNCTION bnai_plot_pair(x integer, y integer, names text[], labels json, size integer)
RETURNS json LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN json_build_object(
	'width', size,
	'height', size,
	'encoding', json_build_object(
		'x', json_build_object('field', 'c' || x, 'type', 'quantitative', 'title', names[x], 'scale', json_build_object('zero', false)),
		'y', json_build_object('field', 'c' || y, 'type', 'quantitative', 'title', names[y], 'scale', json_build_object('zero', false)),
		'color', json_build_object('field', 'label', 'type', 'nominal', 'title', 'cluster', 'scale', bnai_plot_scale(labels, 'colors'))),
	'layer', json_build_array(
		json_build_object(
			'data', json_build_object('name', 'rows'),
			'mark', json_build_object('type', 'point', 'filled', true, 'size', 24, 'opacity', 0.6),
			'encoding', json_build_object(
				'shape', json_build_object('field', 'label', 'type', 'nominal', 'title', 'cluster', 'scale', bnai_plot_scale(labels, 'shapes')),
				'tooltip', json_build_array(
					json_build_object('field', 'label', 'title', 'cluster'),
					json_build_object('field', 'c' || x, 'title', names[x], 'format', '.4~g'),
					json_build_object('field', 'c' || y, 'title', names[y], 'format', '.4~g')))),
		json_build_object(
			'data', json_build_object('name', format('ellipses %s %s', x, y)),
			'mark', json_build_object('type', 'line', 'strokeWidth', 1.5),
			'encoding', json_build_object(
				'order', json_build_object('field', 't'),
				'detail', json_build_object('field', 'sigmas'))),
		json_build_object(
			'data', json_build_object('name', 'means'),
			'mark', json_build_object('type', 'point', 'shape', 'cross', 'filled', true, 'size', 110, 'opacity', 1, 'stroke', 'white', 'strokeWidth', 1)),
		json_build_object(
			'data', json_build_object('name', 'means'),
			'mark', json_build_object('type', 'text', 'dy', -13, 'fontSize', 14, 'fontWeight', 'bold'),
			'encoding', json_build_object(
				'text', json_build_object('field', 'label'),
				'color', json_build_object('value', '#222')))));
COMMENT ON FUNCTION bnai_plot_pair IS 'part of bnai_plot: a scatter of two columns';

/* One column: a histogram by label, and for each mean a line of one and two standard deviations. */
CREATE FUNCTION bnai_plot_column(name text, labels json)
RETURNS json LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN json_build_object(
	'width', 480,
	'height', 300,
	'layer', json_build_array(
		json_build_object(
			'data', json_build_object('name', 'rows'),
			'mark', json_build_object('type', 'bar', 'opacity', 0.7),
			'encoding', json_build_object(
				'x', json_build_object('field', 'c1', 'bin', json_build_object('maxbins', 50), 'title', name),
				'y', json_build_object('aggregate', 'count', 'title', 'rows of the sample'),
				'color', json_build_object('field', 'label', 'type', 'nominal', 'title', 'cluster', 'scale', bnai_plot_scale(labels, 'colors')))),
		json_build_object(
			'data', json_build_object('name', 'spans'),
			'mark', json_build_object('type', 'rule', 'opacity', 0.9),
			'encoding', json_build_object(
				'x', json_build_object('field', 'from', 'type', 'quantitative', 'title', name),
				'x2', json_build_object('field', 'to'),
				'y', json_build_object('value', 294),
				'size', json_build_object('field', 'width', 'type', 'quantitative', 'scale', NULL, 'legend', NULL),
				'color', json_build_object('field', 'label', 'type', 'nominal', 'title', 'cluster', 'scale', bnai_plot_scale(labels, 'colors')))),
		json_build_object(
			'data', json_build_object('name', 'means'),
			'mark', json_build_object('type', 'text', 'fontSize', 14, 'fontWeight', 'bold', 'dy', -12),
			'encoding', json_build_object(
				'x', json_build_object('field', 'c1', 'type', 'quantitative', 'title', name),
				'y', json_build_object('value', 294),
				'text', json_build_object('field', 'label')))));
COMMENT ON FUNCTION bnai_plot_column IS 'part of bnai_plot: a histogram of one column';

CREATE FUNCTION bnai_plot_clusters(network text, columns text[], sample_size integer, seed bigint)
RETURNS json LANGUAGE sql STABLE CALLED ON NULL INPUT PARALLEL RESTRICTED
BEGIN ATOMIC
WITH fitted AS MATERIALIZED (
	SELECT f AS posterior, bnai_plot_columns(f, bnai_plot_clusters.columns) AS positions, bnai_plot_names(f) AS observed,
		coalesce(to_regclass(n.source)::text, n.source) AS source
	FROM bnai_fitted(bnai_plot_clusters.network) AS f, bnai_networks n
	WHERE f IS NOT NULL AND n.network = bnai_plot_clusters.network
), drawn AS MATERIALIZED (
	SELECT f.*, (SELECT array_agg(f.observed[p] ORDER BY i) FROM unnest(f.positions) WITH ORDINALITY AS u (p, i)) AS names
	FROM fitted f
), cluster AS MATERIALIZED (
	-- what is drawn of each, for there may be hundreds of columns; the covariance row by row
	SELECT c.label,
		ARRAY(SELECT c.mean[p] FROM unnest(o.positions) WITH ORDINALITY AS u (p, i) ORDER BY i) AS mean,
		ARRAY(SELECT c.covariance[p][q] FROM unnest(o.positions) WITH ORDINALITY AS u (p, i),
			unnest(o.positions) WITH ORDINALITY AS v (q, j) ORDER BY i, j) AS covariance
	FROM drawn d, bnai_posterior_clusters(d.posterior) c,
	LATERAL (SELECT array_agg(array_position(c.columns, name) ORDER BY i) AS positions
		FROM unnest(d.names) WITH ORDINALITY AS u (name, i)) o
	WHERE c.label IS NOT NULL
), style AS MATERIALIZED (
	SELECT bnai_plot_labels(array_agg(label)) AS labels FROM cluster
), shown AS MATERIALIZED (
	SELECT s.place, s.observed, bnai_predict(d.posterior, VARIADIC s.observed) AS label
	FROM drawn d, bnai_sample_rows(bnai_plot_clusters.network, bnai_plot_clusters.sample_size, bnai_plot_clusters.seed) s
), sample AS (
	SELECT json_agg(json_strip_nulls(json_build_object('label', s.label,
		'c1', s.observed[d.positions[1]], 'c2', s.observed[d.positions[2]], 'c3', s.observed[d.positions[3]],
		'c4', s.observed[d.positions[4]], 'c5', s.observed[d.positions[5]], 'c6', s.observed[d.positions[6]])) ORDER BY s.place) AS data,
		count(*) AS n
	FROM drawn d, shown s
), center AS MATERIALIZED (
	-- mean and standard deviation of each cluster by the number of the drawn column
	SELECT c.label, i, c.mean[i] AS mean, sqrt(c.covariance[(i - 1) * cardinality(c.mean) + i]) AS deviation
	FROM cluster c, generate_subscripts(c.mean, 1) AS i
	WHERE c.mean[i] IS NOT NULL
), mean AS (
	SELECT json_agg(m.data) AS data
	FROM (SELECT (json_object_agg('c' || i, mean)::jsonb || jsonb_build_object('label', label))::json AS data FROM center GROUP BY label) m
), span AS (
	SELECT json_agg(json_build_object('label', label, 'from', mean - s * deviation, 'to', mean + s * deviation, 'width', 9 - 3 * s)) AS data
	FROM center, generate_series(1, 2) AS s WHERE i = 1
), pair AS MATERIALIZED (
	SELECT x, y FROM drawn d, generate_series(1, cardinality(d.names)) AS x, generate_series(x + 1, cardinality(d.names)) AS y
), ellipse AS (
	-- mean + s L (cos t, sin t) with the Cholesky factor L of the two columns' covariance
	SELECT format('ellipses %s %s', o.x, o.y) AS name, json_agg(json_build_object(
		'label', a.label, 'sigmas', s, 't', t,
		'c' || o.x, a.mean + s * a.deviation * cos(t * pi() / 24),
		'c' || o.y, b.mean + s * (r.rho * b.deviation * cos(t * pi() / 24) + sqrt(1 - r.rho * r.rho) * b.deviation * sin(t * pi() / 24)))) AS data
	FROM pair o
	JOIN center a ON a.i = o.x
	JOIN center b ON b.i = o.y AND b.label = a.label
	JOIN cluster c ON c.label = a.label,
	LATERAL (SELECT greatest(-1, least(1, c.covariance[(a.i - 1) * cardinality(c.mean) + b.i] / (a.deviation * b.deviation))) AS rho) r,
	generate_series(1, 2) AS s, generate_series(0, 48) AS t
	GROUP BY o.x, o.y
), dataset AS (
	SELECT json_object_agg(name, coalesce(data, '[]')) AS data
	FROM (SELECT 'rows' AS name, data FROM sample UNION ALL SELECT 'means', data FROM mean
		UNION ALL SELECT 'spans', data FROM span UNION ALL SELECT name, data FROM ellipse) s
), picture AS (
	SELECT CASE cardinality(d.names)
		WHEN 1 THEN bnai_plot_column(d.names[1], style.labels)
		WHEN 2 THEN bnai_plot_pair(1, 2, d.names, style.labels, 400)
		ELSE json_build_object('vconcat', (
			SELECT json_agg(line.data ORDER BY line.y)
			FROM (SELECT y, json_build_object('hconcat', json_agg(bnai_plot_pair(x, y, d.names, style.labels, 170) ORDER BY x)) AS data
				FROM pair GROUP BY y) line))
		END AS data
	FROM drawn d, style
)
SELECT bnai_plot_spec(
	bnai_plot_title(bnai_plot_clusters.network, 'Clusters of ' || d.source,
		format(CASE WHEN d.rows > sample.n THEN 'a sample of %s of %s rows' ELSE '%s rows' END, sample.n, d.rows) || '; lines: 1 and 2 standard deviations'),
	(json_build_object('datasets', dataset.data)::jsonb || picture.data::jsonb)::json)
FROM (SELECT d.*, (d.posterior::jsonb ->> 'rows')::bigint AS rows FROM drawn d) d, sample, dataset, picture;
END;
COMMENT ON FUNCTION bnai_plot_clusters IS 'part of bnai_plot: the clusters';

CREATE FUNCTION bnai_plot_posterior(network text, node text, lower float8, upper float8)
RETURNS json LANGUAGE sql STABLE CALLED ON NULL INPUT PARALLEL SAFE
BEGIN ATOMIC
WITH curve AS MATERIALIZED (
	SELECT * FROM bnai_density(bnai_plot_posterior.network, bnai_plot_posterior.node, bnai_plot_posterior.lower, bnai_plot_posterior.upper)
), drawn AS MATERIALIZED (
	-- plates without a label are components that no row comes from
	SELECT c.*, coalesce(o.columns[c.index], '') AS column_name
	FROM curve c
	LEFT JOIN (
		SELECT bnai_plot_names(f, e.child) AS columns
		FROM bnai_fitted(bnai_plot_posterior.network) AS f, bnai_edges e
			JOIN bnai_nodes n ON n.network = e.network AND n.node = e.child
		WHERE e.network = bnai_plot_posterior.network AND e.parent = bnai_plot_posterior.node AND n.columns IS NOT NULL
		LIMIT 1
	) o ON true
	WHERE c.label IS NOT NULL OR NOT EXISTS (SELECT FROM curve WHERE label IS NOT NULL)
), panel AS MATERIALIZED (
	SELECT index, column_name,
		json_build_object(
			'width', 420,
			'height', 240,
			'data', json_build_object('values', json_agg(json_strip_nulls(json_build_object('label', label, 'x', x, 'y', density)) ORDER BY plate, x)),
			'encoding', (jsonb_build_object(
				'x', jsonb_build_object('field', 'x', 'type', 'quantitative', 'scale', jsonb_build_object('zero', false, 'nice', false),
					'title', bnai_plot_posterior.node || CASE WHEN column_name <> '' THEN ' of ' || column_name ELSE '' END),
				'y', jsonb_build_object('field', 'y', 'type', 'quantitative', 'title', 'density', 'stack', NULL))
				|| CASE WHEN bool_or(label IS NOT NULL) THEN jsonb_build_object('color', jsonb_build_object('field', 'label', 'type', 'nominal', 'title', 'cluster',
					'scale', bnai_plot_scale(bnai_plot_labels(array_agg(DISTINCT label)), 'colors'))) ELSE '{}' END)::json,
			'layer', json_build_array(
				json_build_object('mark', json_build_object('type', 'area', 'opacity', 0.25)),
				json_build_object('mark', json_build_object('type', 'line', 'strokeWidth', 2, 'clip', true)))) AS data
	FROM drawn GROUP BY index, column_name
)
SELECT bnai_plot_spec(
	bnai_plot_title(bnai_plot_posterior.network, 'Posterior of ' || bnai_plot_posterior.node, NULL),
	json_build_object('vconcat', json_agg(data ORDER BY index)))
FROM panel HAVING count(*) > 0;
END;
COMMENT ON FUNCTION bnai_plot_posterior IS 'part of bnai_plot: the posterior density of a node';

CREATE FUNCTION bnai_plot_trace(network text)
RETURNS json LANGUAGE sql STABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
WITH point AS MATERIALIZED (
	SELECT t.*, t.restart = r.best_restart AS best
	FROM bnai_trace(bnai_plot_trace.network) t
	LEFT JOIN bnai_runs r ON r.network = bnai_plot_trace.network AND r.is_current
)
SELECT bnai_plot_spec(
	bnai_plot_title(bnai_plot_trace.network, 'Evidence lower bound', 'each line is a restart'),
	json_build_object(
		'width', 480,
		'height', 300,
		'data', json_build_object('values', json_agg(json_strip_nulls(json_build_object('restart', restart, 'iteration', iteration, 'elbo', elbo,
			'event', nullif(event, ''), 'line', CASE WHEN best THEN 'best restart' ELSE 'other restarts' END)) ORDER BY best, restart, iteration)),
		'encoding', json_build_object(
			'x', json_build_object('field', 'iteration', 'type', 'quantitative', 'title', 'iteration', 'axis', json_build_object('tickMinStep', 1, 'format', 'd')),
			'y', json_build_object('field', 'elbo', 'type', 'quantitative', 'title', 'ELBO, nats', 'scale', json_build_object('zero', false)),
			'detail', json_build_object('field', 'restart'),
			'color', json_build_object('field', 'line', 'type', 'nominal', 'title', NULL,
				'scale', json_build_object('domain', json_build_array('best restart', 'other restarts'), 'range', json_build_array('#d55e00', '#9a9a9a')))),
		'layer', json_build_array(
			json_build_object('mark', json_build_object('type', 'line', 'strokeWidth', 1.5)),
			json_build_object(
				'transform', json_build_array(json_build_object('filter', 'isValid(datum.event)')),
				'mark', json_build_object('type', 'point', 'filled', true, 'size', 30, 'opacity', 1),
				'encoding', json_build_object('tooltip', json_build_array(
					json_build_object('field', 'event', 'type', 'nominal'), json_build_object('field', 'restart'),
					json_build_object('field', 'iteration'), json_build_object('field', 'elbo', 'title', 'ELBO')))))))
FROM point HAVING count(*) > 0;
END;
COMMENT ON FUNCTION bnai_plot_trace IS 'part of bnai_plot: the evidence lower bound of the latest run';

CREATE FUNCTION bnai_plot_sizes(network text)
RETURNS json LANGUAGE sql STABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
WITH part AS MATERIALIZED (
	SELECT 'previous' AS run, label, size FROM bnai_previous_clusters p WHERE p.network = bnai_plot_sizes.network
	UNION ALL
	SELECT 'current', label, size FROM bnai_clusters c WHERE c.network = bnai_plot_sizes.network
)
SELECT bnai_plot_spec(
	bnai_plot_title(bnai_plot_sizes.network, 'Sizes of clusters', CASE WHEN bool_or(run = 'previous') THEN 'pale: the previous run' END),
	json_build_object(
		'width', 480,
		'height', 300,
		'data', json_build_object('values', json_agg(json_build_object('label', label, 'run', run, 'size', size) ORDER BY bnai_label_number(label), run DESC)),
		'encoding', json_build_object(
			'x', json_build_object('field', 'label', 'type', 'nominal', 'title', 'cluster', 'sort', NULL, 'axis', json_build_object('labelAngle', 0)),
			'xOffset', json_build_object('field', 'run', 'sort', json_build_array('previous', 'current')),
			'y', json_build_object('field', 'size', 'type', 'quantitative', 'title', 'rows')),
		'layer', json_build_array(
			json_build_object(
				'mark', json_build_object('type', 'bar'),
				'encoding', json_build_object(
					'color', json_build_object('field', 'label', 'type', 'nominal', 'legend', NULL,
						'scale', bnai_plot_scale(bnai_plot_labels(array_agg(DISTINCT label)), 'colors')),
					'opacity', json_build_object('field', 'run', 'type', 'ordinal', 'legend', NULL,
						'scale', json_build_object('domain', json_build_array('previous', 'current'), 'range', json_build_array(0.4, 1))),
					'tooltip', json_build_array(json_build_object('field', 'label', 'title', 'cluster'), json_build_object('field', 'run'),
						json_build_object('field', 'size', 'title', 'rows')))),
			json_build_object(
				'mark', json_build_object('type', 'text', 'dy', -7),
				'encoding', json_build_object('text', json_build_object('field', 'size'))))))
FROM part HAVING bnai_fitted(bnai_plot_sizes.network) IS NOT NULL AND count(*) > 0;
END;
COMMENT ON FUNCTION bnai_plot_sizes IS 'part of bnai_plot: the sizes of clusters in the current and the previous run';

CREATE FUNCTION bnai_plot_changes(network text)
RETURNS json LANGUAGE sql STABLE STRICT PARALLEL UNSAFE
BEGIN ATOMIC
WITH pair AS MATERIALIZED (
	SELECT a.run AS before, b.run AS now
	FROM bnai_runs b
	CROSS JOIN LATERAL (
		SELECT a.run FROM bnai_runs a
		WHERE a.network = bnai_plot_changes.network AND a.run <> b.run AND a.clusters IS NOT NULL
		ORDER BY a.run DESC LIMIT 1) a
	WHERE b.network = bnai_plot_changes.network AND b.is_current AND b.clusters IS NOT NULL
), cell AS MATERIALIZED (
	SELECT p.*, c.label, c.other_label, c.rows, c.rows::float8 / sum(c.rows) OVER (PARTITION BY c.label) AS share
	FROM pair p, bnai_compare(p.before, p.now) c
	WHERE c.label IS NOT NULL AND c.other_label IS NOT NULL AND c.rows > 0
)
SELECT bnai_plot_spec(
	bnai_plot_title(bnai_plot_changes.network, 'Where rows have gone', format('run %s against run %s', max(now), max(before))),
	json_build_object(
		'width', 300,
		'height', 300,
		'data', json_build_object('values', json_agg(json_build_object('before', label, 'now', other_label, 'rows', rows, 'share', share)
			ORDER BY bnai_label_number(label), bnai_label_number(other_label))),
		'encoding', json_build_object(
			'x', json_build_object('field', 'now', 'type', 'ordinal', 'title', format('cluster in run %s', max(now)), 'axis', json_build_object('labelAngle', 0, 'grid', false),
				'sort', (SELECT json_agg(l ORDER BY bnai_label_number(l)) FROM (SELECT DISTINCT other_label AS l FROM cell) n)),
			'y', json_build_object('field', 'before', 'type', 'ordinal', 'title', format('cluster in run %s', max(before)), 'axis', json_build_object('grid', false),
				'sort', (SELECT json_agg(l ORDER BY bnai_label_number(l)) FROM (SELECT DISTINCT label AS l FROM cell) b))),
		'layer', json_build_array(
			json_build_object(
				'mark', json_build_object('type', 'rect'),
				'encoding', json_build_object('color', json_build_object('field', 'share', 'type', 'quantitative', 'title', 'share of the row',
					'scale', json_build_object('scheme', 'blues', 'domain', json_build_array(0, 1)), 'legend', json_build_object('format', '.0%')))),
			json_build_object(
				'mark', json_build_object('type', 'text', 'fontWeight', 'bold'),
				'encoding', json_build_object(
					'text', json_build_object('field', 'rows', 'type', 'quantitative'),
					'color', json_build_object('condition', json_build_object('test', 'datum.share > 0.6', 'value', 'white'), 'value', 'black'))))))
FROM cell HAVING bnai_fitted(bnai_plot_changes.network) IS NOT NULL AND count(*) > 0;
END;
COMMENT ON FUNCTION bnai_plot_changes IS 'part of bnai_plot: which clusters rows had in the latest other run, and have in the current one';

CREATE FUNCTION bnai_plot(
	network text,
	what text,
	columns text[] DEFAULT NULL,
	node text DEFAULT NULL,
	lower float8 DEFAULT NULL,
	upper float8 DEFAULT NULL,
	sample_size integer DEFAULT 2000,
	seed bigint DEFAULT 1)
RETURNS json LANGUAGE sql STABLE CALLED ON NULL INPUT PARALLEL UNSAFE
RETURN CASE what
	WHEN 'clusters' THEN bnai_plot_clusters(network, columns, sample_size, seed)
	WHEN 'posterior' THEN bnai_plot_posterior(network, node, lower, upper)
	WHEN 'trace' THEN bnai_plot_trace(network)
	WHEN 'sizes' THEN bnai_plot_sizes(network)
	WHEN 'changes' THEN bnai_plot_changes(network)
	ELSE bnai_refuse_plot(what)
END;
COMMENT ON FUNCTION bnai_plot IS
'a picture of the current run as a Vega-Lite specification with its data: clusters (a sample of rows by columns and label, with means and ellipses; needs SELECT on the columns), posterior (the density of a node, from lower to upper where they are given), trace (the evidence lower bound of each restart), sizes (of clusters, against the previous run) or changes (how many rows of each cluster of the latest other run each cluster has now; needs SELECT on the columns); NULL if the network has not been inferred, or not twice';


/*
 * --- privileges ---
 *
 * Users reach bnai's tables through its functions and views only.  The owner
 * of the database must be able to dump and restore them; what a restore can
 * do is limited by bnai_guard.
 */

CREATE FUNCTION bnai_guard()
RETURNS trigger LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_guard IS 'keeps who restores networks from restoring them into other hands';

CREATE TRIGGER bnai_guard BEFORE INSERT ON bnai_network FOR EACH ROW EXECUTE FUNCTION bnai_guard();
CREATE TRIGGER bnai_guard BEFORE INSERT ON bnai_node FOR EACH ROW EXECUTE FUNCTION bnai_guard();
CREATE TRIGGER bnai_guard BEFORE INSERT ON bnai_run FOR EACH ROW EXECUTE FUNCTION bnai_guard();
CREATE TRIGGER bnai_guard BEFORE INSERT ON bnai_count FOR EACH ROW EXECUTE FUNCTION bnai_guard();
CREATE TRIGGER bnai_guard BEFORE INSERT ON bnai_watched FOR EACH ROW EXECUTE FUNCTION bnai_guard();
CREATE TRIGGER bnai_guard BEFORE INSERT ON bnai_scheduled FOR EACH ROW EXECUTE FUNCTION bnai_guard();

REVOKE ALL ON bnai_network, bnai_node, bnai_run, bnai_count, bnai_watched, bnai_scheduled, bnai_attempt, bnai_failure FROM PUBLIC;
REVOKE ALL ON SEQUENCE bnai_network_id_seq, bnai_run_id_seq FROM PUBLIC;
GRANT SELECT, INSERT ON bnai_network, bnai_node, bnai_run, bnai_count, bnai_watched, bnai_scheduled TO pg_database_owner;
GRANT SELECT, UPDATE ON SEQUENCE bnai_network_id_seq, bnai_run_id_seq TO pg_database_owner;

GRANT SELECT ON bnai_networks, bnai_nodes, bnai_edges, bnai_runs, bnai_restarts, bnai_progress, bnai_status, bnai_watches TO PUBLIC;
