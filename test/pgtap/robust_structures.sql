-- Robust clustering with diagonal and spherical covariances: against each other where they are
-- the same model, and what all of bnai does with them.  Bounds and posteriors are compared with a
-- second implementation in test/reference/robust_structures.sql and missing.sql.

\i examples/userinfo.sql

SELECT plan(34);
SET client_min_messages = warning;

-- A draw from 0 to 1 by the row and what for, and a normal one
CREATE FUNCTION pg_temp.draw(id bigint, what text) RETURNS float8 LANGUAGE sql IMMUTABLE AS $$
	SELECT (('x' || substr(md5(id || what), 1, 8))::bit(32)::bigint + 0.5) / 4294967296.0 $$;
CREATE FUNCTION pg_temp.normal(id bigint, what text) RETURNS float8 LANGUAGE sql IMMUTABLE AS $$
	SELECT sqrt(-2 * ln(pg_temp.draw(id, what))) * cos(2 * pi() * pg_temp.draw(id, what || '_')) $$;

-- With one column full, diagonal and spherical are the same model, whatever the priors; 1e-9
-- relative, for sums are in another order
CREATE TABLE data AS SELECT id, CASE WHEN id % 19 = 0 THEN avg_time_pages * 4 ELSE avg_time_pages END AS a, (id % 3)::text AS label FROM userinfo;
CREATE FUNCTION pg_temp.trace(network text) RETURNS float8[] LANGUAGE plpgsql AS $$
BEGIN
	UPDATE data SET label = id % 3;
	PERFORM bnai_set(network, 'results_column', 'label'), bnai_set(network, 'start', 'results'), bnai_set(network, 'moves', 'false'),
		bnai_set(network, 'tolerance', '0'), bnai_set(network, 'max_iterations', '25');
	PERFORM bnai_infer(network);
	RETURN ARRAY(SELECT elbo FROM bnai_trace(network) ORDER BY iteration);
END $$;
CREATE FUNCTION pg_temp.same(have float8[], want float8[]) RETURNS boolean LANGUAGE sql AS $$
	SELECT cardinality(have) = 25 AND cardinality(want) = 25 AND max(abs(h - w) / abs(w)) < 1e-9 FROM unnest(have, want) AS u(h, w) $$;
CREATE TABLE kinds AS SELECT c, p FROM unnest('{diagonal,spherical}'::text[]) AS c, unnest('{data,vague}'::text[]) AS p;
SELECT bnai_create_clustering(c || '_' || p, 'data', '{a}', max_clusters => 3, covariance => c, priors => p, robust => true) FROM kinds;
SELECT bnai_create_clustering('full_' || p, 'data', '{a}', max_clusters => 3, priors => p, robust => true) FROM unnest('{data,vague}'::text[]) AS p;
SELECT ok(pg_temp.same(pg_temp.trace(c || '_' || p), pg_temp.trace('full_' || p)), format('one column, %s priors: %s is full, sweep by sweep', p, c)) FROM kinds;
SELECT is_empty(format($$ SELECT id FROM data WHERE abs(bnai_score('%1$s_%2$s', a) - bnai_score('full_%2$s', a)) > 1e-6 $$, c, p), format('%s, %s priors: the same density', c, p)) FROM kinds;

-- Groups along the axes, of 600 rows each, and 5 % of rows far out
CREATE TABLE aligned AS
SELECT id, g, false AS outlier, 10 * (g % 2) + (1 + g % 2) * pg_temp.normal(id, 'x') AS x, 12 * (g / 2) + (2 - g % 2) * pg_temp.normal(id, 'y') AS y,
	5 * (g % 3) + pg_temp.normal(id, 'z') AS z FROM (SELECT id, (id % 4)::integer AS g FROM generate_series(1, 2400) AS id) AS r;
CREATE TABLE noisy AS TABLE aligned UNION ALL
SELECT id, -1, true, -40 + 90 * pg_temp.draw(id, 'x'), -40 + 90 * pg_temp.draw(id, 'y'), -40 + 90 * pg_temp.draw(id, 'z') FROM generate_series(10001, 10120) AS id;
SELECT bnai_create_clustering('noisy_' || c, 'noisy', '{x,y,z}', max_clusters => 5, covariance => c, robust => true, restarts => 5) FROM unnest('{diagonal,spherical}'::text[]) AS c;
SELECT ok((SELECT clusters FROM bnai_infer('noisy_' || c)) >= 4, c || ': four groups, and perhaps one of outliers') FROM unnest('{diagonal,spherical}'::text[]) AS c;
-- standard errors of the groups' means are at most 2 / sqrt(600) = 0.08
SELECT is_empty(format($$ SELECT * FROM (SELECT g, avg(x) AS x, avg(y) AS y, avg(z) AS z FROM aligned GROUP BY g) AS t WHERE NOT EXISTS
	(SELECT FROM bnai_clusters WHERE network = 'noisy_%s' AND greatest(abs(mean[1] - x), abs(mean[2] - y), abs(mean[3] - z)) < 0.2) $$, c), c || ': their means stay')
FROM unnest('{diagonal,spherical}'::text[]) AS c;
SELECT ok((SELECT max(share) FROM (SELECT (g.n - count(*)) / g.n::float8 AS share FROM aligned, (SELECT 600) AS g (n) GROUP BY aligned.g, g.n, bnai_predict('noisy_' || c, x, y, z) HAVING count(*) > 300) AS s) < 0.03,
	c || ': and so do their rows') FROM unnest('{diagonal,spherical}'::text[]) AS c;
SELECT ok(avg((bnai_typicality('noisy_' || c, x, y, z) < 0.06)::integer) > 0.9, c || ': typicality tells outliers') FROM unnest('{diagonal,spherical}'::text[]) AS c, noisy WHERE outlier GROUP BY c;
SELECT is_empty($$ SELECT * FROM (SELECT network, elbo, event, lag(elbo) OVER w AS before FROM unnest('{noisy_diagonal,noisy_spherical}'::text[]) AS network, bnai_trace(network)
	WINDOW w AS (PARTITION BY network, restart ORDER BY iteration, event NULLS FIRST)) AS t
	WHERE event IS NULL AND elbo < before - 1e-6 * (1 + abs(before)) $$, 'no bound falls, with moves');

-- The posterior goes through JSON and binary, and can be a prior
SELECT is(bnai_fitted('noisy_' || c)::jsonb::text::bnai_posterior::text, bnai_fitted('noisy_' || c)::text, c || ': the posterior as JSON') FROM unnest('{diagonal,spherical}'::text[]) AS c;
SELECT current_setting('data_directory') || '/robust_posteriors' AS file \gset
COPY (SELECT c, bnai_fitted('noisy_' || c) AS p FROM unnest('{diagonal,spherical}'::text[]) AS c) TO :'file' WITH (FORMAT binary);
CREATE TABLE read (c text, p bnai_posterior);
COPY read FROM :'file' WITH (FORMAT binary);
SELECT is_empty($$ SELECT c FROM read WHERE p::text <> bnai_fitted('noisy_' || c)::text $$, 'and in binary');
SELECT is_empty($$ SELECT id, c FROM noisy, read WHERE (bnai_predict(p, x, y, z), bnai_score(p, x, y, z)) IS DISTINCT FROM (bnai_predict('noisy_' || c, x, y, z), bnai_score('noisy_' || c, x, y, z)) $$, 'it scores by value as by name');
SELECT is((SELECT array_agg(column_name ORDER BY column_name) FROM bnai_explain('noisy_' || c, 0, 12, 0)), '{x,y,z}', c || ': explanations') FROM unnest('{diagonal,spherical}'::text[]) AS c;
SET client_min_messages = error;
CREATE TABLE before AS SELECT network, label, mean FROM bnai_clusters WHERE network LIKE 'noisy%' AND size > 300;
SELECT bnai_posterior_as_prior('noisy_' || c, discount => 0.5) FROM unnest('{diagonal,spherical}'::text[]) AS c;
SELECT count(bnai_infer('noisy_' || c)) FROM unnest('{diagonal,spherical}'::text[]) AS c;
SELECT is_empty($$ SELECT * FROM before AS b WHERE NOT EXISTS (SELECT FROM bnai_clusters AS c WHERE (c.network, c.label) = (b.network, b.label) AND abs(c.mean[1] - b.mean[1]) < 0.1) $$, 'learned priors keep the groups');
SELECT lives_ok(format($$ SELECT bnai_set('noisy_%s', 'priors', 'vague') $$, c), c || ': back to other priors') FROM unnest('{diagonal,spherical}'::text[]) AS c;
SELECT is((SELECT string_agg(node, ',' ORDER BY node) FROM bnai_nodes WHERE network = 'noisy_diagonal'), 'Y,Z,alpha,mu,nu,tau', 'which have these nodes');
RESET client_min_messages;

-- A weight of two is two rows
CREATE TABLE weighted AS SELECT id, x, y, 1 + id % 2 AS w FROM aligned WHERE id <= 400;
CREATE TABLE repeated AS SELECT x, y FROM weighted, generate_series(1, w) ORDER BY id;
SELECT bnai_create_clustering('weighted', 'weighted', '{x,y}', max_clusters => 4, covariance => 'diagonal', robust => true, weight_column => 'w', moves => false, restarts => 1, start => 'random', max_iterations => 15, tolerance => 0);
SELECT bnai_create_clustering('repeated', 'repeated', '{x,y}', max_clusters => 4, covariance => 'diagonal', robust => true, moves => false, restarts => 1, start => 'random', max_iterations => 15, tolerance => 0);
SELECT ok(abs(a.elbo - b.elbo) < 1e-9 * abs(b.elbo), 'weights') FROM bnai_infer('weighted') AS a, bnai_infer('repeated') AS b;

-- Arrays of 384 elements: eight groups, some columns NULL, and as many workers as may be
CREATE TABLE embeddings AS
SELECT i AS id, i % 8 AS g, (SELECT array_agg((sin(j * (1 + i % 8)) + pg_temp.draw(i, j::text))::real ORDER BY j) FROM generate_series(1, 384) AS j) AS v FROM generate_series(1, 1200) AS i;
SELECT bnai_create_clustering('embeddings', 'embeddings', '{v}', covariance => 'diagonal', robust => true, restarts => 2);
SET bnai.max_parallel_workers = 0;
CREATE TABLE alone AS SELECT elbo, clusters FROM bnai_infer('embeddings');
SELECT is((SELECT clusters FROM alone), 8, 'eight groups of arrays');
SELECT is_empty($$ SELECT g FROM embeddings GROUP BY g HAVING count(DISTINCT bnai_predict('embeddings', VARIADIC v)) > 1 $$, 'each with one label');
SET bnai.max_parallel_workers = 2;
SELECT results_eq($$ SELECT elbo, clusters FROM bnai_infer('embeddings') $$, 'TABLE alone', 'parallel workers change nothing');

-- Rows far out in all columns: their scales and their component's precision share one size, of which sweeps alone move
-- nu / (nu + 384) at a time, so that they took 400
INSERT INTO embeddings SELECT i, -1, (SELECT array_agg(100 * pg_temp.draw(i, j::text)::real ORDER BY j) FROM generate_series(1, 384) AS j) FROM generate_series(2001, 2060) AS i;
SELECT bnai_create_clustering('far', 'embeddings', '{v}', covariance => 'diagonal', robust => true, restarts => 1);
SELECT is((SELECT clusters FROM bnai_infer('far')), 9, 'a group that is far out in all columns');
SELECT cmp_ok(iterations, '<', 150, 'does not take long') FROM bnai_runs WHERE network = 'far';
SELECT is_empty($$ SELECT * FROM (SELECT elbo, event, lag(elbo) OVER (ORDER BY iteration, event NULLS FIRST) AS before FROM bnai_trace('far')) AS t
	WHERE event IS NULL AND elbo < before - 1e-9 * abs(before) $$, 'and its bound does not fall');

SELECT * FROM finish();
