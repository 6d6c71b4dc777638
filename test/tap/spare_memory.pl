# Where others have used up the shared memory that the server keeps in reserve, all works but
# what needed it, and a session still answers to cancel, timeout and termination.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', q{
	max_connections = 20
	max_locks_per_transaction = 10
});
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION bnai;
	CREATE TABLE points AS SELECT i AS id, 10 * (i % 4) + sin(i) AS a, cos(i * 2.5) AS b, NULL::text AS label FROM generate_series(1, 300) AS i;
	SELECT bnai_create_clustering('points', 'points', '{a,b}', results_column => 'label', counter_threshold => 5);
});

# The lock table takes the reserve
$node->safe_psql('postgres', q{
	DO $$
	BEGIN
		FOR i IN 1..100000 LOOP
			BEGIN
				PERFORM pg_advisory_xact_lock(i);
			EXCEPTION WHEN out_of_memory THEN
				EXIT;
			END;
		END LOOP;
	END $$;
});

# Each of these is the first in its session that asks for shared memory
for my $first ("SELECT bnai_increment('points', 1)", "SELECT rows, clusters FROM bnai_infer('points')", 'SELECT count(*) FROM bnai_progress', 'SELECT count(*) FROM bnai_status')
{
	my ($status, $out, $err) = $node->psql('postgres', qq{
		SET client_min_messages = warning;
		$first;
		SELECT 'here';
		SET statement_timeout = '500ms';
		SELECT pg_sleep(60);
	}, on_error_stop => 0);
	like($out, qr/^here$/m, "$first: succeeds");
	unlike($err, qr/out of shared memory/, "$first: nothing is said of memory");
	like($err, qr/canceling statement due to statement timeout/, "$first: a timeout is heard afterwards");
}

my $session = $node->background_psql('postgres', on_error_stop => 0);
$session->query_safe("SET client_min_messages = warning");
$session->query_safe("SELECT bnai_increment('points', 1)");
my $pid = $session->query_safe('SELECT pg_backend_pid()');
$node->safe_psql('postgres', "SELECT pg_terminate_backend($pid, 60000)");
is($node->safe_psql('postgres', "SELECT count(*) FROM pg_stat_activity WHERE pid = $pid"), '0', 'a session can be terminated');
$session->quit;
is($node->safe_psql('postgres', 'SELECT counter FROM bnai_status'), '2', 'increments are counted');
$node->stop('fast');
unlike(slurp_file($node->logfile), qr/was terminated by signal|PANIC|TRAP/, 'no process has failed');
done_testing;
