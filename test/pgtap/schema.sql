-- bnai works from whatever schema it is installed in, whatever the search path
BEGIN;
SELECT plan(14);

DROP EXTENSION bnai;
CREATE SCHEMA "My ext";
CREATE EXTENSION bnai SCHEMA "My ext";
CREATE SCHEMA "Data";
CREATE TABLE "Data"."Visits" ("Time" float8, "B b" float8, "Label" text);
INSERT INTO "Data"."Visits" SELECT 10 * (i % 2) + sin(i), 10 * (i % 2) + cos(2.5 * i) FROM generate_series(1, 40) i;

-- what a careless statement would pick up before pg_catalog's
CREATE FUNCTION "Data".never(integer, integer) RETURNS boolean LANGUAGE sql AS 'SELECT NULL::boolean';
CREATE FUNCTION "Data".never(bigint, bigint) RETURNS boolean LANGUAGE sql AS 'SELECT NULL::boolean';
CREATE FUNCTION "Data".never(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT NULL::boolean';
CREATE OPERATOR "Data".= (LEFTARG = integer, RIGHTARG = integer, FUNCTION = "Data".never);
CREATE OPERATOR "Data".= (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = "Data".never);
CREATE OPERATOR "Data".= (LEFTARG = text, RIGHTARG = text, FUNCTION = "Data".never);
CREATE OPERATOR "Data".<> (LEFTARG = text, RIGHTARG = text, FUNCTION = "Data".never);
CREATE FUNCTION "Data".nextval(regclass) RETURNS bigint LANGUAGE sql AS 'SELECT NULL::bigint';
CREATE TABLE "Data".bnai_network (id int);

-- Runs a statement where all of that comes first; returns its first value.
CREATE FUNCTION run(statement text) RETURNS text LANGUAGE plpgsql SET search_path = "Data", pg_catalog, pg_temp AS $$
DECLARE
	result text;
BEGIN
	EXECUTE statement INTO result;
	RETURN result;
END $$;

SELECT is(run($$SELECT "My ext".bnai_create_clustering('c', '"Data"."Visits"', '{Time,B b}', results_column => 'Label', max_clusters => 4)$$), '', 'create');
SELECT is(run($$SELECT "My ext".bnai_set('c', 'seed', '3')$$), '', 'set');
SELECT is(run($$SELECT "My ext".bnai_change_node('c', 'alpha', 'full(4, 1e-3)')$$), '', 'change');
SELECT is(run($$SELECT rows || ' ' || clusters || ' ' || rows_relabelled FROM "My ext".bnai_infer('c')$$), '40 2 40', 'infer');
SELECT results_eq($$SELECT "Label"::text, count(*) FROM "Data"."Visits" GROUP BY 1 ORDER BY 1$$, $$VALUES ('A', 20::bigint), ('B', 20)$$, 'labels');
SELECT is(run($$SELECT "My ext".bnai_predict('c', 10, 10) || "My ext".bnai_predict('c', 0, 0)$$), 'BA', 'predict');
SELECT is(run($$SELECT count(*) FROM "My ext".bnai_runs WHERE is_current$$), '1', 'runs');
SELECT is(run($$SELECT source || columns::text FROM "My ext".bnai_status$$), '"Data"."Visits"{Time,"B b"}', 'status');
SELECT is(run($$SELECT count(*) FROM "My ext".bnai_edges$$), '5', 'edges');
SELECT is(run($$SELECT string_agg(label || size, ' ') FROM "My ext".bnai_clusters$$), 'A20 B20', 'clusters');
SELECT is(run($$SELECT "My ext".bnai_reset('c')$$), '40', 'reset');

-- the schema is renamed
ALTER SCHEMA "My ext" RENAME TO plain;
SELECT is(run($$SELECT plain.bnai_create_network('n')$$), '', 'create after the schema was renamed');
SELECT is(run($$SELECT rows FROM plain.bnai_infer('c')$$), '40', 'infer after the schema was renamed');
SELECT is(run($$SELECT plain.bnai_drop_network('c')$$), '', 'drop');

SELECT * FROM finish();
ROLLBACK;
