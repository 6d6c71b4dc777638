-- Every family that may be observed, with a key and without one, and parameters that are
-- accepted as numbers but cannot be computed with.
BEGIN;
SELECT no_plan();
SET LOCAL client_min_messages = warning;

CREATE TABLE rows AS SELECT i, sin(i) + (i % 2) * 8 AS a, cos(i * 2.5) AS b, CASE WHEN i % 5 > 0 THEN sin(i * 1.7) END AS c FROM generate_series(1, 200) AS i;

/* Nodes of a leaf of this family, but for its name: name, distribution, parameters. */
CREATE FUNCTION globals(family text, plates text) RETURNS TABLE (name text, distribution text, params text) LANGUAGE sql AS $$
	SELECT * FROM (VALUES
		('mu', CASE WHEN family ~ 'Diagonal|Spherical' THEN 'GaussianDiagonal' WHEN family = 'GaussianARD' THEN 'GaussianARD' ELSE 'Gaussian' END,
			'data_mean, 0.1 * data_precision' || plates),
		('precision', CASE WHEN family ~ 'Diagonal' THEN 'GammaVector' WHEN family ~ 'Spherical|ARD' THEN 'Gamma' ELSE 'Wishart' END,
			CASE WHEN family ~ 'Diagonal|Spherical|ARD' THEN '1, 0.5 * data_variance' ELSE '3, 0.5 * data_covariance' END || plates),
		('nu', 'DegreesOfFreedom', '0.5, 0.1' || plates)) AS v (name, distribution, params)
	WHERE v.name <> 'nu' OR family ~ 'StudentT'
$$;
CREATE FUNCTION fit(family text, key boolean, columns text[], missing text DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	parents text;
	result text;
BEGIN
	PERFORM bnai_create_network('n', restarts => 2, max_iterations => 1000, missing => missing);
	IF key THEN
		PERFORM bnai_add_node('n', 'pi', 'Dirichlet', 'full(2, 1)');
		PERFORM bnai_add_node('n', 'z', 'Categorical', 'pi');
	END IF;
	PERFORM bnai_add_node('n', name, distribution, params) FROM globals(family, CASE WHEN key THEN ', plates=2' ELSE '' END);
	SELECT string_agg(name, ', ' ORDER BY array_position('{mu,precision,nu}', name)) INTO parents FROM globals(family, '');
	IF key THEN
		PERFORM bnai_add_node('n', 'x', 'Mixture', 'z, ' || family || ', ' || parents, 'rows', columns);
	ELSE
		PERFORM bnai_add_node('n', 'x', family, parents, 'rows', columns);
	END IF;
	SELECT format('%s rows, converged: %s, a bound: %s', i.rows, i.converged, i.elbo < 0) INTO result FROM bnai_infer('n') AS i;
	result := format('%s, a score: %s', result, (SELECT bnai_score('n', VARIADIC CASE WHEN cardinality(columns) = 1 THEN '{1}' ELSE '{1,0}'::float8[] END) < 0));
	PERFORM bnai_drop_network('n');
	RETURN result;
END $$;
SELECT is(fit(family, key, CASE family WHEN 'GaussianARD' THEN '{a}'::text[] ELSE '{a,b}' END), '200 rows, converged: t, a bound: t, a score: t', format('%s, %s a key', family, CASE WHEN key THEN 'with' ELSE 'without' END))
FROM (SELECT distribution AS family FROM bnai_distributions() WHERE observable AND distribution <> 'Mixture') AS f, unnest('{t,f}'::boolean[]) AS key;
SELECT is(fit(family, key, '{a,c}', 'marginalize'), '200 rows, converged: t, a bound: t, a score: t', format('%s with missing values, %s a key', family, CASE WHEN key THEN 'with' ELSE 'without' END))
FROM (SELECT distribution AS family FROM bnai_distributions() WHERE observable AND distribution NOT IN ('Mixture', 'GaussianARD')) AS f, unnest('{t,f}'::boolean[]) AS key;

-- Parameters near the ends of what a number can be: an ordinary error or a bound, and no internal error
CREATE FUNCTION outcome(params text[]) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	bound float8;
BEGIN
	PERFORM bnai_create_network('n', restarts => 1, max_iterations => 30);
	PERFORM bnai_add_node('n', 'pi', 'Dirichlet', params[1]);
	PERFORM bnai_add_node('n', 'z', 'Categorical', 'pi');
	PERFORM bnai_add_node('n', 'mu', 'Gaussian', params[2] || ', plates=2');
	PERFORM bnai_add_node('n', 'Lambda', 'Wishart', params[3] || ', plates=2');
	PERFORM bnai_add_node('n', 'x', 'Mixture', 'z, Gaussian, mu, Lambda', 'rows', '{a,b}');
	SELECT elbo INTO bound FROM bnai_infer('n');
	PERFORM bnai_fitted('n')::text, bnai_plot('n', 'trace');
	RETURN CASE WHEN bound - bound = 0 THEN 'a bound' ELSE 'no number' END;
EXCEPTION
	WHEN internal_error THEN
		RAISE;
	WHEN OTHERS THEN
		RETURN SQLSTATE;
END $$;
CREATE FUNCTION try(params text[]) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	result := outcome(params);
	PERFORM bnai_drop_network('n') FROM bnai_networks WHERE network = 'n';
	RETURN result;
END $$;
SET LOCAL client_min_messages = error;
SELECT matches(try(ARRAY[pi, mu, lambda]), '^(a bound|22003)$', format('pi: %s, mu: %s, Lambda: %s', pi, mu, lambda)) FROM (VALUES
	('[1e308, 1e308]', 'data_mean, 0.1 * data_precision', '3, data_covariance'),
	('[1e300, 1]', 'data_mean, 0.1 * data_precision', '3, data_covariance'),
	('[5e-324, 1e-300]', 'data_mean, 0.1 * data_precision', '3, data_covariance'),
	('[1, 1]', '[1e10, -1e10], eye(2)', '3, data_covariance'),
	('[1, 1]', '[1e10, -1e10], 1e20 * eye(2)', '3, data_covariance'),
	('[1, 1]', '[1, 1], 1e20 * eye(2)', '3, data_covariance'),
	('[1, 1]', '[1e200, 1], eye(2)', '3, data_covariance'),
	('[1, 1]', '[1, 1], 1e-300 * eye(2)', '3, data_covariance'),
	('[1, 1]', 'data_mean, 0.1 * data_precision', '1e308, data_covariance'),
	('[1, 1]', 'data_mean, 0.1 * data_precision', '1e15, data_covariance'),
	('[1, 1]', 'data_mean, 0.1 * data_precision', '3, 1e300 * eye(2)'),
	('[1, 1]', 'data_mean, 0.1 * data_precision', '3, 1e-300 * eye(2)'),
	('[1, 1]', 'data_mean, 0.1 * data_precision', '3, [[1, 0.9999999999999999], [0.9999999999999999, 1]]')) AS v (pi, mu, lambda);

-- Values near the largest numbers are infinitely far out, for every density, and the least typical of all
SET LOCAL client_min_messages = warning;
CREATE TABLE slanted AS SELECT a, a + 0.1 * b AS b FROM rows;
SELECT bnai_create_clustering('s', 'slanted', '{a,b}', max_clusters => 3, robust => false);
SELECT bnai_create_clustering('t', 'slanted', '{a,b}', max_clusters => 3, robust => true);
SELECT rows FROM bnai_infer('s');
SELECT rows FROM bnai_infer('t');
SELECT ok(bnai_score(n, x, y) < -1e3 AND bnai_typicality(n, x, y) = 0 AND bnai_predict(n, x, y) IS NOT NULL, format('%s: (%s, %s)', n, x, y))
FROM unnest('{s,t}'::text[]) AS n, (VALUES (1e308, 1e308), (1e308, -1e308), (1.7e308, 1.7e308), (-1.7e308, 1.7e308), (1e200, 1e200)) AS v (x, y);

SELECT throws_ok(format($$ SELECT bnai_set('s', %L, '0x10') $$, setting), '22023', NULL, setting || ' in hexadecimal') FROM unnest('{tolerance,resolution,refit_margin,restarts,seed}'::text[]) AS setting;

SELECT * FROM finish();
ROLLBACK;
