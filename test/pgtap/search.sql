-- The search: every seed finds the groups, with either priors, and on tables of others.

SELECT plan(11);
\i examples/userinfo.sql

-- ELBO and clusters of one restart for each of a few seeds
CREATE FUNCTION search(source regclass, columns text[], priors text, clusters integer, restarts integer, seeds integer)
RETURNS TABLE (seed integer, elbo float8, groups integer) LANGUAGE plpgsql AS $$
BEGIN
	FOR seed IN 1..seeds LOOP
		PERFORM bnai_create_clustering('search', source, columns, results_column => 'cluster_1', max_clusters => clusters,
									   priors => priors, restarts => restarts, seed => seed);
		SELECT r.elbo, r.clusters INTO elbo, groups FROM bnai_infer('search') r;
		PERFORM bnai_drop_network('search');
		RETURN NEXT;
	END LOOP;
END $$;

-- From the true groups BayesPy ends at -951.5767866 with vague priors; 1e-3 nats below is the same optimum
SELECT is(count(*) FILTER (WHERE groups = 4 AND elbo > -951.5768 - 1e-3), 10::bigint, 'vague priors: four groups, from every seed')
FROM search('userinfo', '{avg_time_pages,avg_time_pages_a}', 'vague', 10, 1, 10);
SELECT is(count(*) FILTER (WHERE groups = 4), 10::bigint, 'data priors: four groups, from every seed')
FROM search('userinfo', '{avg_time_pages,avg_time_pages_a}', 'data', 10, 1, 10);
SELECT is(array_agg(groups), '{4,4}', 'whatever the number of clusters allowed: ' || k)
FROM (VALUES (6), (15), (30)) AS v(k), search('userinfo', '{avg_time_pages,avg_time_pages_a}', 'vague', k, NULL, 2)
GROUP BY k ORDER BY k;

-- Adjusted Rand index of cluster_1 and class (Hubert & Arabie 1985)
CREATE FUNCTION ari(classified regclass) RETURNS float8 LANGUAGE plpgsql AS $$
DECLARE result float8;
BEGIN
	EXECUTE format($q$
		WITH cells AS (SELECT class, cluster_1, count(*) AS n FROM %s GROUP BY 1, 2),
			 sums AS (SELECT sum(n * (n - 1) / 2.0) AS agree, sum(n) * (sum(n) - 1) / 2 AS pairs FROM cells),
			 a AS (SELECT sum(n * (n - 1) / 2) AS pairs FROM (SELECT sum(n) AS n FROM cells GROUP BY class) AS s),
			 b AS (SELECT sum(n * (n - 1) / 2) AS pairs FROM (SELECT sum(n) AS n FROM cells GROUP BY cluster_1) AS s)
		SELECT (agree - a.pairs * b.pairs / sums.pairs) / ((a.pairs + b.pairs) / 2 - a.pairs * b.pairs / sums.pairs)
		FROM sums, a, b $q$, classified) INTO result;
	RETURN result;
END $$;

-- iris and wine: no worse than a Bayesian Gaussian mixture at its best covariance type, 0.65 and 0.76
CREATE TABLE iris (sepal_length float8, sepal_width float8, petal_length float8, petal_width float8, class text, cluster_1 text);
\copy iris (sepal_length, sepal_width, petal_length, petal_width, class) FROM 'test/data/iris.csv' WITH (FORMAT csv, HEADER)
SELECT is(array_agg(groups), '{3,3,3}', 'iris: three clusters')
FROM search('iris', '{sepal_length,sepal_width,petal_length,petal_width}', 'data', 10, NULL, 3);
SELECT cmp_ok(ari('iris'), '>=', 0.65::float8, 'iris: they are the species');

CREATE TABLE wine (x1 float8, x2 float8, x3 float8, x4 float8, x5 float8, x6 float8, x7 float8, x8 float8, x9 float8, x10 float8,
	x11 float8, x12 float8, x13 float8, class text, cluster_1 text);
\copy wine (x1, x2, x3, x4, x5, x6, x7, x8, x9, x10, x11, x12, x13, class) FROM 'test/data/wine.csv' WITH (FORMAT csv, HEADER)
SELECT is(array_agg(groups), '{3,3}', 'wine: three clusters')
FROM search('wine', '{x1,x2,x3,x4,x5,x6,x7,x8,x9,x10,x11,x12,x13}', 'data', 10, NULL, 2);
SELECT cmp_ok(ari('wine'), '>=', 0.76::float8, 'wine: they are the cultivars');

-- Other units: the same samples, starts and moves, and so the same groups
CREATE TABLE wine_in_other_units AS SELECT * FROM wine;
UPDATE wine_in_other_units SET x1 = x1 * 1e6, x13 = x13 / 1e4, x5 = x5 + 1e5;
SELECT results_eq(
	$$ SELECT seed, round(elbo - 178 * ln(1e2::float8)) FROM search('wine', '{x1,x2,x3,x4,x5,x6,x7,x8,x9,x10,x11,x12,x13}', 'data', 10, 1, 5) $$,
	$$ SELECT seed, round(elbo) FROM search('wine_in_other_units', '{x1,x2,x3,x4,x5,x6,x7,x8,x9,x10,x11,x12,x13}', 'data', 10, 1, 5) $$,
	'wine in other units: the same bounds but for the scale, from every seed');

-- Many small groups, far apart: a scale that they share must not keep them together
CREATE TABLE line AS
SELECT g * 10 + sqrt(-2 * ln((i - 0.5) / 20)) * cos(2 * pi() * (g * 7 + i * 13 % 20) / 20) AS x, NULL::text AS cluster_1
FROM generate_series(1, 30) AS g, generate_series(1, 20) AS i;
SELECT is(array_agg(groups), '{30}', 'thirty groups of twenty rows')
FROM search('line', '{x}', 'data', 30, NULL, 1);

SELECT * FROM finish();
