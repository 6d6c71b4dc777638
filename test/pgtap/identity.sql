-- What a network is bound to is known by its OID: renaming changes nothing, and
-- a name that is used again is somebody else's.
BEGIN;
SELECT no_plan();

-- --- bnai_role ---
CREATE ROLE bnai_first;
CREATE TEMP TABLE holders (n int, holder bnai_role);
INSERT INTO holders VALUES (1, 'bnai_first'::regrole), (2, 'bnai_first'), (3, 'bnai first, quoted"'), (4, 'public');
SELECT results_eq('SELECT holder::text, holder::regrole::text FROM holders ORDER BY n',
	$$VALUES ('bnai_first', 'bnai_first'), ('bnai_first', NULL), ('bnai first, quoted"', NULL), ('public', NULL)$$,
	'a role is bound by its OID, a name alone is none');
ALTER ROLE bnai_first RENAME TO bnai_second;
SELECT results_eq('SELECT holder::text, holder::regrole::text FROM holders ORDER BY n LIMIT 2',
	$$VALUES ('bnai_second', 'bnai_second'), ('bnai_first', NULL)$$, 'it follows its renaming');
DROP ROLE bnai_second;
CREATE ROLE bnai_first;
SELECT results_eq('SELECT holder::text, holder::regrole::text FROM holders ORDER BY n LIMIT 2',
	$$VALUES ('bnai_first', NULL), ('bnai_first', NULL)$$, 'and is gone when it is dropped, whoever has its name');
SELECT throws_ok($$SELECT ''::bnai_role$$, '42602', 'the name of a role is empty');

SELECT * FROM finish();
ROLLBACK;
