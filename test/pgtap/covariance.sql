-- Covariance structures: against compositions of nodes that are tested against golden
-- values (GaussianARD with Gamma), and against each other where they are the same model.

\i examples/userinfo.sql

SELECT plan(17);

CREATE TABLE data AS SELECT id, avg_time_pages AS a, 5 * avg_time_pages_a + 1000 AS b, (id % 3)::text AS label FROM userinfo;

-- Settings of a deterministic run from given labels.
CREATE FUNCTION pg_temp.trace(network text) RETURNS float8[] LANGUAGE plpgsql AS $$
BEGIN
	UPDATE data SET label = id % 3;
	PERFORM bnai_set(network, 'results_column', 'label'), bnai_set(network, 'start', 'results'), bnai_set(network, 'moves', 'false'),
		bnai_set(network, 'tolerance', '0'), bnai_set(network, 'max_iterations', '25'), bnai_set(network, 'resolution', '0');
	PERFORM bnai_infer(network);
	RETURN ARRAY(SELECT elbo FROM bnai_trace(network) ORDER BY iteration);
END $$;
CREATE FUNCTION pg_temp.same(have float8[], want float8[]) RETURNS boolean LANGUAGE sql AS $$
	SELECT cardinality(have) = 25 AND cardinality(want) = 25 AND max(abs(h - w) / abs(w)) < 1e-9 FROM unnest(have, want) AS u(h, w) $$;

-- Diagonal is a leaf for each column
SELECT bnai_create_clustering('diagonal', 'data', '{a,b}', max_clusters => 3, covariance => 'diagonal');
SELECT bnai_create_network('leaves', 'clustering');
SELECT bnai_add_node('leaves', 'alpha', 'Dirichlet', 'full(3, 0.5)'), bnai_add_node('leaves', 'Z', 'Categorical', 'alpha');
SELECT bnai_add_node('leaves', 'mu_' || c, 'GaussianARD', 'data_mean, 0.1 * data_precision, plates=3'),
	   bnai_add_node('leaves', 'w_' || c, 'Gamma', '0.5, 0.5 * data_precision'),
	   bnai_add_node('leaves', 'tau_' || c, 'Gamma', format('1, w_%s, plates=3', c)),
	   bnai_add_node('leaves', 'Y_' || c, 'Mixture', format('Z, GaussianARD, mu_%s, tau_%s', c, c), 'data', ARRAY[c])
FROM unnest('{a,b}'::text[]) AS c;
SELECT ok(pg_temp.same(pg_temp.trace('diagonal'), pg_temp.trace('leaves')), 'diagonal: the bound of one leaf for each column, sweep by sweep');
SELECT is_empty($$ SELECT id FROM data WHERE abs(bnai_score('diagonal', a, b) - bnai_score('leaves', a, b)) > 1e-9 $$, 'the same density') ;
SELECT is_empty($$ SELECT id FROM data WHERE label IS DISTINCT FROM bnai_predict('diagonal', a, b) $$, 'the same labels');
SELECT is_empty($$ SELECT c, p FROM data, bnai_explain('diagonal', a, b) AS d(c, v, m, s, p), bnai_explain('leaves', a, b) AS l(c2, v2, m2, s2, p2)
	WHERE c = c2 AND (abs(p - p2) > 1e-9 * (1 + abs(p)) OR abs(s - s2) > 1e-9 * (1 + abs(s))) $$, 'the same explanations');

-- Spherical is a leaf for each column, all with one precision
CREATE TABLE alike AS SELECT id, a, (b - 1000) / 5 AS b, label FROM data;
SELECT bnai_create_clustering('spherical', 'data', '{a,b}', max_clusters => 3, covariance => 'spherical');
SELECT bnai_create_network('one_precision', 'clustering');
SELECT bnai_add_node('one_precision', 'alpha', 'Dirichlet', 'full(3, 0.5)'), bnai_add_node('one_precision', 'Z', 'Categorical', 'alpha');
SELECT bnai_add_node('one_precision', 'w', 'Gamma', format('0.5, %s', 0.5 * 2 / (var_pop(a) + var_pop(b)))) FROM data;
SELECT bnai_add_node('one_precision', 'mu_' || c, 'GaussianARD', 'data_mean, 0.1 * data_precision, plates=3') FROM unnest('{a,b}'::text[]) AS c;
SELECT bnai_add_node('one_precision', 'tau', 'Gamma', '1, w, plates=3');
SELECT bnai_add_node('one_precision', 'Y_' || c, 'Mixture', format('Z, GaussianARD, mu_%s, tau', c), 'data', ARRAY[c]) FROM unnest('{a,b}'::text[]) AS c;
SELECT ok(pg_temp.same(pg_temp.trace('spherical'), pg_temp.trace('one_precision')), 'spherical: the bound of leaves with one precision');

-- In other units of both columns the same rows have the same labels and score
SELECT is((SELECT covariance[1][1] = covariance[2][2] AND covariance[1][2] = 0 FROM bnai_clusters WHERE network = 'spherical' LIMIT 1), true, 'the covariance of a spherical cluster');

-- With one column and one set of priors full, diagonal and spherical are the same
SELECT bnai_create_clustering('one_' || c, 'data', '{a}', max_clusters => 3, covariance => c) FROM unnest('{full,diagonal,spherical}'::text[]) AS c;
SELECT ok(pg_temp.same(pg_temp.trace('one_diagonal'), pg_temp.trace('one_full')), 'one column: diagonal is full');
SELECT ok(pg_temp.same(pg_temp.trace('one_spherical'), pg_temp.trace('one_full')), 'one column: spherical is full');

-- Every structure and both kinds of priors: no bound falls, and the search finds what there is.
-- Three groups of one shape, 1,000 rows: sampled along the axes, so all structures suit them.
CREATE TABLE groups AS
SELECT i AS id, i % 3 AS truth, 4 * (i % 3) + r * cos(phi) AS x, 4 * (i % 3) % 7 + r * sin(phi) AS y
FROM generate_series(1, 999) AS i, LATERAL (SELECT 0.8 * sqrt(-2 * ln(1 - i / 1000.0)) AS r, i * i * 0.618 AS phi) AS polar;
SELECT bnai_create_clustering(c || '_' || p, 'groups', '{x,y}', covariance => c, priors => p, restarts => 2)
FROM unnest('{full,diagonal,spherical,tied}'::text[]) AS c, unnest('{data,vague}'::text[]) AS p;
SELECT is((SELECT clusters FROM bnai_infer(c || '_' || p)), 3, format('%s, %s priors: three groups', c, p))
FROM unnest('{full,diagonal,spherical,tied}'::text[]) AS c, unnest('{data,vague}'::text[]) AS p;

SELECT throws_like($$ SELECT bnai_create_clustering('x', 'data', '{a}', covariance => 'round') $$, 'invalid covariance: "round"', 'an unknown structure');

SELECT * FROM finish();
