-- How typical a row is: the rank of its density among the rows of the fit.

\set size 20000
BEGIN;
SELECT plan(15);
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
SELECT is(min(bnai_typicality('t', avg_time_pages, avg_time_pages_a)), 0::float8, 'nothing is less typical than the least typical row')
FROM train;
SELECT is(max(bnai_typicality('t', avg_time_pages, avg_time_pages_a)), 1::float8, 'nor more than the most typical')
FROM train;
SELECT cmp_ok(count(*), '<=', 45::bigint, 'the tail is fine: 20 of 20,000 rows are 1-in-1000 rows, give or take 5 standard deviations')
FROM train WHERE bnai_typicality('t', avg_time_pages, avg_time_pages_a) < 0.001;
SELECT is(bnai_typicality('t', 1000, -1000), 0::float8, 'a row far from everything');
SELECT is(bnai_typicality('t', NULL, 20), NULL, 'NULL where a value is');
SELECT is(count(*), 0::bigint, 'the order is that of the density')
FROM (SELECT bnai_typicality('t', x, y) AS t, lag(bnai_typicality('t', x, y)) OVER (ORDER BY bnai_score('t', x, y)) AS before
	  FROM generate_series(10, 30, 0.37) AS x, generate_series(10, 30, 0.41) AS y) AS ordered WHERE t < before;
SELECT is(bnai_typicality(bnai_fitted('t'), 20, 21), bnai_typicality('t', 20, 21), 'by value as by name');
SELECT is(bnai_typicality(bnai_fitted('t')::text::bnai_posterior, 20, 21), bnai_typicality('t', 20, 21), 'through the text form, too');

SELECT throws_ok($$SELECT bnai_typicality((jsonb_set(bnai_fitted('t')::jsonb - '{density_quantiles,missing}'::text[], '{version}', '1'))::text::bnai_posterior, 20, 21)$$,
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

SELECT * FROM finish();
ROLLBACK;
