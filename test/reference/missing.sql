-- Rows that are NULL in some of their columns, against a numpy statement of the same bound:
-- within a leaf of three columns, and a whole leaf of two.  1e-8 relative, as for the other
-- golden traces; these networks are well conditioned.

\set golden `cat test/reference/missing.json`

SELECT plan(42);

\i test/reference/golden.psql

SELECT is(rows_skipped, (j ->> 'skipped')::bigint, name || ': rows without any column')
FROM golden JOIN bnai_runs ON network = name;

SELECT * FROM finish();
