-- bnai_fit: the rows of a query instead of those of a table.

\i examples/userinfo.sql

SELECT plan(22);

SELECT bnai_create_clustering('bn2', 'userinfo', '{avg_time_pages,avg_time_pages_a}');
SELECT bnai_create_network('bn1');
SELECT bnai_add_node('bn1', 'mu', 'GaussianARD', '0, 1e-6'), bnai_add_node('bn1', 'tau', 'Gamma', '1e-6, 1e-6'),
	bnai_add_node('bn1', 'avg1', 'GaussianARD', 'mu, tau', source => 'userinfo', columns => '{avg1}');
CREATE VIEW rows AS SELECT id, avg1, avg_time_pages AS a, avg_time_pages_a AS b, id % 2 AS part FROM userinfo;

-- The whole table: the same computation, so the same numbers
SELECT (SELECT elbo FROM bnai_infer('bn1')), (SELECT elbo FROM bnai_infer('bn2'));
SELECT is((SELECT bnai_fit('bn1', avg1)::text FROM rows), bnai_fitted('bn1')::text, 'a normal model of the whole table is that of bnai_infer');
SELECT is((SELECT bnai_fit('bn2', a, b)::text FROM rows), bnai_fitted('bn2')::text, 'a clustering of the whole table is that of bnai_infer');
SELECT is((SELECT bnai_fit('bn2', VARIADIC ARRAY[a, b])::text FROM rows), bnai_fitted('bn2')::text, 'rows as arrays');
SELECT is_empty($$ SELECT id FROM rows, (SELECT bnai_fit('bn2', a, b) AS model FROM rows) m
	WHERE bnai_predict(model, a, b) IS DISTINCT FROM bnai_predict('bn2', a, b) $$, 'its labels, too');
SELECT is((SELECT count(*) FROM bnai_runs), 2::bigint, 'nothing is stored');

-- Parts of it: what an inference of a view of the part gives
CREATE TABLE odd AS SELECT avg_time_pages, avg_time_pages_a FROM userinfo WHERE id % 2 = 1 ORDER BY id;
SELECT bnai_create_clustering('odd', 'odd', '{avg_time_pages,avg_time_pages_a}');
SELECT count(*) FROM bnai_infer('odd');
CREATE TABLE models AS SELECT part, bnai_fit('bn2', a, b ORDER BY id) AS model FROM rows GROUP BY part;
SELECT is((SELECT model::text FROM models WHERE part = 1), bnai_fitted('odd')::text, 'GROUP BY: one model for each group');
SELECT is((SELECT bnai_fit('bn2', a, b ORDER BY id) FILTER (WHERE part = 1)::text FROM rows), bnai_fitted('odd')::text, 'FILTER');
SELECT is((SELECT bnai_fit('bn2', a, b ORDER BY id)::text FROM rows WHERE part = 1), bnai_fitted('odd')::text, 'WHERE');
SELECT is((SELECT count(*) FROM models, LATERAL bnai_posterior_clusters(model) WHERE label IS NOT NULL),
	(SELECT sum(n) FROM (SELECT count(DISTINCT bnai_predict(model, a, b)) AS n FROM rows JOIN models USING (part) GROUP BY part) AS s)::bigint,
	'each row can be scored by the model of its group');
SELECT is((SELECT array_agg(bnai_fit::text ORDER BY part) FROM (SELECT part, bnai_fit(network, VARIADIC CASE network WHEN 'bn1' THEN ARRAY[avg1] ELSE ARRAY[a, b] END ORDER BY id)
		FROM rows, unnest('{bn1,bn2}'::text[]) AS network WHERE part = 1 AND network = 'bn2' GROUP BY network, part) AS s),
	ARRAY[bnai_fitted('odd')::text], 'the network may be the group''s');

-- DISTINCT: the same as the distinct rows
SELECT is((SELECT bnai_fit(DISTINCT 'bn2', x, y)::text FROM (SELECT round(a::numeric)::float8 AS x, round(b::numeric)::float8 AS y FROM rows) AS s),
	(SELECT bnai_fit('bn2', x, y ORDER BY ARRAY[x, y])::text FROM (SELECT DISTINCT round(a::numeric)::float8 AS x, round(b::numeric)::float8 AS y FROM rows) AS s),
	'DISTINCT counts equal rows once');

-- Order: rounding only (200 numbers added in another order)
SELECT ok(abs(up / down - 1) < 1e-9, format('the order of rows does not matter: %s %s', up, down))
FROM (SELECT (bnai_fit('bn2', a, b ORDER BY id)::jsonb ->> 'elbo')::float8 AS up, (bnai_fit('bn2', a, b ORDER BY id DESC)::jsonb ->> 'elbo')::float8 AS down FROM rows) AS s;

-- No rows, NULLs
SELECT is((SELECT bnai_fit('bn2', a, b)::text FROM rows WHERE false), NULL, 'no rows: NULL');
SELECT is((SELECT bnai_fit('bn2', a, b) FILTER (WHERE id < 0)::text FROM rows), NULL, 'no rows left by FILTER: NULL');
SELECT is((SELECT bnai_fit('bn2', NULL, NULL)::text FROM rows), NULL, 'nothing but NULLs: NULL');
SELECT is((SELECT bnai_fit('bn2', VARIADIC NULL)::text FROM rows), NULL, 'NULL for a row is one of NULLs');
SELECT is((SELECT bnai_fit('bn2', x, y)::text FROM (SELECT a AS x, b AS y FROM rows UNION ALL SELECT NULL, NULL) AS s), bnai_fitted('bn2')::text,
	'a row of NULLs is left out');

-- Many groups, small memory: all held at the same time, or one after the other, or again and again
CREATE TABLE many AS SELECT i, i % 500 AS part, i % 3 * 10 + sin(i) AS x, cos(i * 2.5) AS y FROM generate_series(1, 20000) AS i;
SET enable_sort = off;
CREATE TABLE hashed AS SELECT part, bnai_fit('bn2', x, y)::text AS model FROM many WHERE part < 40 GROUP BY part;
RESET enable_sort;
SET enable_hashagg = off;
CREATE TABLE sorted AS SELECT part, bnai_fit('bn2', x, y)::text AS model FROM (SELECT * FROM many ORDER BY part, i) AS s WHERE part < 40 GROUP BY part;
RESET enable_hashagg;
SELECT is_empty($$ SELECT part FROM hashed FULL JOIN sorted USING (part) WHERE hashed.model IS DISTINCT FROM sorted.model $$, 'hashed or sorted: the same models');
SELECT is((SELECT count(DISTINCT n) FROM generate_series(1, 3) AS n, LATERAL (SELECT bnai_fit('bn2', x + 0 * n, y) AS model FROM many WHERE part < 10) AS s
	WHERE model::text = (SELECT bnai_fit('bn2', x, y)::text FROM many WHERE part < 10)), 3::bigint, 'again and again in one query');
SET bnai.work_mem = '64kB';
SELECT ok(abs(elbo / (bnai_fit('bn2', x, y)::jsonb ->> 'elbo')::float8 - 1) < 1e-6, 'with a file')
FROM many, (SELECT (bnai_fit('bn2', x, y)::jsonb ->> 'elbo')::float8 AS elbo FROM many) AS s GROUP BY elbo;
RESET bnai.work_mem;

-- An error in the middle, and then again
CREATE FUNCTION pg_temp.fails() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	failures bigint := 0;
BEGIN
	SET LOCAL bnai.work_mem = '64kB';
	FOR i IN 1 .. 5 LOOP
		BEGIN
			PERFORM bnai_fit('bn2', x, CASE WHEN part = 499 THEN 1 / 0 ELSE y END) FROM many;
		EXCEPTION WHEN division_by_zero THEN
			failures := failures + 1;
		END;
	END LOOP;
	RETURN failures;
END $$;
SELECT is(pg_temp.fails(), 5::bigint, 'errors in the middle of it');
SELECT is((SELECT count(*) FROM pg_ls_tmpdir()), 0::bigint, 'no file stays');

SELECT * FROM finish();
