-- Who infers when a threshold is reached, and what the present user can do about it.
BEGIN;
SELECT no_plan();

CREATE ROLE bnai_owner;
CREATE ROLE bnai_inserter;
CREATE ROLE bnai_app;
CREATE SCHEMA evil AUTHORIZATION bnai_inserter;
GRANT CREATE ON SCHEMA public TO bnai_owner, bnai_app;

CREATE TABLE seen (what text, who name, path text);
GRANT SELECT, INSERT ON seen TO PUBLIC;

-- the table tells who writes its results column, with which search path
SET ROLE bnai_owner;
CREATE TABLE visits (id serial PRIMARY KEY, x float8, label text, parent int);
INSERT INTO visits (x) SELECT CASE WHEN i % 2 = 0 THEN 0 ELSE 100 END + i % 5 FROM generate_series(1, 40) i;
CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO public.seen VALUES ('label', current_user, current_setting('search_path'));
	RETURN NULL;
END $$;
CREATE TRIGGER tell AFTER UPDATE OF label ON visits FOR EACH STATEMENT EXECUTE FUNCTION tell();
GRANT INSERT, SELECT, UPDATE (x), DELETE ON visits TO bnai_inserter;
GRANT USAGE ON SEQUENCE visits_id_seq TO bnai_inserter;
SELECT bnai_create_clustering('m', 'visits', '{x}', 'label', max_clusters => 3,
	counter_threshold => 10, threshold_action => 'recalculate');
SELECT bnai_watch('m', 'visits', 'INSERT');

-- who inserts has no rights on the network, and counts; the owner infers
SET ROLE bnai_inserter;
SET LOCAL search_path = evil, public;
CREATE FUNCTION evil.float8eq(float8, float8) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO public.seen VALUES ('stolen', current_user, NULL);
	RETURN true;
END $$;
CREATE OPERATOR evil.= (LEFTARG = float8, RIGHTARG = float8, FUNCTION = evil.float8eq);
INSERT INTO visits (x) SELECT 1 FROM generate_series(1, 9);
SELECT throws_ok('SELECT bnai_increment(''m'', 1)', '42501', NULL, 'who inserts has no rights on the network');
SELECT is_empty('SELECT * FROM bnai_runs WHERE network = ''m'' AND run IS NULL', 'nor sees a failure of it');
SELECT is((SELECT count(*) FROM seen), 0::bigint, 'below the threshold nothing happens');
INSERT INTO visits (x) VALUES (1);
SELECT results_eq('TABLE seen', $$VALUES ('label', 'bnai_owner'::name, 'pg_catalog, pg_temp')$$,
	'at the threshold the owner infers, with a search path that nobody else has a say in');
SELECT is(current_user::text, 'bnai_inserter', 'and who inserts is who they were');
SELECT is(current_setting('search_path'), 'evil, public', 'with their search path');
RESET ROLE;
RESET search_path;
SELECT is((SELECT counter FROM bnai_status WHERE network = 'm'), 0::bigint, 'the counter is 0');
SELECT is((SELECT count(*) FROM visits WHERE label IS NULL), 0::bigint, 'and all rows are labelled');

-- a constraint that is violated until the end of the transaction
ALTER TABLE visits ADD CONSTRAINT parent_exists FOREIGN KEY (parent) REFERENCES visits DEFERRABLE INITIALLY DEFERRED;
TRUNCATE seen;
SELECT lives_ok('INSERT INTO visits (x, parent) SELECT 1, 10000 FROM generate_series(1, 10)',
	'a deferred constraint that is violated at the threshold does not fail the statement');
SELECT is((SELECT count(*) FROM seen), 0::bigint, 'the inference is put off');
SELECT is((SELECT counter FROM bnai_status WHERE network = 'm'), 10::bigint, 'what was counted stays');
SELECT lives_ok('UPDATE visits SET parent = NULL WHERE parent = 10000', 'the constraint is still deferred');
SELECT lives_ok('SET CONSTRAINTS ALL IMMEDIATE', 'and satisfied in the end');
ALTER TABLE visits DROP CONSTRAINT parent_exists;
SELECT bnai_recalculate_if_needed('m', 10);

-- an owner that cannot do it any more
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'labels are sealed'; END $$;
CREATE TRIGGER zrefuse BEFORE UPDATE OF label ON visits FOR EACH STATEMENT EXECUTE FUNCTION refuse();
SELECT lives_ok('INSERT INTO visits (x) SELECT 2 FROM generate_series(1, 10)', 'an inference that fails does not fail the statement');
SELECT is((SELECT counter FROM bnai_status WHERE network = 'm'), 0::bigint, 'and is tried again after as many changes');
SELECT is((SELECT last_error FROM bnai_status WHERE network = 'm'), 'labels are sealed', 'bnai_status says why');
SELECT is((SELECT count(*) FROM bnai_runs WHERE network = 'm' AND error = 'labels are sealed'), 1::bigint, 'and so does bnai_runs');
-- what is to be tried again waits twice as long each time, beginning with bnai.retry_delay: 10 s; the clock is read
-- twice in one statement, so that a share more or less is none of it
PREPARE factor AS SELECT failures, extract(epoch FROM next_attempt - failed_at) BETWEEN 0.9 * f AND 1.5 * f
FROM bnai_attempt JOIN bnai_network n ON n.id = network, LATERAL (SELECT 10 * 2 ^ (failures - 1) AS f) w WHERE n.name = 'm';
SELECT results_eq('factor', 'VALUES (1, true)', 'after a failure it waits');
INSERT INTO visits (x) SELECT 2 FROM generate_series(1, 10);
SELECT results_eq('factor', 'VALUES (2, true)', 'and after the next one twice as long');
SELECT is((SELECT count(*) FROM bnai_runs WHERE network = 'm' AND error = 'labels are sealed'), 2::bigint, 'each failure is one of bnai_runs');
SELECT is((SELECT next_attempt FROM bnai_status WHERE network = 'm'), NULL, 'nobody tries again by itself but a background worker');
DROP TRIGGER zrefuse ON visits;

-- within a security-restricted operation
CREATE FUNCTION escape() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	SET ROLE NONE;
	INSERT INTO public.seen VALUES ('escaped', current_user, NULL);
	RETURN NULL;
END $$;
CREATE TRIGGER zescape AFTER UPDATE OF label ON visits FOR EACH STATEMENT EXECUTE FUNCTION escape();
TRUNCATE seen;
SET ROLE bnai_inserter;
SELECT lives_ok('INSERT INTO visits (x) SELECT 50 FROM generate_series(1, 10)', 'a trigger that would become somebody else');
RESET ROLE;
SELECT is_empty('SELECT * FROM seen WHERE what = ''escaped''', 'cannot');
DROP TRIGGER zescape ON visits;
SELECT bnai_drop_network('m');

-- a superuser's network is inferred as the owner of the table
SELECT bnai_create_clustering('s', 'visits', '{x}', 'label', max_clusters => 3, counter_threshold => 5, threshold_action => 'recalculate');
SELECT bnai_watch('s', 'visits', 'INSERT');
TRUNCATE seen;
UPDATE visits SET label = NULL;
TRUNCATE seen;
SET ROLE bnai_inserter;
INSERT INTO visits (x) SELECT 1 FROM generate_series(1, 5);
RESET ROLE;
SELECT results_eq('SELECT what, who FROM seen', $$VALUES ('label', 'bnai_owner'::name)$$,
	'a superuser''s network is inferred as the owner of the table');

-- in the background only for who could act as the owner of the table
SET ROLE bnai_app;
SELECT bnai_create_network('a');
RESET ROLE;
GRANT TRIGGER, SELECT ON visits TO bnai_app;
SET ROLE bnai_app;
SELECT bnai_add_node('a', 'mu', 'GaussianARD', '0, 1e-6');
SELECT bnai_add_node('a', 'x', 'GaussianARD', 'mu, 1', 'visits', '{x}');
SELECT lives_ok('SELECT bnai_watch(''a'', ''visits'', ''INSERT'')', 'TRIGGER is enough to count');
SELECT lives_ok('SELECT bnai_set(''a'', ''threshold_action'', ''background'')',
	'and SELECT to infer in the background: to read a plain table runs nobody''s code');
SELECT bnai_set('a', 'threshold_action', 'none');
RESET ROLE;
ALTER TABLE visits ENABLE ROW LEVEL SECURITY;
SET ROLE bnai_app;
SELECT throws_ok('SELECT bnai_set(''a'', ''threshold_action'', ''background'')', '42501', NULL,
	'but not where there are policies');
SELECT bnai_unwatch('a');
SELECT lives_ok('SELECT bnai_set(''a'', ''threshold_action'', ''background'')', 'without a watch nobody minds');
SELECT throws_ok('SELECT bnai_watch(''a'', ''visits'', ''INSERT'')', '42501', NULL, 'until there is one');
RESET ROLE;
ALTER TABLE visits DISABLE ROW LEVEL SECURITY;
GRANT bnai_owner TO bnai_app;
SET ROLE bnai_app;
SELECT lives_ok('SELECT bnai_watch(''a'', ''visits'', ''INSERT'')', 'a member of the owner of the table may');
RESET ROLE;
SELECT bnai_drop_network('a'), bnai_drop_network('s');

-- a trigger of somebody else's is nothing to the network
SET ROLE bnai_owner;
SELECT bnai_create_clustering('m', 'visits', '{x}', 'label', max_clusters => 3);
SET ROLE bnai_app;
CREATE TABLE trap (x int);
CREATE TRIGGER t AFTER INSERT ON trap REFERENCING NEW TABLE AS n FOR EACH STATEMENT EXECUTE FUNCTION bnai_count_rows('m');
CREATE TRIGGER u BEFORE INSERT ON trap FOR EACH ROW EXECUTE FUNCTION bnai_label_row('m');
SELECT lives_ok('INSERT INTO trap SELECT generate_series(1, 5)', 'a trigger that nobody asked for');
RESET ROLE;
SELECT is((SELECT counter FROM bnai_status WHERE network = 'm'), 0::bigint, 'counts nothing');

-- counting in a transaction that sees an old state, and at the end of which the extension is gone
SELECT bnai_watch('m', 'visits', 'INSERT');
SAVEPOINT s;
INSERT INTO visits (x) VALUES (1);
SELECT lives_ok('DROP EXTENSION bnai CASCADE', 'the extension can be dropped by who has just counted');
ROLLBACK TO s;

-- labels for rows as they arrive: what bnai_predict says
DROP TRIGGER tell ON visits;
SELECT count(*) FROM bnai_infer('m');
SELECT throws_like('SELECT bnai_label_on_insert(''trap'')', '%no network of yours writes its results to table "trap"%', 'a table without a network');
SELECT bnai_label_on_insert('visits');
SET ROLE bnai_inserter;
INSERT INTO visits (x) VALUES (3), (101), (NULL), ('Infinity');
RESET ROLE;
SELECT results_eq('SELECT label FROM visits ORDER BY id DESC LIMIT 4',
	$$VALUES (NULL), (NULL), (bnai_predict('m', 101)), (bnai_predict('m', 3))$$, 'new rows get their labels');
UPDATE visits SET x = 101 WHERE x = 3;
SELECT is_empty('SELECT * FROM visits WHERE x = 101 AND label <> bnai_predict(''m'', 101)', 'changed rows, too');
UPDATE visits SET label = 'mine' WHERE x = 101;
SELECT isnt_empty('SELECT * FROM visits WHERE label = ''mine''', 'a label that is written by hand stays');
DELETE FROM visits WHERE x = 'Infinity';
SELECT count(*) FROM bnai_infer('m');
SELECT is_empty('SELECT * FROM visits WHERE label IS DISTINCT FROM bnai_predict(''m'', x)', 'until the next inference');
SELECT bnai_reset('m');
INSERT INTO visits (x, label) VALUES (3, 'given');
SELECT is((SELECT label FROM visits ORDER BY id DESC LIMIT 1), 'given', 'without a posterior a row stays as it comes');
SELECT is((SELECT rows_labelled FROM bnai_status WHERE network = 'm'), 0::bigint, 'bnai_status says what a reset has left');

-- how many rows have a label: as of the last run, of as many rows as statistics know of
SELECT count(*) FROM bnai_infer('m');
SELECT is((SELECT rows_labelled FROM bnai_status WHERE network = 'm'), (SELECT count(label) FROM visits), 'what a run has labelled');
SELECT is((SELECT unlabelled_share FROM bnai_status WHERE network = 'm'), NULL, 'no share of nobody knows how many');
INSERT INTO visits (x) SELECT NULL FROM generate_series(1, (SELECT count(label) FROM visits));
ANALYZE visits;
SELECT is((SELECT abs(unlabelled_share - (SELECT avg((label IS NULL)::int) FROM visits)) < 1e-9 FROM bnai_status WHERE network = 'm'), true, 'the rows that came later');
SELECT count(*) FROM bnai_infer('m');
DELETE FROM visits WHERE x IS NULL;
INSERT INTO visits (x, label) SELECT 3, NULL FROM generate_series(1, 7);
SELECT bnai_rollback('m');
SELECT is((SELECT rows_labelled FROM bnai_status WHERE network = 'm'), (SELECT count(*) FROM visits), 'a rollback counts what it labels');

SELECT bnai_drop_network('m');
SELECT is_empty('SELECT tgname FROM pg_trigger WHERE tgrelid = ''visits''::regclass AND tgname LIKE ''bnai%''', 'triggers go with the network');

-- schedules
SELECT is(bnai_next_time('61 * * * *'), NULL, 'a schedule that does not exist');
SELECT is(bnai_next_time('0 0 30 2 *'), NULL, 'one that never comes');
SELECT is(extract(dow FROM bnai_next_time('0 12 * * sun') AT TIME ZONE 'GMT'), 0::numeric, 'a weekday by name');
SELECT is(bnai_next_time('0 12 * * 7'), bnai_next_time('0 12 * * 0'), 'Sunday is 0 and 7');
SELECT is(to_char(bnai_next_time('30 4 1 jan *') AT TIME ZONE 'GMT', 'MM-DD HH24:MI'), '01-01 04:30', 'a date');
SELECT ok(bnai_next_time('*/5 * * * *') - now() <= '5 minutes' AND bnai_next_time('*/5 * * * *') > now(), 'every five minutes');
SELECT is(bnai_next_time('0 0 13 * 5'), least(bnai_next_time('0 0 13 * *'), bnai_next_time('0 0 * * 5')), 'day or weekday');
SELECT is(bnai_next_time('@monthly'), (date_trunc('month', now() AT TIME ZONE 'GMT') + '1 month') AT TIME ZONE 'GMT', 'by its name');
SELECT bnai_create_network('m');
SELECT throws_ok('SELECT bnai_schedule(''m'', ''0 0 * * *'')', '55000', 'extension "pg_cron" is not installed in this database',
	'without pg_cron');
SELECT throws_ok('CALL bnai_infer_now(''m'')', '25001', NULL, 'the procedure refuses to commit what it did not begin');

SELECT finish();
ROLLBACK;
