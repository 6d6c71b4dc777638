-- Labels of rows as they arrive are those of the rows as they are stored, and no INSERT fails because of one.
BEGIN;
SELECT no_plan();

CREATE TABLE base AS SELECT i AS id, (i % 2) * 10.0 + (i % 3) AS x, ((i % 2) * 5)::float8 AS y, NULL::text AS label FROM generate_series(1, 100) i;

-- Makes a table like that one with a network of its own, inferred.
CREATE FUNCTION prepare(name text, definition text DEFAULT '(LIKE base)', label text DEFAULT 'label', x text DEFAULT 'x') RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('CREATE TABLE %I %s', name, definition);
	EXECUTE format('INSERT INTO %I (id, x, y) SELECT id, x, y FROM base', name);
	PERFORM bnai_create_clustering(name, name::regclass, ARRAY[x, 'y'], results_column => label, max_clusters => 2);
	PERFORM bnai_infer(name);
END $$;

-- Rows whose label is another than that of the row as it is stored.
CREATE FUNCTION wrong(name text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	n bigint;
BEGIN
	EXECUTE format('SELECT count(*) FROM %I WHERE label IS DISTINCT FROM bnai_predict(%L, x::float8, y)', name, name) INTO n;
	RETURN n;
END $$;

CREATE FUNCTION refused(name text, why text, what text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	detail text;
BEGIN
	PERFORM bnai_label_on_insert(name::regclass);
	RETURN is('accepted', 'refused', what);
EXCEPTION WHEN object_not_in_prerequisite_state THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
	RETURN matches(detail, why, what);
END $$;

-- triggers that change the row first
CREATE FUNCTION shift() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.x := 11 - NEW.x; NEW.y := 5 - NEW.y; RETURN NEW; END $$;
SELECT prepare('triggered');
CREATE TRIGGER a BEFORE INSERT ON triggered FOR EACH ROW EXECUTE FUNCTION shift();
CREATE TRIGGER zz BEFORE INSERT OR UPDATE ON triggered FOR EACH ROW EXECUTE FUNCTION shift();
CREATE TRIGGER "zzz_é" BEFORE UPDATE ON triggered FOR EACH ROW EXECUTE FUNCTION shift();
SELECT bnai_label_on_insert('triggered');
INSERT INTO triggered SELECT id + 1000, x, y, 'no' FROM base;
SELECT is(wrong('triggered'), 0::bigint, 'after an INSERT that triggers change');
UPDATE triggered SET id = id + 1 WHERE id > 1000;
SELECT is(wrong('triggered'), 0::bigint, 'after an UPDATE that triggers change');
UPDATE triggered SET x = 11 - x, y = 5 - y WHERE id > 1050;
SELECT is(wrong('triggered'), 0::bigint, 'also of the observed columns');
CREATE TRIGGER "~~last" BEFORE INSERT ON triggered FOR EACH ROW EXECUTE FUNCTION shift();
INSERT INTO triggered VALUES (2001, 0, 0);
SELECT is(label, NULL, 'there is no label where a trigger comes after all') FROM triggered WHERE id = 2001;
SELECT is(unwatched, '{"LABEL public.triggered"}', 'which can be seen') FROM bnai_status WHERE network = 'triggered';
SELECT refused('triggered', '"~~last" fires after', 'and is refused by now');
ALTER TABLE triggered DISABLE TRIGGER "~~last";
INSERT INTO triggered VALUES (2002, 0, 0);
SELECT isnt(label, NULL, 'a disabled one is none') FROM triggered WHERE id = 2002;

-- generated columns
SELECT prepare('generated', '(id int, x float8, y float8, twice float8 GENERATED ALWAYS AS (2 * x) STORED, label text)', x => 'twice');
SELECT refused('generated', '"twice" is generated', 'a generated column is observed');

-- partition keys
SELECT prepare('keyed', '(LIKE base) PARTITION BY LIST (label); CREATE TABLE keyed_1 PARTITION OF keyed DEFAULT');
SELECT refused('keyed', 'decides which partition', 'the label decides');
SELECT prepare('by_expression', '(LIKE base) PARTITION BY LIST (lower(label)); CREATE TABLE by_expression_1 PARTITION OF by_expression DEFAULT');
SELECT refused('by_expression', 'decides which partition', 'an expression of it decides');
SELECT prepare('nested', '(LIKE base) PARTITION BY RANGE (id); CREATE TABLE nested_1 PARTITION OF nested DEFAULT PARTITION BY LIST (label); CREATE TABLE nested_2 PARTITION OF nested_1 DEFAULT');
SELECT refused('nested', 'decides which partition', 'it decides further down');
SELECT prepare('above', '(LIKE base)');
SELECT bnai_label_on_insert('above');
CREATE TABLE top (LIKE base) PARTITION BY LIST (label);
UPDATE above SET label = 'A';
ALTER TABLE top ATTACH PARTITION above FOR VALUES IN ('A');
INSERT INTO above VALUES (1001, 10, 5, 'A'), (1002, 0, 0, 'A');
SELECT is(count(*), 2::bigint, 'a table that became such a partition takes rows') FROM above WHERE id > 1000;
SELECT refused('above', 'decides which partition', 'it is refused by now');

-- constraints, at first and later on
CREATE TABLE labels (label text PRIMARY KEY);
INSERT INTO labels VALUES ('A'), ('B');
CREATE DOMAIN labelled AS text CHECK (VALUE <> 'Q');
SELECT prepare('chk', '(id int, x float8, y float8, label text CHECK (label <> ''Q''))');
SELECT refused('chk', 'violate constraint "chk_label_check"', 'a check');
SELECT prepare('fk', '(id int, x float8, y float8, label text REFERENCES labels)');
SELECT refused('fk', 'violate constraint "fk_label_fkey"', 'a foreign key');
SELECT prepare('dom', '(id int, x float8, y float8, label labelled)');
SELECT refused('dom', 'type of column "label" has constraints', 'a domain');
SELECT prepare('nn', '(id int, x float8, y float8, label text NOT NULL DEFAULT '''')');
SELECT refused('nn', 'NOT NULL', 'no NULL');
CREATE TABLE policed (LIKE base);
INSERT INTO policed TABLE base;
CREATE POLICY p ON policed WITH CHECK (label = 'A');
ALTER TABLE policed ENABLE ROW LEVEL SECURITY;
SELECT bnai_create_clustering('policed', 'policed', '{x,y}', results_column => 'label');
SELECT refused('policed', 'policy "p"', 'a policy');

SELECT prepare('changing');
SELECT bnai_label_on_insert('changing');
INSERT INTO changing VALUES (1001, 0, 0);
SELECT isnt(label, NULL, 'rows are labelled') FROM changing WHERE id = 1001;
ALTER TABLE changing ALTER label SET NOT NULL;
INSERT INTO changing VALUES (1002, 0, 0, 'x'), (1003, NULL, NULL, 'x');
SELECT is(array_agg(label ORDER BY id), '{x,x}', 'NOT NULL from now on: rows stay as they are') FROM changing WHERE id IN (1002, 1003);
ALTER TABLE changing ALTER label DROP NOT NULL;
ALTER TABLE changing ADD CHECK (label = 'x') NOT VALID;
INSERT INTO changing VALUES (1004, 0, 0, 'x');
ALTER TABLE changing DROP CONSTRAINT changing_label_check;
UPDATE changing SET label = id::text WHERE id < 1000 OR id > 1001;
CREATE UNIQUE INDEX changing_label ON changing (label);
INSERT INTO changing VALUES (1005, 0, 0, 'y');
DROP INDEX changing_label;
UPDATE changing SET label = 'A';
ALTER TABLE changing ALTER label TYPE varchar(1);
INSERT INTO changing VALUES (1006, 0, 0);
SELECT is(count(*), 5::bigint, 'all were inserted') FROM changing WHERE id > 1001;
SELECT isnt(label, NULL, 'the last with a label') FROM changing WHERE id = 1006;

-- values that are no numbers of double precision
SELECT prepare('large', '(id int, x numeric, y float8, label text)');
SELECT bnai_label_on_insert('large');
INSERT INTO large VALUES (1001, 1e400, 0, 'x'), (1002, -1e400, 0, 'x'), (1003, 'NaN', 0, 'x'), (1004, 1, 'Infinity', 'x'), (1005, NULL, NULL, 'x'), (1006, 1, 0, 'x');
SELECT is(array_agg(label ORDER BY id) FILTER (WHERE label IS NOT NULL), ARRAY[max(label)], 'what no double can hold has no label') FROM large WHERE id > 1000;
UPDATE large SET x = 1e300 * 1e300 WHERE id = 1006;
SELECT is(label, NULL, 'nor has what becomes so') FROM large WHERE id = 1006;
SELECT prepare('lists', '(id int, x float8, y float8, v numeric[], label text)');
UPDATE lists SET v = ARRAY[x, y];
SELECT bnai_create_clustering('v', 'lists', '{v}', results_column => 'label', max_clusters => 2);
SELECT bnai_infer('v');
SELECT bnai_label_on_insert('lists', 'v');
INSERT INTO lists (id, v) VALUES (1001, '{1e400,1}'), (1002, '{1}'), (1003, '{NULL,NULL}'), (1004, '{}'), (1005, NULL), (1006, '{{1,2},{3,4}}'), (1007, '{0,0}');
SELECT is(array_agg(id ORDER BY id) FILTER (WHERE label IS NOT NULL), '{1007}', 'lists of other lengths have no label') FROM lists WHERE id > 1000;

-- triggers of 0.1.0: the name as argument, fired before others
SELECT prepare('older');
SELECT bnai_label_on_insert('older'), bnai_watch('older', 'older', 'INSERT');
DO $$ BEGIN
	EXECUTE format('DROP TRIGGER %I ON older', (SELECT tgname FROM pg_trigger WHERE tgrelid = 'older'::regclass AND tgname LIKE '%label'));
	EXECUTE format('DROP TRIGGER %I ON older', (SELECT tgname FROM pg_trigger WHERE tgrelid = 'older'::regclass AND tgname LIKE '%insert'));
	EXECUTE format('CREATE TRIGGER bnai_watch_%s_label BEFORE INSERT OR UPDATE ON older FOR EACH ROW EXECUTE FUNCTION bnai_label_row(older)',
		(SELECT id FROM bnai_network WHERE name = 'older'));
	EXECUTE format('CREATE TRIGGER bnai_watch_%s_insert AFTER INSERT ON older REFERENCING NEW TABLE AS bnai_rows FOR EACH STATEMENT EXECUTE FUNCTION bnai_count_rows(older)',
		(SELECT id FROM bnai_network WHERE name = 'older'));
END $$;
INSERT INTO older VALUES (1001, 10, 5);
SELECT is(wrong('older'), 0::bigint, 'they label');
SELECT is(counter, 1::bigint, 'and count') FROM bnai_status WHERE network = 'older';
SELECT bnai_label_on_insert('older');
SELECT is(count(*), 1::bigint, 'bnai_label_on_insert once more takes the place of the old one') FROM pg_trigger WHERE tgrelid = 'older'::regclass AND tgname LIKE '%label';
INSERT INTO older VALUES (1002, 10, 5);
SELECT is(wrong('older'), 0::bigint, 'and labels');

-- triggers that nobody asked bnai for
CREATE TABLE own (LIKE base);
DO $$ BEGIN
	EXECUTE format('CREATE TRIGGER l BEFORE INSERT ON own FOR EACH ROW EXECUTE FUNCTION bnai_label_row(id, %s)', (SELECT id FROM bnai_network WHERE name = 'older'));
	EXECUTE format('CREATE TRIGGER c AFTER INSERT ON own REFERENCING NEW TABLE AS n FOR EACH STATEMENT EXECUTE FUNCTION bnai_count_rows(id, %s)',
		(SELECT id FROM bnai_network WHERE name = 'older'));
	CREATE TRIGGER d BEFORE INSERT ON own FOR EACH ROW EXECUTE FUNCTION bnai_label_row('id', 'x');
END $$;
INSERT INTO own VALUES (1, 10, 5);
SELECT is(label, NULL, 'a trigger without a watch does not label') FROM own;
SELECT is(counter, 2::bigint, 'and does not count') FROM bnai_status WHERE network = 'older';

-- who only says that he restores a dump
CREATE ROLE bnai_writer;
CREATE ROLE bnai_table_owner;
SELECT prepare('stated');
ALTER TABLE stated OWNER TO bnai_table_owner;
GRANT INSERT ON stated TO bnai_writer;
SELECT bnai_watch('stated', 'stated', 'INSERT'), bnai_label_on_insert('stated');
CREATE FUNCTION restores(role name, id int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('SET LOCAL ROLE %I', role);
	SET LOCAL check_function_bodies = off;
	PERFORM pg_catalog.set_config('search_path', '', true);
	EXECUTE format('INSERT INTO public.stated VALUES (%s, 0, 0, %L)', id, 'own');
	RESET ROLE;
	RESET search_path;
	RESET check_function_bodies;
END $$;
SELECT restores('bnai_writer', 1001);
SELECT is(counter, 1::bigint, 'is counted') FROM bnai_status WHERE network = 'stated';
SELECT isnt(label, 'own', 'and labelled') FROM stated WHERE id = 1001;
SELECT restores('bnai_table_owner', 1002);
SELECT restores(current_user, 1003);
SELECT is(counter, 1::bigint, 'the owner of the table and a superuser are believed') FROM bnai_status WHERE network = 'stated';
SELECT is(array_agg(label), '{own,own}', 'what they restore stays as it is') FROM stated WHERE id IN (1002, 1003);
SELECT finish();
ROLLBACK;
