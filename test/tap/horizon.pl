# While a worker or the procedure iterates, vacuum's horizon moves on: rows that are
# deleted meanwhile are removed.  In a function it cannot, which shows that the test
# would notice.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
# who is canceled is not to be tried again meanwhile
$node->append_conf('postgresql.conf', "autovacuum = off\nbnai.retry_delay = 1h");
$node->start;

sub sql { return $node->safe_psql('postgres', shift) }

# Inferences of many rows, enough for parallel workers, that go on until they are canceled
sql(q{
	CREATE EXTENSION bnai;
	CREATE TABLE visits (x float8, y float8, label text);
	INSERT INTO visits SELECT i % 5 * 100 + sin(i), cos(2.5 * i) FROM generate_series(1, 50000) i;
	SELECT bnai_create_clustering('m', 'visits', '{x,y}', 'label', max_clusters => 5, counter_threshold => 10, threshold_action => 'background',
		tolerance => 0, max_iterations => 1000000000, moves => false, restart_sample => 0);
	CREATE TABLE junk (x int);
});

# Starts a statement in a session of its own.
sub begin
{
	return IPC::Run::start([ 'psql', '-Xq', '-d', $node->connstr('postgres'), '-c', shift ], '<', \undef, '>', '/dev/null', '2>', '/dev/null');
}

my $running = q{SELECT pid, started_at FROM bnai_progress WHERE phase = 'iterating' AND iteration > 0};

# The oldest transaction that anybody's snapshot needs, against one that is given
my $passed = q{SELECT max(age(backend_xmin)) < age('%s'::xid) FROM pg_stat_activity WHERE backend_xmin IS NOT NULL};

# Burns transactions while an inference iterates; tells whether the horizon passes one that began later
# than it, and whether VACUUM takes away rows that were deleted then.
sub iterate
{
	my ($what, $moves) = @_;
	ok($node->poll_query_until('postgres', "SELECT count(*) = 1 FROM ($running) r"), "$what iterates");
	my $inference = sql($running);

	sql(q{INSERT INTO junk SELECT generate_series(1, 1000)});
	sql(q{DELETE FROM junk});
	my $xid = sql(q{SELECT pg_current_xact_id()::xid});
	sql(q{DO $$ BEGIN FOR i IN 1..1000 LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END $$});
	if ($moves)
	{
		ok($node->poll_query_until('postgres', sprintf($passed, $xid)), 'the horizon passes a transaction that began after the iterations');
	}
	else
	{
		is(sql(sprintf($passed, $xid)), 'f', 'the horizon stays');
	}
	sql(q{VACUUM junk});
	is(sql(q{SELECT pg_relation_size('junk') = 0}), $moves ? 't' : 'f', $moves ? 'and VACUUM removes what was deleted since' : 'and VACUUM removes nothing');
	is(sql($running), $inference, 'it is still the same inference');
	sql(q{VACUUM junk; SELECT pg_cancel_backend(pid) FROM bnai_progress});
	ok($node->poll_query_until('postgres', q{SELECT count(*) = 0 FROM bnai_progress}), 'canceled');
	sql(q{VACUUM junk});
}

sql(q{SELECT bnai_increment('m', 10)});
iterate('a worker', 1);
sql(q{SELECT bnai_set('m', 'threshold_action', 'none')});
my $session = begin(q{CALL bnai_infer_now('m')});
iterate('the procedure', 1);
$session->finish;
$session = begin(q{SELECT bnai_infer('m')});
iterate('a function', 0);
$session->finish;

$node->stop;
done_testing();
