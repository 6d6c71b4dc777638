-- What a row lacks is left out where the rest does not depend on it.

SELECT plan(16);
SET client_min_messages = warning;

-- A draw from 0 to 1 by the row and the column
CREATE FUNCTION pg_temp.draw(id integer, column_name text) RETURNS float8 LANGUAGE sql
	AS $$ SELECT (hashint8(hashtext(column_name) * 1000003::bigint + id) & 1048575) / 1048576.0 $$;

-- One component: a column that one row in ten has is as if the network had it alone, for these rows
CREATE TABLE sparse AS SELECT id, 5 + 2 * pg_temp.draw(id, 'a') AS a, CASE WHEN id % 10 = 0 THEN 3 * pg_temp.draw(id, 'b') END AS b FROM generate_series(1, 1000) AS id;
CREATE VIEW sparse_b AS SELECT id, b FROM sparse WHERE b IS NOT NULL;
SELECT bnai_create_network('both', missing => 'marginalize'), bnai_create_network('sphere', missing => 'marginalize'), bnai_create_network('only_a'), bnai_create_network('only_b');
SELECT bnai_add_node('both', 'm', 'GaussianDiagonal', '[1, 2], [0.1, 0.2]'), bnai_add_node('both', 't', 'GammaVector', '2, [1, 3]'),
	bnai_add_node('both', 'x', 'GaussianDiagonal', 'm, t', source => 'sparse', columns => '{a,b}');
SELECT bnai_add_node('only_a', 'm', 'GaussianARD', '1, 0.1'), bnai_add_node('only_a', 't', 'Gamma', '2, 1'), bnai_add_node('only_a', 'x', 'GaussianARD', 'm, t', source => 'sparse', columns => '{a}');
SELECT bnai_add_node('only_b', 'm', 'GaussianARD', '2, 0.2'), bnai_add_node('only_b', 't', 'Gamma', '2, 3'), bnai_add_node('only_b', 'x', 'GaussianARD', 'm, t', source => 'sparse_b', columns => '{b}');
CREATE TABLE fits AS SELECT network, r.elbo FROM (VALUES ('both'), ('only_a'), ('only_b')) AS v (network), bnai_infer(network) AS r;
-- both end within the tolerance of 0.001 nats
SELECT ok(abs((SELECT elbo FROM fits WHERE network = 'both') - (SELECT sum(elbo) FROM fits WHERE network LIKE 'only%')) < 2e-3, 'the bound is that of the columns one by one');
CREATE FUNCTION pg_temp.parameter(network text, node text, parameter text) RETURNS jsonb LANGUAGE sql
	AS $$ SELECT n -> 'parameters' -> parameter FROM jsonb_array_elements(bnai_fitted(network)::jsonb -> 'nodes') AS n WHERE n ->> 'name' = node $$;
SELECT is(pg_temp.parameter('both', 't', 'a'), '[502, 52]', 'each column has its own number of rows');
SELECT ok(abs((pg_temp.parameter('both', 't', 'b') ->> 1)::float8 / (pg_temp.parameter('only_b', 't', 'b'))::float8 - 1) < 1e-5, 'scale');
SELECT ok(abs((pg_temp.parameter('both', 'm', 'tau') ->> 1)::float8 / (pg_temp.parameter('only_b', 'm', 'alpha'))::float8 - 1) < 1e-5, 'how well its mean is known');
SELECT ok(abs((bnai_score('both', NULL, 1.7) - bnai_score('only_b', 1.7))) < 1e-5, 'and the density of a row');
SELECT ok(abs(i.value - m.mean) < 1e-4, 'what is missing is expected where the others are') FROM bnai_impute('both', 6, NULL) AS i, bnai_mean('only_b', 'm') AS m (mean);
SELECT results_eq($$ SELECT parameter, "index", count(*) FROM bnai_posterior_parameters(bnai_fitted('both')) WHERE node = 't' GROUP BY 1, 2 ORDER BY 1, 2 $$,
	$$ VALUES ('a', '{1}'::integer[], 1::bigint), ('a', '{2}', 1), ('b', '{1}', 1), ('b', '{2}', 1) $$, 'a shape that differs is shown column by column');

-- One precision for all columns: as many values as there are
SELECT bnai_add_node('sphere', 'm', 'GaussianDiagonal', '[1, 2], [0.1, 0.2]'), bnai_add_node('sphere', 't', 'Gamma', '2, 1'),
	bnai_add_node('sphere', 'x', 'GaussianSpherical', 'm, t', source => 'sparse', columns => '{a,b}');
SELECT count(*) FROM bnai_infer('sphere');
SELECT is(pg_temp.parameter('sphere', 't', 'a'), '552', 'spherical: each value counts once');

-- Goes on as a prior, and back
SELECT lives_ok($$ SELECT bnai_posterior_as_prior('both') $$, 'such a posterior can be a prior');
SELECT ok(params LIKE '[502%, 52%], %', 'with a shape for each column: ' || params) FROM bnai_nodes WHERE network = 'both' AND node = 't';
SELECT lives_ok($$ SELECT bnai_infer('both') $$, 'and be inferred with');

-- A component none of whose rows has a leaf says nothing of the scale that the leaf's components share.  Three groups
-- so far apart in c that each row's is certain; the last one lacks a and b.
CREATE TABLE parts AS SELECT id, g, CASE WHEN g < 2 THEN pg_temp.draw(id, 'a') + g END AS a, CASE WHEN g < 2 THEN pg_temp.draw(id, 'b') END AS b,
	1000.0 * g + pg_temp.draw(id, 'c') AS c, chr(65 + g) AS label FROM (SELECT id, id % 3 AS g FROM generate_series(1, 300) AS id) AS r;
CREATE TABLE seen AS TABLE parts;
DELETE FROM seen WHERE g = 2;
CREATE FUNCTION pg_temp.shared_scale(network text, source regclass, k integer) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	PERFORM bnai_create_network(network, 'clustering', restarts => 1, tolerance => 0, max_iterations => 30, moves => false, start => 'results', results_column => 'label');
	PERFORM bnai_add_node(network, 'Z', 'Categorical', format('full(%s, %s)', k, 1.0 / k)), bnai_add_node(network, 'W', 'Wishart', '3, eye(2)'),
		bnai_add_node(network, 'mu', 'Gaussian', format('[0, 0], 0.01 * eye(2), plates=%s', k)), bnai_add_node(network, 'Lambda', 'Wishart', format('4, W, plates=%s', k)),
		bnai_add_node(network, 'm', 'GaussianARD', format('0, 1e-6, plates=%s', k)), bnai_add_node(network, 't', 'Gamma', format('2, 0.1, plates=%s', k)),
		bnai_add_node(network, 'Y', 'Mixture', 'Z, Gaussian, mu, Lambda', source => source, columns => '{a,b}'),
		bnai_add_node(network, 'C', 'Mixture', 'Z, GaussianARD, m, t', source => source, columns => '{c}');
	PERFORM bnai_infer(network);
END $$;
SELECT pg_temp.shared_scale('three', 'parts', 3), pg_temp.shared_scale('two', 'seen', 2);
SELECT is(pg_temp.parameter('three', 'W', 'n'), pg_temp.parameter('two', 'W', 'n'), 'only components with rows in a leaf are counted for its scale');
SELECT ok((SELECT max(abs(a::text::float8 / b::text::float8 - 1)) FROM jsonb_path_query(pg_temp.parameter('three', 'W', 'V'), 'strict $[*][*]') WITH ORDINALITY AS x (a, i)
	JOIN jsonb_path_query(pg_temp.parameter('two', 'W', 'V'), 'strict $[*][*]') WITH ORDINALITY AS y (b, i) USING (i)) < 1e-6, 'the scale is theirs');
SELECT is((SELECT array_agg(round((c ->> 'count')::numeric)) FROM jsonb_array_elements(bnai_fitted('three')::jsonb -> 'clusters') AS c), '{100,100,100}', 'it keeps its rows in the other leaf');
-- its prior given what the scale is: n of the prior, and E[W] for V
SELECT is(pg_temp.parameter('three', 'Lambda', 'n') -> 2, '4', 'and stands at its prior in this one');
SELECT is_empty($$ SELECT * FROM (SELECT elbo, lag(elbo) OVER (ORDER BY iteration) AS before FROM bnai_trace('three')) AS t WHERE elbo < before - 1e-6 $$, 'the bound does not fall');

SELECT * FROM finish();
