# Logical replication: what a subscriber applies to a watched table is counted there,
# each row once, and wakes a worker; so is what it copies to begin with.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(allows_streaming => 'logical');
$node->start;

sub here { return $node->safe_psql('here', shift) }
sub there { return $node->safe_psql('there', shift) }

# Waits until a query says t on the subscriber.
sub wait_for
{
	my ($query, $what) = @_;
	ok($node->poll_query_until('there', $query), $what);
}

$node->safe_psql('postgres', 'CREATE DATABASE here');
$node->safe_psql('postgres', 'CREATE DATABASE there');
here(q{
	CREATE TABLE visits (id int PRIMARY KEY, x float8);
	CREATE TABLE parts (id int PRIMARY KEY, x float8);
	INSERT INTO visits SELECT i, i % 2 * 100 + sin(i) FROM generate_series(1, 5) i;
	CREATE PUBLICATION everything FOR TABLE visits, parts;
	SELECT pg_create_logical_replication_slot('subscribed', 'pgoutput');
});

# Increments that tell one event from the other: up to 99 of each
there(q{
	CREATE EXTENSION bnai;
	CREATE TABLE visits (id int PRIMARY KEY, x float8, label text);
	CREATE TABLE parts (id int PRIMARY KEY, x float8) PARTITION BY RANGE (id);
	CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (1) TO (100);
	SELECT bnai_create_clustering('m', 'visits', '{x}', 'label', max_clusters => 3);
	SELECT bnai_watch('m', 'visits', event, increment)
	FROM (VALUES ('INSERT', 1), ('UPDATE', 100), ('DELETE', 10000), ('TRUNCATE', 1000000)) e (event, increment);
	SELECT bnai_create_clustering('p', 'parts', '{x}');
	SELECT bnai_watch('p', 'parts', event, increment)
	FROM (VALUES ('INSERT', 1), ('UPDATE', 100), ('DELETE', 10000), ('TRUNCATE', 1000000)) e (event, increment);
	CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM (100) TO (200);
});
sub counter { return there(q{SELECT counter FROM bnai_status WHERE network = '} . shift . q{'}) }

# --- the first copy of the table ---
my $connection = $node->connstr . ' dbname=here';
there(qq{CREATE SUBSCRIPTION everything CONNECTION '$connection' PUBLICATION everything WITH (create_slot = false, slot_name = 'subscribed')});
wait_for(q{SELECT count(*) = 2 FROM pg_subscription_rel WHERE srsubstate = 'r'}, 'the tables are copied');
is(there(q{SELECT count(*) FROM visits}), '5', 'with five rows');
is(counter('m'), '5', 'each of which is counted');

# --- what is applied ---
here(q{INSERT INTO visits SELECT i, i % 2 * 100 + sin(i) FROM generate_series(6, 8) i});
wait_for(q{SELECT count(*) = 8 FROM visits}, 'INSERT is applied');
is(counter('m'), '8', 'INSERT: each row once');
here(q{UPDATE visits SET x = x + 1 WHERE id <= 2});
wait_for(q{SELECT count(*) = 2 FROM visits WHERE x - sin(id) - id % 2 * 100 > 0.5}, 'UPDATE is applied');
is(counter('m'), '208', 'UPDATE: each row once');
here(q{DELETE FROM visits WHERE id = 8});
wait_for(q{SELECT count(*) = 7 FROM visits}, 'DELETE is applied');
is(counter('m'), '10208', 'DELETE: each row once');
here(q{BEGIN; INSERT INTO visits VALUES (50, 0); ROLLBACK; BEGIN; INSERT INTO visits VALUES (51, 0); SAVEPOINT s; INSERT INTO visits VALUES (52, 0); ROLLBACK TO s; COMMIT});
wait_for(q{SELECT count(*) = 8 FROM visits}, 'half a transaction is applied');
is(counter('m'), '10209', 'what was rolled back is not counted');
here(q{TRUNCATE visits});
wait_for(q{SELECT count(*) = 0 FROM visits}, 'TRUNCATE is applied');
is(counter('m'), '8010209', 'TRUNCATE: each row that is lost once');
there(q{INSERT INTO visits VALUES (1000, 1), (1001, 1); UPDATE visits SET x = 2 WHERE id = 1000; DELETE FROM visits});
is(counter('m'), '8030311', "the subscriber's own statements count as ever");

# --- partitions, one of which came later ---
here(q{INSERT INTO parts VALUES (1, 1), (2, 1), (101, 1), (102, 1)});
wait_for(q{SELECT count(*) = 4 FROM parts}, 'INSERT is applied to partitions');
is(counter('p'), '4', 'each row once');
here(q{UPDATE parts SET x = 2 WHERE id IN (1, 101); DELETE FROM parts WHERE id IN (2, 102)});
wait_for(q{SELECT count(*) = 2 FROM parts}, 'UPDATE and DELETE are applied to partitions');
is(counter('p'), '20204', 'each row once');
here(q{TRUNCATE parts});
wait_for(q{SELECT count(*) = 0 FROM parts}, 'TRUNCATE is applied to partitions');
is(counter('p'), '2020204', 'each row once');

# --- the threshold ---
there(q{SELECT bnai_recalculate_if_needed('m', 1000000000), bnai_set('m', 'counter_threshold', '8030340'), bnai_set('m', 'threshold_action', 'background')});
here(q{INSERT INTO visits SELECT i, i % 2 * 100 + sin(i) FROM generate_series(1, 28) i});
wait_for(q{SELECT count(*) = 28 FROM visits}, 'more is applied');
is(there(q{SELECT count(*) FROM bnai_runs}), '0', 'below the threshold nothing is inferred');
here(q{INSERT INTO visits SELECT i, i % 2 * 100 + sin(i) FROM generate_series(29, 30) i});
wait_for(q{SELECT count(*) = 1 FROM bnai_runs WHERE rows = 30}, 'what is applied wakes a worker');
wait_for(q{SELECT counter = 0 AND rows_labelled = 30 FROM bnai_status WHERE network = 'm'}, 'which labels the rows');
is(here(q{SELECT count(*) FROM visits}), '30', 'of the subscriber alone');

there(q{DROP SUBSCRIPTION everything});
$node->stop;
done_testing();
