-- What is said of rows and clusters to who infers by hand: three notices at most.
CREATE TABLE odd AS SELECT i, 10 * (i % 3) + sin(i) AS a, cos(i * 2.5) AS b, NULL::float8 AS nothing, 7.0::float8 AS seven FROM generate_series(1, 90) AS i;
SELECT bnai_create_clustering('odd', 'odd', '{a,b,nothing,seven}', max_clusters => 2);
SELECT rows, clusters FROM bnai_infer('odd');
SELECT bnai_drop_network('odd');

CREATE TABLE same AS SELECT 1 AS a, 2 AS b FROM generate_series(1, 50);
SELECT bnai_create_clustering('same', 'same', '{a,b}');
SELECT rows, clusters FROM bnai_infer('same');
DELETE FROM same WHERE ctid > '(0,1)';
SELECT rows, clusters FROM bnai_infer('same');
SELECT bnai_drop_network('same');

CREATE TABLE wide AS SELECT i, ARRAY(SELECT sin(i * j) FROM generate_series(1, 30) AS j) AS v FROM generate_series(1, 200) AS i;
SELECT bnai_create_clustering('wide', 'wide', '{v}', max_clusters => 2);
SELECT rows FROM bnai_infer('wide');
-- Not where a counter asks for it
SELECT bnai_recalculate_if_needed('wide', 1) FROM bnai_increment('wide', 1);
-- Nor where the columns are taken as independent
SELECT bnai_create_clustering('narrow', 'wide', '{v}', covariance => 'diagonal');
SELECT rows FROM bnai_infer('narrow');
-- The memory of parameters is known before
SET bnai.model_mem = '128kB';
SELECT rows FROM bnai_infer('wide');
SELECT bnai_fit('wide', VARIADIC v) FROM wide;
SELECT count(*) FROM bnai_compare_clusters('wide', 1, 2);
SELECT bnai_set('narrow', 'moves', 'false'), bnai_set('narrow', 'restarts', '1000');
SELECT rows FROM bnai_infer('narrow');
RESET bnai.model_mem;
SELECT bnai_drop_network(n) FROM unnest('{wide,narrow}'::text[]) AS n;

-- One value that stands for something unknown
CREATE TABLE sensor AS SELECT i, CASE WHEN i % 2 = 0 THEN 20 ELSE 60 END + 2 * ln(u / (1 - u)) AS t FROM generate_series(1, 1000) AS i, LATERAL (SELECT (i * 0.6180339887) % 1 AS u) AS x;
SELECT bnai_create_clustering('sensor', 'sensor', '{t}', refit => 'full');
SELECT rows, clusters FROM bnai_infer('sensor');
UPDATE sensor SET t = 2147483647 WHERE i = 7;
SELECT rows FROM bnai_infer('sensor');
SELECT bnai_drop_network('sensor');
DROP TABLE odd, same, wide, sensor;

-- What is no number, and what makes one of it
CREATE TABLE kinds (i int, yes boolean, at timestamptz, day date, "a text" text, mood point);
SELECT bnai_create_clustering('kinds', 'kinds', '{yes}');
SELECT bnai_create_clustering('kinds', 'kinds', '{at}');
SELECT bnai_create_clustering('kinds', 'kinds', '{day}');
SELECT bnai_create_clustering('kinds', 'kinds', '{"a text"}');
SELECT bnai_create_clustering('kinds', 'kinds', '{mood}');
-- Long texts are cut in messages
SELECT bnai_create_clustering('kinds', 'kinds', '{i}');
SELECT bnai_set('kinds', 'seed', repeat('9', 500));
SELECT bnai_set('kinds', 'tolerance', repeat('ä', 500));
SELECT bnai_change_node('kinds', 'alpha', repeat('x', 500));
SELECT bnai_infer(repeat('x', 500));
SELECT bnai_drop_network('kinds');
DROP TABLE kinds;
