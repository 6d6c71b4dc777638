
/*
 * --- privileges ---
 *
 * Users reach bnai's tables through its functions and views only.  The owner
 * of the database must be able to dump and restore them; what a restore can
 * do is limited by bnai_guard.
 */

CREATE FUNCTION bnai_guard()
RETURNS trigger LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_guard IS 'checks what is restored like the calls that made it, and binds names to what has them';

CREATE FUNCTION bnai_bind_posterior()
RETURNS trigger LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_bind_posterior IS 'makes a posterior that is stored in bnai_run that of its run, and of no other';

CREATE TRIGGER bnai_guard BEFORE INSERT ON bnai_network FOR EACH ROW EXECUTE FUNCTION bnai_guard();
CREATE TRIGGER bnai_guard BEFORE INSERT ON bnai_node FOR EACH ROW EXECUTE FUNCTION bnai_guard();
CREATE TRIGGER bnai_guard BEFORE INSERT ON bnai_run FOR EACH ROW EXECUTE FUNCTION bnai_guard();
CREATE TRIGGER bnai_guard BEFORE INSERT ON bnai_count FOR EACH ROW EXECUTE FUNCTION bnai_guard();
CREATE TRIGGER bnai_guard BEFORE INSERT ON bnai_watched FOR EACH ROW EXECUTE FUNCTION bnai_guard();
CREATE TRIGGER bnai_guard BEFORE INSERT ON bnai_granted FOR EACH ROW EXECUTE FUNCTION bnai_guard();
CREATE TRIGGER bnai_guard BEFORE INSERT ON bnai_scheduled FOR EACH ROW EXECUTE FUNCTION bnai_guard();

CREATE TRIGGER bnai_bind_posterior BEFORE INSERT OR UPDATE OF posterior ON bnai_run
	FOR EACH ROW EXECUTE FUNCTION bnai_bind_posterior();

REVOKE ALL ON bnai_network, bnai_node, bnai_run, bnai_count, bnai_watched, bnai_scheduled, bnai_attempt, bnai_failure, bnai_granted, bnai_catalog_version FROM PUBLIC;
REVOKE ALL ON SEQUENCE bnai_network_id_seq, bnai_run_id_seq FROM PUBLIC;
GRANT SELECT, INSERT ON bnai_network, bnai_node, bnai_run, bnai_count, bnai_watched, bnai_scheduled, bnai_granted TO pg_database_owner;
GRANT SELECT, UPDATE ON SEQUENCE bnai_network_id_seq, bnai_run_id_seq TO pg_database_owner;

GRANT SELECT ON bnai_networks, bnai_nodes, bnai_edges, bnai_runs, bnai_restarts, bnai_progress, bnai_status, bnai_watches TO PUBLIC;

-- what nobody calls by name: triggers on bnai's own tables, and parts of the aggregate, which run by the rights of its owner; what
-- views and functions call runs by those of who looks, and the functions of triggers on users' tables are named in their dumps
REVOKE EXECUTE ON FUNCTION bnai_guard(), bnai_bind_posterior(), bnai_changed(), bnai_check_background(),
	bnai_drop_job(), bnai_drop_watch_triggers(), bnai_release_counter(), bnai_watch_partitions(),
	bnai_fit_row(internal, text, float8[]), bnai_fit_posterior(internal) FROM PUBLIC;
