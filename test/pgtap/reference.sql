-- docs/reference.md says what the installed extension does, and every object says what it is
SELECT plan(5);

\setenv PGDATABASE :DBNAME
\set written `cat docs/reference.md`
\set generated `scripts/reference`

-- from PostgreSQL 17 on, row types and array types belong to an extension, too; they have no comments of their own
SELECT is_empty($$ SELECT pg_describe_object(classid, objid, objsubid) FROM pg_depend
	WHERE refclassid = 'pg_extension'::regclass AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'bnai') AND deptype = 'e'
	AND NOT EXISTS (SELECT FROM pg_type WHERE classid = 'pg_type'::regclass AND oid = objid AND (typrelid <> 0 OR typcategory = 'A'))
	AND obj_description(objid, classid::regclass::name) IS NULL $$, 'every object has a comment');

-- the error lists the settings; they are columns of the table, but for the priors, which are what nodes say
CREATE FUNCTION pg_temp.settings() RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	hint text;
BEGIN
	PERFORM bnai_create_network('n'), bnai_set('n', 'nonsense', '1');
EXCEPTION WHEN undefined_object THEN
	GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
	RETURN QUERY SELECT regexp_split_to_table(trim(split_part(hint, ':', 2), ' .'), ', ');
END $$;
SELECT set_eq($$ SELECT s FROM pg_temp.settings() AS s WHERE s <> 'priors' $$, $$ SELECT attname FROM pg_attribute
	WHERE attrelid = 'bnai_network'::regclass AND attnum > 0 AND NOT attisdropped AND col_description(attrelid, attnum) IS NOT NULL $$,
	'every setting has a comment, and nothing else of a network does');

-- a hint prints what they must be, for every one of them
SELECT is_empty('SELECT * FROM bnai_distributions() WHERE num_nulls(distribution, parameters, condition, observable) > 0 OR starts_with(parameters, distribution) IS NOT TRUE',
	'every distribution says what its parameters are and must be');

SELECT ok(length(:'generated') > 10000, 'scripts/reference made a reference');
CREATE TEMP TABLE line AS
SELECT 'written' AS version, * FROM regexp_split_to_table(:'written', '\n') WITH ORDINALITY AS l (text, number)
UNION ALL SELECT 'generated', * FROM regexp_split_to_table(:'generated', '\n') WITH ORDINALITY;
SELECT results_eq(
	$$ SELECT text FROM line WHERE version = 'written' ORDER BY number $$,
	$$ SELECT text FROM line WHERE version = 'generated' ORDER BY number $$,
	'docs/reference.md is what scripts/reference makes of the comments');

SELECT * FROM finish();
