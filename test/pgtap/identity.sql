-- What a network is bound to is known by its OID: renaming changes nothing, and
-- a name that is used again is somebody else's.
BEGIN;
SELECT no_plan();

-- --- bnai_role ---
CREATE ROLE bnai_first;
CREATE TEMP TABLE holders (n int, holder bnai_role);
INSERT INTO holders VALUES (1, 'bnai_first'::regrole), (2, 'bnai_first'), (3, 'bnai first, quoted"'), (4, 'public');
SELECT results_eq('SELECT holder::text, holder::regrole::text FROM holders ORDER BY n',
	$$VALUES ('bnai_first', 'bnai_first'), ('bnai_first', NULL), ('bnai first, quoted"', NULL), ('public', NULL)$$,
	'a role is bound by its OID, a name alone is none');
ALTER ROLE bnai_first RENAME TO bnai_second;
SELECT results_eq('SELECT holder::text, holder::regrole::text FROM holders ORDER BY n LIMIT 2',
	$$VALUES ('bnai_second', 'bnai_second'), ('bnai_first', NULL)$$, 'it follows its renaming');
DROP ROLE bnai_second;
CREATE ROLE bnai_first;
SELECT results_eq('SELECT holder::text, holder::regrole::text FROM holders ORDER BY n LIMIT 2',
	$$VALUES ('bnai_first (dropped)', NULL), ('bnai_first', NULL)$$, 'and is gone when it is dropped, whoever has its name');
SELECT throws_ok($$SELECT ''::bnai_role$$, '42602', 'the name of a role is empty');

-- --- renaming goes on working ---
CREATE ROLE bnai_keeper;
CREATE ROLE bnai_other;
GRANT CREATE ON SCHEMA public TO bnai_keeper, bnai_other;
CREATE SCHEMA bnai_place AUTHORIZATION bnai_keeper;
SET ROLE bnai_keeper;
CREATE TABLE bnai_place.visits (gone int, a float8, b float8, w float8 DEFAULT 1, list float8[], label text);
ALTER TABLE bnai_place.visits DROP gone;
INSERT INTO bnai_place.visits (a, b, list) SELECT 10 * (i % 2) + sin(i), 10 * (i % 2) + cos(2.5 * i), ARRAY[sin(i), i % 2]
FROM generate_series(1, 40) i;
SELECT bnai_create_clustering('m', 'bnai_place.visits', '{a,b,list}', results_column => 'label', max_clusters => 3, weight_column => 'w');
SELECT rows FROM bnai_infer('m');
SELECT bnai_label_on_insert('bnai_place.visits'), bnai_watch('m', 'bnai_place.visits', 'INSERT');
CREATE TEMP TABLE labels AS SELECT bnai_predict('m', 0, 0, 0, 0) AS near, bnai_predict('m', 10, 10, 0, 1) AS far;
RESET ROLE;
ALTER ROLE bnai_keeper RENAME TO bnai_holder;
ALTER SCHEMA bnai_place RENAME TO "bnai ""place";
ALTER TABLE "bnai ""place".visits RENAME TO "the 'visits";
ALTER TABLE "bnai ""place"."the 'visits" RENAME a TO b2;
ALTER TABLE "bnai ""place"."the 'visits" RENAME b TO a;
ALTER TABLE "bnai ""place"."the 'visits" RENAME b2 TO b;
ALTER TABLE "bnai ""place"."the 'visits" RENAME list TO "list[1]";
ALTER TABLE "bnai ""place"."the 'visits" RENAME w TO weight;
ALTER TABLE "bnai ""place"."the 'visits" RENAME label TO "the label";
SELECT results_eq($$SELECT owner::text COLLATE "default", source, columns, results_column::text COLLATE "default", weight_column::text COLLATE "default" FROM bnai_networks WHERE network = 'm'$$,
	$$VALUES ('bnai_holder', '"bnai ""place"."the ''visits"', '{b,a,list[1][2]}'::text[], 'the label', 'weight')$$, 'present names are shown');
SET ROLE bnai_holder;
INSERT INTO "bnai ""place"."the 'visits" (a, b, "list[1]") VALUES (0, 0, '{0,0}'), (10, 10, '{0,1}');
SELECT results_eq($$SELECT "the label" FROM "bnai ""place"."the 'visits" ORDER BY ctid DESC LIMIT 2$$, 'SELECT unnest(ARRAY[far, near]) FROM labels',
	'rows are labelled by columns that have changed names');
SELECT results_eq($$SELECT counter FROM bnai_status WHERE network = 'm'$$, ARRAY[2::bigint], 'and counted');
SELECT is(bnai_rollback('m', (SELECT run FROM bnai_status WHERE network = 'm')), 0::bigint, 'each row has the label that its values give');
SELECT is(rows, 42::bigint, 'and the network is inferred') FROM bnai_infer('m');
SELECT is(count(drift), 2::bigint, 'whose clusters are compared with those before') FROM bnai_changes('m');

-- --- a name that is used again is somebody else's ---
ALTER TABLE "bnai ""place"."the 'visits" RENAME TO visits;
ALTER TABLE "bnai ""place".visits RENAME b TO x;
ALTER TABLE "bnai ""place".visits RENAME a TO y;
ALTER TABLE "bnai ""place".visits RENAME "list[1]" TO list;
CREATE VIEW bnai_read AS SELECT columns FROM bnai_networks WHERE network = 'm';
ALTER TABLE "bnai ""place".visits ADD z float8 DEFAULT 1;
ALTER TABLE "bnai ""place".visits DROP y;
ALTER TABLE "bnai ""place".visits RENAME z TO y;
SELECT throws_like($$SELECT bnai_infer('m')$$, 'column "b" of network "m" was dropped', 'a column that takes the name of one that was dropped is not read');
SELECT throws_like($$SELECT * FROM bnai_sample_rows('m')$$, 'column "b" of network "m" was dropped', 'not by looking, either');
SELECT throws_like($$SELECT bnai_rollback('m', (SELECT run FROM bnai_status WHERE network = 'm'))$$, 'column "b"%was dropped', 'nor to label');
INSERT INTO "bnai ""place".visits (x, y, list) VALUES (0, 0, '{0,0}');
SELECT results_eq($$SELECT "the label" FROM "bnai ""place".visits ORDER BY ctid DESC LIMIT 1$$, ARRAY[NULL::text], 'nor by a trigger');
SELECT results_eq($$SELECT columns FROM bnai_read$$, $$VALUES ('{x,"b (dropped)",list[2]}'::text[])$$, 'views say that it is gone');
SELECT throws_like($$SELECT bnai_rebind('m', '"bnai ""place".visits', '{x,y}')$$, 'network "m" observes 3 columns, not 2', 'columns are given for all that there were');
SELECT throws_like($$SELECT bnai_rebind('m', '"bnai ""place".visits', '{x,y,list[3]}')$$, '"list[3]" cannot take the place of "list[2]" in node "Y"', 'of as many numbers');
SELECT bnai_rebind('m', '"bnai ""place".visits', '{x,y,list}');
SELECT is(rows, 43::bigint, 'who may binds it again') FROM bnai_infer('m');
SELECT is(count(*), 3::bigint, 'and keeps its runs') FROM bnai_runs WHERE network = 'm';

-- the results column
ALTER TABLE "bnai ""place".visits DROP "the label";
ALTER TABLE "bnai ""place".visits ADD "the label" text DEFAULT 'mine';
SELECT throws_like($$SELECT bnai_infer('m')$$, 'results_column "the label" of network "m" was dropped', 'a results column that takes the name of one that was dropped is not written');
SELECT bnai_set('m', 'results_column', 'the label');
SELECT is(rows_relabelled, 43::bigint, 'unless it is chosen') FROM bnai_infer('m');

-- the table
DROP TABLE "bnai ""place".visits;
RESET ROLE;
GRANT ALL ON SCHEMA "bnai ""place" TO bnai_other;
SET ROLE bnai_other;
CREATE TABLE "bnai ""place".visits (x float8, y float8, weight float8 DEFAULT 1, list float8[], "the label" text);
INSERT INTO "bnai ""place".visits SELECT i, i, 1, ARRAY[i, i] FROM generate_series(1, 10) i;
GRANT ALL ON "bnai ""place".visits TO bnai_holder;
SET ROLE bnai_holder;
SELECT throws_like($$SELECT bnai_infer('m')$$, 'the source of network "m" was dropped', 'a table that has its name is not read');
SELECT throws_like($$SELECT * FROM bnai_sample_rows('m')$$, 'the source of network "m" was dropped', 'not by looking, either');
SELECT throws_like($$SELECT bnai_compare_clusters('m', 2, 3)$$, 'the source of network "m" was dropped', 'nor by comparing');
SELECT results_eq($$SELECT source FROM bnai_networks WHERE network = 'm'$$, $$VALUES ('"bnai ""place".visits (dropped)')$$, 'views say that it is gone');
SELECT results_eq($$SELECT DISTINCT active FROM bnai_watches WHERE network = 'm'$$, ARRAY[false], 'nor is it watched');
SELECT isnt(bnai_predict('m', 0, 0, 0, 0), NULL, 'what was learned stays');
RESET ROLE;
REVOKE SELECT ON "bnai ""place".visits FROM bnai_holder;
SET ROLE bnai_holder;
SELECT throws_ok($$SELECT bnai_rebind('m', '"bnai ""place".visits')$$, '42501', NULL, 'it is bound to a table that one may read');
RESET ROLE;
GRANT SELECT ON "bnai ""place".visits TO bnai_holder;
SET ROLE bnai_other;
SELECT throws_ok($$SELECT bnai_rebind('m', '"bnai ""place".visits')$$, '42501', NULL, 'by its owner');
SET ROLE bnai_holder;
SELECT bnai_rebind('m', '"bnai ""place".visits');
SELECT is(rows, 10::bigint, 'and read then') FROM bnai_infer('m');

-- the owner
RESET ROLE;
SELECT throws_ok($$SELECT bnai_set('m', 'owner', 'nobody at all')$$, '42704', NULL, 'a network is given to a role that there is');
SET ROLE bnai_holder;
SELECT throws_ok($$SELECT bnai_set('m', 'owner', 'bnai_other')$$, '42501', 'must be able to SET ROLE "bnai_other"', 'that one could become');
RESET ROLE;
CREATE ROLE bnai_passing;
SELECT bnai_set('m', 'owner', 'bnai_passing');
DROP ROLE bnai_passing;
CREATE ROLE bnai_passing;
SET ROLE bnai_passing;
SELECT throws_like($$SELECT bnai_set('m', 'restarts', '3')$$, 'must be superuser to change network "m"', 'a role that gets the name does not own it');
SELECT is_empty($$SELECT FROM bnai_networks WHERE network = 'm'$$, 'and does not see it');
RESET ROLE;
SELECT is(owner::text COLLATE "default", 'bnai_passing (dropped)', 'which views say') FROM bnai_networks WHERE network = 'm';

-- --- what is restored before its network waits for it, out of sight ---
CREATE ROLE bnai_restorer;
GRANT INSERT ON bnai_network, bnai_node, bnai_run, bnai_count, bnai_watched, bnai_granted TO bnai_restorer;
GRANT CREATE ON SCHEMA public TO bnai_restorer;
SET log_min_messages = error;
SET client_min_messages = error;
SET ROLE bnai_restorer;
CREATE TABLE bnai_own (x float8, label text);
INSERT INTO bnai_node (network, id, name, distribution, params, source, columns) VALUES
	(5001, 1, 'mu', 'GaussianARD', '0, 1', NULL, NULL),
	(5001, 2, 'x', 'GaussianARD', 'mu, 1', 'public.bnai_own', '{x}'),
	(5002, 1, 'mu', 'GaussianARD', '0, 1', NULL, NULL);
INSERT INTO bnai_count (network, n) VALUES (5001, 7), (5002, 7);
INSERT INTO bnai_watched (network, target, event, increment) VALUES
	(5001, 'public.bnai_own', 'INSERT', 1), (5001, '"bnai ""place".visits', 'LABEL', 1), (5002, 'public.bnai_own', 'INSERT', 1);
INSERT INTO bnai_granted (network, role, privilege) VALUES (5002, 'public', 'infer');
RESET ROLE;
SELECT is_empty($$SELECT FROM bnai_node WHERE network IN (5001, 5002)$$, 'nobody sees it');
SET ROLE bnai_restorer;
INSERT INTO bnai_network (id, name, network_type, owner, results_column) VALUES (5001, 'waited for', 'general', 'bnai_restorer', 'label');
RESET ROLE;
INSERT INTO bnai_network (id, name, network_type, owner) VALUES (5002, 'of another', 'general', 'bnai_other');
RESET client_min_messages;
SELECT results_eq($$SELECT id, source::regclass::text, columns::text FROM bnai_node WHERE network = 5001 ORDER BY id$$,
	$$VALUES (1, NULL, NULL), (2, 'bnai_own', '{x}')$$, 'the network of who restored it takes it over, bound');
SELECT is(counter, 7::bigint, 'with its counts') FROM bnai_status WHERE network = 'waited for';
SELECT results_eq($$SELECT target, active FROM bnai_watches WHERE network = 'waited for' ORDER BY target$$,
	$$VALUES ('"bnai ""place".visits', false), ('public.bnai_own', true)$$, 'a watch of another role''s table is not active');
SET ROLE bnai_restorer;
ALTER TABLE bnai_own RENAME label TO lab;
RESET ROLE;
SELECT is(results_column::text COLLATE "default", 'lab', 'and its results column is bound') FROM bnai_networks WHERE network = 'waited for';
SELECT is_empty($$SELECT network FROM bnai_node WHERE abs(network) = 5002 UNION ALL SELECT network FROM bnai_count WHERE abs(network) = 5002
	UNION ALL SELECT network FROM bnai_watched WHERE abs(network) = 5002 UNION ALL SELECT network FROM bnai_granted WHERE abs(network) = 5002$$,
	'the network of another role takes over nothing');
SET client_min_messages = error;
SET ROLE bnai_restorer;
INSERT INTO bnai_node (network, id, name, distribution, params) VALUES (5002, 9, 'slipped', 'GaussianARD', '0, 1'), (-5001, 9, 'slipped', 'GaussianARD', '0, 1');
RESET ROLE;
RESET client_min_messages;
SELECT is_empty($$SELECT FROM bnai_node WHERE name = 'slipped'$$, 'nor is anything put into it, and without an error');

SELECT * FROM finish();
ROLLBACK;
