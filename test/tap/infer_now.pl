# The procedure that commits between its phases: a failure of any phase is rolled back,
# recorded and raised, and what was no failure of an inference is not recorded.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', 'autovacuum = off');
$node->start;

sub sql { return $node->safe_psql('postgres', shift) }
sub error { return ($node->psql('postgres', shift))[2] }
sub failures { return sql(q{SELECT count(*) FROM bnai_runs WHERE run IS NULL}) }

# What an iteration looks like that never ends, and that ends
sub endless { sql(q{SELECT bnai_set('m', 'tolerance', '0'), bnai_set('m', 'max_iterations', '1000000000'), bnai_set('m', 'moves', 'off')}) }
sub ending { sql(q{SELECT bnai_set('m', 'tolerance', NULL), bnai_set('m', 'max_iterations', NULL), bnai_set('m', 'moves', NULL)}) }

# Calls the procedure in a session of its own; returns that and where its errors go.
sub call
{
	my $err = '';
	my $session = IPC::Run::start([ 'psql', '-Xq', '-d', $node->connstr('postgres'), '-c', 'SET ROLE owner', '-c', q{CALL bnai_infer_now('m')} ],
		'<', \undef, '2>', \$err);
	return ($session, \$err);
}

sql(q{
	CREATE EXTENSION bnai;
	CREATE ROLE owner;
	CREATE ROLE bnai_stranger;
	GRANT CREATE ON SCHEMA public TO owner;
	SET ROLE owner;
	CREATE TABLE visits (id serial PRIMARY KEY, x float8, label text);
	INSERT INTO visits (x) SELECT CASE WHEN i % 2 = 0 THEN 0 ELSE 100 END + i % 5 FROM generate_series(1, 2000) i;
	SELECT bnai_create_clustering('m', 'visits', '{x}', 'label', max_clusters => 3);
	SELECT bnai_increment('m', 7);
	RESET ROLE;
	CREATE ROLE loader;
	GRANT SELECT, UPDATE ON visits TO loader;
});

# --- what is no failure of an inference ---
like(error(q{SET ROLE bnai_stranger; CALL bnai_infer_now('m')}), qr/must be owner of network "m"/, 'who may not infer it');
like(error(q{CALL bnai_infer_now('nobody')}), qr/network "nobody" does not exist/, 'a network that does not exist');
like(error(q{BEGIN; CALL bnai_infer_now('m')}), qr/cannot run inside a transaction block/, 'in a transaction block');
like(error(q{DO $$ BEGIN CALL bnai_infer_now('m'); EXCEPTION WHEN no_data_found THEN NULL; END $$}), qr/cannot run inside a transaction block/,
	'in a block with EXCEPTION, which is a subtransaction');
is(failures(), '0', 'is not recorded');

# --- while it iterates ---
endless();
my ($session, $err) = call();
my $iterating = q{SELECT count(*) = 1 FROM bnai_progress WHERE network = 'm' AND phase = 'iterating' AND iteration > 0};
ok($node->poll_query_until('postgres', $iterating), 'it iterates');
is(sql(q{SELECT count(*) FROM pg_stat_activity a JOIN bnai_progress USING (pid) WHERE backend_xmin IS NULL AND backend_xid IS NULL}), '1',
	'without holding back vacuum');
is(sql(q{SELECT running_since IS NOT NULL AND last_error IS NULL FROM bnai_status}), 't', 'bnai_status shows it');
sql(q{SELECT pg_cancel_backend(pid) FROM bnai_progress});
$session->finish;
like($$err, qr/ERROR:  canceling statement due to user request/, 'canceled, it says so');
is(sql(q{SELECT last_error, next_attempt IS NULL, running_since IS NULL, counter FROM bnai_status}),
	'canceling statement due to user request|t|t|7', 'bnai_status says why; nobody will try again, and the counter stays');
is(sql(q{SELECT run IS NULL AND elapsed > '0' AND started_at < now(), error FROM bnai_runs}), 't|canceling statement due to user request', 'so does bnai_runs');
is(sql(q{SELECT count(*) FROM bnai_progress}), '0', 'bnai_progress has nothing more to show');
is(sql(q{SELECT count(*) FROM pg_locks WHERE locktype = 'object' AND classid = 'bnai_network'::regclass}), '0', 'nobody has its lock');
like(slurp_file($node->logfile), qr/LOG:  inference of network "m" by bnai_infer_now\(\) begins.*LOG:  inference of network "m" by bnai_infer_now\(\) failed: canceling/s,
	'the log names the network');

# --- ended by an administrator: who can record that is the next one ---
($session, $err) = call();
ok($node->poll_query_until('postgres', $iterating), 'it iterates');
sql(q{SELECT pg_terminate_backend(pid) FROM bnai_progress});
$session->finish;
ok($node->poll_query_until('postgres', q{SELECT running_since IS NULL FROM bnai_status}), 'ended');
is(failures(), '1', 'with no time to record it');
ending();

# --- in the last moment: a deferred constraint fails the commit of the labels ---
sql(q{
	CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'labels are sealed'; END $$;
	CREATE CONSTRAINT TRIGGER refuse AFTER UPDATE OF label ON visits DEFERRABLE INITIALLY DEFERRED
		FOR EACH ROW WHEN (OLD.id = 5) EXECUTE FUNCTION refuse();
});
like(error(q{SET ROLE owner; CALL bnai_infer_now('m')}), qr/ERROR:  labels are sealed/, 'an error of the commit');
is(sql(q{SELECT string_agg(error, ', ' ORDER BY started_at) FROM bnai_runs WHERE run IS NULL}),
	'canceling statement due to user request, the inference was interrupted, labels are sealed', 'is recorded, and before it what was interrupted');
is(sql(q{SELECT count(label) FROM visits}), '0', 'no label is left of it');
is(sql(q{SELECT count(*) FROM bnai_runs WHERE run IS NOT NULL}), '0', 'nor a run');
is(sql(q{SELECT counter FROM bnai_status}), '7', 'the counter stays');

# --- and it works ---
sql(q{DROP TRIGGER refuse ON visits});
is(sql(q{SET ROLE owner; CALL bnai_infer_now('m', 8)}), '', 'below the threshold nothing happens');
is(sql(q{SELECT last_error FROM bnai_status}), 'labels are sealed', 'and nothing is forgotten');
sql(q{SET ROLE owner; CALL bnai_infer_now('m', 7)});
is(sql(q{SELECT last_error IS NULL, counter, rows_labelled FROM bnai_status}), 't|0|2000', 'an inference that succeeds ends the failure');
is(failures(), '3', 'the history stays');
like(slurp_file($node->logfile), qr/LOG:  inference of network "m" by bnai_infer_now\(\) ended\n.*DETAIL:  Run \d+, 2000 rows, 2000 relabelled\./, 'the log tells of it');

# --- one after the other in a session: bnai_progress shows none that has ended ---
is(sql(q{CALL bnai_infer_now('m'); SELECT count(*) FROM bnai_progress}), '0', 'an inference that has ended is none under way');

# --- who was granted to infer: with his own rights, and while that is not revoked ---
sql(q{SELECT bnai_grant('m', 'loader', 'read')});
like(error(q{SET ROLE loader; CALL bnai_infer_now('m')}), qr/must be owner of network "m".*bnai_grant\('m', 'role', 'infer'\)/s, 'who may only read is told what to ask for');
sql(q{SELECT bnai_grant('m', 'loader', 'infer')});
is(sql(q{SET ROLE loader; CALL bnai_infer_now('m'); SELECT rows FROM bnai_status}), '2000', 'who may infer does');
sql(q{ALTER TABLE visits ENABLE ROW LEVEL SECURITY; CREATE POLICY ten ON visits TO loader USING (id <= 10)});
like(error(q{SET ROLE loader; CALL bnai_infer_now('m')}), qr/permission denied to infer network "m" under row security/, 'but not from some of the rows');
sql(q{ALTER TABLE visits DISABLE ROW LEVEL SECURITY; REVOKE UPDATE ON visits FROM loader});
like(error(q{SET ROLE loader; CALL bnai_infer_now('m')}), qr/permission denied for column "label" of relation "visits"/, 'nor without the right to write labels');
sql(q{SELECT bnai_revoke('m', 'loader')});
like(error(q{SET ROLE loader; CALL bnai_infer_now('m')}), qr/must be owner of network "m"/, 'until that is revoked');
sql(q{DELETE FROM bnai_failure WHERE error ~ 'permission'});

# --- how many failures are kept ---
sql(q{INSERT INTO bnai_failure SELECT id, '2000-01-01', '2000-01-01'::timestamptz + i * interval '1 s', i::text FROM bnai_network, generate_series(1, 200) i});
sql(q{UPDATE visits SET x = 'NaN' WHERE id = 1});
like(error(q{CALL bnai_infer_now('m')}), qr/column "x" of "visits" holds NaN/, 'an error while it loads');
is(failures(), '100', 'of many failures the last ones are kept');

$node->stop;
done_testing();
