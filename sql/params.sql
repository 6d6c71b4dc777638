-- The parameter language: what it takes, and where an error points.
\set VERBOSITY default
SELECT bnai_create_network('p');

-- Adds a node and drops it again; an error of the parameters goes through.
CREATE FUNCTION try(distribution text, params text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM bnai_add_node('p', 'x', distribution, params);
	PERFORM bnai_drop_node('p', 'x');
	RETURN 'ok';
END $$;

-- numbers
SELECT params, try('GaussianARD', params)
FROM unnest(ARRAY['0, 1', '-0.3,1e-06', ' +1.5e-3 ,	1E+2 ', '.5, 5.', '1e-300, 1e300', E'0,\n1']) params;

-- vectors and matrices
SELECT params, try('Gaussian', params)
FROM unnest(ARRAY[
	'zeros(2), eye(2)',
	'ones( 2 ), 1e-5 * eye(2)',
	'full(2, -0.5), 1e-5*eye(2), plates=10',
	'plates = 3, [1, -2], [[2, 1], [1, 2]]',
	'-1 * [1, 2], 0.5 * [[2, 1], [1, 2]]',
	'[5], [[1]]',
	'1e3 * ones(2), 3 * eye(2)']) params;

-- moments of the data
SELECT distribution, params, try(distribution, params)
FROM (VALUES
	('Gaussian', 'data_mean, data_precision'),
	('Gaussian', 'data_mean, 0.5 * data_inverse_covariance, plates=3'),
	('Gaussian', '-2 * data_mean, eye(2)'),
	('Wishart', '3, 2 * data_variance'),
	('Wishart', '3, data_covariance'),
	('GaussianARD', 'data_mean, data_precision'),
	('Gamma', '1, 1e-2*data_variance')) v (distribution, params);

-- a value for each plate
SELECT distribution, params, try(distribution, params)
FROM (VALUES
	('Gaussian', 'each([0, 0], [5, 5], [9, 1]), each(eye(2), 2 * eye(2), [[2, 1], [1, 2]]), plates=3'),
	('Gaussian', 'each([0, 0], ones(2)), eye(2), plates=2'),
	('Gaussian', 'zeros(2), 0.5 * each(eye(2), [[2, 1], [1, 2]]), plates=2'),
	('Gamma', 'each(1, 2e3, .5), 2, plates=3'),
	('Gamma', 'each(1), 2'),
	('Wishart', 'each(3, 30), 2 * data_variance, plates=2')) v (distribution, params);
SELECT bnai_add_node('p', 'x', 'Gamma', 'each(1, 2), 1, plates=3');
SELECT bnai_add_node('p', 'x', 'Gamma', 'each(1, 2), 1');
SELECT bnai_add_node('p', 'x', 'Gamma', 'each(1, -2), 1, plates=2');
SELECT bnai_add_node('p', 'x', 'Gamma', 'each(1, [2]), 1, plates=2');
SELECT bnai_add_node('p', 'x', 'Gamma', 'each(1, each(2)), 1, plates=2');
SELECT bnai_add_node('p', 'x', 'Gamma', '1, each(1, data_variance), plates=2');
SELECT bnai_add_node('p', 'x', 'Gamma', 'each(1, 2, plates=2');
SELECT bnai_add_node('p', 'x', 'Gamma', 'each(), 1, plates=2');
SELECT bnai_add_node('p', 'x', 'Gaussian', 'each([0, 0], [1]), eye(2), plates=2');
SELECT bnai_add_node('p', 'x', 'Gaussian', 'zeros(2), each(eye(2), [[1, 2], [2, 1]]), plates=2');
SELECT bnai_add_node('p', 'x', 'Gaussian', 'zeros(2), each(eye(2), [[2, 1], [0, 2]]), plates=2');
SELECT bnai_add_node('p', 'x', 'Wishart', 'each(3, 1), eye(2), plates=2');
DO $$
BEGIN
	PERFORM try('Gamma', repeat('each(', 200000) || '1');
EXCEPTION WHEN statement_too_complex THEN RAISE NOTICE 'too deep';
END $$;

-- names
SELECT bnai_add_node('p', 'über_1', 'Gamma', '1, 1');
SELECT bnai_add_node('p', 'a "b", 1', 'Gamma', '1, 1');
SELECT bnai_add_node('p', 'full', 'Gamma', '1, 1');
SELECT bnai_add_node('p', 'plates', 'Gamma', '1, 1');
SELECT bnai_add_node('p', 'data_mean', 'GaussianARD', '0, 1');
SELECT params, try('GaussianARD', params)
FROM unnest(ARRAY['0, über_1', '0, "über_1"', '0, "a ""b"", 1"', '0, full', '0, plates, plates=2', '"data_mean", 1']) params;
SELECT * FROM bnai_node_parents('GaussianARD', '"data_mean", "a ""b"", 1", plates=2');
SELECT * FROM bnai_node_parents('Mixture', 'Z, Gaussian, mu, eye(2)');

-- what is no number
SELECT bnai_add_node('p', 'x', 'GaussianARD', '1e, 1');
SELECT bnai_add_node('p', 'x', 'GaussianARD', '0x10, 1');
SELECT bnai_add_node('p', 'x', 'GaussianARD', '1 2, 1');
SELECT bnai_add_node('p', 'x', 'GaussianARD', 'ü1, 1e999');
SELECT bnai_add_node('p', 'x', 'GaussianARD', '1e-999, 1');
SELECT bnai_add_node('p', 'x', 'GaussianARD', '-, 1');
SELECT bnai_add_node('p', 'x', 'GaussianARD', 'NaN, 1');
SELECT bnai_add_node('p', 'x', 'GaussianARD', 'Infinity, 1');
SELECT bnai_add_node('p', 'x', 'GaussianARD', '1e-999 * eye(2), 1');

-- what is no list
SELECT bnai_add_node('p', 'x', 'Gaussian', '[], eye(2)');
SELECT bnai_add_node('p', 'x', 'Gaussian', '[1, 2, eye(2)');
SELECT bnai_add_node('p', 'x', 'Gaussian', '[1, x], eye(2)');
SELECT bnai_add_node('p', 'x', 'Gaussian', '[1, 2], [[1, 0], [0]]');
SELECT bnai_add_node('p', 'x', 'Gaussian', '[1, 2], [[1, 0], [0, 1], [0, 0]]');
SELECT bnai_add_node('p', 'x', 'Gaussian', '[1, 2], [[1, 0]]');
SELECT bnai_add_node('p', 'x', 'Gaussian', '[1, 2], [[[1, 0], [0, 1]]]');
SELECT bnai_add_node('p', 'x', 'Gaussian', '[1, 2], [[1, 0], [0, 1]');

-- what is no function
SELECT bnai_add_node('p', 'x', 'Gaussian', 'zeros(2');
SELECT bnai_add_node('p', 'x', 'Gaussian', 'zeros(0), eye(2)');
SELECT bnai_add_node('p', 'x', 'Gaussian', 'zeros(-2), eye(2)');
SELECT bnai_add_node('p', 'x', 'Gaussian', 'zeros(2.0), eye(2)');
SELECT bnai_add_node('p', 'x', 'Gaussian', 'zeros(99999999999999999999), eye(2)');
SELECT bnai_add_node('p', 'x', 'Gaussian', 'zeros(4097), eye(2)');
SELECT bnai_add_node('p', 'x', 'Gaussian', 'zeros(2), eye(513)');
SELECT bnai_add_node('p', 'x', 'Gaussian', 'full(2), eye(2)');
SELECT bnai_add_node('p', 'x', 'Gaussian', 'random(2), eye(2)');
SELECT bnai_add_node('p', 'x', 'Gaussian', 'zeros(2), 1e308 * [[100, 0], [0, 100]]');
SELECT bnai_add_node('p', 'x', 'Gaussian', 'zeros(2), eye(2) * 2');
SELECT bnai_add_node('p', 'x', 'Gaussian', 'zeros(2), 2 * 3 * eye(2)');
SELECT bnai_add_node('p', 'x', 'Gaussian', 'zeros(2), 2 * x');

-- what does not end
SELECT bnai_add_node('p', 'x', 'GaussianARD', '');
SELECT bnai_add_node('p', 'x', 'GaussianARD', '0,');
SELECT bnai_add_node('p', 'x', 'GaussianARD', '0, 1; DROP TABLE x');
SELECT bnai_add_node('p', 'x', 'GaussianARD', '0, "x');
SELECT bnai_add_node('p', 'x', 'GaussianARD', '0, ""');
SELECT bnai_add_node('p', 'x', 'GaussianARD', '0, 1, plates=2, plates=3');
SELECT bnai_add_node('p', 'x', 'GaussianARD', '0, 1, plates=0');
SELECT bnai_add_node('p', 'x', 'GaussianARD', '0, 1, plates=two');
SELECT bnai_add_node('p', 'x', 'GaussianARD', repeat('1, ', 20) || '1');

-- what does not fit its place
SELECT bnai_add_node('p', 'x', 'GaussianARD', '0');
SELECT bnai_add_node('p', 'x', 'GaussianARD', '0, 1, 2');
SELECT bnai_add_node('p', 'x', 'GaussianARD', '0, 0');
SELECT bnai_add_node('p', 'x', 'GaussianARD', '[0], 1');
SELECT bnai_add_node('p', 'x', 'Gaussian', '0, eye(2)');
SELECT bnai_add_node('p', 'x', 'Gaussian', 'zeros(2), 1');
SELECT bnai_add_node('p', 'x', 'Gaussian', 'zeros(2), eye(3)');
SELECT bnai_add_node('p', 'x', 'Gaussian', 'zeros(2), [[1, 2], [2, 1]]');
SELECT bnai_add_node('p', 'x', 'Gaussian', 'zeros(2), [[1, 2], [3, 9]]');
SELECT bnai_add_node('p', 'x', 'Gaussian', 'data_precision, eye(2)');
SELECT bnai_add_node('p', 'x', 'Gaussian', 'zeros(2), data_mean');
SELECT bnai_add_node('p', 'x', 'Gaussian', 'zeros(2), -1 * data_precision');
SELECT bnai_add_node('p', 'x', 'Gamma', '1, data_covariance');
SELECT bnai_add_node('p', 'x', 'Gamma', 'data_variance, 1');
SELECT bnai_add_node('p', 'x', 'Wishart', '1, eye(2)');
SELECT bnai_add_node('p', 'x', 'Wishart', '0, eye(2)');
SELECT bnai_add_node('p', 'x', 'Dirichlet', '[1, 0]');
SELECT bnai_add_node('p', 'x', 'Dirichlet', 'data_mean');
SELECT bnai_add_node('p', 'x', 'Categorical', '[0.5, 0.6]');
SELECT bnai_add_node('p', 'x', 'GaussianARD', '0, nobody');
SELECT bnai_add_node('p', 'x', 'GaussianARD', '0, data_mean');
SELECT bnai_add_node('p', 'x', 'GaussianARD', '0, "data_mean"');
SELECT bnai_add_node('p', 'x', 'Gamma', 'full, 1');
SELECT bnai_add_node('p', 'x', 'Normal', '0, 1');

DROP FUNCTION try;
SELECT bnai_drop_network('p');
