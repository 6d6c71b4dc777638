
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

CREATE FUNCTION bnai_run_posterior(run bigint) RETURNS bnai_posterior
	LANGUAGE C STABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_run_posterior(bigint) IS
	'the posterior of a run, see bnai_runs; NULL if there is no such run, it was restored without a posterior, or the current user may not read its network';

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
	JOIN bnai_run r ON r.network OPERATOR(pg_catalog.=) n.id AND r.is_current
	CROSS JOIN LATERAL bnai_posterior_clusters(bnai_run_posterior(r.id)) c
	WHERE c.label IS NOT NULL
	ORDER BY n.name, pg_catalog.length(c.label), c.label;
COMMENT ON VIEW bnai_clusters IS
	'the clusters that the current run found, by label: size is the number of rows, weight the posterior mean of the mixing weight; mean and covariance are in the order of columns, covariance is the inverse of the expected precision';

CREATE VIEW bnai_previous_clusters WITH (security_barrier) AS
	WITH readable AS MATERIALIZED (SELECT id, name FROM bnai_network WHERE bnai_may_read(id))
	SELECT n.name AS network, c.label, c.size, c.weight, c.mean, c.covariance, c.columns
	FROM readable n
	JOIN bnai_run r ON r.network OPERATOR(pg_catalog.=) n.id AND r.is_previous
	CROSS JOIN LATERAL bnai_posterior_clusters(bnai_run_posterior(r.id)) c
	WHERE c.label IS NOT NULL
	ORDER BY n.name, pg_catalog.length(c.label), c.label;
COMMENT ON VIEW bnai_previous_clusters IS 'the clusters that the run before the current one found; see bnai_clusters';

CREATE VIEW bnai_parameters WITH (security_barrier) AS
	WITH readable AS MATERIALIZED (SELECT id, name FROM bnai_network WHERE bnai_may_read(id))
	SELECT n.name AS network, p.node, p.plate, p.label, p.parameter, p.index, p.value
	FROM readable n
	JOIN bnai_run r ON r.network OPERATOR(pg_catalog.=) n.id AND r.is_current
	CROSS JOIN LATERAL bnai_posterior_parameters(bnai_run_posterior(r.id)) p;
COMMENT ON VIEW bnai_parameters IS
	'the parameters of the posterior of each node of the current run; see bnai_posterior_parameters';

GRANT SELECT ON bnai_clusters, bnai_previous_clusters, bnai_parameters TO PUBLIC;
