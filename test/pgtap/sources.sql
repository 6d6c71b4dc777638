-- Sources as users have them: types of columns, views, partitions, NULL, NaN, few rows, large offsets.

\i examples/userinfo.sql

SELECT plan(48);

-- --- types ---

-- The same values in every numeric type, so the same answer to the last digit
CREATE TABLE typed AS
SELECT id, (avg1 * 10)::integer AS i4, (avg1 * 10)::integer::smallint AS i2, (avg1 * 10)::integer::bigint AS i8,
	   (avg1 * 10)::integer::real AS f4, (avg1 * 10)::integer::float8 AS f8, (avg1 * 10)::integer::numeric AS n,
	   (avg1 * 10)::integer::numeric(20, 7) AS n7
FROM userinfo;
CREATE DOMAIN score AS integer CHECK (value > -1000);
ALTER TABLE typed ADD d score;
UPDATE typed SET d = i4;
DO $$
DECLARE
	c text;
BEGIN
	FOREACH c IN ARRAY '{i2,i4,i8,f4,f8,n,n7,d}'::text[] LOOP
		PERFORM bnai_create_network(c);
		PERFORM bnai_add_node(c, 'mu', 'GaussianARD', '0, 1e-6');
		PERFORM bnai_add_node(c, 'tau', 'Gamma', '1e-6, 1e-6');
		PERFORM bnai_add_node(c, 'x', 'GaussianARD', 'mu, tau', source => 'typed', columns => ARRAY[c]);
	END LOOP;
END $$;
CREATE TABLE by_type AS SELECT c, elbo, rows FROM unnest('{i2,i4,i8,f4,f8,n,n7,d}'::text[]) AS c, bnai_infer(c);
SELECT is(elbo, (SELECT elbo FROM by_type WHERE c = 'f8'), format('column of type %s', format_type(atttypid, atttypmod)))
FROM by_type JOIN pg_attribute ON attname = c AND attrelid = 'typed'::regclass WHERE c <> 'f8';

-- real and numeric values that are no integers are read as exactly as their type has them
CREATE TABLE rounded AS SELECT avg1::real AS r, avg1::numeric AS n, avg1::real::float8 AS rd, avg1::numeric::float8 AS nd FROM userinfo;
DO $$
DECLARE
	c text;
BEGIN
	FOREACH c IN ARRAY '{r,n,rd,nd}'::text[] LOOP
		PERFORM bnai_create_network(c || '1');
		PERFORM bnai_add_node(c || '1', 'mu', 'GaussianARD', '0, 1e-6');
		PERFORM bnai_add_node(c || '1', 'x', 'GaussianARD', 'mu, 0.04', source => 'rounded', columns => ARRAY[c]);
	END LOOP;
END $$;
SELECT is((SELECT elbo FROM bnai_infer('r1')), (SELECT elbo FROM bnai_infer('rd1')), 'real');
SELECT is((SELECT elbo FROM bnai_infer('n1')), (SELECT elbo FROM bnai_infer('nd1')), 'numeric');

-- --- views and partitions ---

CREATE VIEW grown_ups AS SELECT id, avg_time_pages AS a, avg_time_pages_a AS b FROM userinfo WHERE age >= 30;
SELECT bnai_create_clustering('of_view', 'grown_ups', '{a,b}');
SELECT is(rows, (SELECT count(*) FROM userinfo WHERE age >= 30), 'a view') FROM bnai_infer('of_view');
CREATE MATERIALIZED VIEW kept AS TABLE grown_ups;
SELECT bnai_create_clustering('of_matview', 'kept', '{a,b}');
SELECT is(rows, (SELECT count(*) FROM userinfo WHERE age >= 30), 'a materialized view') FROM bnai_infer('of_matview');
SELECT throws_ok($$ SELECT bnai_create_clustering('v', 'grown_ups', '{a,b}', results_column => 'id') $$, NULL, NULL,
	'a results column needs a table');
SELECT throws_ok($$ SELECT bnai_create_clustering('v', 'kept', '{a,b}', results_column => 'id') $$, NULL, NULL,
	'a results column of a materialized view is refused, too');

CREATE TABLE parts (id integer, a float8, b float8, label text) PARTITION BY RANGE (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (1) TO (101);
-- a partition whose columns stand in another order, with a dropped one
CREATE TABLE parts_2 (gone text, label text, b float8, id integer, a float8);
ALTER TABLE parts_2 DROP gone;
ALTER TABLE parts ATTACH PARTITION parts_2 FOR VALUES FROM (101) TO (301);
INSERT INTO parts SELECT id, avg_time_pages, avg_time_pages_a FROM userinfo;
SELECT bnai_create_clustering('of_parts', 'parts', '{a,b}', results_column => 'label');
SELECT is(rows, 200::bigint, 'a partitioned table') FROM bnai_infer('of_parts');
SELECT is((SELECT count(label) FROM parts), 200::bigint, 'gets its labels in every partition');
SELECT is_empty($$ SELECT id FROM parts WHERE label IS DISTINCT FROM bnai_predict('of_parts', a, b) $$, 'the right ones');
SELECT is(bnai_reset('of_parts'), 200::bigint, 'and loses them');
SELECT bnai_create_clustering('of_part', 'parts_2', '{a,b}', results_column => 'label');
SELECT is(rows, 100::bigint, 'a single partition') FROM bnai_infer('of_part');

-- inheritance: the children belong to the source, as they do in a query
CREATE TABLE family (a float8, b float8, label text);
CREATE TABLE child () INHERITS (family);
INSERT INTO family SELECT avg_time_pages, avg_time_pages_a FROM userinfo WHERE id % 2 = 0;
INSERT INTO child SELECT avg_time_pages, avg_time_pages_a FROM userinfo WHERE id % 2 = 1;
SELECT bnai_create_clustering('of_family', 'family', '{a,b}', results_column => 'label');
SELECT is(rows_relabelled, 200::bigint, 'an inheritance parent') FROM bnai_infer('of_family');

-- names that need quotes
CREATE SCHEMA "My Schema";
CREATE TABLE "My Schema"."Time ""spent""" AS SELECT avg_time_pages AS "Select", avg_time_pages_a AS "a""b", NULL::text AS "Where" FROM userinfo;
SELECT bnai_create_clustering('It''s "mine"', '"My Schema"."Time ""spent"""', '{Select,"a\"b"}', results_column => 'Where');
SELECT is(rows_relabelled, 200::bigint, 'names that need quotes') FROM bnai_infer('It''s "mine"');
SELECT is((SELECT DISTINCT columns::text[] FROM bnai_clusters WHERE network = 'It''s "mine"'), '{Select,"a\"b"}', 'and come back as they are');

-- a generated column is observed as any other
CREATE TABLE generated (a float8, twice float8 GENERATED ALWAYS AS (2 * a) STORED);
INSERT INTO generated SELECT avg1 FROM userinfo;
SELECT bnai_create_network('g');
SELECT bnai_add_node('g', 'mu', 'GaussianARD', '0, 1e-6');
SELECT bnai_add_node('g', 'x', 'GaussianARD', 'mu, 1', source => 'generated', columns => '{twice}');
SELECT is(rows, 200::bigint, 'a generated column') FROM bnai_infer('g');

-- --- NULL, NaN and infinity ---

CREATE TABLE holes AS SELECT id, avg_time_pages AS a, avg_time_pages_a AS b, NULL::text AS label FROM userinfo;
UPDATE holes SET a = NULL WHERE id % 20 = 0;
UPDATE holes SET b = NULL WHERE id % 25 = 0;
SELECT bnai_create_clustering('holes', 'holes', '{a,b}', results_column => 'label', missing => 'skip');
SELECT is((rows, rows_skipped)::text, '(184,16)', 'rows with a NULL are skipped and counted') FROM bnai_infer('holes');
SELECT is((SELECT count(*) FROM holes WHERE label IS NULL), 16::bigint, 'and have no label');
CREATE TABLE filled AS SELECT * FROM holes WHERE a IS NOT NULL AND b IS NOT NULL;
SELECT bnai_create_clustering('filled', 'filled', '{a,b}');
-- the same rows in another physical order: 1e-9 relative
SELECT ok(abs(i.elbo - r.elbo) < 1e-9 * abs(r.elbo), 'the same as a table without them')
FROM bnai_infer('filled') AS i, bnai_runs AS r WHERE r.network = 'holes';

UPDATE holes SET b = 'NaN' WHERE id = 77;
SELECT throws_like($$ SELECT count(*) FROM bnai_infer('holes') $$, '%"b"%NaN%', 'NaN is an error that names the column');
UPDATE holes SET b = '-Infinity' WHERE id = 77;
SELECT throws_like($$ SELECT count(*) FROM bnai_infer('holes') $$, '%"b"%-Infinity%', '-Infinity, too');
UPDATE holes SET b = 20, a = 'Infinity' WHERE id = 77;
SELECT throws_like($$ SELECT count(*) FROM bnai_infer('holes') $$, '%"a"%Infinity%', 'and Infinity');
CREATE TABLE big (n numeric);
INSERT INTO big VALUES (1), (2), ('NaN');
SELECT bnai_create_network('big');
SELECT bnai_add_node('big', 'mu', 'GaussianARD', '0, 1');
SELECT bnai_add_node('big', 'x', 'GaussianARD', 'mu, 1', source => 'big', columns => '{n}');
SELECT throws_like($$ SELECT count(*) FROM bnai_infer('big') $$, '%"n"%NaN%', 'NaN of a numeric column');
UPDATE big SET n = 1e400 WHERE n = 'NaN';
SELECT throws_ok($$ SELECT count(*) FROM bnai_infer('big') $$, '22003', NULL, 'a numeric that no double can hold is out of range');

-- --- few rows ---

CREATE TABLE few (a float8, b float8, label text);
SELECT bnai_create_clustering('few', 'few', '{a,b}', results_column => 'label', priors => 'vague', missing => 'skip');
SELECT throws_like($$ SELECT count(*) FROM bnai_infer('few') $$, '%no rows%', 'no rows');
INSERT INTO few VALUES (NULL, 1);
SELECT throws_like($$ SELECT count(*) FROM bnai_infer('few') $$, '%no rows%', 'no rows but some with a NULL');
INSERT INTO few VALUES (3, 4);
SELECT is((clusters, rows_relabelled)::text, '(1,1)', 'one row is one cluster') FROM bnai_infer('few');
SELECT is((SELECT label FROM few WHERE a = 3), 'A', 'with a label');
INSERT INTO few SELECT 3, 4 FROM generate_series(1, 50);
SELECT is(clusters, 1, 'rows that are all equal are one cluster') FROM bnai_infer('few');
SELECT ok(bnai_score('few', 3, 4) > bnai_score('few', 3.001, 4), 'and there the density is highest');
SELECT is_empty($$ SELECT 1 FROM bnai_clusters WHERE network = 'few' AND (mean[1] NOT BETWEEN 2.99 AND 3.01 OR covariance[1][1] < 0 OR covariance[1][1] = 'NaN') $$,
	'its mean is their value');
DELETE FROM few;
INSERT INTO few VALUES (1, 1), (2, 9), (8, 4);
SELECT ok(clusters BETWEEN 1 AND 3, 'fewer rows than components') FROM bnai_infer('few');
SELECT is((SELECT count(label) FROM few), 3::bigint, 'and each has a label');

-- the same with priors on the data's scale: the scale of equal values is nothing, and still an answer
CREATE TABLE flat (a float8, b float8, label text);
INSERT INTO flat SELECT 7, i FROM generate_series(1, 40) AS i;
SELECT bnai_create_clustering('flat', 'flat', '{a,b}', results_column => 'label');
SELECT ok(clusters >= 1 AND rows = 40, 'a constant column') FROM bnai_infer('flat');
UPDATE flat SET b = 7;
SELECT is(clusters, 1, 'two constant columns') FROM bnai_infer('flat');
TRUNCATE flat;
INSERT INTO flat VALUES (1, 2);
SELECT is(clusters, 1, 'one row') FROM bnai_infer('flat');
INSERT INTO flat SELECT i % 2, i / 2 % 2 FROM generate_series(1, 100) AS i;
SELECT ok(clusters >= 1, 'integers of few values, many duplicates') FROM bnai_infer('flat');

-- --- large offset ---

-- Columns with mean 1e9 and standard deviation about 3: there is room for seven digits
-- behind the point, so the labels are the same.  Scores are compared to 0.01 because
-- both inferences stop within a thousandth of a nat of their end, for 200 rows together.
CREATE TABLE near_zero AS SELECT id, avg_time_pages - 20 AS a, avg_time_pages_a - 20 AS b, NULL::text AS label FROM userinfo;
CREATE TABLE far_away AS SELECT id, a + 1e9 AS a, b + 1e9 AS b, NULL::text AS label FROM near_zero;
SELECT bnai_create_clustering('near_zero', 'near_zero', '{a,b}', results_column => 'label');
SELECT bnai_create_clustering('far_away', 'far_away', '{a,b}', results_column => 'label');
SELECT is((SELECT clusters FROM bnai_infer('far_away')), (SELECT clusters FROM bnai_infer('near_zero')), 'as many clusters at 1e9');
SELECT is((SELECT array_agg(size ORDER BY size) FROM bnai_clusters WHERE network = 'far_away'),
		  (SELECT array_agg(size ORDER BY size) FROM bnai_clusters WHERE network = 'near_zero'), 'of the same sizes');
SELECT is((SELECT count(*) FROM (SELECT f.label, count(DISTINCT n.label) AS n FROM far_away AS f JOIN near_zero AS n USING (id) GROUP BY 1) AS x WHERE n > 1), 0::bigint, 'with the same rows');
SELECT is_empty($$ SELECT id, label FROM far_away WHERE label IS DISTINCT FROM bnai_predict('far_away', a, b) $$, 'predictions hold there');
SELECT is_empty($$ SELECT n.id FROM near_zero AS n JOIN far_away AS f USING (id) WHERE abs(bnai_score('near_zero', n.a, n.b) - bnai_score('far_away', f.a, f.b)) > 0.01 $$,
	'and scores');

SELECT * FROM finish();
