-- The bound never falls: many seeds, both starts, both kinds of priors.

\i examples/userinfo.sql

SELECT plan(4);

CREATE TABLE data AS SELECT id, avg_time_pages AS a, avg_time_pages_a AS b, NULL::text AS label FROM userinfo;

-- The bound rises along every restart's iterations. 1e-8 relative is what the vague
-- priors' condition number of 1e9 leaves of the digits in a first sweep; see test/reference.
CREATE TABLE seeds (seed integer, start text, priors text);
INSERT INTO seeds SELECT s, start, priors FROM generate_series(1, 12) AS s, unnest('{kmeans++,random}'::text[]) AS start, unnest('{vague,data}'::text[]) AS priors;
CREATE TABLE traces (seed integer, start text, priors text, restart integer, iteration integer, elbo float8);
DO $$
DECLARE
	s seeds;
BEGIN
	FOR s IN TABLE seeds LOOP
		PERFORM bnai_create_clustering('seed', 'data', '{a,b}', max_clusters => 8, priors => s.priors, restarts => 2, seed => s.seed, start => s.start, moves => false, max_iterations => 60, tolerance => 0);
		PERFORM bnai_infer('seed');
		INSERT INTO traces SELECT s.*, restart, iteration, elbo FROM bnai_trace('seed');
		PERFORM bnai_drop_network('seed');
	END LOOP;
END $$;
SELECT is_empty($$ SELECT * FROM (SELECT *, elbo - lag(elbo) OVER (PARTITION BY seed, start, priors, restart ORDER BY iteration) AS gain FROM traces) AS t
	WHERE gain < -1e-8 * abs(elbo) $$, 'the bound never falls');
SELECT is_empty($$ SELECT * FROM traces WHERE NOT elbo BETWEEN -1e6 AND 1e6 $$, 'and is a number');
SELECT is((SELECT count(DISTINCT (seed, start, priors, restart)) FROM traces), 96::bigint, 'in every restart');
SELECT ok((SELECT count(DISTINCT elbo) FROM traces WHERE iteration = 1) > 80, 'which start from different places');

SELECT * FROM finish();
