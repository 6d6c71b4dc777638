-- Every function of the extension with every combination of NULLs: an answer or an
-- ordinary error, never a crash (which ends this file) nor an internal error.
BEGIN;
SELECT no_plan();

CREATE TABLE points AS SELECT i AS id, 10 * (i % 2) + sin(i) AS a, cos(2.5 * i) AS b, NULL::text AS label FROM generate_series(1, 60) AS i;
SELECT bnai_create_clustering('points', 'points', '{a,b}', results_column => 'label', max_clusters => 3, restarts => 1);
SELECT count(*) FROM generate_series(1, 2), bnai_infer('points');

/* An argument that would do, by its name and else by its type; NULL where nothing can be written. */
CREATE FUNCTION good(name text, type text) RETURNS text LANGUAGE sql AS $$
	SELECT coalesce(
		CASE name
			WHEN 'network_type' THEN $v$'general'$v$ WHEN 'node' THEN $v$'mu'$v$ WHEN 'distribution' THEN $v$'Gamma'$v$ WHEN 'params' THEN $v$'1, 1'$v$
			WHEN 'setting' THEN $v$'seed'$v$ WHEN 'value' THEN CASE type WHEN 'text' THEN $v$'5'$v$ END WHEN 'schedule' THEN $v$'0 3 * * *'$v$ WHEN 'event' THEN $v$'INSERT'$v$
			WHEN 'what' THEN $v$'clusters'$v$ WHEN 'columns' THEN $v$'{a,b}'::text[]$v$ WHEN 'what' THEN $v$'sizes'$v$ WHEN 'run' THEN '(SELECT min(run) FROM bnai_runs)'
		END,
		CASE type
			WHEN 'text' THEN $v$'points'$v$ WHEN 'text[]' THEN $v$'{A,B}'::text[]$v$ WHEN 'integer' THEN '2' WHEN 'bigint' THEN '1' WHEN 'double precision' THEN '0.5'
			WHEN 'double precision[]' THEN $v$'{1,2}'::float8[]$v$ WHEN 'boolean' THEN 'true' WHEN 'regclass' THEN $v$'points'::regclass$v$ WHEN 'bnai_source' THEN $v$'points'::regclass::bnai_source$v$
			WHEN 'bnai_posterior' THEN $v$bnai_fitted('points')$v$ WHEN 'json' THEN $v$'[]'::json$v$ WHEN 'anyarray' THEN $v$'{1,2}'::int[]$v$ WHEN 'cstring' THEN $v$'points'::cstring$v$
		END)
$$;

/* The functions of the extension with their arguments in order. */
CREATE VIEW functions AS
SELECT p.oid::regprocedure::text AS signature, p.oid::regproc::text AS name, p.prokind, p.provariadic <> 0 AS variadic, p.proisstrict,
	ARRAY(SELECT t::regtype::text FROM unnest(p.proargtypes) WITH ORDINALITY AS u (t, n) ORDER BY n) AS types, p.proargnames AS names
FROM pg_depend d JOIN pg_proc p ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid
WHERE d.deptype = 'e' AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'bnai');

/* The combinations of NULLs for so many arguments: all of them, or, where there are many, none, each, each pair and all. */
CREATE FUNCTION combinations(arguments integer) RETURNS SETOF bigint LANGUAGE sql AS $$
	SELECT m FROM generate_series(0, (1::bigint << arguments) - 1) AS m WHERE arguments <= 8
	UNION
	SELECT (1::bigint << i) | (1::bigint << j) FROM generate_series(0, arguments - 1) AS i, generate_series(0, arguments - 1) AS j
	UNION
	SELECT unnest(ARRAY[0, (1::bigint << arguments) - 1])
$$;

/* Calls a function with each combination; returns how many calls were made and what internal errors came. */
CREATE FUNCTION try_nulls(f functions, OUT calls integer, OUT internal text) LANGUAGE plpgsql AS $$
DECLARE
	mask bigint;
	arguments text;
	message text;
BEGIN
	calls := 0;
	FOR mask IN SELECT * FROM combinations(cardinality(f.types)) LOOP
		SELECT string_agg(CASE WHEN f.variadic AND n = cardinality(f.types) THEN 'VARIADIC ' ELSE '' END
			|| CASE
				WHEN mask & (1::bigint << n::int - 1) <> 0 OR good(f.names[n], t) IS NULL THEN CASE t WHEN 'internal' THEN 'NULL' WHEN 'anyarray' THEN 'NULL::int[]' ELSE 'NULL::' || t END
				ELSE good(f.names[n], t)
			END, ', ' ORDER BY n)
		INTO arguments FROM unnest(f.types) WITH ORDINALITY AS u (t, n);
		BEGIN
			calls := calls + 1;
			EXECUTE format(CASE f.prokind WHEN 'p' THEN 'CALL %s(%s)' ELSE 'SELECT %s(%s)' END, f.name, arguments);
			RAISE EXCEPTION 'undone' USING ERRCODE = 'raise_exception';
		EXCEPTION
			WHEN internal_error OR data_corrupted OR index_corrupted THEN
				GET STACKED DIAGNOSTICS message = MESSAGE_TEXT;
				internal := concat_ws(E'\n', internal, format('%s(%s): %s', f.name, arguments, message));
			WHEN OTHERS THEN
				NULL;
		END;
	END LOOP;
END $$;

SET LOCAL client_min_messages = error;
SET LOCAL jit = off;
SELECT is(t.internal, NULL, format('%s: %s calls', f.signature, t.calls)) FROM functions f, LATERAL try_nulls(f) t ORDER BY f.signature;
SELECT ok(count(*) > 80, 'there are functions to call') FROM functions;
RESET client_min_messages;

-- What is asked of no posterior has no answer
SELECT is(bnai_plot_columns(NULL, NULL), NULL, 'bnai_plot_columns of no posterior');
SELECT is(bnai_plot_columns(NULL, '{a}'), NULL, 'bnai_plot_columns of no posterior, with columns');
SELECT is(bnai_plot_columns(bnai_fitted('points'), NULL), '{1,2}', 'bnai_plot_columns of all columns');

SELECT * FROM finish();
ROLLBACK;
