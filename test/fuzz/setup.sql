-- What the cases are made from: tables, and networks that are fitted to them.
CREATE ROLE fuzz;
GRANT CREATE ON SCHEMA public TO fuzz;
SET ROLE fuzz;
SET client_min_messages = warning;
CREATE TABLE points AS
SELECT i AS id, 10 * (i % 3) + sin(i) AS a, cos(2.5 * i) AS b, 100 + sin(1.7 * i) AS c, CASE WHEN i % 4 > 0 THEN sin(3.1 * i) END AS holes,
	ARRAY[sin(i), cos(i), i % 3] AS v, 1 + i % 5 AS w, i % 2 = 0 AS flag, 'x' || i % 3 AS t, NULL::text AS label
FROM generate_series(1, 150) AS i;
CREATE VIEW seen AS SELECT id, a, b, c, holes, v, w, t FROM points;
SELECT bnai_create_clustering(c, 'points', '{a,b}', results_column => 'label', max_clusters => 4, restarts => 1, covariance => c) FROM unnest('{full,diagonal,spherical,tied}'::text[]) AS c;
SELECT bnai_create_clustering('robust', 'points', '{a,b}', max_clusters => 4, restarts => 1, robust => true);
SELECT bnai_create_clustering('missing', 'points', '{a,holes}', max_clusters => 4, restarts => 1);
SELECT bnai_create_clustering('array', 'seen', '{v,c}', max_clusters => 4, restarts => 1);
SELECT bnai_create_clustering('weighted', 'points', '{a,b}', max_clusters => 4, restarts => 1, weight_column => 'w');
SELECT bnai_create_clustering('vague', 'points', '{a,b}', max_clusters => 4, restarts => 1, priors => 'vague');
SELECT bnai_create_network('normal');
SELECT bnai_add_node('normal', 'mu', 'GaussianARD', '0, 1e-6'), bnai_add_node('normal', 'tau', 'Gamma', '1e-6, 1e-6'), bnai_add_node('normal', 'y', 'GaussianARD', 'mu, tau', 'points', '{c}');
SELECT bnai_create_network('vectors');
SELECT bnai_add_node('vectors', 'mu', 'Gaussian', 'data_mean, 0.1 * data_precision'), bnai_add_node('vectors', 'L', 'Wishart', '3, data_covariance'),
	bnai_add_node('vectors', 'nu', 'DegreesOfFreedom', '0.5, 0'), bnai_add_node('vectors', 'y', 'StudentT', 'mu, L, nu', 'points', '{a,b}');
SELECT (bnai_infer(network)).rows FROM bnai_networks;
SELECT (bnai_infer(n)).rows FROM unnest('{full,robust}'::text[]) AS n;
