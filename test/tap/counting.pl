# Sessions that count at once, while the counter is read and what is written is folded: no
# count is lost, seen twice, or seen and then not seen.  Without preloading and with it.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

for my $library ('', 'bnai')
{
	my $how = $library ? 'with preloading' : 'without preloading';
	my $node = PostgreSQL::Test::Cluster->new("main$library");
	$node->init;
	$node->append_conf('postgresql.conf', "shared_preload_libraries = '$library'\nbnai.flush_interval = 2ms\nlog_statement = none");
	$node->start;
	$node->safe_psql('postgres', q{
		CREATE EXTENSION bnai;
		CREATE TABLE visits (id bigserial PRIMARY KEY, x float8);
		CREATE TABLE done ();
		SELECT bnai_create_clustering('m', 'visits', '{x}');
		SELECT bnai_watch('m', 'visits', 'INSERT');
	});

	# A count is never ahead of its row, and never taken back
	my $err = '';
	my $reader = IPC::Run::start([ 'psql', '-Xq', '-d', $node->connstr('postgres'), '-c', q{
		DO $$
		DECLARE
			last bigint := 0;
			now bigint;
			rows bigint;
			different int := 0;
		BEGIN
			WHILE NOT EXISTS (SELECT FROM done) LOOP
				SELECT counter INTO now FROM bnai_status;
				SELECT count(*) INTO rows FROM visits;
				IF now < last OR now > rows THEN
					RAISE 'counter % after %, % rows', now, last, rows;
				END IF;
				different := different + (now > last)::int;
				last := now;
				COMMIT;
			END LOOP;
			IF different < 2 THEN
				RAISE 'saw only % counters', different;
			END IF;
		END $$} ], '<', \undef, '2>', \$err);

	ok($node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE query LIKE '%WHILE NOT EXISTS%' AND pid <> pg_backend_pid()}), "$how: it reads");

	# Some roll back, some to a savepoint; 1,600 transactions are more than there are between two folds
	$node->pgbench('-n -c 8 -t 200', 0, [qr{processed: 1600/1600}], [qr{^(?!.*ERROR)}s], "$how: eight sessions count", {
		"counting$library" => q{
			\set r random(1, 10)
			BEGIN;
			INSERT INTO visits (x) VALUES (1);
			SAVEPOINT s;
			INSERT INTO visits (x) VALUES (2), (3);
			\if :r = 1
				ROLLBACK TO s;
			\endif
			\if :r = 2
				ROLLBACK;
			\else
				COMMIT;
			\endif
		} });
	$node->safe_psql('postgres', q{INSERT INTO done DEFAULT VALUES});
	$reader->finish;
	is($err, '', "$how: the counter only grows, and is never ahead");
	is($node->safe_psql('postgres', q{SELECT counter - (SELECT count(*) FROM visits) FROM bnai_status}), '0', "$how: all rows are counted, each once");
	$node->restart;
	is($node->safe_psql('postgres', q{SELECT counter - (SELECT count(*) FROM visits) FROM bnai_status}), '0', "$how: also after a restart");
	cmp_ok($node->safe_psql('postgres', q{SELECT count(*) FROM bnai_count}), '<', 1000, "$how: what was written has been folded");
	$node->stop;
}

done_testing();
