-- How exact the values of a column are: what was rounded is no group, and what is exact is.

BEGIN;
SELECT plan(23);

-- Draws from the uniform distribution on (0, 1) and the standard normal (Box and Muller 1958), by a hash
CREATE FUNCTION uniform(n bigint, draw bigint) RETURNS float8 LANGUAGE sql IMMUTABLE AS $$
	SELECT 0.5 + hashint8extended(n, draw) / 18446744073709555712.0::float8 $$;
CREATE FUNCTION normal(n bigint, draw bigint) RETURNS float8 LANGUAGE sql IMMUTABLE AS $$
	SELECT sqrt(-2 * ln(uniform(n, 2 * draw))) * cos(2 * pi() * uniform(n, 2 * draw + 1)) $$;

-- The number of clusters of a column that an expression of i makes
CREATE FUNCTION clusters(expression text, n integer, type text DEFAULT 'float8', options text DEFAULT '') RETURNS integer LANGUAGE plpgsql AS $$
DECLARE result integer;
BEGIN
	EXECUTE format('CREATE TABLE one AS SELECT i, (%s)::%s AS x FROM generate_series(1, %s) AS i', expression, type, n);
	EXECUTE format('SELECT bnai_create_clustering(%L, %L, %L, restarts => 2 %s)', 'one', 'one', '{x}', options);
	SELECT i.clusters FROM bnai_infer('one') AS i INTO result;
	PERFORM bnai_drop_network('one');
	DROP TABLE one;
	RETURN result;
END $$;

\set kg 'round(((80 + 15 * normal(i, 1)) / 5)::numeric) * 5'
SELECT is(clusters(:'kg', 1000), 1, 'weights to the nearest 5 kg');
SELECT is(clusters('CASE i WHEN 1 THEN 81.3 ELSE ' || :'kg' || ' END', 1000), 1, 'one of them off the grid');
SELECT is(clusters('CASE i WHEN 1 THEN 81.3 ELSE ' || :'kg' || ' END', 1000, 'real'), 1, 'as real numbers');
SELECT is(clusters('CASE i WHEN 1 THEN 81.3 ELSE ' || :'kg' || ' END', 1000, 'numeric'), 1, 'as numeric');
SELECT is(clusters('1e6 + 2.20462 * CASE i WHEN 1 THEN 81.3 ELSE ' || :'kg' || ' END', 1000), 1, 'in pounds, and a million more');
SELECT is(clusters('CASE WHEN i % 20 = 0 THEN round(2.54 * (67 + 3 * normal(i, 1))) / 2.54 ELSE round(67 + 3 * normal(i, 1)) END', 1000), 1,
	'inches, of which one in twenty was measured in centimetres');
SELECT is(clusters('CASE WHEN uniform(i, 9) < 0.3 THEN round((45 + 13 * normal(i, 1)) / 10) * 10 ELSE round(45 + 13 * normal(i, 1)) END', 2000), 1,
	'ages, of which three in ten are round');
SELECT is(clusters('CASE i WHEN 7 THEN 63 ELSE round((60 + 40 * (i % 2) + 6 * normal(i, 1)) / 5) * 5 END', 1000), 2, 'two groups on a grid, and a value off it');
SELECT is(clusters('(i % 2) * 10 + (i % 7) * 0.2', 201), 2, 'two groups far apart on a fine grid');

SELECT is(clusters('CASE WHEN i % 2 = 0 THEN 9.99 ELSE 49.99 END', 1000, 'numeric'), 2, 'two exact prices');
SELECT is(clusters('1e6 + 100 * CASE WHEN i % 2 = 0 THEN 9.99 ELSE 49.99 END', 200), 2, 'in cents, and a million more');
SELECT is(clusters('CASE i WHEN 1 THEN 29.99 WHEN 2 THEN 12.5 ELSE CASE WHEN i % 3 = 0 THEN 9.99 ELSE 49.99 END END', 1000), 4, 'two exact prices, and two odd ones');
SELECT is(clusters('12 * (1 + i % 3)', 600, 'integer'), 3, 'contracts of 12, 24 and 36 months');
SELECT is(clusters('least(5, greatest(1, round(3.2 + 1.1 * normal(i, 1))))', 1000), 1, 'one to five stars');
SELECT is(clusters('CASE WHEN i % 2 = 0 THEN 9.99 ELSE 49.99 END', 1000, 'numeric', ', resolution => 0.6'), 1, 'a resolution that was set wins');

CREATE TABLE plan AS SELECT CASE WHEN i % 2 = 0 THEN 9.99 ELSE 49.99 END AS price FROM generate_series(1, 1000) AS i;
SELECT bnai_create_clustering('plan', 'plan', '{price}'); SELECT bnai_infer('plan') \g /dev/null
-- a ten-thousandth of the column's standard deviation, 20, is 0.002
SELECT results_eq($$ SELECT round(mean[1]::numeric, 6), sqrt(covariance[1][1]) < 0.01 FROM bnai_clusters WHERE network = 'plan' ORDER BY label $$,
	$$ VALUES (9.99, true), (49.99, true) $$, 'clusters of equal rows are where these are, and not wide');
SELECT cmp_ok(bnai_score('plan', 29.99), '<', bnai_score('plan', 9.99), 'what no row has is not usual');

-- at most as typical
CREATE TABLE shop AS SELECT i, (ARRAY[1,2,3,4,5,5,4,3,2,1])[1 + i % 10] AS stars, (ARRAY[1,1,2,2,3])[1 + i % 5] AS visits FROM generate_series(1, 1000) i;
SELECT bnai_create_clustering('shop', 'shop', '{stars,visits}', max_clusters => 1); SELECT bnai_infer('shop') \g /dev/null
SELECT is(count(*) FILTER (WHERE abs(t - share) > 0.011), 0::bigint, 'rows are as typical as so many are at most as dense, to the percent that quantiles are apart')
FROM (SELECT bnai_typicality('shop', stars, visits) AS t, cume_dist() OVER (ORDER BY round(bnai_score('shop', stars, visits)::numeric, 6)) AS share FROM shop) AS ranked;
SELECT is(bnai_typicality('shop', 60, 9), 0::float8, 'what no row has is not typical at all');

-- a number for what is unknown
CREATE TABLE sensor AS SELECT i, CASE WHEN i = 7 THEN 2147483647 ELSE 20 + 40 * (i % 2) + 3 * normal(i, 1) END AS t FROM generate_series(1, 1000) i;
SELECT bnai_create_clustering('sensor', 'sensor', '{t}', restarts => 2), bnai_create_clustering('sensor_robust', 'sensor', '{t}', restarts => 2, robust => true);
SET LOCAL client_min_messages = error;	-- the column holds 2147483647
SELECT bnai_infer('sensor'), bnai_infer('sensor_robust') \g /dev/null
RESET client_min_messages;
SELECT results_eq($$ SELECT round(mean[1] / 10) * 10, round(sqrt(covariance[1][1])) FROM bnai_clusters WHERE network = 'sensor' AND size > 1 ORDER BY 1 $$,
	$$ VALUES (20::float8, 3::float8), (60, 3) $$, 'the largest integer does not make all others one');
SELECT is((SELECT count(*) FROM bnai_clusters WHERE network = 'sensor_robust' AND size > 1), 2::bigint, 'nor where tails are heavy');

-- one precision for all
CREATE TABLE grid AS SELECT round(4 * normal(i, 3)) / 4 AS x FROM generate_series(1, 2000) AS i;
SELECT bnai_create_clustering('tied', 'grid', '{x}', max_clusters => 25, covariance => 'tied', restarts => 1),
	bnai_create_clustering('full', 'grid', '{x}', max_clusters => 25, restarts => 1);
SELECT t.clusters, t.elbo >= f.elbo - 0.01 AS better FROM bnai_infer('tied') AS t, bnai_infer('full') AS f \gset
SELECT is(:clusters, 1, 'no cluster for each value of a grid, where they share a precision');
SELECT ok(:'better', 'which is the better bound');

SELECT * FROM finish();
ROLLBACK;
