-- In front of the search path stands a schema with an operator, function, or type of every name that the server has, for built-in
-- types; whatever looks one up there runs into an error that names it.
BEGIN;
SELECT no_plan();
SET client_min_messages = warning;
CREATE ROLE bnai_plain;
CREATE SCHEMA evil;
GRANT USAGE, CREATE ON SCHEMA evil TO bnai_plain;
GRANT CREATE ON SCHEMA public TO bnai_plain;

-- each overload takes exactly what is there, and so is as good a match as any: the one that stands first wins
DO $$
DECLARE
	f record;
	kinds text[] := '{bool,int2,int4,int8,float4,float8,numeric,text,name,oid,regclass,timestamptz,interval,json,jsonb,"int4[]","text[]","float8[]","float4[]",bytea,tid,varchar,bpchar}';
BEGIN
	FOR f IN
		SELECT DISTINCT p.proname, pg_get_function_identity_arguments(p.oid) AS arguments, format_type(p.prorettype, NULL) AS result, p.proretset
		FROM pg_proc p
		WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.prokind = 'f' AND p.provariadic = 0
			AND p.proname <> ALL ('{set_config,current_setting,pg_typeof}')
			AND p.proname IN ('nextval', 'now', 'clock_timestamp', 'array_position', 'cardinality', 'unnest', 'make_interval', 'power', 'rtrim', 'length',
				'texteq', 'int84eq', 'int8', 'float8', 'text', 'float4', 'sqrt', 'cos', 'sin', 'pi', 'generate_series', 'generate_subscripts', 'to_regclass',
				'json_each', 'json_strip_nulls', 'jsonb_array_elements', 'jsonb_to_recordset', 'hash_array_extended', 'array_length', 'format', 'concat',
				'json_build_object', 'jsonb_build_object', 'json_build_array', 'int4', 'regclass', 'oid', 'name', 'btrim', 'lower', 'upper', 'abs', 'floor')
			AND NOT EXISTS (SELECT FROM unnest(p.proargtypes) a WHERE a IN (SELECT oid FROM pg_type WHERE typtype = 'p' AND typname NOT LIKE 'any%'))
			AND p.prorettype NOT IN (SELECT oid FROM pg_type WHERE typtype = 'p' AND typname NOT LIKE 'any%')
	LOOP
		BEGIN
			EXECUTE format('CREATE FUNCTION evil.%I(%s) RETURNS %s %s LANGUAGE plpgsql AS %L', f.proname, f.arguments, CASE WHEN f.proretset THEN 'SETOF' END, f.result,
				format('BEGIN RAISE EXCEPTION ''evil function %s''; END', f.proname));
		EXCEPTION WHEN OTHERS THEN NULL;
		END;
	END LOOP;
	FOR f IN SELECT DISTINCT o.oprname AS name, o.oprleft, o.oprright, format_type(o.oprleft, NULL) AS a, format_type(o.oprright, NULL) AS b,
			format_type(o.oprresult, NULL) AS result
		FROM pg_operator o WHERE o.oprnamespace = 'pg_catalog'::regnamespace AND o.oprleft <> 0
			AND format_type(o.oprleft, NULL) = ANY (SELECT format_type(k::regtype, NULL) FROM unnest(kinds) k)
			AND format_type(o.oprright, NULL) = ANY (SELECT format_type(k::regtype, NULL) FROM unnest(kinds) k)
	LOOP
		EXECUTE format('CREATE FUNCTION evil.operator_%s_%s(%s, %s) RETURNS %s LANGUAGE plpgsql AS %L', f.oprleft, md5(f.name || f.oprright), f.a, f.b, f.result,
			format('BEGIN RAISE EXCEPTION ''evil operator %s''; END', replace(f.name, '%', '%%')));
		EXECUTE format('CREATE OPERATOR evil.%s (FUNCTION = evil.operator_%s_%s, LEFTARG = %s, RIGHTARG = %s)', f.name, f.oprleft, md5(f.name || f.oprright), f.a, f.b);
	END LOOP;
	-- and for pairs of types that the server compares after a cast, where a better match is one that needs none
	FOR f IN SELECT n.name, a.a, b.b, row_number() OVER () AS number
		FROM unnest('{=,<>,<,>,<=,>=,||,+,-,*,/,&&}'::text[]) n (name), unnest('{int4,int8,oid,regclass,name,text}'::text[]) a (a), unnest('{int4,int8,oid,regclass,name,text}'::text[]) b (b)
		WHERE NOT EXISTS (SELECT FROM pg_operator o WHERE o.oprnamespace = 'evil'::regnamespace AND o.oprname = n.name AND o.oprleft = a.a::regtype AND o.oprright = b.b::regtype)
	LOOP
		EXECUTE format('CREATE FUNCTION evil.pair_%s(%s, %s) RETURNS boolean LANGUAGE plpgsql AS %L', f.number, f.a, f.b, format('BEGIN RAISE EXCEPTION ''evil operator %s''; END', f.name));
		EXECUTE format('CREATE OPERATOR evil.%s (FUNCTION = evil.pair_%s, LEFTARG = %s, RIGHTARG = %s)', f.name, f.number, f.a, f.b);
	END LOOP;
	-- aggregates and functions of any arguments
	FOR f IN SELECT * FROM (VALUES ('count'), ('sum'), ('max'), ('array_agg'), ('json_agg'), ('json_object_agg'), ('bool_or')) t (name) LOOP
		EXECUTE format('CREATE FUNCTION evil.%I(anyelement) RETURNS anyelement LANGUAGE plpgsql AS %L', f.name, format('BEGIN RAISE EXCEPTION ''evil function %s''; END', f.name));
	END LOOP;
	-- types
	FOR f IN SELECT unnest('{float8,float4,text,int4,int8,regclass,jsonb,json,tid,name,oid}'::text[]) AS name LOOP
		EXECUTE format('CREATE DOMAIN evil.%I AS pg_catalog.%I CHECK (false)', f.name, f.name);
	END LOOP;
END $$;

CREATE TABLE rows (id int, a float8, b numeric, v real[], w float8 DEFAULT 1, label text);
INSERT INTO rows SELECT i, (i % 2) * 10 + sin(i), (i % 2) * 10 + cos(i), ARRAY[sin(i), cos(i)] FROM generate_series(1, 60) i;
CREATE TABLE parts (x float8, y int) PARTITION BY RANGE (y);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (10);
ALTER TABLE rows OWNER TO bnai_plain;
ALTER TABLE parts OWNER TO bnai_plain;
ALTER TABLE parts_1 OWNER TO bnai_plain;

-- statements, in their order; ${p} is a name of its own for each role
CREATE TEMP TABLE statement (n serial, text pg_catalog.text);
INSERT INTO statement (text) VALUES
	('SELECT bnai_create_clustering(''m'', ''public.rows'', ''{a,b}'', results_column => ''label'', max_clusters => 3, restarts => 2)'),
	('SELECT bnai_create_clustering(''v'', ''public.rows'', ''{v,a}'', results_column => ''label'', max_clusters => 2, weight_column => ''w'')'),
	('SELECT bnai_create_network(''g'')'),
	('SELECT bnai_add_node(''g'', ''mu'', ''GaussianARD'', ''0, 1e-6'')'),
	('SELECT bnai_add_node(''g'', ''tau'', ''Gamma'', ''1e-6, 1e-6'')'),
	('SELECT bnai_add_node(''g'', ''x'', ''GaussianARD'', ''mu, tau'', ''public.rows'', ''{a}'')'),
	('SELECT bnai_change_node(''g'', ''mu'', ''1, 1e-6'')'),
	('SELECT bnai_create_clustering(''p'', ''public.parts'', ''{x}'')'),
	('SELECT rows FROM bnai_infer(''m'')'), ('SELECT rows FROM bnai_infer(''m'')'), ('SELECT rows FROM bnai_infer(''v'')'), ('SELECT rows FROM bnai_infer(''g'')'),
	('SELECT bnai_watch(''m'', ''public.rows'', ''INSERT'')'), ('SELECT bnai_watch(''m'', ''public.rows'', ''INSERT'', 2)'),
	('SELECT bnai_watch(''m'', ''public.rows'', ''UPDATE'')'), ('SELECT bnai_watch(''m'', ''public.rows'', ''DELETE'')'), ('SELECT bnai_watch(''m'', ''public.rows'', ''TRUNCATE'')'),
	('SELECT bnai_watch(''p'', ''public.parts'', ''INSERT'')'), ('SELECT bnai_watch(''p'', ''public.parts_1'', ''UPDATE'')'),
	('SELECT bnai_label_on_insert(''public.rows'', ''m'')'),
	('INSERT INTO public.rows (id, a, b) VALUES (1000, 0, 0)'), ('UPDATE public.rows SET a = 10, b = 10'), ('DELETE FROM public.rows WHERE id IS NULL'),
	('INSERT INTO public.parts VALUES (1, 1)'), ('UPDATE public.parts SET x = 2'),
	('CREATE TABLE public.parts_2 PARTITION OF public.parts FOR VALUES FROM (10) TO (20)'), ('DROP TABLE public.parts_2'),
	('SELECT bnai_set(''m'', ''counter_threshold'', ''1'')'), ('SELECT bnai_set(''m'', ''threshold_action'', ''background'')'),
	('SELECT bnai_set(''m'', ''threshold_action'', ''recalculate'')'), ('SELECT bnai_set(''m'', ''history'', ''2'')'),
	('SELECT bnai_set(''m'', ''priors'', ''data'')'), ('SELECT bnai_set(''m'', ''results_column'', ''label'')'), ('SELECT bnai_set(''v'', ''weight_column'', ''w'')'),
	('INSERT INTO public.rows (id, a, b) VALUES (1001, 0, 0)'), ('SELECT bnai_increment(''m'', 5)'), ('SELECT bnai_recalculate_if_needed(''m'', 1)'),
	('SELECT bnai_infer(''m'')'),
	('SELECT bnai_predict(''m'', 1, 2)'), ('SELECT bnai_predict_proba(''m'', 1, 2)'), ('SELECT bnai_score(''m'', 1, 2)'), ('SELECT bnai_typicality(''m'', 1, 2)'),
	('SELECT bnai_explain(''m'', 1, 2)'), ('SELECT bnai_impute(''m'', 1, NULL)'), ('SELECT bnai_predict(bnai_fitted(''v''), 1, 2, 3)'),
	('SELECT bnai_fit(''m'', VARIADIC ARRAY[a, b]::pg_catalog.float8[]) FROM public.rows'),
	('SELECT bnai_mean(''g'', ''mu'')'), ('SELECT bnai_moments(''m'', ''mu'')'), ('SELECT bnai_trace(''m'')'), ('SELECT bnai_graph(''m'')'),
	('SELECT bnai_density(''g'', ''mu'')'), ('SELECT bnai_sample_rows(''v'')'), ('SELECT bnai_changes(''m'')'), ('SELECT bnai_compare_clusters(''m'', 1, 2)'),
	('SELECT c.* FROM (SELECT pg_catalog.max(run) AS run FROM public.bnai_runs WHERE network OPERATOR(pg_catalog.=) ''m'') r, public.bnai_compare(r.run, r.run) c'),
	('SELECT bnai_rollback(''m'')'), ('SELECT bnai_posterior_as_prior(''m'')'),
	('SELECT bnai_plot(''m'', ''clusters'')'), ('SELECT bnai_plot(''v'', ''clusters'')'), ('SELECT bnai_plot(''g'', ''posterior'', node => ''mu'')'), ('SELECT bnai_plot(''m'', ''trace'')'),
	('SELECT bnai_plot(''m'', ''sizes'')'), ('SELECT bnai_plot(''m'', ''changes'')'),
	('SELECT bnai_next_time(''1 * * * *'')'), ('SELECT bnai_grant(''m'', ''public'', ''read'')'), ('SELECT bnai_revoke(''m'', ''public'', ''read'')'),
	('SELECT bnai_unwatch(''p'')'), ('SELECT bnai_drop_node(''g'', ''x'')'), ('SELECT bnai_reset(''m'')'), ('SELECT bnai_drop_network(''v'')');
INSERT INTO statement (text) SELECT pg_catalog.format('TABLE public.%I', c.relname)
FROM pg_class c JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
	JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'bnai'
WHERE c.relkind = 'v' ORDER BY 1;
INSERT INTO statement (text) VALUES ('SELECT bnai_drop_network(''m'')'), ('SELECT bnai_drop_network(''g'')'), ('SELECT bnai_drop_network(''p'')'), ('TRUNCATE public.rows');
GRANT SELECT ON statement TO bnai_plain;

-- Runs them all as a role, with a search path that begins with evil; returns what they fail with.
CREATE FUNCTION public.run_behind(role pg_catalog.name, OUT statement pg_catalog.text, OUT error pg_catalog.text) RETURNS SETOF record LANGUAGE plpgsql
SET search_path = public, pg_catalog AS $$
DECLARE
	all_of_them pg_catalog.text[] := (SELECT pg_catalog.array_agg(s.text ORDER BY s.n) FROM pg_temp.statement s);
BEGIN
	EXECUTE pg_catalog.format('SET LOCAL ROLE %I', role);
	FOREACH statement IN ARRAY all_of_them LOOP
		error := NULL;
		PERFORM pg_catalog.set_config('search_path', 'evil, pg_catalog, public', true);
		BEGIN
			EXECUTE statement;
		EXCEPTION WHEN OTHERS THEN
			error := SQLERRM;
		END;
		PERFORM pg_catalog.set_config('search_path', 'public, pg_catalog', true);
		IF error IS NOT NULL THEN
			RETURN NEXT;
		END IF;
	END LOOP;
	RESET ROLE;
END $$;

SELECT throws_ok($$SELECT set_config('search_path', 'evil, pg_catalog, public', true); SELECT 1::int4 = 1::int4$$, NULL, NULL, 'the path bites');
SELECT set_config('search_path', 'public, pg_catalog', true);
SAVEPOINT before;
SELECT is(array_agg(statement || ': ' || error), NULL, 'nothing of it is called for an ordinary role') FROM run_behind('bnai_plain');
ROLLBACK TO before;
SELECT is(array_agg(statement || ': ' || error), NULL, 'nor for a superuser') FROM run_behind(current_user);
SELECT finish();
ROLLBACK;
