-- How typical a row is: the rank of its density among the rows of the fit.

\set size 20000
BEGIN;
SELECT plan(28);
\i examples/userinfo.sql
ALTER TABLE userinfo RENAME TO train;
\set seed 2
\i examples/userinfo.sql
ALTER TABLE userinfo RENAME TO held_out;

SELECT bnai_create_clustering('t', 'train', '{avg_time_pages,avg_time_pages_a}', restarts => 1) \g /dev/null
SELECT bnai_infer('t') \g /dev/null

-- Kolmogorov-Smirnov distance of the typicality of rows to the uniform distribution
CREATE FUNCTION distance(rows regclass) RETURNS float8 LANGUAGE plpgsql AS $$
DECLARE result float8;
BEGIN
	EXECUTE format('WITH typical AS (SELECT bnai_typicality(%L, avg_time_pages, avg_time_pages_a) AS t FROM %s),
		ranked AS (SELECT t, row_number() OVER (ORDER BY t) AS i, count(*) OVER () AS n FROM typical)
		SELECT max(greatest(abs(t - i / n::float8), abs(t - (i - 1) / n::float8))) FROM ranked', 't', rows) INTO result;
	RETURN result;
END $$;

-- two samples of 20,000 differ by 1.63 sqrt(2 / 20000) = 0.016 in one of a hundred cases
SELECT cmp_ok(distance('held_out'), '<', 0.03::float8, 'rows that the fit has not seen are typical to every degree alike');
-- quantiles are a percent apart, and linear between them
SELECT cmp_ok(distance('train'), '<', 0.005::float8, 'so are those of the fit');
SELECT is(min(bnai_typicality('t', avg_time_pages, avg_time_pages_a)), 1 / 20000::float8, 'the least typical of 20,000 rows is as typical as itself alone')
FROM train;
SELECT is(max(bnai_typicality('t', avg_time_pages, avg_time_pages_a)), 1::float8, 'nor more than the most typical')
FROM train;
SELECT cmp_ok(count(*), '<=', 45::bigint, 'the tail is fine: 20 of 20,000 rows are 1-in-1000 rows, give or take 5 standard deviations')
FROM train WHERE bnai_typicality('t', avg_time_pages, avg_time_pages_a) < 0.001;
SELECT is(bnai_typicality('t', 1000, -1000), 0::float8, 'a row far from everything');
SELECT is(bnai_typicality('t', NULL, 20), NULL, 'NULL where a value is, as in no row of the fit');
SELECT is(count(*), 0::bigint, 'the order is that of the density')
FROM (SELECT bnai_typicality('t', x, y) AS t, lag(bnai_typicality('t', x, y)) OVER (ORDER BY bnai_score('t', x, y)) AS before
	  FROM generate_series(10, 30, 0.37) AS x, generate_series(10, 30, 0.41) AS y) AS ordered WHERE t < before;
SELECT is(bnai_typicality(bnai_fitted('t'), 20, 21), bnai_typicality('t', 20, 21), 'by value as by name');
SELECT is(bnai_typicality(bnai_fitted('t')::text::bnai_posterior, 20, 21), bnai_typicality('t', 20, 21), 'through the text form, too');

SELECT throws_ok($$SELECT bnai_typicality((jsonb_set(bnai_fitted('t')::jsonb - '{density_quantiles,density_patterns,missing}'::text[], '{version}', '1'))::text::bnai_posterior, 20, 21)$$,
	'55000', NULL, 'a posterior of version 1 does not know');

-- in a generated column, a trigger and a parallel plan
SELECT format('CREATE TABLE visits (a float8, b float8, t float8 GENERATED ALWAYS AS (bnai_typicality(%L::bnai_posterior, a, b)) STORED)', bnai_fitted('t')) \gexec
INSERT INTO visits VALUES (20, 21), (100, 0);
SELECT results_eq('SELECT t FROM visits ORDER BY a', $$VALUES (bnai_typicality('t', 20, 21)), (0)$$, 'in a generated column');
CREATE FUNCTION refuse_odd() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF bnai_typicality('t', NEW.a, NEW.b) < 0.001 THEN RAISE 'odd'; END IF;
	RETURN NEW;
END $$;
CREATE TRIGGER refuse_odd BEFORE INSERT ON visits FOR EACH ROW EXECUTE FUNCTION refuse_odd();
SELECT throws_ok('INSERT INTO visits VALUES (20, 21), (100, 0)', 'P0001', 'odd', 'in a trigger');
SET LOCAL parallel_setup_cost = 0;
SET LOCAL parallel_tuple_cost = 0;
SET LOCAL min_parallel_table_scan_size = 0;
CREATE FUNCTION plan_of(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$ BEGIN RETURN QUERY EXECUTE 'EXPLAIN ' || query; END $$;
SELECT ok(bool_or(l LIKE '%Parallel Seq Scan%'), 'in parallel plans')
FROM plan_of($$SELECT count(*) FROM train WHERE bnai_typicality('t', avg_time_pages, avg_time_pages_a) < 0.01$$) AS l;

SELECT bnai_create_network('n'), bnai_add_node('n', 'mu', 'GaussianARD', '0, 1e-6'), bnai_add_node('n', 'tau', 'Gamma', '1e-6, 1e-6') \g /dev/null
SELECT bnai_add_node('n', 'x', 'GaussianARD', 'mu, tau', source => 'train', columns => '{avg1}') \g /dev/null
SELECT bnai_infer('n') \g /dev/null
-- a normal column: 5% lie beyond 1.96 standard deviations; 0.005 is three standard errors of a share of 20,000
SELECT cmp_ok(abs(bnai_typicality('n', bnai_mean('n', 'mu') + 1.96 / sqrt(bnai_mean('n', 'tau'))) - 0.05), '<', 0.005::float8,
	'without clusters, too');

-- Rows that lack columns are ranked by those that they have: three clusters of three columns, two of
-- which hang together, a fifth of the cells deleted at random; 20,000 rows to fit, the others to rank
SELECT setseed(0.42) \g /dev/null
CREATE TABLE drawn AS
WITH uniform AS MATERIALIZED (SELECT i, random() AS g, sqrt(-2 * ln(1 - random())) AS r, 2 * pi() * random() AS p, sqrt(-2 * ln(1 - random())) AS s, 2 * pi() * random() AS q,
	random() < 0.2 AS no_a, random() < 0.2 AS no_b, random() < 0.2 AS no_c FROM generate_series(1, 80000) AS i),
	placed AS (SELECT *, CASE WHEN g < 0.5 THEN 0 WHEN g < 0.8 THEN 4 ELSE 8 END AS m FROM uniform)
SELECT i <= 20000 AS fitted, CASE WHEN NOT no_a THEN m + r * cos(p) END AS a, CASE WHEN NOT no_b THEN 10 - m + 0.8 * r * cos(p) + 0.6 * r * sin(p) END AS b,
	CASE WHEN NOT no_c THEN m / 2 + s * cos(q) END AS c FROM placed;
CREATE TABLE incomplete AS SELECT a, b, c, NULL::text AS label FROM drawn WHERE fitted;
SELECT bnai_create_clustering('one leaf', 'incomplete', '{a,b,c}', max_clusters => 5, restarts => 1),
	bnai_create_clustering('diagonal', 'incomplete', '{a,b,c}', max_clusters => 5, restarts => 1, covariance => 'diagonal'),
	bnai_create_network('leaves', 'clustering', restarts => 1) \g /dev/null
SELECT bnai_add_node('leaves', 'alpha', 'Dirichlet', 'full(4, 0.5)'), bnai_add_node('leaves', 'Z', 'Categorical', 'alpha'),
	bnai_add_node('leaves', 'mu', 'Gaussian', 'data_mean, 0.1 * data_precision, plates=4'), bnai_add_node('leaves', 'Lambda', 'Wishart', '3, data_covariance, plates=4'),
	bnai_add_node('leaves', 'm', 'GaussianARD', 'data_mean, 0.1 * data_precision, plates=4'), bnai_add_node('leaves', 'tau', 'Gamma', '1, 1, plates=4') \g /dev/null
SELECT bnai_add_node('leaves', 'ab', 'Mixture', 'Z, Gaussian, mu, Lambda', 'incomplete', '{a,b}'), bnai_add_node('leaves', 'c', 'Mixture', 'Z, GaussianARD, m, tau', 'incomplete', '{c}') \g /dev/null
SELECT bnai_infer('one leaf'), bnai_infer('diagonal'), bnai_infer('leaves') \g /dev/null
CREATE VIEW by_pattern AS
WITH typical AS (SELECT n, format('%s%s%s', left('a', (a IS NULL)::integer), left('b', (b IS NULL)::integer), left('c', (c IS NULL)::integer)) AS lacks, bnai_typicality(n, a, b, c) AS t
		FROM drawn, unnest('{one leaf,diagonal,leaves}'::text[]) AS n WHERE NOT fitted),
	ranked AS (SELECT *, row_number() OVER (PARTITION BY n, lacks ORDER BY t) AS i, count(*) OVER (PARTITION BY n, lacks) AS rows FROM typical)
SELECT n, lacks, rows, count(t) AS ranked, max(greatest(abs(t - i / rows::float8), abs(t - (i - 1) / rows::float8))) AS distance FROM ranked GROUP BY n, lacks, rows;
CREATE TABLE distances AS TABLE by_pattern;
SELECT is(count(*), 18::bigint, 'six choices of missing columns have ranks, in each network') FROM distances WHERE lacks NOT IN ('', 'abc') AND ranked = rows;
SELECT is(max(ranked), 0::bigint, 'rows without any column have none') FROM distances WHERE lacks = 'abc';
-- With one column missing 2,600 rows of the fit do, and 7,700 to rank; with two, 1,900 to rank against 16,000
-- that have the third: exceeded in one of a thousand cases by 1.95 sqrt(1 / n + 1 / m) = 0.044 and 0.047
SELECT is_empty($$ SELECT * FROM distances WHERE lacks <> 'abc' AND distance > 0.047 $$, 'they are typical to every degree alike, whatever they lack');
SELECT ok(bnai_fitted('leaves')::text::bnai_posterior::text = bnai_fitted('leaves')::text, 'their quantiles go through the text form');
SELECT is(bnai_typicality(bnai_fitted('leaves')::text::bnai_posterior, NULL, 3, 1), bnai_typicality('leaves', NULL, 3, 1), 'and say the same by value');
SELECT is(bnai_typicality('one leaf', NULL, 1000, NULL), 0::float8, 'a row whose only column is far from everything');
SELECT is(bnai_typicality((jsonb_set(bnai_fitted('leaves')::jsonb - 'density_patterns', '{version}', '2'))::text::bnai_posterior, NULL, 3, 1), NULL,
	'a posterior of version 2 knows complete rows only');
SELECT is(bnai_typicality((jsonb_set(bnai_fitted('leaves')::jsonb - 'density_patterns', '{version}', '2'))::text::bnai_posterior, 4, 3, 1),
	bnai_typicality('leaves', 4, 3, 1), 'these as before');
-- where each row lacks something, a complete row is of a kind that the fit has not seen
CREATE TABLE halves AS SELECT CASE WHEN i % 2 = 0 THEN sin(i) END AS x, CASE WHEN i % 2 = 1 THEN cos(i) END AS y FROM generate_series(1, 500) AS i;
SELECT bnai_create_clustering('halves', 'halves', '{x,y}', restarts => 1), bnai_infer('halves') \g /dev/null
SELECT is(bnai_typicality('halves', 0, 0), NULL, 'no rank for columns that no row of the fit had');
SELECT ok(bnai_typicality('halves', 0, NULL) BETWEEN 0 AND 1, 'but for those that some had');

-- Rows that lack a column may be of a kind of their own: where there are many, they are ranked among each other
CREATE TABLE odd_kind AS SELECT random() * 10 AS x, random() * 10 AS y FROM generate_series(1, 6000);
INSERT INTO odd_kind SELECT 20 + random(), NULL FROM generate_series(1, 3000);
SELECT bnai_create_clustering('odd kind', 'odd_kind', '{x,y}', restarts => 1), bnai_infer('odd kind') \g /dev/null
-- the mean of a uniform number has the standard error 0.29 / sqrt(3000) = 0.005, but these are the rows of the fit themselves
SELECT ok(abs(avg(bnai_typicality('odd kind', x, NULL)) - 0.5) < 0.005, 'rows that lack a column among each other') FROM odd_kind WHERE y IS NULL;
SELECT cmp_ok(max(bnai_typicality('odd kind', x, NULL)), '<', 0.05::float8, 'where they are dense, and others less so') FROM odd_kind WHERE y IS NOT NULL;

-- Few rows say nothing of how typical one is
CREATE TABLE few AS SELECT sin(i) AS x, CASE WHEN i > 20 THEN cos(i) END AS y FROM generate_series(1, 90) AS i;
SELECT bnai_create_clustering('few', 'few', '{x,y}', restarts => 1), bnai_infer('few') \g /dev/null
SELECT is(bnai_typicality('few', 0, NULL), NULL, 'no rank among 90 rows');

SELECT * FROM finish();
ROLLBACK;
