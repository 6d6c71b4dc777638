# How many workers there are, who they work for, and what is made up for when none could
# be started.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', q{
	bnai.max_workers = 1
	bnai.retry_delay = 1h
	autovacuum = off
	log_min_messages = debug1
});
$node->start;

sub sql { return $node->safe_psql('postgres', shift) }

# Waits until a query says t.
sub wait_for
{
	my ($query, $what, $database) = @_;
	ok($node->poll_query_until($database // 'postgres', $query), $what);
}

# What makes a network that is due in a database, whose inference does not end or does.
sub create
{
	my ($database, $network, $endless) = @_;
	$node->safe_psql($database, qq{
		CREATE TABLE $network AS SELECT i % 2 * 100 + sin(i) AS x, NULL::text AS label FROM generate_series(1, 200) i;
		SELECT bnai_create_clustering('$network', '$network', '{x}', 'label', max_clusters => 3, counter_threshold => 10, threshold_action => 'background');
	});
	$node->safe_psql($database, qq{SELECT bnai_set('$network', 'tolerance', '0'), bnai_set('$network', 'max_iterations', '1000000000'), bnai_set('$network', 'moves', 'off')})
		if $endless;
	$node->safe_psql($database, qq{SELECT bnai_increment('$network', 10)});
}

my $workers = q{FROM pg_stat_activity WHERE backend_type = 'bnai inference'};
my $iterating = qq{SELECT count(*) = 1 $workers AND query = 'bnai: inferring network endless'};
my $nobody = "SELECT count(*) = 0 $workers";
sub cancel { sql("SELECT pg_cancel_backend(pid) $workers") }

sql(q{CREATE DATABASE other});
sql(q{CREATE EXTENSION bnai});
$node->safe_psql('other', q{CREATE EXTENSION bnai});

# --- one worker in a database, and so many in all ---
create('postgres', 'endless', 1);
wait_for($iterating, 'a worker');
create('postgres', 'second', 0);
create('other', 'third', 0);
is(sql("SELECT count(*), min(datname) $workers"), '1|postgres', 'is the only one in its database, and on the server');
is(sql(q{SELECT count(*) FROM bnai_runs}), '0', 'others that are due wait');
is($node->safe_psql('other', q{SELECT counter FROM bnai_status}), '10', 'there, too');
cancel();
wait_for(q{SELECT count(*) = 1 FROM bnai_runs WHERE network = 'second' AND error IS NULL}, 'it goes on with the next one in its database');
wait_for($nobody, 'and ends: the one that failed is not tried again for an hour');
is(sql(q{SELECT error FROM bnai_runs WHERE network = 'endless'}), 'canceling statement due to user request', 'whose failure is recorded');
# not within a second of the last time in vain, so that this counts until it is
wait_for(q{SELECT (SELECT count(*) FROM bnai_runs) >= 1 FROM bnai_increment('third', 1)}, 'where there was no room the next one who counts wakes a worker', 'other');
wait_for($nobody, 'quiet');
# two that inferred, the first one's successor, and perhaps one more for what was counted while the second one inferred
my $started = () = slurp_file($node->logfile) =~ /starting background worker process "bnai inference"/g;
cmp_ok($started, '<=', 4, 'who is to try again in an hour sleeps until then');
sql(q{SELECT bnai_drop_network('endless')});

# --- more of them ---
sql(q{ALTER SYSTEM SET bnai.max_workers = 2});
$node->reload;
wait_for(q{SELECT current_setting('bnai.max_workers') = '2'}, 'two workers');
$node->safe_psql($_, q{DROP TABLE IF EXISTS endless}) for 'postgres', 'other';
create('postgres', 'endless', 1);
create('other', 'endless', 1);
wait_for(qq{SELECT count(DISTINCT datname) = 2 $workers AND query = 'bnai: inferring network endless'}, 'work in two databases at once');
$node->safe_psql($_, q{SELECT bnai_set('endless', 'threshold_action', 'none')}) for 'postgres', 'other';
cancel();
wait_for($nobody, 'quiet');

# --- what was reached while nobody could be woken: before the action was set, and before a restart ---
sql(q{SELECT bnai_set('second', 'threshold_action', 'none'); SELECT bnai_increment('second', 10); SELECT bnai_set('second', 'threshold_action', 'background')});
$node->restart;
is(sql(q{SELECT counter FROM bnai_status WHERE network = 'second'}), '10', 'a threshold that was reached');
sql(q{SELECT bnai_increment('second', 1)});
wait_for(q{SELECT count(*) = 2 FROM bnai_runs WHERE network = 'second'}, 'is noticed by the next one who counts');
wait_for($nobody, 'quiet');

# --- a server without room for a worker ---
sql(q{ALTER SYSTEM SET max_worker_processes = 0});
$node->restart;
is(sql(q{SELECT bnai_increment('second', 10); SELECT counter FROM bnai_status WHERE network = 'second'}), "\n10", 'without room for a worker who counts commits all the same');
sql(q{ALTER SYSTEM RESET max_worker_processes});
$node->restart;
sql(q{SELECT bnai_increment('second', 1)});
wait_for(q{SELECT count(*) = 3 FROM bnai_runs WHERE network = 'second'}, 'and is made up for');
wait_for($nobody, 'quiet');

# --- a superuser's network is inferred as the owner of the table, who cannot become anybody else ---
sql(q{
	CREATE ROLE crew NOLOGIN;
	ALTER TABLE second OWNER TO crew;
	CREATE TABLE seen (who name, path text);
	GRANT INSERT ON seen TO PUBLIC;
	CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.seen VALUES (current_user, current_setting('search_path')); RETURN NULL; END $$;
	CREATE TRIGGER tell AFTER UPDATE OF label ON second FOR EACH STATEMENT EXECUTE FUNCTION tell();
	UPDATE second SET label = NULL;
	TRUNCATE seen;
	SELECT bnai_increment('second', 10);
});
wait_for(q{SELECT count(*) = 4 FROM bnai_runs WHERE network = 'second'}, 'inferred');
is(sql(q{SELECT DISTINCT who, path FROM seen}), 'crew|pg_catalog, pg_temp', 'as the owner of the table');
wait_for($nobody, 'quiet');
sql(q{
	CREATE FUNCTION escape() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RESET ROLE; SET SESSION AUTHORIZATION DEFAULT; INSERT INTO public.seen VALUES (current_user); RETURN NULL; END $$;
	CREATE TRIGGER escape AFTER UPDATE OF label ON second FOR EACH STATEMENT EXECUTE FUNCTION escape();
	TRUNCATE seen;
	SELECT bnai_increment('second', 10);
});
wait_for(q{SELECT last_error IS NOT NULL FROM bnai_status WHERE network = 'second'}, 'a trigger that would become somebody else');
is(sql(q{SELECT last_error FROM bnai_status WHERE network = 'second'}), 'cannot set parameter "role" within security-restricted operation', 'cannot');
is(sql(q{SELECT count(*) FROM seen}), '0', 'and leaves nothing');

$node->stop;
done_testing();
