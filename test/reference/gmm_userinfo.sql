-- Example 2 against BayesPy: the ELBO after every sweep and the posterior, from given
-- starting labels.  1e-8 relative: the first sweep inverts matrices with the condition
-- number 1e9 that the vague priors bring, and the golden values agree with a second
-- implementation to 4e-9 there.

\set n200_k10 `cat test/reference/gmm_userinfo_n200_k10.json`
\set n200_k4 `cat test/reference/gmm_userinfo_n200_k4.json`
\set n2000_k10 `cat test/reference/gmm_userinfo_n2000_k10.json`

SELECT plan(40);

CREATE TABLE golden (name text PRIMARY KEY, k integer, data jsonb, labels jsonb, run jsonb);
INSERT INTO golden
SELECT name, (j ->> 'K')::integer, j #> '{data,Y}', j #> '{inits,lcg_onehot,labels}', j #> '{runs,lcg_onehot/C}'
FROM (VALUES ('n200_k10', :'n200_k10'::jsonb), ('n200_k4', :'n200_k4'::jsonb), ('n2000_k10', :'n2000_k10'::jsonb)) AS v(name, j);

-- Makes the table NAME with the golden rows, its label column holding the starting labels.
CREATE FUNCTION pg_temp.fill(golden_name text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('CREATE TABLE %I (id integer PRIMARY KEY, avg_time_pages float8, avg_time_pages_a float8, label text)', golden_name);
	EXECUTE format('INSERT INTO %I
		SELECT n, (row_ ->> 0)::float8, (row_ ->> 1)::float8, chr(ascii(%L) + label::integer)
		FROM golden, ROWS FROM (jsonb_array_elements(data), jsonb_array_elements(labels)) WITH ORDINALITY AS r(row_, label, n)
		WHERE name = %L', golden_name, 'A', golden_name);
END $$;

-- Defines the network by its nodes, with the example's vague priors.
CREATE FUNCTION pg_temp.define(network text, source regclass, k integer, lambda_first boolean DEFAULT false) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	PERFORM bnai_create_network(network, 'clustering', restarts => 1, tolerance => 0, moves => false, start => 'results');
	PERFORM bnai_add_node(network, 'alpha', 'Dirichlet', format('full(%s, 1e-5)', k));
	PERFORM bnai_add_node(network, 'Z', 'Categorical', 'alpha');
	IF lambda_first THEN
		PERFORM bnai_add_node(network, 'Lambda', 'Wishart', format('2, 1e-5 * eye(2), plates=%s', k));
	END IF;
	PERFORM bnai_add_node(network, 'mu', 'Gaussian', format('zeros(2), 1e-5 * eye(2), plates=%s', k));
	IF NOT lambda_first THEN
		PERFORM bnai_add_node(network, 'Lambda', 'Wishart', format('2, 1e-5 * eye(2), plates=%s', k));
	END IF;
	PERFORM bnai_add_node(network, 'Y', 'Mixture', 'Z, Gaussian, mu, Lambda', source => source, columns => '{avg_time_pages,avg_time_pages_a}');
	PERFORM bnai_set(network, 'results_column', 'label');
END $$;

-- The posterior's clusters with their parameters, numbered by falling counts; both sides in this form.
CREATE TYPE pg_temp.component AS (rank bigint, count float8, alpha float8, mu float8[], mu_precision float8[], n float8, v float8[]);
CREATE FUNCTION pg_temp.flat(j jsonb) RETURNS float8[] LANGUAGE sql AS $$
	SELECT array_agg(x::text::float8) FROM jsonb_path_query(j, 'strict $.**') AS x WHERE jsonb_typeof(x) = 'number' $$;
CREATE FUNCTION pg_temp.fitted_components(network text) RETURNS SETOF pg_temp.component LANGUAGE sql AS $$
	WITH p AS (SELECT bnai_fitted(network)::jsonb AS p),
		 node AS (SELECT n ->> 'name' AS name, n -> 'parameters' AS q FROM p, jsonb_array_elements(p -> 'nodes') AS n)
	SELECT row_number() OVER (ORDER BY (c ->> 'count')::float8 DESC), (c ->> 'count')::float8,
		   (alpha.q -> 'alpha' ->> i)::float8, pg_temp.flat(mu.q -> 'mu' -> i), pg_temp.flat(mu.q -> 'Lambda' -> i),
		   (lambda.q -> 'n' ->> i)::float8, pg_temp.flat(lambda.q -> 'V' -> i)
	FROM p, jsonb_array_elements(p -> 'clusters') WITH ORDINALITY AS c(c, o), LATERAL (SELECT o::integer - 1 AS i) AS index,
		 node AS alpha, node AS mu, node AS lambda
	WHERE alpha.name = 'alpha' AND mu.name = 'mu' AND lambda.name = 'Lambda' $$;
CREATE FUNCTION pg_temp.golden_components(golden_name text) RETURNS SETOF pg_temp.component LANGUAGE sql AS $$
	SELECT row_number() OVER (ORDER BY count::float8 DESC), count::float8,
		   (f #>> ARRAY['alpha', 'a', i])::float8, pg_temp.flat(f #> ARRAY['mu', 'mean', i]), pg_temp.flat(f #> ARRAY['mu', 'precision', i]),
		   (f #>> ARRAY['Lambda', 'n', i])::float8, pg_temp.flat(f #> ARRAY['Lambda', 'V_rate', i])
	FROM (SELECT run -> 'posterior_final' AS f FROM golden WHERE name = golden_name) AS g,
		 jsonb_array_elements(f -> 'N_k') WITH ORDINALITY AS c(count, o), LATERAL (SELECT (o - 1)::text AS i) AS index $$;

-- Tells whether two vectors agree relative to the largest element of the expected one.
CREATE FUNCTION pg_temp.near(have float8[], want float8[], tolerance float8) RETURNS boolean LANGUAGE sql AS $$
	SELECT cardinality(have) = cardinality(want) AND max(abs(h - w)) <= tolerance * max(abs(w))
	FROM unnest(have, want) AS u(h, w) $$;

-- Compares a fitted network with a golden run: the trace, every parameter of every component.
-- The posterior's tolerance is wider than the trace's: the bound is flat at its top, so
-- parameters carry the square root of what is still missing there.
CREATE FUNCTION pg_temp.compare(network text, golden_name text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
	RETURN NEXT is((SELECT count(*) FROM bnai_trace(network) WHERE iteration > 0), (SELECT jsonb_array_length(run -> 'elbo')::bigint FROM golden WHERE name = golden_name),
		network || ': one ELBO for each sweep');
	RETURN NEXT is_empty(format($q$
		SELECT iteration, t.elbo AS have, g.elbo AS want FROM bnai_trace(%L) AS t
		JOIN (SELECT e.elbo::float8, iteration FROM golden, jsonb_array_elements(run -> 'elbo') WITH ORDINALITY AS e(elbo, iteration)
			  WHERE name = %L) AS g USING (iteration)
		WHERE (abs(t.elbo - g.elbo) <= 1e-8 * abs(g.elbo)) IS NOT TRUE ORDER BY 1 LIMIT 5 $q$, network, golden_name),
		network || ': the ELBO after every sweep');
	RETURN NEXT is_empty(format($q$
		SELECT f.count AS have, g.count AS want, f.alpha, g.alpha FROM pg_temp.fitted_components(%L) AS f FULL JOIN pg_temp.golden_components(%L) AS g USING (rank)
		WHERE (abs(f.count - g.count) <= 1e-8 * greatest(g.count, 1) AND abs(f.alpha - g.alpha) <= 1e-8 * g.alpha + 1e-8 * g.count) IS NOT TRUE $q$, network, golden_name),
		network || ': counts and alpha of every component');
	RETURN NEXT is_empty(format($q$
		SELECT f.mu AS have, g.mu AS want FROM pg_temp.fitted_components(%L) AS f FULL JOIN pg_temp.golden_components(%L) AS g USING (rank)
		WHERE pg_temp.near(f.mu || 1.0::float8, g.mu || 1.0::float8, 1e-8) IS NOT TRUE $q$, network, golden_name),
		network || ': means of every component');
	RETURN NEXT is_empty(format($q$
		SELECT f.mu_precision AS have, g.mu_precision AS want FROM pg_temp.fitted_components(%L) AS f FULL JOIN pg_temp.golden_components(%L) AS g USING (rank)
		WHERE pg_temp.near(f.mu_precision, g.mu_precision, 1e-8) IS NOT TRUE $q$, network, golden_name),
		network || ': precisions of q(mu) of every component');
	RETURN NEXT is_empty(format($q$
		SELECT f.n AS have, g.n AS want FROM pg_temp.fitted_components(%L) AS f FULL JOIN pg_temp.golden_components(%L) AS g USING (rank)
		WHERE (abs(f.n - g.n) <= 1e-8 * g.n) IS NOT TRUE $q$, network, golden_name),
		network || ': degrees of freedom of every component');
	RETURN NEXT is_empty(format($q$
		SELECT f.v AS have, g.v AS want FROM pg_temp.fitted_components(%L) AS f FULL JOIN pg_temp.golden_components(%L) AS g USING (rank)
		WHERE pg_temp.near(f.v, g.v, 1e-8) IS NOT TRUE $q$, network, golden_name),
		network || ': V of every component');
END $$;

SELECT pg_temp.fill(name), pg_temp.define(name, name::regclass, k),
	   bnai_set(name, 'max_iterations', jsonb_array_length(run -> 'elbo')::text) FROM golden;
SELECT is(iterations, 1000, name || ': tolerance 0 never stops early')
FROM golden, bnai_infer(name) WHERE name <> 'n200_k4';
SELECT is(iterations, 180, name || ': tolerance 0 never stops early')
FROM golden, bnai_infer(name) WHERE name = 'n200_k4';
SELECT t FROM golden, pg_temp.compare(name, name) AS t;

-- The stored labels are the golden argmax labels, up to their names.  A row without a clear
-- best component could go either way; none is closer than 1e-6 here.
SELECT is_empty(format($q$
	SELECT label, count(DISTINCT golden), array_agg(DISTINCT golden) FROM %I JOIN
		(SELECT n AS id, l::text AS golden FROM golden, jsonb_array_elements(run #> '{posterior_final,labels_argmax}') WITH ORDINALITY AS l(l, n) WHERE name = %L) AS g USING (id)
	GROUP BY label HAVING count(DISTINCT golden) <> 1
	UNION ALL
	SELECT golden, count(DISTINCT label), array_agg(DISTINCT label) FROM %I JOIN
		(SELECT n AS id, l::text AS golden FROM golden, jsonb_array_elements(run #> '{posterior_final,labels_argmax}') WITH ORDINALITY AS l(l, n) WHERE name = %L) AS g USING (id)
	GROUP BY golden HAVING count(DISTINCT label) <> 1 $q$, name, name, name, name),
	name || ': the labels of the rows') FROM golden;

-- The order of declaration does not matter: Lambda before mu gives the same numbers
CREATE TABLE lambda_first AS TABLE n200_k10;
UPDATE lambda_first SET label = g.label FROM
	(SELECT n AS id, chr(ascii('A') + l::integer) AS label FROM golden, jsonb_array_elements(labels) WITH ORDINALITY AS l(l, n) WHERE name = 'n200_k10') AS g
WHERE g.id = lambda_first.id;
SELECT pg_temp.define('lambda_first', 'lambda_first', 10, lambda_first => true);
SELECT bnai_set('lambda_first', 'max_iterations', '1000');
SELECT count(*) FROM bnai_infer('lambda_first');
SELECT pg_temp.compare('lambda_first', 'n200_k10');

-- The start from the true groups, four blocks of rows, ends where the numpy statement of the model does
CREATE TABLE truth (name text, source text, k integer, elbo float8);
INSERT INTO truth VALUES ('t200_k10', 'n200_k10', 10, -951.5767866316), ('t200_k4', 'n200_k4', 4, -950.6601435247),
						 ('t2000_k10', 'n2000_k10', 10, -7477.8333291211), ('t2000_k4', 'n2000_k10', 4, -7476.9165477228);
DO $$
DECLARE
	t truth;
BEGIN
	FOR t IN SELECT * FROM truth LOOP
		EXECUTE format('CREATE TABLE %I AS SELECT id, avg_time_pages, avg_time_pages_a, (1 + (id - 1) * 4 / count(*) OVER ())::text AS label FROM %I', t.name, t.source);
		PERFORM pg_temp.define(t.name, t.name::regclass, t.k);
		PERFORM bnai_set(t.name, 'max_iterations', '100');
	END LOOP;
END $$;
SELECT ok(abs(i.elbo - t.elbo) <= 1e-8 * abs(t.elbo), format('%s: %s from the true groups', name, round(i.elbo::numeric, 7)))
FROM truth AS t, bnai_infer(name) AS i;
SELECT is((SELECT array_agg(size ORDER BY size) FROM bnai_clusters WHERE network = 't200_k10'), '{49,50,50,51}', 't200_k10: sizes');
SELECT is((SELECT array_agg(size ORDER BY size) FROM bnai_clusters WHERE network = 't2000_k10'), '{458,500,500,542}', 't2000_k10: sizes');

SELECT * FROM finish();
