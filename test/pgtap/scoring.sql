--
-- Scores against values from an independent computation
--
-- The constants come from scipy 1.10 (special.psi, stats.multivariate_t,
-- stats.t, stats.norm).  With q(pi) = Dirichlet(alpha), q(mu_k) = N(m, P^-1),
-- q(Lambda_k) = Wishart(n, V) they are
--
--   probability   softmax over labelled k of  psi(alpha_k) - psi(sum alpha) + E log|Lambda| / 2
--                 - D/2 log 2 pi - n/2 ((x-m)' V^-1 (x-m) + tr(V^-1 P^-1)),
--                 E log|Lambda| = sum_i psi((n + 1 - i)/2) + D log 2 - log|V|
--   log density   log sum over all k of  alpha_k / sum alpha  t(x; nu = n - D + 1, m, V/nu + P^-1)
--
-- Both sides are a few dozen operations on well-conditioned matrices: 1e-12
-- relative leaves room for a hundred roundings.
--
BEGIN;
SELECT plan(38);

CREATE TEMP TABLE model (name text PRIMARY KEY, p bnai_posterior);
INSERT INTO model VALUES ('mixture', '{
	"version": 1, "network_type": "clustering", "rows": 200, "elbo": -951,
	"nodes": [
		{"name": "alpha", "distribution": "Dirichlet", "plates": 1, "dim": 3, "parameters": {"alpha": [120.1, 80.1, 0.1]}},
		{"name": "mu", "distribution": "Gaussian", "plates": 3, "dim": 2, "parameters": {
			"mu": [[20, 20], [25, 25.5], [0.1, 0.3]],
			"Lambda": [[[40, 1], [1, 30]], [[20, 0], [0, 20]], [[1e-5, 0], [0, 1e-5]]]}},
		{"name": "Lambda", "distribution": "Wishart", "plates": 3, "dim": 2, "parameters": {
			"n": [122, 82, 2],
			"V": [[[140, 1], [1, 130]], [[90, 0], [0, 120]], [[1e-5, 0], [0, 1e-5]]]}}],
	"selector": {"name": "Z", "parameters": {"p": "alpha"}},
	"clusters": [
		{"label": "B", "size": 120, "count": 119.75, "live": true},
		{"label": "A", "size": 80, "count": 80.25, "live": true},
		{"label": null, "size": 0, "count": 0, "live": false}],
	"leaves": [{"name": "Y", "distribution": "Gaussian", "mixture": true, "dim": 2, "columns": ["a", "b"],
				"parameters": {"mu": "mu", "Lambda": "Lambda"}}]}'),
('scalar', '{
	"version": 1, "network_type": "general", "rows": 4, "elbo": -12,
	"nodes": [
		{"name": "mu", "distribution": "GaussianARD", "plates": 1, "dim": 1, "parameters": {"mu": 9.8, "alpha": 7.8}},
		{"name": "tau", "distribution": "Gamma", "plates": 1, "dim": 1, "parameters": {"a": 100, "b": 2553.5}}],
	"selector": null,
	"clusters": [{"label": null, "size": 4, "count": 4, "live": true}],
	"leaves": [{"name": "x", "distribution": "GaussianARD", "mixture": false, "dim": 1, "columns": ["x"],
				"parameters": {"mu": "mu", "alpha": "tau"}}]}'),
('constants', '{
	"version": 1, "network_type": "general", "rows": 30, "elbo": -12,
	"nodes": [
		{"name": "mu", "distribution": "GaussianARD", "plates": 2, "dim": 1, "parameters": {"mu": [1, 3], "alpha": [10, 20]}}],
	"selector": {"name": "Z", "parameters": {"p": [0.25, 0.75]}},
	"clusters": [
		{"label": "A", "size": 10, "count": 10, "live": true},
		{"label": "B", "size": 20, "count": 20, "live": true}],
	"leaves": [
		{"name": "x", "distribution": "GaussianARD", "mixture": true, "dim": 1, "columns": ["x"],
		 "parameters": {"mu": "mu", "alpha": 4}},
		{"name": "c", "distribution": "GaussianARD", "mixture": false, "dim": 1, "columns": ["c"],
		 "parameters": {"mu": 1.5, "alpha": 0.25}}]}');

-- Relative error
CREATE FUNCTION pg_temp.near(have float8, want float8, tolerance float8, what text) RETURNS text
LANGUAGE sql AS $$ SELECT ok(abs(have - want) <= tolerance * greatest(abs(want), 1e-300), what || ': ' || have || ' for ' || want) $$;

-- The probability of a label
CREATE FUNCTION pg_temp.proba(p bnai_posterior, wanted text, VARIADIC x float8[]) RETURNS float8
LANGUAGE sql AS $$ SELECT probability FROM bnai_predict_proba(p, VARIADIC x) WHERE label = wanted $$;

-- Log densities, near, between and far from the components
SELECT pg_temp.near(bnai_score(p, VARIADIC x), want, 1e-12, 'log density at ' || x::text)
FROM model, (VALUES
	('{20,21}'::float8[], -2.941277612011898::float8),
	('{22.5,22.8}', -7.46171642538202),
	('{25,26}', -3.125775382905037),
	('{30,10}', -20.967952620338046),
	('{-400,900}', -24.507924620990856)) t (x, want)
WHERE name = 'mixture';
SELECT pg_temp.near(bnai_score(p, x), want, 1e-12, 'log density of a Student-t at ' || x)
FROM model, (VALUES (9.8::float8, -2.542717657474339::float8), (20, -4.559507345088038), (-40.5, -42.81790215485587)) t (x, want)
WHERE name = 'scalar';

-- Known precision and weights: log(1/4 N(2.1; 1, 1/4 + 1/10) + 3/4 N(2.1; 3, 1/4 + 1/20)) + log N(0.5; 1.5, 4)
SELECT pg_temp.near(bnai_score(p, 2.1, 0.5), -3.4999878453440414, 1e-12, 'log density with constants') FROM model WHERE name = 'constants';
-- 1/4 N(2.1; 1, 1/4) exp(-4/10 / 2) against 3/4 N(2.1; 3, 1/4) exp(-4/20 / 2)
SELECT pg_temp.near(pg_temp.proba(p, 'A', 2.1, 0.5), 0.1193486998212618, 1e-12, 'probability with constants') FROM model WHERE name = 'constants';
SELECT is(pg_temp.proba(p, 'A', 2.1, 0.5), pg_temp.proba(p, 'A', 2.1, -77),
		  'a leaf that does not depend on the selector tells nothing about it') FROM model WHERE name = 'constants';

-- Probabilities.  The differences of log densities that they come from have
-- lost a digit or two: 1e-11.
SELECT pg_temp.near(pg_temp.proba(p, label, VARIADIC x), want, 1e-11, 'probability of ' || label || ' at ' || x::text)
FROM model, (VALUES
	('{20,21}'::float8[], 'B', 0.9999999898042434::float8),
	('{20,21}', 'A', 1.0195756506302874e-08),
	('{22.5,22.8}', 'B', 0.3882853210135527),
	('{22.5,22.8}', 'A', 0.6117146789864474),
	('{25,26}', 'B', 2.0012421098624866e-12),
	('{30,10}', 'A', 0.05379020416478022)) t (x, label, want)
WHERE name = 'mixture';

-- Labels with their ties and extremes
CREATE TEMP TABLE grid AS SELECT i * 0.5 AS a, j * 0.5 AS b FROM generate_series(20, 70) i, generate_series(20, 70) j;
SELECT is((SELECT count(*) FROM grid, model
		   WHERE name = 'mixture' AND bnai_predict(p, a, b) <> (SELECT label FROM bnai_predict_proba(p, a, b) LIMIT 1)), 0::bigint,
		  'the predicted label is the most probable one');
SELECT is((SELECT count(*) FROM grid, model
		   WHERE name = 'mixture' AND abs((SELECT sum(probability) FROM bnai_predict_proba(p, a, b)) - 1) > 1e-15), 0::bigint,
		  'probabilities sum to 1 to the last digit but one');
SELECT results_eq($$ SELECT label, probability FROM model, bnai_predict_proba(p, 1e300, -1e300) WHERE name = 'mixture' $$,
				  $$ VALUES ('A', 1::float8), ('B', 0) $$, 'a row farther out than numbers go has a label');
SELECT is(bnai_score(p, 1e300, -1e300), '-Infinity'::float8, 'and no density') FROM model WHERE name = 'mixture';
SELECT is(bnai_predict(jsonb_set(p::jsonb, '{nodes,0,parameters,mu}', '[2, 2]')::text::bnai_posterior, 5, 0), 'B',
		  'more weight decides') FROM model WHERE name = 'constants';
SELECT is(bnai_predict(jsonb_set(jsonb_set(jsonb_set(p::jsonb, '{nodes,0,parameters}', '{"mu": [2, 2], "alpha": [10, 10]}'),
									'{selector,parameters,p}', '[0.5, 0.5]'),
						 '{clusters}', '[{"label": "B", "size": 10, "count": 10, "live": true}, {"label": "A", "size": 20, "count": 20, "live": true}]')::text::bnai_posterior, 5, 0), 'A',
		  'ties go to the lowest label, not to the lowest component') FROM model WHERE name = 'constants';

-- The density is one: a sum over a grid of width 1/8 around both clusters misses
-- the prior's share of 5e-4 and tails beyond 8 standard deviations only.
SELECT ok(abs(total - 1) < 1e-3, 'the density integrates to 1: ' || total)
FROM (SELECT sum(exp(bnai_score(p, 10 + i / 8.0, 10 + j / 8.0))) / 64 AS total
	  FROM model, generate_series(0, 200) i, generate_series(0, 200) j WHERE name = 'mixture') t;

-- Far from 0 nothing is lost but the digits of the location: an ulp of 1e9 is 1e-7.
CREATE TEMP TABLE far AS
SELECT (jsonb_set(p::jsonb, '{nodes,1,parameters,mu}', '[[1000000020, 1000000020], [1000000025, 1000000025.5], [1000000000.1, 1000000000.3]]'))::text::bnai_posterior AS far,
	   p AS near FROM model WHERE name = 'mixture';
SELECT ok(max(abs(bnai_score(far, 1e9 + a, 1e9 + b) - bnai_score(near, a, b))) < 1e-5, 'densities at 1e9') FROM grid, far;
SELECT ok(max(abs(pg_temp.proba(far, 'A', 1e9 + a, 1e9 + b) - pg_temp.proba(near, 'A', a, b))) < 1e-5, 'probabilities at 1e9') FROM grid, far;

-- Explanations: deviation = (x - m) / sqrt(V_jj / n), pull = difference of
-- log N(x_j; m_j + S_jo / S_oo (x_o - m_o), S_jj - S_jo^2 / S_oo), S = V / n
SELECT is(label || ' against ' || runner_up, 'A against B', 'label and runner-up') FROM model, bnai_explain(p, 22.5, 22.8)
WHERE name = 'mixture' AND column_name = 'a';
SELECT pg_temp.near(deviation, want, 1e-12, 'deviation of ' || column_name)
FROM model, bnai_explain(p, 22.5, 22.8) JOIN (VALUES ('a', -2.3863035105460586::float8), ('b', -2.2319274181747035)) t (column_name, want) USING (column_name)
WHERE name = 'mixture';
SELECT pg_temp.near(pull, want, 1e-11, 'pull of ' || column_name)
FROM model, bnai_explain(p, 22.5, 22.8) JOIN (VALUES ('a', -0.14834381097648341::float8), ('b', 0.982788333997938)) t (column_name, want) USING (column_name)
WHERE name = 'mixture';
SELECT results_eq($$ SELECT column_name, mean, deviation, pull, label FROM model, bnai_explain(p, 2, 2.5) WHERE name = 'constants' $$,
				  $$ VALUES ('x', 3::float8, -2::float8, 0::float8, 'B'), ('c', 1.5, 0.5, 0, 'B') $$,
				  'half-way between two of the same width nothing pulls') ;
SELECT results_eq($$ SELECT column_name, value, mean, pull, label, runner_up FROM model, bnai_explain(p, 20) WHERE name = 'scalar' $$,
				  $$ VALUES ('x', 20::float8, 9.8::float8, NULL::float8, NULL, NULL) $$, 'without clusters there are deviations only');
SELECT pg_temp.near(deviation, 10.2 / sqrt(25.535), 1e-12, 'by the expected precision 100 / 2553.5') FROM model, bnai_explain(p, 20) WHERE name = 'scalar';

-- Accessors: weight = alpha_k / sum alpha, covariance = V / n
SELECT results_eq($$ SELECT label, size, round(weight::numeric, 12), mean, live FROM model, bnai_posterior_clusters(p) WHERE name = 'mixture' $$,
				  $$ VALUES ('B', 120::bigint, 0.599600599101, '{20,20}'::float8[], true), ('A', 80, 0.399900149775, '{25,25.5}', true),
							(NULL, 0, 0.000499251123, '{0.1,0.3}', false) $$, 'clusters of a posterior');
SELECT pg_temp.near(covariance[1][2], 1.0 / 122, 1e-12, 'covariance is the inverse of the expected precision')
FROM model, bnai_posterior_clusters(p) WHERE name = 'mixture' AND label = 'B';
SELECT results_eq($$ SELECT columns, mean, covariance FROM model, bnai_posterior_clusters(p) WHERE name = 'constants' AND label = 'B' $$,
				  $$ VALUES ('{x}'::text[], '{3}'::float8[], '{{0.25}}'::float8[]) $$, 'clusters are described by the leaves that tell them apart');
SELECT results_eq($$ SELECT node, plate, label, parameter, index, value FROM model, bnai_posterior_parameters(p)
					 WHERE name = 'mixture' AND (node = 'alpha' OR plate = 2 AND node = 'Lambda') $$,
				  $$ VALUES ('alpha', 1, NULL, 'alpha', '{1}'::int[], 120.1::float8), ('alpha', 1, NULL, 'alpha', '{2}', 80.1),
							('alpha', 1, NULL, 'alpha', '{3}', 0.1), ('Lambda', 2, 'A', 'n', NULL, 82),
							('Lambda', 2, 'A', 'V', '{1,1}', 90), ('Lambda', 2, 'A', 'V', '{1,2}', 0),
							('Lambda', 2, 'A', 'V', '{2,1}', 0), ('Lambda', 2, 'A', 'V', '{2,2}', 120) $$,
				  'parameters of a posterior');

SELECT * FROM finish();
ROLLBACK;
