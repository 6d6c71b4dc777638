# An extension that is dropped and created again numbers its networks from 1 again.  What
# was counted, or is being inferred, for the network that had the number before is not
# taken for the new one's.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', q{
	shared_preload_libraries = 'bnai'
	bnai.flush_interval = '1h'
	autovacuum = off
});
$node->start;

sub sql { return $node->safe_psql('postgres', "SET client_min_messages = warning; $_[0]") }
sub counter { return sql(q{SELECT counter FROM bnai_status WHERE network = 'm'}) }

# Waits until a query says t.
sub wait_for
{
	my ($query, $what) = @_;
	ok($node->poll_query_until('postgres', $query), $what);
}

# Says how often a worker writes.
sub write_every { sql(qq{ALTER SYSTEM SET bnai.flush_interval = '$_[0]'}); $node->reload }

my $drop = q{DROP EXTENSION bnai CASCADE;};
my $create = q{
	CREATE EXTENSION bnai;
	SELECT bnai_create_clustering('m', 'visits', '{x}', 'label', max_clusters => 3);
	SELECT bnai_watch('m', 'visits', 'INSERT');
};
my $recreate = "$drop$create";
sub insert { return "INSERT INTO visits (x) SELECT i FROM generate_series(1, $_[0]) i;" }

sql("CREATE TABLE visits (id serial PRIMARY KEY, x float8, label text); $create");

# --- counts in memory ---
sql(insert(7));
is(counter(), '7', 'seven rows are counted, in memory');
sql($recreate);
is(sql(q{SELECT id FROM bnai_network}), '1', 'another network has the number');
is(counter(), '0', 'but not the count');
sql(insert(3));
is(counter(), '3', 'it has its own');
write_every('10ms');
wait_for(q{SELECT sum(n) = 3 FROM bnai_count}, 'only that is written');
is(counter(), '3', 'once');
my $quiet = q{SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type = 'bnai counter'};
wait_for($quiet, 'the worker ends');
write_every('1h');

# --- counts that a shutdown has saved ---
sql(insert(5));
$node->restart;
is(counter(), '8', 'what was in memory is there after a restart');
sql($recreate);
is(counter(), '0', 'not for another network');
sql(insert(2));
$node->restart;
is(counter(), '2', 'which has its own');

# --- in one transaction, whose counts go to memory or to the table ---
sql('BEGIN;' . insert(4) . $recreate . insert(2) . 'COMMIT');
is(counter(), '2', 'a transaction that counted for both, in memory');
write_every('0');
wait_for(q{SELECT current_setting('bnai.flush_interval') = '0'}, 'no memory');
sql('BEGIN;' . insert(4) . $recreate . insert(6) . 'COMMIT');
is(counter(), '6', 'or in the table');

# --- no other network: nothing is kept ---
write_every('1h');
wait_for(q{SELECT current_setting('bnai.flush_interval') = '1h'}, 'memory');
sql(insert(5) . $drop);
write_every('10ms');
wait_for($quiet, 'without the extension the worker ends');
$node->stop;
is(-s $node->data_dir . '/pg_stat/bnai.counts', 4, 'having forgotten the counts');
$node->start;
write_every('1h');

# --- an inference: its process stands still while the extension is replaced ---
my $iterating = q{SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'bnai inference' AND query LIKE 'bnai: inferring%'};
my $nobody = q{SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type = 'bnai inference'};
my $worker = q{FROM pg_stat_activity WHERE backend_type = 'bnai inference'};

# Begins an inference of so many iterations and stops its process while it iterates; if it was faster, once more with more of them.
sub stop_inference
{
	my ($iterations) = @_;
	for (1 .. 10)
	{
		sql(qq{SELECT bnai_set('m', 'max_iterations', '$iterations'); SELECT bnai_increment('m', 10)});
		$node->poll_query_until('postgres', "SELECT ($iterating) OR counter = 0 FROM bnai_status");
		my $pid = sql("SELECT pid $worker");
		if ($pid ne '')
		{
			kill 'STOP', $pid;
			return $pid if sql("SELECT query LIKE 'bnai: inferring%' $worker") eq 't';
			kill 'CONT', $pid;
		}
		$node->poll_query_until('postgres', $nobody);
		$iterations *= 4;
	}
	BAIL_OUT('inferences end at once');
}

# Replaces the extension while a network is inferred, and lets the inference go on.
sub replace
{
	my ($iterations) = @_;
	sql($create);
	sql(q{
		SELECT bnai_set('m', 'tolerance', '0'), bnai_set('m', 'moves', 'off'), bnai_set('m', 'restarts', '1'), bnai_set('m', 'refit', 'full');
		SELECT bnai_set('m', 'counter_threshold', '10'), bnai_set('m', 'threshold_action', 'background')});
	my $pid = stop_inference($iterations);
	sql($recreate);
	is(sql(q{SELECT running_since IS NULL FROM bnai_status}), 't', 'an inference that stands still is not one of the new network');
	kill 'CONT', $pid;
}

# What an inference leaves
my $left = q{SELECT counter, run IS NULL, last_error IS NULL, next_attempt IS NULL, (SELECT count(*) FROM bnai_runs) FROM bnai_status};

replace(100000);
wait_for($nobody, 'it ends');
like(slurp_file($node->logfile), qr/LOG:  inference of network "m" in the background failed: network "m" was dropped while it was inferred/, 'with nobody to store for');
is(sql($left), '0|t|t|t|0', 'and leaves the new network alone');

sql($drop);
replace(1000000000);
sql("SELECT pg_cancel_backend(pid) $worker");
wait_for($nobody, 'one that is canceled ends');
is(sql($left), '0|t|t|t|0', 'and its failure is none of the new network');

# --- a worker that writes counts, and DROP EXTENSION, which waits for it before it locks a table ---
sql(q{SELECT bnai_create_clustering('n', 'visits', '{x}'); SELECT bnai_increment('m', 1); SELECT bnai_increment('n', 1)});
my $out = '';
my $in = "BEGIN; LOCK TABLE bnai_count;\n\\echo locked\n";
my $session = IPC::Run::start([ 'psql', '-XAtq', $node->connstr('postgres') ], '<', \$in, '>', \$out);
$session->pump until $out =~ /locked/;
write_every('10ms');
wait_for(q{SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'bnai counter' AND wait_event_type = 'Lock'}, 'a worker waits to write');
my $dropping = IPC::Run::start([ 'psql', '-Xq', '-d', $node->connstr('postgres'), '-c', $drop ], '<', \undef, '2>', '/dev/null');
wait_for(q{SELECT count(*) = 1 FROM pg_stat_activity WHERE query LIKE 'DROP EXTENSION%' AND wait_event_type = 'Lock'}, 'DROP EXTENSION waits');
$in .= "COMMIT;\n\\q\n";
$session->finish;
ok($dropping->finish, 'and has its way');
wait_for($quiet, 'the worker ends');
ok(slurp_file($node->logfile) !~ /deadlock detected/, 'without a deadlock');
$node->stop;

# --- without preloading memory only says when to look; a restored counter is looked at ---
$node->append_conf('postgresql.conf', q{shared_preload_libraries = ''});
$node->start;
sql("$create SELECT bnai_set('m', 'counter_threshold', '10'), bnai_set('m', 'threshold_action', 'recalculate');" . insert(5));
is(sql(q{SELECT count(*) FROM bnai_runs}), '0', 'below the threshold');
# as pg_dump's script does
sql("$recreate SELECT bnai_set('m', 'counter_threshold', '10'), bnai_set('m', 'threshold_action', 'recalculate'); INSERT INTO bnai_count VALUES (1, 9)");
sql(insert(1));
is(sql(q{SELECT count(*) FROM bnai_runs}), '1', 'a counter that was restored reaches it');

$node->stop;
done_testing();
