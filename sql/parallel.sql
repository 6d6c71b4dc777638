-- Parallel workers, files and kernels change what an inference costs, not what it finds.

-- Three groups of points without a random number: angles and radii from low-discrepancy sequences
CREATE TABLE point AS
SELECT 10 * (i % 3) + r * cos(a) AS x, 5 * (i % 2) + r * sin(a) AS y, r * cos(a + i) AS z
FROM generate_series(1, 40000) i,
	LATERAL (SELECT 2 * pi() * (i * 0.6180339887498949 % 1) AS a, sqrt(-2 * ln((i * 0.7548776662466927 + 0.5) % 1)) AS r) s;
SELECT bnai_create_clustering('many', 'point', '{x,y,z}', max_clusters => 5, restarts => 3, max_iterations => 15, moves => false, restart_sample => 5000);
SELECT bnai_create_clustering('moving', 'point', '{x,y}', max_clusters => 8, restarts => 1, max_iterations => 20);

SET bnai.kernels = 'baseline';
SET bnai.max_parallel_workers = 2;
SET client_min_messages = debug1;
SELECT rows FROM bnai_infer('many');
SET bnai.work_mem = '512kB';
SELECT rows FROM bnai_infer('many');
SET bnai.max_parallel_workers = 0;
SELECT rows FROM bnai_infer('many');
RESET bnai.work_mem;
SELECT rows FROM bnai_infer('many');
SET bnai.max_parallel_workers = -1;
SET max_parallel_workers_per_gather = 0;
SELECT rows FROM bnai_infer('many');
SET max_parallel_workers_per_gather = 1;
SELECT rows FROM bnai_infer('many');
RESET max_parallel_workers_per_gather;
RESET client_min_messages;

-- The answer is the same to the last bit; only samples of moves are as large as memory lets them
CREATE TABLE answer (network text, memory text, elbo float8, posterior text);
CREATE FUNCTION infer(name text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	FOR w IN 0..2 LOOP
		PERFORM set_config('bnai.max_parallel_workers', w::text, true);
		INSERT INTO answer SELECT name, current_setting('bnai.work_mem'), elbo FROM bnai_infer(name);
		UPDATE answer SET posterior = bnai_fitted(name) WHERE posterior IS NULL;
	END LOOP;
END $$;
SELECT infer('many'), infer('moving');
SET bnai.work_mem = '64kB';
SELECT infer('many'), infer('moving');
RESET bnai.work_mem;
SELECT network, count(*), count(DISTINCT elbo) AS elbos, count(DISTINCT posterior) AS posteriors FROM answer
GROUP BY network, CASE WHEN network = 'moving' THEN memory END ORDER BY network, min(memory);

-- An error, inside and outside a subtransaction, leaves nothing behind
SET bnai.max_parallel_workers = 2;
DO $$
BEGIN
	PERFORM set_config('statement_timeout', '0', true);
	BEGIN
		PERFORM 1 / (SELECT rows - rows FROM bnai_infer('many'));
	EXCEPTION WHEN division_by_zero THEN
		RAISE NOTICE 'caught';
	END;
	PERFORM bnai_infer('many');
END $$;
SELECT count(*) AS workers FROM pg_stat_activity WHERE backend_type = 'parallel worker';
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT rows FROM bnai_infer('many');
COMMIT;

-- Kernels agree but for rounding, in every dimension that has a loop of its own and in those that share one
SET bnai.max_parallel_workers = 0;
SET bnai.kernels = 'sse9';
CREATE TABLE wide AS
SELECT i, array_agg((43758.5453 * sin(i * 12.9898 + j * 78.233))::numeric % 1 + (i % 2) * (j % 3)) AS v
FROM generate_series(1, 1001) i, generate_series(1, 20) j GROUP BY i;
CREATE TABLE agreement (dimension int, kernels text, elbo float8);
CREATE FUNCTION compare(dimension int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	kernels text;
BEGIN
	EXECUTE format('CREATE VIEW slice AS SELECT %s FROM wide', (SELECT string_agg(format('v[%s]::float8 AS c%s', j, j), ', ') FROM generate_series(1, dimension) j));
	PERFORM bnai_create_clustering('slice', 'slice', (SELECT array_agg('c' || j) FROM generate_series(1, dimension) j),
		max_clusters => 3, restarts => 1, max_iterations => 5, moves => false, tolerance => 0);
	FOREACH kernels IN ARRAY '{baseline,avx2,avx512}'::text[] LOOP
		BEGIN
			PERFORM set_config('bnai.kernels', kernels, true);
			INSERT INTO agreement SELECT dimension, kernels, elbo FROM bnai_infer('slice');
		EXCEPTION WHEN invalid_parameter_value THEN
			NULL;				-- not on this processor
		END;
	END LOOP;
	PERFORM bnai_drop_network('slice');
	DROP VIEW slice;
END $$;
SELECT compare(d) FROM unnest('{1,2,3,4,5,7,8,9,12,16,20}'::int[]) d;
-- 1e-12: sums of a thousand terms and five sweeps keep all but four of sixteen digits
SELECT count(DISTINCT dimension) AS dimensions, max(difference) < 1e-12 AS agree
FROM (SELECT dimension, (max(elbo) - min(elbo)) / max(abs(elbo)) AS difference FROM agreement GROUP BY dimension) s;

RESET bnai.max_parallel_workers;
SELECT bnai_drop_network(n) FROM unnest('{many,moving}'::text[]) n;
DROP FUNCTION compare, infer;
DROP TABLE point, wide, agreement, answer;
