-- Chance makes groups, too: a resample of the example's rows often has clumps that are worth a cluster by a few nats.
-- An inference that a counter asks for keeps the groups that there were.
BEGIN;
SELECT no_plan();

\set size 2000
\i examples/userinfo.sql

CREATE TABLE visitor AS SELECT id, avg_time_pages AS x, avg_time_pages_a AS y, NULL::text AS label FROM userinfo;
CREATE TABLE resample AS TABLE visitor;
CREATE TABLE kept (margin float8, draw int, label text, share float8);

-- draws as many rows as there are with replacement, refits and notes what the labels of the original rows are then
CREATE FUNCTION refit(margin float8, draw int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	PERFORM bnai_set('m', 'refit_margin', margin::text);
	DELETE FROM resample;
	INSERT INTO resample SELECT v.* FROM generate_series(1, 2000) AS i
	JOIN visitor AS v ON v.id = 1 + (hashint8extended(i, draw) & 9223372036854775807) % 2000;
	PERFORM bnai_increment('m', 1);
	PERFORM bnai_recalculate_if_needed('m', 1);
	INSERT INTO kept SELECT margin, draw, label, avg((bnai_predict('m', x, y) = label)::int) FROM visitor GROUP BY label;
END $$;

SELECT bnai_create_clustering('m', 'resample', '{x,y}', 'label');
SELECT is(clusters, 4, 'the example has four groups') FROM bnai_infer('m');
UPDATE visitor SET label = bnai_predict('m', x, y);
-- the two groups that no other one crosses
CREATE TABLE separate AS SELECT label FROM visitor GROUP BY label HAVING avg(x) NOT BETWEEN 19 AND 21;
SELECT is(count(*), 2::bigint, 'two of which are by themselves') FROM separate;

SELECT refit(10, draw) FROM generate_series(1, 20) AS draw;
SELECT cmp_ok(min(share), '>=', 0.99::float8, 'no refit takes more than a hundredth of the labels from them')
FROM kept JOIN separate USING (label) WHERE margin = 10;
SELECT refit(0, draw) FROM generate_series(1, 20) AS draw;
SELECT cmp_ok(min(share), '<', 0.99::float8, 'which is not so without the margin')
FROM kept JOIN separate USING (label) WHERE margin = 0;
SELECT * FROM finish();
ROLLBACK;
