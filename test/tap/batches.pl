# Large tables are labelled in batches, a transaction each, where an inference has transactions of its own.
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

# 7 rows on a page: 20,000 rows are more than one batch of 2,048 pages, in each of two partitions
sql(q{
	CREATE EXTENSION bnai;
	CREATE TABLE visits (id int, x float8, pad text DEFAULT repeat('.', 1000), label text) PARTITION BY HASH (id);
	CREATE TABLE visits_0 PARTITION OF visits FOR VALUES WITH (modulus 2, remainder 0);
	CREATE TABLE visits_1 PARTITION OF visits FOR VALUES WITH (modulus 2, remainder 1);
	ALTER TABLE visits_0 ALTER pad SET STORAGE PLAIN;
	ALTER TABLE visits_1 ALTER pad SET STORAGE PLAIN;
	INSERT INTO visits SELECT i, CASE WHEN i % 2 = 0 THEN 0 ELSE 100 END + sin(i) FROM generate_series(1, 40000) i;
	SELECT bnai_create_clustering('m', 'visits', '{x}', 'label', max_clusters => 3);
});
sql(q{CALL bnai_infer_now('m')});
is(sql(q{SELECT count(*) FROM visits WHERE label IS DISTINCT FROM bnai_predict('m', x)}), '0', 'all rows have their labels');
cmp_ok(sql(q{SELECT count(DISTINCT xmin::text) FROM visits}), '>', 1, 'written by more than one transaction');
is(sql(q{SELECT rows_relabelled FROM bnai_runs}), '40000', 'bnai_runs counts them all');
sql(q{CALL bnai_infer_now('m')});
is(sql(q{SELECT rows_relabelled, warm FROM bnai_runs ORDER BY run DESC LIMIT 1}), '0|t', 'the next inference has nothing to write');

$node->stop;
done_testing();
