# bnai in a schema of any name, which somebody else may write to: everything works
# where the name must be quoted, after the schema is renamed, and in a dump of
# that; objects that others put there, before and after, are never called.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->start;

my $quoted = q{"it's ""quoted"""};
my $renamed = q{"ne'w"};

# Creates a database with bnai in a schema, and a table with two groups.
sub make_database
{
	my ($name, $schema, $before) = @_;
	$node->safe_psql('postgres', "CREATE DATABASE $name");
	$node->safe_psql($name, "CREATE SCHEMA $schema; $before CREATE EXTENSION bnai SCHEMA $schema;
		CREATE TABLE public.visits (a float8, b float8, list float8[], label text);
		INSERT INTO public.visits SELECT 10 * (i % 2) + sin(i), 10 * (i % 2) + cos(2.5 * i), ARRAY[i % 2, sin(i)]
		FROM generate_series(1, 60) i;");
}

# --- a name that must be quoted, and another one later ---
make_database('quoted', $quoted, '');

sub run_in
{
	my ($database, $schema, $sql) = @_;
	return $node->safe_psql($database, "SET search_path = $schema, public; $sql");
}

run_in('quoted', $quoted, q{
	SELECT bnai_create_clustering('m', 'visits', '{a,b,list}', results_column => 'label', max_clusters => 3);
	SELECT bnai_infer('m'), bnai_watch('m', 'visits', 'INSERT'), bnai_label_on_insert('visits')});
my $use = q{
	INSERT INTO visits VALUES (0, 0, '{0,0}') RETURNING label = bnai_predict('m', VARIADIC ARRAY[a, b] || list);
	SELECT clusters FROM bnai_infer('m');
	SELECT length(bnai_plot('m', 'clusters')::text) > 100, length(bnai_graph('m')) > 100;
	SELECT count(*) FROM bnai_changes('m');
	SELECT counter, source FROM bnai_status};
my $first = run_in('quoted', $quoted, $use);
like($first, qr/^t\n2\nt\|t\n3\n1\|public.visits$/, 'everything works in it');
$node->safe_psql('quoted', "ALTER SCHEMA $quoted RENAME TO $renamed");
like(run_in('quoted', $renamed, $use), qr/^t\n2\nt\|t\n3\n2\|public.visits$/, 'and after it is renamed');

my $state = q{SELECT network, source, columns, results_column, counter, run, bnai_run_posterior(run) FROM bnai_status};
my $before = run_in('quoted', $renamed, $state);
my $dir = $node->basedir;
$node->command_ok([ 'pg_dump', '-Fc', '-f', "$dir/dump", $node->connstr('quoted') ], 'it is dumped');
for my $jobs (1, 4)
{
	$node->safe_psql('postgres', "CREATE DATABASE restored$jobs");
	$node->command_ok([ 'pg_restore', '--exit-on-error', '-j', $jobs, '-d', $node->connstr("restored$jobs"), "$dir/dump" ],
		"and restored with $jobs jobs");
	is(run_in("restored$jobs", $renamed, $state), $before, 'as it was');
	like(run_in("restored$jobs", $renamed, $use), qr/^t\n2\nt\|t\n3\n3\|public.visits$/, 'and works');
}

# --- a schema that others write to ---
my $trap = q{LANGUAGE plpgsql AS $$ BEGIN RAISE 'planted'; END $$};
make_database('shared', 'ext', qq{
	CREATE FUNCTION ext.now() RETURNS timestamptz $trap;
	CREATE FUNCTION ext.jsonb_build_object(text, text) RETURNS jsonb $trap;
	CREATE FUNCTION ext.bnai_elements(real[], integer, text) RETURNS float8[] $trap;
	CREATE FUNCTION ext.same(text, text) RETURNS boolean $trap;
	CREATE OPERATOR ext.= (FUNCTION = ext.same, LEFTARG = text, RIGHTARG = text);});

# an overload of each function: with types that literals, names and columns match as well or better
my $planted = $node->safe_psql('shared', q{
	DO $do$
	DECLARE
		f record;
		arguments text;
	BEGIN
		FOR f IN
			SELECT p.proname, p.proargtypes::oid[] AS types FROM pg_proc p
			JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
			WHERE p.pronamespace = 'ext'::regnamespace AND p.prokind = 'f' AND p.pronargs > 0
		LOOP
			FOR arguments IN
				SELECT string_agg(CASE t WHEN 'text' THEN w.name WHEN 'integer' THEN w.small WHEN 'bigint' THEN 'integer'
					WHEN 'double precision[]' THEN w.row ELSE t END, ', ' ORDER BY n)
				FROM (VALUES ('name', 'bigint', 'double precision[]'), ('varchar', 'smallint', 'double precision, double precision'),
					('text', 'integer', 'double precision, double precision')) AS w (name, small, row),
					unnest(f.types) WITH ORDINALITY u (type, n), format_type(type, NULL) t
				GROUP BY w.name, w.small, w.row
			LOOP
				BEGIN
					EXECUTE format('CREATE FUNCTION ext.%I(%s) RETURNS text LANGUAGE plpgsql AS %L', f.proname, arguments,
						'BEGIN RAISE ''planted''; END');
				EXCEPTION WHEN OTHERS THEN
					NULL;		-- no such function can be: a pseudo-type, or the one that is there
				END;
			END LOOP;
		END LOOP;
	END $do$;
	SELECT count(*) > 100 FROM pg_proc p WHERE pronamespace = 'ext'::regnamespace AND prosrc ~ 'planted'});
is($planted, 't', 'there are many overloads');

# who calls names each type, so that what is called is bnai's; what that calls is the question
my $called = $node->safe_psql('shared', q{
	SET search_path = ext, public;
	SELECT bnai_create_clustering('m'::text, 'visits'::regclass, '{a,b,list}'::text[], results_column => 'label'::text, max_clusters => 3);
	SELECT clusters FROM bnai_infer('m'::text, false);
	SELECT bnai_watch('m'::text, 'visits'::regclass, 'INSERT'::text, 1), bnai_label_on_insert('visits'::regclass, 'm'::text);
	SELECT bnai_set('m'::text, 'counter_threshold'::text, '1'::text), bnai_set('m'::text, 'threshold_action'::text, 'recalculate'::text);
	INSERT INTO visits VALUES (0, 0, '{0,0}') RETURNING label IS NOT NULL;
	CALL bnai_infer_now('m'::text);
	SELECT count(*) FROM bnai_compare(1::bigint, 2::bigint);
	SELECT bool_and(length(bnai_plot('m'::text, k::text)::text) > 50) FROM unnest('{clusters,sizes,trace,changes}'::text[]) k;
	SELECT count(*) > 0 FROM bnai_sample_rows('m'::text);
	SELECT bnai_rollback('m'::text) IS NOT NULL, bnai_reset('m'::text) IS NOT NULL;
	CREATE TABLE parts (a float8, b float8) PARTITION BY RANGE (a);
	CREATE TABLE part PARTITION OF parts FOR VALUES FROM (0) TO (10);
	SELECT bnai_unwatch('m'::text), bnai_drop_network('m'::text)});
like($called, qr/^\n?2\n/, 'what others have put into the schema is not called, which would be an error');
my $views = $node->safe_psql('shared', q{
	SELECT string_agg(format('SELECT count(*) FROM ext.%I', c.relname), ' UNION ALL ') FROM pg_class c
	JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e' WHERE c.relkind = 'v'});
is($node->psql('shared', $views), 0, 'nor by the views');

done_testing();
