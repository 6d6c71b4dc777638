/* --- catalog: networks, nodes and runs. Nothing here is granted to anyone; access goes through the functions and views. --- */

-- the number that the library looks for (catalog/version.h): of other tables than it knows it keeps off
CREATE TABLE bnai_catalog_version (number integer NOT NULL);
COMMENT ON TABLE bnai_catalog_version IS 'The version of these tables, for the library to compare with its own';
INSERT INTO bnai_catalog_version VALUES (2);

CREATE SEQUENCE bnai_network_id_seq;
CREATE SEQUENCE bnai_run_id_seq;

CREATE TABLE bnai_network (
	id integer DEFAULT pg_catalog.nextval('bnai_network_id_seq') CONSTRAINT network_ids_are_unique PRIMARY KEY,
	name text NOT NULL CONSTRAINT network_names_are_unique UNIQUE
		CONSTRAINT a_network_has_a_name CHECK (name OPERATOR(pg_catalog.<>) ''),
	network_type text NOT NULL
		CONSTRAINT network_type_is_general_or_clustering CHECK (network_type OPERATOR(pg_catalog.=) ANY (ARRAY['general', 'clustering'])),
	owner bnai_role NOT NULL,
	restarts integer
		CONSTRAINT restarts_is_positive CHECK (restarts OPERATOR(pg_catalog.>=) 1 AND restarts OPERATOR(pg_catalog.<=) 10000),
	max_iterations integer NOT NULL DEFAULT 1000
		CONSTRAINT max_iterations_is_positive CHECK (max_iterations OPERATOR(pg_catalog.>=) 1 AND max_iterations OPERATOR(pg_catalog.<=) 1000000000),
	tolerance double precision NOT NULL DEFAULT 1e-3
		CONSTRAINT tolerance_is_not_negative CHECK (tolerance OPERATOR(pg_catalog.>=) '0' AND tolerance OPERATOR(pg_catalog.<) 'Infinity'),
	moves boolean NOT NULL DEFAULT true,
	seed bigint NOT NULL DEFAULT 1,
	start text NOT NULL DEFAULT 'kmeans++'
		CONSTRAINT start_is_known CHECK (start OPERATOR(pg_catalog.=) ANY (ARRAY['kmeans++', 'random', 'results', 'posterior'])),
	restart_sample integer NOT NULL DEFAULT 50000
		CONSTRAINT restart_sample_is_not_negative CHECK (restart_sample OPERATOR(pg_catalog.>=) 0),
	results_column bnai_column,
	counter_threshold bigint
		CONSTRAINT counter_threshold_is_positive CHECK (counter_threshold OPERATOR(pg_catalog.>) 0),
	threshold_action text NOT NULL DEFAULT 'none'
		CONSTRAINT threshold_action_is_known CHECK (threshold_action OPERATOR(pg_catalog.=) ANY (ARRAY['none', 'recalculate', 'background'])),
	created_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
	resolution double precision NOT NULL DEFAULT 0
		CONSTRAINT resolution_is_a_fraction CHECK (resolution OPERATOR(pg_catalog.>=) '0' AND resolution OPERATOR(pg_catalog.<=) '1'),
	prune boolean NOT NULL DEFAULT true,
	history integer NOT NULL DEFAULT 10
		CONSTRAINT history_is_positive CHECK (history OPERATOR(pg_catalog.>) 0),
	weight_column bnai_column,
	missing text
		CONSTRAINT missing_is_known CHECK (missing OPERATOR(pg_catalog.=) ANY (ARRAY['marginalize', 'skip', 'error'])),
	refit text NOT NULL DEFAULT 'auto'
		CONSTRAINT refit_is_known CHECK (refit OPERATOR(pg_catalog.=) ANY (ARRAY['auto', 'warm', 'full'])),
	refit_margin double precision NOT NULL DEFAULT 10
		CONSTRAINT refit_margin_is_not_negative CHECK (refit_margin OPERATOR(pg_catalog.>=) '0' AND refit_margin OPERATOR(pg_catalog.<) 'Infinity')
);

CREATE TABLE bnai_node (
	network integer NOT NULL,
	id integer NOT NULL,
	name text NOT NULL
		CONSTRAINT a_node_has_a_name CHECK (name OPERATOR(pg_catalog.<>) ''),
	distribution text NOT NULL,
	params text NOT NULL,
	source bnai_source,
	columns bnai_column[],
	restored_by bnai_role,
	CONSTRAINT bnai_node_pkey PRIMARY KEY (network, id),
	CONSTRAINT node_names_are_unique_in_a_network UNIQUE (network, name),
	CONSTRAINT an_observed_node_has_a_source_and_columns CHECK ((source IS NULL) OPERATOR(pg_catalog.=) (columns IS NULL)),
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
	posterior bnai_stored_posterior NOT NULL,
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
	rows_labelled bigint,
	restored_by bnai_role,
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
COMMENT ON COLUMN bnai_node.restored_by IS 'role that restored a row before its network; the row waits under the negative number of the network, which takes it over if the role could have changed it';
COMMENT ON COLUMN bnai_run.restored_by IS 'as in bnai_node';
COMMENT ON TABLE bnai_node IS 'Nodes of the networks; see the views bnai_nodes and bnai_edges';
COMMENT ON TABLE bnai_run IS 'Runs: one for each inference, with its posterior and trace; see the view bnai_runs';

SELECT pg_catalog.pg_extension_config_dump('bnai_network_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('bnai_run_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('bnai_network', '');
SELECT pg_catalog.pg_extension_config_dump('bnai_node', 'WHERE network OPERATOR(pg_catalog.>) 0');
SELECT pg_catalog.pg_extension_config_dump('bnai_run', 'WHERE network OPERATOR(pg_catalog.>) 0');
