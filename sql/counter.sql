-- Counting changes, by hand and by triggers, and inferring again at a threshold.
CREATE TABLE visits (id serial PRIMARY KEY, x float8, note text, label text);
INSERT INTO visits (x) SELECT i % 7 FROM generate_series(1, 20) i;
SELECT bnai_create_network('c');
SELECT bnai_add_node('c', 'mu', 'GaussianARD', '0, 1e-6');
SELECT bnai_add_node('c', 'tau', 'Gamma', '1e-6, 1e-6');
SELECT bnai_add_node('c', 'x', 'GaussianARD', 'mu, tau', 'visits', '{x}');
CREATE VIEW counted AS SELECT counter, (SELECT count(*) FROM bnai_runs r WHERE r.network = s.network) AS runs
	FROM bnai_status s WHERE network = 'c';

-- by hand
SELECT counter FROM counted;
SELECT bnai_increment('c', 5);
SELECT bnai_increment('c', 0);
SELECT counter FROM counted;
SELECT bnai_increment('c', -1);
SELECT bnai_increment('c', NULL);
SELECT bnai_increment('nobody', 1);
SELECT bnai_increment('c', 9223372036854775807);
SELECT bnai_increment('c', 9223372036854775807);
SELECT counter FROM counted;
SELECT bnai_recalculate_if_needed('c', 1);
SELECT counter, runs FROM counted;

-- what is refused
SELECT bnai_watch('c', 'visits', 'SELECT');
SELECT bnai_watch('c', 'visits', 'INSERT', 0);
SELECT bnai_watch('c', NULL, 'INSERT');
SELECT bnai_watch('c', 'counted', 'INSERT');
CREATE TEMP TABLE passing (x int);
SELECT bnai_watch('c', 'passing', 'INSERT');
CREATE FOREIGN DATA WRAPPER nothing;
CREATE SERVER nowhere FOREIGN DATA WRAPPER nothing;
CREATE FOREIGN TABLE elsewhere (x int) SERVER nowhere;
SELECT bnai_watch('c', 'elsewhere', 'INSERT');

-- each event has its own trigger and increment
SELECT bnai_watch('c', 'visits', 'INSERT', increment => 5);
SELECT bnai_watch('c', 'visits', 'update', 1);
SELECT * FROM bnai_watches ORDER BY 1, 2, 3;
SELECT regexp_replace(tgname, '\d+', 'N') AS tgname FROM pg_trigger WHERE tgrelid = 'visits'::regclass ORDER BY 1;
INSERT INTO visits (x) VALUES (1), (2), (3);
SELECT counter FROM counted;
UPDATE visits SET x = x + 1 WHERE id <= 4;
SELECT counter FROM counted;
DELETE FROM visits WHERE id > 20;
UPDATE visits SET x = 0 WHERE false;
SELECT counter FROM counted;
INSERT INTO visits (id, x) VALUES (1, 9), (100, 9) ON CONFLICT (id) DO UPDATE SET x = 9;
SELECT counter FROM counted;
COPY visits (x) FROM stdin;
1
2
\.
SELECT counter FROM counted;
SELECT bnai_watch('c', 'visits', 'INSERT', increment => 10);
INSERT INTO visits (x) VALUES (1);
SELECT counter FROM counted;
SELECT bnai_watch('c', 'visits', 'DELETE');
DELETE FROM visits WHERE id > 20;
SELECT counter FROM counted;
SELECT bnai_watch('c', 'visits', 'TRUNCATE');
BEGIN;
TRUNCATE visits;
SELECT counter FROM counted;
ROLLBACK;

-- what is rolled back was not counted
BEGIN;
INSERT INTO visits (x) VALUES (1);
SAVEPOINT s;
INSERT INTO visits (x) VALUES (1);
SELECT counter FROM counted;
ROLLBACK TO s;
SELECT counter FROM counted;
ROLLBACK;
SELECT counter FROM counted;

-- the threshold: by default nothing happens
SELECT bnai_set('c', 'counter_threshold', '60');
INSERT INTO visits (x) VALUES (1), (2);
SELECT counter, runs FROM counted;
SELECT bnai_recalculate_if_needed('c', 1000);
SELECT bnai_recalculate_if_needed('c');
SELECT counter, runs FROM counted;
SELECT bnai_recalculate_if_needed('c');
SELECT bnai_recalculate_if_needed('c', 0);
SELECT bnai_set('c', 'threshold_action', 'recalculate');
INSERT INTO visits (x) SELECT 2 FROM generate_series(1, 5);
SELECT counter, runs FROM counted;
INSERT INTO visits (x) VALUES (1);
SELECT counter, runs FROM counted;
BEGIN;
INSERT INTO visits (x) SELECT 2 FROM generate_series(1, 7);
SELECT counter, runs FROM counted;
ROLLBACK;
SELECT counter, runs FROM counted;
SELECT bnai_increment('c', 60);
SELECT counter, runs FROM counted;

-- a failed inference does not fail the statement, and is not tried again at once
TRUNCATE visits;
SELECT bnai_increment('c', 60);
SELECT counter, runs FROM counted;
INSERT INTO visits (x) VALUES (1), (2), (3);
SELECT counter, runs FROM counted;

-- no more of it
SELECT bnai_unwatch('c', 'visits', 'INSERT');
INSERT INTO visits (x) VALUES (1), (2), (3);
SELECT counter, runs FROM counted;
SELECT * FROM bnai_watches ORDER BY 1, 2, 3;
SELECT bnai_unwatch('c');
SELECT bnai_unwatch('c');
SELECT tgname FROM pg_trigger WHERE tgrelid = 'visits'::regclass;
SELECT bnai_watch('c', 'visits', 'INSERT');
SELECT bnai_drop_network('c');
SELECT tgname FROM pg_trigger WHERE tgrelid = 'visits'::regclass;

-- the network's own UPDATE does not count, also after an error and in a savepoint
INSERT INTO visits (x) SELECT CASE WHEN i % 2 = 0 THEN 0 ELSE 100 END + i % 5 FROM generate_series(1, 40) i;
SELECT bnai_create_clustering('c', 'visits', '{x}', 'label', max_clusters => 3);
SELECT bnai_watch('c', 'visits', 'UPDATE');
SELECT clusters, rows_relabelled > 0 AS relabelled FROM bnai_infer('c');
SELECT counter, runs FROM counted;
UPDATE visits SET note = 'x' WHERE id = (SELECT min(id) FROM visits);
SELECT counter FROM counted;
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no'; END $$;
CREATE TRIGGER zrefuse AFTER UPDATE OF label ON visits FOR EACH ROW EXECUTE FUNCTION refuse();
SELECT bnai_reset('c');
BEGIN;
SAVEPOINT s;
SELECT bnai_reset('c');
ROLLBACK TO s;
UPDATE visits SET note = 'y' WHERE id = (SELECT min(id) FROM visits);
COMMIT;
SELECT counter FROM counted;
DROP TRIGGER zrefuse ON visits;
BEGIN;
SAVEPOINT s;
SELECT bnai_reset('c') > 0;
ROLLBACK TO s;
SELECT bnai_reset('c') > 0;
COMMIT;
SELECT counter FROM counted;

-- partitions: the table, each leaf, and those between
CREATE TABLE parted (x float8, y int) PARTITION BY LIST (y);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES IN (1);
CREATE TABLE parted_2 PARTITION OF parted FOR VALUES IN (2, 3) PARTITION BY LIST (y);
CREATE TABLE parted_2_2 PARTITION OF parted_2 FOR VALUES IN (2);
CREATE TABLE parted_2_3 PARTITION OF parted_2 FOR VALUES IN (3);
SELECT bnai_unwatch('c');
SELECT bnai_watch('c', 'parted', event) FROM unnest('{INSERT,UPDATE,DELETE,TRUNCATE}'::text[]) event;
SELECT tgrelid::regclass, count(*) FROM pg_trigger WHERE tgname LIKE 'bnai_watch%' GROUP BY 1 ORDER BY 1::text;
INSERT INTO parted VALUES (1, 1), (1, 2), (1, 3);
SELECT counter - 2 AS counter FROM counted;
INSERT INTO parted_2 VALUES (1, 2), (1, 3);
INSERT INTO parted_2_2 VALUES (1, 2);
SELECT counter - 2 AS counter FROM counted;
UPDATE parted SET y = 3 WHERE y = 1;
SELECT counter - 2 AS counter FROM counted;
DELETE FROM parted_2_2;
SELECT counter - 2 AS counter FROM counted;
TRUNCATE parted;
SELECT counter - 2 AS counter FROM counted;
CREATE TABLE parted_4 PARTITION OF parted FOR VALUES IN (4);
SELECT bnai_watch('c', 'parted', 'INSERT', 2);
INSERT INTO parted_4 VALUES (1, 4);
SELECT counter - 2 AS counter FROM counted;
ALTER TABLE parted DETACH PARTITION parted_4;
INSERT INTO parted_4 VALUES (1, 4);
SELECT counter - 2 AS counter FROM counted;
CREATE FOREIGN TABLE parted_5 PARTITION OF parted FOR VALUES IN (5) SERVER nowhere;
SELECT bnai_watch('c', 'parted', 'UPDATE', 2);
DROP FOREIGN TABLE parted_5;
SELECT bnai_watch('c', 'parted_1', 'INSERT');
SELECT bnai_unwatch('c', 'parted');
SELECT tgrelid::regclass, tgname ~ 'insert$' FROM pg_trigger WHERE tgname LIKE 'bnai_watch%' ORDER BY 1::text;

-- a trigger that nobody with rights on the network asked for counts nothing
CREATE TABLE trap (x int);
CREATE TRIGGER t AFTER INSERT ON trap REFERENCING NEW TABLE AS n FOR EACH STATEMENT EXECUTE FUNCTION bnai_count_rows('c');
CREATE TRIGGER u AFTER INSERT ON trap REFERENCING NEW TABLE AS n FOR EACH STATEMENT EXECUTE FUNCTION bnai_count_rows('nobody');
INSERT INTO trap VALUES (1);
SELECT counter - 2 AS counter FROM counted;
CREATE TRIGGER v AFTER INSERT ON trap FOR EACH STATEMENT EXECUTE FUNCTION bnai_count_rows();
INSERT INTO trap VALUES (1);

-- one who restores a dump does not count
SELECT bnai_unwatch('c');
SELECT bnai_watch('c', 'visits', 'INSERT');
SET check_function_bodies = off;
SELECT set_config('search_path', '', false);
INSERT INTO public.visits (x) VALUES (1);
RESET search_path;
RESET check_function_bodies;
SELECT counter - 2 AS counter FROM counted;

SELECT bnai_drop_network('c');
DROP VIEW counted;
DROP TABLE visits, parted, parted_4, trap;
DROP FOREIGN DATA WRAPPER nothing CASCADE;
DROP FUNCTION refuse;
