-- A partition or a child that is watched itself: rows that reach it through its parent count as those that name it.
BEGIN;
SELECT no_plan();

CREATE TABLE ev (day int, x float8, cluster text) PARTITION BY RANGE (day);
CREATE TABLE ev_1 PARTITION OF ev FOR VALUES FROM (1) TO (2);
CREATE TABLE ev_2 PARTITION OF ev FOR VALUES FROM (2) TO (10) PARTITION BY RANGE (day);
CREATE TABLE ev_2_2 PARTITION OF ev_2 FOR VALUES FROM (2) TO (3);
CREATE TABLE family (x float8);
CREATE TABLE child () INHERITS (family);

-- Runs a statement and tells how much it counted.
CREATE FUNCTION counts(network text, statement text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	before bigint := (SELECT counter FROM bnai_status s WHERE s.network = counts.network);
BEGIN
	EXECUTE statement;
	RETURN (SELECT counter FROM bnai_status s WHERE s.network = counts.network) - before;
END $$;

SELECT bnai_create_clustering('one', 'ev_1', '{x}', results_column => 'cluster');
SELECT bnai_watch('one', 'ev_1', event) FROM unnest('{INSERT,UPDATE,DELETE,TRUNCATE}'::text[]) event;
SELECT bnai_create_clustering('two', 'ev_2', '{x}');
SELECT bnai_watch('two', 'ev_2', event) FROM unnest('{INSERT,UPDATE,DELETE,TRUNCATE}'::text[]) event;
SELECT bnai_create_clustering('child', 'child', '{x}');
SELECT bnai_watch('child', 'child', event) FROM unnest('{INSERT,UPDATE,DELETE,TRUNCATE}'::text[]) event;
SELECT bnai_create_clustering('all', 'ev', '{x}', results_column => 'cluster');
SELECT bnai_watch('all', 'ev', 'INSERT');

SELECT is(counts('one', 'INSERT INTO ev SELECT 1, i FROM generate_series(1, 5) i'), 5::bigint, 'rows that come through the parent');
SELECT is(counts('one', 'INSERT INTO ev_1 SELECT 1, i FROM generate_series(1, 5) i'), 5::bigint, 'and those that name the partition');
SELECT is(counts('one', 'INSERT INTO ev SELECT 2, i FROM generate_series(1, 5) i'), 0::bigint, 'not those of another partition');
SELECT is(counts('two', 'INSERT INTO ev SELECT 2, i FROM generate_series(1, 5) i'), 5::bigint, 'through the parent''s parent');
SELECT is(counts('two', 'INSERT INTO ev_2 SELECT 2, i FROM generate_series(1, 5) i'), 5::bigint, 'through itself');
SELECT is(counts('two', 'INSERT INTO ev_2_2 SELECT 2, i FROM generate_series(1, 5) i'), 5::bigint, 'and into a part of its own');
SELECT is(counts('one', 'UPDATE ev SET x = x + 1 WHERE day = 1'), 10::bigint, 'an UPDATE of the parent');
SELECT is(counts('one', 'UPDATE ev_1 SET x = x + 1 WHERE x < 4'), 4::bigint, 'and one of the partition');
SELECT is(counts('one', 'DELETE FROM ev WHERE x = 3'), 2::bigint, 'a DELETE of the parent');
SELECT is(counts('one', 'UPDATE ev SET day = 2 WHERE day = 1 AND x = 6'), 2::bigint, 'rows that go to another partition are deleted');
SELECT is(counts('two', 'UPDATE ev SET day = 2 WHERE day = 1 AND x = 5'), 2::bigint, 'and inserted there');
SELECT is(counts('all', 'INSERT INTO ev_1 VALUES (1, 1)'), 1::bigint, 'another network counts on its own');

-- labels are no changes
SELECT bnai_infer('all');
SELECT is(counts('one', 'SELECT bnai_reset(''all'')'), 0::bigint, 'labels that bnai writes through the parent are not counted');
SELECT is(counts('one', 'SELECT bnai_infer(''one'')'), 0::bigint, 'nor those that it writes to the partition');
SELECT is(counts('one', 'TRUNCATE ev'), 5::bigint, 'a TRUNCATE of the parent');

-- inheritance
INSERT INTO child VALUES (1), (2), (3);
SELECT is(counts('child', 'UPDATE family SET x = x + 1'), 3::bigint, 'an UPDATE of the parent table');
SELECT is(counts('child', 'UPDATE child SET x = x + 1'), 3::bigint, 'of the child');
SELECT is(counts('child', 'DELETE FROM family WHERE x = 3'), 1::bigint, 'a DELETE of the parent table');
SELECT is(counts('child', 'TRUNCATE family'), 2::bigint, 'a TRUNCATE');

-- a watched table that becomes a part, and is none any more
CREATE TABLE later (day int, x float8, cluster text);
SELECT bnai_create_clustering('later', 'later', '{x}');
SELECT bnai_watch('later', 'later', 'INSERT');
SELECT bnai_watch('later', 'later', 'UPDATE');
SELECT is(counts('later', 'INSERT INTO later VALUES (20, 1)'), 1::bigint, 'a table by itself');
ALTER TABLE ev ATTACH PARTITION later FOR VALUES FROM (20) TO (30);
SELECT is(unwatched, '{}', 'a part that is attached is watched') FROM bnai_status WHERE network = 'later';
SELECT is(counts('later', 'INSERT INTO ev VALUES (20, 1), (21, 2)'), 2::bigint, 'through the parent that it has now');
SELECT is(counts('later', 'INSERT INTO later VALUES (20, 1)'), 1::bigint, 'and as before');
SELECT is(counts('later', 'UPDATE ev SET x = 0'), 4::bigint, 'an UPDATE of the parent');
SELECT is(counts('all', 'INSERT INTO later VALUES (20, 1)'), 1::bigint, 'the parent''s watch has its triggers there, too');
ALTER TABLE ev DETACH PARTITION later;
SELECT is(counts('later', 'INSERT INTO later VALUES (20, 1), (20, 2)'), 2::bigint, 'on its own again');
SELECT is(unwatched, '{}', 'nothing is missing') FROM bnai_status WHERE network = 'later';
CREATE TABLE orphan (x float8);
SELECT bnai_create_clustering('orphan', 'orphan', '{x}');
SELECT bnai_watch('orphan', 'orphan', 'UPDATE');
INSERT INTO orphan VALUES (1), (2);
ALTER TABLE orphan INHERIT family;
SELECT is(counts('orphan', 'UPDATE family SET x = 0'), 2::bigint, 'a table that inherits from now on');
ALTER TABLE orphan NO INHERIT family;
SELECT is(counts('orphan', 'UPDATE orphan SET x = 0'), 2::bigint, 'and does not');

-- a table and a part of it, watched for one network: each row counts once
SELECT bnai_watch('all', 'ev_1', 'INSERT', 10);
SELECT is(counts('all', 'INSERT INTO ev VALUES (1, 1)'), 1::bigint, 'through the table');
SELECT is(counts('all', 'INSERT INTO ev_1 VALUES (1, 1)'), 1::bigint, 'and the part');
SELECT bnai_unwatch('all', 'ev');
SELECT is(counts('all', 'INSERT INTO ev VALUES (1, 1)'), 10::bigint, 'the part alone');

-- the end
SELECT bnai_unwatch('one');
SELECT bnai_unwatch('two');
SELECT bnai_unwatch('all');
SELECT is_empty($$SELECT tgname FROM pg_trigger WHERE tgname LIKE '%bnai_watch%' AND tgrelid::regclass::text LIKE 'ev%'$$, 'no trigger is left');

-- a foreign table
CREATE EXTENSION postgres_fdw;
CREATE SERVER other FOREIGN DATA WRAPPER postgres_fdw;
CREATE FOREIGN TABLE far (x float8) SERVER other;
SELECT bnai_create_network('far');
SELECT throws_ok($$SELECT bnai_watch('far', 'far', 'INSERT')$$, '42809', 'cannot watch "far": only tables can be watched', 'rows of a foreign table change elsewhere');
SELECT finish();
ROLLBACK;
