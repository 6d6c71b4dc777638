# On a standby models answer and nothing is inferred; when it is promoted it goes on.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $primary = PostgreSQL::Test::Cluster->new('primary');
$primary->init(allows_streaming => 1);
$primary->append_conf('postgresql.conf', q{
	shared_preload_libraries = 'bnai'
	bnai.flush_interval = 100ms
});
$primary->start;
$primary->safe_psql('postgres', q{
	CREATE EXTENSION bnai;
	CREATE TABLE visits (id serial PRIMARY KEY, x float8, label text);
	INSERT INTO visits (x) SELECT CASE WHEN i % 2 = 0 THEN 0 ELSE 100 END + i % 5 FROM generate_series(1, 200) i;
	SELECT bnai_create_clustering('m', 'visits', '{x}', 'label', max_clusters => 3, counter_threshold => 10, threshold_action => 'background');
	SELECT bnai_infer('m');
	SELECT bnai_watch('m', 'visits', 'INSERT'), bnai_label_on_insert('visits');
});
$primary->backup('copy');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'copy', has_streaming => 1);
$standby->start;

# 7 of 10 are counted, and written to the table that is replicated
$primary->safe_psql('postgres', q{INSERT INTO visits (x) SELECT 100 FROM generate_series(1, 7)});
ok($primary->poll_query_until('postgres', q{SELECT count(*) > 0 FROM bnai_count}), 'the counter is written');
$primary->wait_for_catchup($standby, 'replay', $primary->lsn('insert'));

my $scores = q{SELECT bnai_predict('m', 0), bnai_predict('m', 100), bnai_score('m', 50), bnai_typicality('m', 50)};
is($standby->safe_psql('postgres', $scores), $primary->safe_psql('postgres', $scores), 'a standby scores as the primary does');
is($standby->safe_psql('postgres', q{SELECT counter, rows_labelled, running_since IS NULL FROM bnai_status}), '7|200|t', 'and shows its state');
like(($standby->psql('postgres', q{SELECT bnai_infer('m')}))[2], qr/ERROR:  cannot execute bnai_infer\(\) in a read-only transaction/, 'it infers nothing');
like(($standby->psql('postgres', q{CALL bnai_infer_now('m')}))[2], qr/cannot execute bnai_infer_now\(\) in a read-only transaction/, 'by no means');
like(($standby->psql('postgres', q{SELECT bnai_increment('m', 100)}))[2], qr/cannot execute bnai_increment\(\) in a read-only transaction/, 'counts nothing');
is($standby->safe_psql('postgres', q{SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE 'bnai%'}), '0', 'and has no worker');

$standby->promote;
$primary->stop('immediate');
is($standby->safe_psql('postgres', q{INSERT INTO visits (x) SELECT 0 FROM generate_series(1, 2); SELECT counter FROM bnai_status}), '9', 'promoted, it goes on counting');
is($standby->safe_psql('postgres', q{INSERT INTO visits (x) VALUES (0); SELECT count(*) FROM visits WHERE label IS NULL}), '0', 'labels new rows');
ok($standby->poll_query_until('postgres', q{SELECT count(*) = 2 AND max(rows) = 210 FROM bnai_runs}), 'and infers at the threshold');

$standby->stop;
done_testing();
