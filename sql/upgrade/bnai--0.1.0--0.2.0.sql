\echo Use "ALTER EXTENSION bnai UPDATE TO '0.2.0'" to load this file. \quit

/*
 * A session that has 0.1.0's library fails by the first function here, which that does not have, before anything is
 * changed.  The one of 0.2.0 leaves the tables alone as long as this script runs.
 */

CREATE TYPE bnai_role;

CREATE FUNCTION bnai_role_in(cstring) RETURNS bnai_role
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_role_in(cstring) IS 'I/O';

CREATE FUNCTION bnai_role_out(bnai_role) RETURNS cstring
	LANGUAGE C STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_role_out(bnai_role) IS 'I/O';

CREATE TYPE bnai_role (
	INPUT = bnai_role_in,
	OUTPUT = bnai_role_out,
	INTERNALLENGTH = VARIABLE,
	ALIGNMENT = int4,
	STORAGE = plain
);
COMMENT ON TYPE bnai_role IS 'a role that something belongs to or is granted to: follows its renaming, and is gone when the role is, whoever gets the name';

CREATE FUNCTION bnai_role_from_regrole(regrole) RETURNS bnai_role
	LANGUAGE C STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_role_from_regrole(regrole) IS 'cast';

CREATE FUNCTION bnai_role_to_regrole(bnai_role) RETURNS regrole
	LANGUAGE C STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_role_to_regrole(bnai_role) IS 'cast; NULL if the role does not exist';

CREATE CAST (regrole AS bnai_role) WITH FUNCTION bnai_role_from_regrole(regrole) AS ASSIGNMENT;
COMMENT ON CAST (regrole AS bnai_role) IS 'remembers the name, too';

CREATE CAST (bnai_role AS regrole) WITH FUNCTION bnai_role_to_regrole(bnai_role);
COMMENT ON CAST (bnai_role AS regrole) IS 'NULL if the role does not exist';

CREATE TYPE bnai_column;

CREATE FUNCTION bnai_column_in(cstring) RETURNS bnai_column
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_column_in(cstring) IS 'I/O';

CREATE FUNCTION bnai_column_out(bnai_column) RETURNS cstring
	LANGUAGE C STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_column_out(bnai_column) IS 'I/O';

CREATE TYPE bnai_column (
	INPUT = bnai_column_in,
	OUTPUT = bnai_column_out,
	INTERNALLENGTH = VARIABLE,
	ALIGNMENT = int4,
	STORAGE = plain
);
COMMENT ON TYPE bnai_column IS 'a column that a network reads or writes: follows its renaming, and is gone when it is dropped, whatever gets the name; of an array with the number of its elements';

COMMENT ON TYPE bnai_source IS 'a table or view that a network reads: follows its renaming, and is gone when it is dropped, whatever gets the name';

CREATE TYPE bnai_stored_posterior;

CREATE FUNCTION bnai_stored_posterior_in(cstring) RETURNS bnai_stored_posterior
	LANGUAGE C STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_stored_posterior_in(cstring) IS 'I/O';

CREATE FUNCTION bnai_stored_posterior_out(bnai_stored_posterior) RETURNS cstring
	LANGUAGE C STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_stored_posterior_out(bnai_stored_posterior) IS 'I/O';

CREATE TYPE bnai_stored_posterior (
	INPUT = bnai_stored_posterior_in,
	OUTPUT = bnai_stored_posterior_out,
	INTERNALLENGTH = VARIABLE,
	STORAGE = extended
);
COMMENT ON TYPE bnai_stored_posterior IS
	'a posterior in table bnai_run: the text of a bnai_posterior for who may read the network of its run, and for superusers and pg_read_all_data; for others who dump the table, withheld';

CREATE FUNCTION bnai_store_posterior(posterior bnai_posterior) RETURNS bnai_stored_posterior
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_store_posterior(bnai_posterior) IS 'cast';

CREATE CAST (bnai_posterior AS bnai_stored_posterior) WITH FUNCTION bnai_store_posterior(bnai_posterior) AS ASSIGNMENT;
COMMENT ON CAST (bnai_posterior AS bnai_stored_posterior) IS 'there is no way back but bnai_run_posterior';

/* --- tables --- */

-- what users have made of these views stays: they show nothing for a while, and then the same columns
CREATE OR REPLACE VIEW bnai_networks WITH (security_barrier) AS SELECT
	NULL::pg_catalog.text AS network, NULL::pg_catalog.text AS type, NULL::pg_catalog.name AS owner, NULL::pg_catalog.text AS source, NULL::pg_catalog.text[] AS columns, NULL::pg_catalog.name AS results_column,
	NULL::pg_catalog.int4 AS restarts, NULL::pg_catalog.int4 AS max_iterations, NULL::pg_catalog.float8 AS tolerance, NULL::pg_catalog.bool AS moves, NULL::pg_catalog.int8 AS seed, NULL::pg_catalog.text AS start,
	NULL::pg_catalog.int4 AS restart_sample, NULL::pg_catalog.float8 AS resolution, NULL::pg_catalog.name AS weight_column, NULL::pg_catalog.text AS missing, NULL::pg_catalog.int8 AS counter_threshold, NULL::pg_catalog.text AS threshold_action,
	NULL::pg_catalog.bool AS prune, NULL::pg_catalog.int4 AS history, NULL::pg_catalog.text AS refit, NULL::pg_catalog.float8 AS refit_margin, NULL::pg_catalog.timestamptz AS created_at;
CREATE OR REPLACE VIEW bnai_nodes WITH (security_barrier) AS SELECT
	NULL::pg_catalog.text AS network, NULL::pg_catalog.int4 AS id, NULL::pg_catalog.text AS node, NULL::pg_catalog.text AS distribution, NULL::pg_catalog.text AS params, NULL::pg_catalog.text AS source,
	NULL::pg_catalog.text[] AS columns;
CREATE OR REPLACE VIEW bnai_status WITH (security_barrier) AS SELECT
	NULL::pg_catalog.text AS network, NULL::pg_catalog.text AS type, NULL::pg_catalog.name AS owner, NULL::pg_catalog.text AS source, NULL::pg_catalog.text[] AS columns, NULL::pg_catalog.name AS results_column,
	NULL::pg_catalog.int8 AS counter, NULL::pg_catalog.int8 AS counter_threshold, NULL::pg_catalog.text AS threshold_action, NULL::pg_catalog.timestamptz AS running_since, NULL::pg_catalog.text AS last_error, NULL::pg_catalog.timestamptz AS last_error_at,
	NULL::pg_catalog.timestamptz AS next_attempt, NULL::pg_catalog.text AS schedule, NULL::pg_catalog.timestamptz AS next_scheduled_run, NULL::pg_catalog.text[] AS unwatched, NULL::pg_catalog.int8 AS rows_labelled, NULL::pg_catalog.float8 AS unlabelled_share,
	NULL::pg_catalog.int8 AS run, NULL::pg_catalog.timestamptz AS last_run, NULL::pg_catalog.interval AS elapsed, NULL::pg_catalog.int8 AS rows, NULL::pg_catalog.int8 AS rows_skipped, NULL::pg_catalog.int4 AS clusters,
	NULL::pg_catalog.bool AS converged, NULL::pg_catalog.float8 AS elbo;

DROP TRIGGER bnai_check_background ON bnai_network;

-- names become OIDs: here those of roles, and of columns when all tables are as they will be, see below
ALTER TABLE bnai_network
	ALTER owner TYPE bnai_role USING coalesce(pg_catalog.to_regrole(pg_catalog.quote_ident(owner::pg_catalog.text))::bnai_role, owner::pg_catalog.text::bnai_role),
	ALTER results_column TYPE bnai_column USING results_column::pg_catalog.text::bnai_column,
	ALTER weight_column TYPE bnai_column USING weight_column::pg_catalog.text::bnai_column;
ALTER TABLE bnai_node ALTER columns TYPE bnai_column[] USING columns::bnai_column[];
ALTER TABLE bnai_node ADD restored_by bnai_role;
COMMENT ON COLUMN bnai_node.restored_by IS 'role that restored a row before its network; the row waits under the negative number of the network, which takes it over if the role could have changed it';

-- by these, 0.1.0's library reads a network: sessions that have it find none from here on, instead of other columns than they know
ALTER TABLE bnai_network RENAME CONSTRAINT bnai_network_pkey TO network_ids_are_unique;
ALTER TABLE bnai_network RENAME CONSTRAINT bnai_network_name_key TO network_names_are_unique;

ALTER TABLE bnai_run ADD rows_labelled bigint;
ALTER TABLE bnai_run ADD restored_by bnai_role;
COMMENT ON COLUMN bnai_run.restored_by IS 'as in bnai_node';
ALTER TABLE bnai_count ADD restored_by bnai_role;
ALTER TABLE bnai_watched ADD restored_by bnai_role;
ALTER TABLE bnai_attempt ADD sqlstate text;
ALTER TABLE bnai_failure ADD sqlstate text;
ALTER TABLE bnai_scheduled ADD role bnai_role;
ALTER TABLE bnai_scheduled ADD restored_by bnai_role;
COMMENT ON TABLE bnai_scheduled IS 'Networks that are inferred on a schedule, pg_cron''s number of the job, and the role that has asked for it; see the view bnai_status';

SELECT pg_catalog.pg_extension_config_dump('bnai_node', 'WHERE network OPERATOR(pg_catalog.>) 0');
SELECT pg_catalog.pg_extension_config_dump('bnai_run', 'WHERE network OPERATOR(pg_catalog.>) 0');
SELECT pg_catalog.pg_extension_config_dump('bnai_count', 'WHERE network OPERATOR(pg_catalog.>) 0');
SELECT pg_catalog.pg_extension_config_dump('bnai_watched', 'WHERE network OPERATOR(pg_catalog.>) 0');
SELECT pg_catalog.pg_extension_config_dump('bnai_scheduled', 'WHERE network OPERATOR(pg_catalog.>) 0');

/* --- what is no longer there --- */

DROP FUNCTION bnai_elements(anyarray, integer, text);

/* --- functions and views --- */

CREATE TABLE bnai_granted (
	network integer NOT NULL,
	role bnai_role NOT NULL,
	privilege text NOT NULL
		CONSTRAINT privilege_is_known CHECK (privilege OPERATOR(pg_catalog.=) ANY (ARRAY['read', 'infer'])),
	restored_by bnai_role,
	CONSTRAINT bnai_granted_network_fkey FOREIGN KEY (network) REFERENCES bnai_network ON DELETE CASCADE
);

CREATE INDEX bnai_granted_network ON bnai_granted (network);
COMMENT ON TABLE bnai_granted IS 'Who was granted to read or to infer which network; see the view bnai_networks';

ALTER TABLE bnai_granted DISABLE TRIGGER ALL;

SELECT pg_catalog.pg_extension_config_dump('bnai_granted',
	'WHERE network OPERATOR(pg_catalog.>) 0 AND (role::pg_catalog.regrole IS NOT NULL OR role::pg_catalog.text OPERATOR(pg_catalog.=) ''public'')');

CREATE TRIGGER bnai_guard BEFORE INSERT ON bnai_granted FOR EACH ROW EXECUTE FUNCTION bnai_guard();
COMMENT ON FUNCTION bnai_guard IS 'checks what is restored like the calls that made it, and binds names to what has them';

CREATE FUNCTION bnai_rebind(network text, source regclass, columns text[] DEFAULT NULL)
RETURNS void LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_rebind IS
'binds a network to another table or view, or to the one that has the name of a source that was dropped; columns are those of all observed nodes in their order, by default of the names that they had last, and so are results and weight column; asks for what bnai_add_node asks for; keeps runs and labels';

CREATE FUNCTION bnai_grant(network text, role text, privilege text)
RETURNS void LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_grant IS
'lets a role, and its members, read a network (privilege read) or infer it, too (infer); role public is everybody; whoever may change the network may grant; who infers also needs the rights on the table that the inference asks for, and may not be subject to row security there';

CREATE FUNCTION bnai_revoke(network text, role text, privilege text DEFAULT NULL)
RETURNS void LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_revoke IS
'takes back what bnai_grant gave: infer, or read and infer (by default)';

CREATE FUNCTION bnai_elements(value float8[], width integer, name text) RETURNS float8[]
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE;
COMMENT ON FUNCTION bnai_typicality(text, float8[]) IS
	'the share of the rows of the fit that are at most as typical as this row, by their predictive density: 0.01 is a 1-in-100 row, 0 is less typical than all; NULL like bnai_score; a row that lacks columns is ranked by those that it has, NULL if they are not what rows of the fit lacked';
COMMENT ON FUNCTION bnai_typicality(bnai_posterior, float8[]) IS 'the share of the rows of the fit of a posterior that are at most as typical as this row';

COMMENT ON FUNCTION bnai_elements(float8[], integer, text) IS
'The numbers of an observed array: width of them, all NULL if the array is, which a row is put together from. Error: an array of another length, which is that of the column called name.';

CREATE PROCEDURE bnai_run_schedule(id integer)
LANGUAGE C AS 'MODULE_PATHNAME';
COMMENT ON PROCEDURE bnai_run_schedule IS
'what the jobs that bnai_schedule makes call: infers the network with that id for its owner, if the role of the session has scheduled it; reads and writes tables as their owners';

CREATE FUNCTION bnai_cancel(network text)
RETURNS boolean LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_cancel IS
'stops the inference of a network that is under way, in whatever session or worker, within a tenth of a second or so; true if there is one; for who may change the network';

CREATE FUNCTION bnai_put_off(network integer)
RETURNS boolean LANGUAGE C VOLATILE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_put_off IS
'true if a transaction that reached the threshold of the network with that id has left it to a worker to infer it, since constraints of the transaction wait for its end; NULL for who may not read it';

CREATE FUNCTION bnai_stop_background()
RETURNS trigger LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_stop_background IS 'stops the inference in the background of a network that is no longer to be inferred there';

CREATE TRIGGER bnai_stop_background AFTER UPDATE OF threshold_action ON bnai_network
	FOR EACH ROW WHEN (OLD.threshold_action OPERATOR(pg_catalog.=) 'background' AND NEW.threshold_action OPERATOR(pg_catalog.<>) 'background')
	EXECUTE FUNCTION bnai_stop_background();
COMMENT ON FUNCTION bnai_schedule IS
'lets pg_cron infer a network regularly, for its owner, if its counter is at least threshold then; schedule is in cron''s notation; returns the number of the job; once more: replaces the schedule';

CREATE OR REPLACE FUNCTION bnai_labelled_rows(network integer)
RETURNS bigint LANGUAGE C STABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_labelled_rows IS
'rows of the source of the network with that id that had a label after its last run, rollback or reset; NULL for who may not read it';

CREATE OR REPLACE FUNCTION bnai_unlabelled_share(network integer)
RETURNS double precision LANGUAGE C STABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_unlabelled_share IS
'share of the rows of the source of the network with that id that have no label, from 0 to 1: of as many rows as the last VACUUM or ANALYZE has seen; NULL if a part of the source was never analyzed';

CREATE TRIGGER bnai_check_background AFTER UPDATE OF threshold_action, owner ON bnai_network
	FOR EACH ROW WHEN (NEW.threshold_action OPERATOR(pg_catalog.=) 'background') EXECUTE FUNCTION bnai_check_background();
COMMENT ON FUNCTION bnai_may_read IS
'true if the current user may change the network with that id, or was granted to read or to infer it';

CREATE FUNCTION bnai_failure_text(network integer, error text, sqlstate text)
RETURNS text LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_failure_text IS
'why an inference failed, for who may change the network with that id; for others what kind of error it was, since the message may hold what they may not see';

CREATE OR REPLACE VIEW bnai_networks WITH (security_barrier) AS
SELECT n.name AS network,
	n.network_type AS type,
	n.owner::pg_catalog.text::pg_catalog.name COLLATE pg_catalog."C" AS owner,
	leaf.source::pg_catalog.text AS source,
	leaf.columns,
	n.results_column::pg_catalog.text::pg_catalog.name COLLATE pg_catalog."C" AS results_column,
	n.restarts,
	n.max_iterations,
	n.tolerance,
	n.moves,
	n.seed,
	n.start,
	n.restart_sample,
	n.resolution,
	n.weight_column::pg_catalog.text::pg_catalog.name COLLATE pg_catalog."C" AS weight_column,
	n.missing,
	n.counter_threshold,
	n.threshold_action,
	n.prune,
	n.history,
	n.refit,
	n.refit_margin,
	n.created_at,
	granted.readers,
	granted.inferrers
FROM bnai_network n
LEFT JOIN LATERAL (
	SELECT (pg_catalog.array_agg(d.source ORDER BY d.id))[1] AS source,
		pg_catalog.array_agg(c.name::pg_catalog.text ORDER BY d.id, c.position) AS columns
	FROM bnai_node d, LATERAL pg_catalog.unnest(d.columns) WITH ORDINALITY c (name, position)
	WHERE d.network OPERATOR(pg_catalog.=) n.id AND d.source IS NOT NULL
) leaf ON true
LEFT JOIN LATERAL (
	SELECT pg_catalog.array_agg(g.name ORDER BY g.name) FILTER (WHERE g.privilege OPERATOR(pg_catalog.=) 'read') AS readers,
		pg_catalog.array_agg(g.name ORDER BY g.name) FILTER (WHERE g.privilege OPERATOR(pg_catalog.=) 'infer') AS inferrers
	FROM (
		SELECT d.privilege, d.role::pg_catalog.text AS name
		FROM bnai_granted d
		WHERE d.network OPERATOR(pg_catalog.=) n.id
			AND (d.role::pg_catalog.regrole IS NOT NULL OR d.role::pg_catalog.text OPERATOR(pg_catalog.=) 'public')
	) g
) granted ON true
WHERE bnai_may_read(n.id);
COMMENT ON VIEW bnai_networks IS 'networks, what they read, their settings (NULL: chosen at inference, or none), and who may read or infer them beside the owner; change settings with bnai_set, rights with bnai_grant';

CREATE OR REPLACE VIEW bnai_nodes WITH (security_barrier) AS
WITH readable AS MATERIALIZED (SELECT id, name FROM bnai_network WHERE bnai_may_read(id))
SELECT n.name AS network, d.id, d.name AS node, d.distribution, d.params, d.source::pg_catalog.text AS source, d.columns::pg_catalog.text[] AS columns
FROM readable n JOIN bnai_node d ON d.network OPERATOR(pg_catalog.=) n.id;

CREATE OR REPLACE VIEW bnai_edges WITH (security_barrier) AS
WITH readable AS MATERIALIZED (SELECT id, name FROM bnai_network WHERE bnai_may_read(id))
SELECT n.name AS network, p.parent, d.name AS child, p.parameter
FROM readable n
JOIN bnai_node d ON d.network OPERATOR(pg_catalog.=) n.id
CROSS JOIN LATERAL bnai_node_parents(d.distribution, d.params) p;

CREATE OR REPLACE VIEW bnai_runs WITH (security_barrier) AS
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
	r.warm_runs OPERATOR(pg_catalog.>) 0 AS warm,
	r.is_current,
	NULL::pg_catalog.text AS error,
	(SELECT pg_catalog.array_agg((o OPERATOR(pg_catalog.->>) 'elbo')::pg_catalog.float8 ORDER BY (o OPERATOR(pg_catalog.->>) 'restart')::int)
	 FROM pg_catalog.jsonb_array_elements(r.outcomes) o) AS restart_elbos
FROM readable n JOIN bnai_run r ON r.network OPERATOR(pg_catalog.=) n.id
UNION ALL
SELECT NULL, n.name, f.started_at, f.failed_at OPERATOR(pg_catalog.-) f.started_at,
	NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, false, bnai_failure_text(n.id, f.error, f.sqlstate), NULL
FROM readable n JOIN bnai_failure f ON f.network OPERATOR(pg_catalog.=) n.id;

CREATE OR REPLACE VIEW bnai_restarts WITH (security_barrier) AS
WITH readable AS MATERIALIZED (SELECT id, name FROM bnai_network WHERE bnai_may_read(id))
SELECT r.id AS run,
	n.name AS network,
	o.restart,
	o.restart OPERATOR(pg_catalog.=) r.best_restart AS best,
	o.elbo,
	o.evidence,
	o.clusters,
	o.sizes,
	o.iterations,
	o.converged,
	o.sampled,
	pg_catalog.make_interval(secs => o.seconds) AS elapsed
FROM readable n
JOIN bnai_run r ON r.network OPERATOR(pg_catalog.=) n.id
CROSS JOIN LATERAL pg_catalog.jsonb_to_recordset(r.outcomes)
	AS o(restart integer, elbo float8, evidence float8, clusters integer, sizes bigint[], iterations integer,
		 converged boolean, sampled boolean, seconds float8);

CREATE FUNCTION bnai_schedule_state(network integer)
RETURNS text LANGUAGE C STABLE STRICT PARALLEL SAFE COST 1000 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_schedule_state IS
'what became of the job of a schedule of the network with that id: scheduled, inactive or gone, if pg_cron has it no longer; NULL without a schedule, where it cannot be told now, and for who may not read the network';

CREATE OR REPLACE VIEW bnai_status WITH (security_barrier) AS
SELECT n.name AS network,
	n.network_type AS type,
	n.owner::pg_catalog.text::pg_catalog.name COLLATE pg_catalog."C" AS owner,
	leaf.source::pg_catalog.text AS source,
	leaf.columns,
	n.results_column::pg_catalog.text::pg_catalog.name COLLATE pg_catalog."C" AS results_column,
	bnai_counter(n.id) AS counter,
	n.counter_threshold,
	n.threshold_action,
	bnai_running_since(n.id) AS running_since,
	CASE WHEN bnai_put_off(n.id) THEN 'put off: deferred constraints' ELSE bnai_failure_text(n.id, a.error, a.sqlstate) END AS last_error,
	a.failed_at AS last_error_at,
	CASE WHEN n.threshold_action OPERATOR(pg_catalog.=) 'background' THEN a.next_attempt END AS next_attempt,
	c.schedule,
	CASE WHEN bnai_schedule_state(n.id) OPERATOR(pg_catalog.=) 'scheduled' THEN bnai_next_time(c.schedule) END AS next_scheduled_run,
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
	r.elbo,
	bnai_schedule_state(n.id) AS schedule_state
FROM bnai_network n
LEFT JOIN LATERAL (
	SELECT (pg_catalog.array_agg(d.source ORDER BY d.id))[1] AS source,
		pg_catalog.array_agg(c.name::pg_catalog.text ORDER BY d.id, c.position) AS columns
	FROM bnai_node d, LATERAL pg_catalog.unnest(d.columns) WITH ORDINALITY c (name, position)
	WHERE d.network OPERATOR(pg_catalog.=) n.id AND d.source IS NOT NULL
) leaf ON true
LEFT JOIN bnai_run r ON r.network OPERATOR(pg_catalog.=) n.id AND r.is_current
LEFT JOIN bnai_attempt a ON a.network OPERATOR(pg_catalog.=) n.id
LEFT JOIN bnai_scheduled c ON c.network OPERATOR(pg_catalog.=) n.id
WHERE bnai_may_read(n.id);

CREATE OR REPLACE VIEW bnai_watches WITH (security_barrier) AS
SELECT n.name AS network, w.target::pg_catalog.text AS target, w.event, w.increment,
	w.target::pg_catalog.regclass IS NOT NULL AS active
FROM bnai_network n JOIN bnai_watched w ON w.network OPERATOR(pg_catalog.=) n.id
WHERE bnai_may_read(n.id);
COMMENT ON VIEW bnai_watches IS 'tables whose changes are counted, by network and event; one that is not active counts nothing: its table was dropped, or it was restored by somebody who does not own the table, and bnai_watch makes it active';

CREATE FUNCTION bnai_run_posterior(run bigint) RETURNS bnai_posterior
	LANGUAGE C STABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_run_posterior(bigint) IS
	'the posterior of a run, see bnai_runs; NULL if there is no such run, it was restored without a posterior, or the current user may not read its network';

CREATE OR REPLACE VIEW bnai_clusters WITH (security_barrier) AS
	WITH readable AS MATERIALIZED (SELECT id, name FROM bnai_network WHERE bnai_may_read(id))
	SELECT n.name AS network, c.label, c.size, c.weight, c.mean, c.covariance, c.columns
	FROM readable n
	JOIN bnai_run r ON r.network OPERATOR(pg_catalog.=) n.id AND r.is_current
	CROSS JOIN LATERAL bnai_posterior_clusters(bnai_run_posterior(r.id)) c
	WHERE c.label IS NOT NULL
	ORDER BY n.name, pg_catalog.length(c.label), c.label;

CREATE OR REPLACE VIEW bnai_previous_clusters WITH (security_barrier) AS
	WITH readable AS MATERIALIZED (SELECT id, name FROM bnai_network WHERE bnai_may_read(id))
	SELECT n.name AS network, c.label, c.size, c.weight, c.mean, c.covariance, c.columns
	FROM readable n
	JOIN bnai_run r ON r.network OPERATOR(pg_catalog.=) n.id AND r.is_previous
	CROSS JOIN LATERAL bnai_posterior_clusters(bnai_run_posterior(r.id)) c
	WHERE c.label IS NOT NULL
	ORDER BY n.name, pg_catalog.length(c.label), c.label;

CREATE OR REPLACE VIEW bnai_parameters WITH (security_barrier) AS
	WITH readable AS MATERIALIZED (SELECT id, name FROM bnai_network WHERE bnai_may_read(id))
	SELECT n.name AS network, p.node, p.plate, p.label, p.parameter, p.index, p.value
	FROM readable n
	JOIN bnai_run r ON r.network OPERATOR(pg_catalog.=) n.id AND r.is_current
	CROSS JOIN LATERAL bnai_posterior_parameters(bnai_run_posterior(r.id)) p;

-- no view names the column any more
ALTER TABLE bnai_run ALTER posterior TYPE bnai_stored_posterior USING bnai_store_posterior(posterior);

CREATE FUNCTION bnai_bind_posterior()
RETURNS trigger LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_bind_posterior IS 'makes a posterior that is stored in bnai_run that of its run, and of no other';

CREATE TRIGGER bnai_bind_posterior BEFORE INSERT OR UPDATE OF posterior ON bnai_run
	FOR EACH ROW EXECUTE FUNCTION bnai_bind_posterior();

UPDATE bnai_run SET posterior = posterior;

CREATE OR REPLACE FUNCTION bnai_plot_labels(labels text[])
RETURNS json LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (
	SELECT pg_catalog.json_build_object(
		'domain', pg_catalog.json_agg(label ORDER BY n),
		'colors', pg_catalog.json_agg(('{#0072b2,#e69f00,#009e73,#cc79a7,#56b4e9,#d55e00,#7a7a7a}'::pg_catalog.text[])[1 OPERATOR(pg_catalog.+) ((n OPERATOR(pg_catalog.-) 1) OPERATOR(pg_catalog.%) 7)] ORDER BY n),
		'shapes', pg_catalog.json_agg(('{circle,square,triangle-up,diamond,cross,triangle-down}'::pg_catalog.text[])[1 OPERATOR(pg_catalog.+) ((n OPERATOR(pg_catalog.-) 1) OPERATOR(pg_catalog.%) 6)] ORDER BY n))
	FROM (SELECT label, bnai_label_number(label) AS n FROM pg_catalog.unnest(labels) AS label) l
);

CREATE OR REPLACE FUNCTION bnai_plot_scale(labels json, kind text)
RETURNS json LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN pg_catalog.json_build_object('domain', labels OPERATOR(pg_catalog.->) 'domain', 'range', labels OPERATOR(pg_catalog.->) kind);

CREATE OR REPLACE FUNCTION bnai_plot_title(network text, title text, subtitle text)
RETURNS json LANGUAGE sql STABLE CALLED ON NULL INPUT PARALLEL SAFE
RETURN pg_catalog.json_build_object('text', title, 'subtitle', pg_catalog.concat_ws(', ', 'network ' OPERATOR(pg_catalog.||) network, subtitle), 'anchor', 'start');

CREATE OR REPLACE FUNCTION bnai_plot_spec(title json, parts json)
RETURNS json LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (
	SELECT pg_catalog.json_object_agg(key, value ORDER BY part, n)
	FROM (
		SELECT 1 AS part, n, key, value FROM pg_catalog.json_each(pg_catalog.json_build_object(
			'$schema', 'https://vega.github.io/schema/vega-lite/v5.json',
			'title', title,
			'background', 'white',
			'config', pg_catalog.json_build_object('axis', pg_catalog.json_build_object('grid', true, 'gridOpacity', 0.5), 'view', pg_catalog.json_build_object('stroke', '#ddd'),
				'mark', pg_catalog.json_build_object('color', '#0072b2')))
		) WITH ORDINALITY AS j (key, value, n)
		UNION ALL
		SELECT 2, n, key, value FROM pg_catalog.json_each(parts) WITH ORDINALITY AS j (key, value, n)
	) p
);

CREATE OR REPLACE FUNCTION bnai_plot_pair(x integer, y integer, names text[], labels json, size integer)
RETURNS json LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN pg_catalog.json_build_object(
	'width', size,
	'height', size,
	'encoding', pg_catalog.json_build_object(
		'x', pg_catalog.json_build_object('field', 'c' OPERATOR(pg_catalog.||) x, 'type', 'quantitative', 'title', names[x], 'scale', pg_catalog.json_build_object('zero', false)),
		'y', pg_catalog.json_build_object('field', 'c' OPERATOR(pg_catalog.||) y, 'type', 'quantitative', 'title', names[y], 'scale', pg_catalog.json_build_object('zero', false)),
		'color', pg_catalog.json_build_object('field', 'label', 'type', 'nominal', 'title', 'cluster', 'scale', bnai_plot_scale(labels, 'colors'::pg_catalog.text))),
	'layer', pg_catalog.json_build_array(
		pg_catalog.json_build_object(
			'data', pg_catalog.json_build_object('name', 'rows'),
			'mark', pg_catalog.json_build_object('type', 'point', 'filled', true, 'size', 24, 'opacity', 0.6),
			'encoding', pg_catalog.json_build_object(
				'shape', pg_catalog.json_build_object('field', 'label', 'type', 'nominal', 'title', 'cluster', 'scale', bnai_plot_scale(labels, 'shapes'::pg_catalog.text)),
				'tooltip', pg_catalog.json_build_array(
					pg_catalog.json_build_object('field', 'label', 'title', 'cluster'),
					pg_catalog.json_build_object('field', 'c' OPERATOR(pg_catalog.||) x, 'title', names[x], 'format', '.4~g'),
					pg_catalog.json_build_object('field', 'c' OPERATOR(pg_catalog.||) y, 'title', names[y], 'format', '.4~g')))),
		pg_catalog.json_build_object(
			'data', pg_catalog.json_build_object('name', pg_catalog.format('ellipses %s %s', x, y)),
			'mark', pg_catalog.json_build_object('type', 'line', 'strokeWidth', 1.5),
			'encoding', pg_catalog.json_build_object(
				'order', pg_catalog.json_build_object('field', 't'),
				'detail', pg_catalog.json_build_object('field', 'sigmas'))),
		pg_catalog.json_build_object(
			'data', pg_catalog.json_build_object('name', 'means'),
			'mark', pg_catalog.json_build_object('type', 'point', 'shape', 'cross', 'filled', true, 'size', 110, 'opacity', 1, 'stroke', 'white', 'strokeWidth', 1)),
		pg_catalog.json_build_object(
			'data', pg_catalog.json_build_object('name', 'means'),
			'mark', pg_catalog.json_build_object('type', 'text', 'dy', -13, 'fontSize', 14, 'fontWeight', 'bold'),
			'encoding', pg_catalog.json_build_object(
				'text', pg_catalog.json_build_object('field', 'label'),
				'color', pg_catalog.json_build_object('value', '#222')))));

CREATE OR REPLACE FUNCTION bnai_plot_column(name text, labels json)
RETURNS json LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN pg_catalog.json_build_object(
	'width', 480,
	'height', 300,
	'layer', pg_catalog.json_build_array(
		pg_catalog.json_build_object(
			'data', pg_catalog.json_build_object('name', 'rows'),
			'mark', pg_catalog.json_build_object('type', 'bar', 'opacity', 0.7),
			'encoding', pg_catalog.json_build_object(
				'x', pg_catalog.json_build_object('field', 'c1', 'bin', pg_catalog.json_build_object('maxbins', 50), 'title', name),
				'y', pg_catalog.json_build_object('aggregate', 'count', 'title', 'rows of the sample'),
				'color', pg_catalog.json_build_object('field', 'label', 'type', 'nominal', 'title', 'cluster', 'scale', bnai_plot_scale(labels, 'colors'::pg_catalog.text)))),
		pg_catalog.json_build_object(
			'data', pg_catalog.json_build_object('name', 'spans'),
			'mark', pg_catalog.json_build_object('type', 'rule', 'opacity', 0.9),
			'encoding', pg_catalog.json_build_object(
				'x', pg_catalog.json_build_object('field', 'from', 'type', 'quantitative', 'title', name),
				'x2', pg_catalog.json_build_object('field', 'to'),
				'y', pg_catalog.json_build_object('value', 294),
				'size', pg_catalog.json_build_object('field', 'width', 'type', 'quantitative', 'scale', NULL, 'legend', NULL),
				'color', pg_catalog.json_build_object('field', 'label', 'type', 'nominal', 'title', 'cluster', 'scale', bnai_plot_scale(labels, 'colors'::pg_catalog.text)))),
		pg_catalog.json_build_object(
			'data', pg_catalog.json_build_object('name', 'means'),
			'mark', pg_catalog.json_build_object('type', 'text', 'fontSize', 14, 'fontWeight', 'bold', 'dy', -12),
			'encoding', pg_catalog.json_build_object(
				'x', pg_catalog.json_build_object('field', 'c1', 'type', 'quantitative', 'title', name),
				'y', pg_catalog.json_build_object('value', 294),
				'text', pg_catalog.json_build_object('field', 'label')))));

CREATE OR REPLACE FUNCTION bnai_plot_clusters(network text, columns text[], sample_size integer, seed bigint)
RETURNS json LANGUAGE sql STABLE CALLED ON NULL INPUT PARALLEL RESTRICTED
BEGIN ATOMIC
WITH fitted AS MATERIALIZED (
	SELECT f AS posterior, bnai_plot_columns(f, bnai_plot_clusters.columns) AS positions, bnai_plot_names(f) AS observed,
		CASE WHEN pg_catalog.right(n.source, 10) OPERATOR(pg_catalog.=) ' (dropped)' THEN n.source
			ELSE coalesce(pg_catalog.to_regclass(n.source)::pg_catalog.text, n.source) END AS source
	FROM bnai_fitted(bnai_plot_clusters.network) AS f, bnai_networks n
	WHERE f IS NOT NULL AND n.network OPERATOR(pg_catalog.=) bnai_plot_clusters.network
), drawn AS MATERIALIZED (
	SELECT f.*, (SELECT pg_catalog.array_agg(f.observed[p] ORDER BY i) FROM pg_catalog.unnest(f.positions) WITH ORDINALITY AS u (p, i)) AS names
	FROM fitted f
), cluster AS MATERIALIZED (
	-- what is drawn of each, for there may be hundreds of columns; the covariance row by row
	SELECT c.label,
		ARRAY(SELECT c.mean[p] FROM pg_catalog.unnest(o.positions) WITH ORDINALITY AS u (p, i) ORDER BY i) AS mean,
		ARRAY(SELECT c.covariance[p][q] FROM pg_catalog.unnest(o.positions) WITH ORDINALITY AS u (p, i),
			pg_catalog.unnest(o.positions) WITH ORDINALITY AS v (q, j) ORDER BY i, j) AS covariance
	FROM drawn d, bnai_posterior_clusters(d.posterior) c,
	LATERAL (SELECT pg_catalog.array_agg(pg_catalog.array_position(c.columns, name) ORDER BY i) AS positions
		FROM pg_catalog.unnest(d.names) WITH ORDINALITY AS u (name, i)) o
	WHERE c.label IS NOT NULL
), style AS MATERIALIZED (
	SELECT bnai_plot_labels(pg_catalog.array_agg(label)) AS labels FROM cluster
), shown AS MATERIALIZED (
	SELECT s.place, s.observed, bnai_predict(d.posterior, VARIADIC s.observed) AS label
	FROM drawn d, bnai_sample_rows(bnai_plot_clusters.network, bnai_plot_clusters.sample_size, bnai_plot_clusters.seed) s
), sample AS (
	SELECT pg_catalog.json_agg(pg_catalog.json_strip_nulls(pg_catalog.json_build_object('label', s.label,
		'c1', s.observed[d.positions[1]], 'c2', s.observed[d.positions[2]], 'c3', s.observed[d.positions[3]],
		'c4', s.observed[d.positions[4]], 'c5', s.observed[d.positions[5]], 'c6', s.observed[d.positions[6]])) ORDER BY s.place) AS data,
		pg_catalog.count(*) AS n
	FROM drawn d, shown s
), center AS MATERIALIZED (
	-- mean and standard deviation of each cluster by the number of the drawn column
	SELECT c.label, i, c.mean[i] AS mean, pg_catalog.sqrt(c.covariance[((i OPERATOR(pg_catalog.-) 1) OPERATOR(pg_catalog.*) pg_catalog.cardinality(c.mean)) OPERATOR(pg_catalog.+) i]) AS deviation
	FROM cluster c, pg_catalog.generate_subscripts(c.mean, 1) AS i
	WHERE c.mean[i] IS NOT NULL
), mean AS (
	SELECT pg_catalog.json_agg(m.data) AS data
	FROM (SELECT (pg_catalog.json_object_agg('c' OPERATOR(pg_catalog.||) i, mean)::pg_catalog.jsonb OPERATOR(pg_catalog.||) pg_catalog.jsonb_build_object('label', label))::pg_catalog.json AS data FROM center GROUP BY label) m
), span AS (
	SELECT pg_catalog.json_agg(pg_catalog.json_build_object('label', label, 'from', mean OPERATOR(pg_catalog.-) (s OPERATOR(pg_catalog.*) deviation), 'to', mean OPERATOR(pg_catalog.+) (s OPERATOR(pg_catalog.*) deviation), 'width', 9 OPERATOR(pg_catalog.-) (3 OPERATOR(pg_catalog.*) s))) AS data
	FROM center, pg_catalog.generate_series(1, 2) AS s WHERE i OPERATOR(pg_catalog.=) 1
), pair AS MATERIALIZED (
	SELECT x, y FROM drawn d, pg_catalog.generate_series(1, pg_catalog.cardinality(d.names)) AS x, pg_catalog.generate_series(x OPERATOR(pg_catalog.+) 1, pg_catalog.cardinality(d.names)) AS y
), ellipse AS (
	-- mean + s L (cos t, sin t) with the Cholesky factor L of the two columns' covariance
	SELECT pg_catalog.format('ellipses %s %s', o.x, o.y) AS name, pg_catalog.json_agg(pg_catalog.json_build_object(
		'label', a.label, 'sigmas', s, 't', t,
		'c' OPERATOR(pg_catalog.||) o.x, a.mean OPERATOR(pg_catalog.+) ((s OPERATOR(pg_catalog.*) a.deviation) OPERATOR(pg_catalog.*) w.cos),
		'c' OPERATOR(pg_catalog.||) o.y, b.mean OPERATOR(pg_catalog.+) (s OPERATOR(pg_catalog.*) (((r.rho OPERATOR(pg_catalog.*) b.deviation) OPERATOR(pg_catalog.*) w.cos) OPERATOR(pg_catalog.+)
			((pg_catalog.sqrt(1 OPERATOR(pg_catalog.-) (r.rho OPERATOR(pg_catalog.*) r.rho)) OPERATOR(pg_catalog.*) b.deviation) OPERATOR(pg_catalog.*) w.sin))))) AS data
	FROM pair o
	JOIN center a ON a.i OPERATOR(pg_catalog.=) o.x
	JOIN center b ON b.i OPERATOR(pg_catalog.=) o.y AND b.label OPERATOR(pg_catalog.=) a.label
	JOIN cluster c ON c.label OPERATOR(pg_catalog.=) a.label,
	LATERAL (SELECT greatest(-1, least(1, c.covariance[((a.i OPERATOR(pg_catalog.-) 1) OPERATOR(pg_catalog.*) pg_catalog.cardinality(c.mean)) OPERATOR(pg_catalog.+) b.i] OPERATOR(pg_catalog./) (a.deviation OPERATOR(pg_catalog.*) b.deviation))) AS rho) r,
	pg_catalog.generate_series(1, 2) AS s, pg_catalog.generate_series(0, 48) AS t,
	LATERAL (SELECT pg_catalog.cos(v.angle) AS cos, pg_catalog.sin(v.angle) AS sin FROM (SELECT (t OPERATOR(pg_catalog.*) pg_catalog.pi()) OPERATOR(pg_catalog./) 24 AS angle) v) w
	GROUP BY o.x, o.y
), dataset AS (
	SELECT pg_catalog.json_object_agg(name, coalesce(data, '[]')) AS data
	FROM (SELECT 'rows' AS name, data FROM sample UNION ALL SELECT 'means', data FROM mean
		UNION ALL SELECT 'spans', data FROM span UNION ALL SELECT name, data FROM ellipse) s
), picture AS (
	SELECT CASE
		WHEN pg_catalog.cardinality(d.names) OPERATOR(pg_catalog.=) 1 THEN bnai_plot_column(d.names[1], style.labels)
		WHEN pg_catalog.cardinality(d.names) OPERATOR(pg_catalog.=) 2 THEN bnai_plot_pair(1, 2, d.names, style.labels, 400)
		ELSE pg_catalog.json_build_object('vconcat', (
			SELECT pg_catalog.json_agg(line.data ORDER BY line.y)
			FROM (SELECT y, pg_catalog.json_build_object('hconcat', pg_catalog.json_agg(bnai_plot_pair(x, y, d.names, style.labels, 170) ORDER BY x)) AS data
				FROM pair GROUP BY y) line))
		END AS data
	FROM drawn d, style
)
SELECT bnai_plot_spec(
	bnai_plot_title(bnai_plot_clusters.network, 'Clusters of ' OPERATOR(pg_catalog.||) d.source,
		pg_catalog.format(CASE WHEN d.rows OPERATOR(pg_catalog.>) sample.n THEN 'a sample of %s of %s rows' ELSE '%s rows' END, sample.n, d.rows) OPERATOR(pg_catalog.||) '; lines: 1 and 2 standard deviations'),
	(pg_catalog.json_build_object('datasets', dataset.data)::pg_catalog.jsonb OPERATOR(pg_catalog.||) picture.data::pg_catalog.jsonb)::pg_catalog.json)
FROM (SELECT d.*, (d.posterior::pg_catalog.jsonb OPERATOR(pg_catalog.->>) 'rows')::bigint AS rows FROM drawn d) d, sample, dataset, picture;
END;

CREATE OR REPLACE FUNCTION bnai_plot_posterior(network text, node text, lower float8, upper float8)
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
			JOIN bnai_nodes n ON n.network OPERATOR(pg_catalog.=) e.network AND n.node OPERATOR(pg_catalog.=) e.child
		WHERE e.network OPERATOR(pg_catalog.=) bnai_plot_posterior.network AND e.parent OPERATOR(pg_catalog.=) bnai_plot_posterior.node AND n.columns IS NOT NULL
		LIMIT 1
	) o ON true
	WHERE c.label IS NOT NULL OR NOT EXISTS (SELECT FROM curve WHERE label IS NOT NULL)
), panel AS MATERIALIZED (
	SELECT index, column_name,
		pg_catalog.json_build_object(
			'width', 420,
			'height', 240,
			'data', pg_catalog.json_build_object('values', pg_catalog.json_agg(pg_catalog.json_strip_nulls(pg_catalog.json_build_object('label', label, 'x', x, 'y', density)) ORDER BY plate, x)),
			'encoding', (pg_catalog.jsonb_build_object(
				'x', pg_catalog.jsonb_build_object('field', 'x', 'type', 'quantitative', 'scale', pg_catalog.jsonb_build_object('zero', false, 'nice', false),
					'title', bnai_plot_posterior.node OPERATOR(pg_catalog.||) CASE WHEN column_name OPERATOR(pg_catalog.<>) '' THEN ' of ' OPERATOR(pg_catalog.||) column_name ELSE '' END),
				'y', pg_catalog.jsonb_build_object('field', 'y', 'type', 'quantitative', 'title', 'density', 'stack', NULL))
				OPERATOR(pg_catalog.||) CASE WHEN pg_catalog.bool_or(label IS NOT NULL) THEN pg_catalog.jsonb_build_object('color', pg_catalog.jsonb_build_object('field', 'label', 'type', 'nominal', 'title', 'cluster',
					'scale', bnai_plot_scale(bnai_plot_labels(pg_catalog.array_agg(DISTINCT label)), 'colors'::pg_catalog.text))) ELSE '{}' END)::pg_catalog.json,
			'layer', pg_catalog.json_build_array(
				pg_catalog.json_build_object('mark', pg_catalog.json_build_object('type', 'area', 'opacity', 0.25)),
				pg_catalog.json_build_object('mark', pg_catalog.json_build_object('type', 'line', 'strokeWidth', 2, 'clip', true)))) AS data
	FROM drawn GROUP BY index, column_name
)
SELECT bnai_plot_spec(
	bnai_plot_title(bnai_plot_posterior.network, 'Posterior of ' OPERATOR(pg_catalog.||) bnai_plot_posterior.node, NULL::pg_catalog.text),
	pg_catalog.json_build_object('vconcat', pg_catalog.json_agg(data ORDER BY index)))
FROM panel HAVING pg_catalog.count(*) OPERATOR(pg_catalog.>) 0;
END;

CREATE OR REPLACE FUNCTION bnai_plot_trace(network text)
RETURNS json LANGUAGE sql STABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
WITH point AS MATERIALIZED (
	SELECT t.*, t.restart OPERATOR(pg_catalog.=) r.best_restart AS best
	FROM bnai_trace(bnai_plot_trace.network) t
	LEFT JOIN bnai_runs r ON r.network OPERATOR(pg_catalog.=) bnai_plot_trace.network AND r.is_current
)
SELECT bnai_plot_spec(
	bnai_plot_title(bnai_plot_trace.network, 'Evidence lower bound'::pg_catalog.text, 'each line is a restart'::pg_catalog.text),
	pg_catalog.json_build_object(
		'width', 480,
		'height', 300,
		'data', pg_catalog.json_build_object('values', pg_catalog.json_agg(pg_catalog.json_strip_nulls(pg_catalog.json_build_object('restart', restart, 'iteration', iteration, 'elbo', elbo,
			'event', CASE WHEN event OPERATOR(pg_catalog.<>) '' THEN event END, 'line', CASE WHEN best THEN 'best restart' ELSE 'other restarts' END)) ORDER BY best, restart, iteration)),
		'encoding', pg_catalog.json_build_object(
			'x', pg_catalog.json_build_object('field', 'iteration', 'type', 'quantitative', 'title', 'iteration', 'axis', pg_catalog.json_build_object('tickMinStep', 1, 'format', 'd')),
			'y', pg_catalog.json_build_object('field', 'elbo', 'type', 'quantitative', 'title', 'ELBO, nats', 'scale', pg_catalog.json_build_object('zero', false)),
			'detail', pg_catalog.json_build_object('field', 'restart'),
			'color', pg_catalog.json_build_object('field', 'line', 'type', 'nominal', 'title', NULL,
				'scale', pg_catalog.json_build_object('domain', pg_catalog.json_build_array('best restart', 'other restarts'), 'range', pg_catalog.json_build_array('#d55e00', '#9a9a9a')))),
		'layer', pg_catalog.json_build_array(
			pg_catalog.json_build_object('mark', pg_catalog.json_build_object('type', 'line', 'strokeWidth', 1.5)),
			pg_catalog.json_build_object(
				'transform', pg_catalog.json_build_array(pg_catalog.json_build_object('filter', 'isValid(datum.event)')),
				'mark', pg_catalog.json_build_object('type', 'point', 'filled', true, 'size', 30, 'opacity', 1),
				'encoding', pg_catalog.json_build_object('tooltip', pg_catalog.json_build_array(
					pg_catalog.json_build_object('field', 'event', 'type', 'nominal'), pg_catalog.json_build_object('field', 'restart'),
					pg_catalog.json_build_object('field', 'iteration'), pg_catalog.json_build_object('field', 'elbo', 'title', 'ELBO')))))))
FROM point HAVING pg_catalog.count(*) OPERATOR(pg_catalog.>) 0;
END;

CREATE OR REPLACE FUNCTION bnai_plot_sizes(network text)
RETURNS json LANGUAGE sql STABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
WITH part AS MATERIALIZED (
	SELECT 'previous' AS run, label, size FROM bnai_previous_clusters p WHERE p.network OPERATOR(pg_catalog.=) bnai_plot_sizes.network
	UNION ALL
	SELECT 'current', label, size FROM bnai_clusters c WHERE c.network OPERATOR(pg_catalog.=) bnai_plot_sizes.network
)
SELECT bnai_plot_spec(
	bnai_plot_title(bnai_plot_sizes.network, 'Sizes of clusters'::pg_catalog.text, CASE WHEN pg_catalog.bool_or(run OPERATOR(pg_catalog.=) 'previous') THEN 'pale: the previous run'::pg_catalog.text END),
	pg_catalog.json_build_object(
		'width', 480,
		'height', 300,
		'data', pg_catalog.json_build_object('values', pg_catalog.json_agg(pg_catalog.json_build_object('label', label, 'run', run, 'size', size) ORDER BY bnai_label_number(label), run DESC)),
		'encoding', pg_catalog.json_build_object(
			'x', pg_catalog.json_build_object('field', 'label', 'type', 'nominal', 'title', 'cluster', 'sort', NULL, 'axis', pg_catalog.json_build_object('labelAngle', 0)),
			'xOffset', pg_catalog.json_build_object('field', 'run', 'sort', pg_catalog.json_build_array('previous', 'current')),
			'y', pg_catalog.json_build_object('field', 'size', 'type', 'quantitative', 'title', 'rows')),
		'layer', pg_catalog.json_build_array(
			pg_catalog.json_build_object(
				'mark', pg_catalog.json_build_object('type', 'bar'),
				'encoding', pg_catalog.json_build_object(
					'color', pg_catalog.json_build_object('field', 'label', 'type', 'nominal', 'legend', NULL,
						'scale', bnai_plot_scale(bnai_plot_labels(pg_catalog.array_agg(DISTINCT label)), 'colors'::pg_catalog.text)),
					'opacity', pg_catalog.json_build_object('field', 'run', 'type', 'ordinal', 'legend', NULL,
						'scale', pg_catalog.json_build_object('domain', pg_catalog.json_build_array('previous', 'current'), 'range', pg_catalog.json_build_array(0.4, 1))),
					'tooltip', pg_catalog.json_build_array(pg_catalog.json_build_object('field', 'label', 'title', 'cluster'), pg_catalog.json_build_object('field', 'run'),
						pg_catalog.json_build_object('field', 'size', 'title', 'rows')))),
			pg_catalog.json_build_object(
				'mark', pg_catalog.json_build_object('type', 'text', 'dy', -7),
				'encoding', pg_catalog.json_build_object('text', pg_catalog.json_build_object('field', 'size'))))))
FROM part HAVING bnai_fitted(bnai_plot_sizes.network) IS NOT NULL AND pg_catalog.count(*) OPERATOR(pg_catalog.>) 0;
END;

CREATE OR REPLACE FUNCTION bnai_plot_changes(network text)
RETURNS json LANGUAGE sql STABLE STRICT PARALLEL UNSAFE
BEGIN ATOMIC
WITH pair AS MATERIALIZED (
	SELECT a.run AS before, b.run AS now
	FROM bnai_runs b
	CROSS JOIN LATERAL (
		SELECT a.run FROM bnai_runs a
		WHERE a.network OPERATOR(pg_catalog.=) bnai_plot_changes.network AND a.run OPERATOR(pg_catalog.<>) b.run AND a.clusters IS NOT NULL
		ORDER BY a.run DESC LIMIT 1) a
	WHERE b.network OPERATOR(pg_catalog.=) bnai_plot_changes.network AND b.is_current AND b.clusters IS NOT NULL
), cell AS MATERIALIZED (
	SELECT p.*, c.label, c.other_label, c.rows, c.rows::pg_catalog.float8 OPERATOR(pg_catalog./) pg_catalog.sum(c.rows) OVER (PARTITION BY c.label) AS share
	FROM pair p, bnai_compare(p.before, p.now) c
	WHERE c.label IS NOT NULL AND c.other_label IS NOT NULL AND c.rows OPERATOR(pg_catalog.>) 0
)
SELECT bnai_plot_spec(
	bnai_plot_title(bnai_plot_changes.network, 'Where rows have gone'::pg_catalog.text, pg_catalog.format('run %s against run %s', pg_catalog.max(now), pg_catalog.max(before))),
	pg_catalog.json_build_object(
		'width', 300,
		'height', 300,
		'data', pg_catalog.json_build_object('values', pg_catalog.json_agg(pg_catalog.json_build_object('before', label, 'now', other_label, 'rows', rows, 'share', share)
			ORDER BY bnai_label_number(label), bnai_label_number(other_label))),
		'encoding', pg_catalog.json_build_object(
			'x', pg_catalog.json_build_object('field', 'now', 'type', 'ordinal', 'title', pg_catalog.format('cluster in run %s', pg_catalog.max(now)), 'axis', pg_catalog.json_build_object('labelAngle', 0, 'grid', false),
				'sort', (SELECT pg_catalog.json_agg(l ORDER BY bnai_label_number(l)) FROM (SELECT DISTINCT other_label AS l FROM cell) n)),
			'y', pg_catalog.json_build_object('field', 'before', 'type', 'ordinal', 'title', pg_catalog.format('cluster in run %s', pg_catalog.max(before)), 'axis', pg_catalog.json_build_object('grid', false),
				'sort', (SELECT pg_catalog.json_agg(l ORDER BY bnai_label_number(l)) FROM (SELECT DISTINCT label AS l FROM cell) b))),
		'layer', pg_catalog.json_build_array(
			pg_catalog.json_build_object(
				'mark', pg_catalog.json_build_object('type', 'rect'),
				'encoding', pg_catalog.json_build_object('color', pg_catalog.json_build_object('field', 'share', 'type', 'quantitative', 'title', 'share of the row',
					'scale', pg_catalog.json_build_object('scheme', 'blues', 'domain', pg_catalog.json_build_array(0, 1)), 'legend', pg_catalog.json_build_object('format', '.0%')))),
			pg_catalog.json_build_object(
				'mark', pg_catalog.json_build_object('type', 'text', 'fontWeight', 'bold'),
				'encoding', pg_catalog.json_build_object(
					'text', pg_catalog.json_build_object('field', 'rows', 'type', 'quantitative'),
					'color', pg_catalog.json_build_object('condition', pg_catalog.json_build_object('test', 'datum.share > 0.6', 'value', 'white'), 'value', 'black'))))))
FROM cell HAVING bnai_fitted(bnai_plot_changes.network) IS NOT NULL AND pg_catalog.count(*) OPERATOR(pg_catalog.>) 0;
END;

CREATE OR REPLACE FUNCTION bnai_plot(
	network text,
	what text,
	columns text[] DEFAULT NULL,
	node text DEFAULT NULL,
	lower float8 DEFAULT NULL,
	upper float8 DEFAULT NULL,
	sample_size integer DEFAULT 2000,
	seed bigint DEFAULT 1)
RETURNS json LANGUAGE sql STABLE CALLED ON NULL INPUT PARALLEL UNSAFE
RETURN CASE
	WHEN what OPERATOR(pg_catalog.=) 'clusters' THEN bnai_plot_clusters(network, columns, sample_size, seed)
	WHEN what OPERATOR(pg_catalog.=) 'posterior' THEN bnai_plot_posterior(network, node, lower, upper)
	WHEN what OPERATOR(pg_catalog.=) 'trace' THEN bnai_plot_trace(network)
	WHEN what OPERATOR(pg_catalog.=) 'sizes' THEN bnai_plot_sizes(network)
	WHEN what OPERATOR(pg_catalog.=) 'changes' THEN bnai_plot_changes(network)
	ELSE bnai_refuse_plot(what)
END;

REVOKE ALL ON bnai_granted FROM PUBLIC;
GRANT SELECT, INSERT ON bnai_granted TO pg_database_owner;

/* Columns are bound by the trigger that binds what is restored: what does not exist any more stays a name. */
WITH node AS (DELETE FROM bnai_node RETURNING *)
INSERT INTO bnai_node SELECT * FROM node;
/* --- new parts of watched tables: no library is needed to make a table --- */

DROP EVENT TRIGGER bnai_watch_partitions;
DROP FUNCTION bnai_watch_partitions();
CREATE FUNCTION bnai_watch_part(part oid, command pg_ddl_command)
RETURNS void LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_watch_part IS 'part of bnai_watch_partitions: adds the triggers that a table lacks since a command; nothing without one';

-- Without its library bnai must not keep anybody from making a table, so this is not in C.  The schema is looked up, for it may
-- be renamed; who makes a table may have no rights on it.
CREATE FUNCTION bnai_watch_partitions()
RETURNS event_trigger LANGUAGE plpgsql VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	bnai_schema pg_catalog.name;
BEGIN
	SELECT n.nspname INTO bnai_schema
	FROM pg_catalog.pg_extension e
		JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) e.extnamespace
	WHERE e.extname OPERATOR(pg_catalog.=) 'bnai' AND EXISTS (
		SELECT FROM pg_catalog.pg_event_trigger_ddl_commands() c
			JOIN pg_catalog.pg_inherits i ON i.inhrelid OPERATOR(pg_catalog.=) c.objid OR i.inhparent OPERATOR(pg_catalog.=) c.objid
		WHERE c.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid AND NOT c.in_extension);
	IF NOT FOUND THEN
		RETURN;
	END IF;
	BEGIN
		EXECUTE pg_catalog.format('SELECT %I.bnai_watch_part(NULL::pg_catalog.oid, NULL::pg_catalog.pg_ddl_command)', bnai_schema);
	EXCEPTION WHEN undefined_file OR undefined_function THEN
		-- the library is not there, or is an older one
		RETURN;
	END;
	EXECUTE pg_catalog.format('SELECT %I.bnai_watch_part(c.objid, c.command) FROM pg_catalog.pg_event_trigger_ddl_commands() c '
		'WHERE c.classid OPERATOR(pg_catalog.=) ''pg_catalog.pg_class''::pg_catalog.regclass::pg_catalog.oid AND NOT c.in_extension', bnai_schema);
END $$;
COMMENT ON FUNCTION bnai_watch_partitions IS 'watches what becomes part of a watched table';

CREATE EVENT TRIGGER bnai_watch_partitions ON ddl_command_end WHEN TAG IN ('CREATE TABLE', 'CREATE FOREIGN TABLE', 'ALTER TABLE')
	EXECUTE FUNCTION bnai_watch_partitions();
COMMENT ON EVENT TRIGGER bnai_watch_partitions IS 'watches what becomes part of a watched table';

/* --- labels are given after all other triggers of the table --- */

DO $$
DECLARE
	label record;
BEGIN
	FOR label IN
		SELECT t.tgname, t.tgrelid::pg_catalog.regclass AS target
		FROM pg_catalog.pg_trigger t
		WHERE t.tgfoid OPERATOR(pg_catalog.=) 'bnai_label_row()'::pg_catalog.regprocedure::pg_catalog.oid
			AND t.tgparentid OPERATOR(pg_catalog.=) 0::pg_catalog.oid
			AND t.tgname OPERATOR(pg_catalog.~) '^bnai_watch_[0-9]+_label$'
	LOOP
		EXECUTE pg_catalog.format('ALTER TRIGGER %I ON %s RENAME TO %I', label.tgname, label.target,
			pg_catalog.concat('~', label.tgname));
	END LOOP;
END $$;

-- what nobody calls by name: triggers on bnai's own tables, and parts of the aggregate, which run by the rights of its owner; what
-- views and functions call runs by those of who looks, and the functions of triggers on users' tables are named in their dumps
REVOKE EXECUTE ON FUNCTION bnai_guard(), bnai_bind_posterior(), bnai_changed(), bnai_check_background(),
	bnai_drop_job(), bnai_drop_watch_triggers(), bnai_release_counter(), bnai_watch_partitions(),
	bnai_fit_row(internal, text, float8[]), bnai_fit_posterior(internal) FROM PUBLIC;

/*
 * The number that the library looks for, last.  From the next version on: TRUNCATE, INSERT, which sessions that have
 * compared it are told of, as they are not of an UPDATE.
 */
CREATE TABLE bnai_catalog_version (number integer NOT NULL);
COMMENT ON TABLE bnai_catalog_version IS 'The version of these tables, for the library to compare with its own';
REVOKE ALL ON bnai_catalog_version FROM PUBLIC;
INSERT INTO bnai_catalog_version VALUES (2);
