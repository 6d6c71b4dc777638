-- Mixtures of Student-t with diagonal and spherical cores against a numpy statement of them in
-- which every row's scale is a latent variable of its own; degrees of freedom learned and fixed,
-- and a scale shared by the components.  1e-8 relative, as for the other golden traces.

\set golden `cat test/reference/robust_structures.json`

SELECT plan(27);

\i test/reference/golden.psql

SELECT is_empty($$ SELECT * FROM (SELECT name, iteration, elbo - lag(elbo) OVER (PARTITION BY name ORDER BY iteration) AS gain FROM golden, bnai_trace(name)) AS t
	WHERE gain < -1e-9 $$, 'no bound falls');
SELECT throws_like($$ SELECT bnai_change_node('robust_diagonal', 'Y', 'Z, StudentTDiagonal, mu, tau, 2') $$, '%must be greater than 2, not 2', 'fixed degrees of freedom have a covariance, too');

SELECT * FROM finish();
