--
-- Labels and scores of a real inference: the column, the functions and the views agree
--
BEGIN;
\set ECHO none
\i examples/userinfo.sql
SELECT plan(14);

SELECT bnai_create_clustering('users', 'userinfo', '{avg_time_pages,avg_time_pages_a}', results_column => 'cluster_1', max_clusters => 10) \g /dev/null
SELECT rows, clusters FROM bnai_infer('users') \gset
SELECT is(:clusters, 4, 'four groups are found');
SELECT is((SELECT count(*) FROM userinfo WHERE cluster_1 IS DISTINCT FROM bnai_predict('users', avg_time_pages, avg_time_pages_a)), 0::bigint,
		  'predict gives every row the label that stands in its column');
SELECT is((SELECT count(*) FROM userinfo WHERE cluster_1 IS DISTINCT FROM bnai_predict(bnai_fitted('users'), avg_time_pages, avg_time_pages_a)), 0::bigint,
		  'and so does predict by value');
SELECT is((SELECT count(*) FROM userinfo
		   WHERE bnai_score('users', avg_time_pages, avg_time_pages_a) IS DISTINCT FROM
				 bnai_score(bnai_fitted('users')::text::bnai_posterior, avg_time_pages, avg_time_pages_a)), 0::bigint,
		  'scores by name are those by value, bit for bit, also after a round trip through text');
SELECT results_eq($$ SELECT label, size FROM bnai_clusters WHERE network = 'users' $$,
				  $$ SELECT cluster_1, count(*) FROM userinfo GROUP BY cluster_1 ORDER BY cluster_1 $$,
				  'sizes are counts of labels');
SELECT results_eq($$ SELECT label FROM bnai_clusters WHERE network = 'users' $$, $$ VALUES ('A'), ('B'), ('C'), ('D') $$,
				  'labels begin with A');
SELECT results_eq($$ SELECT label FROM bnai_clusters WHERE network = 'users' $$,
				  $$ SELECT label FROM bnai_clusters WHERE network = 'users' ORDER BY mean[1] ^ 2 + mean[2] ^ 2 $$,
				  'in the order of the norm of the mean');

-- Each cluster is the group it was drawn from, or most of it: the means of its
-- rows, which the priors move by less than a tenth
SELECT is((SELECT count(*) FROM bnai_clusters c,
				(SELECT cluster_1, avg(avg_time_pages) AS a, avg(avg_time_pages_a) AS b FROM userinfo GROUP BY cluster_1) g
		   WHERE network = 'users' AND label = cluster_1 AND abs(mean[1] - a) < 0.1 AND abs(mean[2] - b) < 0.1), 4::bigint,
		  'means are those of the rows');

-- A refit from another start hands labels on, whatever the components' order
CREATE TEMP TABLE before AS SELECT id, cluster_1 AS label FROM userinfo;
SELECT bnai_set('users', 'seed', '7') \g /dev/null
SELECT rows_relabelled FROM bnai_infer('users') \gset
SELECT ok(:rows_relabelled <= 2, 'a refit with another seed keeps the labels (a row on a border may move)');
SELECT is((SELECT count(*) FROM userinfo JOIN before USING (id) WHERE cluster_1 IS DISTINCT FROM label), :rows_relabelled::bigint,
		  'what it relabels it says');
SELECT results_eq($$ SELECT label FROM bnai_previous_clusters WHERE network = 'users' $$, $$ VALUES ('A'), ('B'), ('C'), ('D') $$,
				  'the clusters of before can be queried');

-- A group that is gone takes its label with it; a smaller one that comes gets a free label
DELETE FROM userinfo WHERE cluster_1 = 'A';
SELECT * FROM bnai_infer('users') \g /dev/null
SELECT set_eq($$ SELECT label FROM bnai_clusters WHERE network = 'users' $$, $$ VALUES ('B'), ('C'), ('D') $$, 'a lost group loses its label');
INSERT INTO userinfo
SELECT (jsonb_populate_record(u, jsonb_build_object('id', 100000 + id, 'avg_time_pages', 40 + cos(id), 'avg_time_pages_a', 2 + sin(id)))).*
FROM userinfo u ORDER BY id LIMIT 40;
SELECT * FROM bnai_infer('users') \g /dev/null
SELECT set_eq($$ SELECT label FROM bnai_clusters WHERE network = 'users' $$, $$ VALUES ('A'), ('B'), ('C'), ('D') $$, 'a new group gets a free label');
SELECT is(bnai_predict('users', 40, 2), 'A', 'its own');

SELECT * FROM finish();
ROLLBACK;
