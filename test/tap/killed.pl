# A session that is killed in the middle of an inference leaves nothing of it behind,
# and the next inference works.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', q{
	restart_after_crash = on
	autovacuum = off
});
$node->start;

sub sql { return $node->safe_psql('postgres', shift) }

# Starts a session for statements.
sub begin
{
	return IPC::Run::start([ 'psql', '-Xq', '-d', $node->connstr('postgres'), map { ('-c', $_) } @_ ], '<', \undef, '>', '/dev/null', '2>', '/dev/null');
}

# Kills the process that a query names, once it names one; waits until the server has recovered.
sub kill_when
{
	my ($query, $what) = @_;
	ok($node->poll_query_until('postgres', "SELECT count(*) = 1 FROM ($query) q"), $what);
	my $pid = sql($query);
	kill 'KILL', $pid;
	ok($node->poll_query_until('postgres', "SELECT count(*) = 0 FROM pg_stat_activity WHERE pid = $pid"), 'killed; the server has recovered');
}

sql(q{
	CREATE EXTENSION bnai;
	CREATE TABLE visits (id serial PRIMARY KEY, x float8, y float8, label text);
	INSERT INTO visits (x, y) SELECT i % 2 * 100 + sin(i), cos(2.5 * i) FROM generate_series(1, 20000) i;
	SELECT bnai_create_clustering('m', 'visits', '{x,y}', 'label', max_clusters => 5, restarts => 2);
	SELECT bnai_watch('m', 'visits', 'INSERT');
	SELECT bnai_infer('m');
	INSERT INTO visits (x, y) SELECT 300 + sin(i), cos(2.5 * i) FROM generate_series(1, 2000) i;
	CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_advisory_xact_lock(20); RETURN NEW; END $$;
	CREATE TRIGGER wait BEFORE UPDATE OF label ON visits FOR EACH ROW WHEN (OLD.id = 21000) EXECUTE FUNCTION wait();
});

# Everything that an inference writes
my $state = q{
	SELECT (SELECT md5(string_agg(label, ',' ORDER BY id)) FROM visits), (SELECT count(label) FROM visits),
		md5(bnai_fitted('m')::text), counter, run, (SELECT count(*) FROM bnai_runs WHERE run IS NOT NULL)
	FROM bnai_status};
my $before = sql($state);
like($before, qr/\|20000\|.*\|2000\|\d+\|1$/, '20,000 rows have labels, 2,000 have been counted since');

# --- while it iterates ---
sql(q{SELECT bnai_set('m', 'tolerance', '0'), bnai_set('m', 'max_iterations', '1000000000'), bnai_set('m', 'moves', 'off')});
my $iterating = q{SELECT pid FROM bnai_progress WHERE phase = 'iterating' AND iteration > 0};
for my $statement (q{SELECT bnai_infer('m')}, q{CALL bnai_infer_now('m')})
{
	my $session = begin($statement);
	kill_when($iterating, "$statement iterates");
	$session->kill_kill;
	is(sql($state), $before, 'nothing has changed');
	is(sql(q{SELECT count(*) FROM bnai_progress}), '0', 'nobody is seen to infer');
}
sql(q{SELECT bnai_set('m', 'tolerance', NULL), bnai_set('m', 'max_iterations', NULL), bnai_set('m', 'moves', NULL)});

# --- in the middle of the UPDATE ---
my $waiting = q{SELECT pid FROM pg_stat_activity WHERE wait_event = 'advisory'};
for my $statement (q{SELECT bnai_infer('m')}, q{SELECT bnai_recalculate_if_needed('m', 1)}, q{CALL bnai_infer_now('m')})
{
	my $holder = begin('SELECT pg_advisory_lock(20)', 'SELECT pg_sleep(1000)');
	ok($node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_locks WHERE locktype = 'advisory' AND granted}), 'a lock');
	my $session = begin($statement);
	kill_when($waiting, "$statement waits in its UPDATE");
	$_->kill_kill for $session, $holder;
	is(sql($state), $before, 'labels, posterior, counter and runs are as before');
	is(sql(q{SELECT count(*) FROM pg_locks WHERE locktype = 'object'}), '0', 'no lock is left');
}

# --- and afterwards ---
is(sql(q{SELECT count(*) FROM bnai_runs WHERE run IS NULL}), '1', 'a procedure that was killed is recorded by the next one');
is(sql(q{SELECT rows, rows_relabelled >= 2000 FROM bnai_infer('m')}), '22000|t', 'the next inference works');
is(sql(q{SELECT count(*) FROM visits WHERE label IS DISTINCT FROM bnai_predict('m', x, y)}), '0', 'and labels all rows');
sql(q{CALL bnai_infer_now('m')});
is(sql(q{SELECT counter, last_error IS NULL FROM bnai_status}), '0|t', 'so does the procedure, which takes off what was counted');
is(sql(q{SELECT count(*) FROM bnai_runs WHERE run IS NULL AND error = 'the inference was interrupted'}), '2', 'and records that it was interrupted before');

$node->stop;
done_testing();
