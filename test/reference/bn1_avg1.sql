-- Example 1 against BayesPy: mean and precision of avg1, the order mu, tau, 20 sweeps.
-- 1e-9 relative: two ways to add up the same 200 numbers differ by about 1e-13;
-- the golden values themselves agree with a second implementation to 1e-9.

\set golden `cat test/reference/bn1_avg1_n200.json`

\i examples/userinfo.sql

SELECT plan(16);

CREATE TABLE golden AS SELECT :'golden'::jsonb #> '{runs,mu_tau_20sweeps}' AS run, :'golden'::jsonb #> '{data,avg1}' AS avg1;

SELECT is_empty($$
	SELECT id, u.avg1, g.value FROM golden, jsonb_array_elements(avg1) WITH ORDINALITY AS g(value, id)
	FULL JOIN userinfo u USING (id) WHERE u.avg1 IS DISTINCT FROM g.value::float8 $$,
	'the example table holds the golden rows');

SELECT bnai_create_network('bn1', restarts => 1, tolerance => 0, max_iterations => 20);
SELECT bnai_add_node('bn1', 'mu', 'GaussianARD', '0, 1e-6');
SELECT bnai_add_node('bn1', 'tau', 'Gamma', '1e-6, 1e-6');
SELECT bnai_add_node('bn1', 'avg1', 'GaussianARD', 'mu, tau', source => 'userinfo', columns => '{avg1}');

CREATE TABLE run AS SELECT * FROM bnai_infer('bn1');
SELECT is((SELECT iterations FROM run), 20, 'tolerance 0 never stops early');
SELECT is((SELECT rows FROM run), 200::bigint, 'every row was read');
SELECT is((SELECT rows_skipped FROM run), 0::bigint, 'no row was skipped');
SELECT is((SELECT clusters FROM run), NULL, 'a general network has no clusters');

-- Compares two numbers relative to the larger one.
CREATE FUNCTION pg_temp.is_near(have float8, want float8, what text) RETURNS text LANGUAGE sql AS $$
	SELECT ok(abs(have - want) <= 1e-9 * abs(want), what)
		|| CASE WHEN abs(have - want) <= 1e-9 * abs(want) THEN '' ELSE format(E'\n# have %s, want %s', have, want) END $$;

CREATE FUNCTION pg_temp.golden(VARIADIC path text[]) RETURNS float8 LANGUAGE sql AS $$
	SELECT (run #>> path)::float8 FROM golden $$;

CREATE FUNCTION pg_temp.parameter(node text, parameter text) RETURNS float8 LANGUAGE sql AS $$
	SELECT (n -> 'parameters' ->> parameter)::float8
	FROM jsonb_array_elements(bnai_fitted('bn1')::jsonb -> 'nodes') AS n WHERE n ->> 'name' = node $$;

SELECT is_empty($$
	SELECT iteration, t.elbo AS have, g.elbo AS want
	FROM (SELECT * FROM bnai_trace('bn1') WHERE restart = 1) AS t
	FULL JOIN (SELECT e.elbo::float8, iteration FROM golden,
		jsonb_array_elements(run -> 'elbo') WITH ORDINALITY AS e(elbo, iteration)) AS g USING (iteration)
	WHERE (abs(t.elbo - g.elbo) <= 1e-9 * abs(g.elbo)) IS NOT TRUE $$,
	'the ELBO of every sweep');
SELECT pg_temp.is_near((SELECT elbo FROM run), pg_temp.golden('elbo', '19'), 'the ELBO of the run');
SELECT pg_temp.is_near(bnai_mean('bn1', 'mu'), pg_temp.golden('posterior', 'mu', 'E_mu'), 'E[mu]');
SELECT pg_temp.is_near(bnai_mean('bn1', 'tau'), pg_temp.golden('posterior', 'tau', 'E_tau'), 'E[tau]');
SELECT pg_temp.is_near(pg_temp.parameter('mu', 'mu'), pg_temp.golden('posterior', 'mu', 'mean'), 'mean of q(mu)');
SELECT pg_temp.is_near(pg_temp.parameter('mu', 'alpha'), pg_temp.golden('posterior', 'mu', 'precision'), 'precision of q(mu)');
SELECT pg_temp.is_near(pg_temp.parameter('tau', 'a'), pg_temp.golden('posterior', 'tau', 'shape'), 'shape of q(tau)');
SELECT pg_temp.is_near(pg_temp.parameter('tau', 'b'), pg_temp.golden('posterior', 'tau', 'rate'), 'rate of q(tau)');

-- The moments as a set: one plate, the first and second moment of each node
SELECT is_empty($$
	SELECT * FROM (SELECT value::float8 AS want FROM golden, jsonb_each_text(run #> '{posterior,mu}') WHERE key IN ('E_mu', 'E_mu2')) AS g
	WHERE NOT EXISTS (SELECT FROM bnai_moments('bn1', 'mu') AS m WHERE abs(m.value[1] - want) <= 1e-9 * abs(want)) $$,
	'bnai_moments: E[mu], E[mu^2]');
SELECT is_empty($$
	SELECT * FROM (SELECT value::float8 AS want FROM golden, jsonb_each_text(run #> '{posterior,tau}') WHERE key IN ('E_tau', 'E_log_tau')) AS g
	WHERE NOT EXISTS (SELECT FROM bnai_moments('bn1', 'tau') AS m WHERE abs(m.value[1] - want) <= 1e-9 * abs(want)) $$,
	'bnai_moments: E[tau], E[log tau]');

-- Left to itself it stops within the tolerance of the end
SELECT bnai_set('bn1', 'tolerance', NULL);
SELECT bnai_set('bn1', 'max_iterations', NULL);
CREATE TABLE stopped AS SELECT * FROM bnai_infer('bn1');
SELECT ok(converged AND iterations < 20 AND elbo > pg_temp.golden('elbo', '19') - 1e-3,
	'the default stop is early and within a thousandth of a nat') FROM stopped;

SELECT * FROM finish();
