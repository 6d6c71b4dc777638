-- Example 2 with default settings: the four groups, their labels and the results column.

\i examples/userinfo.sql

SELECT plan(21);

SELECT bnai_create_clustering('bn2', 'userinfo', '{avg_time_pages,avg_time_pages_a}',
							  results_column => 'cluster_1', max_clusters => 10, restarts => 15);
CREATE TABLE run AS SELECT * FROM bnai_infer('bn2');
SELECT is(clusters, 4, 'four clusters') FROM run;
SELECT is(rows, 200::bigint, '200 rows') FROM run;
SELECT is(rows_skipped, 0::bigint, 'none skipped') FROM run;
SELECT is(rows_relabelled, 200::bigint, 'all labelled') FROM run;
SELECT ok(converged, 'converged') FROM run;
SELECT is(restarts, 15, 'restarts as set') FROM run;

-- The sizes that the reference finds are 50, 51, 49, 50; a row or two between the two
-- groups that cross each other depends on the prior.
SELECT is_empty($$ SELECT * FROM bnai_clusters WHERE network = 'bn2' AND (size NOT BETWEEN 46 AND 54 OR abs(weight - 0.25) > 0.02) $$,
	'groups of about fifty rows');
SELECT is((SELECT array_agg(label ORDER BY label) FROM bnai_clusters WHERE network = 'bn2'), '{A,B,C,D}', 'labels A to D');
-- Within three standard errors: of 50 rows with variance 2, 0.6.
SELECT is_empty($$
	SELECT label, mean, want FROM (VALUES ('A', 16), ('B', 20), ('C', 20), ('D', 25)) AS v(label, want)
	LEFT JOIN bnai_clusters AS c USING (label)
	WHERE (c.network = 'bn2' AND abs(mean[1] - want) < 0.6 AND abs(mean[2] - want) < 0.6) IS NOT TRUE $$,
	'labels follow the norm of the mean');
SELECT ok((SELECT sqrt(mean[1] ^ 2 + mean[2] ^ 2) FROM bnai_clusters WHERE network = 'bn2' AND label = 'B')
		< (SELECT sqrt(mean[1] ^ 2 + mean[2] ^ 2) FROM bnai_clusters WHERE network = 'bn2' AND label = 'C'), 'also between B and C');
SELECT is_empty($$ SELECT label, covariance FROM bnai_clusters WHERE network = 'bn2' AND label = 'D'
	AND (covariance[1][2] > -0.8 OR covariance[1][1] NOT BETWEEN 1 AND 3.5 OR covariance[2][2] NOT BETWEEN 1 AND 3.5 OR covariance[1][2] <> covariance[2][1]) $$,
	'the covariance of D is about ((2, -1.5), (-1.5, 2))');
SELECT is((SELECT array_agg(DISTINCT columns::text) FROM bnai_clusters WHERE network = 'bn2'), '{"{avg_time_pages,avg_time_pages_a}"}', 'the columns are named');

SELECT results_eq('SELECT cluster_1, count(*) FROM userinfo GROUP BY 1 ORDER BY 1',
	$$ SELECT label, size::bigint FROM bnai_clusters WHERE network = 'bn2' ORDER BY 1 $$, 'the results column holds the labels');
SELECT is_empty('SELECT id FROM userinfo WHERE cluster_1 IS DISTINCT FROM bnai_predict(''bn2'', avg_time_pages, avg_time_pages_a)',
	'bnai_predict gives every row the label in the column');
SELECT is_empty('SELECT id FROM userinfo WHERE cluster_1 IS DISTINCT FROM
	(SELECT label FROM bnai_predict_proba(''bn2'', avg_time_pages, avg_time_pages_a) LIMIT 1)', 'and so does the first of bnai_predict_proba');
SELECT is(bnai_predict('bn2', 10, 10), 'A', 'a new observation');

-- Runs again: nothing changes, not even a label
SELECT is(rows_relabelled, 0::bigint, 'a second inference relabels nothing') FROM bnai_infer('bn2');

SELECT is(bnai_reset('bn2'), 200::bigint, 'reset clears 200 rows');
SELECT is((SELECT count(cluster_1) FROM userinfo), 0::bigint, 'and the column is NULL');
SELECT is(bnai_predict('bn2', 10, 10), NULL, 'no prediction after a reset');
SELECT is((SELECT count(*) FROM bnai_clusters WHERE network = 'bn2'), 0::bigint, 'no clusters after a reset');

SELECT * FROM finish();
