# Where the library is preloaded, counts are in memory until a worker writes them: a
# shutdown loses none, a crash those that were not written, and none is counted twice.
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
	restart_after_crash = on
});
$node->start;

sub sql { return $node->safe_psql('postgres', shift) }
sub counter { return sql(q{SELECT counter FROM bnai_status}) }
sub written { return sql(q{SELECT coalesce(sum(n), 0) FROM bnai_count}) }

# Counts n rows of a watched table.
sub insert { sql("INSERT INTO visits (x) SELECT 1 FROM generate_series(1, $_[0])") }

# Says how often a worker writes.
sub write_every { sql(qq{ALTER SYSTEM SET bnai.flush_interval = '$_[0]'}); $node->reload }

# Waits until so much is written.
sub wait_for_written
{
	my ($n, $what) = @_;
	ok($node->poll_query_until('postgres', "SELECT coalesce(sum(n), 0) = $n FROM bnai_count"), $what);
}

# Has all counts written, and then no more of them.
sub write_all
{
	my ($n) = @_;
	write_every('10ms');
	wait_for_written($n, 'all is written');
	# it looks for some intervals before it ends
	ok($node->poll_query_until('postgres', q{SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type = 'bnai counter'}), 'with nothing to do the worker ends');
	write_every('1h');
}

# Starts the server when the processes of the one before have noticed that it is gone.
sub start_again
{
	for (1 .. 10 * $PostgreSQL::Test::Utils::timeout_default)
	{
		return if $node->start(fail_ok => 1);
		select(undef, undef, undef, 0.1);
		$node->stop('fast', fail_ok => 1);
	}
	BAIL_OUT('the server does not start');
}

sql(q{
	CREATE EXTENSION bnai;
	CREATE TABLE visits (id serial PRIMARY KEY, x float8);
	SELECT bnai_create_clustering('m', 'visits', '{x}', max_clusters => 3);
	SELECT bnai_watch('m', 'visits', 'INSERT');
});

# --- a shutdown ---
insert(7);
is(counter(), '7', 'seven rows are counted');
is(written(), '0', 'in memory only');
$node->restart;
is(counter(), '7', 'a restart loses nothing');
is(written(), '0', 'though nothing was written to the table');
$node->restart;
insert(5);
is(counter(), '12', 'nor does a second one, and counting goes on');

# --- networks come and go: more of them than there is room for ---
sql(q{DO $$ BEGIN
	FOR i IN 1 .. 1100 LOOP
		PERFORM bnai_create_network('passing');
		PERFORM bnai_counter(id) FROM bnai_network WHERE name = 'passing';
		PERFORM bnai_drop_network('passing');
		COMMIT;
	END LOOP;
END $$;
SELECT bnai_create_network('last');
SELECT bnai_increment('last', 3);});
is(sql(q{SELECT counter FROM bnai_status WHERE network = 'last'}), '3', 'after a thousand networks that were dropped one is counted for');
is(written(), '0', 'in memory, as the first');
sql(q{BEGIN; SAVEPOINT s; SELECT bnai_drop_network('last'); ROLLBACK TO s; COMMIT});
is(sql(q{SELECT counter FROM bnai_status WHERE network = 'last'}), '3', 'a drop that is rolled back takes nothing away');
sql(q{SELECT bnai_drop_network('last')});

# --- written ---
write_all(12);
is(counter(), '12', 'what is written is counted once');

# --- the postmaster is killed ---
insert(5);
is(counter(), '17', 'five more');
$node->kill9;
start_again();
is(counter(), '12', 'are lost when the postmaster is killed; what was written is not');

# --- an immediate shutdown: the postmaster may have the time to save counts, or not ---
insert(4);
$node->stop('immediate');
$node->start;
my $n = counter();
like($n, qr/^1[26]$/, 'an immediate shutdown loses at most what was not written');

# --- a session is killed ---
write_all($n);
insert(3);
is(counter(), $n + 3, 'three more');
my $session = IPC::Run::start([ 'psql', '-Xq', '-d', $node->connstr('postgres'), '-c', 'SELECT pg_sleep(1000)' ], '<', \undef, '>', '/dev/null', '2>', '/dev/null');
my $sleeping = q{FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(1000)'};
ok($node->poll_query_until('postgres', "SELECT count(*) = 1 $sleeping"), 'a session');
kill 'KILL', sql("SELECT pid $sleeping");
ok($node->poll_query_until('postgres', "SELECT count(*) = 0 $sleeping"), 'is killed');
$session->finish;
is(counter(), $n, 'are lost when the server recovers from that');
insert(1);
is(counter(), $n + 1, 'and counting goes on');

# --- an interval that is over ---
write_every('10ms');
wait_for_written($n + 1, 'written');
insert(5);
wait_for_written($n + 6, 'written');
$node->kill9;
start_again();
is(counter(), $n + 6, 'what was written before a crash is not lost');

# --- no interval ---
write_every('0');
ok($node->poll_query_until('postgres', q{SELECT current_setting('bnai.flush_interval') = '0'}), 'no memory');
insert(2);
is(written(), $n + 8, 'each count is written with its transaction');
$node->kill9;
start_again();
is(counter(), $n + 8, 'and no crash loses it');

$node->stop;
done_testing();
