# Inferences that nobody asked for take no time and no right from who is there: they
# end in time, leave constraints as they are, share workers, and end when they are told to.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', q{
	shared_preload_libraries = 'bnai'
	bnai.flush_interval = 1h
	bnai.max_workers = 2
	bnai.retry_delay = 1h
	bnai.background_timeout = 0
	max_prepared_transactions = 5
	autovacuum = off
});
$node->start;

sub sql { return $node->safe_psql('postgres', shift) }
sub wait_for { my ($query, $what, $database) = @_; ok($node->poll_query_until($database // 'postgres', $query), $what) }

# A network of a role on a table of its own; endless: its inference never ends
sub create
{
	my ($role, $network, $action, $endless) = @_;
	sql(qq{
		SET ROLE $role;
		CREATE TABLE $role.$network (id serial, x float8, label text, parent int);
		INSERT INTO $role.$network (x) SELECT i % 2 * 100 + sin(i) FROM generate_series(1, 200) i;
		SELECT bnai_create_clustering('$network', '$role.$network', '{x}', 'label', max_clusters => 3);
		SELECT bnai_watch('$network', '$role.$network', 'INSERT'), bnai_set('$network', 'counter_threshold', '1'), bnai_set('$network', 'threshold_action', '$action');
	});
	sql(qq{SELECT bnai_set('$network', 'tolerance', '0'), bnai_set('$network', 'max_iterations', '1000000000'), bnai_set('$network', 'moves', 'off')})
		if $endless;
}
sub insert { my ($role, $network) = @_; sql(qq{SET ROLE $role; INSERT INTO $role.$network (x) VALUES (1)}) }
sub state_of { my ($network) = @_; return sql(qq{SELECT counter, run IS NOT NULL, last_error FROM bnai_status WHERE network = '$network'}) }
sub running { my ($network) = @_; return qq{SELECT count(*) = 1 FROM bnai_progress WHERE network = '$network' AND phase = 'iterating'} }

sql(q{CREATE EXTENSION bnai});
for my $role ('alice', 'bob', 'carol')
{
	sql(qq{CREATE ROLE $role; CREATE SCHEMA $role AUTHORIZATION $role});
}

# --- the time of who is there ---
create('alice', 'slow', 'recalculate', 1);
sql(q{SET statement_timeout = '3s'; SET bnai.recalculate_timeout = 0; INSERT INTO alice.slow (x) VALUES (1)});
is(state_of('slow'), '1|f|stopped before statement_timeout', 'a statement with a limit does not fail by an inference that does not end');
is(sql(q{SELECT count(*) FROM alice.slow}), '201', 'and does what it was to do');
insert('alice', 'slow');
is(state_of('slow'), '2|f|stopped before statement_timeout', 'the next one is not kept waiting');
sql(q{SELECT bnai_drop_network('slow')});
create('alice', 'slower', 'recalculate', 1);
sql(q{SET bnai.recalculate_timeout = '300ms'; BEGIN; INSERT INTO alice.slower (x) VALUES (1); SELECT count(*) FROM alice.slower; COMMIT});
is(state_of('slower'), '1|f|stopped by bnai.recalculate_timeout', 'a transaction without a limit goes on, too');
sql(q{SELECT bnai_drop_network('slower')});

# --- the constraints of who is there ---
create('alice', 'linked', 'recalculate');
sql(q{
	CREATE TABLE alice.parent (id int PRIMARY KEY);
	ALTER TABLE alice.linked ADD FOREIGN KEY (parent) REFERENCES alice.parent DEFERRABLE INITIALLY DEFERRED;
	GRANT REFERENCES, SELECT ON alice.parent TO alice;
});
sql(q{BEGIN; INSERT INTO alice.linked (x, parent) VALUES (1, 7); INSERT INTO alice.parent VALUES (7); COMMIT});
wait_for(q{SELECT run IS NOT NULL AND counter = 0 AND last_error IS NULL FROM bnai_status WHERE network = 'linked'}, 'a worker infers when the transaction has ended');
is(sql(q{SELECT count(*) FROM alice.linked WHERE label IS NULL}), '0', 'and labels the row');
sql(q{ALTER SYSTEM SET bnai.max_workers = 0});
$node->reload;
wait_for(q{SELECT current_setting('bnai.max_workers') = '0'}, 'without workers');
sql(q{BEGIN; INSERT INTO alice.linked (x, parent) VALUES (1, 8); INSERT INTO alice.parent VALUES (8); COMMIT});
is(state_of('linked'), '1|t|put off: deferred constraints', 'bnai_status says that it is put off');
sql(q{ALTER SYSTEM SET bnai.max_workers = 2});
$node->reload;
wait_for(q{SELECT current_setting('bnai.max_workers') = '2'}, 'with them');

# --- one owner's networks keep those of others from nothing ---
create('bob', 'hog', 'background', 1);
create('bob', 'other_hog', 'background', 1);
create('carol', 'quick', 'background');
insert('bob', 'hog');
wait_for(running('hog'), 'an inference that never ends');
insert('bob', 'other_hog');
insert('carol', 'quick');
wait_for(q{SELECT run IS NOT NULL FROM bnai_status WHERE network = 'quick'}, 'one of somebody else is inferred beside it');
is(sql(q{SELECT count(*) FROM bnai_progress WHERE network = 'hog'}), '1', 'which goes on');
is(sql(q{SELECT count(*) FROM bnai_progress WHERE network = 'other_hog'}), '0', 'nobody has two');

# --- ended by who owns it ---
like(($node->psql('postgres', q{SET ROLE carol; SELECT bnai_cancel('hog')}))[2], qr/must be owner of network "hog"/, 'nobody else can end it');
is(sql(q{SET ROLE bob; SELECT bnai_cancel('hog')}), 't', 'its owner can');
wait_for(q{SELECT last_error = 'stopped by bnai_cancel()' FROM bnai_status WHERE network = 'hog'}, 'which is told');
wait_for(running('other_hog'), 'the other one follows');
sql(q{SELECT bnai_set('other_hog', 'threshold_action', 'none')});
wait_for(q{SELECT count(*) = 0 FROM bnai_progress}, 'threshold_action none ends it');
is(sql(q{SELECT bnai_cancel('hog')}), 'f', 'where there is none there is nothing to end');
sql(q{SELECT bnai_drop_network('hog'), bnai_drop_network('other_hog')});

# --- both workers are taken ---
sql(q{ALTER SYSTEM SET bnai.background_timeout = 1});
$node->reload;
wait_for(q{SELECT current_setting('bnai.background_timeout') = '1s'}, 'a limit');
create('alice', 'first', 'background', 1);
create('bob', 'second', 'background', 1);
insert('alice', 'first');
insert('bob', 'second');
wait_for(running('first'), 'one worker');
wait_for(running('second'), 'and the other one');
insert('carol', 'quick');
wait_for(q{SELECT counter = 0 FROM bnai_status WHERE network = 'quick'}, 'who keeps others waiting is stopped');
is(sql(q{SELECT count(*) > 0 FROM bnai_status WHERE last_error LIKE 'stopped by bnai.background_timeout%'}), 't', 'which is told');
sql(q{SELECT bnai_drop_network('first'), bnai_drop_network('second')});
wait_for(q{SELECT count(*) = 0 FROM bnai_progress}, 'an inference ends with its network');

# --- a counter that was taken off by a transaction that is prepared ---
create('alice', 'counted', 'none');
sql(q{SELECT bnai_increment('counted', 150)});
sql(q{BEGIN; SELECT bnai_recalculate_if_needed('counted', 10); PREPARE TRANSACTION 'p'});
$node->stop('immediate');
$node->start;
sql(q{COMMIT PREPARED 'p'});
is(sql(q{SELECT counter FROM bnai_status WHERE network = 'counted'}), '0', 'a crash takes nothing off twice');
sql(q{SELECT bnai_increment('counted', 150)});
sql(q{BEGIN; SELECT bnai_recalculate_if_needed('counted', 10); PREPARE TRANSACTION 'p'});
sql(q{COMMIT PREPARED 'p'});
is(sql(q{SELECT counter FROM bnai_status WHERE network = 'counted'}), '0', 'nor does it stay without one');

# --- a database where nothing may be written ---
sql(q{ALTER DATABASE postgres SET default_transaction_read_only = on});
{
	local $ENV{PGOPTIONS} = '-c default_transaction_read_only=off';
	insert('carol', 'quick');
}
wait_for(q{SELECT last_error LIKE '%default_transaction_read_only%' FROM bnai_status WHERE network = 'quick'}, 'says so');
{
	local $ENV{PGOPTIONS} = '-c default_transaction_read_only=off';
	sql(q{ALTER DATABASE postgres RESET default_transaction_read_only});
}

# --- without a postmaster ---
create('alice', 'last', 'background', 1);
insert('alice', 'last');
wait_for(running('last'), 'an inference');
my $pid = sql(q{SELECT pid FROM bnai_progress WHERE network = 'last'});
$node->kill9;
my $gone = 0;
for (1 .. 300)
{
	last if $gone = !kill(0, $pid);
	select(undef, undef, undef, 0.1);
}
ok($gone, 'ends when its postmaster does');
# what else was connected may take a moment longer
my $started = 0;
for (1 .. 50)
{
	last if $started = $node->start(fail_ok => 1);
	select(undef, undef, undef, 0.2);
}
ok($started, 'so that the server can be started again');
$node->stop;
done_testing();
