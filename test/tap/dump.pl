# Networks, their posteriors, runs, counters and watches survive pg_dump and
# restore: by a superuser and by the owner of the database, with a role or a table
# missing on the other side.  A restore counts nothing and infers nothing.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $here = PostgreSQL::Test::Cluster->new('here');
$here->init;
$here->start;

# What must be the same on the other side, as text
my $state = q{
	SELECT network, type, owner, source, columns, results_column, restarts, seed, readers, inferrers FROM bnai_networks ORDER BY 1;
	SELECT network, node, distribution, params, source, columns FROM bnai_nodes ORDER BY network, id;
	SELECT run, network, rows, elbo, clusters, is_current FROM bnai_runs ORDER BY 1;
	SELECT network, bnai_run_posterior(run) FROM bnai_runs WHERE is_current ORDER BY 1;
	SELECT id, label, bnai_predict('m', a, b), bnai_predict('v', VARIADIC ARRAY[list[1], "list[2]"]) FROM "the metrics" ORDER BY 1;
	SELECT network, count(*) FROM bnai_networks, bnai_trace(network) GROUP BY 1 ORDER BY 1;
	SELECT network, counter, counter_threshold, threshold_action FROM bnai_status ORDER BY 1;
	SELECT * FROM bnai_watches ORDER BY 1, 2, 3;
};

# A database of the role dbo with networks of dbo and alice; its table was renamed since.
sub make_shop
{
	$here->safe_psql('postgres', 'CREATE ROLE dbo LOGIN; CREATE ROLE alice LOGIN; CREATE ROLE passing; CREATE DATABASE shop OWNER dbo');
	$here->safe_psql('shop', 'CREATE EXTENSION bnai');
	$here->safe_psql('shop', q{
		SET ROLE dbo;
		CREATE TABLE metrics (id int PRIMARY KEY, a float8, b float8, label text, "list[2]" float8, list real[]);
		INSERT INTO metrics SELECT i, 10 * (i % 2) + sin(i), 10 * (i % 2) + cos(2.5 * i) FROM generate_series(1, 40) i;
		UPDATE metrics SET "list[2]" = a, list = ARRAY[b];
		GRANT SELECT ON metrics TO alice;
		SELECT bnai_create_clustering('m', 'metrics', '{a,b}', results_column => 'label', max_clusters => 3, restarts => 2);
		SELECT bnai_infer('m'), bnai_infer('m');
		SELECT bnai_set('m', 'counter_threshold', '100'), bnai_set('m', 'threshold_action', 'recalculate');
		SELECT bnai_watch('m', 'metrics', 'INSERT', increment => 5);
		INSERT INTO metrics VALUES (41, 0, 0, 'A'), (42, NULL, 0, NULL);
		SELECT bnai_create_clustering('v', 'metrics', '{list,list[2]}', max_clusters => 3, restarts => 2);
		SELECT bnai_infer('v');
		SELECT bnai_create_network('bare', seed => 7);
		SELECT bnai_grant('m', 'alice', 'infer'), bnai_grant('m', 'public', 'read'), bnai_grant('m', 'passing', 'read');
		ALTER TABLE metrics RENAME TO "the metrics";
		SET ROLE alice;
		SELECT bnai_create_network('a');
		SELECT bnai_add_node('a', 'mu', 'GaussianARD', '0, 1e-6');
		SELECT bnai_add_node('a', 'tau', 'Gamma', '1e-6, 1e-6');
		SELECT bnai_add_node('a', 'x', 'GaussianARD', 'mu, tau', '"the metrics"', '{a}');
		SELECT bnai_infer('a');
	});
}

# Dumps the shop to a file as a role.
sub dump_shop
{
	my ($role, $file, @options) = @_;
	$here->command_ok([ 'pg_dump', '-U', $role, '-f', $file, @options, $here->connstr('shop') ], "pg_dump as $role @options");
}

# Restores a file of SQL as a role; returns the errors, or other messages.
sub restore_sql
{
	my ($node, $role, $database, $file, $messages) = @_;
	my ($out, $err) = ('', '');
	IPC::Run::run([ 'psql', '-XqU', $role, '-f', $file, $node->connstr($database) ], '>', \$out, '2>', \$err);
	return join '', grep { $messages ? /$messages/ : /ERROR/ } split /^/, $err;
}

make_shop();
# the right of a role that is gone does not come back to another one of its name
$here->safe_psql('shop', 'DROP ROLE passing; CREATE ROLE passing');
my $user = $here->safe_psql('postgres', 'SELECT current_user');
my $before = $here->safe_psql('shop', $state);
my $dir = PostgreSQL::Test::Utils::tempdir();

# --- superuser ---
dump_shop($user, "$dir/plain.sql");
$here->safe_psql('postgres', 'CREATE DATABASE plain OWNER dbo');
is(restore_sql($here, $user, 'plain', "$dir/plain.sql"), '', 'a plain dump is restored without error');
is($here->safe_psql('plain', $state), $before, 'and gives the same networks, runs, posteriors and predictions');

dump_shop($user, "$dir/custom", '-Fc');
$here->safe_psql('postgres', 'CREATE DATABASE custom OWNER dbo');
$here->command_ok([ 'pg_restore', '--exit-on-error', '-d', $here->connstr('custom'), "$dir/custom" ], 'pg_restore');
is($here->safe_psql('custom', $state), $before, 'the same with pg_restore');

$here->safe_psql('postgres', 'CREATE DATABASE parallel OWNER dbo');
$here->command_ok([ 'pg_restore', '--exit-on-error', '-j', '4', '-d', $here->connstr('parallel'), "$dir/custom" ], 'pg_restore with four jobs');
is($here->safe_psql('parallel', $state), $before, 'and with several jobs, whatever comes first');
$here->safe_psql('parallel', q{SELECT bnai_drop_network('m'), bnai_drop_network('v')});
is($here->safe_psql('parallel', q{SELECT (SELECT count(DISTINCT network) FROM bnai_node), (SELECT count(DISTINCT network) FROM bnai_run), (SELECT count(*) FROM bnai_watched)}),
	'1|1|0', 'what belongs to a network goes with it there, too');

is($here->safe_psql('custom', q{SET ROLE dbo; SELECT rows FROM bnai_infer('v')}), '40', 'an array is inferred there');

# new ids come after the restored ones
my $runs = $here->safe_psql('custom', 'SELECT max(run) FROM bnai_runs');
cmp_ok($here->safe_psql('custom', q{SET ROLE dbo; SELECT run FROM bnai_infer('m')}), '>', $runs, 'a run after the restore has a new number');
is($here->safe_psql('custom', q{SET ROLE alice; SELECT bnai_create_network('new'); SELECT count(*) FROM bnai_networks WHERE network = 'new'}),
	"\n1", 'a network after the restore has a new id');

# triggers count again after the restore, and the threshold is the one that was set; the row that lacks a column takes part
$here->safe_psql('plain', q{SET ROLE dbo; INSERT INTO "the metrics" VALUES (43, 0, 0)});
is($here->safe_psql('plain', q{SELECT counter FROM bnai_status WHERE network = 'm'}), '15', 'the counter goes on where it was');
$here->safe_psql('plain', q{SET ROLE dbo; INSERT INTO "the metrics" SELECT i, sin(i), cos(2.5 * i) FROM generate_series(101, 117) i});
is($here->safe_psql('plain', q{SELECT counter, rows FROM bnai_status WHERE network = 'm'}), '0|60', 'up to the threshold, and then the network is inferred');

# --- data alone, into what a dump of the schema made ---
dump_shop($user, "$dir/schema.sql", '--schema-only');
dump_shop($user, "$dir/data.sql", '--data-only');
$here->safe_psql('postgres', 'CREATE DATABASE halves OWNER dbo');
is(restore_sql($here, $user, 'halves', "$dir/schema.sql"), '', 'the schema alone is restored');
is($here->safe_psql('halves', 'SELECT count(*) FROM bnai_networks'), '0', 'without networks');
is(restore_sql($here, $user, 'halves', "$dir/data.sql"), '', 'then the data');
is($here->safe_psql('halves', $state), $before, 'together they give the same');

# --- the owner of the database ---
dump_shop('dbo', "$dir/dbo.sql");
$here->safe_psql('postgres', 'CREATE DATABASE owned OWNER dbo');
$here->safe_psql('owned', 'CREATE EXTENSION bnai');
# only the owner of an extension, a superuser, may set its comment
is(restore_sql($here, 'dbo', 'owned', "$dir/dbo.sql") =~ s/.*must be owner of extension.*\n//r, '', 'the owner of a database restores it');
unlike(slurp_file("$dir/dbo.sql"), qr/^\d+\t.*"name": "tau"/m, 'his dump has no posterior of a network that he may not read');
is($here->safe_psql('owned', $state), $before =~ s/^a\|general\|alice\|/a|general|dbo|/mr =~ s/^a\|\{"version".*$/a|/mr,
	'with the same result, but a network that is not his to give away becomes his, without a posterior');
like(($here->psql('owned', q{SET ROLE dbo; SELECT bnai_fitted('a')}))[2], qr/run \d+ has no posterior/, 'which is said');
is($here->safe_psql('owned', q{SET ROLE dbo; SELECT rows FROM bnai_infer('a')}), '41', 'and he infers it');
$here->safe_psql('postgres', 'CREATE DATABASE again OWNER dbo');
$here->safe_psql('again', 'CREATE EXTENSION bnai');
is(restore_sql($here, 'dbo', 'again', "$dir/dbo.sql", qr/WARNING:.*posterior/) =~ s/.*WARNING:  //r, "runs are restored without their posteriors\n", 'one warning says that posteriors are missing');
$here->safe_psql('postgres', 'CREATE ROLE backup LOGIN IN ROLE pg_read_all_data');
dump_shop('backup', "$dir/backup.sql");
like(slurp_file("$dir/backup.sql"), qr/^\d+\t.*"name": "tau"/m, 'who may read all data dumps all posteriors');

is($here->safe_psql('owned', q{SET ROLE dbo; SELECT left(posterior::text, 10) FROM bnai_run WHERE network = (SELECT id FROM bnai_network WHERE name = 'm') AND is_current}),
	'{"version"', 'who may read a network reads its posterior in the table, too');

# --- a source that is not there ---
dump_shop($user, "$dir/without.sql", '--exclude-table=*metrics*');
$here->safe_psql('postgres', 'CREATE DATABASE without OWNER dbo');
is(restore_sql($here, $user, 'without', "$dir/without.sql"), '', 'networks are restored without their table');
is($here->safe_psql('without', q{SELECT DISTINCT source FROM bnai_nodes WHERE source IS NOT NULL}), 'public."the metrics"', 'and remember it');
is($here->safe_psql('without', q{SELECT bnai_predict('m', 0, 0) = bnai_predict('m', 10, 10)}), 'f', 'posteriors work without it');
like(($here->psql('without', q{SELECT bnai_infer('m')}))[2], qr/the source of network "m" is not bound/, 'inference says what is missing');
is($here->safe_psql('without', q{SELECT columns FROM bnai_nodes WHERE network = 'v' AND columns IS NOT NULL}), '{list[1],list[2]}', 'arrays are known without a table, too');
$here->safe_psql('without', q{CREATE TABLE "the metrics" AS SELECT i AS id, sin(i) AS a, cos(i) AS b, NULL::text AS label FROM generate_series(1, 20) i});
is($here->safe_psql('without', q{SELECT bnai_rebind('m', '"the metrics"'); SELECT rows FROM bnai_infer('m')}), "\n20", 'and works once its owner says which table it is');

# --- a role that is not there ---
my $there = PostgreSQL::Test::Cluster->new('there');
$there->init;
$there->start;
dump_shop($user, "$dir/roles.sql", '--no-owner', '--no-privileges');
$there->safe_psql('postgres', 'CREATE ROLE dbo LOGIN; CREATE ROLE bob LOGIN; CREATE DATABASE shop OWNER dbo');
is(restore_sql($there, $user, 'shop', "$dir/roles.sql"), '', 'networks are restored without their owner');
is($there->safe_psql('shop', $state), $before =~ s/\{public\}\|\{alice\}/{public}|/r =~ s/^a\|general\|alice\|/a|general|$user|/mr, 'with the same result, but the right of a role that is not there, and its network is his who restores it');
$there->safe_psql('shop', 'GRANT SELECT ON "the metrics" TO bob, dbo');
like(($there->psql('shop', q{SET ROLE bob; SELECT bnai_set('a', 'seed', '2')}))[2], qr/must be owner of network "a"/, 'nobody else owns such a network');
is($there->safe_psql('shop', q{SELECT bnai_set('a', 'owner', 'bob'); SET ROLE bob; SELECT rows FROM bnai_infer('a')}), "\n41", 'until he gives it to somebody');

$here->stop;
$there->stop;
done_testing();
