-- Columns of array types, and of types with a cast to one: each is as many columns as it has elements.

\i examples/userinfo.sql

SELECT plan(85);

-- --- an array is its elements ---

-- The same rows as scalar columns and as arrays of several types; all values are small
-- integers, which every type holds exactly
CREATE TABLE wide AS
SELECT id, avg1::integer::float8 AS a, (10 * avg_time_pages)::integer::float8 AS b, (10 * avg_time_pages_a)::integer::float8 AS c, NULL::text AS label FROM userinfo;
CREATE DOMAIN triple AS real[] CHECK (cardinality(value) = 3);
CREATE DOMAIN score AS integer;
CREATE TABLE arrays AS
SELECT id, ARRAY[a, b, c] AS f8, ARRAY[a, b, c]::real[] AS f4, ARRAY[a, b, c]::integer[] AS i4, ARRAY[a, b, c]::bigint[] AS i8, ARRAY[a, b, c]::smallint[] AS i2,
	ARRAY[a, b, c]::numeric[] AS n, ARRAY[a, b, c]::real[]::triple AS d, ARRAY[a, b, c]::integer[]::score[] AS e, a, ARRAY[b, c] AS bc, ARRAY[a, b] AS ab, c, NULL::text AS label
FROM wide;

SELECT bnai_create_clustering('wide', 'wide', '{a,b,c}', results_column => 'label');
CREATE TABLE answer AS SELECT elbo, rows, clusters FROM bnai_infer('wide');
SELECT set_eq($$SELECT rows FROM answer$$, ARRAY[200::bigint], 'scalar columns to compare with');

CREATE FUNCTION pg_temp.like_wide(name text, columns text[], network text DEFAULT 'n', OUT same_bound boolean, OUT same_labels boolean) LANGUAGE plpgsql AS $$
BEGIN
	PERFORM bnai_drop_network(n.network) FROM bnai_networks n WHERE n.network = like_wide.network;
	-- the same order of rows each time, for the last digits
	IF to_regclass('packed') IS NOT NULL THEN
		DROP TABLE packed;
	END IF;
	CREATE TABLE packed AS TABLE arrays;
	PERFORM bnai_create_clustering(network, 'packed', columns, results_column => 'label');
	SELECT i.elbo = a.elbo AND i.rows = a.rows FROM bnai_infer(network) i, answer a INTO same_bound;
	SELECT bool_and(p.label = w.label) FROM packed p JOIN wide w USING (id) INTO same_labels;
END $$;
SELECT is(pg_temp.like_wide(c, ARRAY[c])::text, '(t,t)', format('the same bound and labels from %s', format_type(atttypid, atttypmod)))
FROM pg_attribute, CAST(attname AS text) AS c
WHERE attrelid = 'arrays'::regclass AND attname = ANY ('{f8,f4,i4,i8,i2,n,d,e}');
SELECT is(pg_temp.like_wide('a, bc', '{a,bc}')::text, '(t,t)', 'a number before an array');
SELECT is(pg_temp.like_wide('ab, c', '{ab,c}')::text, '(t,t)', 'a number behind an array');

-- how it is stored and shown
SELECT is((SELECT columns FROM bnai_nodes WHERE network = 'n' AND columns IS NOT NULL)::text, '{ab[2],c}', 'the number of elements is kept');
SELECT is((SELECT DISTINCT columns::text FROM bnai_clusters WHERE network = 'n'), '{ab[1],ab[2],c}', 'clusters name each element');
SELECT ok(bnai_graph('n') LIKE '%ab[2], c%', 'the graph names the array');
SELECT is((SELECT array_agg(name::text ORDER BY name) FROM packed, bnai_explain('n', VARIADIC ab || c) e (name) WHERE id = 1), '{"ab[1]","ab[2]",c}', 'an explanation names each element');

-- --- scoring ---

SELECT is(pg_temp.like_wide('f4', '{f4}')::text, '(t,t)', 'real[] once more');
SELECT is_empty($$SELECT id FROM packed WHERE label IS DISTINCT FROM bnai_predict('n', VARIADIC f4)$$, 'real[] is taken as it is');
SELECT is_empty($$SELECT id FROM packed WHERE label IS DISTINCT FROM bnai_predict('n', VARIADIC f8)$$, 'float8[] too');
SELECT is_empty($$SELECT id FROM packed WHERE label IS DISTINCT FROM bnai_predict('n', VARIADIC i4::float8[])$$, 'integer[] with a cast');
SELECT is_empty($$SELECT id FROM packed WHERE label IS DISTINCT FROM bnai_predict('n', VARIADIC ARRAY[a] || bc)$$, 'arrays can be put together');
SELECT is_empty($$SELECT w.id FROM wide w JOIN packed p USING (id)
	WHERE bnai_score('wide', w.a, w.b, w.c) IS DISTINCT FROM bnai_score('n', VARIADIC p.f4)
	OR bnai_typicality('wide', w.a, w.b, w.c) IS DISTINCT FROM bnai_typicality('n', VARIADIC p.f4)
	OR bnai_score(bnai_fitted('n'), w.a, w.b, w.c) IS DISTINCT FROM bnai_score('n', VARIADIC p.f4)$$, 'scores and typicality are the same, by name and by value');
SELECT set_eq($$SELECT id, q.* FROM wide, bnai_predict_proba('wide', NULL, b, c) q$$,
	$$SELECT id, q.* FROM packed, bnai_predict_proba('n', VARIADIC ARRAY[NULL, f8[2], f8[3]]) q$$, 'elements may be NULL');
SELECT is(bnai_predict('n', VARIADIC ARRAY[NULL, b, c]), bnai_predict('wide', NULL, b, c), 'with the same label') FROM wide WHERE id = 7;
SELECT is((SELECT array_agg(name ORDER BY name) FROM bnai_impute('n', VARIADIC ARRAY[20, NULL, 100]::float8[]) AS i (name)), '{f4[2]}', 'the missing element is imputed');
SELECT is(bnai_predict('n', VARIADIC NULL::float8[]), NULL, 'NULL has no label');
SELECT throws_ok($$SELECT bnai_predict('n', VARIADIC ARRAY[1, 2]::float8[])$$, '22023', '2 values were given for a network with 3 columns', 'too few elements');
SELECT throws_ok($$SELECT bnai_predict('n', VARIADIC ARRAY[[1, 2, 3]]::float8[])$$, '2202E', NULL, 'two dimensions');

-- the aggregate
SELECT is((SELECT bnai_fit('n', VARIADIC f4)::text FROM packed), bnai_fitted('n')::text, 'bnai_fit takes arrays');
SELECT throws_ok($$SELECT bnai_fit('n', VARIADIC bc) FROM packed$$, '22023', 'a row of network "n" has 3 values, not 2', 'of the right length');

-- --- all the rest of a network ---

SELECT is((SELECT count(*) FROM bnai_sample_rows('n', 50) WHERE cardinality(observed) = 3), 50::bigint, 'a sample of the rows');
SELECT is(bnai_plot('n', 'clusters', '{f4[1],f4[3]}')::jsonb #>> '{encoding,y,title}', 'f4[3]', 'a picture of two elements');
SELECT ok(bnai_plot('n', 'posterior', node => 'mu')::text LIKE '%mu of f4[2]%', 'the posterior of a node names elements');
SELECT lives_ok($$SELECT count(*) FROM bnai_infer('n')$$, 'a second inference');
SELECT is((SELECT sum(rows) FROM bnai_compare((SELECT min(run) FROM bnai_runs WHERE network = 'n'), (SELECT max(run) FROM bnai_runs WHERE network = 'n'))), 200::numeric, 'two runs are compared');
SELECT is(bnai_rollback('n'), 0::bigint, 'an earlier run becomes the current one');
SELECT is((SELECT count(*) FROM bnai_changes('n') WHERE moved > 0), 0::bigint, 'changes');
SELECT lives_ok($$SELECT count(*) FROM bnai_compare_clusters('n', 2, 3)$$, 'numbers of clusters are compared');

-- a parallel plan
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
ALTER TABLE packed SET (parallel_workers = 2);
SELECT is((SELECT count(*) FROM packed WHERE id <= 200 AND label = bnai_predict('n', VARIADIC f4)), 200::bigint, 'parallel workers predict the same');
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;

-- weights, and a procedure that commits
CREATE TABLE weighted AS SELECT id, f4, a, c, ab[2] AS b, id % 3 AS w, NULL::text AS label FROM arrays ORDER BY id;
SELECT bnai_create_clustering('heavy', 'weighted', '{f4}', weight_column => 'w', results_column => 'label', missing => 'skip');
SELECT bnai_create_clustering('heavy_wide', 'weighted', '{a,b,c}', weight_column => 'w', missing => 'skip');
SELECT count(*) FROM bnai_infer('heavy_wide') \g /dev/null
CALL bnai_infer_now('heavy');
SELECT is((SELECT elbo FROM bnai_runs WHERE network = 'heavy'), (SELECT elbo FROM bnai_runs WHERE network = 'heavy_wide'), 'weighted rows, inferred by the procedure');
SELECT is_empty($$SELECT id FROM weighted WHERE label IS DISTINCT FROM bnai_predict('heavy_wide', a, b, c)$$, 'with the same labels');

-- a sample needs the right to the array besides that to the network
CREATE ROLE bnai_array_reader;
GRANT SELECT (f4) ON packed TO bnai_array_reader;
SELECT bnai_grant('n', 'bnai_array_reader', 'read'), bnai_grant('heavy', 'bnai_array_reader', 'read');
SET ROLE bnai_array_reader;
SELECT isnt(bnai_predict('n', 1, 2, 3), NULL, 'a reader of the array scores');
SELECT is((SELECT count(*) FROM bnai_sample_rows('n', 3)), 3::bigint, 'and sees a sample');
SELECT throws_ok($$SELECT count(*) FROM bnai_sample_rows('heavy', 3)$$, '42501', NULL, 'but not of another array');
SELECT throws_ok($$SELECT bnai_create_clustering('theirs', 'packed', '{i4}')$$, '42501', NULL, 'nor looks into it for its length');
RESET ROLE;
DROP OWNED BY bnai_array_reader;
DROP ROLE bnai_array_reader;

SELECT bnai_label_on_insert('packed', 'n');
INSERT INTO packed (id, f4) SELECT 1000 + id, f4 FROM packed;
SELECT is_empty($$SELECT o.id FROM packed o JOIN packed i ON i.id = o.id + 1000 WHERE o.label IS DISTINCT FROM i.label$$, 'new rows get their labels');
UPDATE packed SET f4 = (SELECT f4 FROM packed WHERE id = 2) WHERE id = 1001;
SELECT is((SELECT label FROM packed WHERE id = 1001), (SELECT label FROM packed WHERE id = 2), 'changed ones, too');
INSERT INTO packed (id, f4) VALUES (2000, '{1,2}'), (2001, NULL), (2002, '{NaN,1,2}'), (2003, '{{1,2,3}}');
SELECT is((SELECT count(label) FROM packed WHERE id >= 2000), 0::bigint, 'rows that are no rows of the network get none');
SELECT is((SELECT label FROM packed WHERE id = 2000), NULL, 'an array of another length has no label');
INSERT INTO packed (id, f4) VALUES (2004, '{1,2}');
UPDATE packed SET f4 = '{0,0,0}' WHERE id = 2004;
SELECT is((SELECT label FROM packed WHERE id = 2004), bnai_predict('n', 0, 0, 0), 'one that has become as long has');
UPDATE packed SET f4 = '{1,2}' WHERE id = 2004;
SELECT is((SELECT label FROM packed WHERE id = 2004), NULL, 'and loses it again');
DELETE FROM packed WHERE id = 2004;
SELECT bnai_unwatch('n', 'packed', 'LABEL');

-- --- what arrays must not be ---

SELECT throws_ok($$SELECT count(*) FROM bnai_infer('n')$$, '2202E', 'column "f4" of "packed" holds an array of 2 elements', 'wrong length');
DELETE FROM packed WHERE id = 2000;
SELECT throws_ok($$SELECT count(*) FROM bnai_infer('n')$$, '22003', 'column "f4[1]" of "packed" holds NaN, which cannot be fitted', 'NaN names the element');
DELETE FROM packed WHERE id = 2002;
SELECT throws_ok($$SELECT count(*) FROM bnai_infer('n')$$, '2202E', 'column "f4" of "packed" holds an array of 2 dimensions', 'two dimensions');
DELETE FROM packed WHERE id = 2003;
SELECT is((rows, rows_skipped)::text, '(400,1)', 'NULL is a row without values') FROM bnai_infer('n');
DELETE FROM packed WHERE id > 1000;

-- NULL elements are as NULLs of scalar columns: the bounds agree to the last digit
UPDATE wide SET b = NULL WHERE id % 9 = 0;
UPDATE wide SET a = NULL WHERE id % 7 = 0;
UPDATE wide SET a = NULL, b = NULL, c = NULL WHERE id = 50;
UPDATE packed p SET i4 = ARRAY[w.a, w.b, w.c], f8 = CASE WHEN p.id = 50 THEN NULL ELSE ARRAY[w.a, w.b, w.c] END, label = NULL FROM wide w WHERE w.id = p.id;
CREATE TABLE ordered AS SELECT i4, f8, label FROM packed ORDER BY id;
CREATE TABLE ordered_wide AS SELECT a, b, c FROM wide ORDER BY id;
SELECT bnai_create_clustering('ordered_wide', 'ordered_wide', '{a,b,c}');
SELECT bnai_create_clustering('f8', 'ordered', '{f8}', results_column => 'label');
SELECT bnai_create_clustering('i4', 'ordered', '{i4}');
UPDATE answer SET (elbo, rows, clusters) = (SELECT elbo, rows, clusters FROM bnai_infer('ordered_wide'));
SELECT results_eq($$SELECT elbo, rows, clusters FROM bnai_infer('i4')$$, $$SELECT elbo, rows, clusters FROM answer$$, 'that of the same scalar columns (integer)');
SELECT results_eq($$SELECT elbo, rows, clusters FROM bnai_infer('f8')$$, $$SELECT elbo, rows, clusters FROM answer$$, 'and with a NULL instead of an array');
SELECT is((SELECT count(*) FROM ordered WHERE label IS NULL), 1::bigint, 'all but the empty row have a label');

-- --- at definition ---

CREATE TABLE bare (v float8[], w float8[]);
SELECT throws_ok($$SELECT bnai_create_clustering('bare', 'bare', '{v}')$$, 'P0002', 'no row of relation "bare" says how many elements column "v" has', 'no rows');
INSERT INTO bare SELECT NULL, NULL;
SELECT throws_ok($$SELECT bnai_create_clustering('bare', 'bare', '{v}')$$, 'P0002', NULL, 'no values');
SELECT lives_ok($$SELECT bnai_create_clustering('bare', 'bare', '{v[2]}', covariance => 'diagonal')$$, 'the width can be told');
SELECT is((SELECT columns FROM bnai_networks WHERE network = 'bare')::text, '{v[2]}', 'and is kept');
INSERT INTO bare SELECT ARRAY[sin(i) + 9 * (i % 2), cos(i)], ARRAY[1, 2, 3] FROM generate_series(1, 40) i;
SELECT is((rows, clusters)::text, '(40,2)', 'it is inferred when there are rows') FROM bnai_infer('bare');
SELECT lives_ok($$SELECT bnai_create_clustering('more', 'bare', '{v}')$$, 'the first row that has a value counts');
SELECT throws_ok($$SELECT bnai_create_clustering('twice', 'bare', '{v,v[2]}')$$, '42701', NULL, 'twice the same array');
SELECT throws_ok($$SELECT bnai_create_clustering('far', 'bare', '{v[5000]}')$$, '54000', NULL, 'too many elements');
SELECT throws_ok($$SELECT bnai_create_clustering('text', 'userinfo', '{sex[3]}')$$, '42804', NULL, 'an array of something else');
SELECT throws_ok($$SELECT bnai_create_clustering('none', 'bare', '{x[3]}')$$, '42703', 'column "x" of relation "bare" does not exist', 'no such array');
SELECT bnai_create_network('two');
SELECT bnai_add_node('two', 'mu', 'GaussianDiagonal', 'zeros(2), ones(2)');
SELECT bnai_add_node('two', 'x', 'GaussianDiagonal', 'mu, ones(2)', 'bare', '{v}');
SELECT bnai_add_node('two', 'nu', 'GaussianDiagonal', 'zeros(3), ones(3)');
SELECT throws_ok($$SELECT bnai_add_node('two', 'y', 'GaussianDiagonal', 'nu, ones(3)', 'bare', '{v[3]}')$$, '42804', NULL, 'two nodes that see different lengths');
SELECT lives_ok($$SELECT bnai_add_node('two', 'y', 'GaussianDiagonal', 'nu, ones(3)', 'bare', '{w}')$$, 'two arrays');
SELECT is((SELECT rows FROM bnai_infer('two')), 40::bigint, 'are two leaves');
SELECT throws_ok($$SELECT bnai_add_node('two', 'z', 'GaussianARD', '0, 1', 'bare', '{w}')$$, '22023', 'node "z" needs one column, not 3', 'an array is no number');

-- a column that is called as an element
CREATE TABLE named ("x[2]" float8, y float8);
INSERT INTO named SELECT sin(i) + 9 * (i % 2), cos(i) FROM generate_series(1, 40) i;
SELECT bnai_create_clustering('named', 'named', '{x[2],y}');
SELECT is((rows, clusters)::text, '(40,2)', 'a column with such a name is that column') FROM bnai_infer('named');
ALTER TABLE named ADD x float8[];
UPDATE named SET x = ARRAY[y, y];
SELECT throws_ok($$SELECT bnai_create_clustering('both', 'named', '{x}')$$, '42702', NULL, 'an array whose elements would be called so is refused');
SELECT is((SELECT rows FROM bnai_infer('named')), 40::bigint, 'and does not disturb the column');

-- other types after the definition
ALTER TABLE bare ALTER v TYPE text USING v::text;
SELECT throws_ok($$SELECT count(*) FROM bnai_infer('bare')$$, '42804', 'column "v" of relation "bare" is of type text, which is no array of numbers', 'a column of another type');
ALTER TABLE bare ALTER v TYPE real[] USING v::real[];
SELECT is((SELECT rows FROM bnai_infer('bare')), 40::bigint, 'as another array it is inferred');

-- An empty array says nothing of the length; and digits of a column that is NULL at first are kept
CREATE TABLE late (a float8[]);
INSERT INTO late VALUES ('{}'), (NULL);
SELECT throws_ok($$SELECT bnai_create_clustering('late', 'late', '{a}')$$, 'P0002', NULL, 'no array with elements');
INSERT INTO late VALUES ('{1,2}');
SELECT lives_ok($$SELECT bnai_create_clustering('late', 'late', '{a}')$$, 'the first one that has some says how many');
CREATE TABLE far AS SELECT i % 5 + sin(i) AS a, CASE WHEN i > 70000 THEN 1.7e9 + i % 3 END AS b, CASE WHEN i > 70000 THEN i % 3 END AS near FROM generate_series(1, 80000) AS i;
SELECT bnai_create_clustering(n, 'far', ARRAY['a', n], max_clusters => 2, restarts => 1, covariance => 'diagonal', max_iterations => 20) FROM unnest('{b,near}'::text[]) AS n;
-- 1.7e9 has 2e-7 to its neighbour, against a standard deviation of 0.8
SELECT ok(abs((SELECT elbo FROM bnai_infer('b')) - (SELECT elbo FROM bnai_infer('near'))) < 0.1, 'a column far from 0 that comes late is as one near 0');

-- --- types with a cast ---

CREATE TYPE point3 AS (x float8, y float8, z float8);
CREATE FUNCTION point3_list(point3) RETURNS real[] LANGUAGE sql IMMUTABLE RETURN ARRAY[$1.x, $1.y, $1.z]::real[];
CREATE TABLE cast_away AS SELECT id, ROW(f4[1], f4[2], f4[3])::point3 AS p, f4, label FROM packed ORDER BY id;
SELECT throws_ok($$SELECT bnai_create_clustering('cast', 'cast_away', '{p}')$$, '42804', NULL, 'a type without a cast');
CREATE CAST (point3 AS real[]) WITH FUNCTION point3_list(point3);
SELECT bnai_create_clustering('cast', 'cast_away', '{p}', results_column => 'label');
SELECT bnai_create_clustering('plain', 'cast_away', '{f4}');
SELECT results_eq($$SELECT elbo, clusters FROM bnai_infer('plain')$$, $$SELECT elbo, clusters FROM bnai_infer('cast')$$, 'a type with a cast is its array');
SELECT bnai_label_on_insert('cast_away', 'cast');
INSERT INTO cast_away (id, p) SELECT id + 1000, p FROM cast_away;
SELECT is_empty($$SELECT id FROM cast_away WHERE label IS DISTINCT FROM bnai_predict('plain', VARIADIC p::real[])$$, 'and its rows are labelled');
SELECT is((SELECT count(*) FROM bnai_sample_rows('cast', 5)), 5::bigint, 'and sampled');

-- pgvector, where the server has it
SELECT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'vector') AS pgvector \gset
\if :pgvector
CREATE EXTENSION vector;
CREATE TABLE embedded AS SELECT id, f4::vector(3) AS embedding, NULL::text AS label FROM packed ORDER BY id;
SELECT bnai_create_clustering('embedded', 'embedded', '{embedding}', results_column => 'label');
SELECT results_eq($$SELECT elbo, rows_relabelled FROM bnai_infer('embedded')$$, $$SELECT elbo, 200::bigint FROM bnai_runs WHERE network = 'plain'$$, 'vector of pgvector');
SELECT bnai_label_on_insert('embedded', 'embedded');
INSERT INTO embedded (id, embedding) SELECT id + 1000, embedding FROM embedded;
SELECT is_empty($$SELECT id FROM embedded WHERE label IS DISTINCT FROM bnai_predict('embedded', VARIADIC embedding::real[])$$, 'its rows are labelled');
\else
SELECT skip('pgvector is not installed', 2);
\endif

SELECT * FROM finish();
