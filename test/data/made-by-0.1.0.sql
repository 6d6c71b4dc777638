-- Networks of every kind that 0.1.0 knows, with runs, counts and watches: run by it, and then dumped or updated.
SET client_min_messages = warning;
CREATE TABLE visits (id int PRIMARY KEY, a float8, b float8, label text, weight float8 DEFAULT 1, list real[], "odd ""name" float8);
INSERT INTO visits (id, a, b) SELECT i, 10 * (i % 2) + sin(i), 10 * (i % 2) + cos(2.5 * i) FROM generate_series(1, 40) i;
UPDATE visits SET list = ARRAY[a, b], "odd ""name" = b;
CREATE TABLE parts (id int, a float8, b float8, label text) PARTITION BY RANGE (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (100);
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM (100) TO (200);
INSERT INTO parts SELECT i, a, b FROM visits, LATERAL (VALUES (id), (id + 100)) v (i);
GRANT SELECT ON visits TO bnai_alice;
SELECT bnai_create_clustering('m', 'visits', '{a,b}', results_column => 'label', max_clusters => 3, restarts => 2);
SELECT bnai_infer('m');
SELECT bnai_infer('m');
SELECT bnai_set('m', 'counter_threshold', '1000');
SELECT bnai_watch('m', 'visits', 'INSERT', increment => 5);
SELECT bnai_watch('m', 'visits', 'DELETE');
SELECT bnai_label_on_insert('visits', 'm');
SELECT bnai_create_clustering('p', 'parts', '{b,a}', results_column => 'label', max_clusters => 2, restarts => 1);
SELECT bnai_infer('p');
SELECT bnai_watch('p', 'parts', 'INSERT');
SELECT bnai_watch('p', 'parts', 'TRUNCATE');
SELECT bnai_create_clustering('v', 'visits', '{list,"odd \"name"}', weight_column => 'weight', max_clusters => 3, restarts => 1);
SELECT bnai_infer('v');
SELECT bnai_create_network('bare', seed => 7);
SELECT bnai_create_clustering('gone', 'visits', '{a}', max_clusters => 2, restarts => 1);
SET ROLE bnai_alice;
SELECT bnai_create_network('alice''s "own"');
SELECT bnai_add_node('alice''s "own"', 'mu', 'GaussianARD', '0, 1e-6');
SELECT bnai_add_node('alice''s "own"', 'tau', 'Gamma', '1e-6, 1e-6');
SELECT bnai_add_node('alice''s "own"', 'x', 'GaussianARD', 'mu, tau', 'visits', '{a}');
SELECT bnai_infer('alice''s "own"');
RESET ROLE;
INSERT INTO visits (id, a, b) VALUES (41, 0, 0), (42, 10, 10);
INSERT INTO parts VALUES (50, 0, 0);
INSERT INTO bnai_failure SELECT id, '2026-01-01', '2026-01-02', 'it failed' FROM bnai_network WHERE name = 'm';
-- a column that a network has known by another name
ALTER TABLE visits RENAME TO "the visits";
-- what it says of them
CREATE TABLE said AS SELECT id, bnai_predict('m', a, b) AS m, bnai_score('m', a, b) AS m_score, bnai_predict('p', b, a) AS p,
	bnai_predict('v', VARIADIC ARRAY[list[1], list[2], "odd ""name"]) AS v FROM "the visits";
CREATE TABLE counted AS SELECT network, counter FROM bnai_status;
