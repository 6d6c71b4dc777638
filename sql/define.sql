-- Defining, changing and dropping networks and nodes; what is refused, and why.
CREATE TABLE t (id int PRIMARY KEY, a float8, b real, c int, d numeric, e text, f timestamptz, label text,
	short char(1), n int, gen text GENERATED ALWAYS AS ('x') STORED);
CREATE VIEW v AS SELECT * FROM t;
CREATE TABLE other (a float8);
CREATE TEMP TABLE passing (a float8);
CREATE SEQUENCE s;
CREATE TABLE part (a float8, label text) PARTITION BY RANGE (a);
CREATE DOMAIN positive AS numeric CHECK (VALUE > 0);
CREATE TABLE domains (a positive, b float8[], c boolean);

-- networks
SELECT bnai_create_network('n');
SELECT bnai_create_network('n');
SELECT bnai_create_network('');
SELECT bnai_create_network(NULL);
SELECT bnai_create_network(repeat('x', 64));
SELECT bnai_create_network('m', 'classification');
SELECT bnai_create_network('m', restarts => 0);
SELECT bnai_create_network('m', tolerance => 'NaN');
SELECT bnai_create_network('m', start => 'k-means');
SELECT bnai_create_network('m', 'clustering', restarts => 3, max_iterations => 10, tolerance => 0, moves => false, seed => -5,
	start => 'random', restart_sample => 0, resolution => 1e-3, results_column => 'label', counter_threshold => 100,
	threshold_action => 'recalculate');
SELECT network, type, source, columns, results_column, restarts, max_iterations, tolerance, moves, seed, start, restart_sample, resolution, counter_threshold, threshold_action, prune, history, refit, refit_margin FROM bnai_networks WHERE network = 'm' \gx
SELECT bnai_drop_network('m');
SELECT bnai_drop_network('m');

-- settings
SELECT bnai_set('n', setting, value), setting, value
FROM (VALUES ('restarts', '4'), ('max_iterations', '12'), ('tolerance', '1e-6'), ('moves', 'off'), ('seed', '-9223372036854775808'),
	('start', 'random'), ('restart_sample', '0'), ('results_column', 'label'), ('counter_threshold', '7'),
	('threshold_action', 'recalculate'), ('resolution', '0.01'), ('prune', 'false'), ('history', '3'), ('refit', 'warm'), ('refit_margin', '2')) s (setting, value);
SELECT restarts, max_iterations, tolerance, moves, seed, start, restart_sample, results_column, counter_threshold, threshold_action, resolution, prune, history, refit, refit_margin
FROM bnai_networks WHERE network = 'n';
SELECT bnai_set('n', setting, NULL), setting
FROM unnest('{restarts,max_iterations,tolerance,moves,seed,start,restart_sample,results_column,counter_threshold,threshold_action,resolution,prune,history,refit,refit_margin}'::text[]) setting;
SELECT restarts, max_iterations, tolerance, moves, seed, start, restart_sample, results_column, counter_threshold, threshold_action, resolution, prune, history, refit, refit_margin
FROM bnai_networks WHERE network = 'n';
SELECT bnai_set('n', 'restarts', '0');
SELECT bnai_set('n', 'restarts', 'many');
SELECT bnai_set('n', 'restarts', '99999999999999999999');
SELECT bnai_set('n', 'max_iterations', '1.5');
SELECT bnai_set('n', 'tolerance', '-1');
SELECT bnai_set('n', 'tolerance', 'NaN');
SELECT bnai_set('n', 'moves', 'perhaps');
SELECT bnai_set('n', 'start', 'results ');
SELECT bnai_set('n', 'counter_threshold', '0');
SELECT bnai_set('n', 'threshold_action', 'panic');
SELECT bnai_set('n', 'resolution', '2');
SELECT bnai_set('n', 'history', '0');
SELECT bnai_set('n', 'refit', 'hot');
SELECT bnai_set('n', 'owner', NULL);
SELECT bnai_set('n', 'owner', 'regress_bnai_nobody');
SELECT bnai_set('n', 'iterations', '3');
SELECT bnai_set('n', NULL, '3');
SELECT bnai_set('nobody', 'restarts', '3');

-- nodes
SELECT bnai_add_node('n', 'mu', 'gaussianard', '0, 1e-6');
SELECT bnai_add_node('n', 'mu', 'GaussianARD', '0, 1e-6');
SELECT bnai_add_node('n', '', 'GaussianARD', '0, 1e-6');
SELECT bnai_add_node('n', 'x', NULL, '0, 1e-6');
SELECT bnai_add_node('nobody', 'x', 'GaussianARD', '0, 1e-6');
SELECT bnai_add_node('n', 'tau', 'Gamma', '1e-6, 1e-6');
SELECT bnai_add_node('n', 'x', 'GaussianARD', 'x, 1');

-- sources and columns
SELECT bnai_add_node('n', 'x', 'GaussianARD', 'mu, tau', source => 't');
SELECT bnai_add_node('n', 'x', 'GaussianARD', 'mu, tau', columns => '{a}');
SELECT bnai_add_node('n', 'x', 'GaussianARD', 'mu, tau', 'missing', '{a}');
SELECT bnai_add_node('n', 'x', 'GaussianARD', 'mu, tau', 't', '{}');
SELECT bnai_add_node('n', 'x', 'GaussianARD', 'mu, tau', 't', '{{a}}');
SELECT bnai_add_node('n', 'x', 'GaussianARD', 'mu, tau', 't', '{NULL}');
SELECT bnai_add_node('n', 'x', 'GaussianARD', 'mu, tau', 't', '{a,b}');
SELECT bnai_add_node('n', 'x', 'GaussianARD', 'mu, tau', 't', '{z}');
SELECT bnai_add_node('n', 'x', 'GaussianARD', 'mu, tau', 't', '{ctid}');
SELECT bnai_add_node('n', 'x', 'GaussianARD', 'mu, tau', 't', '{e}');
SELECT bnai_add_node('n', 'x', 'GaussianARD', 'mu, tau', 't', '{f}');
SELECT bnai_add_node('n', 'x', 'GaussianARD', 'mu, tau', 'domains', '{b}');
SELECT bnai_add_node('n', 'x', 'GaussianARD', 'mu, tau', 'domains', '{c}');
SELECT bnai_add_node('n', 'x', 'GaussianARD', 'mu, tau', 's', '{last_value}');
SELECT bnai_add_node('n', 'x', 'GaussianARD', 'mu, tau', 't_pkey', '{id}');
SELECT bnai_add_node('n', 'x', 'GaussianARD', 'mu, tau', 'passing', '{a}');
SELECT bnai_add_node('n', 'x', 'Gamma', '1, 1', 't', '{a}');
SELECT bnai_add_node('n', 'x', 'GaussianARD', 'mu, tau, plates=3', 't', '{a}');
SELECT bnai_add_node('n', 'x', 'Gaussian', 'zeros(2), eye(2)', 't', '{a,a}');
SELECT bnai_add_node('n', 'x', 'Gaussian', 'zeros(2), eye(2)', 't', '{a,b,c}');
SELECT bnai_add_node('n', kind || '_' || col, 'GaussianARD', 'mu, tau', kind::regclass, ARRAY[col]), bnai_drop_node('n', kind || '_' || col)
FROM (VALUES ('t', 'a'), ('t', 'b'), ('t', 'c'), ('t', 'd'), ('v', 'a'), ('part', 'a'), ('domains', 'a')) s (kind, col);

-- structure
SELECT bnai_add_node('n', 'x', 'GaussianARD', 'mu, tau', 't', '{a}');
SELECT bnai_add_node('n', 'y', 'GaussianARD', 'mu, tau', 'other', '{a}');
SELECT bnai_add_node('n', 'y', 'GaussianARD', 'x, tau', 't', '{b}');
SELECT bnai_add_node('n', 'y', 'GaussianARD', 'tau, mu', 't', '{b}');
SELECT bnai_add_node('n', 'nu', 'GaussianARD', '0, 1, plates=2');
SELECT bnai_add_node('n', 'y', 'GaussianARD', 'nu, tau', 't', '{b}');
SELECT bnai_add_node('n', 'y', 'GaussianARD', 'nu, tau, plates=3');
SELECT bnai_add_node('n', 'eta', 'GaussianARD', 'nu, tau, plates=2');
SELECT bnai_change_node('n', 'nu', 'eta, tau, plates=2');
SELECT bnai_change_node('n', 'nu', '0, 1, plates=3');
SELECT bnai_change_node('n', 'nu', '0, 0, plates=2');
SELECT bnai_change_node('n', 'nobody', '0, 1');
SELECT bnai_change_node('n', 'nu', '5, 2, plates=2');
SELECT node, params FROM bnai_nodes WHERE network = 'n' ORDER BY id;
SELECT bnai_drop_node('n', 'nu');
SELECT bnai_drop_node('n', 'eta');
SELECT bnai_drop_node('n', 'nu');
SELECT bnai_drop_node('n', 'nu');

-- mixtures
SELECT bnai_create_network('m', 'clustering');
SELECT bnai_add_node('m', 'alpha', 'Dirichlet', 'full(3, 1)');
SELECT bnai_add_node('m', 'Z', 'Categorical', 'alpha');
SELECT bnai_add_node('m', 'Z2', 'Categorical', 'alpha');
SELECT bnai_add_node('m', 'W', 'Categorical', 'Z');
SELECT bnai_add_node('m', 'mu', 'Gaussian', 'zeros(2), eye(2), plates=3');
SELECT bnai_add_node('m', 'few', 'Gaussian', 'zeros(2), eye(2), plates=2');
SELECT bnai_add_node('m', 'long', 'Gaussian', 'zeros(3), eye(3), plates=3');
SELECT bnai_add_node('m', 'shared', 'Wishart', '2, eye(2)');
SELECT bnai_add_node('m', 'Y', 'Mixture', 'Z, Gaussian, mu, shared');
SELECT bnai_add_node('m', 'Y', 'Mixture', 'Z', 't', '{a,b}');
SELECT bnai_add_node('m', 'Y', 'Mixture', 'alpha, Gaussian, mu, shared', 't', '{a,b}');
SELECT bnai_add_node('m', 'Y', 'Mixture', '1, Gaussian, mu, shared', 't', '{a,b}');
SELECT bnai_add_node('m', 'Y', 'Mixture', 'Z, Wishart, mu, shared', 't', '{a,b}');
SELECT bnai_add_node('m', 'Y', 'Mixture', 'Z, Gaussian, mu', 't', '{a,b}');
SELECT bnai_add_node('m', 'Y', 'Mixture', 'Z, Gaussian, few, shared', 't', '{a,b}');
SELECT bnai_add_node('m', 'Y', 'Mixture', 'Z, Gaussian, long, shared', 't', '{a,b}');
SELECT bnai_add_node('m', 'Y', 'Mixture', 'Z, Gaussian, mu, shared, plates=3', 't', '{a,b}');
SELECT bnai_add_node('m', 'Y', 'Mixture', 'Z, gaussian, mu, shared', 't', '{a,b}');
SELECT bnai_drop_node('m', 'Z');
SELECT parent, child, parameter FROM bnai_edges WHERE network = 'm' ORDER BY child, parent;

-- results columns
SELECT bnai_set('m', 'results_column', col)
FROM unnest('{label,short,n}'::text[]) col;
SELECT bnai_set('m', 'results_column', 'd');
SELECT bnai_set('m', 'results_column', 'f');
SELECT bnai_set('m', 'results_column', 'a');
SELECT bnai_set('m', 'results_column', 'gen');
SELECT bnai_set('m', 'results_column', 'missing');
SELECT bnai_set('m', 'results_column', 'ctid');
SELECT bnai_set('m', 'results_column', '');
SELECT bnai_create_clustering('c', 't', '{a,n}', results_column => 'n');
SELECT bnai_create_clustering('c', 'v', '{a,b}', results_column => 'label');
SELECT bnai_create_clustering('c', 't', '{a,b}', results_column => 'd');

-- clusterings
SELECT bnai_create_clustering('c', 't', '{a,b,c}', priors => 'vague', max_clusters => 5, results_column => 'label', restarts => 15);
SELECT id, node, distribution, params, source, columns FROM bnai_nodes WHERE network = 'c' ORDER BY id;
SELECT type, restarts, seed, results_column FROM bnai_networks WHERE network = 'c';
SELECT bnai_create_clustering('c2', 'part', '{a}', results_column => 'label', max_iterations => 7, tolerance => 0);
SELECT node FROM bnai_nodes WHERE network = 'c2' ORDER BY id;
SELECT max_iterations, tolerance, source, columns FROM bnai_networks WHERE network = 'c2';
SELECT bnai_create_clustering('c', 't', '{a,b}');
SELECT bnai_create_clustering('d', 't', '{a,e}');
SELECT bnai_create_clustering('d', 't', NULL);
SELECT bnai_create_clustering('d', NULL, '{a}');
SELECT bnai_create_clustering('d', 't', '{a,b}', max_clusters => 0);
SELECT bnai_create_clustering('d', 't', '{a,b}', priors => 'flat');
SELECT bnai_create_clustering('d', 't', '{a,b}', start => 'given');
SELECT network FROM bnai_networks ORDER BY 1;

-- the source follows its renaming, and may be gone
ALTER TABLE t RENAME TO "T 2";
CREATE SCHEMA "Some where";
ALTER TABLE "T 2" SET SCHEMA "Some where";
SELECT source, source::regclass FROM bnai_node WHERE source IS NOT NULL AND columns::text[] = '{a,b,c}';
DROP TABLE "Some where"."T 2" CASCADE;
SELECT source, source::regclass FROM bnai_node WHERE source IS NOT NULL AND columns::text[] = '{a,b,c}';
SELECT bnai_set('c', 'restarts', '3');
CREATE TABLE t (a float8, b float8);
SELECT source, source::regclass FROM bnai_node WHERE source IS NOT NULL AND columns::text[] = '{a,b,c}';
SELECT 'nowhere.at_all'::bnai_source, 'nowhere.at_all'::bnai_source::regclass, 'T'::bnai_source, '"T".x'::bnai_source;
SELECT 'a.b.c.d'::bnai_source;
SELECT '"'::bnai_source;

SELECT bnai_drop_network(network) FROM bnai_networks;
SELECT count(*) FROM bnai_node;
DROP TABLE t, other, passing, part, domains;
DROP DOMAIN positive;
DROP SEQUENCE s;
DROP SCHEMA "Some where";
