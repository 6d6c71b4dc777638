--
-- Scoring: how the functions are called, what they refuse, what they cache
--
CREATE TABLE visitor (id int, a float8, b float8, label text);
INSERT INTO visitor VALUES (1, 20, 21), (2, 25, 26), (3, NULL, 20), (4, 22.5, 22.8);
SELECT bnai_create_clustering('visitors', 'visitor', '{a,b}', results_column => 'label', max_clusters => 2);

-- Not inferred: NULL, and one notice for a statement
SELECT id, bnai_predict('visitors', a, b), bnai_score('visitors', a, b) FROM visitor ORDER BY id;
SELECT * FROM bnai_predict_proba('visitors', 1, 2);
SELECT * FROM bnai_explain('visitors', 1, 2);
SELECT bnai_fitted('visitors'), bnai_mean('visitors', 'mu');
SELECT * FROM bnai_moments('visitors', 'mu');
SELECT bnai_predict('nobody', 1, 2);

-- A run made by hand
CREATE TABLE model (p bnai_posterior);
INSERT INTO model VALUES ('{
	"version": 1, "network_type": "clustering", "rows": 200, "elbo": -951,
	"nodes": [
		{"name": "alpha", "distribution": "Dirichlet", "plates": 1, "dim": 2, "parameters": {"alpha": [120, 80]}},
		{"name": "mu", "distribution": "Gaussian", "plates": 2, "dim": 2, "parameters": {
			"mu": [[20, 20], [25, 25.5]], "Lambda": [[[40, 1], [1, 30]], [[20, 0], [0, 20]]]}},
		{"name": "Lambda", "distribution": "Wishart", "plates": 2, "dim": 2, "parameters": {
			"n": [128, 64], "V": [[[128, 0], [0, 256]], [[64, 32], [32, 64]]]}}],
	"selector": {"name": "Z", "parameters": {"p": "alpha"}},
	"clusters": [
		{"label": "B", "size": 120, "count": 119.75, "live": true},
		{"label": "A", "size": 80, "count": 80.25, "live": true}],
	"leaves": [{"name": "Y", "distribution": "Gaussian", "mixture": true, "dim": 2, "columns": ["a", "b"],
				"parameters": {"mu": "mu", "Lambda": "Lambda"}}]}');
CREATE FUNCTION add_run(network text, posterior bnai_posterior) RETURNS void LANGUAGE sql AS $$
	UPDATE bnai_run SET is_current = false, is_previous = false WHERE is_current;
	INSERT INTO bnai_run (network, is_current, started_at, elapsed, rows, rows_skipped, restarts, best_restart, iterations,
						  converged, elbo, passes, moves, posterior, trace_restart, trace_iteration, trace_elbo, trace_event)
	SELECT id, true, now(), '0', 200, 0, 1, 1, 1, true, -951, 1, '{}', posterior, '{}', '{}', '{}', '{}'
	FROM bnai_network WHERE name = network $$;
SELECT add_run('visitors', p) FROM model;

-- By name, with numbers of any type, arrays and NULLs
SELECT id, bnai_predict('visitors', a, b), round(bnai_score('visitors', a, b)::numeric, 6) AS score FROM visitor ORDER BY id;
SELECT bnai_predict('visitors', 20, 21) AS integers, bnai_predict('visitors', 20.5, 21::real) AS mixed,
	   bnai_predict('visitors', VARIADIC ARRAY[25, 26]) AS array, bnai_predict('visitors', VARIADIC '{25,26}'::real[]) AS real_array,
	   bnai_predict(network => 'visitors', VARIADIC observation => '{20,21}') AS named;
SELECT bnai_predict('visitors', 20, NULL) AS value, bnai_predict(NULL::text, 20, 21) AS network,
	   bnai_predict('visitors', VARIADIC NULL) AS array, bnai_score('visitors', NULL, 20) AS score;
SELECT label, round(probability::numeric, 6) AS probability FROM bnai_predict_proba('visitors', 22.5, 22.8);
SELECT id, p.label, round(p.probability::numeric, 6) AS probability
FROM visitor, bnai_predict_proba('visitors', a, b) p ORDER BY id, probability DESC;

SELECT id, e.column_name, value, mean, round(deviation::numeric, 6) AS deviation, round(pull::numeric, 6) AS pull, e.label, runner_up
FROM visitor, bnai_explain('visitors', a, b) e ORDER BY id, column_name;

-- By value
SELECT id, bnai_predict(p, a, b), round(bnai_score(p, a, b)::numeric, 6) AS score FROM visitor, model ORDER BY id;
SELECT bnai_predict(bnai_fitted('visitors'), 20, 21), bnai_predict((SELECT p FROM model), VARIADIC '{25,26}');
SELECT label, round(probability::numeric, 6) AS probability FROM model, bnai_predict_proba(p, 22.5, 22.8);

-- One model per group: more of them than are kept, in and out of line
CREATE TABLE models (id int, p bnai_posterior);
INSERT INTO models
SELECT i, jsonb_set(p::jsonb, '{nodes,1,parameters,mu,1,0}', to_jsonb(i))::text::bnai_posterior FROM model, generate_series(1, 20) i;
ALTER TABLE models ALTER p SET STORAGE external;
INSERT INTO models
SELECT 20 + i, jsonb_set(p::jsonb, '{nodes,1,parameters,mu,1,0}', to_jsonb(i))::text::bnai_posterior FROM model, generate_series(1, 20) i;
SELECT count(*), count(DISTINCT m.id) AS models, sum(abs(bnai_score(m.p, a, b) - bnai_score(m.p::text::bnai_posterior, a, b))) AS difference
FROM (SELECT * FROM models, generate_series(1, 3) round ORDER BY round, id) m, visitor WHERE visitor.id = 1;
DROP TABLE models;

-- What is refused
SELECT bnai_predict('visitors', 1);
SELECT bnai_score('visitors', 1, 2, 3);
SELECT * FROM bnai_predict_proba('visitors', VARIADIC '{}');
SELECT bnai_predict('visitors', VARIADIC '{{1,2},{3,4}}');
SELECT bnai_predict('visitors', 'NaN', 2);
SELECT bnai_score('visitors', 1, '-Infinity');
SELECT bnai_predict(('{"version": 1, "network_type": "general", "rows": 4, "elbo": -12, "selector": null, "nodes": [],
	"clusters": [{"label": null, "size": 4, "count": 4, "live": true}], "leaves": [
		{"name": "x", "distribution": "GaussianARD", "mixture": false, "dim": 1, "columns": ["x"], "parameters": {"mu": 0, "alpha": 1}}]}')::bnai_posterior, 1);

-- What the views and accessors say
SELECT network, label, size, weight, mean, columns FROM bnai_clusters;
SELECT network, label FROM bnai_previous_clusters;
SELECT node, plate, label, parameter, index, value FROM bnai_parameters WHERE network = 'visitors' AND node = 'mu' AND plate = 1;
SELECT plate, moment, value FROM bnai_moments('visitors', 'alpha') WHERE moment = 'mean';
SELECT DISTINCT moment FROM bnai_moments('visitors', 'mu') ORDER BY moment;
SELECT bnai_fitted('visitors')::text = p::text AS same FROM model;
SELECT bnai_mean('visitors', 'mu');
SELECT bnai_mean('visitors', 'Z');
SELECT bnai_mean('visitors', 'Y');
SELECT bnai_mean('visitors', 'nothing');

-- In WHERE, generated columns, triggers and parallel plans
SELECT id FROM visitor WHERE bnai_predict('visitors', a, b) = 'A' ORDER BY id;
SELECT format('CREATE TABLE labelled (a float8, b float8, label text GENERATED ALWAYS AS (bnai_predict(%L::bnai_posterior, a, b)) STORED)', p) FROM model \gexec
INSERT INTO labelled VALUES (20, 21), (25, 26), (NULL, 26);
TABLE labelled;
DROP TABLE labelled;

CREATE FUNCTION label_it() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	NEW.label := bnai_predict('visitors', NEW.a, NEW.b);
	RETURN NEW;
END $$;
CREATE TRIGGER label_it BEFORE INSERT OR UPDATE OF a, b ON visitor FOR EACH ROW EXECUTE FUNCTION label_it();
INSERT INTO visitor VALUES (5, 24, 25), (6, 19, 18);
SELECT id, label FROM visitor WHERE id > 4 ORDER BY id;

CREATE TABLE many AS SELECT 15 + i % 13 AS a, 15 + i % 11 AS b FROM generate_series(1, 5000) i;
ALTER TABLE many SET (parallel_workers = 2);
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
EXPLAIN (COSTS OFF) SELECT count(*) FROM many WHERE bnai_predict('visitors', a, b) = 'A';
SELECT count(*) FROM many WHERE bnai_predict('visitors', a, b) = 'A';
SET max_parallel_workers_per_gather = 0;
SELECT count(*) FROM many WHERE bnai_predict('visitors', a, b) = 'A';
RESET ALL;
DROP TABLE many;

-- The cache: another run is seen at once, by the same call site, in the same transaction
UPDATE model SET p = jsonb_set(p::jsonb, '{clusters}', '[{"label": "C", "size": 120, "count": 120, "live": true}, {"label": null, "size": 0, "count": 80, "live": true}]')::text::bnai_posterior;
DO $$
DECLARE
	seen text[] := '{}';
	m bnai_posterior;
BEGIN
	FOR i IN 1..6 LOOP
		seen := seen || bnai_predict('visitors', 25, 26);
		m := bnai_fitted('visitors');
		seen := seen || bnai_predict(m, 25, 26);
		BEGIN
			IF i = 2 OR i = 5 THEN
				PERFORM add_run('visitors', p) FROM model;
			END IF;
			seen := seen || ('(' || bnai_predict('visitors', 25, 26) || ')');
			IF i = 2 THEN
				RAISE EXCEPTION 'undone';
			END IF;
		EXCEPTION WHEN raise_exception THEN
			seen := seen || bnai_predict('visitors', 25, 26);
		END;
	END LOOP;
	RAISE NOTICE '%', seen;
END $$;
BEGIN ISOLATION LEVEL REPEATABLE READ;
DO $$
DECLARE
	seen text[] := '{}';
BEGIN
	FOR i IN 1..3 LOOP
		BEGIN
			DELETE FROM bnai_run WHERE is_current AND i = 2;
			seen := seen || coalesce(bnai_predict('visitors', 25, 26), '-');
			IF i = 2 THEN
				RAISE EXCEPTION 'undone';
			END IF;
		EXCEPTION WHEN raise_exception THEN
			seen := seen || coalesce(bnai_predict('visitors', 25, 26), '-');
		END;
	END LOOP;
	RAISE NOTICE '%', seen;
END $$;
COMMIT;

-- A live component without a label is no candidate
SELECT bnai_predict('visitors', 25, 25.5), (SELECT count(*) FROM bnai_predict_proba('visitors', 25, 25.5)) AS labels;

-- Whoever was not granted to read the network may not score
CREATE ROLE regress_stranger;
GRANT SELECT ON visitor TO regress_stranger;
SELECT bnai_grant('visitors', 'regress_stranger', 'read');
CREATE FUNCTION score_as(role text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('SET LOCAL ROLE %I', role);
	RETURN bnai_predict('visitors', 25, 26);
EXCEPTION WHEN insufficient_privilege THEN
	RETURN sqlerrm;
END $$;
SELECT score_as('regress_stranger');
SELECT bnai_revoke('visitors', 'regress_stranger');
SELECT score_as('regress_stranger');
SET ROLE regress_stranger;
SELECT bnai_score('visitors', 1, 2);
SELECT bnai_fitted('visitors');
SELECT count(*) FROM bnai_clusters;
SELECT count(*) FROM bnai_parameters;
RESET ROLE;

SELECT bnai_drop_network('visitors');
DROP TABLE visitor, model;
DROP FUNCTION add_run, label_it, score_as;
DROP ROLE regress_stranger;
