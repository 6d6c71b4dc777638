-- What happens to a network when its table, columns and owner change.

\i examples/userinfo.sql

SELECT plan(30);

CREATE TABLE data AS SELECT id, avg_time_pages AS a, avg_time_pages_a AS b, NULL::text AS label FROM userinfo;
SELECT bnai_create_clustering('net', 'data', '{a,b}', results_column => 'label', restarts => 2);
SELECT is(clusters, 4, 'fitted') FROM bnai_infer('net');

-- --- the table ---
ALTER TABLE data RENAME TO renamed;
SELECT is(rows_relabelled, 0::bigint, 'a renamed table is followed') FROM bnai_infer('net');
CREATE SCHEMA elsewhere;
ALTER TABLE renamed SET SCHEMA elsewhere;
SELECT is(rows_relabelled, 0::bigint, 'and one in another schema') FROM bnai_infer('net');
SELECT is((SELECT source::text FROM bnai_status WHERE network = 'net'), 'elsewhere.renamed', 'the status tells where it is');
-- A new table of the old name is another table
CREATE TABLE data (a float8, b float8, label text);
SELECT is(rows, 200::bigint, 'a new table of the old name is another one') FROM bnai_infer('net');
DROP TABLE data;
ALTER TABLE elsewhere.renamed SET SCHEMA public;
ALTER TABLE renamed RENAME TO data;

-- --- columns ---
ALTER TABLE data RENAME a TO time;
SELECT is(clusters, 4, 'a renamed column is followed') FROM bnai_infer('net');
SELECT is(bnai_predict('net', 25, 25), 'D', 'predictions go on');
ALTER TABLE data RENAME time TO a;
SELECT is(clusters, 4, 'named back') FROM bnai_infer('net');
ALTER TABLE data RENAME label TO cluster;
SELECT is(rows_relabelled, 0::bigint, 'and so is a renamed results column') FROM bnai_infer('net');
SELECT is(results_column::text, 'cluster', 'which is shown by its present name') FROM bnai_networks WHERE network = 'net';
ALTER TABLE data ALTER a TYPE text USING a::text;
SELECT throws_like($$ SELECT count(*) FROM bnai_infer('net') $$, '%"a"%text%', 'a column that is a number no longer');
ALTER TABLE data ALTER a TYPE numeric USING a::numeric;
SELECT is(clusters, 4, 'and one that is again') FROM bnai_infer('net');
ALTER TABLE data ALTER cluster TYPE boolean USING NULL;
SELECT throws_like($$ SELECT count(*) FROM bnai_infer('net') $$, '%"cluster"%boolean%', 'a results column that cannot hold labels');
ALTER TABLE data ALTER cluster TYPE integer USING NULL;
SELECT is(rows_relabelled, 200::bigint, 'text to integer: numbers from now on') FROM bnai_infer('net');
ALTER TABLE data DROP cluster;
SELECT throws_like($$ SELECT count(*) FROM bnai_infer('net') $$, 'results_column "label" of network "net" was dropped', 'a dropped results column');
SELECT bnai_set('net', 'results_column', NULL);
SELECT is((rows, rows_relabelled)::text, '(200,)', 'without a results column no row is relabelled') FROM bnai_infer('net');
ALTER TABLE data DROP b;
SELECT throws_like($$ SELECT count(*) FROM bnai_infer('net') $$, '%"b"%was dropped%', 'a dropped column');
SELECT lives_ok($$ SELECT count(*) FROM bnai_clusters, bnai_status, bnai_nodes, bnai_runs $$, 'the views live on');

-- --- no table ---
DROP TABLE data;
SELECT throws_like($$ SELECT count(*) FROM bnai_infer('net') $$, '%source of network "net" was dropped%', 'a dropped table is an error');
SELECT throws_ok($$ SELECT count(*) FROM bnai_infer('net') $$, '42P01', NULL, 'as an undefined table');
SELECT lives_ok($$ SELECT * FROM bnai_status $$, 'the status lives on');
SELECT lives_ok($$ SELECT * FROM bnai_nodes $$, 'and the nodes');
SELECT is(bnai_predict('net', 25, 25), 'D', 'and the posterior');
SELECT lives_ok($$ SELECT bnai_drop_network('net') $$, 'the network can be dropped');

-- --- temporary tables ---
CREATE TEMPORARY TABLE fleeting (a float8, b float8);
SELECT throws_like($$ SELECT bnai_create_clustering('temp', 'fleeting', '{a,b}') $$, '%temporary%', 'a temporary table is no source');
CREATE TEMPORARY VIEW fleeting_view AS SELECT avg1 FROM userinfo;
SELECT throws_like($$ SELECT bnai_create_clustering('temp', 'fleeting_view', '{avg1}') $$, '%temporary%', 'nor a temporary view');

-- --- owner ---
CREATE ROLE bnai_test_analyst;
GRANT CREATE ON SCHEMA public TO bnai_test_analyst;
SET ROLE bnai_test_analyst;
CREATE TABLE own AS SELECT i::float8 AS a, (i * i)::float8 AS b FROM generate_series(1, 20) AS i;
SELECT bnai_create_clustering('own', 'own', '{a,b}');
SELECT is(rows, 20::bigint, 'an ordinary role') FROM bnai_infer('own');
RESET ROLE;
DROP OWNED BY bnai_test_analyst;
DROP ROLE bnai_test_analyst;
SELECT lives_ok('SELECT * FROM bnai_status', 'the status lives after a DROP ROLE');
SELECT is((SELECT owner::text FROM bnai_networks WHERE network = 'own'), 'bnai_test_analyst (dropped)', 'and names the role that is gone');
SELECT throws_ok($$ SELECT count(*) FROM bnai_infer('own') $$, '42P01', NULL, 'its table went with it');

SELECT * FROM finish();
