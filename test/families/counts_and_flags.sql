-- Families that are one file and one line of the registry each: counts and flags, in a library
-- that has them beside its own.

SELECT plan(31);
SET client_min_messages = warning;
SET bnai.max_parallel_workers = 0;	-- workers load the library by its name

CREATE FUNCTION pg_temp.parameter(network text, node text, parameter text) RETURNS jsonb LANGUAGE sql
	AS $$ SELECT n -> 'parameters' -> parameter FROM jsonb_array_elements(bnai_fitted(network)::jsonb -> 'nodes') AS n WHERE n ->> 'name' = node $$;
CREATE FUNCTION pg_temp.log_factorial(n bigint) RETURNS float8 LANGUAGE sql AS $$ SELECT coalesce(sum(ln(i::float8)), 0) FROM generate_series(1, n) AS i $$;

-- Alone the posterior is exact, and the bound the evidence.  Gamma(2, 0.5): a = 2 + sum x, b = 0.5 + n
CREATE TABLE visits AS SELECT i AS id, i * 7 % 23 + (i % 5) AS visits, (i % 3 = 0)::int AS member FROM generate_series(1, 80) AS i;
SELECT bnai_create_network('counts'), bnai_create_network('flags'), bnai_create_network('known');
SELECT bnai_add_node('counts', 'l', 'Gamma', '2, 0.5'), bnai_add_node('counts', 'x', 'Poisson', 'l', source => 'visits', columns => '{visits}');
SELECT bnai_add_node('flags', 'p', 'Beta', '3, 1'), bnai_add_node('flags', 'x', 'Bernoulli', 'p', source => 'visits', columns => '{member}');
SELECT bnai_add_node('known', 'x', 'Poisson', '4', source => 'visits', columns => '{visits}');
SELECT bnai_set('counts', 'resolution', '0.1');	-- of numbers; counts are exact
CREATE TABLE runs AS SELECT network, r.* FROM (VALUES ('counts'), ('flags'), ('known')) AS v (network), bnai_infer(network) AS r;
CREATE TABLE sums AS SELECT sum(visits) AS s, count(*) AS n, sum(member) AS m, sum(pg_temp.log_factorial(visits)) AS log_factorials FROM visits;
SELECT is(pg_temp.parameter('counts', 'l', 'a'), to_jsonb(2 + s), 'shape of the rate') FROM sums;
SELECT is(pg_temp.parameter('counts', 'l', 'b'), to_jsonb(0.5 + n), 'and its rate') FROM sums;
SELECT ok(abs(elbo - (2 * ln(0.5::float8) - 0 + pg_temp.log_factorial(1 + s) - (2 + s) * ln(0.5 + n::float8) - log_factorials)) < 1e-8, 'the bound is the log evidence') FROM runs, sums WHERE network = 'counts';
SELECT is(pg_temp.parameter('flags', 'p', 'a'), to_jsonb(3 + m), 'Beta: those that are') FROM sums;
SELECT is(pg_temp.parameter('flags', 'p', 'b'), to_jsonb(1 + n - m), 'and those that are not') FROM sums;
SELECT ok(abs(elbo - (ln(3::float8) + pg_temp.log_factorial(2 + m) + pg_temp.log_factorial(n - m) - pg_temp.log_factorial(3 + n))) < 1e-8, 'the log evidence of flags') FROM runs, sums WHERE network = 'flags';
SELECT ok(abs(elbo - (s * ln(4::float8) - 4 * n - log_factorials)) < 1e-8, 'the log likelihood, where the rate is a number') FROM runs, sums WHERE network = 'known';
SELECT ok(abs(bnai_mean('counts', 'l') - (2 + s) / (0.5 + n)) < 1e-12, 'the rate') FROM sums;
SELECT ok(abs(sum(exp(bnai_score('counts', x))) - 1) < 1e-9, 'densities of counts sum to 1') FROM generate_series(0, 200) AS x;
SELECT ok(abs(exp(bnai_score('flags', 1)) - (3 + m) / (4.0 + n)) < 1e-12, 'that of a flag is its expected probability') FROM sums;
SELECT ok(bnai_typicality('counts', 90) < 0.01 AND bnai_typicality('counts', 12) > 0.3, 'how typical a count is');

-- A number and a count, and a flag, below one key: two groups that each tells in part
CREATE FUNCTION pg_temp.draw(id integer, column_name text) RETURNS float8 LANGUAGE sql
	AS $$ SELECT (hashint8(hashtext(column_name) * 1000003::bigint + id) & 1048575) / 1048576.0 $$;
CREATE FUNCTION pg_temp.poisson(u float8, l float8) RETURNS integer LANGUAGE sql	-- the inverse of the distribution function
	AS $$ SELECT count(*)::integer FROM (SELECT sum(exp(k * ln(l) - l - pg_temp.log_factorial(k))) OVER (ORDER BY k) AS f FROM generate_series(0, 60) AS k) AS t WHERE f < u $$;
CREATE TABLE mixed AS SELECT id, g, g * 4 + (SELECT sum(pg_temp.draw(id, 'a' || i)) - 6 FROM generate_series(1, 12) AS i) AS a, pg_temp.poisson(pg_temp.draw(id, 'visits'), g * 9 + 3) AS visits,
	(pg_temp.draw(id, 'member') < CASE WHEN g = 0 THEN 0.9 ELSE 0.2 END)::int AS member, NULL::text AS label FROM (SELECT id, id % 2 AS g FROM generate_series(1, 400) AS id) AS r;
SELECT bnai_create_network('mixed', 'clustering', restarts => 2, results_column => 'label');
SELECT bnai_add_node('mixed', 'alpha', 'Dirichlet', 'full(6, 0.5)'), bnai_add_node('mixed', 'Z', 'Categorical', 'alpha'),
	bnai_add_node('mixed', 'mu', 'GaussianARD', 'data_mean, 0.1 * data_precision, plates=6'), bnai_add_node('mixed', 'tau', 'Gamma', '2, 0.2 * data_variance, plates=6'),
	bnai_add_node('mixed', 'l', 'Gamma', '1, 0.1, plates=6'), bnai_add_node('mixed', 'p', 'Beta', '1, 1, plates=6'),
	bnai_add_node('mixed', 'A', 'Mixture', 'Z, GaussianARD, mu, tau', source => 'mixed', columns => '{a}'),
	bnai_add_node('mixed', 'V', 'Mixture', 'Z, Poisson, l', source => 'mixed', columns => '{visits}'),
	bnai_add_node('mixed', 'M', 'Mixture', 'Z, Bernoulli, p', source => 'mixed', columns => '{member}');
SELECT is((SELECT clusters FROM bnai_infer('mixed')), 2, 'two groups of numbers, counts and flags are found');
SELECT ok(sum(greatest(zeros, n - zeros)) >= 396, 'rows in their own') FROM (SELECT count(*) AS n, count(*) FILTER (WHERE g = 0) AS zeros FROM mixed GROUP BY label) AS t;
SELECT is_empty($$ SELECT * FROM mixed WHERE bnai_predict('mixed', a, visits, member) <> label $$, 'bnai_predict says what the column says');
SELECT ok(abs((SELECT (r ->> 0)::float8 FROM jsonb_array_elements(pg_temp.parameter('mixed', 'l', 'a')) AS r ORDER BY r::text::float8 DESC LIMIT 1) - (1 + s)) < 0.02 * s, 'rows of a group tell its rate')
FROM (SELECT sum(visits) AS s FROM mixed WHERE g = 1) AS t;
SELECT is_empty($$ SELECT restart, elbo, before FROM (SELECT restart, elbo, event, lag(elbo) OVER (PARTITION BY restart ORDER BY iteration, event NULLS FIRST) AS before FROM bnai_trace('mixed')) AS t
	WHERE event IS NULL AND elbo < before - 1e-6 * abs(before) $$, 'no bound falls');
SELECT results_eq($$ SELECT column_name, pull > 0 FROM bnai_explain('mixed', 3, 12, 0) $$, $$ VALUES ('a', true), ('visits', true), ('member', true) $$, 'each column pulls');
SELECT is(bnai_fitted('mixed')::text::bnai_posterior::text, bnai_fitted('mixed')::text, 'the posterior is read back');
SELECT is(bnai_score(bnai_fitted('mixed'), 3, 12, 0), bnai_score('mixed', 3, 12, 0), 'and scores by value');

-- What is not there
UPDATE mixed SET a = NULL WHERE id % 5 = 0;
UPDATE mixed SET visits = NULL WHERE id % 7 = 0;
UPDATE mixed SET member = NULL WHERE id % 3 = 0;
SELECT results_eq($$ SELECT rows, rows_skipped, clusters FROM bnai_infer('mixed') $$,
	$$ SELECT 400::bigint - n, n, 2 FROM (SELECT count(*) AS n FROM mixed WHERE num_nulls(a, visits, member) = 3) AS t $$, 'a NULL in one leaf does not keep the others from taking part');
SELECT ok(bnai_predict('mixed', NULL, 12, NULL) <> bnai_predict('mixed', NULL, 2, NULL), 'a count alone has a label');
SELECT ok(abs(sum(exp(bnai_score('mixed', NULL, x, NULL))) - 1) < 1e-9, 'and a density') FROM generate_series(0, 300) AS x;
SELECT results_eq($$ SELECT column_name, value IS NULL FROM bnai_impute('mixed', NULL, NULL, 1) $$, $$ VALUES ('a', false), ('visits', true) $$, 'what a family cannot impute is NULL');

-- What is no value
SELECT throws_ok($$ SELECT bnai_score('counts', -4) $$, '22003', 'column "visits" holds -4');
SELECT throws_ok($$ SELECT bnai_predict('mixed', 1, 2.5, 1) $$, '22003', 'column "visits" holds 2.5');
SELECT throws_ok($$ SELECT bnai_predict('mixed', 1, 2, 3) $$, '22003', 'column "member" holds 3');
SELECT throws_ok($$ SELECT bnai_fit('counts', x) FROM (VALUES (1), (-4)) AS v (x) $$, '22003', '-4 was given for column "visits", which cannot be fitted');
INSERT INTO visits VALUES (81, -4, 0);
SELECT throws_ok($$ SELECT bnai_infer('counts') $$, '22003', 'column "visits" of "visits" holds -4, which cannot be fitted');
SELECT throws_ok($$ SELECT bnai_add_node('known', 'y', 'Poisson', '-1', source => 'visits', columns => '{member}') $$, '22023', 'parameter l must be greater than 0, not -1');
SELECT throws_ok($$ SELECT bnai_add_node('known', 'q', 'Poisson', '1') $$, '0A000', 'node "q" must have a source and columns: Poisson can only be observed');
-- The library with these families is the one that answered
SELECT ok('Poisson' = ANY (SELECT distribution FROM bnai_distributions()), 'they are in the list');

SELECT * FROM finish();
