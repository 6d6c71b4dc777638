# Schedules, with a real pg_cron on a server of its own: it runs what it was given
# as who asked for it, and forgets it with the schedule or the network.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my ($library) = map { chomp; $_ } `pg_config --pkglibdir`;
plan skip_all => 'pg_cron is not installed' unless -e "$library/pg_cron.so";

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
# pg_cron connects as any client does; there is only the socket
$node->append_conf('postgresql.conf', q{
	shared_preload_libraries = 'pg_cron, bnai'
	cron.host = '} . $node->host . q{'
	cron.timezone = 'GMT'
});
$node->start;

sub sql { return $node->safe_psql('postgres', shift) }
sub error { return ($node->psql('postgres', shift))[2] }

sql(q{
	CREATE EXTENSION bnai;
	CREATE ROLE analyst LOGIN;
	CREATE ROLE other LOGIN;
	GRANT CREATE ON SCHEMA public TO analyst;
	SET ROLE analyst;
	CREATE TABLE visits (id serial PRIMARY KEY, x float8, label text);
	INSERT INTO visits (x) SELECT CASE WHEN i % 2 = 0 THEN 0 ELSE 100 END + i % 5 FROM generate_series(1, 200) i;
	SELECT bnai_create_clustering('m', 'visits', '{x}', 'label', max_clusters => 3);
	SELECT bnai_watch('m', 'visits', 'INSERT');
});
my $missing = error(q{SELECT bnai_schedule('m', '* * * * *')});
like($missing, qr/ERROR:  extension "pg_cron" is not installed in this database/, 'without pg_cron there is an error');
like($missing, qr/HINT:  Install pg_cron .*or let another scheduler call bnai_infer_now/, 'that says what to do');

sql(q{CREATE EXTENSION pg_cron; GRANT USAGE ON SCHEMA cron TO analyst, other});
like(error(q{SET ROLE other; SELECT bnai_schedule('m', '* * * * *')}), qr/must be owner of network "m"|permission denied|must be/, 'who may not infer may not schedule');
like(error(q{SET ROLE analyst; SELECT bnai_schedule('m', '61 * * * *')}), qr/invalid schedule/, 'pg_cron refuses what it does not understand');
like(error(q{SET ROLE analyst; SELECT bnai_schedule('m', '* * * * *', 0)}), qr/threshold must be positive, not 0/, 'a threshold of nothing');
is(sql(q{SELECT count(*) FROM cron.job}), '0', 'nothing of that is scheduled');

# --- replaced, and ended ---
sql(q{SET ROLE analyst; SELECT bnai_schedule('m', '0 0 * * *')});
is(sql(q{SELECT next_scheduled_run = (date_trunc('day', now() AT TIME ZONE 'GMT') + '1 day') AT TIME ZONE 'GMT' FROM bnai_status}), 't',
	'bnai_status says when it comes next');

# what it shall run for is there before it is scheduled: the minute may end at any time
sql(q{INSERT INTO visits (x) SELECT 100 FROM generate_series(1, 5)});
is(sql(q{SELECT counter FROM bnai_status}), '5', 'what was counted');
sql(q{SET ROLE analyst; SELECT bnai_schedule('m', '* * * * *', threshold => 5)});
is(sql(q{SELECT schedule, regexp_replace(command, '\d+', 'N'), username, database FROM cron.job}),
	q{* * * * *|CALL public.bnai_run_schedule(N)|analyst|postgres}, 'another schedule replaces the first one');
# in a row one may name any job: it must be the network's
sql(q{
	SET ROLE other;
	CREATE TEMP TABLE t (x int);
	SELECT bnai_create_network('others');
	RESET ROLE;
	INSERT INTO bnai_scheduled (network, schedule, job) SELECT n.id, '* * * * *', j.jobid FROM bnai_network n, cron.job j WHERE n.name = 'others';
	SET ROLE other;
	SELECT bnai_drop_network('others');
});
is(sql(q{SELECT count(*) FROM cron.job}), '1', 'whose row names the job of somebody else cannot end it');
is(sql(q{SELECT schedule, next_scheduled_run - now() <= '1 min' FROM bnai_status}), '* * * * *|t', 'in bnai_status, too');

# --- run ---
ok($node->poll_query_until('postgres', q{SELECT count(*) > 0 FROM cron.job_run_details WHERE status = 'succeeded'}), 'pg_cron runs it');
is(sql(q{SELECT count(*), max(rows) FROM bnai_runs}), '1|205', 'the network is inferred');
is(sql(q{SELECT counter, rows_labelled, running_since IS NULL FROM bnai_status}), '0|205|t', 'its counter is 0, and the rows have labels');
like(slurp_file($node->logfile), qr/LOG:  inference of network "m" by its schedule ended\n.*DETAIL:  Run \d+, 205 rows/, 'the log tells of it');
sql(q{SET ROLE analyst; CALL bnai_infer_now('m', 5)});
is(sql(q{SELECT count(*) FROM bnai_runs}), '1', 'below the threshold nothing happens');
my $call = sql(q{SELECT command FROM cron.job});
sql(qq{SELECT bnai_increment('m', 5); $call});
is(sql(q{SELECT count(*) FROM bnai_runs}), '1', 'what the job runs does nothing in a session of another role');
sql(q{
	CREATE TABLE seen (who name);
	GRANT INSERT ON seen TO PUBLIC;
	CREATE ROLE keeper LOGIN;
	GRANT USAGE, CREATE ON SCHEMA public TO keeper;
	GRANT keeper TO analyst;
	SET ROLE analyst;
	UPDATE visits SET label = NULL;
	CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.seen VALUES (current_user); RETURN NULL; END $$;
	CREATE TRIGGER tell AFTER UPDATE OF label ON visits FOR EACH STATEMENT EXECUTE FUNCTION tell();
	RESET ROLE;
	ALTER TABLE visits OWNER TO keeper;
	ALTER ROLE analyst RENAME TO scientist;
	ALTER ROLE scientist RENAME TO analyst;
});
$node->safe_psql('postgres', $call, extra_params => [ '-U', 'analyst' ]);
is(sql(q{SELECT count(*) FROM bnai_runs}), '2', 'in one of the role that has scheduled it, it infers');
is(sql(q{SELECT DISTINCT who FROM seen}), 'keeper', 'and writes as the owner of the table');
sql(q{REVOKE keeper FROM analyst; SELECT bnai_increment('m', 5)});
like(($node->psql('postgres', $call, extra_params => [ '-U', 'analyst' ]))[2], qr/network "m" cannot be inferred unasked: relation public.visits belongs to role "keeper"/,
	'not when the network\'s owner could no longer become him');
like(sql(q{SELECT last_error FROM bnai_status}), qr/belongs to role "keeper"/, 'which bnai_status says');
sql(q{ALTER TABLE visits OWNER TO analyst; DROP TRIGGER tell ON visits});

# --- ended ---
is(sql(q{SET ROLE analyst; SELECT bnai_unschedule('m')}), 't', 'a schedule can be ended');
is(sql(q{SELECT count(*) FROM cron.job}), '0', 'and is gone from pg_cron');
is(sql(q{SET ROLE analyst; SELECT bnai_unschedule('m')}), 'f', 'once');
is(sql(q{SELECT schedule IS NULL AND next_scheduled_run IS NULL FROM bnai_status}), 't', 'and from bnai_status');
sql(q{SET ROLE analyst; SELECT bnai_schedule('m', '0 0 * * *'); SELECT bnai_drop_network('m')});
is(sql(q{SELECT count(*) FROM cron.job}), '0', 'it goes with the network');

# --- pg_cron is gone, or its job is somebody else's ---
sql(q{
	SET ROLE analyst;
	SELECT bnai_create_clustering('m', 'visits', '{x}', 'label', max_clusters => 3);
	SELECT bnai_schedule('m', '0 0 * * *');
});
sql(q{SELECT cron.unschedule(jobid) FROM cron.job});
is(sql(q{SET ROLE analyst; SELECT bnai_unschedule('m')}), 't', 'a job that pg_cron has lost');
sql(q{SET ROLE analyst; SELECT bnai_schedule('m', '0 0 * * *')});
sql(q{DROP EXTENSION pg_cron});
is(sql(q{SET ROLE analyst; SELECT bnai_unschedule('m')}), 't', 'or that went with it');

$node->stop;
done_testing();
