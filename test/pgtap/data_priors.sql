-- The words of the parameter language that stand for moments of the data: they are
-- those of the rows that are used, in the user's units, and nothing else than numbers.

SELECT plan(7);

CREATE TABLE points AS
SELECT i AS id, 100 + i % 3 * 20 + 2 * r * cos(phi) AS x, i % 3 * 0.02 + 0.003 * r * sin(phi) AS y, (i % 3)::text AS label
FROM generate_series(1, 60) AS i, LATERAL (SELECT sqrt(-2 * ln(1 - i / 61.0)) AS r, i * i AS phi) AS polar;
INSERT INTO points VALUES (61, 1e6, NULL, '1'), (62, NULL, 1e6, '1');
CREATE VIEW used AS SELECT * FROM points WHERE x IS NOT NULL AND y IS NOT NULL;

-- Defines the same network with words and with numbers.
CREATE FUNCTION pg_temp.define(network text, mu text, lambda text) RETURNS float8 LANGUAGE plpgsql AS $$
BEGIN
	UPDATE points SET label = id % 3;
	PERFORM bnai_create_network(network, 'clustering', restarts => 1, tolerance => 0, max_iterations => 15, moves => false, missing => 'skip');
	PERFORM bnai_add_node(network, 'alpha', 'Dirichlet', 'full(3, 0.5)');
	PERFORM bnai_add_node(network, 'Z', 'Categorical', 'alpha');
	PERFORM bnai_add_node(network, 'mu', 'Gaussian', mu || ', plates=3');
	PERFORM bnai_add_node(network, 'Lambda', 'Wishart', lambda || ', plates=3');
	PERFORM bnai_add_node(network, 'Y', 'Mixture', 'Z, Gaussian, mu, Lambda', 'points', '{x,y}');
	PERFORM bnai_set(network, 'results_column', 'label'), bnai_set(network, 'start', 'results');
	RETURN (SELECT elbo FROM bnai_infer(network));
END $$;

SELECT avg(x) AS mx, avg(y) AS my, var_pop(x) AS vx, var_pop(y) AS vy, covar_pop(x, y) AS c FROM used \gset
SELECT :vx * :vy - :c * :c AS det \gset

-- 1e-9 relative: the moments of 60 numbers, added up in another way
SELECT ok(abs(words - numbers) <= 1e-9 * abs(numbers), format('data_mean, data_precision, data_variance: %s, %s', words, numbers))
FROM (SELECT pg_temp.define('w1', 'data_mean, data_precision', '3, 2 * data_variance') AS words) AS w,
	 (SELECT pg_temp.define('n1', format('[%s, %s], [[%s, 0], [0, %s]]', :mx, :my, 1 / :vx, 1 / :vy), format('3, [[%s, 0], [0, %s]]', 2 * :vx, 2 * :vy)) AS numbers) AS n;
-- A little is added to the diagonal before inverting, for the sake of collinear columns: 1e-6
SELECT ok(abs(words - numbers) <= 1e-6 * abs(numbers), format('data_inverse_covariance, data_covariance: %s, %s', words, numbers))
FROM (SELECT pg_temp.define('w2', 'data_mean, 0.1 * data_inverse_covariance', '4, data_covariance') AS words) AS w,
	 (SELECT pg_temp.define('n2', format('[%s, %s], [[%s, %s], [%s, %s]]', (:mx)::float8, (:my)::float8, 0.1 * :vy / :det, -0.1 * :c / :det, -0.1 * :c / :det, 0.1 * :vx / :det),
								  format('4, [[%s, %s], [%s, %s]]', :vx, :c, :c, :vy)) AS numbers) AS n;

-- With one column they are numbers
SELECT bnai_create_network('s1'), bnai_create_network('s2');
SELECT bnai_add_node('s1', 'mu', 'GaussianARD', 'data_mean, 0.1 * data_precision'),
	   bnai_add_node('s2', 'mu', 'GaussianARD', format('%s, %s', :mx, 0.1 / :vx));
SELECT bnai_add_node('s1', 'tau', 'Gamma', '2, 3 * data_variance'),
	   bnai_add_node('s2', 'tau', 'Gamma', format('2, %s', 3 * :vx));
SELECT bnai_add_node(n, 'X', 'GaussianARD', 'mu, tau', 'used', '{x}') FROM unnest('{s1,s2}'::text[]) AS n;
SELECT ok(abs(words - numbers) <= 1e-9 * abs(numbers), format('GaussianARD and Gamma: %s, %s', words, numbers))
FROM (SELECT elbo AS words FROM bnai_infer('s1')) AS w, (SELECT elbo AS numbers FROM bnai_infer('s2')) AS n;

-- The posterior of a network with words says the same about the same rows in other units
CREATE TABLE shifted AS SELECT id, 3 * x - 7 AS x, y, label FROM points;
UPDATE points SET label = NULL;
UPDATE shifted SET label = NULL;
SELECT bnai_create_clustering('points', 'points', '{x,y}', results_column => 'label', max_clusters => 6, missing => 'skip');
SELECT bnai_create_clustering('shifted', 'shifted', '{x,y}', results_column => 'label', max_clusters => 6, missing => 'skip');
SELECT is((SELECT clusters FROM bnai_infer('points')), 3, 'three groups');
SELECT ok((SELECT abs(elbo + 60 * ln(3) - (SELECT elbo FROM bnai_runs WHERE network = 'points')) < 1e-3 FROM bnai_infer('shifted')),
	'in units of a third the bound is lower by 60 log 3');
SELECT is_empty('SELECT * FROM points AS p JOIN shifted AS s USING (id) WHERE p.label IS DISTINCT FROM s.label', 'the same labels');
SELECT is_empty($$ SELECT id, p.x, p.y FROM used AS p JOIN shifted AS s USING (id)
	WHERE abs(bnai_score('points', p.x, p.y) - ln(3) - bnai_score('shifted', s.x, s.y)) > 1e-3 $$, 'the same scores');

SELECT * FROM finish();
