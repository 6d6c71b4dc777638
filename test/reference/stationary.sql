-- A bound written down here a second time, from the definition of the distributions:
--     y_n ~ N(mu, 1/tau), mu ~ N(1, 1/0.01), tau ~ Gamma(2, b), b ~ Gamma(1.5, 3)
-- with factors q(mu) q(tau) q(b).  It must equal what bnai reports, and bnai's posterior
-- must be its maximum: every parameter moved to either side lowers it, by the same amount.

SELECT plan(15);

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

SELECT * FROM finish();
