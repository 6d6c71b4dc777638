-- Inference wherever a statement may stand.

\i examples/userinfo.sql

SELECT plan(38);

CREATE TABLE data AS SELECT id, avg_time_pages AS a, avg_time_pages_a AS b, NULL::text AS label FROM userinfo;
SELECT bnai_create_clustering('net', 'data', '{a,b}', results_column => 'label', restarts => 2);
CREATE FUNCTION pg_temp.runs() RETURNS bigint LANGUAGE sql AS $$ SELECT count(*) FROM bnai_runs WHERE network = 'net' $$;

-- An EXCEPTION block that fails after an inference takes it back, one that does not keeps it
DO $$
BEGIN
	PERFORM bnai_infer('net');
	RAISE 'undo';
EXCEPTION WHEN raise_exception THEN
	NULL;
END $$;
SELECT is(pg_temp.runs(), 0::bigint, 'an EXCEPTION block takes the run back');
SELECT is((SELECT count(label) FROM data), 0::bigint, 'with the labels');
SELECT is(bnai_predict('net', 16, 16), NULL, 'and the posterior');
DO $$
BEGIN
	PERFORM bnai_infer('net');
EXCEPTION WHEN raise_exception THEN
	NULL;
END $$;
SELECT is(pg_temp.runs(), 1::bigint, 'and keeps a run that went well');
SELECT is((SELECT count(label) FROM data), 200::bigint, 'with the labels');

-- An error inside the inference, caught
UPDATE data SET a = 'NaN' WHERE id = 5;
DO $$
BEGIN
	PERFORM bnai_infer('net');
EXCEPTION WHEN OTHERS THEN
	RAISE NOTICE '%', sqlerrm;
END $$;
UPDATE data SET a = 20 WHERE id = 5;
SELECT is(pg_temp.runs(), 1::bigint, 'a failed inference leaves the old run');
SELECT is(bnai_predict('net', 16, 16), 'A', 'in force');

-- Savepoints
BEGIN;
SAVEPOINT s;
DELETE FROM data WHERE label = 'D';
SELECT is(clusters, 3, 'in a savepoint: one group less') FROM bnai_infer('net');
SELECT is(bnai_predict('net', 20, 22), (SELECT label FROM data WHERE a BETWEEN 19.5 AND 20.5 AND b > 21.5 ORDER BY id LIMIT 1), 'predictions follow');
ROLLBACK TO s;
SELECT is((SELECT count(*) FROM bnai_clusters WHERE network = 'net'), 4::bigint, 'rolled back: four clusters');
SELECT is(bnai_predict('net', 25, 25), 'D', 'and the old predictions, in the same transaction');
SELECT is(clusters, 4, 'again, after the rollback to a savepoint') FROM bnai_infer('net');
RELEASE s;
COMMIT;
SELECT is(pg_temp.runs(), 2::bigint, 'committed');

-- Twice in one transaction, and what a transaction sees of its own rows
BEGIN;
INSERT INTO data SELECT 1000 + i, 60 + cos(i), 60 + sin(i) FROM generate_series(1, 30) AS i;
SELECT is((rows, clusters)::text, '(230,5)', 'sees the rows of its own transaction') FROM bnai_infer('net');
SELECT is(rows_relabelled, 0::bigint, 'a second time in the same transaction') FROM bnai_infer('net');
ROLLBACK;
SELECT is((SELECT count(*) FROM bnai_clusters WHERE network = 'net'), 4::bigint, 'rolled back');

-- Isolation levels
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT is(clusters, 4, 'SERIALIZABLE') FROM bnai_infer('net');
COMMIT;
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT is(clusters, 4, 'REPEATABLE READ') FROM bnai_infer('net');
COMMIT;

-- Read only
BEGIN READ ONLY;
SELECT throws_ok($$ SELECT count(*) FROM bnai_infer('net') $$, '25006', 'cannot execute bnai_infer() in a read-only transaction', 'a read-only transaction');
SELECT throws_ok($$ SELECT bnai_reset('net') $$, '25006', 'cannot execute bnai_reset() in a read-only transaction', 'reset in a read-only transaction');
SELECT throws_ok($$ SELECT bnai_set('net', 'seed', '2') $$, '25006', NULL, 'bnai_set in a read-only transaction');
SELECT throws_ok($$ SELECT bnai_create_network('other') $$, '25006', NULL, 'bnai_create_network in a read-only transaction');
SELECT is(bnai_predict('net', 25, 25), 'D', 'predictions are allowed there');
ROLLBACK;

-- A cursor loop over networks; a cursor over the table that the inference updates
SELECT bnai_create_clustering('net_' || i, 'data', '{a,b}', seed => i, restarts => 1) FROM generate_series(1, 3) AS i;
DO $$
DECLARE
	n record;
BEGIN
	FOR n IN SELECT network FROM bnai_networks WHERE network LIKE 'net\_%' LOOP
		PERFORM bnai_infer(n.network);
		COMMIT;
	END LOOP;
END $$;
SELECT is((SELECT count(*) FROM bnai_status WHERE network LIKE 'net\_%' AND clusters >= 1), 3::bigint, 'a cursor loop with COMMIT');
SELECT is((SELECT count(i.run) FROM bnai_networks AS n, LATERAL bnai_infer(n.network) AS i WHERE n.network LIKE 'net\_%'), 3::bigint, 'as a lateral call');
BEGIN;
SELECT bnai_reset('net');
DECLARE c CURSOR FOR SELECT id FROM data ORDER BY id;
FETCH 1 FROM c;
SELECT lives_ok($$ SELECT count(*) FROM bnai_infer('net') $$, 'while a cursor on the table is open');
CLOSE c;
COMMIT;

-- An AFTER trigger, of a row and of a statement; bnai's own UPDATE fires the user's triggers once
CREATE TABLE log (label text);
CREATE FUNCTION infer() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM bnai_infer('net');
	RETURN NULL;
END $$;
CREATE TRIGGER infer AFTER INSERT ON data EXECUTE FUNCTION infer();
CREATE FUNCTION log() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO log VALUES (new.label);
	RETURN NULL;
END $$;
CREATE TRIGGER log AFTER UPDATE OF label ON data FOR EACH ROW EXECUTE FUNCTION log();
INSERT INTO data VALUES (2000, 16, 16), (2001, 25, 25);
SELECT results_eq('SELECT label FROM data WHERE id >= 2000 ORDER BY id', $$ VALUES ('A'), ('D') $$, 'an AFTER trigger of a statement');
SELECT ok((SELECT count(*) BETWEEN 2 AND 10 FROM log), 'the user''s trigger on the results column fires for the changed rows only');
DROP TRIGGER infer ON data;
CREATE CONSTRAINT TRIGGER infer AFTER INSERT ON data DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION infer();
BEGIN;
INSERT INTO data VALUES (2002, 16.1, 16), (2003, 25.1, 25);
COMMIT;
SELECT results_eq('SELECT label FROM data WHERE id >= 2002 ORDER BY id', $$ VALUES ('A'), ('D') $$, 'a deferred trigger, twice in one commit');
DROP TRIGGER infer ON data;

-- A BEFORE trigger of the table that the inference is to update
CREATE TRIGGER infer BEFORE INSERT ON data FOR EACH ROW EXECUTE FUNCTION infer();
SELECT lives_ok('INSERT INTO data VALUES (2004, 16.1, 16)', 'a BEFORE trigger that returns NULL');
DROP TRIGGER infer ON data;

-- An inference out of an inference of the same network is refused: a statement trigger on
-- the results column would go on for ever, for it fires for no rows, too
CREATE TRIGGER infer AFTER UPDATE OF label ON data EXECUTE FUNCTION infer();
SELECT throws_ok($$ UPDATE data SET label = 'spoilt' WHERE id = 1 $$, '55006', NULL, 'an inference out of its own UPDATE is refused');
SELECT throws_like($$ SELECT count(*) FROM bnai_infer('net') $$, '%"net"%being inferred%', 'and says why');
DROP TRIGGER infer ON data;

-- Prepared statements and functions keep working after refits
PREPARE p AS SELECT bnai_predict('net', 25, 25);
SELECT results_eq('EXECUTE p', $$ VALUES ('D') $$, 'a prepared prediction');
SELECT bnai_reset('net');
SELECT results_eq('EXECUTE p', $$ VALUES (NULL::text) $$, 'sees a reset');
SELECT count(*) FROM bnai_infer('net');
SELECT results_eq('EXECUTE p', $$ VALUES ('D') $$, 'and a new run');

-- Defined and inferred by one statement, whose snapshot is older than the network
SELECT clusters AS clusters_of_one FROM (SELECT bnai_create_clustering('one', 'data', '{a,b}'), bnai_infer('one') AS run OFFSET 0) AS s, LATERAL (SELECT (s.run).clusters) AS c \gset
SELECT is(:clusters_of_one, 4, 'a network is inferred by the statement that defines it');

-- A transaction that creates many networks takes no lock for each
BEGIN;
SELECT count(bnai_create_clustering('many' || i, 'data', '{a,b}')), count(bnai_add_node('many' || i, 'more', 'Gamma', '1, 1')), count(bnai_set('many' || i, 'seed', '7')) FROM generate_series(1, 50) AS i;
SELECT ok(count(*) < 30, format('%s locks for 50 networks', count(*))) FROM pg_locks WHERE pid = pg_backend_pid();
SELECT throws_ok($$ SELECT bnai_create_network('many7') $$, '42710', 'network "many7" already exists', 'each name once');
COMMIT;

SELECT * FROM finish();
