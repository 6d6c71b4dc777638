-- Who may do what: operation x (owner, member of the owner, reader of the
-- columns, owner of the table, stranger); column grants and row security.
BEGIN;
SELECT no_plan();

CREATE ROLE bnai_owner;
CREATE ROLE bnai_member IN ROLE bnai_owner;
CREATE ROLE bnai_reader;
CREATE ROLE bnai_table_owner;
CREATE ROLE bnai_stranger;
GRANT CREATE ON SCHEMA public TO bnai_owner, bnai_table_owner;

SET ROLE bnai_table_owner;
CREATE TABLE metrics (id int PRIMARY KEY, a float8, b float8, secret float8, label text);
INSERT INTO metrics
SELECT i, 10 * (i % 2) + sin(i), 10 * (i % 2) + cos(2.5 * i), i, NULL FROM generate_series(1, 40) i;
GRANT SELECT (id, a, b, label), UPDATE (label) ON metrics TO bnai_owner;
GRANT TRIGGER ON metrics TO bnai_owner;
GRANT SELECT (a, b) ON metrics TO bnai_reader;
GRANT SELECT (id) ON metrics TO bnai_stranger;
RESET ROLE;

SET ROLE bnai_owner;
SELECT bnai_create_clustering('m', 'metrics', '{a,b}', results_column => 'label', max_clusters => 3);
SELECT count(*) FROM bnai_infer('m');
SELECT bnai_watch('m', 'metrics', 'UPDATE');
RESET ROLE;

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

-- w: whoever may change the network, r: whoever may read it, v: likewise, but others see nothing, n: nobody
CREATE TABLE operations (kind text, statement text);
GRANT SELECT ON operations TO PUBLIC;
INSERT INTO operations VALUES
	('w', $$SELECT bnai_set('m', 'restarts', '3')$$),
	('w', $$SELECT bnai_add_node('m', 'x', 'Gamma', '1, 1')$$),
	('w', $$SELECT bnai_change_node('m', 'alpha', 'full(3, 1)')$$),
	('w', $$SELECT bnai_drop_node('m', 'Y')$$),
	('w', $$SELECT bnai_drop_network('m')$$),
	('w', $$SELECT * FROM bnai_infer('m')$$),
	('w', $$SELECT bnai_reset('m')$$),
	('w', $$SELECT bnai_increment('m', 1)$$),
	('w', $$SELECT bnai_recalculate_if_needed('m', 1)$$),
	('w', $$SELECT bnai_watch('m', 'metrics', 'INSERT')$$),
	('w', $$SELECT bnai_unwatch('m')$$),
	('r', $$SELECT bnai_graph('m')$$),
	('r', $$SELECT bnai_plot('m', 'clusters')$$),
	('r', $$SELECT bnai_density('m', 'mu')$$),
	('r', $$SELECT * FROM bnai_sample_rows('m')$$),
	('r', $$SELECT * FROM bnai_trace('m')$$),
	('r', $$SELECT * FROM bnai_moments('m', 'mu')$$),
	('r', $$SELECT bnai_fitted('m')$$),
	('r', $$SELECT bnai_fit('m', a, b) FROM (VALUES (1, 2), (2, 1), (8, 9)) v (a, b)$$),
	('r', $$SELECT bnai_predict('m', 10, 10)$$),
	('r', $$SELECT * FROM bnai_predict_proba('m', 10, 10)$$),
	('r', $$SELECT bnai_score('m', 10, 10)$$),
	('r', $$SELECT * FROM bnai_explain('m', 10, 10)$$),
	('v', $$SELECT * FROM bnai_networks$$),
	('v', $$SELECT * FROM bnai_nodes$$),
	('v', $$SELECT * FROM bnai_edges$$),
	('v', $$SELECT * FROM bnai_runs$$),
	('v', $$SELECT * FROM bnai_status$$),
	('v', $$SELECT * FROM bnai_watches$$),
	('v', $$SELECT * FROM bnai_clusters$$),
	('v', $$SELECT * FROM bnai_parameters$$),
	('n', $$SELECT * FROM bnai_network$$),
	('n', $$SELECT * FROM bnai_node$$),
	('n', $$SELECT * FROM bnai_run$$),
	('n', $$SELECT last_value FROM bnai_run_id_seq$$);

CREATE TABLE roles (role text, may_write boolean, may_read boolean);
INSERT INTO roles VALUES
	('bnai_owner', true, true),
	('bnai_member', true, true),
	('bnai_reader', false, true),
	('bnai_table_owner', false, true),
	('bnai_stranger', false, false);

SELECT is(try_as(role, statement),
	CASE WHEN CASE kind WHEN 'w' THEN may_write WHEN 'n' THEN false ELSE may_read END THEN 'yes'
		WHEN kind = 'v' THEN 'none'
		ELSE 'denied' END,
	role || ': ' || statement)
FROM operations, roles ORDER BY statement, role;

-- a statement that a view's user brings along does not see what the view hides
CREATE FUNCTION tell(anyelement) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS
	$$ BEGIN RAISE EXCEPTION 'leaked %', $1; END $$;
SELECT is(try_as('bnai_stranger', $$SELECT * FROM bnai_nodes WHERE public.tell(params)$$), 'none', 'a cheap function sees no hidden node');
SELECT is(try_as('bnai_stranger', $$SELECT * FROM bnai_runs WHERE public.tell(elbo)$$), 'none', 'a cheap function sees no hidden run');

-- who may SELECT some of the columns may not read
REVOKE SELECT (b) ON metrics FROM bnai_reader;
SELECT is(try_as('bnai_reader', $$SELECT * FROM bnai_clusters$$), 'none', 'the right to one column of two is not enough for a view');
SELECT is(try_as('bnai_reader', $$SELECT bnai_predict('m', 10, 10)$$), 'denied', 'the right to one column of two is not enough to score');
GRANT SELECT (b) ON metrics TO bnai_reader;
SELECT is(try_as('bnai_owner', $$SELECT bnai_set('m', 'weight_column', 'secret')$$), 'denied', 'no weight column without SELECT');
SELECT bnai_set('m', 'weight_column', 'secret');
SELECT is(try_as('bnai_reader', $$SELECT bnai_predict('m', 10, 10)$$), 'denied', 'who may not read the weights may not read what they made');
SELECT is(try_as('bnai_owner', $$SELECT * FROM bnai_infer('m')$$), 'denied', 'no inference without SELECT on the weights');
SELECT bnai_set('m', 'weight_column', NULL);
GRANT SELECT ON metrics TO bnai_reader;
SELECT is(try_as('bnai_reader', $$SELECT * FROM bnai_clusters$$), 'yes', 'the right to the table is');

-- a network of a column that one may not read, or a results column that one may not write
SELECT is(try_as('bnai_owner', $$SELECT bnai_create_clustering('s', 'metrics', '{a,secret}')$$), 'denied', 'no node on a column without SELECT');
SELECT is(try_as('bnai_stranger', $$SELECT bnai_create_clustering('s', 'metrics', '{a,b}')$$), 'denied', 'a stranger makes no network of the table');
SELECT is(try_as('bnai_stranger', $$SELECT bnai_create_network('m')$$), 'network "m" already exists', 'names are taken for all');
REVOKE UPDATE (label) ON metrics FROM bnai_owner;
SELECT is(try_as('bnai_owner', $$SELECT * FROM bnai_infer('m')$$), 'denied', 'no inference without UPDATE on the results column');
SELECT is(try_as('bnai_owner', $$SELECT bnai_reset('m')$$), 'denied', 'no reset without UPDATE on the results column');
GRANT UPDATE (label) ON metrics TO bnai_owner;
REVOKE SELECT (a) ON metrics FROM bnai_owner;
SELECT is(try_as('bnai_owner', $$SELECT * FROM bnai_infer('m')$$), 'denied', 'no inference without SELECT on the columns');
SELECT is(try_as('bnai_owner', $$SELECT * FROM bnai_clusters$$), 'yes', 'an owner keeps what was inferred');
GRANT SELECT (a) ON metrics TO bnai_owner;

-- nobody but the owner sees a network that observes nothing, or whose source is gone
SET ROLE bnai_owner;
SELECT bnai_create_network('bare');
SELECT bnai_add_node('bare', 'mu', 'GaussianARD', '0, 1');
CREATE TABLE passing (a float8);
GRANT SELECT ON passing TO PUBLIC;
SELECT bnai_create_clustering('gone', 'passing', '{a}');
RESET ROLE;
SELECT is(try_as('bnai_stranger', $$SELECT * FROM bnai_nodes WHERE network = 'bare'$$), 'none', 'a network without observed nodes is its owner''s');
SELECT is(try_as('bnai_stranger', $$SELECT * FROM bnai_nodes WHERE network = 'gone'$$), 'yes', 'a network of a public table is public');
DROP TABLE passing;
SELECT is(try_as('bnai_stranger', $$SELECT * FROM bnai_nodes WHERE network = 'gone'$$), 'none', 'without its table it is its owner''s');
SELECT is(try_as('bnai_member', $$SELECT * FROM bnai_nodes WHERE network = 'gone'$$), 'yes', 'who still sees it');
SELECT is(try_as('bnai_owner', $$SELECT bnai_drop_network('gone')$$), 'yes', 'and may drop it');

-- row security: readers do not learn of rows that are not theirs
ALTER TABLE metrics ENABLE ROW LEVEL SECURITY;
CREATE POLICY thirty ON metrics TO bnai_owner, bnai_reader USING (id <= 30) WITH CHECK (true);
SELECT is(try_as('bnai_reader', $$SELECT * FROM bnai_clusters$$), 'none', 'row security hides clusters');
SELECT is(try_as('bnai_reader', $$SELECT bnai_score('m', 10, 10)$$), 'denied', 'row security refuses scores');
SELECT is(try_as('bnai_table_owner', $$SELECT bnai_score('m', 10, 10)$$), 'yes', 'it does not apply to the owner of the table');
SELECT is(try_as('bnai_owner', $$SELECT 1 FROM bnai_infer('m') WHERE rows = 30$$), 'yes', 'the owner of the network infers from the rows that are visible');
ALTER TABLE metrics FORCE ROW LEVEL SECURITY;
SELECT is(try_as('bnai_table_owner', $$SELECT bnai_score('m', 10, 10)$$), 'denied', 'unless it is forced');
ALTER TABLE metrics NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY;

-- views that show each user other rows are like row security
CREATE VIEW mine WITH (security_barrier) AS SELECT id, a, b FROM metrics WHERE current_user = 'bnai_owner';
GRANT SELECT ON mine TO PUBLIC;
SET ROLE bnai_owner;
SELECT bnai_create_clustering('view', 'mine', '{a,b}');
RESET ROLE;
SELECT is(try_as('bnai_owner', $$SELECT 1 FROM bnai_infer('view') WHERE rows = 40$$), 'yes', 'the owner infers from a security_barrier view');
SELECT is(try_as('bnai_reader', $$SELECT * FROM bnai_nodes WHERE network = 'view'$$), 'none', 'whose readers do not see the network');
ALTER VIEW mine RESET (security_barrier);
SELECT is(try_as('bnai_reader', $$SELECT * FROM bnai_nodes WHERE network = 'view'$$), 'yes', 'as they would with a plain view');

-- owners
SELECT is(try_as('bnai_owner', $$SELECT bnai_set('m', 'owner', 'bnai_reader')$$), 'denied', 'no network is given to a role that one is no member of');
SELECT is(try_as('bnai_member', $$SELECT bnai_set('m', 'owner', 'bnai_member')$$), 'yes', 'but to a role that one is a member of');
CREATE ROLE bnai_aloof NOINHERIT IN ROLE bnai_owner;
SELECT is(try_as('bnai_aloof', $$SELECT bnai_set('m', 'restarts', '3')$$), 'denied', 'a member that inherits nothing may not');
ALTER ROLE bnai_owner RENAME TO bnai_former;
SELECT is(try_as('bnai_former', $$SELECT bnai_set('m', 'restarts', '3')$$), 'denied', 'a network whose owner is gone is not changed');
SELECT is(try_as('bnai_reader', $$SELECT * FROM bnai_clusters$$), 'yes', 'but read');
SELECT is(try_as('bnai_table_owner', $$SELECT bnai_predict('m', 10, 10)$$), 'yes', 'and used');
SELECT is(try_as(session_user::text, $$SELECT bnai_set('m', 'owner', 'bnai_former')$$), 'yes', 'a superuser gives it a new owner');
SELECT bnai_set('m', 'owner', 'bnai_former');
SELECT is(try_as('bnai_former', $$SELECT bnai_set('m', 'restarts', '3')$$), 'yes', 'who may change it then');

-- restoring into the tables: what the owner of a database may
CREATE ROLE bnai_restorer;
GRANT INSERT ON bnai_network, bnai_node, bnai_run TO bnai_restorer;
SET ROLE bnai_restorer;
SET client_min_messages = error;
INSERT INTO bnai_network (id, name, network_type, owner) VALUES (1001, 'restored', 'general', 'bnai_former');
RESET client_min_messages;
INSERT INTO bnai_node (network, id, name, distribution, params) VALUES (1001, 1, 'mu', 'GaussianARD', '0, 1');
RESET ROLE;
SELECT is(owner, 'bnai_restorer', 'who restores another''s network becomes its owner') FROM bnai_network WHERE id = 1001;
SET ROLE bnai_restorer;
SELECT throws_ok($$INSERT INTO bnai_node (network, id, name, distribution, params) VALUES (1, 99, 'mu2', 'GaussianARD', '0, 1')$$,
	'42501', 'must be owner of network "m"', 'nobody slips a node into another''s network');
RESET ROLE;
GRANT bnai_former TO bnai_restorer;
SET ROLE bnai_restorer;
INSERT INTO bnai_network (id, name, network_type, owner) VALUES (1002, 'restored too', 'general', 'bnai_former');
RESET ROLE;
SELECT is(owner, 'bnai_former', 'a member of the owner restores as it was') FROM bnai_network WHERE id = 1002;

SELECT is(count(*), 0::bigint, 'nothing on the tables is granted to all')
FROM pg_class, LATERAL aclexplode(relacl) g
WHERE relname IN ('bnai_network', 'bnai_node', 'bnai_run', 'bnai_network_id_seq', 'bnai_run_id_seq') AND g.grantee = 0;

SELECT * FROM finish();
ROLLBACK;
