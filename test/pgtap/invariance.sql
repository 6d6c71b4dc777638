-- What must not matter: order of rows, order of columns, units, a second time.

\i examples/userinfo.sql

SELECT plan(10);

CREATE TABLE data AS SELECT id, avg_time_pages AS a, avg_time_pages_a AS b, NULL::text AS label FROM userinfo;

-- Clusters a table of the same rows and gives the run.
CREATE FUNCTION pg_temp.cluster(network text, source regclass, columns text[] DEFAULT '{a,b}', priors text DEFAULT 'vague', seed bigint DEFAULT 1)
RETURNS float8 LANGUAGE plpgsql AS $$
BEGIN
	PERFORM bnai_create_clustering(network, source, columns, results_column => 'label', priors => priors, restarts => 3, seed => seed);
	RETURN (SELECT elbo FROM bnai_infer(network));
END $$;

-- Tells how many rows of two tables with labels are grouped differently.
CREATE FUNCTION pg_temp.differences(one regclass, other regclass) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	n bigint;
BEGIN
	EXECUTE format('SELECT count(*) FROM %s AS x JOIN %s AS y USING (id) WHERE x.label IS DISTINCT FROM y.label', one, other) INTO n;
	RETURN n;
END $$;

CREATE TABLE permuted AS SELECT * FROM data ORDER BY hashint4(id + 3);
CREATE TABLE reversed AS SELECT * FROM data ORDER BY id DESC;
SELECT pg_temp.cluster('data', 'data') AS elbo \gset
-- 1e-9 relative: sums of the same 200 numbers in another order
SELECT ok(abs(pg_temp.cluster('permuted', 'permuted') - :elbo) < 1e-9 * abs(:elbo), 'permuted rows: the same bound');
SELECT is(pg_temp.differences('data', 'permuted'), 0::bigint, 'permuted rows: the same labels');
SELECT ok(abs(pg_temp.cluster('reversed', 'reversed') - :elbo) < 1e-9 * abs(:elbo), 'reversed rows: the same bound');
SELECT is(pg_temp.differences('data', 'reversed'), 0::bigint, 'reversed rows: the same labels');

CREATE TABLE swapped AS SELECT id, b, a, NULL::text AS label FROM data;
SELECT ok(abs(pg_temp.cluster('swapped', 'swapped', '{b,a}') - :elbo) < 1e-9 * abs(:elbo), 'swapped columns: the same bound');
SELECT is(pg_temp.differences('data', 'swapped'), 0::bigint, 'swapped columns: the same labels');

-- The answer does not depend on what else happened in the session
SELECT setseed(0.5);
CREATE TABLE again AS TABLE data;
SELECT is(pg_temp.cluster('again', 'again'), :elbo::float8, 'a second time: bit for bit');
SELECT is_empty($$ SELECT restart, iteration, elbo FROM bnai_trace('data') EXCEPT SELECT restart, iteration, elbo FROM bnai_trace('again') $$, 'the whole trace');

-- Units: with priors on the data's scale, powers of two change nothing but the bound by the log of the scale
CREATE TABLE scaled AS SELECT id, 1024 * a AS a, b / 4096 AS b, NULL::text AS label FROM data;
CREATE TABLE plain AS TABLE data;
SELECT pg_temp.cluster('plain', 'plain', priors => 'data') AS elbo_data \gset
SELECT ok(abs(pg_temp.cluster('scaled', 'scaled', priors => 'data') + 200 * (ln(1024) - ln(4096)) - :elbo_data) < 1e-6, 'scaled columns: the bound shifted by the log of the scale');
SELECT is(pg_temp.differences('plain', 'scaled'), 0::bigint, 'scaled columns: the same labels');

SELECT * FROM finish();
