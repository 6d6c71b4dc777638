-- Row weights: a row of weight w is w rows, in everything that an inference does.

\i examples/userinfo.sql

SELECT plan(54);

-- Largest difference of the numbers of two posteriors, relative to those of the first or to 1; NULL if anything else differs.
CREATE FUNCTION difference(one jsonb, other jsonb) RETURNS float8 LANGUAGE plpgsql AS $$
DECLARE
	worst float8 := 0;
	part float8;
	a jsonb;
	b jsonb;
BEGIN
	CASE jsonb_typeof(one)
		WHEN 'number' THEN
			IF jsonb_typeof(other) <> 'number' THEN
				RETURN NULL;
			END IF;
			RETURN abs(one::float8 - other::float8) / greatest(abs(one::float8), 1);
		WHEN 'array' THEN
			IF jsonb_array_length(one) <> jsonb_array_length(other) THEN
				RETURN NULL;
			END IF;
			FOR a, b IN SELECT x.v, y.v FROM jsonb_array_elements(one) WITH ORDINALITY x (v, n) JOIN jsonb_array_elements(other) WITH ORDINALITY y (v, n) USING (n) LOOP
				part := difference(a, b);
				worst := CASE WHEN part IS NULL OR worst IS NULL THEN NULL ELSE greatest(worst, part) END;
			END LOOP;
		WHEN 'object' THEN
			FOR a, b IN SELECT x.value, y.value FROM jsonb_each(one) x FULL JOIN jsonb_each(other) y USING (key) LOOP
				part := difference(a, coalesce(b, 'null'));
				worst := CASE WHEN part IS NULL OR worst IS NULL THEN NULL ELSE greatest(worst, part) END;
			END LOOP;
		ELSE
			RETURN CASE WHEN one = other THEN 0 END;
	END CASE;
	RETURN worst;
END $$;

-- Rows with weights 0 to 4, and the same rows repeated in their order
CREATE TABLE light AS SELECT id, avg1, avg_time_pages AS a, avg_time_pages_a AS b, (id * 7) % 5 AS w, NULL::text AS label FROM userinfo ORDER BY id;
CREATE TABLE heavy AS SELECT id, avg1, a, b, label FROM light, generate_series(1, w) ORDER BY id;

-- Quantiles of the density come from a histogram, where rounding can move a row to the next bin: 0.001 of 1 + |distance|
CREATE FUNCTION pg_temp.same_posterior(one bnai_posterior, other bnai_posterior, what text, tolerance float8 DEFAULT 1e-9) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	numbers float8 := difference(one::jsonb - 'density_quantiles', other::jsonb - 'density_quantiles');
	quantiles float8 := difference(one::jsonb -> 'density_quantiles', other::jsonb -> 'density_quantiles');
BEGIN
	RETURN ok(numbers < tolerance AND quantiles < 1e-2, format('%s: the same posterior, sizes and labels: %s, quantiles %s', what, numbers, quantiles));
END $$;

-- 1e-10: sums of the same numbers in another order, through some dozens of iterations.  Rounding, and so the compiler, may
-- decide in which iteration the gain falls below the setting tolerance; one more then moves numbers by some 1e-7.
CREATE FUNCTION pg_temp.same(network text, other text, what text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	one record;
	two record;
BEGIN
	SELECT * INTO one FROM bnai_infer(network);
	SELECT * INTO two FROM bnai_infer(other);
	RETURN NEXT ok(abs(one.elbo / two.elbo - 1) < 1e-10, format('%s: the same bound %s %s', what, one.elbo, two.elbo));
	RETURN NEXT ok((one.restarts, one.best_restart, one.clusters) IS NOT DISTINCT FROM (two.restarts, two.best_restart, two.clusters)
		AND abs(one.iterations - two.iterations) <= 1, format('%s: the same way there: %s, %s', what, one, two));
	RETURN NEXT pg_temp.same_posterior(bnai_fitted(network), bnai_fitted(other), what, CASE WHEN one.iterations = two.iterations THEN 1e-9 ELSE 1e-5 END);
END $$;

SELECT bnai_create_network('n1'), bnai_create_network('n2', weight_column => 'w');
SELECT bnai_add_node(n, 'mu', 'GaussianARD', 'data_mean, 0.1 * data_precision'), bnai_add_node(n, 'tau', 'Gamma', '1e-6, 1e-6'),
	bnai_add_node(n, 'avg1', 'GaussianARD', 'mu, tau', source => s, columns => '{avg1}') FROM (VALUES ('n1', 'heavy'::regclass), ('n2', 'light')) AS v (n, s);
SELECT pg_temp.same('n2', 'n1', 'a normal model');

SELECT bnai_create_clustering('data1', 'heavy', '{a,b}', results_column => 'label');
SELECT bnai_create_clustering('data2', 'light', '{a,b}', results_column => 'label', weight_column => 'w');
SELECT pg_temp.same('data2', 'data1', 'priors of the data');
SELECT is_empty($$ SELECT id FROM light JOIN heavy USING (id) WHERE light.label IS DISTINCT FROM heavy.label $$, 'the same labels');
SELECT is((SELECT count(*) FROM light WHERE label IS NULL), 0::bigint, 'a row of weight 0 has a label, too');
SELECT is((SELECT array_agg(size ORDER BY label) FROM bnai_clusters WHERE network = 'data2'), (SELECT array_agg(n ORDER BY label) FROM (SELECT label, sum(w) AS n FROM light GROUP BY label) AS s),
	'sizes are sums of weights');
-- A second time: labels are carried over
UPDATE heavy SET a = a + 100 WHERE label = 'B';
UPDATE light SET a = a + 100 WHERE label = 'B';
SELECT pg_temp.same('data2', 'data1', 'labels from before');

SELECT bnai_create_clustering('vague1', 'heavy', '{a,b}', priors => 'vague', restarts => 3, moves => false, start => 'random', max_iterations => 30);
SELECT bnai_create_clustering('vague2', 'light', '{a,b}', priors => 'vague', restarts => 3, moves => false, start => 'random', max_iterations => 30, weight_column => 'w');
SELECT pg_temp.same('vague2', 'vague1', 'vague priors, random starts, no moves');
SELECT bnai_create_clustering('results1', 'heavy', '{a,b}', start => 'results', results_column => 'label');
SELECT bnai_create_clustering('results2', 'light', '{a,b}', start => 'results', results_column => 'label', weight_column => 'w');
SELECT pg_temp.same('results2', 'results1', 'from labels');

SELECT bnai_create_clustering(c || 1, 'heavy', '{a,b}', covariance => c, restarts => 2),
	bnai_create_clustering(c || 2, 'light', '{a,b}', covariance => c, restarts => 2, weight_column => 'w') FROM unnest('{diagonal,spherical,tied}'::text[]) AS c;
SELECT pg_temp.same(c || 2, c || 1, c || ' covariance') FROM unnest('{diagonal,spherical,tied}'::text[]) AS c;

-- Rounded values
CREATE TABLE rounded AS SELECT round(a::numeric) AS a, round(b::numeric) AS b, sum(w) AS w FROM light GROUP BY 1, 2 ORDER BY 1, 2;
CREATE TABLE repeated AS SELECT a, b FROM rounded, generate_series(1, w) ORDER BY a, b;
SELECT bnai_create_clustering('rounded1', 'repeated', '{a,b}');
SELECT bnai_create_clustering('rounded2', 'rounded', '{a,b}', weight_column => 'w');
SELECT pg_temp.same('rounded2', 'rounded1', 'rounded values');

-- So many rows that the search begins on samples: few different ones, and too many different ones to be counted
CREATE TABLE few AS SELECT i, i % 3 * 10 + sin(i) AS a, cos(i * 2.5) AS b, i % 7 AS w FROM generate_series(1, 12000) AS i ORDER BY i;
CREATE TABLE few_repeated AS SELECT a, b FROM few, generate_series(1, w) ORDER BY i;
SELECT bnai_create_clustering('few1', 'few_repeated', '{a,b}', restarts => 2, max_clusters => 6);
SELECT bnai_create_clustering('few2', 'few', '{a,b}', restarts => 2, max_clusters => 6, weight_column => 'w');
SELECT pg_temp.same('few2', 'few1', 'samples');
CREATE TABLE many AS SELECT i, i % 3 * 10 + sin(i) AS a, cos(i * 2.5) AS b, i % 3 AS w FROM generate_series(1, 120000) AS i ORDER BY i;
CREATE TABLE many_repeated AS SELECT a, b FROM many, generate_series(1, w) ORDER BY i;
SELECT bnai_create_clustering('many1', 'many_repeated', '{a,b}', restarts => 1, max_clusters => 4, moves => false, restart_sample => 20000, max_iterations => 20);
SELECT bnai_create_clustering('many2', 'many', '{a,b}', restarts => 1, max_clusters => 4, moves => false, restart_sample => 20000, max_iterations => 20, weight_column => 'w');
SET bnai.work_mem = '1MB';
SELECT pg_temp.same('many2', 'many1', 'many rows, with workers and a file');
RESET bnai.work_mem;

-- The aggregate takes the weight behind the columns
SELECT pg_temp.same_posterior((SELECT bnai_fit('data2', a, b, w) FROM light), (SELECT bnai_fit('data2', a, b, w) FROM light WHERE w > 0), 'bnai_fit: rows of weight 0 do not count');
SELECT pg_temp.same_posterior((SELECT bnai_fit('data2', a, b, w) FROM light), (SELECT bnai_fit('data1', a, b) FROM heavy), 'bnai_fit: as repeated');
SELECT is((SELECT bnai_fit('data2', a, b, 0)::text FROM light), NULL, 'bnai_fit: no row counts');

-- A weight of 1 changes nothing; parts of rows add up to rows
ALTER TABLE light ADD one int DEFAULT 1, ADD half float8 DEFAULT 0.5;
SELECT bnai_set('n1', 'weight_column', NULL), bnai_set('n2', 'weight_column', 'one');
SELECT bnai_create_clustering('plain', 'light', '{a,b}'), bnai_create_clustering('one', 'light', '{a,b}', weight_column => 'one'),
	bnai_create_clustering('half', 'light', '{a,b}', weight_column => 'half');
SELECT pg_temp.same('one', 'plain', 'weights of 1');
-- Halves are drawn one by one for the start, so the way there is another; restarts agree to 0.05 nats when they find the same
SELECT ok(abs(half - whole) < 0.05, format('two halves are one: %s %s', half, whole))
FROM (SELECT (bnai_fit('half', a, b, 0.5)::jsonb ->> 'elbo')::float8 AS half FROM light, generate_series(1, 2)) AS h,
	(SELECT (bnai_fit('plain', a, b)::jsonb ->> 'elbo')::float8 AS whole FROM light) AS w;

-- What weights are measured in does not matter: people or millions of them, also where all are far from 1
CREATE TABLE countries AS SELECT i, i % 3 * 10 + sin(i) AS a, cos(i * 2.5) AS b, exp(i % 10) AS people, NULL::text AS label FROM generate_series(1, 300) AS i;
CREATE TABLE scaled ();
CREATE FUNCTION pg_temp.groups(factor float8, VARIADIC settings text[] DEFAULT '{}') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	clusters integer;
	agree boolean;
BEGIN
	DROP TABLE scaled;
	CREATE TABLE scaled AS SELECT i, a, b, people * factor AS people, label FROM countries;
	PERFORM bnai_create_clustering('scaled', 'scaled', '{a,b}', results_column => 'label', weight_column => 'people', max_clusters => 3);
	FOR i IN 1..coalesce(array_length(settings, 1), 0) BY 2 LOOP
		PERFORM bnai_set('scaled', settings[i], settings[i + 1]);
	END LOOP;
	SELECT i.clusters INTO clusters FROM bnai_infer('scaled') AS i;
	SELECT count(DISTINCT (i % 3, label)) = 3 INTO agree FROM scaled;
	PERFORM bnai_drop_network('scaled');
	RETURN format('%s clusters, the true ones: %s', clusters, agree);
END $$;
SELECT is(pg_temp.groups(f), '3 clusters, the true ones: t', format('weights of some %s', f)) FROM unnest('{1,1e4,1e6,1e9}'::float8[]) AS f;
SELECT matches(pg_temp.groups(f, 'moves', 'false', 'restarts', '10', 'restart_sample', '200'), '^[1-3] clusters', format('weights of some %s, starts alone', f))
FROM unnest('{1,1e4,1e6,1e9}'::float8[]) AS f;
SELECT matches(pg_temp.groups(1e6, 'moves', 'false', 'restarts', '2', 'restart_sample', '1'), '^[1-3] clusters', 'a sample of one row is not empty');
SELECT bnai_create_clustering('c', 'countries', '{a,b}', weight_column => 'people', max_clusters => 3);
SELECT is(count(*), 2::bigint, 'clusters are compared with heavy weights') FROM bnai_compare_clusters('c', 2, 3) WHERE best AND elbo < 0;
SELECT ok((bnai_fit('c', a, b, people * 1e8)::jsonb ->> 'elbo')::float8 < 0, 'bnai_fit with heavy weights') FROM countries;

SELECT * FROM finish();
