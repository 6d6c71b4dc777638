-- What becomes part of a watched table is watched from then on, whoever made it part of it.
BEGIN;
SELECT no_plan();

CREATE ROLE bnai_owner;
CREATE ROLE bnai_builder;
GRANT CREATE ON SCHEMA public TO bnai_builder;
SET ROLE bnai_builder;
CREATE TABLE parted (x float8, y int) PARTITION BY RANGE (y);
CREATE TABLE parted_0 PARTITION OF parted FOR VALUES FROM (0) TO (10);
GRANT SELECT, TRIGGER ON parted, parted_0 TO bnai_owner;
CREATE TABLE family (x float8);
GRANT SELECT, TRIGGER ON family TO bnai_owner;
SET ROLE bnai_owner;
SELECT bnai_create_clustering('p', 'parted', '{x}');
SELECT bnai_watch('p', 'parted', event) FROM unnest('{INSERT,UPDATE,DELETE,TRUNCATE}'::text[]) event;
SELECT bnai_create_clustering('f', 'family', '{x}');
SELECT bnai_watch('f', 'family', 'INSERT');
RESET ROLE;

-- Runs a statement and tells how much it counted.
CREATE FUNCTION counts(network text, statement text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	before bigint := (SELECT counter FROM bnai_status s WHERE s.network = counts.network);
BEGIN
	EXECUTE statement;
	RETURN (SELECT counter FROM bnai_status s WHERE s.network = counts.network) - before;
END $$;

-- partitions: created, attached, and attached with a partition of their own, by who has no rights on the network
SET ROLE bnai_builder;
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (10) TO (20);
CREATE TABLE parted_2 (x float8, y int);
ALTER TABLE parted ATTACH PARTITION parted_2 FOR VALUES FROM (20) TO (30);
CREATE TABLE parted_3 (x float8, y int) PARTITION BY RANGE (y);
CREATE TABLE parted_3_3 PARTITION OF parted_3 FOR VALUES FROM (30) TO (40);
ALTER TABLE parted ATTACH PARTITION parted_3 FOR VALUES FROM (30) TO (50);
CREATE TABLE parted_3_4 PARTITION OF parted_3 FOR VALUES FROM (40) TO (50);
RESET ROLE;
SELECT is(unwatched, '{}', 'all are watched') FROM bnai_status WHERE network = 'p';
SELECT is(counts('p', 'INSERT INTO parted SELECT i, i FROM generate_series(0, 49) i'), 50::bigint, 'rows of the table, each once');
SELECT is(counts('p', format('INSERT INTO %s VALUES (1, %s)', part, y)), 1::bigint, 'a row of ' || part)
FROM (VALUES ('parted_0', 5), ('parted_1', 15), ('parted_2', 25), ('parted_3', 35), ('parted_3_3', 35), ('parted_3_4', 45)) p (part, y);
SELECT is(counts('p', format('UPDATE %s SET x = 2 WHERE x = 1 AND y %% 10 = 5', part)), n::bigint, 'an UPDATE of ' || part)
FROM (VALUES ('parted_1', 1), ('parted_2', 1), ('parted_3', 3)) p (part, n);
SELECT is(counts('p', 'UPDATE parted SET y = 15 WHERE y = 25'), 2::bigint, 'rows that go to another partition, once');
SELECT is(counts('p', 'DELETE FROM parted_3_4'), 11::bigint, 'a DELETE of a partition of a partition');
SELECT is(counts('p', 'TRUNCATE parted_2'), 9::bigint, 'a TRUNCATE of a partition');
SELECT is(counts('p', 'TRUNCATE parted'), 36::bigint, 'and of all');

-- what is no part any more
ALTER TABLE parted DETACH PARTITION parted_2;
SELECT is(counts('p', 'INSERT INTO parted_2 VALUES (1, 25)'), 0::bigint, 'a partition that was detached is watched no more');

-- children
SET ROLE bnai_builder;
CREATE TABLE child_1 () INHERITS (family);
CREATE TABLE child_2 (x float8);
ALTER TABLE child_2 INHERIT family;
RESET ROLE;
SELECT is(counts('f', 'INSERT INTO child_1 VALUES (1)'), 1::bigint, 'a child that was created later');
SELECT is(counts('f', 'INSERT INTO child_2 VALUES (1)'), 1::bigint, 'one that was made a child');
ALTER TABLE child_2 NO INHERIT family;
SELECT is(counts('f', 'INSERT INTO child_2 VALUES (1)'), 0::bigint, 'one that is none any more');

-- what cannot be watched
CREATE FOREIGN DATA WRAPPER nothing;
CREATE SERVER nowhere FOREIGN DATA WRAPPER nothing;
CREATE FOREIGN TABLE parted_9 PARTITION OF parted FOR VALUES FROM (90) TO (100) SERVER nowhere;
SELECT is(unwatched, '{"DELETE public.parted_9","INSERT public.parted_9","TRUNCATE public.parted_9","UPDATE public.parted_9"}',
	'bnai_status names a part that cannot be watched') FROM bnai_status WHERE network = 'p';
SELECT is(counts('p', 'INSERT INTO parted VALUES (1, 5)'), 1::bigint, 'the others are, all the same');

-- a trigger that somebody took away
DROP FOREIGN TABLE parted_9;
DO $$
BEGIN
	EXECUTE (SELECT format('DROP TRIGGER %I ON parted_0', tgname) FROM pg_trigger WHERE tgrelid = 'parted_0'::regclass AND tgname ~ 'delete$');
END $$;
SELECT is(unwatched, '{"DELETE public.parted_0"}', 'is found out, too') FROM bnai_status WHERE network = 'p';
SELECT bnai_watch('p', 'parted', 'DELETE');
SELECT is(unwatched, '{}', 'to watch once more mends it') FROM bnai_status WHERE network = 'p';

SELECT * FROM finish();
ROLLBACK;
