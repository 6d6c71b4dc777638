-- Pictures: what is in the specifications, who may have them, and what cannot be drawn.
-- That Vega-Lite takes them is tested in test/node/plots.js.
BEGIN;
SELECT no_plan();

\i examples/userinfo.sql
SELECT bnai_create_network('bn1');
SELECT bnai_add_node('bn1', 'mu', 'GaussianARD', '0, 1e-6');
SELECT bnai_add_node('bn1', 'tau', 'Gamma', '1e-6, 1e-6');
SELECT bnai_add_node('bn1', 'avg1', 'GaussianARD', 'mu, tau', source => 'userinfo', columns => '{avg1}');
SELECT bnai_create_clustering('bn2', 'userinfo', '{avg_time_pages,avg_time_pages_a}', results_column => 'cluster_1');
SELECT bnai_create_clustering('three', 'userinfo', '{avg_time_pages,avg_time_pages_a,avg1}');

-- without a run there is nothing to draw
SET client_min_messages = warning;
SELECT is(bnai_plot('bn2', what)::text, NULL, 'no ' || what || ' before the first run') FROM unnest('{clusters,trace,sizes}'::text[]) AS what;
SELECT is(bnai_plot('bn1', 'posterior', node => 'mu')::text, NULL, 'no posterior before the first run');
RESET client_min_messages;
SELECT count(*) FROM bnai_infer('bn1');
SELECT count(*) FROM bnai_infer('bn2');
SELECT count(*) FROM bnai_infer('three');

-- the sample
SELECT is(count(*), 200::bigint, 'a sample of all rows') FROM bnai_sample_rows('bn2');
SELECT is(count(*), 50::bigint, 'a smaller sample') FROM bnai_sample_rows('bn2', 50);
SELECT results_eq($$SELECT observed FROM bnai_sample_rows('bn2', 50) ORDER BY place$$,
	$$SELECT observed FROM bnai_sample_rows('bn2') ORDER BY place LIMIT 50$$, 'it is the beginning of a larger one');
SELECT ok((SELECT array_agg(observed ORDER BY place) FROM bnai_sample_rows('bn2', 50, 7))
	<> (SELECT array_agg(observed ORDER BY place) FROM bnai_sample_rows('bn2', 50)), 'another seed draws other rows');
CREATE TEMP TABLE before AS SELECT * FROM bnai_sample_rows('bn2', 50);
UPDATE userinfo SET age = age + 1 WHERE id % 3 = 0;
SELECT results_eq($$SELECT observed FROM bnai_sample_rows('bn2', 50) ORDER BY place$$, 'SELECT observed FROM before ORDER BY place',
	'the order of rows in the table does not matter');
SELECT is(count(*), 0::bigint, 'all sampled rows are rows of the table') FROM (
	SELECT observed FROM bnai_sample_rows('bn2') EXCEPT ALL SELECT ARRAY[avg_time_pages, avg_time_pages_a] FROM userinfo) s;
SELECT throws_ok($$SELECT * FROM bnai_sample_rows('bn2', -1)$$, '22023', 'a sample of -1 rows cannot be drawn');

-- clusters: rows with the labels of the results column, means and ellipses
CREATE TEMP TABLE picture AS SELECT bnai_plot('bn2', 'clusters')::jsonb AS spec;
SELECT results_eq($$SELECT d ->> 'label', count(*) FROM picture, jsonb_array_elements(spec #> '{datasets,rows}') d GROUP BY 1 ORDER BY 1$$,
	$$SELECT cluster_1, count(*) FROM userinfo GROUP BY 1 ORDER BY 1$$, 'points have the labels of the table');
SELECT results_eq($$SELECT d ->> 'label', (d -> 'c1')::float8, (d -> 'c2')::float8 FROM picture, jsonb_array_elements(spec #> '{datasets,means}') d ORDER BY 1$$,
	$$SELECT label, mean[1], mean[2] FROM bnai_clusters WHERE network = 'bn2' ORDER BY 1$$, 'means are those of bnai_clusters');
-- the squared Mahalanobis distance of an ellipse's points from the mean is sigmas^2, but for rounding
SELECT is(count(*), 4 * 2 * 49::bigint, 'each point of an ellipse is one or two standard deviations away')
FROM picture, jsonb_array_elements(spec #> '{datasets,ellipses 1 2}') d
JOIN bnai_clusters c ON c.network = 'bn2' AND c.label = d ->> 'label',
LATERAL (SELECT (d -> 'c1')::float8 - mean[1] AS x, (d -> 'c2')::float8 - mean[2] AS y,
	covariance[1][1] AS a, covariance[1][2] AS b, covariance[2][2] AS c) p
WHERE abs((p.c * x * x - 2 * p.b * x * y + p.a * y * y) / (p.a * p.c - p.b * p.b) - (d -> 'sigmas')::float8 ^ 2) < 1e-9;
SELECT is(spec #>> '{encoding,x,title}', 'avg_time_pages', 'axes have the names of columns') FROM picture;
SELECT is(spec #>> '{title,text}', 'Clusters of userinfo', 'the title names the table') FROM picture;

-- a label keeps its colour when others come or go
SELECT is(bnai_plot_labels('{B}') #>> '{colors,0}', bnai_plot_labels('{A,B,C}') #>> '{colors,1}', 'colours belong to labels');
SELECT is(count(DISTINCT (l #>> '{colors,0}', l #>> '{shapes,0}')), 42::bigint, 'colour and shape tell 42 labels apart')
FROM generate_series(0, 41) i, LATERAL (SELECT bnai_plot_labels(ARRAY[CASE WHEN i < 26 THEN chr(65 + i) ELSE 'A' || chr(39 + i) END]) AS l) x;

-- more columns, fewer columns, others
SELECT is((SELECT sum(jsonb_array_length(line -> 'hconcat')) FROM jsonb_array_elements(bnai_plot('three', 'clusters')::jsonb -> 'vconcat') line),
	3::bigint, 'three columns make three pairs');
SELECT is(bnai_plot('three', 'clusters', '{avg1,avg_time_pages}')::jsonb #>> '{encoding,x,title}', 'avg1', 'two columns of three');
SELECT is(bnai_plot('three', 'clusters', '{avg1}')::jsonb #>> '{layer,0,encoding,x,title}', 'avg1', 'one column');
SELECT is(jsonb_array_length(bnai_plot('three', 'clusters', sample_size => 20)::jsonb #> '{datasets,rows}'), 20, 'a sample of 20 rows');
SELECT throws_ok($$SELECT bnai_plot('three', 'clusters', '{avg1,age}')$$, '42703', 'the network does not observe a column "age"');
SELECT throws_ok($$SELECT bnai_plot('three', 'clusters', '{}')$$, '22023', '0 columns cannot be drawn');
SELECT throws_ok($$SELECT bnai_plot('bn1', 'clusters')$$, '42809', 'the network has no clusters to draw');

-- densities: of area 1 (the trapezoid rule over four deviations misses less than 1e-3), at their mean and deviation
CREATE TEMP TABLE curve AS
SELECT node, x, density, x - lag(x) OVER w AS step, (density + lag(density) OVER w) / 2 AS height
FROM unnest('{mu,tau}'::text[]) AS node, bnai_density('bn1', node) WINDOW w AS (PARTITION BY node ORDER BY x);
SELECT ok(abs(sum(step * height) - 1) < 1e-3, node || ' has a density of area 1') FROM curve GROUP BY node ORDER BY node;
SELECT ok(abs(sum(step * height * (x - step / 2)) / bnai_mean('bn1', node) - 1) < 1e-3, node || ' has its mean there') FROM curve GROUP BY node ORDER BY node;
SELECT bnai_create_clustering(c, 'userinfo', '{avg_time_pages,avg_time_pages_a}', covariance => c) FROM unnest('{diagonal,spherical}'::text[]) c;
SELECT count(*) FROM bnai_infer('diagonal');
SELECT count(*) FROM bnai_infer('spherical');
-- the area under 129 points of a curve as above
CREATE TEMP TABLE areas AS
SELECT n.network || ' ' || n.node AS name, plate, index, sum(density) * (max(x) - min(x)) / 128 AS area
FROM bnai_nodes n, bnai_density(n.network, n.node)
WHERE n.network IN ('diagonal', 'spherical') AND n.node IN ('mu', 'tau') AND label IS NOT NULL GROUP BY 1, 2, 3;
SELECT is(array_agg(DISTINCT index ORDER BY index), CASE name WHEN 'spherical tau' THEN '{1}'::int[] ELSE '{1,2}' END, 'elements of ' || name)
FROM areas GROUP BY name ORDER BY name;
SELECT ok(min(area) > 0.99 AND max(area) < 1.01, 'densities of area 1 (beyond four deviations a Gamma has up to 0.7 percent): ' || name)
FROM areas GROUP BY name ORDER BY name;
SELECT is(count(*), 0::bigint, 'a Gamma has no density below 0') FROM bnai_density('bn1', 'tau', -1, 0) WHERE density <> 0;
SELECT is(array_agg(DISTINCT label ORDER BY label), '{A,B,C,D,NULL}', 'plates have the labels of clusters') FROM bnai_density('bn2', 'mu');
SELECT is(jsonb_array_length(bnai_plot('bn2', 'posterior', node => 'mu')::jsonb -> 'vconcat'), 2, 'a picture for each element of a vector');
SELECT is(bnai_plot('bn1', 'posterior', node => 'tau')::jsonb #>> '{vconcat,0,encoding,x,title}', 'tau of avg1', 'whose node and column are named');
SELECT is((bnai_plot('bn1', 'posterior', node => 'mu', lower => 8, upper => 12)::jsonb #>> '{vconcat,0,data,values,0,x}')::float8, 8::float8, 'an interval');
SELECT throws_ok($$SELECT bnai_plot('bn1', 'posterior')$$, '22004', 'a density is that of a node of a network');
SELECT throws_ok($$SELECT bnai_plot('bn1', 'posterior', node => 'x')$$, '42704', 'network "bn1" was inferred without a node "x"');
SELECT throws_ok($$SELECT bnai_plot('bn1', 'posterior', node => 'avg1')$$, '42809', 'node "avg1" of network "bn1" is observed, it has no posterior');
SELECT throws_ok($$SELECT bnai_plot('bn2', 'posterior', node => 'Lambda')$$, '42809', 'node "Lambda" is a Wishart, whose density is not drawn');
SELECT throws_ok($$SELECT bnai_plot('bn1', 'posterior', node => 'mu', lower => 3, upper => 2)$$, '22023', 'no curve can be drawn from 3 to 2');
SELECT throws_ok($$SELECT bnai_plot('bn1', 'posterior', node => 'mu', lower => 3)$$, '22004', 'an interval has a lower and an upper end');

-- trace and sizes
SELECT is((SELECT count(*) FROM jsonb_array_elements(bnai_plot('bn2', 'trace')::jsonb #> '{data,values}')),
	(SELECT count(*) FROM bnai_trace('bn2')), 'the trace has all its points');
SELECT is((SELECT count(DISTINCT v -> 'restart') FROM jsonb_array_elements(bnai_plot('bn2', 'trace')::jsonb #> '{data,values}') v WHERE v ->> 'line' = 'best restart'),
	1::bigint, 'one restart is the best');
SELECT count(*) FROM bnai_infer('bn2');
SELECT results_eq($$SELECT v ->> 'run', sum((v -> 'size')::bigint) FROM jsonb_array_elements(bnai_plot('bn2', 'sizes')::jsonb #> '{data,values}') v GROUP BY 1 ORDER BY 1$$,
	$$VALUES ('current', 200::numeric), ('previous', 200)$$, 'sizes of the current and of the previous run');
SELECT is(bnai_plot('three', 'changes')::text, NULL, 'no changes after one run');
UPDATE userinfo SET avg_time_pages = avg_time_pages + 8 WHERE id <= 10;
SELECT count(*) FROM bnai_infer('bn2');
SELECT is(sum((v -> 'rows')::int), 200::bigint, 'changes are those of all rows') FROM jsonb_array_elements(bnai_plot('bn2', 'changes')::jsonb #> '{data,values}') v;
SELECT results_eq($$SELECT v ->> 'now', sum((v -> 'rows')::bigint)::bigint FROM jsonb_array_elements(bnai_plot('bn2', 'changes')::jsonb #> '{data,values}') v GROUP BY 1 ORDER BY 1$$,
	$$SELECT cluster_1, count(*) FROM userinfo GROUP BY 1 ORDER BY 1$$, 'and add up to the labels of now');
SELECT throws_ok($$SELECT bnai_plot('bn2', 'pie')$$, '22023', 'there is no plot of "pie"');

-- rows that could not be fitted are left out
UPDATE userinfo SET avg_time_pages = CASE id WHEN 1 THEN 'NaN'::float8 ELSE '-Infinity' END WHERE id IN (1, 2);
SELECT is(jsonb_array_length(bnai_plot('bn2', 'clusters')::jsonb #> '{datasets,rows}'), 198, 'no NaN and no infinity');
UPDATE userinfo SET avg_time_pages = 20 WHERE id IN (1, 2);

-- who may: the scatter shows rows, so it needs the right to them now, and shows what row security leaves
CREATE ROLE bnai_reader;
CREATE ROLE bnai_stranger;
CREATE ROLE bnai_keeper;
GRANT SELECT (avg_time_pages, avg_time_pages_a) ON userinfo TO bnai_reader, bnai_keeper;
SELECT bnai_set('bn2', 'owner', 'bnai_keeper'), bnai_grant('bn2', 'bnai_reader', 'read');
SET ROLE bnai_reader;
SELECT ok(bnai_plot('bn2', what) IS NOT NULL, 'a reader may draw ' || what) FROM unnest('{clusters,trace,sizes,changes}'::text[]) AS what;
SET ROLE bnai_stranger;
SELECT throws_ok(format('SELECT bnai_plot(''bn2'', %L, node => ''mu'')', what), '42501', 'permission denied for network "bn2"', 'a stranger may not draw ' || what)
FROM unnest('{clusters,posterior,trace,sizes,changes}'::text[]) AS what;
SELECT throws_ok($$SELECT * FROM bnai_sample_rows('bn2')$$, '42501', 'permission denied for network "bn2"', 'nor see rows');
RESET ROLE;
REVOKE SELECT (avg_time_pages) ON userinfo FROM bnai_keeper;
SET ROLE bnai_keeper;
SELECT throws_ok($$SELECT bnai_plot('bn2', 'clusters')$$, '42501', 'permission denied for table userinfo', 'an owner who lost the right to the rows does not see them');
SELECT ok(bnai_plot('bn2', 'sizes') IS NOT NULL, 'but what was inferred');
RESET ROLE;
GRANT SELECT (id, avg_time_pages) ON userinfo TO bnai_keeper;
ALTER TABLE userinfo ENABLE ROW LEVEL SECURITY;
CREATE POLICY first ON userinfo TO bnai_keeper USING (id <= 20);
SET ROLE bnai_keeper;
SELECT is(jsonb_array_length(bnai_plot('bn2', 'clusters')::jsonb #> '{datasets,rows}'), 20, 'row security hides rows');
RESET ROLE;

SELECT * FROM finish();
ROLLBACK;
