-- Labels that a table's owner keeps from being written: it is said, and only what was written is counted.
BEGIN;
SELECT no_plan();

CREATE TABLE base AS SELECT i AS id, (i % 2) * 10.0 + (i % 3) AS x, (i % 2) * 5.0 AS y, NULL::text AS cluster FROM generate_series(1, 100) i;

-- rules
CREATE TABLE closed AS TABLE base;
CREATE RULE no_update AS ON UPDATE TO closed DO INSTEAD NOTHING;
SELECT throws_ok($$SELECT bnai_create_clustering('closed', 'closed', '{x,y}', results_column => 'cluster')$$, '55000',
	'labels cannot be written to table "closed"', 'a rule instead of the UPDATE is found when the results column is set');
ALTER TABLE closed DISABLE RULE no_update;
SELECT bnai_create_clustering('closed', 'closed', '{x,y}', results_column => 'cluster');
ALTER TABLE closed ENABLE RULE no_update;
SELECT throws_ok($$SELECT * FROM bnai_infer('closed')$$, '55000', 'labels cannot be written to table "closed"', 'and when it is written');
SELECT throws_ok($$SELECT bnai_reset('closed')$$, '55000', 'labels cannot be written to table "closed"', 'and when it is cleared');
DROP RULE no_update ON closed;
CREATE TABLE elsewhere AS TABLE base;
CREATE RULE other_table AS ON UPDATE TO closed DO INSTEAD UPDATE elsewhere SET cluster = NEW.cluster WHERE id = NEW.id;
SELECT throws_ok($$SELECT * FROM bnai_infer('closed')$$, '55000', 'labels cannot be written to table "closed"', 'a rule that updates another table');
DROP RULE other_table ON closed;
CREATE RULE one_row AS ON UPDATE TO closed WHERE OLD.id = 1 DO INSTEAD NOTHING;
SELECT throws_ok($$SELECT * FROM bnai_infer('closed')$$, '55000', 'labels cannot be written to table "closed"', 'a rule for some rows');
DROP RULE one_row ON closed;
CREATE RULE besides AS ON UPDATE TO closed DO ALSO UPDATE elsewhere SET cluster = NEW.cluster WHERE id = NEW.id;
SELECT is(rows_relabelled, 100::bigint, 'a rule besides the UPDATE changes nothing') FROM bnai_infer('closed');

-- triggers
CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN CASE WHEN NEW.id % 2 = 0 THEN NEW END; END $$;
CREATE FUNCTION restore() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.cluster := OLD.cluster; RETURN NEW; END $$;
CREATE FUNCTION let_pass() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;

CREATE TABLE part AS TABLE base;
CREATE FUNCTION stored(OUT rows bigint) LANGUAGE sql AS 'SELECT count(cluster) FROM part';
SELECT bnai_create_clustering('part', 'part', '{x,y}', results_column => 'cluster');
CREATE TRIGGER s BEFORE UPDATE ON part FOR EACH ROW EXECUTE FUNCTION swallow();
SELECT is(rows_relabelled, 50::bigint, 'rows that a trigger swallows are not counted') FROM bnai_infer('part');
SELECT is(stored(), 50::bigint, 'as many have a label');
SELECT is(bnai_reset('part'), 50::bigint, 'those are cleared');
DROP TRIGGER s ON part;
CREATE TRIGGER r BEFORE UPDATE ON part FOR EACH ROW EXECUTE FUNCTION restore();
SELECT is(rows_relabelled, 0::bigint, 'rows whose labels a trigger takes back are not counted') FROM bnai_infer('part');
SELECT is(stored(), 0::bigint, 'none has a label');
ALTER TABLE part DISABLE TRIGGER r;
SELECT is(bnai_rollback('part', run), 100::bigint, 'a disabled trigger is none') FROM bnai_runs WHERE network = 'part' AND is_current;
ALTER TABLE part ENABLE TRIGGER r;
SELECT is(bnai_reset('part'), 0::bigint, 'labels that cannot be cleared are not counted');
SELECT is(stored(), 100::bigint, 'all have one');
DROP TRIGGER r ON part;
SELECT is(bnai_reset('part'), 100::bigint, 'without the trigger they are cleared');
CREATE TRIGGER p BEFORE UPDATE ON part FOR EACH ROW EXECUTE FUNCTION let_pass();
SELECT is(rows_relabelled, 100::bigint, 'a trigger that lets them pass changes nothing') FROM bnai_infer('part');

-- parts
CREATE TABLE parted (LIKE base) PARTITION BY RANGE (id);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (50);
CREATE TABLE parted_2 PARTITION OF parted FOR VALUES FROM (50) TO (200);
INSERT INTO parted TABLE base;
CREATE TRIGGER r BEFORE UPDATE ON parted_2 FOR EACH ROW EXECUTE FUNCTION restore();
SELECT bnai_create_clustering('parted', 'parted', '{x,y}', results_column => 'cluster');
SELECT is(rows_relabelled, 49::bigint, 'a trigger of one partition') FROM bnai_infer('parted');
SELECT finish();
ROLLBACK;
