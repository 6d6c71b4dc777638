-- Rows that are NULL in some of the observed columns.  The bound itself is compared with a
-- second implementation in test/reference/missing.sql.

\set size 2000
\i examples/userinfo.sql

SELECT plan(53);
SET client_min_messages = warning;

-- A draw from 0 to 1 by the row and the column
CREATE FUNCTION pg_temp.draw(id bigint, what text) RETURNS float8 LANGUAGE sql IMMUTABLE AS $$
	SELECT ('x' || substr(md5(id || what), 1, 8))::bit(32)::bigint / 4294967296.0 $$;
CREATE TABLE whole AS SELECT id, avg_time_pages AS a, avg_time_pages_a AS b, NULL::text AS label FROM userinfo;
CREATE TABLE holes AS SELECT id, CASE WHEN pg_temp.draw(id, 'a') >= 0.2 THEN a END AS a,
	CASE WHEN pg_temp.draw(id, 'b') >= 0.2 THEN b END AS b, NULL::text AS label FROM whole;
SELECT bnai_create_clustering('whole', 'whole', '{a,b}', results_column => 'label');
SELECT bnai_create_clustering('holes', 'holes', '{a,b}', results_column => 'label');
CREATE TABLE whole_run AS SELECT * FROM bnai_infer('whole');
CREATE TABLE holes_run AS SELECT * FROM bnai_infer('holes');

-- What is asked for a fifth of the cells deleted
CREATE VIEW pairs AS SELECT w.label AS whole, h.label AS holes, count(*) AS n FROM whole AS w JOIN holes AS h USING (id) WHERE h.label IS NOT NULL GROUP BY 1, 2;
SELECT cmp_ok((SELECT (shared - w * h / total) / ((w + h) / 2 - w * h / total)
	FROM (SELECT sum(n * (n - 1) / 2) AS shared, sum(n) * (sum(n) - 1) / 2 AS total FROM pairs) AS b,
		 (SELECT sum(n * (n - 1) / 2) AS w FROM (SELECT sum(n) AS n FROM pairs GROUP BY whole) AS s) AS w_,
		 (SELECT sum(n * (n - 1) / 2) AS h FROM (SELECT sum(n) AS n FROM pairs GROUP BY holes) AS s) AS h_)::float8,
	'>=', 0.85::float8, 'adjusted Rand index of the labels against those of the whole table');
SELECT is((SELECT count(*) FROM bnai_clusters WHERE network = 'holes'), 4::bigint, 'four clusters');
-- each cluster's nearest one of the whole table; the two in the middle have one mean
SELECT is_empty($$ SELECT h.label, h.mean FROM bnai_clusters AS h WHERE network = 'holes' AND NOT EXISTS
	(SELECT FROM bnai_clusters AS w WHERE network = 'whole' AND abs(w.mean[1] - h.mean[1]) < 0.1 AND abs(w.mean[2] - h.mean[2]) < 0.1) $$, 'means move by less than 0.1');
SELECT is((SELECT ARRAY[rows, rows_skipped, rows_relabelled] FROM holes_run),
	(SELECT ARRAY[n, 2000 - n, n] FROM (SELECT count(*) AS n FROM holes WHERE a IS NOT NULL OR b IS NOT NULL) AS c), 'only rows without any value are skipped');
SELECT is_empty('SELECT * FROM holes WHERE (label IS NULL) <> (a IS NULL AND b IS NULL)', 'and have no label');
SELECT is_empty('SELECT * FROM holes WHERE label IS DISTINCT FROM bnai_predict(''holes'', a, b)', 'the stored label is what bnai_predict says');
SELECT is((SELECT sum(size) FROM bnai_clusters WHERE network = 'holes'), (SELECT rows FROM holes_run)::numeric, 'sizes count all rows that have labels');
-- 1e-6 relative: rounding, as the engine's own check has it
SELECT is_empty($$ SELECT * FROM (SELECT restart, iteration, elbo, event, lag(elbo) OVER w AS before FROM bnai_trace('holes') WINDOW w AS (PARTITION BY restart ORDER BY iteration, event NULLS FIRST)) AS t
	WHERE event IS NULL AND elbo < before - 1e-6 * (1 + abs(before)) $$, 'the bound never falls');
SELECT is((SELECT rows_relabelled FROM bnai_infer('holes')), 0::bigint, 'nothing changes when it is inferred again');

-- Answers for rows that lack columns: marginals of the density of whole rows.  The trapezoidal sum
-- is exact to 1e-6 here; what lies outside of it is less.
CREATE TABLE grid AS SELECT a, bnai_score('holes', a, 17) AS log_density FROM (SELECT i * 0.02 FROM generate_series(-10000, 12000) AS i) AS g (a);
SELECT ok(abs(bnai_score('holes', NULL, 17) - (SELECT ln(sum(exp(log_density)) * 0.02) FROM grid)) < 1e-4, 'bnai_score integrates what is missing out');
SELECT ok(abs((SELECT sum(probability) FROM bnai_predict_proba('holes', NULL, 17)) - 1) < 1e-12, 'probabilities sum to 1');
SELECT is((SELECT label FROM bnai_predict_proba('holes', NULL, 17) LIMIT 1), bnai_predict('holes', NULL, 17), 'the greatest is the label');
SELECT is(bnai_predict('holes', NULL, NULL), NULL, 'no values, no label');
SELECT is(bnai_score('holes', NULL, NULL), NULL, 'no values, no density');
SELECT results_eq($$ SELECT column_name, value IS NULL, pull IS NULL, mean IS NULL FROM bnai_explain('holes', NULL, 17) $$,
	$$ VALUES ('a', true, true, false), ('b', false, false, false) $$, 'bnai_explain knows what is missing');
SELECT throws_ok($$ SELECT bnai_predict('holes', 'NaN', 17) $$, 'column "a" holds NaN');
SELECT throws_ok($$ SELECT bnai_predict('holes', NULL, 'NaN') $$, 'column "b" holds NaN');

-- What is missing.  Where there is one component, it is the conditional of the density exactly.
CREATE TABLE line AS SELECT i AS id, sin(i) * 3 + 10 AS x, sin(i) * 6 + cos(i * i) AS y, cos(i * 3.7) + sin(i) AS z FROM generate_series(1, 60) AS i;
SELECT bnai_create_network('line', missing => 'marginalize');
SELECT bnai_add_node('line', 'mu', 'Gaussian', 'data_mean, 0.1 * data_precision');
SELECT bnai_add_node('line', 'Lambda', 'Wishart', '4, data_precision');
SELECT bnai_add_node('line', 'xyz', 'Gaussian', 'mu, Lambda', source => 'line', columns => '{x,y,z}');
SELECT count(*) FROM bnai_infer('line');
CREATE TABLE density AS SELECT y, exp(bnai_score('line', 12, y, 1)) AS p FROM (SELECT i * 0.05 FROM generate_series(-2000, 2400) AS i) AS g (y);
SELECT ok(abs(i.value - m.mean) < 1e-6 AND abs(i.deviation - sqrt(m.square - m.mean ^ 2)) < 1e-5, 'bnai_impute gives mean and deviation of the conditional')
FROM bnai_impute('line', 12, NULL, 1) AS i, (SELECT sum(y * p) / sum(p) AS mean, sum(y * y * p) / sum(p) AS square FROM density) AS m;
SELECT results_eq($$ SELECT column_name FROM bnai_impute('line', NULL, 3, NULL) $$, $$ VALUES ('x'), ('z') $$, 'a row for each column that is missing');
SELECT is_empty($$ SELECT * FROM bnai_impute('line', 1, 2, 3) $$, 'none where nothing is');
SELECT is_empty($$ SELECT * FROM bnai_impute('line', NULL, NULL, NULL) $$, 'none where everything is');
SELECT results_eq($$ SELECT * FROM bnai_impute(bnai_fitted('holes'), NULL, 17) $$, $$ SELECT * FROM bnai_impute('holes', NULL, 17) $$, 'by value as by name');
-- 68 per cent within one deviation, 95 within two, were the clusters exactly normal; 400 cells are missing
SELECT ok(avg((abs(w.a - i.value) < i.deviation)::int) BETWEEN 0.6 AND 0.76 AND avg((abs(w.a - i.value) < 2 * i.deviation)::int) BETWEEN 0.92 AND 0.98,
	'true values lie as far from the imputed ones as the deviations say')
FROM whole AS w JOIN holes AS h USING (id), bnai_impute('holes', h.a, h.b) AS i WHERE i.column_name = 'a';

-- The other choices
CREATE TABLE part AS SELECT id, a, CASE WHEN id % 10 > 0 THEN b END AS b, NULL::text AS label FROM whole WHERE id % 4 = 0;
SELECT bnai_create_clustering('part', 'part', '{a,b}', results_column => 'label', missing => 'skip', restarts => 1);
SELECT is((SELECT ARRAY[rows, rows_skipped] FROM bnai_infer('part')), '{400,100}', 'skip: rows without all columns take no part');
SELECT is_empty('SELECT * FROM part WHERE (label IS NULL) <> (b IS NULL) OR label IS DISTINCT FROM bnai_predict(''part'', a, b)', 'skip: they have no label');
SELECT is((SELECT missing FROM bnai_networks WHERE network = 'part'), 'skip', 'the view shows the setting');
SELECT bnai_set('part', 'missing', 'error');
SELECT throws_ok('SELECT bnai_infer(''part'')', '22004', 'column "b" of "part" holds NULL', 'error: it is one');
SELECT bnai_set('part', 'missing', NULL);
SELECT is((SELECT ARRAY[rows, rows_skipped] FROM bnai_infer('part')), '{500,0}', 'marginalize is the default of a clustering');
SELECT throws_ok('SELECT bnai_set(''part'', ''missing'', ''ignore'')', 'invalid value for setting "missing": "ignore"');
SELECT is((SELECT (bnai_fit('part', a, b)::jsonb ->> 'rows')::integer FROM part), 500, 'bnai_fit takes such rows, too');

-- The other covariances, and Student-t: the same groups as of the whole table, with each value deleted
-- with probability 0.2.  Three groups that lie apart, in which even columns are independent: what is
-- left of a row says which one it is.
CREATE TABLE apart AS SELECT id, id % 3 AS g, (id % 3) * 10 + pg_temp.draw(id, 'x') + pg_temp.draw(id, 'y') AS a, (id % 3) * -8 + pg_temp.draw(id, 'z') + pg_temp.draw(id, 'u') AS b,
	5 * (id % 3) + pg_temp.draw(id, 'v') + pg_temp.draw(id, 'w') AS c FROM generate_series(1, 1500) AS id;
CREATE TABLE partly AS SELECT id, g, CASE WHEN pg_temp.draw(id, 'a') >= 0.2 THEN a END AS a, CASE WHEN pg_temp.draw(id, 'b') >= 0.2 THEN b END AS b, CASE WHEN pg_temp.draw(id, 'c') >= 0.2 THEN c END AS c, NULL::text AS label FROM apart;
CREATE TABLE kinds AS SELECT * FROM (VALUES ('diagonal', 'diagonal', false), ('spherical', 'spherical', false), ('tied', 'tied', false), ('robust', 'full', true), ('robust_diagonal', 'diagonal', true), ('robust_spherical', 'spherical', true)) AS v (kind, covariance, robust);
SELECT bnai_create_clustering(kind, 'partly', '{a,b,c}', covariance => covariance, robust => robust, restarts => 1, max_clusters => 6) FROM kinds;
CREATE TABLE kind_runs AS SELECT kind, r.* FROM kinds, bnai_infer(kind) AS r;
SELECT results_eq('SELECT kind, rows, rows_skipped FROM kind_runs ORDER BY kind', 'SELECT kind, n, 1500 - n FROM kinds, (SELECT count(*) AS n FROM partly WHERE num_nulls(a, b, c) < 3) AS c ORDER BY kind',
	'rows that lack columns take part in clusterings of all kinds');
SELECT is_empty($$ SELECT kind, g, count(DISTINCT bnai_predict(kind, a, b, c)) FROM partly, kinds WHERE num_nulls(a, b, c) < 3 GROUP BY kind, g HAVING count(DISTINCT bnai_predict(kind, a, b, c)) > 1 $$,
	'each group has one label, whatever its rows lack');
SELECT is((SELECT array_agg(clusters ORDER BY kind) FROM kind_runs), '{3,3,3,3,3,3}', 'and there are three');
-- means of 400 values of variance 1/6: standard error 0.02
SELECT is_empty($$ SELECT network, label, mean FROM bnai_clusters JOIN kinds ON kind = network
	WHERE NOT EXISTS (SELECT FROM (SELECT avg(a), avg(b), avg(c) FROM apart GROUP BY g) AS t (a, b, c) WHERE greatest(abs(a - mean[1]), abs(b - mean[2]), abs(c - mean[3])) < 0.1) $$, 'means are those of the whole table');
SELECT is_empty($$ SELECT * FROM (SELECT kind, restart, iteration, elbo, event, lag(elbo) OVER w AS before FROM kinds, bnai_trace(kind) WINDOW w AS (PARTITION BY kind, restart ORDER BY iteration, event NULLS FIRST)) AS t
	WHERE event IS NULL AND elbo < before - 1e-6 * (1 + abs(before)) $$, 'no bound ever falls');
-- Marginals of the density, and conditionals: sums over a grid, exact to 1e-4 with steps of a
-- twentieth of a deviation; tails outside of it take less than a hundredth from the deviation of a Student-t
CREATE TABLE kind_density AS SELECT kind, a, exp(bnai_score(kind, a, b, 5.5)) AS p, b FROM kinds, (SELECT -20 + i * 0.02 FROM generate_series(0, 3000) AS i) AS g (a), (VALUES (-7.2)) AS w (b);
SELECT ok(abs(bnai_score(kind, NULL, -7.2, 5.5) - ln(sum(p) * 0.02)) < 1e-3, kind || ': bnai_score integrates what is missing out') FROM kind_density GROUP BY kind ORDER BY kind;
SELECT ok(abs(i.value - mean) < 1e-3 AND abs(i.deviation - sqrt(square - mean ^ 2)) < 0.02 * i.deviation, kind || ': bnai_impute gives mean and deviation of the conditional')
FROM (SELECT kind, sum(a * p) / sum(p) AS mean, sum(a * a * p) / sum(p) AS square FROM kind_density GROUP BY kind) AS m, bnai_impute(kind, NULL, -7.2, 5.5) AS i ORDER BY kind;
SELECT results_eq($$ SELECT column_name FROM bnai_impute('diagonal', NULL, -7, NULL) $$, $$ VALUES ('a'), ('c') $$, 'a row for each column that a diagonal clustering lacks');

-- Rows as they arrive
SELECT bnai_label_on_insert('part');
INSERT INTO part (id, a, b) VALUES (9001, 16, NULL), (9002, NULL, NULL);
SELECT results_eq('SELECT label FROM part WHERE id > 9000 ORDER BY id', 'SELECT * FROM (VALUES (bnai_predict(''part'', 16, NULL)), (NULL)) AS v', 'rows get their label on insert');

-- The same answer however the rows are kept, and in whatever order they come; without moves, whose
-- samples depend on bnai.work_mem.  Many patterns; one column hardly ever there.
CREATE TABLE wide AS SELECT id, CASE WHEN pg_temp.draw(id, 'a') > 0.1 THEN g + pg_temp.draw(id, 'e') END AS a, CASE WHEN pg_temp.draw(id, 'b') > 0.1 THEN g * 2 + pg_temp.draw(id, 'f') END AS b,
	CASE WHEN pg_temp.draw(id, 'c') > 0.1 THEN pg_temp.draw(id, 'g') - g END AS c, CASE WHEN pg_temp.draw(id, 'd') > 0.99 THEN pg_temp.draw(id, 'h') END AS d
	FROM (SELECT id, id % 3 * 2 AS g FROM generate_series(1, 30000) AS id) AS r;
SELECT bnai_create_clustering('wide', 'wide', '{a,b,c,d}', max_clusters => 3, restarts => 1, moves => false);
SET bnai.max_parallel_workers = 0;
CREATE TABLE wide_run AS SELECT elbo, rows, clusters FROM bnai_infer('wide');
SET bnai.max_parallel_workers = 2;
SELECT results_eq('SELECT elbo, rows, clusters FROM bnai_infer(''wide'')', 'TABLE wide_run', 'parallel workers change nothing');
SET bnai.work_mem = '1MB';
SELECT ok(abs(i.elbo - w.elbo) < 1e-9 * abs(w.elbo) AND i.clusters = w.clusters, 'rows in a file') FROM bnai_infer('wide') AS i, wide_run AS w;
RESET bnai.work_mem;
CREATE TABLE back AS SELECT * FROM wide ORDER BY id DESC;
SELECT bnai_create_clustering('back', 'back', '{a,b,c,d}', max_clusters => 3, restarts => 1, moves => false);
SELECT ok(abs(i.elbo - w.elbo) < 1e-9 * abs(w.elbo) AND i.clusters = w.clusters, 'rows in another order') FROM bnai_infer('back') AS i, wide_run AS w;

-- A column without any value
CREATE TABLE nothing AS SELECT id, a, NULL::float8 AS n FROM whole WHERE id % 10 = 0;
SELECT bnai_create_clustering('nothing', 'nothing', '{a,n}', restarts => 1);
SELECT lives_ok('SELECT bnai_infer(''nothing'')', 'a column without any value is no harm');

SELECT * FROM finish();
