-- A bound written down here a second time, from the definition of the distributions:
--     y_n ~ N(mu, 1/tau), mu ~ N(1, 1/0.01), tau ~ Gamma(2, b), b ~ Gamma(1.5, 3)
-- with factors q(mu) q(tau) q(b).  It must equal what bnai reports, and bnai's posterior
-- must be its maximum: every parameter moved to either side lowers it, by the same amount.

SELECT plan(49);

-- digamma and lgamma by their asymptotic series (Abramowitz & Stegun 6.3.18, 6.1.41), exact to 1e-14 above 12
CREATE FUNCTION pg_temp.digamma(x float8) RETURNS float8 LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
	shift float8 := 0;
	r float8;
BEGIN
	WHILE x < 12 LOOP
		shift := shift - 1 / x;
		x := x + 1;
	END LOOP;
	r := 1 / (x * x);
	RETURN shift + ln(x) - 1 / (2 * x) - r * (1.0 / 12 - r * (1.0 / 120 - r * (1.0 / 252 - r * (1.0 / 240 - r * (1.0 / 132 - r * 691.0 / 32760)))));
END $$;
CREATE FUNCTION pg_temp.lgamma(x float8) RETURNS float8 LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
	shift float8 := 0;
	r float8;
BEGIN
	WHILE x < 12 LOOP
		shift := shift - ln(x);
		x := x + 1;
	END LOOP;
	r := 1 / (x * x);
	RETURN shift + (x - 0.5) * ln(x) - x + ln(2 * pi()) / 2
		+ (1.0 / 12 - r * (1.0 / 360 - r * (1.0 / 1260 - r * (1.0 / 1680 - r * (1.0 / 1188 - r * 691.0 / 360360))))) / x;
END $$;
SELECT ok(abs(pg_temp.digamma(1) + 0.57721566490153286) < 1e-14 AND abs(pg_temp.lgamma(0.5) - ln(pi()) / 2) < 1e-14, 'digamma(1) = -gamma, lgamma(1/2) = log(pi)/2');

CREATE TABLE y AS SELECT i AS id, 3 + 2 * sin(i * 1.7) + cos(i * i) AS y FROM generate_series(1, 40) AS i;
SELECT bnai_create_network('rate', tolerance => 0, max_iterations => 100, restarts => 1);
SELECT bnai_add_node('rate', 'b', 'Gamma', '1.5, 3');
SELECT bnai_add_node('rate', 'tau', 'Gamma', '2, b');
SELECT bnai_add_node('rate', 'mu', 'GaussianARD', '1, 0.01');
SELECT bnai_add_node('rate', 'y', 'GaussianARD', 'mu, tau', source => 'y', columns => '{y}');
CREATE TABLE run AS SELECT * FROM bnai_infer('rate');

CREATE TYPE pg_temp.q AS (m float8, p float8, a float8, b float8, c float8, d float8);	-- N(m, 1/p), Gamma(a, b), Gamma(c, d)

-- E[log p(y, mu, tau, b)] + entropy of q
CREATE FUNCTION pg_temp.bound(q pg_temp.q) RETURNS float8 LANGUAGE sql AS $$
	SELECT n * (e_log_tau - ln(2 * pi())) / 2 - e_tau * (n * (q).m ^ 2 + n / (q).p - 2 * (q).m * s + ss) / 2
		+ (ln(0.01) - ln(2 * pi())) / 2 - 0.01 * (((q).m - 1) ^ 2 + 1 / (q).p) / 2
		+ 2 * e_log_b - pg_temp.lgamma(2) + e_log_tau - e_b * e_tau
		+ 1.5 * ln(3) - pg_temp.lgamma(1.5) + 0.5 * e_log_b - 3 * e_b
		+ (1 + ln(2 * pi()) - ln((q).p)) / 2
		+ (q).a - ln((q).b) + pg_temp.lgamma((q).a) + (1 - (q).a) * pg_temp.digamma((q).a)
		+ (q).c - ln((q).d) + pg_temp.lgamma((q).c) + (1 - (q).c) * pg_temp.digamma((q).c)
	FROM (SELECT (q).a / (q).b AS e_tau, pg_temp.digamma((q).a) - ln((q).b) AS e_log_tau,
				 (q).c / (q).d AS e_b, pg_temp.digamma((q).c) - ln((q).d) AS e_log_b) AS moments,
		 (SELECT count(*) AS n, sum(y) AS s, sum(y * y) AS ss FROM y) AS data $$;

CREATE TABLE fitted AS
SELECT row((parameters #>> '{mu,mu}')::float8, (parameters #>> '{mu,alpha}')::float8, (parameters #>> '{tau,a}')::float8,
		   (parameters #>> '{tau,b}')::float8, (parameters #>> '{b,a}')::float8, (parameters #>> '{b,b}')::float8)::pg_temp.q AS q
FROM (SELECT jsonb_object_agg(n ->> 'name', n -> 'parameters') AS parameters FROM jsonb_array_elements(bnai_fitted('rate')::jsonb -> 'nodes') AS n) AS p;

-- 1e-12 relative: rounding of a few hundred additions
SELECT ok(abs(pg_temp.bound(q) - elbo) <= 1e-12 * abs(elbo), format('the bound is %s, bnai says %s', pg_temp.bound(q), elbo)) FROM fitted, run;

-- What the bound does when one parameter changes by a hundredth of its value to either side
CREATE TABLE moved AS
SELECT name, pg_temp.bound(q) AS top, pg_temp.bound(up) AS up, pg_temp.bound(down) AS down
FROM fitted, generate_series(1, 6) AS i,
	 LATERAL (SELECT row((q).m * (1 + 0.01 * (i = 1)::int), (q).p * (1 + 0.01 * (i = 2)::int), (q).a * (1 + 0.01 * (i = 3)::int),
						 (q).b * (1 + 0.01 * (i = 4)::int), (q).c * (1 + 0.01 * (i = 5)::int), (q).d * (1 + 0.01 * (i = 6)::int))::pg_temp.q AS up,
					 row((q).m * (1 - 0.01 * (i = 1)::int), (q).p * (1 - 0.01 * (i = 2)::int), (q).a * (1 - 0.01 * (i = 3)::int),
						 (q).b * (1 - 0.01 * (i = 4)::int), (q).c * (1 - 0.01 * (i = 5)::int), (q).d * (1 - 0.01 * (i = 6)::int))::pg_temp.q AS down,
					 (ARRAY['mean of mu', 'precision of mu', 'shape of tau', 'rate of tau', 'shape of b', 'rate of b'])[i] AS name) AS v;
SELECT ok(up < top AND down < top, name || ': the bound is lower to either side') FROM moved;
-- A second-order maximum: the slope is the difference of the two losses, 2 per cent of their
-- sum is what the third derivative contributes at a step of a hundredth.
SELECT ok(abs(up - down) < 0.03 * (2 * top - up - down), name || ': its slope is zero') FROM moved;
SELECT ok(abs(m.mean_ - bnai_mean('rate', 'b')) < 1e-12, 'bnai_mean of b') FROM (SELECT (q).c / (q).d AS mean_ FROM fitted) AS m;

-- The same for a mixture whose components have priors of their own, at most one of them has no row:
--     y_n ~ N(mu_k, 1/tau_k) where k ~ p, p ~ Dirichlet(2, 0.7, 1.3),
--     mu_k ~ N(-1, 1/0.5), N(3, 1/2), N(12, 1/0.1), tau_k ~ Gamma(2, 1), Gamma(3, 2), Gamma(1, 4).
-- The responsibilities at their best are a part of the bound: sum_n log sum_k exp(…).
CREATE TABLE st AS SELECT 1.2 + 3.2 * sin(i * 1.7) + (i % 3) * 1.1 AS y FROM generate_series(1, 24) AS i;

-- m, precision of q(mu), a, b of q(tau), alpha of q(p); three numbers each
CREATE FUNCTION pg_temp.mixture_bound(q float8[]) RETURNS float8 LANGUAGE sql AS $$
	WITH prior (k, m0, p0, a0, b0, c0) AS (VALUES (1, -1::float8, 0.5::float8, 2::float8, 1::float8, 2::float8), (2, 3, 2, 3, 2, 0.7), (3, 12, 0.1, 1, 4, 1.3)),
	q AS (SELECT prior.*, q[k] AS m, q[3 + k] AS p, q[6 + k] AS a, q[9 + k] AS b, q[12 + k] AS c,
				 q[6 + k] / q[9 + k] AS e_tau, pg_temp.digamma(q[6 + k]) - ln(q[9 + k]) AS e_log_tau,
				 pg_temp.digamma(q[12 + k]) - pg_temp.digamma(q[13] + q[14] + q[15]) AS e_log_p FROM prior)
	SELECT (SELECT sum(log_sum) FROM (SELECT ln(sum(exp(e_log_p + (e_log_tau - ln(2 * pi())) / 2 - e_tau * ((y - m) ^ 2 + 1 / p) / 2))) AS log_sum
									  FROM st, q GROUP BY st.ctid) AS rows)
		+ (SELECT sum((1 + ln(p0) - ln(p) - p0 * ((m - m0) ^ 2 + 1 / p)) / 2
					  + a0 * ln(b0) - pg_temp.lgamma(a0) + (a0 - 1) * e_log_tau - b0 * e_tau
					  + a - ln(b) + pg_temp.lgamma(a) + (1 - a) * pg_temp.digamma(a)
					  + (c0 - c) * e_log_p - pg_temp.lgamma(c0) + pg_temp.lgamma(c))
				  + pg_temp.lgamma(sum(c0)) - pg_temp.lgamma(sum(c)) FROM q) $$;

SELECT bnai_create_network('places', moves => false, tolerance => 0, max_iterations => 3000);
SELECT bnai_add_node('places', 'p', 'Dirichlet', '[2, 0.7, 1.3]'), bnai_add_node('places', 'Z', 'Categorical', 'p'),
	bnai_add_node('places', 'mu', 'GaussianARD', 'each(-1, 3, 12), each(0.5, 2, 0.1), plates=3'),
	bnai_add_node('places', 'tau', 'Gamma', 'each(2, 3, 1), each(1, 2, 4), plates=3'),
	bnai_add_node('places', 'y', 'Mixture', 'Z, GaussianARD, mu, tau', source => 'st', columns => '{y}');
CREATE TABLE mixture_run AS SELECT * FROM bnai_infer('places');
CREATE TABLE mixture AS
SELECT array_agg(value ORDER BY array_position('{mu mu,mu alpha,tau a,tau b,p alpha}', node || ' ' || parameter), plate, place) AS q
FROM (SELECT *, row_number() OVER () AS place FROM bnai_posterior_parameters(bnai_fitted('places'))) AS v;
SELECT is(array_length(q, 1), 15, 'three components have five numbers each') FROM mixture;
SELECT ok(abs(pg_temp.mixture_bound(q) - elbo) <= 1e-12 * abs(elbo),
		  format('components with priors of their own: the bound is %s, bnai says %s', pg_temp.mixture_bound(q), elbo)) FROM mixture, mixture_run;
CREATE TABLE mixture_moved AS
SELECT format('%s of component %s', (ARRAY['mean', 'precision', 'shape', 'rate', 'weight'])[(i - 1) / 3 + 1], (i - 1) % 3 + 1) AS name, pg_temp.mixture_bound(q) AS top,
	   pg_temp.mixture_bound(q[:i - 1] || q[i] * 1.01 || q[i + 1:]) AS up, pg_temp.mixture_bound(q[:i - 1] || q[i] * 0.99 || q[i + 1:]) AS down
FROM mixture, generate_series(1, 15) AS i;
SELECT ok(up < top AND down < top, name || ': the bound is lower to either side') FROM mixture_moved;
SELECT ok(abs(up - down) < 0.03 * (2 * top - up - down), name || ': its slope is zero') FROM mixture_moved;

-- In other units each of the priors goes along: x = 50000 + 1000 y has a bound less by the Jacobian
CREATE TABLE st_in_other_units AS SELECT 50000 + 1000 * y AS x FROM st;
SELECT bnai_create_network('units', moves => false, tolerance => 0, max_iterations => 3000);
SELECT bnai_add_node('units', 'p', 'Dirichlet', '[2, 0.7, 1.3]'), bnai_add_node('units', 'Z', 'Categorical', 'p'),
	bnai_add_node('units', 'mu', 'GaussianARD', 'each(49000, 53000, 62000), 1e-6 * each(0.5, 2, 0.1), plates=3'),
	bnai_add_node('units', 'tau', 'Gamma', 'each(2, 3, 1), 1e6 * each(1, 2, 4), plates=3'),
	bnai_add_node('units', 'x', 'Mixture', 'Z, GaussianARD, mu, tau', source => 'st_in_other_units', columns => '{x}');
SELECT ok(abs(u.elbo + 24 * ln(1000::float8) - m.elbo) < 1e-9 * abs(m.elbo), 'the priors of each component have the units of the columns')
FROM mixture_run m, bnai_infer('units') u;
SELECT ok(abs(x.value - 50000 - 1000 * y.value) < 1e-6, 'and so has what is learned')
FROM bnai_posterior_parameters(bnai_fitted('units')) x JOIN bnai_posterior_parameters(bnai_fitted('places')) y USING (node, plate, parameter)
WHERE node = 'mu' AND parameter = 'mu' AND plate = 3;

SELECT * FROM finish();
