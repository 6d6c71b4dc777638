-- Whose code runs, and as whom, where a network is inferred without a statement of its owner's.
BEGIN;
SELECT no_plan();

CREATE ROLE bnai_alice;
CREATE ROLE bnai_mallory;
CREATE ROLE bnai_app;
CREATE SCHEMA mine AUTHORIZATION bnai_alice;
CREATE SCHEMA theirs AUTHORIZATION bnai_mallory;
GRANT USAGE ON SCHEMA mine, theirs TO PUBLIC;

-- code that tells as whom it runs
CREATE TABLE ran (who name);
GRANT INSERT, SELECT, TRUNCATE ON ran TO PUBLIC;
SET ROLE bnai_mallory;
CREATE FUNCTION theirs.tell(x anyelement) RETURNS anyelement LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO public.ran VALUES (current_user);
	RETURN x;
END $$;
CREATE FUNCTION theirs.tell_row() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO public.ran VALUES (current_user);
	RETURN NEW;
END $$;
CREATE TABLE theirs.t (id serial PRIMARY KEY, x float8, label text);
INSERT INTO theirs.t (x) SELECT i % 2 * 100 + sin(i) FROM generate_series(1, 40) i;
GRANT ALL ON theirs.t TO bnai_alice;
GRANT USAGE ON SEQUENCE theirs.t_id_seq TO PUBLIC;
CREATE VIEW theirs.v AS SELECT id, x FROM theirs.t;
GRANT SELECT ON theirs.v TO PUBLIC;
CREATE TABLE theirs.tick (a int);
GRANT ALL ON theirs.tick TO PUBLIC;
RESET ROLE;

-- What one row of theirs.tick does to network n: reaches the threshold; returns what bnai_status says
CREATE FUNCTION tick() RETURNS text LANGUAGE plpgsql SET client_min_messages = error AS $$
BEGIN
	TRUNCATE ran;
	INSERT INTO theirs.tick VALUES (1);
	RETURN (SELECT coalesce(last_error, 'run ' || count) FROM bnai_status s, LATERAL (SELECT count(*) FROM bnai_runs r WHERE r.network = 'n' AND r.error IS NULL) c WHERE s.network = 'n');
END $$;
CREATE PROCEDURE watch() LANGUAGE sql BEGIN ATOMIC
	SELECT bnai_watch('n', 'theirs.tick', 'INSERT'), bnai_set('n', 'counter_threshold', '1'), bnai_set('n', 'threshold_action', 'recalculate');
END;

-- a view below the source: it is changed after all has been made
CREATE VIEW mine.report AS SELECT id, x FROM theirs.v;
SELECT bnai_create_clustering('n', 'mine.report', '{x}', max_clusters => 3);
CALL watch();
SET ROLE bnai_mallory;
CREATE OR REPLACE VIEW theirs.v AS SELECT id, theirs.tell(x) AS x FROM theirs.t;
RESET ROLE;
SELECT matches(tick(), 'relation theirs.v belongs to role "bnai_mallory"', 'a superuser''s network on his own view of somebody''s view is refused');
SELECT is_empty('TABLE ran', 'before anything of that runs');
ALTER VIEW mine.report OWNER TO bnai_alice;
SELECT bnai_set('n', 'owner', 'bnai_alice');
SELECT matches(tick(), 'relation theirs.v belongs', 'so is anybody''s');
SELECT is_empty('TABLE ran', 'before anything of that runs');
GRANT bnai_mallory TO bnai_alice;
SELECT is(tick(), 'run 1', 'not that of who could become the view''s owner');
REVOKE bnai_mallory FROM bnai_alice;
SELECT bnai_set('n', 'owner', 'bnai_alice');

-- in a sublink, in a CTE, in a policy
SET ROLE bnai_alice;
CREATE OR REPLACE VIEW mine.report AS WITH c AS (SELECT id FROM theirs.v) SELECT id, x FROM theirs.t WHERE id IN (SELECT id FROM c);
RESET ROLE;
SELECT matches(tick(), 'relation theirs.v belongs', 'a view in a CTE is found');
SET ROLE bnai_alice;
CREATE OR REPLACE VIEW mine.report AS SELECT id, (SELECT count(*)::float8 + t.x FROM theirs.v) AS x FROM theirs.t t;
RESET ROLE;
SELECT matches(tick(), 'relation theirs.v belongs', 'one in a subquery, too');
SET ROLE bnai_alice;
CREATE TABLE mine.guarded AS SELECT id, x FROM theirs.t;
CREATE POLICY p ON mine.guarded USING (id IN (SELECT v.id FROM theirs.v v));
ALTER TABLE mine.guarded ENABLE ROW LEVEL SECURITY;
ALTER TABLE mine.guarded FORCE ROW LEVEL SECURITY;
CREATE OR REPLACE VIEW mine.report AS SELECT id, x FROM mine.guarded;
RESET ROLE;
SELECT matches(tick(), 'relation theirs.v belongs', 'and one in a policy');
SELECT is_empty('TABLE ran', 'nothing of that runs');

-- what ends the walk: a plain table, a materialized view
SET ROLE bnai_alice;
CREATE OR REPLACE VIEW mine.report AS SELECT id, x FROM theirs.t;
RESET ROLE;
SELECT is(tick(), 'run 2', 'a plain table of somebody below a view runs nobody''s code');
SET ROLE bnai_mallory;
CREATE FUNCTION theirs.three() RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.ran VALUES (current_user); RETURN 3; END $$;
CREATE TABLE theirs.trap (id int, x float8);
GRANT SELECT ON theirs.trap TO PUBLIC;
CREATE FUNCTION theirs.zero(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RETURN 0; END $$;
CREATE INDEX trap_index ON theirs.trap ((theirs.zero(1)));
RESET ROLE;
SET ROLE bnai_alice;
CREATE OR REPLACE VIEW mine.report AS SELECT id, x FROM theirs.trap;
RESET ROLE;
SELECT matches(tick(), 'relation theirs.trap belongs', 'an index whose expression the planner evaluates is code');
SET ROLE bnai_mallory;
CREATE MATERIALIZED VIEW theirs.mv AS SELECT id, x FROM theirs.t;
GRANT SELECT ON theirs.mv TO PUBLIC;
RESET ROLE;
SET ROLE bnai_alice;
CREATE OR REPLACE VIEW mine.report AS SELECT id, x FROM theirs.mv;
RESET ROLE;
SELECT is(tick(), 'run 3', 'a materialized view does not either');

-- a network on somebody's table: read by SELECT of one's own, written by nobody
SELECT bnai_drop_network('n');
SET ROLE bnai_alice;
SELECT bnai_create_clustering('n', 'theirs.t', '{x}', max_clusters => 3);
RESET ROLE;
CALL watch();
SELECT bnai_set('n', 'owner', 'bnai_alice');
SELECT is(tick(), 'run 1', 'a plain table is read by who may SELECT');
SET ROLE bnai_mallory;
CREATE POLICY p ON theirs.t USING (theirs.tell(id) > 0);
ALTER TABLE theirs.t ENABLE ROW LEVEL SECURITY;
RESET ROLE;
SELECT matches(tick(), 'relation theirs.t belongs', 'not one with row security');
SET ROLE bnai_mallory;
ALTER TABLE theirs.t DISABLE ROW LEVEL SECURITY;
RESET ROLE;
SELECT bnai_set('n', 'results_column', 'label');
SET ROLE bnai_mallory;
CREATE TRIGGER tell BEFORE UPDATE ON theirs.t FOR EACH ROW EXECUTE FUNCTION theirs.tell_row();
RESET ROLE;
SELECT matches(tick(), 'Writing labels|relation theirs.t belongs', 'who may UPDATE it does not write it unasked');
SELECT is_empty('TABLE ran', 'so that its triggers are run for nobody else');
SELECT bnai_set('n', 'owner', session_user::text);
SELECT is(tick(), 'run 2', 'a superuser''s network on it');
SELECT results_eq('SELECT DISTINCT who FROM ran', $$VALUES ('bnai_mallory'::name)$$, 'is written as its owner');

-- parts of several owners
SELECT bnai_drop_network('n');
SET ROLE bnai_alice;
CREATE TABLE mine.parted (part int, x float8, label text) PARTITION BY LIST (part);
CREATE TABLE mine.one PARTITION OF mine.parted FOR VALUES IN (1);
CREATE TABLE mine.two PARTITION OF mine.parted FOR VALUES IN (2);
CREATE TABLE mine.three PARTITION OF mine.parted FOR VALUES IN (3);
INSERT INTO mine.parted (part, x) SELECT i % 3 + 1, i % 2 * 100 + sin(i) FROM generate_series(1, 60) i;
SELECT bnai_create_clustering('n', 'mine.parted', '{x}', 'label', max_clusters => 3);
RESET ROLE;
CREATE TRIGGER tell BEFORE UPDATE ON mine.two FOR EACH ROW EXECUTE FUNCTION theirs.tell_row();
CREATE TRIGGER tell BEFORE UPDATE ON mine.three FOR EACH ROW EXECUTE FUNCTION theirs.tell_row();
ALTER TABLE mine.two OWNER TO bnai_app;
ALTER TABLE mine.three OWNER TO bnai_mallory;
GRANT bnai_app TO bnai_alice;
GRANT USAGE ON SCHEMA public TO bnai_app;
CALL watch();
SELECT matches(tick(), 'not written to mine.three', 'a part that the network''s owner may not write is named');
SELECT results_eq('SELECT part, count(label) FROM mine.parted GROUP BY part ORDER BY part', 'VALUES (1, 20::bigint), (2, 20::bigint), (3, 0::bigint)', 'the others are written');
SELECT results_eq('SELECT DISTINCT who FROM ran', $$VALUES ('bnai_app'::name)$$, 'each as its owner');
ALTER TABLE mine.three OWNER TO bnai_alice;
SELECT is(tick(), 'run 2', 'once it may');
SELECT is((SELECT count(*) FROM mine.parted WHERE label IS NULL), 0::bigint, 'it is');

-- settings of who happens to be there
SET ROLE bnai_alice;
CREATE VIEW mine.times AS SELECT x, part, extract(hour FROM timestamptz '2024-01-01 12:00+00' + part * interval '5 hours')::float8 AS hour FROM mine.one;
RESET ROLE;
CREATE FUNCTION mine.settings() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO public.ran VALUES (format('%s|%s|%s', current_setting('search_path'), current_setting('row_security'), current_setting('debug_print_plan')));
	RETURN NULL;
END $$;
CREATE TRIGGER settings AFTER UPDATE ON mine.one FOR EACH STATEMENT EXECUTE FUNCTION mine.settings();
ALTER TABLE mine.two OWNER TO bnai_mallory;
UPDATE mine.one SET label = NULL;
SET LOCAL row_security = off;
SELECT tick() IS NOT NULL AS ticked;
SELECT ok(EXISTS (SELECT FROM ran WHERE who = 'pg_catalog, pg_temp|on|off'), 'are not those that it runs with');
SELECT is(current_setting('row_security'), 'off', 'and are as they were afterwards');

SELECT * FROM finish();
ROLLBACK;
