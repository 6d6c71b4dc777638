-- The history of runs: how many are kept, going back, and comparing.

SELECT plan(22);

-- Groups of 40 rows, 10 apart, each with the same cross of points: no draw, so nothing depends on chance
CREATE TABLE points (a float8, b float8, label text);
CREATE FUNCTION add_group(x float8) RETURNS void LANGUAGE sql AS $$
	INSERT INTO points SELECT x + cos(i), 2 * sin(i * 1.7) FROM generate_series(1, 40) AS i
$$;
SELECT add_group(0), add_group(10) \g /dev/null
SELECT bnai_create_clustering('h', 'points', '{a,b}', results_column => 'label', history => 3) \g /dev/null
SELECT throws_ok($$SELECT bnai_rollback('h')$$, '55000', 'network "h" has no previous run', 'nothing to go back to');
SELECT bnai_infer('h') \g /dev/null
SELECT throws_ok($$SELECT bnai_rollback('h')$$, '55000', 'network "h" has no previous run', 'the first run has none before it');
SELECT add_group(20) \g /dev/null
SELECT bnai_infer('h') \g /dev/null
SELECT run AS first FROM bnai_runs WHERE network = 'h' AND NOT is_current \gset
SELECT run AS second FROM bnai_runs WHERE network = 'h' AND is_current \gset
SELECT results_eq($$SELECT label, count(*) FROM points GROUP BY 1 ORDER BY 1$$,
	$$VALUES ('A', 40::bigint), ('B', 40), ('C', 40)$$, 'three groups');

-- comparing
SELECT results_eq(format('SELECT label, other_label, rows FROM bnai_compare(%s, %s)', :first, :second),
	$$VALUES ('A', 'A', 40::bigint), ('B', 'B', 40), ('B', 'C', 40)$$, 'the second group was split for the first run');
SELECT cmp_ok(max(abs(s)), '<', 0.5::float8, 'a group that stays has hardly moved')
FROM bnai_compare(:first, :second), unnest(shift) AS s WHERE label = 'A';
SELECT cmp_ok((shift)[1], '>', 5::float8, 'and the new one is far, in standard deviations') FROM bnai_compare(:first, :second) WHERE other_label = 'C';
SELECT results_eq(format('SELECT label, other_label, shift FROM bnai_compare(%s, %1$s)', :second),
	$$VALUES ('A', 'A', '{0,0}'::float8[]), ('B', 'B', '{0,0}'), ('C', 'C', '{0,0}')$$, 'a run is like itself');
SELECT throws_ok($$SELECT * FROM bnai_compare(1000, 1001)$$, '42704', 'run 1000 does not exist', 'a run that is not there');

-- going back
SELECT is(bnai_rollback('h'), 40::bigint, 'a rollback relabels');
SELECT is((SELECT run FROM bnai_runs WHERE network = 'h' AND is_current), :first::bigint, 'the earlier run is current');
SELECT results_eq($$SELECT label, count(*) FROM points GROUP BY 1 ORDER BY 1$$,
	$$VALUES ('A', 40::bigint), ('B', 80)$$, 'and its labels are in the column');
SELECT is(bnai_predict('h', 20, 0), 'B', 'and in the answers');
SELECT is(bnai_rollback('h'), 40::bigint, 'once more returns to where it was');
SELECT is((SELECT run FROM bnai_runs WHERE network = 'h' AND is_current), :second::bigint, 'the later run is current again');
SELECT is(bnai_rollback('h', :second), 0::bigint, 'the current run, where nothing changes');
SELECT is((SELECT array_agg(DISTINCT label ORDER BY label) FROM bnai_previous_clusters WHERE network = 'h'), '{A,B}', 'leaves the previous one alone');
SELECT throws_ok($$SELECT bnai_rollback('h', 1000)$$, '42704', 'run 1000 does not exist', 'a run that is not there');
SELECT bnai_create_clustering('other', 'points', '{a,b}') \g /dev/null
SELECT bnai_infer('other') \g /dev/null
SELECT throws_ok(format($$SELECT bnai_rollback('other', %s)$$, :second), '22023', NULL, 'a run of another network');

-- how many are kept
SELECT bnai_rollback('h', :first) \g /dev/null
SELECT is((SELECT count(*) FROM points WHERE label = 'C'), 0::bigint, 'back at the first run');
SELECT bnai_infer('h') \g /dev/null
SELECT is((SELECT array_agg(DISTINCT label ORDER BY label) FROM points), '{A,B,C}', 'the next inference goes on from there');
SELECT bnai_infer('h') \g /dev/null
SELECT bnai_infer('h') \g /dev/null
SELECT is((SELECT count(*) FROM bnai_runs WHERE network = 'h'), 3::bigint, 'as many runs are kept as the setting says');

-- restarts
SELECT results_eq($$SELECT max(elbo), count(*)::int FROM bnai_restarts WHERE network = 'other'$$,
	$$SELECT elbo, restarts FROM bnai_runs WHERE network = 'other'$$, 'each restart is kept; the best one has the ELBO of the run');

SELECT * FROM finish();
