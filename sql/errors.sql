--
-- What can be wrong when a network is inferred and used, and what the user is told.
-- (What can be wrong in a definition: define.sql and params.sql.)
--
\set SHOW_CONTEXT never
CREATE TABLE visits (id integer, time_a float8, time_b real, browser text, label text, short varchar(1), number smallint);
INSERT INTO visits SELECT i, i, i FROM generate_series(1, 5) AS i;

-- No such network
SELECT bnai_infer('nothing');
SELECT bnai_reset('nothing');
SELECT bnai_mean('nothing', 'mu');
SELECT * FROM bnai_moments('nothing', 'mu');
SELECT bnai_fitted('nothing');
SELECT * FROM bnai_trace('nothing');
SELECT bnai_predict('nothing', 1);
SELECT bnai_score('nothing', 1);
SELECT * FROM bnai_predict_proba('nothing', 1);
SELECT bnai_infer('');
SELECT bnai_infer(NULL);

-- Networks that are not complete
SELECT bnai_create_network('empty');
SELECT bnai_infer('empty');
SELECT bnai_add_node('empty', 'mu', 'GaussianARD', '0, 1');
SELECT bnai_infer('empty');
SELECT bnai_drop_network('empty');
SELECT bnai_create_network('mixture', 'clustering');
SELECT bnai_infer('mixture');
SELECT bnai_add_node('mixture', 'alpha', 'Dirichlet', 'full(3, 0.1)');
SELECT bnai_add_node('mixture', 'Z', 'Categorical', 'alpha');
SELECT bnai_infer('mixture');
SELECT bnai_drop_network('mixture');
-- a clustering without a selector, a mixture that is declared general
SELECT bnai_create_network('unclustered', 'clustering', results_column => 'label');
SELECT bnai_add_node('unclustered', 'mu', 'GaussianARD', '0, 1');
SELECT bnai_add_node('unclustered', 'x', 'GaussianARD', 'mu, 1', source => 'visits', columns => '{time_a}');
SELECT bnai_infer('unclustered');
SELECT bnai_drop_network('unclustered');
SELECT bnai_create_network('general');
SELECT bnai_add_node('general', 'alpha', 'Dirichlet', 'full(3, 0.1)');
SELECT bnai_add_node('general', 'Z', 'Categorical', 'alpha');
SELECT bnai_add_node('general', 'mu', 'GaussianARD', '0, 1, plates=3');
SELECT bnai_add_node('general', 'x', 'Mixture', 'Z, GaussianARD, mu, 1', source => 'visits', columns => '{time_a}');
SELECT clusters >= 1 AS inferred FROM bnai_infer('general');
SELECT bnai_drop_network('general');
-- a results column for a network that has no clusters
SELECT bnai_create_network('metric');
SELECT bnai_add_node('metric', 'mu', 'GaussianARD', '0, 1e-6');
SELECT bnai_add_node('metric', 'idle', 'Gamma', '3, 2');
SELECT bnai_add_node('metric', 'x', 'GaussianARD', 'mu, 1', source => 'visits', columns => '{time_a}');
SELECT bnai_infer('metric');
SELECT bnai_drop_node('metric', 'idle');
SELECT bnai_set('metric', 'results_column', 'label');
SELECT bnai_infer('metric');
SELECT bnai_set('metric', 'results_column', NULL);
SELECT bnai_set('metric', 'start', 'results');
SELECT bnai_infer('metric');
SELECT bnai_set('metric', 'start', NULL);
SELECT rows, rows_relabelled, clusters FROM bnai_infer('metric');
SELECT bnai_mean('metric', 'idle');
SELECT round(bnai_mean('metric', 'mu')::numeric, 4);
SELECT bnai_mean('metric', 'x');
SELECT bnai_predict('metric', 3);
SELECT * FROM bnai_predict_proba('metric', 3);
SELECT round(bnai_score('metric', 3)::numeric, 3);
SELECT bnai_reset('metric');
SELECT bnai_drop_network('metric');

-- Before the inference: NULL with a notice for what stands in triggers, no error
SELECT bnai_create_clustering('clusters', 'visits', '{time_a,time_b}', max_clusters => 3);
SELECT bnai_predict('clusters', 1, 2);
SELECT * FROM bnai_predict_proba('clusters', 1, 2);
SELECT bnai_score('clusters', 1, 2);
SELECT bnai_mean('clusters', 'mu');
SELECT * FROM bnai_moments('clusters', 'mu');
SELECT bnai_fitted('clusters');
SELECT * FROM bnai_trace('clusters');
SELECT bnai_reset('clusters');

-- The start from the results column
SELECT bnai_set('clusters', 'start', 'results');
SELECT bnai_infer('clusters');
SELECT bnai_set('clusters', 'results_column', 'label');
SELECT bnai_infer('clusters');
UPDATE visits SET label = id::text;
SELECT bnai_infer('clusters');
UPDATE visits SET label = 'one' WHERE id < 4;
UPDATE visits SET label = NULL WHERE id = 5;
SELECT rows FROM bnai_infer('clusters');
SELECT bnai_set('clusters', 'start', NULL);
SELECT rows FROM bnai_infer('clusters');

-- Afterwards
SELECT bnai_mean('clusters', 'mu');
SELECT bnai_mean('clusters', 'alpha');
SELECT bnai_mean('clusters', 'Z');
SELECT bnai_mean('clusters', 'Y');
SELECT bnai_mean('clusters', 'nobody');
SELECT * FROM bnai_moments('clusters', 'nobody');
SELECT * FROM bnai_moments('clusters', 'Y');
SELECT bnai_predict('clusters');
SELECT bnai_predict('clusters', 1);
SELECT bnai_predict('clusters', 1, 2, 3);
SELECT bnai_predict('clusters', 1, 'NaN');
SELECT bnai_predict('clusters', 1, 'Infinity');
SELECT bnai_predict('clusters', 1, NULL);
SELECT bnai_predict('clusters', VARIADIC '{}');
SELECT bnai_predict('clusters', VARIADIC '{{1,2}}');
SELECT bnai_predict('clusters', VARIADIC '{1,NULL}');
SELECT bnai_predict('clusters', VARIADIC NULL);
SELECT bnai_score('clusters', 1);
SELECT bnai_score('clusters', '-Infinity', 1);
SELECT bnai_score('clusters', NULL, NULL);
SELECT * FROM bnai_predict_proba('clusters', 1);
SELECT * FROM bnai_predict_proba('clusters', NULL, 1);

-- A posterior of another time: the network has changed since it was inferred
SELECT bnai_change_node('clusters', 'alpha', 'full(3, 5)');
SELECT bnai_predict('clusters', 1, 2) IS NOT NULL AS predicted;
SELECT bnai_drop_node('clusters', 'Y');
SELECT bnai_add_node('clusters', 'Y', 'Mixture', 'Z, Gaussian, mu, Lambda', source => 'visits', columns => '{time_b,time_a}');
SELECT rows FROM bnai_infer('clusters');

-- Data that cannot be used
UPDATE visits SET time_b = 'NaN' WHERE id = 3;
SELECT bnai_infer('clusters');
UPDATE visits SET time_b = '-Infinity' WHERE id = 3;
SELECT bnai_infer('clusters');
UPDATE visits SET time_a = NULL, time_b = NULL;
SELECT bnai_infer('clusters');
TRUNCATE visits;
SELECT bnai_infer('clusters');
INSERT INTO visits SELECT i, 1e308 * (i - 3) / 2, 1 FROM generate_series(1, 5) AS i;
SELECT bnai_infer('clusters');
UPDATE visits SET time_a = 1e-320 * id;
SELECT rows FROM bnai_infer('clusters');

-- Labels that do not fit: the message comes before anything is written
TRUNCATE visits;
INSERT INTO visits SELECT i, i / 20 * 10 + cos(i), sin(i) FROM generate_series(20, 20 * 28 - 1) AS i;
UPDATE visits SET label = id / 20;
SELECT bnai_drop_network('clusters');
SELECT bnai_create_clustering('clusters', 'visits', '{time_a,time_b}', max_clusters => 27, priors => 'vague',
	results_column => 'label', start => 'results', moves => false, restarts => 1);
ALTER TABLE visits ALTER label TYPE char(2);
SELECT clusters FROM bnai_infer('clusters');
ALTER TABLE visits ALTER label TYPE varchar(1) USING chr(64 + id / 20);
SELECT bnai_infer('clusters');
SELECT label, count(*) FROM visits GROUP BY label ORDER BY label LIMIT 2;
-- a domain or a constraint that refuses a label
ALTER TABLE visits ALTER label TYPE text USING (id / 20)::text;
ALTER TABLE visits ADD CONSTRAINT one_letter CHECK (length(label) < 2) NOT VALID;
SELECT bnai_infer('clusters');
SELECT bnai_drop_network('clusters');

-- Nothing was left behind
SELECT network FROM bnai_networks ORDER BY network;
DROP TABLE visits;
