-- bnai_fit: memory, workers and errors.
-- Three groups of points without a random number: angles and radii from low-discrepancy sequences
CREATE TABLE spot AS
SELECT i % 4 AS part, 10 * (i % 3) + r * cos(a) AS x, 5 * (i % 2) + r * sin(a) AS y
FROM generate_series(1, 40000) i,
	LATERAL (SELECT 2 * pi() * (i * 0.6180339887498949 % 1) AS a, sqrt(-2 * ln((i * 0.7548776662466927 + 0.5) % 1)) AS r) s;
SELECT bnai_create_clustering('spots', 'spot', '{x,y}', max_clusters => 8, restarts => 1, max_iterations => 15, moves => false);

-- One group is like an inference: with workers, and with a file where memory is small
SET bnai.kernels = 'baseline';
SET jit = off;
SET bnai.max_parallel_workers = 2;
SET client_min_messages = debug1;
SELECT bnai_fit('spots', x, y) IS NOT NULL AS fitted FROM spot;
SET bnai.work_mem = '512kB';
SELECT bnai_fit('spots', x, y) IS NOT NULL AS fitted FROM spot;
-- Groups that are held at the same time have their memory together, and no workers (asked for in no order, so that they are hashed)
SET enable_sort = off;
SELECT count(*) FROM (SELECT bnai_fit('spots', x, y) AS posterior FROM spot GROUP BY part) AS groups WHERE posterior IS NOT NULL;
RESET bnai.work_mem;
SELECT count(*) FROM (SELECT bnai_fit('spots', x, y) AS posterior FROM spot GROUP BY part) AS groups WHERE posterior IS NOT NULL;
RESET enable_sort;
-- One after the other
SET enable_hashagg = off;
SELECT part, bnai_fit('spots', x, y) IS NOT NULL AS fitted FROM spot GROUP BY part ORDER BY part;
RESET enable_hashagg;
RESET client_min_messages;
RESET bnai.max_parallel_workers;
RESET bnai.kernels;
RESET jit;

-- Errors
SELECT bnai_fit('spots', x) FROM spot;
SELECT bnai_fit('spots', x, y, x) FROM spot;
SELECT bnai_fit('spots', VARIADIC ARRAY[[x, y]]) FROM spot;
SELECT bnai_fit('spots', x, 'NaN') FROM spot;
SELECT bnai_fit('spots', '-Infinity', y) FROM spot;
SELECT bnai_fit(NULL, x, y) FROM spot;
SELECT bnai_fit('no such', x, y) FROM spot;
SELECT bnai_fit('spots', x, y) OVER () FROM spot;
SELECT bnai_create_clustering('spots too', 'spot', '{x,y}');
SELECT bnai_fit(CASE WHEN x < 5 THEN 'spots' ELSE 'spots too' END, x, y) FROM spot;
SELECT bnai_create_network('spots alone');
SELECT bnai_fit('spots alone', x, y) FROM spot;
SELECT bnai_create_clustering('spots again', 'spot', '{x,y}', results_column => 'part', start => 'results');
SELECT bnai_fit('spots again', x, y) FROM spot;

SELECT bnai_drop_network(n) FROM unnest('{spots,spots too,spots alone,spots again}'::text[]) AS n;
DROP TABLE spot;
