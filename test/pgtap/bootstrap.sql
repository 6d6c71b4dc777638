-- Chance makes groups, too: a resample of the example's rows often has clumps that are worth a cluster by a few nats.
-- An inference that a counter asks for keeps the groups that there were, and so does one by hand.
BEGIN;
SELECT no_plan();

\set size 2000
\i examples/userinfo.sql

CREATE TABLE visitor AS SELECT id, avg_time_pages AS x, avg_time_pages_a AS y, NULL::text AS label FROM userinfo;
CREATE TABLE resample AS TABLE visitor;
CREATE TABLE kept (asked text, margin float8, draw int, label text, share float8);

-- draws as many rows as there are with replacement, refits and notes what the labels of the original rows are then
CREATE FUNCTION refit(asked text, margin float8, draw int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	PERFORM bnai_set('m', 'refit_margin', margin::text);
	DELETE FROM resample;
	INSERT INTO resample SELECT v.* FROM generate_series(1, 2000) AS i
	JOIN visitor AS v ON v.id = 1 + (hashint8extended(i, draw) & 9223372036854775807) % 2000;
	IF asked = 'by hand' THEN
		PERFORM bnai_infer('m');
	ELSE
		PERFORM bnai_increment('m', 1), bnai_recalculate_if_needed('m', 1);
	END IF;
	INSERT INTO kept SELECT asked, margin, draw, label, avg((bnai_predict('m', x, y) = label)::int) FROM visitor GROUP BY label;
END $$;

SELECT bnai_create_clustering('m', 'resample', '{x,y}', 'label');
SELECT is(clusters, 4, 'the example has four groups') FROM bnai_infer('m');
UPDATE visitor SET label = bnai_predict('m', x, y);
-- the two groups that no other one crosses
CREATE TABLE separate AS SELECT label FROM visitor GROUP BY label HAVING avg(x) NOT BETWEEN 19 AND 21;
SELECT is(count(*), 2::bigint, 'two of which are by themselves') FROM separate;

SELECT refit('by a counter', 10, draw) FROM generate_series(1, 20) AS draw;
SELECT cmp_ok(min(share), '>=', 0.99::float8, 'no refit takes more than a hundredth of the labels from them')
FROM kept JOIN separate USING (label) WHERE margin = 10;
SELECT refit('by a counter', 0, draw) FROM generate_series(1, 20) AS draw;
SELECT cmp_ok(min(share), '<', 0.99::float8, 'which is not so without the margin')
FROM kept JOIN separate USING (label) WHERE margin = 0;

SELECT bnai_reset('m');
DELETE FROM resample;
INSERT INTO resample TABLE visitor;
SELECT bnai_infer('m');
UPDATE visitor SET label = bnai_predict('m', x, y);
SET client_min_messages = warning;
SELECT refit('by hand', 10, draw) FROM generate_series(1, 20) AS draw;
SELECT cmp_ok(min(share), '>=', 0.99::float8, 'nor does an inference by hand')
FROM kept JOIN separate USING (label) WHERE asked = 'by hand' AND margin = 10;
SELECT refit('by hand', 0, draw) FROM generate_series(1, 20) AS draw;
SELECT cmp_ok(min(share), '<', 0.99::float8, 'nor is that so without the margin')
FROM kept JOIN separate USING (label) WHERE asked = 'by hand' AND margin = 0;

-- a resample with a clump that gains a little less than the margin
CREATE FUNCTION found() RETURNS int LANGUAGE sql AS 'SELECT clusters FROM bnai_infer(''m'')';
SELECT bnai_set('m', 'refit_margin', NULL), bnai_reset('m');
DELETE FROM resample;
INSERT INTO resample TABLE visitor;
SELECT found();
SELECT refit('by hand', 10, 34);
SELECT is(found(), 4, 'whoever asks again gets the same answer');
SELECT results_eq('SELECT DISTINCT clusters, best FROM bnai_restarts WHERE run = (SELECT max(run) FROM bnai_runs) ORDER BY 1',
	'VALUES (4, true), (5, false)', 'and can see what was not taken');
SAVEPOINT s;
SELECT bnai_set('m', 'refit', 'full');
SELECT is(found(), 5, 'with refit as full the best bound wins');
ROLLBACK TO s;
SELECT bnai_change_node('m', 'alpha', 'full(10, 0.49)');
SELECT is(found(), 5, 'and so it does after a change of the network');
ROLLBACK TO s;
SELECT bnai_set('m', 'start', 'results'), bnai_set('m', 'moves', 'false');
UPDATE resample AS r SET label = v.label FROM visitor AS v WHERE v.id = r.id;
SELECT is(found(), 4, 'who starts from four groups, without moves, gets them');
SELECT bnai_set('m', 'start', NULL), bnai_set('m', 'moves', NULL);
SELECT is(found(), 5, 'and then the best bound: on the same rows the margin is not asked for');
SELECT is(found(), 5, 'again, too');

-- a fixed number of components stays fixed
SELECT bnai_create_clustering('fixed', 'resample', '{x,y}', prune => false, restarts => 2);
SELECT bnai_infer('fixed');
SELECT refit('by hand', 10, 12);
SELECT bnai_set('fixed', 'refit', 'full'), bnai_infer('fixed');
CREATE TABLE full_search AS SELECT clusters FROM bnai_runs WHERE network = 'fixed' ORDER BY run DESC LIMIT 1;
SELECT bnai_rollback('fixed'), bnai_set('fixed', 'refit', NULL), bnai_infer('fixed');
SELECT results_eq('SELECT clusters FROM bnai_runs WHERE network = ''fixed'' ORDER BY run DESC LIMIT 1', 'TABLE full_search',
	'going on leaves no more components without rows than a search does');
RESET client_min_messages;
SELECT * FROM finish();
ROLLBACK;
