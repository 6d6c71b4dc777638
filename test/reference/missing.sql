-- Rows that are NULL in some of their columns, against a numpy statement of the same bound:
-- within a leaf of three columns, and a whole leaf of two.  1e-8 relative, as for the other
-- golden traces; these networks are well conditioned.

\set golden `cat test/reference/missing.json`

SELECT plan(12);

CREATE TABLE golden AS
SELECT c ->> 'name' AS name, c AS j FROM jsonb_array_elements(:'golden'::jsonb -> 'cases') AS c;
CREATE TABLE observations AS
SELECT * FROM jsonb_to_recordset(:'golden'::jsonb -> 'data') AS r(id integer, y1 float8, y2 float8, x float8, label text);

-- Defines the network of a case in the order in which the file lists the nodes, over a table of its own.
CREATE FUNCTION pg_temp.define(j jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	network text := j ->> 'name';
	node jsonb;
BEGIN
	EXECUTE format('CREATE TABLE %I AS TABLE observations', network);
	PERFORM bnai_create_network(network, j ->> 'network_type', restarts => 1, tolerance => 0, max_iterations => (j ->> 'iterations')::integer);
	FOR node IN SELECT jsonb_array_elements(j -> 'nodes') LOOP
		PERFORM bnai_add_node(network, node ->> 'node', node ->> 'distribution', node ->> 'params',
			source => CASE WHEN node ? 'columns' THEN network::regclass END,
			columns => CASE WHEN node ? 'columns' THEN ARRAY(SELECT jsonb_array_elements_text(node -> 'columns')) END);
	END LOOP;
	IF j ->> 'network_type' = 'clustering' THEN
		PERFORM bnai_set(network, 'results_column', 'label'), bnai_set(network, 'start', 'results'), bnai_set(network, 'moves', 'false');
	END IF;
END $$;

-- Orders the components of an array by falling counts; another array stays as it is.
CREATE FUNCTION pg_temp.arrange(a jsonb, counts float8[]) RETURNS jsonb LANGUAGE sql AS $$
	SELECT CASE WHEN jsonb_typeof(a) = 'array' AND jsonb_array_length(a) = cardinality(counts) AND cardinality(counts) > 1
		THEN (SELECT jsonb_agg(a -> (o::integer - 1) ORDER BY n DESC, o) FROM unnest(counts) WITH ORDINALITY AS c(n, o)) ELSE a END $$;
CREATE FUNCTION pg_temp.flat(j jsonb) RETURNS float8[] LANGUAGE sql AS $$
	SELECT array_agg(x::text::float8) FROM jsonb_path_query(j, 'strict $.**') AS x WHERE jsonb_typeof(x) = 'number' $$;

CREATE FUNCTION pg_temp.compare(network text, j jsonb) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	fitted jsonb := bnai_fitted(network)::jsonb;
	have float8[] := ARRAY(SELECT (c ->> 'count')::float8 FROM jsonb_array_elements(fitted -> 'clusters') AS c);
	want float8[] := ARRAY(SELECT c::float8 FROM jsonb_array_elements_text(j -> 'counts') AS c);
	message text;
BEGIN
	RETURN NEXT is((SELECT count(*) FROM bnai_trace(network) WHERE iteration > 0), (j ->> 'iterations')::bigint, network || ': one ELBO for each sweep');
	RETURN NEXT is_empty(format($q$
		SELECT iteration, t.elbo AS have, g.elbo AS want FROM bnai_trace(%L) AS t
		JOIN (SELECT e.elbo::float8, iteration FROM golden, jsonb_array_elements(j -> 'elbo') WITH ORDINALITY AS e(elbo, iteration)
			  WHERE name = %L) AS g USING (iteration)
		WHERE (abs(t.elbo - g.elbo) <= 1e-8 * abs(g.elbo)) IS NOT TRUE ORDER BY 1 LIMIT 5 $q$, network, network),
		network || ': the ELBO after every sweep');
	RETURN NEXT ok((SELECT max(abs(h - w)) <= 1e-8 * (j #>> '{counts,0}')::float8
		FROM ROWS FROM (jsonb_array_elements(pg_temp.arrange(to_jsonb(have), have)), jsonb_array_elements(pg_temp.arrange(j -> 'counts', want))) AS u(h_, w_),
			 LATERAL (SELECT h_::float8 AS h, w_::float8 AS w) AS f), network || ': the counts');
	SELECT string_agg(format('%s.%s: have %s, want %s', n.key, p.key, h, w), E'\n') INTO message
	FROM jsonb_each(j -> 'posterior') AS n, jsonb_each(n.value) AS p,
		LATERAL (SELECT pg_temp.flat(pg_temp.arrange(p.value, want)) AS w,
				 pg_temp.flat(pg_temp.arrange(f -> 'parameters' -> p.key, have)) AS h
				 FROM (SELECT 1) AS one LEFT JOIN jsonb_array_elements(fitted -> 'nodes') AS f ON f ->> 'name' = n.key) AS hw
	WHERE (SELECT cardinality(h) = cardinality(w) AND max(abs(a - b)) <= 1e-8 * greatest(max(abs(b)), 1) FROM unnest(h, w) AS u(a, b)) IS NOT TRUE;
	RETURN NEXT ok(message IS NULL, network || ': the posterior of every node');
	IF message IS NOT NULL THEN
		RETURN NEXT diag(message);
	END IF;
END $$;

SELECT pg_temp.define(j) FROM golden;
SELECT lives_ok(format('SELECT bnai_infer(%L)', name), name || ': can be fitted') FROM golden;
SELECT t FROM golden, pg_temp.compare(name, j) AS t;

SELECT is(rows_skipped, (j ->> 'skipped')::bigint, name || ': rows without any column')
FROM golden JOIN bnai_runs ON network = name;

SELECT * FROM finish();
