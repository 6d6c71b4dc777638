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

-- who makes a part needs no rights on bnai's schema or functions
CREATE SCHEMA bnai_builder AUTHORIZATION bnai_builder;
ALTER TABLE parted SET SCHEMA bnai_builder;
REVOKE ALL ON SCHEMA public FROM PUBLIC, bnai_builder;
REVOKE ALL ON FUNCTION bnai_watch_part, bnai_watch_partitions FROM PUBLIC;
SET ROLE bnai_builder;
CREATE TABLE bnai_builder.parted_5 PARTITION OF bnai_builder.parted FOR VALUES FROM (50) TO (60);
RESET ROLE;
GRANT ALL ON SCHEMA public TO PUBLIC;
ALTER TABLE bnai_builder.parted SET SCHEMA public;
SELECT is(counts('p', 'INSERT INTO bnai_builder.parted_5 VALUES (1, 55)'), 1::bigint, 'a part made by who may not call bnai''s functions');

-- by hand it does nothing
GRANT EXECUTE ON FUNCTION bnai_watch_part TO PUBLIC;
CREATE ROLE bnai_stranger;
DO $$
BEGIN
	EXECUTE (SELECT format('DROP TRIGGER %I ON parted_0', tgname) FROM pg_trigger WHERE tgrelid = 'parted_0'::regclass AND tgname ~ 'delete$');
END $$;
SET ROLE bnai_stranger;
SELECT bnai_watch_part(oid, NULL) FROM (SELECT oid FROM pg_class UNION SELECT unnest('{0,1,4294967295}'::oid[]) UNION SELECT oid FROM pg_proc LIMIT 3000) o;
RESET ROLE;
SELECT is(unwatched, '{"DELETE public.parted_0"}', 'whatever its argument') FROM bnai_status WHERE network = 'p';
ALTER TABLE parted_0 ADD CHECK (x < 1e9);
SELECT is(unwatched, '{"DELETE public.parted_0"}', 'nor does an ALTER TABLE that adds no part bring a trigger back') FROM bnai_status WHERE network = 'p';
SELECT bnai_watch('p', 'parted', 'DELETE');

-- the network's owner must still have TRIGGER on the watched table; that he has none on a new part is nothing new
REVOKE TRIGGER ON parted FROM bnai_owner;
SET ROLE bnai_builder;
CREATE TABLE bnai_builder.parted_6 PARTITION OF parted FOR VALUES FROM (60) TO (70);
RESET ROLE;
SELECT cmp_ok(cardinality(unwatched), '>', 0, 'a part is not watched for who may not watch the table any more') FROM bnai_status WHERE network = 'p';
GRANT TRIGGER ON parted TO bnai_owner;
SET ROLE bnai_builder;
CREATE TABLE bnai_builder.parted_7 PARTITION OF parted FOR VALUES FROM (70) TO (80);
RESET ROLE;
SELECT ok(NOT unwatched::text ~ 'parted_7', 'but for who may') FROM bnai_status WHERE network = 'p';

-- without its library, or with an older one, nobody is kept from making tables
UPDATE pg_proc SET probin = '$libdir/bnai_that_is_gone' WHERE proname = 'bnai_watch_part';
SELECT lives_ok('CREATE TABLE unrelated (x float8)', 'a table of its own');
SELECT lives_ok('CREATE TABLE bnai_builder.parted_8 PARTITION OF parted FOR VALUES FROM (80) TO (90)', 'a part, without the library');
UPDATE pg_proc SET probin = '$libdir/bnai', prosrc = 'bnai_that_is_gone' WHERE proname = 'bnai_watch_part';
SELECT lives_ok('ALTER TABLE unrelated INHERIT family', 'a child, without the function');
UPDATE pg_proc SET prosrc = 'bnai_watch_part' WHERE proname = 'bnai_watch_part';
SELECT cmp_ok(cardinality(unwatched), '>', 0, 'then it can be seen') FROM bnai_status WHERE network = 'p';

SELECT is((SELECT count(*) FROM pg_event_trigger e JOIN pg_proc p ON p.oid = e.evtfoid JOIN pg_language l ON l.oid = p.prolang
	WHERE e.evtname = 'bnai_watch_partitions' AND l.lanname = 'plpgsql'), 1::bigint, 'the event trigger needs no library');

SELECT * FROM finish();
ROLLBACK;
