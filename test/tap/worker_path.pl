# A worker finds nothing by a search path that somebody has given to the database or to all roles.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->start;

# Operators in front of the server's, each of which raises an error that names it.
$node->safe_psql('postgres', q{
	CREATE EXTENSION bnai;
	CREATE TABLE visits (x float8, y float8, label text);
	INSERT INTO visits SELECT (i % 2) * 10 + sin(i), cos(i) FROM generate_series(1, 100) i;
	SELECT bnai_create_clustering('m', 'visits', '{x,y}', 'label', max_clusters => 2, counter_threshold => 5, threshold_action => 'background');
	SELECT bnai_watch('m', 'visits', 'INSERT');
	CREATE SCHEMA evil;
	DO $$
	DECLARE
		f record;
	BEGIN
		FOR f IN
			SELECT row_number() OVER () AS n, oprname AS name, format_type(oprleft, NULL) AS a, format_type(oprright, NULL) AS b, format_type(oprresult, NULL) AS result
			FROM pg_operator
			WHERE oprname IN ('=', '<>', '<', '<=', '>', '>=', '+', '-', '*', '/', '||', '~~') AND oprleft = ANY ('{bool,int4,int8,float8,text,name,oid,timestamptz,tid}'::regtype[])
				AND oprright = ANY ('{bool,int4,int8,float8,text,name,oid,timestamptz,tid,interval}'::regtype[])
		LOOP
			EXECUTE format('CREATE FUNCTION evil.f%s(%s, %s) RETURNS %s LANGUAGE plpgsql AS %L', f.n, f.a, f.b, f.result, format('BEGIN RAISE EXCEPTION ''evil %s''; END', f.name));
			EXECUTE format('CREATE OPERATOR evil.%s (FUNCTION = evil.f%s, LEFTARG = %s, RIGHTARG = %s)', f.name, f.n, f.a, f.b);
		END LOOP;
	END $$;
	CREATE DOMAIN evil.float8 AS pg_catalog.float8 CHECK (false);
	CREATE DOMAIN evil.text AS pg_catalog.text CHECK (false);
	ALTER DATABASE postgres SET search_path = evil, pg_catalog, public;
	ALTER ROLE ALL SET search_path = evil, pg_catalog, public;
});
my ($code, $out, $err) = $node->psql('postgres', 'SELECT 1 = 1');
like($err, qr/evil =/, 'the path bites');
$node->safe_psql('postgres', 'INSERT INTO visits SELECT 1, 1 FROM generate_series(1, 10)');
ok($node->poll_query_until('postgres',
	q{SELECT pg_catalog.count(*) OPERATOR(pg_catalog.=) 1 FROM public.bnai_runs}), 'a worker infers behind it');
is($node->safe_psql('postgres', 'SET search_path = pg_catalog; SELECT count(*) FILTER (WHERE label IS NULL), (SELECT last_error FROM public.bnai_status) FROM public.visits'), '0|',
	'and labels all rows');
$node->stop;
my @called = grep { /evil/ && !/STATEMENT/ } split /^/, slurp_file($node->logfile);
is(scalar(grep { /ERROR:  evil/ } @called), 1, 'nothing of it was called but by hand');
done_testing();
