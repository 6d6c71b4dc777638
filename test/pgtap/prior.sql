-- What was learned as the prior of what comes: networks without clusters.

BEGIN;
SELECT plan(11);
\i examples/userinfo.sql
CREATE VIEW everything AS SELECT avg1 FROM userinfo;
CREATE TABLE batch AS SELECT id, avg1 FROM userinfo WHERE id <= 100;
CREATE FUNCTION define(network text, source regclass) RETURNS void LANGUAGE sql AS $$
	SELECT bnai_create_network(network);
	SELECT bnai_add_node(network, 'mu', 'GaussianARD', '0, 1e-6');
	SELECT bnai_add_node(network, 'tau', 'Gamma', '1e-6, 1e-6');
	SELECT bnai_add_node(network, 'x', 'GaussianARD', 'mu, tau', source => source, columns => '{avg1}');
$$;
SELECT define('whole', 'everything'), define('parts', 'batch') \g /dev/null
SELECT throws_ok($$SELECT bnai_posterior_as_prior('parts')$$, '55000', 'network "parts" has not been inferred', 'nothing learned yet');
SELECT bnai_infer('whole'), bnai_infer('parts') \g /dev/null
SELECT throws_ok($$SELECT bnai_posterior_as_prior('parts', 1.5)$$, '22023', 'invalid discount: 1.5', 'more than was learned');

SET client_min_messages = error;
SELECT bnai_posterior_as_prior('parts') \g /dev/null
RESET client_min_messages;
SELECT is((SELECT array_agg((p->>0)::float8 = value) FROM bnai_nodes n, LATERAL to_jsonb(string_to_array(params, ', ')) AS p,
	bnai_posterior_parameters(bnai_fitted('parts')) f WHERE n.network = 'parts' AND n.node = 'mu' AND f.node = 'mu' AND f.parameter = 'mu'),
	'{t}', 'the posterior can be seen as the parameters of the nodes');
DELETE FROM batch;
INSERT INTO batch SELECT id, avg1 FROM userinfo WHERE id > 100;
SELECT bnai_infer('parts') \g /dev/null
-- q(mu) q(tau) forgets how the two hang together, by O(1 / rows)
SELECT cmp_ok(abs(bnai_mean('parts', 'mu') - bnai_mean('whole', 'mu')), '<', 0.1::float8, 'half after half ends near the whole: mean');
SELECT cmp_ok(abs(bnai_mean('parts', 'tau') / bnai_mean('whole', 'tau') - 1), '<', 0.02::float8, 'and precision');

SELECT bnai_infer('parts') \g /dev/null
SELECT is((SELECT value FROM bnai_posterior_parameters(bnai_fitted('parts')) WHERE node = 'tau' AND parameter = 'a'),
	1e-6 + 50 + 50::float8, 'another inference counts no rows twice');
SET client_min_messages = error;
SELECT bnai_posterior_as_prior('parts', 0.5) \g /dev/null
RESET client_min_messages;
SELECT cmp_ok(abs(split_part(params, ', ', 1)::float8 - (1e-6 + 100) / 2), '<', 1e-9::float8, 'a discount of 0.5 halves the natural parameters: half as many rows')
FROM bnai_nodes WHERE network = 'parts' AND node = 'tau';


-- a hierarchy: tau gets q(tau), and its parent says nothing any more
SELECT bnai_create_network('h'), bnai_add_node('h', 'b', 'Gamma', '1, 1'), bnai_add_node('h', 'tau', 'Gamma', '1, b'),
	bnai_add_node('h', 'x', 'GaussianARD', '0, tau', source => 'everything', columns => '{avg1}') \g /dev/null
SELECT bnai_infer('h') \g /dev/null
CREATE TABLE learned AS SELECT parameter, value FROM bnai_posterior_parameters(bnai_fitted('h')) WHERE node = 'tau';
SET client_min_messages = error;
SELECT bnai_posterior_as_prior('h') \g /dev/null
RESET client_min_messages;
SELECT is((SELECT array_agg(node || ' ' || params ORDER BY id) FROM bnai_nodes WHERE network = 'h'),
	ARRAY[(SELECT 'tau ' || string_agg(value::text, ', ' ORDER BY parameter) FROM learned), 'x 0, tau'],
	'a node that was a parameter of others only is dropped');
SELECT lives_ok($$SELECT bnai_infer('h')$$, 'what is left can be inferred');
SELECT bnai_change_node('h', 'tau', '1, 1'), bnai_add_node('h', 'mu', 'GaussianARD', '0, 1'), bnai_change_node('h', 'x', 'mu, tau') \g /dev/null
SELECT throws_ok($$SELECT bnai_posterior_as_prior('h')$$, '55000', 'node "mu" of network "h" has changed since the last inference',
	'not from a posterior of another network');
SELECT throws_ok($$SELECT bnai_posterior_as_prior('parts', 0)$$, '22023', 'invalid discount: 0', 'nothing is no prior');
SELECT * FROM finish();
ROLLBACK;
