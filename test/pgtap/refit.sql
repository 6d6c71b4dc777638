-- Inferences that a counter or a schedule asks for go on from the current run, while that is good enough.
BEGIN;
SELECT no_plan();

CREATE TABLE points (id serial, x float8, y float8, label text);
-- normal rows (Box and Muller), from two sequences that fill the square evenly
CREATE FUNCTION three_groups(n int) RETURNS void LANGUAGE sql AS $$
	INSERT INTO points (x, y)
	SELECT 30 * (i % 3) + sqrt(-2 * ln(u::float8)) * cos(v), 20 * (i % 3 % 2) + sqrt(-2 * ln(u::float8)) * sin(v)
	FROM generate_series(1, n) i,
		LATERAL (SELECT (0.6180339887 * i + 0.001) % 1 AS u, 2 * pi() * ((0.7548776662 * i) % 1)::float8 AS v) w
$$;
CREATE FUNCTION latest() RETURNS SETOF bnai_runs LANGUAGE sql AS $$ SELECT * FROM bnai_runs ORDER BY run DESC LIMIT 1 $$;
CREATE FUNCTION refit() RETURNS boolean LANGUAGE sql AS $$
	SELECT bnai_increment('m', 1);
	SELECT bnai_recalculate_if_needed('m', 1);
	SELECT warm FROM latest();
$$;

SELECT three_groups(3000);
SELECT bnai_create_clustering('m', 'points', '{x,y}', 'label', max_clusters => 6, restarts => 3);
SELECT throws_ok('SELECT bnai_set(''m'', ''refit'', ''hot'')', '22023', NULL, 'a way to refit that there is not');
SELECT ok(NOT refit(), 'the first inference has nothing to begin from');
CREATE TEMP TABLE first AS SELECT * FROM latest();

-- 1 % more of the same
SELECT three_groups(30);
SELECT ok(refit(), 'the next one goes on from it');
SELECT is(restarts, 1, 'whatever number of restarts is set') FROM latest();
SELECT cmp_ok(l.passes, '<', f.passes / 2, 'at less than half of the cost') FROM latest() l, first f;
CREATE TEMP TABLE warm AS SELECT * FROM latest();
SELECT is_empty('SELECT * FROM points WHERE label IS DISTINCT FROM bnai_predict(''m'', x, y)', 'all rows have their labels, new ones, too');

SELECT bnai_set('m', 'refit', 'full');
SELECT ok(NOT refit(), 'full: it searches');
-- both have converged to what is left of the tolerance, 1e-3 nats; a longer way may leave several times as much
SELECT cmp_ok(abs(l.elbo - w.elbo), '<', 0.05::float8, 'and finds the same') FROM latest() l, warm w;
SELECT bnai_set('m', 'refit', 'warm');
SELECT ok(refit(), 'warm: it goes on');
SELECT is((SELECT count(*) FROM bnai_infer('m')), 1::bigint, 'who infers by hand');
SELECT ok(NOT warm, 'gets a search') FROM latest();
SELECT bnai_set('m', 'refit', NULL);

-- the guard
SELECT ok(refit(), 'auto: it goes on');
SELECT three_groups(900);
SELECT ok(NOT refit(), 'it searches when many rows have come');
DELETE FROM points WHERE id % 3 = 0;
SELECT ok(NOT refit(), 'or gone');
SELECT ok(refit(), 'and goes on after that');
INSERT INTO points (x, y) SELECT 1000 * sin(i * i), 1000 * cos(i * i * i) FROM generate_series(1, 60) i;
SELECT bnai_set('m', 'refit', 'warm');
SAVEPOINT s;
SELECT ok(refit(), 'rows that fit nothing: warm goes on all the same');
ROLLBACK TO s;
SELECT bnai_set('m', 'refit', 'auto');
SELECT ok(NOT refit() OR elbo / rows > (SELECT elbo / rows FROM warm) - 0.01, 'auto searches, unless going on has found them a place') FROM latest();
SELECT bnai_infer('m');
SELECT bnai_set('m', 'history', '12');
CREATE TEMP TABLE eleven AS SELECT i, refit() AS warm FROM generate_series(1, 11) i;
SELECT is_empty('SELECT i FROM eleven WHERE NOT warm', 'where nothing changes it goes on again and again');
SELECT results_eq('SELECT i FROM (SELECT 12 - row_number() OVER (ORDER BY run DESC) AS i, passes FROM bnai_runs ORDER BY run DESC LIMIT 11) r
	WHERE passes > 2 * (SELECT passes FROM latest())', 'VALUES (10::bigint)', 'now and then it searches beside it in any case');

-- a run that does not fit the network any more, and none
SELECT bnai_reset('m');
SELECT ok(NOT refit(), 'after a reset there is nothing to begin from');
SELECT * FROM finish();
ROLLBACK;
