-- What keeps a network from being inferred
CREATE TABLE t (a float8, b float8, label text);
INSERT INTO t SELECT sin(i), cos(i) FROM generate_series(1, 20) i;

-- nothing, or nothing observed
SELECT bnai_infer('nobody');
SELECT bnai_create_network('n');
SELECT bnai_infer('n');
SELECT bnai_add_node('n', 'mu', 'GaussianARD', '0, 1');
SELECT bnai_infer('n');

-- nodes that have nothing to do with the data
SELECT bnai_add_node('n', 'x', 'GaussianARD', 'mu, 1', 't', '{a}');
SELECT bnai_add_node('n', 'nu', 'GaussianARD', '0, 1');
SELECT bnai_infer('n');
SELECT bnai_drop_node('n', 'nu');
SELECT bnai_add_node('n', 'Z', 'Categorical', '[0.5, 0.5]');
SELECT bnai_infer('n');
SELECT bnai_drop_node('n', 'Z');
SELECT rows FROM bnai_infer('n');

-- moments of the data of several observed nodes
SELECT bnai_add_node('n', 'y', 'GaussianARD', 'mu, 1', 't', '{b}');
SELECT rows FROM bnai_infer('n');
SELECT bnai_change_node('n', 'mu', 'data_mean, 1');
SELECT bnai_infer('n');
SELECT bnai_drop_node('n', 'y');
SELECT rows FROM bnai_infer('n');

-- a column that one node would learn about twice
SELECT bnai_add_node('n', 'y', 'GaussianARD', 'mu, 1', 't', '{a}');
SELECT bnai_add_node('n', 'y', 'GaussianARD', '0, 1', 't', '{a}');
SELECT bnai_drop_node('n', 'y');
SELECT bnai_create_network('two');
SELECT bnai_add_node('two', 'Z', 'Categorical', '[0.5, 0.5]');
SELECT bnai_add_node('two', 'x', 'Mixture', 'Z, GaussianARD, 0, 1', 't', '{a}');
SELECT bnai_add_node('two', 'y', 'Mixture', 'Z, GaussianDiagonal, [0, 0], [1, 1]', 't', '{b,a}');
SELECT bnai_drop_network('two');

-- settings that need a Mixture
SELECT bnai_set('n', 'results_column', 'label');
SELECT bnai_infer('n');
SELECT bnai_set('n', 'results_column', NULL);
SELECT bnai_set('n', 'start', 'results');
SELECT bnai_infer('n');
SELECT bnai_create_network('c', 'clustering');
SELECT bnai_add_node('c', 'x', 'GaussianARD', '0, 1', 't', '{a}');
SELECT bnai_infer('c');

-- a table that changed
SELECT bnai_set('n', 'start', NULL);
ALTER TABLE t RENAME a TO c;
SELECT rows FROM bnai_infer('n');
ALTER TABLE t RENAME c TO a;
ALTER TABLE t ALTER a TYPE text;
SELECT bnai_infer('n');
ALTER TABLE t DROP a;
SELECT bnai_infer('n');
SELECT bnai_create_clustering('r', 't', '{b}', results_column => 'label');
ALTER TABLE t DROP label;
SELECT bnai_infer('r');
ALTER TABLE t ADD label numeric;
SELECT bnai_infer('r');
SELECT bnai_set('r', 'results_column', 'label');
DROP TABLE t;
SELECT bnai_infer('r');
CREATE SEQUENCE t;
SELECT bnai_infer('r');
DROP SEQUENCE t;

SELECT bnai_drop_network(network) FROM bnai_networks;
