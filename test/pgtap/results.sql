-- The results column: labels at refits, many clusters, kinds of columns, which rows are written.

SELECT plan(37);

-- Well separated groups of 20 rows: group g is N((10 g, 0), 1), drawn by a hash (Box and Muller 1958)
CREATE FUNCTION uniform(n integer, draw bigint) RETURNS float8 LANGUAGE sql IMMUTABLE AS $$
	SELECT 0.5 + hashint8extended(n, draw) / 18446744073709555712.0::float8 $$;
CREATE FUNCTION groups(n integer) RETURNS TABLE (id integer, g integer, x float8, y float8) LANGUAGE sql AS $$
	SELECT id.n, g, 10 * g + r * cos(phi), r * sin(phi)
	FROM generate_series(0, n - 1) AS g, generate_series(1, 20) AS i, LATERAL (SELECT 20 * g + i AS n) AS id,
		 LATERAL (SELECT sqrt(-2 * ln(uniform(id.n, 1))) AS r, 2 * pi() * uniform(id.n, 2) AS phi) AS polar $$;

CREATE TABLE points AS SELECT *, NULL::text AS label FROM groups(4) WHERE g <> 2;
SELECT bnai_create_clustering('net', 'points', '{x,y}', results_column => 'label', max_clusters => 6, restarts => 5);
SELECT is(clusters, 3, 'three groups') FROM bnai_infer('net');
SELECT results_eq('SELECT DISTINCT g, label FROM points ORDER BY 1', $$ VALUES (0, 'A'), (1, 'B'), (3, 'C') $$, 'A, B, C by the norm of the mean');

-- Another physical order
CREATE TABLE shuffled AS SELECT * FROM points ORDER BY hashint4(id);
TRUNCATE points;
INSERT INTO points TABLE shuffled;
SELECT is(rows_relabelled, 0::bigint, 'a permutation of the rows changes no label') FROM bnai_infer('net');

-- Another seed: other component numbers, the same labels
SELECT bnai_set('net', 'seed', '4711');
SELECT is(rows_relabelled, 0::bigint, 'another seed changes no label') FROM bnai_infer('net');

-- A new group whose norm lies between those of the old ones takes a fresh letter
INSERT INTO points SELECT *, NULL FROM groups(4) WHERE g = 2;
SELECT is(rows_relabelled, 20::bigint, 'only the new rows get a label') FROM bnai_infer('net');
SELECT results_eq('SELECT DISTINCT g, label FROM points ORDER BY 1', $$ VALUES (0, 'A'), (1, 'B'), (2, 'D'), (3, 'C') $$, 'D is the new group');
SELECT results_eq($$ SELECT label FROM bnai_previous_clusters WHERE network = 'net' ORDER BY label $$, $$ VALUES ('A'), ('B'), ('C') $$,
	'the previous clusters stay queryable');
SELECT results_eq($$ SELECT label, size::integer FROM bnai_clusters WHERE network = 'net' ORDER BY label $$, $$ VALUES ('A', 20), ('B', 20), ('C', 20), ('D', 20) $$,
	'beside the current ones');

-- A group that vanishes takes its label along; the others keep theirs
DELETE FROM points WHERE g = 1;
SELECT is(rows_relabelled, 0::bigint, 'a vanished group relabels nobody') FROM bnai_infer('net');
SELECT results_eq($$ SELECT label FROM bnai_clusters WHERE network = 'net' ORDER BY label $$, $$ VALUES ('A'), ('C'), ('D') $$, 'B is gone');

-- A group that drifts keeps its label
UPDATE points SET x = x + 0.5 WHERE g = 3;
SELECT is(rows_relabelled, 0::bigint, 'a group that drifts keeps its label') FROM bnai_infer('net');

-- After a reset the naming begins anew
SELECT bnai_reset('net');
SELECT count(*) FROM bnai_infer('net');
SELECT results_eq('SELECT DISTINCT g, label FROM points ORDER BY 1', $$ VALUES (0, 'A'), (2, 'B'), (3, 'C') $$, 'after a reset A, B, C again');

-- Thirty groups, starting from the known ones: Z is followed by AA
CREATE TABLE many AS SELECT *, g::text AS label FROM groups(30);
SELECT bnai_create_clustering('many', 'many', '{x,y}', results_column => 'label', max_clusters => 30, priors => 'vague', start => 'results', moves => false);
SELECT is(clusters, 30, 'thirty groups') FROM bnai_infer('many');
SELECT results_eq('SELECT DISTINCT g, label FROM many ORDER BY 1',
	$$ SELECT g, CASE WHEN g < 26 THEN chr(65 + g) ELSE 'A' || chr(65 + g - 26) END FROM generate_series(0, 29) AS g $$, 'A to Z, AA to AD');

-- An integer column gets the number of the label
CREATE TABLE numbered AS SELECT *, NULL::integer AS label FROM groups(3);
SELECT bnai_create_clustering('numbered', 'numbered', '{x,y}', results_column => 'label');
SELECT is(rows_relabelled, 60::bigint, 'an integer column') FROM bnai_infer('numbered');
SELECT results_eq('SELECT DISTINCT g, label FROM numbered ORDER BY 1', 'VALUES (0, 1), (1, 2), (2, 3)', 'A is 1, B is 2, C is 3');
SELECT is(rows_relabelled, 0::bigint, 'and is compared at the second inference') FROM bnai_infer('numbered');
SELECT is(bnai_reset('numbered'), 60::bigint, 'reset');
SELECT is((SELECT count(label) FROM numbered), 0::bigint, 'clears it');
-- with start = results, from numbers of the user's own
UPDATE numbered SET label = 100 - g;
SELECT bnai_set('numbered', 'start', 'results');
SELECT is(clusters, 3, 'numbers as a start') FROM bnai_infer('numbered');
SELECT results_eq('SELECT DISTINCT g, label FROM numbered ORDER BY 1', 'VALUES (0, 1), (1, 2), (2, 3)', 'are replaced by the labels''');

CREATE TABLE small AS SELECT *, NULL::smallint AS s, NULL::bigint AS b FROM groups(2);
SELECT bnai_create_clustering('small', 'small', '{x,y}', results_column => 's');
SELECT is(rows_relabelled, 40::bigint, 'smallint') FROM bnai_infer('small');
SELECT bnai_set('small', 'results_column', 'b');
SELECT is(rows_relabelled, 40::bigint, 'bigint') FROM bnai_infer('small');

-- char(n) pads; a padded label is the same label
CREATE TABLE padded AS SELECT *, NULL::char(4) AS label FROM groups(3);
SELECT bnai_create_clustering('padded', 'padded', '{x,y}', results_column => 'label');
SELECT is(rows_relabelled, 60::bigint, 'char(4)') FROM bnai_infer('padded');
SELECT is(rows_relabelled, 0::bigint, 'char(4), again') FROM bnai_infer('padded');
SELECT is_empty('SELECT id FROM padded WHERE label IS DISTINCT FROM bnai_predict(''padded'', x, y)', 'char(4) equals the prediction');

-- varchar(1) holds 26 labels; with more, the error comes before anything is written
CREATE TABLE narrow AS SELECT id, g, x, y, NULL::varchar(1) AS label FROM groups(27);
SELECT bnai_create_clustering('narrow', 'narrow', '{x,y}', results_column => 'label', max_clusters => 10);
SELECT ok(clusters <= 10, 'varchar(1) is wide enough for ten') FROM bnai_infer('narrow');
SELECT bnai_drop_network('narrow');
CREATE TABLE wide AS SELECT id, g, x, y, g::text AS label FROM groups(27);
SELECT bnai_create_clustering('wide', 'wide', '{x,y}', results_column => 'label', max_clusters => 27, priors => 'vague', start => 'results', moves => false);
SELECT is(clusters, 27, 'text is wide enough for twenty-seven') FROM bnai_infer('wide');
ALTER TABLE wide ALTER label TYPE varchar(1) USING chr(65 + g);
CREATE TABLE before AS SELECT id, xmin::text AS version, label FROM wide;
SELECT throws_ok($$ SELECT count(*) FROM bnai_infer('wide') $$, '22001', NULL, 'AA is too wide for varchar(1)');
SELECT is_empty('SELECT id, xmin::text AS version, label FROM wide EXCEPT TABLE before', 'and nothing was written');
SELECT is((SELECT count(*) FROM bnai_runs WHERE network = 'wide'), 1::bigint, 'nor kept as a run');

-- Only rows that change are written
CREATE TABLE versions AS SELECT id, xmin::text AS version FROM points;
UPDATE points SET label = 'wrong' WHERE id IN (SELECT id FROM points ORDER BY id LIMIT 3);
SELECT is(rows_relabelled, 3::bigint, 'three spoilt labels are put right') FROM bnai_infer('net');
SELECT is((SELECT count(*) FROM points JOIN versions USING (id) WHERE points.xmin::text <> version), 3::bigint, 'and no other row is touched');

-- A label belongs to its row, whatever the order of the rows and however often a row stands there
CREATE TABLE twice AS SELECT x, y, g, NULL::text AS label FROM groups(3), generate_series(1, 2) ORDER BY hashint4(id);
SELECT bnai_create_clustering('twice', 'twice', '{y,x}', results_column => 'label', missing => 'skip');
SELECT is(rows_relabelled, 120::bigint, 'a table without a key and with duplicates') FROM bnai_infer('twice');
SELECT is_empty($$ SELECT x, y, label FROM twice WHERE label IS DISTINCT FROM bnai_predict('twice', y, x) $$, 'every row gets its own label');

-- Rows that were skipped have no label
UPDATE twice SET x = NULL WHERE ctid IN (SELECT ctid FROM twice WHERE g = 1 LIMIT 5);
SELECT is(rows_relabelled, 5::bigint, 'rows with a NULL lose their label') FROM bnai_infer('twice');
SELECT is((SELECT count(*) FROM twice WHERE x IS NULL AND label IS NOT NULL), 0::bigint, 'to NULL');

SELECT * FROM finish();
