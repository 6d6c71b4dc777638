-- What a refit changed, and labels that stay over refits.

SELECT plan(11);

-- Groups of 40 rows, 10 apart, each with the same cross of points: no draw, so nothing depends on chance
CREATE TABLE points (a float8, b float8, c float8, label text);
CREATE FUNCTION add_group(x float8) RETURNS void LANGUAGE sql AS $$
	INSERT INTO points SELECT x + cos(i), 2 * sin(i * 1.7), x + sin(i * 0.3) FROM generate_series(1, 40) AS i
$$;
SELECT add_group(0), add_group(10) \g /dev/null
SELECT bnai_create_clustering('c', 'points', '{a,b}', results_column => 'label') \g /dev/null
SELECT bnai_infer('c') \g /dev/null
SELECT is_empty($$SELECT * FROM bnai_changes('c')$$, 'the first run changed nothing');
SELECT bnai_infer('c') \g /dev/null
SELECT results_eq($$SELECT label, change, other_labels, size, previous_size, moved < 1e-6 FROM bnai_changes('c')$$,
	$$VALUES ('A', 'kept', NULL::text[], 40::bigint, 40::bigint, true), ('B', 'kept', NULL, 40, 40, true), (NULL, 'all', NULL, 80, 80, true)$$,
	'the same rows again: everything is kept');
SELECT cmp_ok(max(abs(d)), '<', 1e-3::float8, 'and nothing drifts') FROM bnai_changes('c'), unnest(drift) AS d;

SELECT add_group(20) \g /dev/null
SELECT bnai_infer('c') \g /dev/null
SELECT results_eq($$SELECT label, change, other_labels, size FROM bnai_changes('c')$$,
	$$VALUES ('A', 'kept', NULL::text[], 40::bigint), ('B', 'kept', NULL, 40), ('C', 'birth', NULL, 40), (NULL, 'all', NULL, 120)$$,
	'a new group is a birth');
DELETE FROM points WHERE label = 'B';
UPDATE points SET a = a + 0.7 WHERE label = 'C';
SELECT bnai_infer('c') \g /dev/null
SELECT results_eq($$SELECT label, change, size, previous_size FROM bnai_changes('c')$$,
	$$VALUES ('A', 'kept', 40::bigint, 40::bigint), ('B', 'death', NULL, 40), ('C', 'kept', 40, 40), (NULL, 'all', 80, 120)$$,
	'a group without rows is a death');
-- cos(1) … cos(40) have a standard deviation of 0.7; the expected covariance has the prior in it
SELECT cmp_ok(drift[1], '>', 0.7::float8, 'a mean that moves by one standard deviation drifts') FROM bnai_changes('c') WHERE label = 'C';
SELECT cmp_ok(drift[1], '<', 1.1::float8, 'by about one') FROM bnai_changes('c') WHERE label = 'C';

-- a run that was given two labels for three groups, then one that finds them, then two again
TRUNCATE points;
SELECT add_group(0), add_group(10), add_group(20) \g /dev/null
UPDATE points SET label = CASE WHEN a < 5 THEN 'A' ELSE 'B' END;
SELECT bnai_create_clustering('s', 'points', '{a,b}', results_column => 'label', start => 'results', moves => false) \g /dev/null
SELECT bnai_infer('s') \g /dev/null
SELECT bnai_set('s', 'moves', 'true'), bnai_set('s', 'start', NULL) \g /dev/null
SELECT bnai_infer('s') \g /dev/null
SELECT results_eq($$SELECT label, change, other_labels, round(moved::numeric, 1) FROM bnai_changes('s')$$,
	$$VALUES ('A', 'kept', NULL::text[], 0.0), ('B', 'kept', NULL, 0.5), ('C', 'split', '{B}', NULL), (NULL, 'all', NULL, 0.3)$$,
	'a group that was divided in two is split, and a third of the rows moved');
UPDATE points SET label = 'B' WHERE label = 'C';
SELECT bnai_set('s', 'moves', 'false'), bnai_set('s', 'start', 'results') \g /dev/null
SELECT bnai_infer('s') \g /dev/null
SELECT results_eq($$SELECT label, change, other_labels, round(moved::numeric, 1) FROM bnai_changes('s')$$,
	$$VALUES ('A', 'kept', NULL::text[], 0.0), ('B', 'kept', NULL, 0.0), ('C', 'merge', '{B}', 1.0), (NULL, 'all', NULL, 0.3)$$,
	'one that another took is merged');

-- other columns: matched by the labels in the table
TRUNCATE points;
SELECT add_group(0), add_group(10), add_group(20) \g /dev/null
SELECT bnai_create_clustering('m', 'points', '{a,b}', results_column => 'label') \g /dev/null
SELECT bnai_change_node('m', 'Lambda', '3, data_precision, plates=10') \g /dev/null
SELECT bnai_drop_node('m', 'W') \g /dev/null
SELECT bnai_infer('m') \g /dev/null
UPDATE points SET label = CASE label WHEN 'A' THEN 'B' WHEN 'B' THEN 'A' ELSE label END;
SELECT bnai_add_node('m', 'W', 'Wishart', '2, data_precision') \g /dev/null
SELECT bnai_change_node('m', 'Lambda', '3, W, plates=10') \g /dev/null
SELECT is((bnai_infer('m')).rows_relabelled, 0::bigint, 'a network of another shape keeps the labels in the table, even if they were exchanged');
SELECT results_eq($$SELECT label, change, moved FROM bnai_changes('m')$$,
	$$VALUES ('A', 'kept', 0::float8), ('B', 'kept', 0), ('C', 'kept', 0), (NULL, 'all', 0)$$, 'which is told, too');

SELECT * FROM finish();
