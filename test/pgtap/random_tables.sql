-- Tables that nobody has chosen: 1 to 5 columns, 1 to 1,000 rows, groups, integers,
-- constant and collinear columns, offsets, heavy tails, outliers, any unit.  Whatever they
-- hold, an inference ends with clusters that are consistent with each other.

SELECT plan(9);

-- Draws from the uniform distribution on (0, 1) and the standard normal (Box and Muller 1958), by a hash
CREATE FUNCTION uniform(n bigint, draw bigint) RETURNS float8 LANGUAGE sql IMMUTABLE AS $$
	SELECT 0.5 + hashint8extended(n, draw) / 18446744073709555712.0::float8 $$;
CREATE FUNCTION normal(n bigint, draw bigint) RETURNS float8 LANGUAGE sql IMMUTABLE AS $$
	SELECT sqrt(-2 * ln(uniform(n, 2 * draw))) * cos(2 * pi() * uniform(n, 2 * draw + 1)) $$;

CREATE TABLE cases AS
SELECT c, 1 + floor(5 * uniform(c, 1))::integer AS dimension, (ARRAY[1, 2, 3, 5, 10, 30, 100, 300, 1000])[1 + floor(9 * uniform(c, 2))::integer] AS n,
	   1 + floor(6 * uniform(c, 3))::integer AS groups, 1 + floor(12 * uniform(c, 4))::integer AS max_clusters,
	   10 ^ (12 * uniform(c, 5) - 6) AS unit, c % 8 AS kind
FROM generate_series(1, 40) AS c;

-- The expression for column j of a table of a kind
CREATE FUNCTION column_expression(t cases, j integer) RETURNS text LANGUAGE sql AS $$
	SELECT format('%s * (%s) AS c%s', (t).unit, CASE (t).kind
		WHEN 0 THEN blobs
		WHEN 1 THEN format('floor(3 * uniform(i, %s))', j)
		WHEN 2 THEN CASE WHEN j = 1 THEN '5' ELSE blobs END
		WHEN 3 THEN format('%s * (normal(i, 1) + 8 * uniform(i %% %s, 1))', j, (t).groups)
		WHEN 4 THEN '1e6 + ' || blobs
		WHEN 5 THEN format('exp(3 * normal(i, %s))', j)
		WHEN 6 THEN format('floor(5 * (%s))', blobs)
		WHEN 7 THEN format('CASE WHEN i = 1 THEN 1e4 ELSE normal(i, %s) END', j) END, j)
	FROM (SELECT format('normal(i, %s) + 8 * uniform(i %% %s, %s)', j, (t).groups, j) AS blobs) AS b $$;

CREATE TABLE outcomes (c integer, error text, clusters integer, elbo float8, sizes bigint, labelled bigint, mispredicted bigint,
					   bad_scores bigint, bad_clusters bigint, falls bigint, relabelled bigint);
CREATE FUNCTION try(t cases) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	names text[] := ARRAY(SELECT 'c' || j FROM generate_series(1, t.dimension) AS j);
	o outcomes;
BEGIN
	o.c := t.c;
	EXECUTE format('CREATE TABLE random AS SELECT i AS id, NULL::text AS label, %s FROM generate_series(1, %s) AS i',
				   (SELECT string_agg(column_expression(t, j), ', ') FROM generate_series(1, t.dimension) AS j), t.n);
	PERFORM bnai_create_clustering('random', 'random', names, results_column => 'label', max_clusters => t.max_clusters, seed => t.c, max_iterations => 200, restarts => 2);
	SELECT i.clusters, i.elbo FROM bnai_infer('random') AS i INTO o.clusters, o.elbo;
	EXECUTE format($q$SELECT count(label), count(*) FILTER (WHERE label IS DISTINCT FROM bnai_predict('random', VARIADIC v)),
						   count(*) FILTER (WHERE (bnai_score('random', VARIADIC v) BETWEEN -1e300 AND 1e300) IS NOT TRUE)
					FROM random, LATERAL (SELECT ARRAY[%s]::float8[] AS v) AS v$q$, array_to_string(names, ','))
		INTO o.labelled, o.mispredicted, o.bad_scores;
	SELECT sum(size), count(*) FILTER (WHERE (weight BETWEEN 0 AND 1) IS NOT TRUE OR size = 0 OR mean::text || covariance::text ~ 'NaN|Infinity' OR covariance[1][1] < 0)
	FROM bnai_clusters WHERE network = 'random' INTO o.sizes, o.bad_clusters;
	SELECT count(*) FROM (SELECT elbo, elbo - lag(elbo) OVER (PARTITION BY restart ORDER BY iteration) AS gain FROM bnai_trace('random') WHERE event IS NULL) AS trace
	WHERE gain < -1e-6 * (1 + abs(trace.elbo)) INTO o.falls;	-- what collinear columns leave of 16 digits
	SELECT rows_relabelled FROM bnai_infer('random') INTO o.relabelled;
	INSERT INTO outcomes VALUES (o.*);
	PERFORM bnai_drop_network('random');
	DROP TABLE random;
EXCEPTION WHEN OTHERS THEN
	INSERT INTO outcomes (c, error) VALUES (t.c, sqlerrm);
END $$;
SELECT try(cases) FROM cases;

SELECT is_empty('SELECT c, error FROM outcomes WHERE error IS NOT NULL', 'no error');
SELECT is_empty('SELECT c, clusters FROM outcomes JOIN cases USING (c) WHERE (clusters BETWEEN 1 AND least(max_clusters, n)) IS NOT TRUE', 'at least one cluster, at most as many as allowed');
SELECT is_empty($$ SELECT c, elbo FROM outcomes WHERE (elbo BETWEEN -1e9 AND 1e9) IS NOT TRUE $$, 'the bound is a number');
SELECT is_empty('SELECT c, sizes, labelled FROM outcomes JOIN cases USING (c) WHERE (sizes = n AND labelled = n) IS NOT TRUE', 'every row has a label and is counted');
SELECT is_empty('SELECT c, mispredicted FROM outcomes WHERE mispredicted > 0', 'every row is predicted to be where it is');
SELECT is_empty('SELECT c, bad_scores FROM outcomes WHERE bad_scores > 0', 'every row has a score');
SELECT is_empty('SELECT c, bad_clusters FROM outcomes WHERE bad_clusters > 0', 'every cluster has a weight, a mean and a covariance');
SELECT is_empty('SELECT c, falls FROM outcomes WHERE falls > 0', 'the bound never falls');
SELECT is_empty('SELECT c, relabelled FROM outcomes WHERE relabelled > 0', 'a second inference relabels no row');

SELECT * FROM finish();
