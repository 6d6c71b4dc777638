# What is dropped while a worker infers: its role, its table, the extension.  The
# worker ends in a failure that is recorded, or goes with what it worked for.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', q{
	bnai.retry_delay = 1s
	autovacuum = off
});
$node->start;

sub sql { return $node->safe_psql('postgres', shift) }
sub error { return ($node->psql('postgres', shift))[2] }

# Waits until a query says t.
sub wait_for
{
	my ($query, $what) = @_;
	ok($node->poll_query_until('postgres', $query), $what);
}

# A session that stays
my ($in, $out) = ('', '');
my $session = IPC::Run::start([ 'psql', '-XAtq', $node->connstr('postgres') ], '<', \$in, '>', \$out);
my $said = 0;

# Runs statements in that session, to their end.
sub there
{
	my ($statements) = @_;
	$said++;
	$in .= "$statements;\n\\echo done $said\n";
	$session->pump until $out =~ /^done $said$/m;
}

my $iterating = q{SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'bnai inference' AND query LIKE 'bnai: inferring%'};
my $waiting = q{SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'bnai inference' AND wait_event_type = 'Lock'};
my $nobody = q{SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type = 'bnai inference'};

# Creates what is to be dropped.
sub create
{
	sql(q{
		CREATE ROLE crew NOLOGIN;
		GRANT CREATE ON SCHEMA public TO crew;
		SET ROLE crew;
		CREATE TABLE visits (id serial PRIMARY KEY, x float8, y float8, label text);
		INSERT INTO visits (x, y) SELECT i % 2 * 100 + sin(i), cos(2.5 * i) FROM generate_series(1, 2000) i;
		SELECT bnai_create_clustering('m', 'visits', '{x,y}', 'label', max_clusters => 3, counter_threshold => 10, threshold_action => 'background');
		SELECT bnai_watch('m', 'visits', 'INSERT');
	});
}

# Lets a worker load, and keeps it from storing: the worker has the network while it
# waits for the table, and whoever has waited for the network has it then.
sub load
{
	there(q{BEGIN; LOCK TABLE visits});
	sql(q{SELECT bnai_increment('m', 10)});
	wait_for($waiting, 'a worker waits to load');
	my $keeper = IPC::Run::start([ 'psql', '-Xq', '-d', $node->connstr('postgres'),
		'-c', q{BEGIN; SELECT bnai_set('m', 'seed', '2')}, '-c', q{SELECT pg_advisory_lock(1)}, '-c', q{SELECT pg_advisory_lock(20)} ],
		'<', \undef, '>', '/dev/null');
	wait_for(q{SELECT count(*) = 1 FROM pg_stat_activity WHERE query LIKE 'BEGIN; SELECT bnai_set%' AND wait_event_type = 'Lock'}, 'another session waits for the network');
	there(q{SELECT pg_advisory_lock(20); COMMIT});
	wait_for(q{SELECT count(*) = 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = 1}, 'it has it');
	wait_for($waiting, 'the worker has loaded, and waits to store');
	return $keeper;
}

# Lets it store.
sub store
{
	my ($keeper) = @_;
	there(q{SELECT pg_advisory_unlock(20)});
	$keeper->finish;
}

sql(q{CREATE EXTENSION bnai});

# --- the role ---
create();
my $keeper = load();
like(error(q{DROP ROLE crew}), qr/ERROR:  role "crew" cannot be dropped because some objects depend on it/, 'a role that owns a table is not dropped');
sql(q{CREATE ROLE heir; REASSIGN OWNED BY crew TO heir; DROP OWNED BY crew; DROP ROLE crew});
pass('one that owns nothing is, though a worker works as it');
store($keeper);
wait_for(q{SELECT last_error = 'role "crew", which owns network "m", does not exist' AND next_attempt IS NOT NULL FROM bnai_status}, 'which cannot store then');
is(sql(q{SELECT count(label) FROM visits}), '0', 'no label is written');
is(sql(q{SELECT count(*) FROM bnai_runs WHERE run IS NOT NULL}), '0', 'no run stored');
is(sql(q{SELECT counter FROM bnai_status}), '10', 'and what was counted stays');
sql(q{SELECT bnai_set('m', 'owner', 'heir')});
wait_for(q{SELECT counter = 0 FROM bnai_status}, 'with another owner it goes on');
is(sql(q{SELECT rows_labelled FROM bnai_status}), '2000', 'and labels');
wait_for($nobody, 'quiet');

# --- the table ---
$keeper = load();
sql(q{DROP TABLE visits});
pass('a table is dropped: nobody has a lock on it');
store($keeper);
wait_for(q{SELECT EXISTS (SELECT FROM bnai_runs WHERE error = 'network "m" was changed while it was inferred')}, 'the worker cannot store then');
like(slurp_file($node->logfile), qr/LOG:  inference of network "m" in the background failed: network "m" was changed while it was inferred\n.*DETAIL:  Its table was dropped\./, 'the log says why');
wait_for(q{SELECT last_error LIKE 'the source of network "m" was dropped%' FROM bnai_status}, 'nor load the next time');
sql(q{SELECT bnai_drop_network('m')});
wait_for($nobody, 'without the network there is nothing to do');

# --- the extension: after loading, and in the middle of the UPDATE ---
sql(q{DROP OWNED BY heir; DROP ROLE heir});
create();
$keeper = load();
my $drop = IPC::Run::start([ 'psql', '-Xq', '-d', $node->connstr('postgres'), '-c', q{DROP EXTENSION bnai CASCADE} ], '<', \undef, '2>', '/dev/null');
wait_for(q{SELECT count(*) = 1 FROM pg_stat_activity WHERE query LIKE 'DROP EXTENSION bnai%' AND wait_event_type = 'Lock'}, 'DROP EXTENSION waits for the session that changes the network');
store($keeper);

ok($drop->finish, 'the extension is dropped');
wait_for($nobody, 'its worker ends');

sql(q{DROP TABLE visits; DROP OWNED BY crew; DROP ROLE crew; CREATE EXTENSION bnai});
create();
sql(q{
	CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_advisory_xact_lock(20); RETURN NEW; END $$;
	CREATE TRIGGER wait BEFORE UPDATE OF label ON visits FOR EACH ROW WHEN (OLD.id = 1000) EXECUTE FUNCTION wait();
});
there(q{SELECT pg_advisory_lock(20)});
sql(q{SELECT bnai_increment('m', 10)});
wait_for($waiting, 'an UPDATE under way');
$drop = IPC::Run::start([ 'psql', '-Xq', '-d', $node->connstr('postgres'), '-c', q{DROP EXTENSION bnai CASCADE} ], '<', \undef, '2>', '/dev/null');
wait_for(q{SELECT count(*) = 1 FROM pg_stat_activity WHERE query LIKE 'DROP EXTENSION bnai%' AND wait_event_type = 'Lock'}, 'DROP EXTENSION waits for it');
there(q{SELECT pg_advisory_unlock(20)});

ok($drop->finish, 'the extension is dropped');
wait_for($nobody, 'its worker ends');
is(sql(q{SELECT count(label) FROM visits}), '2000', 'after it has stored all');
ok(slurp_file($node->logfile) !~ /deadlock detected/, 'without a deadlock');

$in .= "\\q\n";
$session->finish;
$node->stop;
done_testing();
