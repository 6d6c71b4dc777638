
/* --- counting changes and inferring again --- */

CREATE TABLE bnai_count (
	network integer NOT NULL,
	n bigint NOT NULL,
	restored_by bnai_role
) USING heap WITH (autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_scale_factor = 0);

CREATE TABLE bnai_watched (
	network integer NOT NULL,
	target bnai_source NOT NULL,
	event text NOT NULL
		CONSTRAINT event_is_known CHECK (event OPERATOR(pg_catalog.=) ANY (ARRAY['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'LABEL'])),
	increment integer NOT NULL
		CONSTRAINT increment_is_positive CHECK (increment OPERATOR(pg_catalog.>) 0),
	restored_by bnai_role,
	CONSTRAINT bnai_watched_network_fkey FOREIGN KEY (network) REFERENCES bnai_network ON DELETE CASCADE
);
CREATE INDEX bnai_watched_network ON bnai_watched (network);

CREATE TABLE bnai_attempt (
	network integer NOT NULL CONSTRAINT bnai_attempt_pkey PRIMARY KEY,
	started_at timestamptz NOT NULL,
	running boolean NOT NULL,
	failures integer NOT NULL,
	next_attempt timestamptz,
	error text,
	failed_at timestamptz,
	sqlstate text,
	CONSTRAINT bnai_attempt_network_fkey FOREIGN KEY (network) REFERENCES bnai_network ON DELETE CASCADE
);

CREATE TABLE bnai_failure (
	network integer NOT NULL,
	started_at timestamptz NOT NULL,
	failed_at timestamptz NOT NULL,
	error text NOT NULL,
	sqlstate text,
	CONSTRAINT bnai_failure_network_fkey FOREIGN KEY (network) REFERENCES bnai_network ON DELETE CASCADE
);
CREATE INDEX bnai_failure_network ON bnai_failure (network, failed_at);

CREATE TABLE bnai_scheduled (
	network integer NOT NULL CONSTRAINT bnai_scheduled_pkey PRIMARY KEY,
	schedule text NOT NULL,
	threshold bigint,
	job bigint NOT NULL,
	role bnai_role,
	restored_by bnai_role,
	CONSTRAINT bnai_scheduled_network_fkey FOREIGN KEY (network) REFERENCES bnai_network ON DELETE CASCADE
);

COMMENT ON TABLE bnai_scheduled IS 'Networks that are inferred on a schedule, pg_cron''s number of the job, and the role that has asked for it; see the view bnai_status';
COMMENT ON TABLE bnai_count IS 'Counters: differences whose sum is how much has changed since a network was last inferred; see the view bnai_status';
COMMENT ON TABLE bnai_watched IS 'Watched tables: whose changes are counted for which network; see the view bnai_watches';
COMMENT ON TABLE bnai_attempt IS 'Inferences in the background, at a threshold or by bnai_infer_now: the latest of each network; see the view bnai_status';
COMMENT ON TABLE bnai_failure IS 'Inferences in the background, at a threshold or by bnai_infer_now, that failed; see the view bnai_runs';

-- as in bnai_node and bnai_run, before other triggers are made
ALTER TABLE bnai_watched DISABLE TRIGGER ALL;
ALTER TABLE bnai_scheduled DISABLE TRIGGER ALL;
SELECT pg_catalog.pg_extension_config_dump('bnai_count', 'WHERE network OPERATOR(pg_catalog.>) 0');
SELECT pg_catalog.pg_extension_config_dump('bnai_watched', 'WHERE network OPERATOR(pg_catalog.>) 0');
SELECT pg_catalog.pg_extension_config_dump('bnai_scheduled', 'WHERE network OPERATOR(pg_catalog.>) 0');

CREATE FUNCTION bnai_increment(network text, n bigint)
RETURNS void LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_increment IS
'adds n to the counter of a network; may infer it again, as the setting threshold_action says';

CREATE FUNCTION bnai_watch(network text, target regclass, event text, increment integer DEFAULT 1)
RETURNS void LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_watch IS
'counts the rows of a table and its partitions that statements INSERT, UPDATE, DELETE or TRUNCATE, each times increment; needs ownership of the network and TRIGGER on the table; once more: changes the increment and includes partitions that are new';

CREATE FUNCTION bnai_label_on_insert(target regclass, network text DEFAULT NULL)
RETURNS void LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_label_on_insert IS
'gives each new row, and each row whose observed columns change, its label in the results column, as bnai_predict would; ends with bnai_unwatch(network, target, ''LABEL'')';

CREATE FUNCTION bnai_unwatch(network text, target regclass DEFAULT NULL, event text DEFAULT NULL)
RETURNS void LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_unwatch IS
'ends what bnai_watch began, for one table and event or for all';

CREATE FUNCTION bnai_recalculate_if_needed(network text, threshold bigint DEFAULT NULL)
RETURNS boolean LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_recalculate_if_needed IS
'infers a network again and sets its counter to 0 if the counter is at least threshold (by default the setting counter_threshold); true if it did; for schedulers';

CREATE FUNCTION bnai_schedule(network text, schedule text, threshold bigint DEFAULT NULL)
RETURNS bigint LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_schedule IS
'lets pg_cron infer a network regularly, for its owner, if its counter is at least threshold then; schedule is in cron''s notation; returns the number of the job; once more: replaces the schedule';

CREATE FUNCTION bnai_unschedule(network text)
RETURNS boolean LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_unschedule IS
'ends what bnai_schedule began; true if there was a schedule';

CREATE FUNCTION bnai_next_time(schedule text)
RETURNS timestamptz LANGUAGE C STABLE STRICT PARALLEL SAFE COST 1000 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_next_time IS
'when a schedule in cron''s notation comes next, in the time zone that pg_cron uses; NULL if that cannot be said';

CREATE PROCEDURE bnai_infer_now(network text, threshold bigint DEFAULT NULL)
LANGUAGE C AS 'MODULE_PATHNAME';
COMMENT ON PROCEDURE bnai_infer_now IS
'infers a network like bnai_infer, if its counter is at least threshold, and takes off what was counted; commits between loading and storing, so that vacuum goes on while it iterates; a failure is recorded in bnai_runs';

CREATE PROCEDURE bnai_run_schedule(id integer)
LANGUAGE C AS 'MODULE_PATHNAME';
COMMENT ON PROCEDURE bnai_run_schedule IS
'what the jobs that bnai_schedule makes call: infers the network with that id for its owner, if the role of the session has scheduled it; reads and writes tables as their owners';

CREATE FUNCTION bnai_cancel(network text)
RETURNS boolean LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_cancel IS
'stops the inference of a network that is under way, in whatever session or worker, within a tenth of a second or so; true if there is one; for who may change the network';

CREATE FUNCTION bnai_put_off(network integer)
RETURNS boolean LANGUAGE C VOLATILE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_put_off IS
'true if a transaction that reached the threshold of the network with that id has left it to a worker to infer it, since constraints of the transaction wait for its end; NULL for who may not read it';

CREATE FUNCTION bnai_counter(network integer)
RETURNS bigint LANGUAGE C STABLE STRICT PARALLEL UNSAFE COST 1000 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_counter IS
'counter of the network with that id; NULL for who may not read it';

CREATE FUNCTION bnai_running_since(network integer)
RETURNS timestamptz LANGUAGE C VOLATILE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_running_since IS
'when the inference of the network with that id began that is under way; NULL if none is, and for who may not read it';

CREATE FUNCTION bnai_labelled_rows(network integer)
RETURNS bigint LANGUAGE C STABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_labelled_rows IS
'rows of the source of the network with that id that had a label after its last run, rollback or reset; NULL for who may not read it';

CREATE FUNCTION bnai_unlabelled_share(network integer)
RETURNS double precision LANGUAGE C STABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_unlabelled_share IS
'share of the rows of the source of the network with that id that have no label, from 0 to 1: of as many rows as the last VACUUM or ANALYZE has seen; NULL if a part of the source was never analyzed';

CREATE FUNCTION bnai_count_rows()
RETURNS trigger LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_count_rows IS 'trigger on watched tables, made by bnai_watch';

CREATE FUNCTION bnai_label_row()
RETURNS trigger LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_label_row IS 'trigger on tables whose rows are labelled as they arrive, made by bnai_label_on_insert';

CREATE FUNCTION bnai_unwatched(network integer)
RETURNS text[] LANGUAGE C STABLE STRICT PARALLEL UNSAFE COST 1000 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_unwatched IS
'events and parts of watched tables that are not counted for the network with that id; NULL for who may not read it';

CREATE FUNCTION bnai_watch_part(part oid, command pg_ddl_command)
RETURNS void LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_watch_part IS 'part of bnai_watch_partitions: adds the triggers that a table lacks since a command; nothing without one';

-- Without its library bnai must not keep anybody from making a table, so this is not in C.  The schema is looked up, for it may
-- be renamed; who makes a table may have no rights on it.
CREATE FUNCTION bnai_watch_partitions()
RETURNS event_trigger LANGUAGE plpgsql VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	bnai_schema pg_catalog.name;
BEGIN
	SELECT n.nspname INTO bnai_schema
	FROM pg_catalog.pg_extension e
		JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) e.extnamespace
	WHERE e.extname OPERATOR(pg_catalog.=) 'bnai' AND EXISTS (
		SELECT FROM pg_catalog.pg_event_trigger_ddl_commands() c
			JOIN pg_catalog.pg_inherits i ON i.inhrelid OPERATOR(pg_catalog.=) c.objid OR i.inhparent OPERATOR(pg_catalog.=) c.objid
		WHERE c.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid AND NOT c.in_extension);
	IF NOT FOUND THEN
		RETURN;
	END IF;
	BEGIN
		EXECUTE pg_catalog.format('SELECT %I.bnai_watch_part(NULL::pg_catalog.oid, NULL::pg_catalog.pg_ddl_command)', bnai_schema);
	EXCEPTION WHEN undefined_file OR undefined_function THEN
		-- the library is not there, or is an older one
		RETURN;
	END;
	EXECUTE pg_catalog.format('SELECT %I.bnai_watch_part(c.objid, c.command) FROM pg_catalog.pg_event_trigger_ddl_commands() c '
		'WHERE c.classid OPERATOR(pg_catalog.=) ''pg_catalog.pg_class''::pg_catalog.regclass::pg_catalog.oid AND NOT c.in_extension', bnai_schema);
END $$;
COMMENT ON FUNCTION bnai_watch_partitions IS 'watches what becomes part of a watched table';

CREATE FUNCTION bnai_check_background()
RETURNS trigger LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_check_background IS 'refuses inference in the background for a network whose owner could not act as the owner of a watched table';

CREATE FUNCTION bnai_drop_watch_triggers()
RETURNS trigger LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_drop_watch_triggers IS 'drops the triggers of a table that is no longer watched';

CREATE FUNCTION bnai_drop_job()
RETURNS trigger LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_drop_job IS 'takes a job from pg_cron that is no longer scheduled';

CREATE FUNCTION bnai_changed()
RETURNS trigger LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_changed IS 'tells all sessions that networks or watches have changed';

CREATE FUNCTION bnai_release_counter()
RETURNS trigger LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_release_counter IS 'gives back the shared memory of the counter of a network that is dropped';

CREATE TRIGGER bnai_release_counter AFTER DELETE ON bnai_network
	FOR EACH ROW EXECUTE FUNCTION bnai_release_counter();
CREATE TRIGGER bnai_drop_watch_triggers AFTER DELETE ON bnai_watched
	FOR EACH ROW EXECUTE FUNCTION bnai_drop_watch_triggers();
CREATE TRIGGER bnai_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON bnai_watched
	FOR EACH STATEMENT EXECUTE FUNCTION bnai_changed();
CREATE TRIGGER bnai_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON bnai_network
	FOR EACH STATEMENT EXECUTE FUNCTION bnai_changed();
CREATE TRIGGER bnai_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON bnai_run
	FOR EACH STATEMENT EXECUTE FUNCTION bnai_changed();
CREATE FUNCTION bnai_stop_background()
RETURNS trigger LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_stop_background IS 'stops the inference in the background of a network that is no longer to be inferred there';

CREATE TRIGGER bnai_stop_background AFTER UPDATE OF threshold_action ON bnai_network
	FOR EACH ROW WHEN (OLD.threshold_action OPERATOR(pg_catalog.=) 'background' AND NEW.threshold_action OPERATOR(pg_catalog.<>) 'background')
	EXECUTE FUNCTION bnai_stop_background();
CREATE TRIGGER bnai_check_background AFTER UPDATE OF threshold_action, owner ON bnai_network
	FOR EACH ROW WHEN (NEW.threshold_action OPERATOR(pg_catalog.=) 'background') EXECUTE FUNCTION bnai_check_background();

CREATE TRIGGER bnai_drop_job BEFORE DELETE ON bnai_scheduled
	FOR EACH ROW EXECUTE FUNCTION bnai_drop_job();

CREATE EVENT TRIGGER bnai_watch_partitions ON ddl_command_end WHEN TAG IN ('CREATE TABLE', 'CREATE FOREIGN TABLE', 'ALTER TABLE')
	EXECUTE FUNCTION bnai_watch_partitions();
COMMENT ON EVENT TRIGGER bnai_watch_partitions IS 'watches what becomes part of a watched table';
