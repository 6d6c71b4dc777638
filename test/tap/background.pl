# Inference in the background: who infers, what is recorded, and what survives
# rollback, failure, being killed, and the loss of network, role or database.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', q{
	restart_after_crash = on
	max_prepared_transactions = 5
	bnai.retry_delay = 1s
	autovacuum = off
});
$node->start;

sub sql { return $node->safe_psql('postgres', shift) }

# Waits until a query says t.
sub wait_for
{
	my ($query, $what) = @_;
	ok($node->poll_query_until('postgres', $query), $what);
}

# What a network's iterations look like that never end, and that end.
sub endless { sql(q{SELECT bnai_set('m', 'tolerance', '0'), bnai_set('m', 'max_iterations', '1000000000'), bnai_set('m', 'moves', 'off')}) }
sub ending { sql(q{SELECT bnai_set('m', 'tolerance', NULL), bnai_set('m', 'max_iterations', NULL), bnai_set('m', 'moves', NULL)}) }

# Ends an inference that does not, once the next one will.
sub give_up
{
	ending();
	sql(q{SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE backend_type = 'bnai inference'});
}

my $iterating = q{SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'bnai inference' AND query LIKE 'bnai: inferring%'};
my $worker = q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'bnai inference'};
my $nobody = q{SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type = 'bnai inference'};

sql(q{
	CREATE EXTENSION bnai;
	CREATE ROLE crew NOLOGIN;
	CREATE ROLE inserter;
	GRANT CREATE ON SCHEMA public TO crew;
	CREATE TABLE seen (who name);
	GRANT INSERT ON seen TO PUBLIC;
	SET ROLE crew;
	CREATE TABLE visits (id serial PRIMARY KEY, x float8, y float8, label text);
	GRANT INSERT ON visits TO inserter;
	GRANT USAGE ON SEQUENCE visits_id_seq TO inserter;
	INSERT INTO visits (x, y) SELECT CASE WHEN i % 2 = 0 THEN 0 ELSE 100 END + i % 5, i % 7 FROM generate_series(1, 2000) i;
	CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.seen VALUES (current_user); RETURN NULL; END $$;
	CREATE TRIGGER tell AFTER UPDATE OF label ON visits FOR EACH STATEMENT EXECUTE FUNCTION tell();
	SELECT bnai_create_clustering('m', 'visits', '{x,y}', 'label', max_clusters => 3, counter_threshold => 10, threshold_action => 'background');
	SELECT bnai_watch('m', 'visits', 'INSERT');
});

# --- who infers, and when ---
sql(q{BEGIN; INSERT INTO visits (x, y) SELECT 1, 1 FROM generate_series(1, 20); ROLLBACK});
sql(q{BEGIN; SAVEPOINT s; INSERT INTO visits (x, y) SELECT 1, 1 FROM generate_series(1, 20); ROLLBACK TO s; COMMIT});
is(sql(q{SELECT count(*) FROM bnai_runs}), '0', 'what is rolled back wakes nobody');
sql(q{SET ROLE inserter; INSERT INTO visits (x, y) SELECT 1, 1 FROM generate_series(1, 10)});
wait_for(q{SELECT count(*) = 1 FROM bnai_runs}, 'the threshold wakes a worker');
is(sql(q{SELECT counter FROM bnai_status}), '0', 'which sets the counter to 0');
is(sql(q{TABLE seen}), 'crew', 'it infers as the owner, a role that cannot log in');
is(sql(q{SELECT count(*) FROM visits WHERE label IS NULL}), '0', 'and labels all rows');
wait_for($nobody, 'then it ends');
like(slurp_file($node->logfile), qr/LOG:  inference of network "m" in the background begins.*LOG:  inference of network "m" in the background ended/s,
	'the log tells of it');

# a transaction that another session commits wakes nobody, the next one who counts does
sql(q{BEGIN; INSERT INTO visits (x, y) SELECT 1, 1 FROM generate_series(1, 11); PREPARE TRANSACTION 'p'});
is(sql(q{SELECT counter FROM bnai_status}), '0', 'a prepared transaction has not counted yet');
sql(q{COMMIT PREPARED 'p'});
is(sql(q{SELECT counter FROM bnai_status}), '11', 'it has when it is committed');
sql(q{INSERT INTO visits (x, y) VALUES (1, 1)});
wait_for(q{SELECT count(*) = 2 FROM bnai_runs}, 'the next count wakes a worker');

# --- while it iterates ---
wait_for($nobody, 'quiet');
endless();
my $fitted = sql(q{SELECT bnai_fitted('m')});
sql(q{SELECT bnai_increment('m', 10)});
wait_for($iterating, 'an inference that does not end');
is(sql(q{SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'bnai inference' AND (backend_xmin IS NOT NULL OR backend_xid IS NOT NULL)}), '0',
	'holds back no vacuum');
is(sql(q{SELECT count(*) FROM pg_locks WHERE pid IN (} . $worker . q{) AND locktype = 'relation'}), '0', 'nor locks a table');
is(sql(q{SELECT running_since IS NOT NULL FROM bnai_status}), 't', 'bnai_status says that it runs');
like(($node->psql('postgres', q{SELECT bnai_infer('m', nowait => true)}))[2], qr/network "m" is being inferred by another session/, 'another one need not wait');
is(sql(q{INSERT INTO visits (x, y) VALUES (1, 1); UPDATE visits SET x = 2 WHERE id = 1; SELECT bnai_predict('m', 1, 1) IS NOT NULL}), 't',
	'rows are written and read');
is(sql(q{SELECT bnai_fitted('m')}), $fitted, 'with the old posterior');

# canceled
sql(q{SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE backend_type = 'bnai inference'});
wait_for(q{SELECT last_error LIKE 'canceling statement%' AND next_attempt IS NOT NULL FROM bnai_status}, 'a canceled inference is recorded');
is(sql(q{SELECT count(*) FROM bnai_runs WHERE error LIKE 'canceling%'}), '1', 'in bnai_runs, too');
is(sql(q{SELECT counter FROM bnai_status}), '11', 'what was counted is still to be inferred');
wait_for($iterating, 'it is tried again without anybody asking');

# ended by an administrator, who is no more obeyed than that
sql(q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'bnai inference'});
wait_for(q{SELECT last_error = 'the inference was interrupted' FROM bnai_status}, 'a worker that is ended comes again and records it');
wait_for($iterating, 'and infers');

# changed meanwhile
my $runs = sql(q{SELECT count(*) FROM bnai_runs WHERE error IS NULL});
sql(q{SELECT bnai_set('m', 'results_column', NULL)});
sql(q{SELECT bnai_set('m', 'results_column', 'label')});
give_up();
wait_for(qq{SELECT count(*) = $runs + 1 FROM bnai_runs WHERE error IS NULL}, 'settings can be changed while it iterates, and the next attempt succeeds');
is(sql(q{SELECT last_error IS NULL AND next_attempt IS NULL FROM bnai_status}), 't', 'which ends the failure');
wait_for($nobody, 'quiet');

# --- kill -9 ---
$fitted = sql(q{SELECT bnai_fitted('m')});
endless();
sql(q{SELECT bnai_increment('m', 10)});
wait_for($iterating, 'iterates');
my $pid = sql($worker);
kill 'KILL', $pid;
$node->poll_query_until('postgres', 'SELECT true');
wait_for(q{SELECT last_error = 'the inference was interrupted' FROM bnai_status}, 'after a crash the worker is started again and records it');
is(sql(q{SELECT bnai_fitted('m')}), $fitted, 'the old posterior is there');
give_up();
wait_for(q{SELECT counter = 0 FROM bnai_status}, 'and the inference follows');
wait_for($nobody, 'quiet');

# in the middle of the UPDATE
sql(q{
	CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(1000); RETURN NEW; END $$;
	UPDATE visits SET label = NULL;
	CREATE TRIGGER slow BEFORE UPDATE OF label ON visits FOR EACH ROW WHEN (OLD.id = 5) EXECUTE FUNCTION slow();
	SELECT bnai_increment('m', 10);
});
wait_for(q{SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'bnai inference' AND wait_event = 'PgSleep'}, 'an UPDATE under way');
$fitted = sql(q{SELECT bnai_fitted('m')});
$pid = sql($worker);
kill 'KILL', $pid;
$node->poll_query_until('postgres', 'SELECT true');
is(sql(q{SELECT count(*) FROM visits WHERE label IS NOT NULL}), '0', 'killed in the middle of it: no label was written');
is(sql(q{SELECT bnai_fitted('m')}), $fitted, 'and no posterior stored');
wait_for(q{SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'bnai inference' AND wait_event = 'PgSleep'}, 'the next attempt');
sql(q{SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE backend_type = 'bnai inference'});
sql(q{DROP TRIGGER slow ON visits});
wait_for(q{SELECT counter = 0 FROM bnai_status}, 'and one that ends');
is(sql(q{SELECT count(*) FROM visits WHERE label IS NULL}), '0', 'with all labels');
wait_for($nobody, 'quiet');

# --- what is lost meanwhile ---
endless();
sql(q{SELECT bnai_increment('m', 10)});
wait_for($iterating, 'iterates');
sql(q{ALTER TABLE visits RENAME COLUMN y TO z});
give_up();
wait_for(q{SELECT counter = 0 AND last_error IS NULL FROM bnai_status}, 'a column that is renamed is followed');
sql(q{ALTER TABLE visits RENAME COLUMN z TO y});
wait_for($nobody, 'quiet');

# the owner, before loading
sql(q{ALTER ROLE crew RENAME TO gang; SELECT bnai_increment('m', 10)});
wait_for(q{SELECT counter = 0 AND last_error IS NULL AND owner::text = 'gang' FROM bnai_status}, 'so is an owner');
sql(q{ALTER ROLE gang RENAME TO crew});
wait_for($nobody, 'quiet');

# the owner, before storing: a session that changes the network keeps the worker from it
sql(q{
	INSERT INTO visits (x, y) SELECT sin(i), cos(3 * i) FROM generate_series(1, 20000) i;
	SELECT bnai_set('m', 'max_iterations', '300'), bnai_set('m', 'tolerance', '0'), bnai_set('m', 'moves', 'off'), bnai_set('m', 'restarts', '10'), bnai_set('m', 'restart_sample', '0');
});
wait_for($iterating, 'iterates for a while');
my ($in, $out) = ('', '');
my $session = IPC::Run::start([ 'psql', '-XAtq', $node->connstr('postgres') ], '<', \$in, '>', \$out);
$in .= "BEGIN; SELECT bnai_set('m', 'seed', '2'); SELECT 'locked';\n";
$session->pump until $out =~ /locked/;
wait_for(q{SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'bnai inference' AND wait_event_type = 'Lock'}, 'waits to store');
sql(q{ALTER ROLE crew RENAME TO gang});
$in .= "COMMIT;\n\\q\n";
$session->finish;
wait_for(q{SELECT counter = 0 AND last_error IS NULL FROM bnai_status}, 'the owner, in the last moment');
sql(q{ALTER ROLE gang RENAME TO crew; SELECT bnai_set('m', 'restarts', NULL), bnai_set('m', 'restart_sample', NULL)});
ending();
wait_for($nobody, 'quiet');

# the network
endless();
sql(q{SELECT bnai_increment('m', 10)});
wait_for($iterating, 'iterates');
sql(q{SELECT bnai_drop_network('m')});
pass('a network can be dropped while it is inferred');
sql(q{SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE backend_type = 'bnai inference'});
wait_for($nobody, 'its worker ends');

# the extension
sql(q{
	SET ROLE crew;
	SELECT bnai_create_clustering('m', 'visits', '{x,y}', 'label', max_clusters => 3, counter_threshold => 10, threshold_action => 'background');
});
endless();
sql(q{SELECT bnai_increment('m', 10)});
wait_for($iterating, 'iterates');
sql(q{DROP EXTENSION bnai CASCADE});
pass('the extension can be dropped meanwhile');
sql(q{SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE backend_type = 'bnai inference'});
wait_for($nobody, 'its worker ends');

# the database
sql(q{CREATE DATABASE other});
$node->safe_psql('other', q{
	CREATE EXTENSION bnai;
	CREATE TABLE t AS SELECT i::float8 AS x FROM generate_series(1, 100) i;
	SELECT bnai_create_clustering('n', 't', '{x}', counter_threshold => 10, threshold_action => 'background', tolerance => 0, max_iterations => 1000000000, moves => false);
	SELECT bnai_increment('n', 10);
});
wait_for($iterating, 'iterates in another database');
like(($node->psql('postgres', q{DROP DATABASE other}))[2], qr/is being accessed by other users/, 'a database in use is not dropped');
sql(q{DROP DATABASE other WITH (FORCE)});
pass('but by force');
wait_for($nobody, 'its worker ends');
is(sql(q{SELECT count(*) FROM pg_locks WHERE locktype = 'object' AND mode = 'ExclusiveLock'}), '0', 'which leaves no lock behind');
sql(q{CREATE DATABASE other});
$node->safe_psql('other', q{
	CREATE EXTENSION bnai;
	CREATE TABLE t AS SELECT i::float8 AS x FROM generate_series(1, 100) i;
	SELECT bnai_create_clustering('n', 't', '{x}', counter_threshold => 10, threshold_action => 'background');
	ALTER TABLE t RENAME TO u;
	DROP TABLE u;
	SELECT bnai_increment('n', 10);
});
ok($node->poll_query_until('other', q{SELECT last_error IS NOT NULL FROM bnai_status}), 'a worker that waits to try again');
wait_for(q{SELECT count(*) = 0 FROM pg_stat_activity WHERE datname = 'other'}, 'is not connected');
sql(q{DROP DATABASE other});
pass('and in nobody\'s way');

# --- more networks than shared memory has room for ---
sql(q{
	CREATE EXTENSION IF NOT EXISTS bnai;
	SELECT bnai_create_network('filler ' || i) FROM generate_series(1, 140) AS i;
	SELECT count(bnai_counter(id)) FROM bnai_network;
	CREATE TABLE late (x float8);
	INSERT INTO late SELECT sin(i) FROM generate_series(1, 20) AS i;
	SELECT bnai_create_clustering('late', 'late', '{x}', max_clusters => 2, counter_threshold => 5, threshold_action => 'background');
	SELECT bnai_watch('late', 'late', 'INSERT');
	INSERT INTO late SELECT cos(i) FROM generate_series(1, 7) AS i});
wait_for(q{SELECT counter = 0 AND run IS NOT NULL FROM bnai_status WHERE network = 'late'}, 'one that has no room is inferred at its threshold, too');

$node->stop;
done_testing();
