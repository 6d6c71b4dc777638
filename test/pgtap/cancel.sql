-- A cancelled inference leaves nothing behind, in whatever phase it was.

SELECT plan(16);

-- Tells whether a statement is cancelled; throws_ok lets that through.
CREATE FUNCTION pg_temp.is_cancelled(statement text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE statement;
	RETURN false;
EXCEPTION WHEN query_canceled THEN
	RETURN true;
END $$;

CREATE TABLE points (id integer, x float8, y float8, label text);
INSERT INTO points
SELECT i, i % 3 * 10 + hashint4(i) / 2147483648.0, hashint4(-i) / 2147483648.0 FROM generate_series(1, 50000) AS i;
-- An inference that would last for days
SELECT bnai_create_clustering('endless', 'points', '{x,y}', results_column => 'label', max_clusters => 5, restarts => 1, moves => false,
							  tolerance => 0, max_iterations => 1000000000, restart_sample => 0);

SET statement_timeout = '500ms';
SELECT ok(pg_temp.is_cancelled($$ SELECT count(*) FROM bnai_infer('endless') $$), 'cancelled while it iterates');
RESET statement_timeout;
SELECT is((SELECT count(*) FROM bnai_runs), 0::bigint, 'no run');
SELECT is((SELECT count(label) FROM points), 0::bigint, 'no label');
SELECT is_empty($$ SELECT * FROM bnai_clusters $$, 'no cluster');
SELECT is_empty($$ SELECT locktype, mode FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'object' $$, 'no lock on the network');
SELECT is(bnai_predict('endless', 1, 1), NULL, 'no posterior');

-- In the middle of the load: a source that never ends
CREATE VIEW slow AS SELECT x, y FROM points, LATERAL (SELECT pg_sleep(0.01) WHERE id % 100 = 0 OFFSET 0) AS s
	UNION ALL SELECT x, y FROM points, LATERAL (SELECT pg_sleep(1) OFFSET 0) AS s;
SELECT bnai_create_clustering('loading', 'slow', '{x,y}');
SET statement_timeout = '500ms';
SELECT ok(pg_temp.is_cancelled($$ SELECT count(*) FROM bnai_infer('loading') $$), 'cancelled while it loads');
RESET statement_timeout;
SELECT is_empty($$ SELECT name FROM pg_cursors WHERE name LIKE '%bnai%' $$, 'no cursor stays open');

-- In the middle of the UPDATE
SELECT bnai_set('endless', 'max_iterations', '3');
CREATE FUNCTION slow_down() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF new.id >= 500 THEN
		PERFORM pg_sleep(1);
	END IF;
	RETURN new;
END $$;
CREATE TRIGGER slow_down BEFORE UPDATE ON points FOR EACH ROW EXECUTE FUNCTION slow_down();
SET statement_timeout = '2s';
SELECT ok(pg_temp.is_cancelled($$ SELECT count(*) FROM bnai_infer('endless') $$), 'cancelled while it writes');
RESET statement_timeout;
SELECT is((SELECT count(*) FROM bnai_runs), 0::bigint, 'no run');
SELECT is((SELECT count(label) FROM points), 0::bigint, 'no label');

-- An error of the user's own trigger
CREATE OR REPLACE FUNCTION slow_down() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF new.id = 777 THEN
		RAISE 'not this one';
	END IF;
	RETURN new;
END $$;
SELECT throws_ok($$ SELECT count(*) FROM bnai_infer('endless') $$, 'P0001', 'not this one', 'an error of a trigger on the table');
SELECT is((SELECT count(*) FROM bnai_runs), 0::bigint, 'no run');
SELECT is((SELECT count(label) FROM points), 0::bigint, 'no label');

-- And afterwards it works
DROP TRIGGER slow_down ON points;
SELECT is(rows_relabelled, 50000::bigint, 'afterwards it works') FROM bnai_infer('endless');
SELECT is((SELECT count(*) FROM bnai_runs WHERE is_current), 1::bigint, 'and is the current run');

SELECT * FROM finish();
