-- Where a restart begins: from the current run, and with a fixed number of clusters.

SELECT plan(14);

-- Groups of 40 rows, 10 apart, each with the same cross of points: no draw, so nothing depends on chance
CREATE TABLE points (a float8, b float8, label text);
CREATE FUNCTION add_group(x float8) RETURNS void LANGUAGE sql AS $$
	INSERT INTO points SELECT x + cos(i), 2 * sin(i * 1.7) FROM generate_series(1, 40) AS i
$$;
SELECT add_group(0), add_group(10) \g /dev/null

SELECT bnai_create_clustering('warm', 'points', '{a,b}', results_column => 'label', start => 'posterior') \g /dev/null
SELECT cmp_ok((SELECT restarts FROM bnai_infer('warm')), '>', 1, 'without a run it begins as with kmeans++');
SELECT is((SELECT clusters FROM bnai_runs WHERE network = 'warm' AND is_current), 2, 'and finds the groups');
SELECT results_eq($$SELECT restarts, rows_relabelled FROM bnai_infer('warm')$$, $$VALUES (1, 0::bigint)$$,
	'with one it goes on from there, once');
SELECT cmp_ok(abs(max(elbo) - min(elbo)), '<', 1e-3::float8, 'the bound stays, within the tolerance of the setting')
FROM bnai_runs WHERE network = 'warm';
SELECT is((SELECT min(elbo) > (SELECT elbo FROM bnai_runs WHERE is_current) - 1e-3 FROM bnai_trace('warm') WHERE event IS NULL AND iteration = 1),
	true, 'its first iteration is where the run before ended');
SELECT add_group(20) \g /dev/null
SELECT is((SELECT clusters FROM bnai_infer('warm')), 3, 'a new group is split off: retired components come back');
SELECT is((SELECT array_agg(DISTINCT label ORDER BY label) FROM points WHERE a > 15), '{C}', 'under a new label');
DELETE FROM points WHERE a BETWEEN 5 AND 15;
SELECT bnai_infer('warm') \g /dev/null
SELECT is((SELECT array_agg(label ORDER BY label) FROM bnai_clusters WHERE network = 'warm'), '{A,C}',
	'a group that is gone has no cluster any more');
SELECT bnai_set('warm', 'restarts', '3') \g /dev/null
SELECT bnai_infer('warm') \g /dev/null
SELECT is((SELECT count(DISTINCT restart)::int FROM bnai_trace('warm')), 3, 'more restarts are made where they are asked for');
SELECT bnai_set('warm', 'moves', 'false') \g /dev/null
SELECT is((SELECT clusters FROM bnai_infer('warm')), 2, 'without moves, too');
SELECT bnai_set('warm', 'restarts', NULL), bnai_change_node('warm', 'Lambda', '3, data_precision, plates=10') \g /dev/null
SELECT bnai_drop_node('warm', 'W') \g /dev/null
SELECT is((SELECT restarts FROM bnai_infer('warm')), 1, 'it begins where it was, too, with numbers in place of a node');
SELECT bnai_add_node('warm', 'W', 'Wishart', '2, data_precision'), bnai_change_node('warm', 'Lambda', '3, W, plates=10') \g /dev/null
SELECT cmp_ok((SELECT restarts FROM bnai_infer('warm')), '>', 1, 'a network of another shape begins anew');

SELECT add_group(10) \g /dev/null
SELECT bnai_create_clustering('k' || k, 'points', '{a,b}', max_clusters => k, prune => false) FROM generate_series(1, 5) AS k \g /dev/null
SELECT is(array_agg((SELECT clusters FROM bnai_infer('k' || k)) ORDER BY k), '{1,2,3,4,5}', 'without pruning each component is used')
FROM generate_series(1, 5) AS k;
SELECT is((SELECT count(*)::int FROM bnai_posterior_clusters(bnai_fitted('k5')) WHERE live), 5, 'and none is retired');

SELECT * FROM finish();
