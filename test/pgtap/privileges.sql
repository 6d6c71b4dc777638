-- Who may do what: the matrix of docs/permissions.md, operation by operation
-- and role by role; and what is granted, revoked, and under row security.
BEGIN;
SELECT no_plan();

CREATE ROLE bnai_owner;
CREATE ROLE bnai_member IN ROLE bnai_owner;
CREATE ROLE bnai_reader;
CREATE ROLE bnai_inferrer;
CREATE ROLE bnai_table_owner;
CREATE ROLE bnai_database_owner;
CREATE ROLE bnai_stranger;
GRANT CREATE ON SCHEMA public TO bnai_owner, bnai_table_owner;
SELECT format('ALTER DATABASE %I OWNER TO bnai_database_owner', current_database()) \gexec

-- all of them may read the columns, which is no right on the network
SET ROLE bnai_table_owner;
CREATE TABLE metrics (id int PRIMARY KEY, a float8, b float8, secret float8, label text);
INSERT INTO metrics
SELECT i, 10 * (i % 2) + sin(i), 10 * (i % 2) + cos(2.5 * i), i, NULL FROM generate_series(1, 40) i;
GRANT SELECT (id, a, b, label) ON metrics TO PUBLIC;
GRANT UPDATE (label) ON metrics TO bnai_owner, bnai_inferrer;
GRANT TRIGGER ON metrics TO bnai_owner;
RESET ROLE;
ANALYZE metrics;

SET ROLE bnai_owner;
SELECT bnai_create_clustering('m', 'metrics', '{a,b}', results_column => 'label', max_clusters => 3);
SELECT count(*) FROM bnai_infer('m');
SELECT count(*) FROM bnai_infer('m');
SELECT bnai_watch('m', 'metrics', 'UPDATE');
SELECT bnai_grant('m', 'bnai_reader', 'read');
SELECT bnai_grant('m', 'bnai_inferrer', 'infer');
RESET ROLE;
CREATE FUNCTION m() RETURNS integer LANGUAGE sql SECURITY DEFINER AS $$ SELECT id FROM bnai_network WHERE name = 'm' $$;
CREATE FUNCTION m_run() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS
	$$ SELECT id FROM bnai_run WHERE network = m() ORDER BY id DESC LIMIT 1 $$;

/*
 * Runs a statement as a role and undoes it.  Returns "yes" if it gave rows,
 * "none" if not, and otherwise the error's condition.
 */
CREATE FUNCTION try_as(role text, statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	rows bigint;
	result text;
BEGIN
	BEGIN
		EXECUTE pg_catalog.format('SET LOCAL ROLE %I', role);
		EXECUTE 'SELECT pg_catalog.count(s) FROM (' || statement || ') s' INTO rows;
		RAISE EXCEPTION USING ERRCODE = 'UNDO1', MESSAGE = CASE WHEN rows > 0 THEN 'yes' ELSE 'none' END;
	EXCEPTION
		WHEN SQLSTATE 'UNDO1' THEN
			result := SQLERRM;
		WHEN insufficient_privilege THEN
			result := 'denied';
		WHEN OTHERS THEN
			result := SQLERRM;
	END;
	RETURN result;
END $$;

-- change: whoever may change the network; infer: whoever may infer it; read: whoever may read it; see: likewise, but
-- others see nothing; table: the owner of the database, to dump it; all: whoever likes.  yes: what who may gets.
CREATE TABLE operations (kind text, statement text, yes text DEFAULT 'yes');
GRANT SELECT ON operations TO PUBLIC;
INSERT INTO operations (kind, statement) VALUES
	('change', $$SELECT bnai_set('m', 'restarts', '3')$$),
	('change', $$SELECT bnai_grant('m', 'bnai_stranger', 'read')$$),
	('change', $$SELECT bnai_revoke('m', 'bnai_reader')$$),
	('change', $$SELECT bnai_add_node('m', 'x', 'Gamma', '1, 1')$$),
	('change', $$SELECT bnai_change_node('m', 'alpha', 'full(3, 1)')$$),
	('change', $$SELECT bnai_rebind('m', 'metrics')$$),
	('change', $$SELECT bnai_drop_node('m', 'Y')$$),
	('change', $$SELECT bnai_drop_network('m')$$),
	('change', $$SELECT bnai_reset('m')$$),
	('change', $$SELECT bnai_rollback('m')$$),
	('change', $$SELECT bnai_posterior_as_prior('m')$$),
	('change', $$SELECT bnai_watch('m', 'metrics', 'INSERT')$$),
	('change', $$SELECT bnai_label_on_insert('metrics', 'm')$$),
	('change', $$SELECT bnai_unwatch('m')$$),
	('change', $$SELECT bnai_unschedule('m')$$),
	('change', $$SELECT bnai_cancel('m')$$),
	('infer', $$SELECT * FROM bnai_infer('m')$$),
	('infer', $$SELECT bnai_increment('m', 1)$$),
	('infer', $$SELECT bnai_recalculate_if_needed('m', 1)$$),
	('read', $$SELECT bnai_graph('m')$$),
	('read', $$SELECT bnai_plot('m', 'clusters')$$),
	('read', $$SELECT bnai_plot_clusters('m', NULL, 10, 1)$$),
	('read', $$SELECT bnai_plot_posterior('m', 'mu', NULL, NULL)$$),
	('read', $$SELECT bnai_plot_trace('m')$$),
	('read', $$SELECT bnai_plot_sizes('m')$$),
	('read', $$SELECT bnai_plot_changes('m')$$),
	('read', $$SELECT bnai_density('m', 'mu')$$),
	('read', $$SELECT * FROM bnai_sample_rows('m')$$),
	('read', $$SELECT * FROM bnai_trace('m')$$),
	('read', $$SELECT * FROM bnai_changes('m')$$),
	('read', $$SELECT * FROM bnai_compare(m_run(), m_run())$$),
	('read', $$SELECT * FROM bnai_compare_clusters('m', 2, 2)$$),
	('read', $$SELECT * FROM bnai_moments('m', 'mu')$$),
	('read', $$SELECT bnai_fitted('m')$$),
	('see', $$SELECT WHERE bnai_run_posterior(m_run()) IS NOT NULL$$),
	('read', $$SELECT bnai_fit('m', a, b) FROM (VALUES (1, 2), (2, 1), (8, 9)) v (a, b)$$),
	('read', $$SELECT bnai_predict('m', 10, 10)$$),
	('read', $$SELECT * FROM bnai_predict_proba('m', 10, 10)$$),
	('read', $$SELECT bnai_score('m', 10, 10)$$),
	('read', $$SELECT bnai_typicality('m', 10, 10)$$),
	('read', $$SELECT * FROM bnai_explain('m', 10, 10)$$),
	('read', $$SELECT * FROM bnai_impute('m', 10, NULL)$$),
	('see', $$SELECT * FROM bnai_networks$$),
	('see', $$SELECT * FROM bnai_nodes$$),
	('see', $$SELECT * FROM bnai_edges$$),
	('see', $$SELECT * FROM bnai_runs$$),
	('see', $$SELECT * FROM bnai_restarts$$),
	('see', $$SELECT * FROM bnai_status$$),
	('see', $$SELECT * FROM bnai_watches$$),
	('see', $$SELECT * FROM bnai_clusters$$),
	('see', $$SELECT * FROM bnai_previous_clusters$$),
	('see', $$SELECT * FROM bnai_parameters$$),
	('see', $$SELECT WHERE bnai_may_read(m())$$),
	('see', $$SELECT WHERE bnai_counter(m()) IS NOT NULL$$),
	('see', $$SELECT WHERE bnai_labelled_rows(m()) IS NOT NULL$$),
	('see', $$SELECT WHERE bnai_unlabelled_share(m()) IS NOT NULL$$),
	('see', $$SELECT WHERE bnai_unwatched(m()) IS NOT NULL$$),
	('see', $$SELECT WHERE bnai_put_off(m()) IS NOT NULL$$),
	('all', $$SELECT bnai_create_network('other')$$),
	('all', $$SELECT bnai_create_clustering('other', 'metrics', '{a,b}')$$),
	('all', $$SELECT bnai_failure_text(m(), 'said', '23505')$$),
	('all', $$SELECT bnai_plot_title('m', 'title', NULL)$$),
	('table', $$SELECT * FROM bnai_network$$),
	('table', $$SELECT * FROM bnai_node$$),
	('table', $$SELECT * FROM bnai_run$$),
	('table', $$SELECT * FROM bnai_granted$$),
	('table', $$SELECT last_value FROM bnai_run_id_seq$$);
INSERT INTO operations VALUES
	('change', $$SELECT bnai_schedule('m', '* * * * *')$$, 'extension "pg_cron" is not installed in this database'),
	('read', $$SELECT bnai_mean('m', 'mu')$$, 'node "mu" is more than one number'),
	('see', $$SELECT * FROM bnai_progress$$, 'none'),
	('see', $$SELECT * FROM bnai_progress_of(m())$$, 'none'),
	('see', $$SELECT WHERE bnai_running_since(m()) IS NOT NULL$$, 'none'),
	('see', $$SELECT WHERE bnai_schedule_state(m()) IS NOT NULL$$, 'none');

CREATE TABLE roles (role text, may text[]);
INSERT INTO roles VALUES
	('bnai_owner', '{change,infer,read,see,all}'),
	('bnai_member', '{change,infer,read,see,all}'),
	('bnai_inferrer', '{infer,read,see,all}'),
	('bnai_reader', '{read,see,all}'),
	('bnai_table_owner', '{all}'),
	('bnai_database_owner', '{all,table}'),
	('bnai_stranger', '{all}');

SELECT is(try_as(role, statement),
	CASE WHEN kind = ANY (may) THEN yes WHEN kind = 'see' THEN 'none' ELSE 'denied' END,
	role || ': ' || statement)
FROM operations, roles ORDER BY statement, role;

-- every function that is told a network, and every view, is in the matrix; bnai_fit_row is bnai_fit's own, and
-- bnai_infer_now and bnai_run_schedule commit, for which test/tap/infer_now.pl and cron.pl have servers of their own
SELECT is_empty($$
	SELECT p.proname FROM pg_proc p JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
	WHERE d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'bnai')
	AND 'network' = ANY (p.proargnames[:p.pronargs]) AND p.proname NOT IN ('bnai_fit_row', 'bnai_infer_now', 'bnai_run_schedule')
	AND NOT EXISTS (SELECT FROM operations WHERE statement ~ (p.proname || '\('))
	UNION ALL
	SELECT c.relname FROM pg_class c JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
	WHERE d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'bnai') AND c.relkind = 'v'
	AND NOT EXISTS (SELECT FROM operations WHERE statement ~ ('FROM ' || c.relname || '$'))$$,
	'the matrix has every function that is told a network, and every view');

-- a statement that a view's user brings along does not see what the view hides
CREATE FUNCTION tell(anyelement) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS
	$$ BEGIN RAISE EXCEPTION 'leaked %', $1; END $$;
SELECT is(try_as('bnai_stranger', $$SELECT * FROM bnai_nodes WHERE public.tell(params)$$), 'none', 'a cheap function sees no hidden node');
SELECT is(try_as('bnai_stranger', $$SELECT * FROM bnai_runs WHERE public.tell(elbo)$$), 'none', 'a cheap function sees no hidden run');

-- functions that are not for everybody to call
SELECT results_eq($$
	SELECT p.proname::text COLLATE "default" FROM pg_proc p JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
	WHERE d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'bnai') AND NOT has_function_privilege('bnai_stranger', p.oid, 'EXECUTE')
	ORDER BY 1$$,
	$$SELECT * FROM unnest('{bnai_bind_posterior,bnai_changed,bnai_check_background,bnai_drop_job,bnai_drop_watch_triggers,bnai_fit_posterior,bnai_fit_row,bnai_guard,bnai_release_counter,bnai_watch_partitions}'::text[]) AS f ORDER BY 1$$,
	'what nobody calls by name, nobody may call');
SELECT is_empty($$
	SELECT p.proname FROM pg_proc p JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
	WHERE d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'bnai') AND p.prosecdef AND p.proname <> 'bnai_watch_partitions'$$,
	'no function has other rights than who calls it, but the event trigger');

-- granting and revoking
SELECT results_eq($$SELECT readers, inferrers FROM bnai_networks WHERE network = 'm'$$,
	$$VALUES ('{bnai_reader}'::text[], '{bnai_inferrer}'::text[])$$, 'bnai_networks shows what is granted');
SELECT throws_ok($$SELECT bnai_grant('m', 'nobody there', 'read')$$, '42704', 'role "nobody there" does not exist', 'a role that does not exist');
SELECT throws_ok($$SELECT bnai_grant('m', 'bnai_reader', 'write')$$, '22023', 'unknown privilege "write"', 'an unknown privilege');
SELECT throws_ok($$SELECT bnai_grant('m', NULL, 'read')$$, '22004', 'argument "role" must not be NULL', 'no role');
SELECT bnai_grant('m', 'bnai_reader', 'read');
SELECT is((SELECT readers FROM bnai_networks WHERE network = 'm'), '{bnai_reader}', 'what is granted twice is granted');
CREATE ROLE bnai_group_reader IN ROLE bnai_reader;
SELECT is(try_as('bnai_group_reader', $$SELECT bnai_score('m', 10, 10)$$), 'yes', 'members of a reader read');
CREATE ROLE bnai_aloof_reader NOINHERIT IN ROLE bnai_reader;
SELECT is(try_as('bnai_aloof_reader', $$SELECT bnai_score('m', 10, 10)$$), 'denied', 'unless they inherit nothing');
SELECT bnai_revoke('m', 'bnai_reader', 'read');
SELECT is(try_as('bnai_reader', $$SELECT bnai_score('m', 10, 10)$$), 'denied', 'what is revoked is denied');
SELECT bnai_grant('m', 'bnai_inferrer', 'read'), bnai_revoke('m', 'bnai_inferrer', 'infer');
SELECT is(try_as('bnai_inferrer', $$SELECT bnai_increment('m', 1)$$), 'denied', 'without infer');
SELECT is(try_as('bnai_inferrer', $$SELECT bnai_score('m', 10, 10)$$), 'yes', 'there can be read');
SELECT bnai_grant('m', 'bnai_inferrer', 'infer'), bnai_revoke('m', 'bnai_inferrer', 'read');
SELECT is(try_as('bnai_inferrer', $$SELECT bnai_increment('m', 1)$$), 'denied', 'without read there is no infer');
SELECT bnai_grant('m', 'PUBLIC', 'read');
SELECT is((SELECT readers FROM bnai_networks WHERE network = 'm'), '{public}', 'a network can be everybody''s');
SELECT is(try_as('bnai_stranger', $$SELECT bnai_score('m', 10, 10)$$), 'yes', 'to read');
SELECT is(try_as('bnai_stranger', $$SELECT bnai_increment('m', 1)$$), 'denied', 'but not to infer');
SELECT bnai_revoke('m', 'public');
SELECT is(try_as('bnai_stranger', $$SELECT bnai_score('m', 10, 10)$$), 'denied', 'until that is revoked');

-- a right goes with its role, and does not come back with the name
CREATE ROLE bnai_passing;
SELECT bnai_grant('m', 'bnai_passing', 'infer');
DROP ROLE bnai_passing;
SELECT is((SELECT inferrers FROM bnai_networks WHERE network = 'm'), NULL, 'a role that is gone is not shown');
CREATE ROLE bnai_passing;
SELECT is(try_as('bnai_passing', $$SELECT bnai_score('m', 10, 10)$$), 'denied', 'and not another one of its name');

-- reading a network is not reading its rows
SELECT bnai_grant('m', 'bnai_reader', 'read'), bnai_grant('m', 'bnai_inferrer', 'infer');
REVOKE SELECT (b) ON metrics FROM PUBLIC;
GRANT SELECT (b) ON metrics TO bnai_owner;
SELECT is(try_as('bnai_reader', $$SELECT bnai_predict('m', 10, 10)$$), 'yes', 'a reader needs no right on the table to score');
SELECT is(try_as('bnai_reader', $$SELECT * FROM bnai_clusters$$), 'yes', 'nor to see clusters');
SELECT is(try_as('bnai_reader', $$SELECT * FROM bnai_sample_rows('m')$$), 'denied', 'but to see rows');
SELECT is(try_as('bnai_reader', $$SELECT bnai_plot('m', 'clusters')$$), 'denied', 'and pictures of rows');
SELECT is(try_as('bnai_inferrer', $$SELECT * FROM bnai_infer('m')$$), 'denied', 'who infers reads rows');
GRANT SELECT (b) ON metrics TO bnai_inferrer;
REVOKE UPDATE (label) ON metrics FROM bnai_inferrer;
SELECT is(try_as('bnai_inferrer', $$SELECT * FROM bnai_infer('m')$$), 'denied', 'and writes labels');
GRANT UPDATE (label) ON metrics TO bnai_inferrer;
SELECT is(try_as('bnai_inferrer', $$SELECT * FROM bnai_infer('m')$$), 'yes', 'with their own rights');
GRANT SELECT (b) ON metrics TO PUBLIC;
SELECT is(try_as('bnai_owner', $$SELECT bnai_set('m', 'weight_column', 'secret')$$), 'denied', 'no weight column without SELECT');
SELECT bnai_set('m', 'weight_column', 'secret');
SELECT is(try_as('bnai_owner', $$SELECT * FROM bnai_infer('m')$$), 'denied', 'no inference without SELECT on the weights');
SELECT is(try_as('bnai_inferrer', $$SELECT * FROM bnai_infer('m')$$), 'denied', 'for nobody');
SELECT bnai_set('m', 'weight_column', NULL);

-- what an error says: all to who may change the network, to others what kind it was
INSERT INTO bnai_failure VALUES (m(), now(), now(), 'row with secret 7 is locked', 'P0001');
INSERT INTO bnai_attempt VALUES (m(), now(), false, 1, NULL, 'row with secret 7 is locked', now(), 'P0001');
SELECT is(try_as('bnai_member', $$SELECT FROM bnai_runs WHERE error = 'row with secret 7 is locked'$$), 'yes', 'who may change a network sees why it failed');
SELECT is(try_as('bnai_reader', $$SELECT FROM bnai_runs WHERE error = 'the inference failed (SQLSTATE class P0)'$$), 'yes', 'who reads it sees that it failed');
SELECT is(try_as('bnai_inferrer', $$SELECT FROM bnai_status WHERE last_error = 'the inference failed (SQLSTATE class P0)'$$), 'yes', 'in bnai_status, too');
SELECT is(try_as('bnai_reader', $$SELECT FROM bnai_runs r, bnai_status s WHERE (r, s)::text LIKE '%secret%'$$), 'none', 'and nothing else');

-- a network of a column that one may not read, or a results column that one may not write
SELECT is(try_as('bnai_owner', $$SELECT bnai_create_clustering('s', 'metrics', '{a,secret}')$$), 'denied', 'no node on a column without SELECT');
SELECT is(try_as('bnai_stranger', $$SELECT bnai_create_network('m')$$), 'network "m" already exists', 'names are taken for all');
REVOKE UPDATE (label) ON metrics FROM bnai_owner;
SELECT is(try_as('bnai_owner', $$SELECT * FROM bnai_infer('m')$$), 'denied', 'no inference without UPDATE on the results column');
SELECT is(try_as('bnai_owner', $$SELECT bnai_reset('m')$$), 'denied', 'no reset without UPDATE on the results column');
GRANT UPDATE (label) ON metrics TO bnai_owner;
REVOKE SELECT (a) ON metrics FROM PUBLIC;
SELECT is(try_as('bnai_owner', $$SELECT * FROM bnai_infer('m')$$), 'denied', 'no inference without SELECT on the columns');
SELECT is(try_as('bnai_owner', $$SELECT * FROM bnai_clusters$$), 'yes', 'an owner keeps what was inferred');
GRANT SELECT (a) ON metrics TO PUBLIC;

-- a table that everybody may read says nothing of who may read the network, nor does one that is gone
SET ROLE bnai_owner;
CREATE TABLE passing (a float8);
GRANT SELECT ON passing TO PUBLIC;
SELECT bnai_create_clustering('gone', 'passing', '{a}');
SELECT bnai_grant('gone', 'bnai_reader', 'infer');
RESET ROLE;
SELECT is(try_as('bnai_stranger', $$SELECT * FROM bnai_nodes WHERE network = 'gone'$$), 'none', 'a network of a public table is not public');
DROP TABLE passing;
SELECT is(try_as('bnai_member', $$SELECT * FROM bnai_nodes WHERE network = 'gone'$$), 'yes', 'without its table it is still its owner''s');
SELECT is(try_as('bnai_reader', $$SELECT * FROM bnai_nodes WHERE network = 'gone'$$), 'yes', 'and its readers''');
SELECT is(try_as('bnai_reader', $$SELECT * FROM bnai_status WHERE network = 'gone'$$), 'yes', 'in all views');
SELECT is(try_as('bnai_owner', $$SELECT bnai_drop_network('gone')$$), 'yes', 'who may drop it');

-- row security: nobody but the owner infers from some of the rows
ALTER TABLE metrics ENABLE ROW LEVEL SECURITY;
CREATE POLICY thirty ON metrics TO bnai_owner, bnai_inferrer USING (id <= 30) WITH CHECK (true);
SELECT is(try_as('bnai_inferrer', $$SELECT * FROM bnai_infer('m')$$), 'denied', 'row security refuses an inference');
SELECT is(try_as('bnai_inferrer', $$SELECT bnai_recalculate_if_needed('m', 1)$$), 'denied', 'at a threshold');
SELECT is(try_as('bnai_inferrer', $$SELECT bnai_increment('m', 1)$$), 'denied', 'and counts');
SELECT is(try_as('bnai_inferrer', $$SELECT bnai_score('m', 10, 10)$$), 'yes', 'but not what was granted to read');
SELECT is(try_as('bnai_owner', $$SELECT 1 FROM bnai_infer('m') WHERE rows = 30$$), 'yes', 'the owner of the network infers from the rows that are visible');
ALTER TABLE metrics DISABLE ROW LEVEL SECURITY;

-- below a view, and below a view below it
CREATE TABLE base (a float8, b float8, who text);
INSERT INTO base SELECT i, -i, 'bnai_inferrer' FROM generate_series(1, 20) i;
CREATE VIEW middle AS SELECT * FROM base;
CREATE VIEW top AS SELECT a, (SELECT max(b) FROM middle) AS b FROM metrics;
CREATE VIEW plain AS SELECT a, b FROM base;
CREATE MATERIALIZED VIEW kept AS SELECT a, b FROM base;
GRANT SELECT ON base, middle, top, plain, kept TO PUBLIC;
SET ROLE bnai_owner;
SELECT bnai_create_clustering(name, name::regclass, '{a,b}'), bnai_grant(name, 'bnai_inferrer', 'infer')
FROM unnest('{top,plain,kept}'::text[]) name;
RESET ROLE;
SELECT is(try_as('bnai_inferrer', $$SELECT * FROM bnai_infer('top')$$), 'yes', 'a view without row security below it');
ALTER TABLE base ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON base USING (who = current_user);
SELECT is(try_as('bnai_inferrer', $$SELECT * FROM bnai_infer('plain')$$), 'denied', 'row security below a view');
SELECT is(try_as('bnai_inferrer', $$SELECT * FROM bnai_infer('top')$$), 'denied', 'and further below');
SELECT is(try_as('bnai_owner', $$SELECT * FROM bnai_infer('top')$$), 'yes', 'the owner may');
SELECT is(try_as('bnai_inferrer', $$SELECT * FROM bnai_infer('kept')$$), 'yes', 'what is materialized is the same for all');
SET ROLE bnai_inferrer;
SELECT throws_ok($$SELECT bnai_infer('top')$$, '42501', 'permission denied to infer network "top" under row security', 'it is said why');
RESET ROLE;

-- posteriors: who owns the database may dump and restore the tables, and reads no posterior by that
CREATE ROLE bnai_auditor IN ROLE pg_read_all_data;
SELECT is(try_as(role, $$SELECT FROM bnai_run WHERE posterior::text LIKE '{%'$$), result, role || ' reads posteriors in the table')
FROM (VALUES ('bnai_database_owner', 'none'), ('bnai_owner', 'denied'), ('bnai_auditor', 'yes'), (session_user::text, 'yes')) v (role, result);
SELECT is(try_as('bnai_database_owner', format('SELECT FROM bnai_run r WHERE %s LIKE ''%%"nodes"%%''', expression)), 'none', 'nor as ' || expression)
FROM unnest(ARRAY['r::text', 'to_jsonb(r)::text', 'format(''%s'', r.posterior)', 'ARRAY[r.posterior]::text',
	'query_to_xml(''SELECT posterior FROM bnai_run'', true, false, '''')::text']) expression;
SELECT is(try_as('bnai_database_owner', $$SELECT posterior::bnai_posterior FROM bnai_run$$),
	'cannot cast type bnai_stored_posterior to bnai_posterior', 'there is no cast');
SELECT is(try_as('bnai_database_owner', $$SELECT bnai_predict(posterior, 1, 2) FROM bnai_run$$),
	'function bnai_predict(bnai_stored_posterior, integer, integer) does not exist', 'and no function takes it');
SELECT hasnt_function('bnai_stored_posterior_send', 'there is no binary output');
SELECT is(typsend::oid, 0::oid, 'of the type') FROM pg_type WHERE typname = 'bnai_stored_posterior';
SELECT bnai_grant('m', 'bnai_database_owner', 'read');
SELECT is(try_as('bnai_database_owner', $$SELECT FROM bnai_run WHERE posterior::text LIKE '{%'$$), 'yes', 'until he may read the network');
CREATE TABLE hoard AS SELECT id AS run, posterior FROM bnai_run WHERE id = m_run();
SELECT bnai_revoke('m', 'bnai_database_owner');
GRANT SELECT ON hoard TO bnai_database_owner;

-- a copy stays what it is: not of another run, nor of another one with its number
CREATE FUNCTION restore_run(as_run bigint, as_text boolean) RETURNS void LANGUAGE sql AS $$
	INSERT INTO bnai_run (id, network, is_current, started_at, elapsed, rows, rows_skipped, restarts, best_restart, iterations,
		converged, elbo, passes, moves, posterior, trace_restart, trace_iteration, trace_elbo, trace_event)
	SELECT as_run, (SELECT id FROM bnai_network WHERE name = 'theirs'), true, now(), '0', 1, 0, 1, 1, 1, true, 0, 1, '{}',
		CASE WHEN as_text THEN posterior::text::bnai_stored_posterior ELSE posterior END,
		'{}', '{}', '{}', '{}' FROM hoard $$;
SET ROLE bnai_database_owner;
SELECT bnai_create_network('theirs');
SELECT is(posterior::text, 'withheld', 'a copy is not read, either') FROM hoard;
SET client_min_messages = error;
SELECT restore_run(7000, false);
RESET client_min_messages;
SELECT is(bnai_run_posterior(7000)::text, NULL, 'what is copied into a run is not kept');
RESET ROLE;
DELETE FROM bnai_run WHERE id IN (7000, (SELECT run FROM hoard));
SELECT restore_run(run, true) FROM hoard;
SET ROLE bnai_database_owner;
SELECT is(posterior::text LIKE '{%', true, 'one that is theirs they read') FROM bnai_run WHERE id = (SELECT run FROM hoard);
SELECT is(posterior::text, 'withheld', 'which opens no copy of another one that had its number') FROM hoard;
SET client_min_messages = error;
INSERT INTO bnai_granted SELECT id, 'bnai_database_owner', 'read' FROM bnai_network WHERE name = 'm';
RESET client_min_messages;
RESET ROLE;
SELECT is(try_as('bnai_database_owner', $$SELECT bnai_fitted('m')$$), 'denied', 'nobody restores a right on a network that is not theirs');
SELECT results_eq($$SELECT DISTINCT readers FROM bnai_networks WHERE network = 'm' AND 'bnai_database_owner' = ANY (readers)$$,
	$$SELECT NULL::text[] WHERE false$$, 'which is not kept');
SELECT count(*) FROM bnai_infer('m');

-- owners
SELECT is(try_as('bnai_owner', $$SELECT bnai_set('m', 'owner', 'bnai_reader')$$), 'denied', 'no network is given to a role that one is no member of');
SELECT is(try_as('bnai_member', $$SELECT bnai_set('m', 'owner', 'bnai_member')$$), 'yes', 'but to a role that one is a member of');
CREATE ROLE bnai_aloof NOINHERIT IN ROLE bnai_owner;
SELECT is(try_as('bnai_aloof', $$SELECT bnai_set('m', 'restarts', '3')$$), 'denied', 'a member that inherits nothing may not');
ALTER ROLE bnai_owner RENAME TO bnai_former;
SELECT is(try_as('bnai_former', $$SELECT bnai_set('m', 'restarts', '3')$$), 'yes', 'a role that is renamed owns what it owned');
SELECT is(try_as('bnai_reader', $$SELECT * FROM bnai_clusters$$), 'yes', 'it is read');
SELECT is(try_as('bnai_reader', $$SELECT bnai_predict('m', 10, 10)$$), 'yes', 'and used');

-- restoring into the tables: what the owner of a database may
CREATE ROLE bnai_restorer;
GRANT INSERT ON bnai_network, bnai_node, bnai_run TO bnai_restorer;
SET ROLE bnai_restorer;
SET client_min_messages = error;
INSERT INTO bnai_network (id, name, network_type, owner) VALUES (1001, 'restored', 'general', 'bnai_former');
RESET client_min_messages;
INSERT INTO bnai_node (network, id, name, distribution, params) VALUES (1001, 1, 'mu', 'GaussianARD', '0, 1');
RESET ROLE;
SELECT is(owner::text, 'bnai_restorer', 'who restores another''s network becomes its owner') FROM bnai_network WHERE id = 1001;
SET ROLE bnai_restorer;
SET client_min_messages = error;
INSERT INTO bnai_node (network, id, name, distribution, params) VALUES (1, 99, 'mu2', 'GaussianARD', '0, 1');
RESET client_min_messages;
RESET ROLE;
SELECT is_empty($$SELECT FROM bnai_node WHERE name = 'mu2'$$, 'nobody slips a node into another''s network');
GRANT bnai_former TO bnai_restorer;
SET ROLE bnai_restorer;
INSERT INTO bnai_network (id, name, network_type, owner) VALUES (1002, 'restored too', 'general', 'bnai_former');
RESET ROLE;
SELECT is(owner::text, 'bnai_former', 'a member of the owner restores as it was') FROM bnai_network WHERE id = 1002;

SELECT is(count(*), 0::bigint, 'nothing on the tables is granted to all')
FROM pg_class, LATERAL aclexplode(relacl) g
WHERE relname IN ('bnai_network', 'bnai_node', 'bnai_run', 'bnai_granted', 'bnai_network_id_seq', 'bnai_run_id_seq') AND g.grantee = 0;

SELECT * FROM finish();
ROLLBACK;
