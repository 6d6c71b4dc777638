-- A mixture of Student-t against a numpy statement of it in which every row's scale is a
-- latent variable of its own: the bound after every sweep, and the degrees of freedom.

\set golden `cat test/reference/robust.json`

SELECT plan(6);

CREATE TABLE observations AS
SELECT n AS id, (x ->> 0)::float8 AS x, (x ->> 1)::float8 AS y, chr(65 + l::integer) AS label
FROM ROWS FROM (jsonb_array_elements(:'golden'::jsonb -> 'data'), jsonb_array_elements(:'golden'::jsonb -> 'labels')) WITH ORDINALITY AS r(x, l, n);
CREATE TABLE bounds AS
SELECT elbo::float8, iteration FROM jsonb_array_elements(:'golden'::jsonb -> 'elbo') WITH ORDINALITY AS e(elbo, iteration);

SELECT bnai_create_network('robust', 'clustering', restarts => 1, tolerance => 0, max_iterations => 40, moves => false);
SELECT bnai_add_node('robust', 'alpha', 'Dirichlet', 'full(3, 0.5)');
SELECT bnai_add_node('robust', 'Z', 'Categorical', 'alpha');
SELECT bnai_add_node('robust', 'mu', 'Gaussian', '[1, 1], 0.05 * eye(2), plates=3');
SELECT bnai_add_node('robust', 'Lambda', 'Wishart', '3, [[2, 0.3], [0.3, 1]], plates=3');
SELECT bnai_add_node('robust', 'nu', 'DegreesOfFreedom', '0.1, 0, plates=3');
SELECT bnai_add_node('robust', 'Y', 'Mixture', 'Z, StudentT, mu, Lambda, nu', 'observations', '{x,y}');
SELECT bnai_set('robust', 'results_column', 'label'), bnai_set('robust', 'start', 'results');
SELECT is((SELECT iterations FROM bnai_infer('robust')), 40, 'forty sweeps');

-- 1e-8 relative, as for the other golden traces
SELECT is_empty($$ SELECT iteration, t.elbo AS have, b.elbo AS want FROM bnai_trace('robust') AS t JOIN bounds AS b USING (iteration)
	WHERE (abs(t.elbo - b.elbo) <= 1e-8 * abs(b.elbo)) IS NOT TRUE ORDER BY 1 LIMIT 5 $$, 'the bound after every sweep');
SELECT is((SELECT count(*) FROM bnai_trace('robust') JOIN bounds USING (iteration)), 40::bigint, 'of all sweeps');
SELECT is_empty($$ SELECT iteration, gain FROM (SELECT iteration, elbo - lag(elbo) OVER (ORDER BY iteration) AS gain FROM bnai_trace('robust')) AS t
	WHERE gain < -1e-9 $$, 'it never falls');
SELECT ok(max(abs(have - want) / want) < 1e-7, 'the degrees of freedom')
FROM (SELECT row_number() OVER (ORDER BY value[1]) AS i, value[1] AS have FROM bnai_moments('robust', 'nu') WHERE moment = 'mean') AS h
JOIN (SELECT row_number() OVER (ORDER BY v::float8) AS i, v::float8 AS want FROM jsonb_array_elements_text(:'golden'::jsonb -> 'nu') AS v) AS w USING (i);

SELECT throws_like($$ SELECT bnai_change_node('robust', 'Y', 'Z, StudentT, mu, Lambda, 2') $$, '%must be greater than 2, not 2', 'fixed degrees of freedom have a covariance, too');

SELECT * FROM finish();
