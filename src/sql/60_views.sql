
/* --- views: what the current user may read --- */

CREATE FUNCTION bnai_may_read(network integer)
RETURNS boolean LANGUAGE C STABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_may_read IS
'true if the current user may change the network with that id, or was granted to read or to infer it';

CREATE FUNCTION bnai_failure_text(network integer, error text, sqlstate text)
RETURNS text LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_failure_text IS
'why an inference failed, for who may change the network with that id; for others what kind of error it was, since the message may hold what they may not see';

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

CREATE VIEW bnai_nodes WITH (security_barrier) AS
WITH readable AS MATERIALIZED (SELECT id, name FROM bnai_network WHERE bnai_may_read(id))
SELECT n.name AS network, d.id, d.name AS node, d.distribution, d.params, d.source::pg_catalog.text AS source, d.columns::pg_catalog.text[] AS columns
FROM readable n JOIN bnai_node d ON d.network OPERATOR(pg_catalog.=) n.id;
COMMENT ON VIEW bnai_nodes IS 'nodes of the networks';

CREATE VIEW bnai_edges WITH (security_barrier) AS
WITH readable AS MATERIALIZED (SELECT id, name FROM bnai_network WHERE bnai_may_read(id))
SELECT n.name AS network, p.parent, d.name AS child, p.parameter
FROM readable n
JOIN bnai_node d ON d.network OPERATOR(pg_catalog.=) n.id
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
COMMENT ON VIEW bnai_runs IS 'runs: one for each inference; passes are visits of rows divided by rows, elbo is in nats; warm: it began from the run before; those in the background, at a threshold or by bnai_infer_now, that failed have no number, but an error; restart_elbos has the elbo of each restart, see bnai_restarts; as many runs are kept as the setting history says';

CREATE VIEW bnai_restarts WITH (security_barrier) AS
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
COMMENT ON VIEW bnai_restarts IS
'how each restart of the runs ended: elbo is the complete evidence lower bound; evidence adds the log of the number of labellings of the clusters, so that it can be compared over numbers of clusters; sizes are expected numbers of rows; one that was sampled was given up on a sample and estimates the elbo; best is the one whose result was stored; one that went on from the current run, beside a search, is the last, and may be stored without having the greatest elbo, see refit_margin';

CREATE FUNCTION bnai_schedule_state(network integer)
RETURNS text LANGUAGE C STABLE STRICT PARALLEL SAFE COST 1000 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_schedule_state IS
'what became of the job of a schedule of the network with that id: scheduled, inactive or gone, if pg_cron has it no longer; NULL without a schedule, where it cannot be told now, and for who may not read the network';

CREATE VIEW bnai_status WITH (security_barrier) AS
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
