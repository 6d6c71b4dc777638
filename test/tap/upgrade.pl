# From 0.1.0 to this version: while the server runs, its library is exchanged, and no session crashes, whichever library
# it has and whichever objects it meets; ALTER EXTENSION UPDATE makes of 0.1.0's objects what a fresh installation has,
# and what 0.1.0 made goes on working.  A dump that 0.1.0 made is restored, too.
#
# 0.1.0's library is what scripts/released-library built of its commit.  Where that is not to be had, 0.1.0's objects are
# filled from a dump that it made, and no session with its library is tried.
use strict;
use warnings;

use Cwd qw(abs_path);
use Digest::SHA;
use File::Basename;
use File::Copy;
use File::Path qw(make_path);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my ($version) = slurp_file('bnai.control') =~ /^default_version = '(.*)'/m;
my $released = abs_path('.build/released/bnai-0.1.0.so') || '';
my $has_library = -e $released;
my $catalog_hint = qr/Run ALTER EXTENSION bnai UPDATE in this database/;
my $library_hint = qr/Connect again to load the new library/;

# --- a private copy of the installation, whose library can be exchanged ---

# Asks pg_config for a folder.
sub folder { return abs_path(`pg_config --$_[0]` =~ s/\n//r) }

my %installed = map { $_ => folder($_) } qw(bindir pkglibdir sharedir);
my $copy = PostgreSQL::Test::Utils::tempdir();
for my $dir (qw(pkglibdir sharedir))
{
	make_path("$copy$installed{$dir}");
	system('cp', '-rs', "$installed{$dir}/.", "$copy$installed{$dir}/") == 0 or die "cannot copy $installed{$dir}";
}
make_path("$copy$installed{bindir}");
system("cp -L $installed{bindir}/* $copy$installed{bindir}/") == 0 or die "cannot copy $installed{bindir}";

my $current = abs_path("$copy$installed{pkglibdir}/bnai.so");

# Replaces the library as make install does: sessions keep the file that they have loaded.
sub install_library
{
	my ($library) = @_;
	copy($library, "$copy$installed{pkglibdir}/bnai.new") or die "cannot copy $library";
	rename("$copy$installed{pkglibdir}/bnai.new", "$copy$installed{pkglibdir}/bnai.so") or die 'cannot rename';
}

install_library($has_library ? $released : $current);

my $node = PostgreSQL::Test::Cluster->new('main', install_path => "$copy" . dirname($installed{bindir}));
$node->init;
$node->append_conf('postgresql.conf', "restart_after_crash = on\nbnai.progress_interval = 0");
$node->start;
$node->safe_psql("postgres", q{CREATE ROLE bnai_alice LOGIN; DO $$ BEGIN IF to_regrole('postgres') IS NULL THEN CREATE ROLE postgres SUPERUSER; END IF; END $$});
my $dir = PostgreSQL::Test::Utils::tempdir();

# Runs SQL; returns what it printed, or the errors, warnings and notices.
sub sql
{
	my ($database, $sql) = @_;
	return $node->safe_psql($database, "SET client_min_messages = error; $sql");
}
sub complaint { return ($node->psql($_[0], $_[1]))[2] // '' }

# A session that stays open: runs SQL in it, and returns all that it printed.
my %session;
sub session
{
	my ($name, $database, $sql) = @_;
	my $s = $session{$name};
	if (!$s)
	{
		$s = $session{$name} = { in => '', out => '' };
		$s->{run} = IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr($database) ], '<', \$s->{in}, '>', \$s->{out}, '2>', \$s->{out},
			IPC::Run::timeout(180));
	}
	$s->{out} = '';
	$s->{in} .= "$sql;\n\\echo [done]\n";
	$s->{run}->pump until $s->{out} =~ /\[done\]/ || !$s->{run}->pumpable;
	return $s->{out} =~ s/\[done\]\n?//r;
}

# What must be the same before and after, as text
my $state = q{
	SELECT network, type, owner, source, columns, results_column, weight_column, restarts, seed, counter_threshold, threshold_action FROM bnai_networks ORDER BY 1;
	SELECT network, node, distribution, params, source, columns FROM bnai_nodes ORDER BY network, id;
	SELECT run, network, rows, elbo, clusters, is_current FROM bnai_runs WHERE run IS NOT NULL ORDER BY 1;
	SELECT network, regexp_replace(bnai_fitted(network)::text, '"version": \d+, ', '') FROM bnai_networks WHERE network NOT IN ('bare', 'gone') ORDER BY 1;
	SELECT id, label, bnai_predict('m', a, b), bnai_predict('v', VARIADIC ARRAY[list[1], list[2], "odd ""name"]) FROM "the visits" ORDER BY 1;
	SELECT network, count(*) FROM bnai_networks, bnai_trace(network) GROUP BY 1 ORDER BY 1;
	SELECT network, counter FROM bnai_status ORDER BY 1;
	SELECT network, target, event, increment FROM bnai_watches ORDER BY 1, 2, 3;
};

# Names what is not the same in two texts of many lines.
sub same_lines
{
	my ($have, $want, $what) = @_;
	my %have = map { $_ => 1 } split /^/, $have;
	my %want = map { $_ => 1 } split /^/, $want;
	my @missing = grep { !$want{$_} ? 0 : !$have{$_} } sort keys %want;
	my @odd = grep { !$want{$_} } sort keys %have;
	ok(!@missing && !@odd, $what) or diag(map { substr($_, 0, 300) . "\n" } map({ "missing: $_" } @missing), map({ "odd: $_" } @odd));
}

# --- what was released stays as it was ---

for (grep { !/^#/ } split /\n/, slurp_file('sql/released/releases'))
{
	my ($release, undef, $sum) = split;
	is(Digest::SHA->new(256)->addfile("sql/released/bnai--$release.sql")->hexdigest, $sum, "the script of $release is what was released");
}

# --- 0.1.0, with its library or filled from its dump ---

$node->safe_psql('postgres', 'CREATE DATABASE old');
sql('old', q{CREATE EXTENSION bnai VERSION '0.1.0'});
if ($has_library)
{
	$node->command_ok([ 'psql', '-XqAt', '-v', 'ON_ERROR_STOP=1', '-o', "$dir/made", '-f', 'test/data/made-by-0.1.0.sql', $node->connstr('old') ], '0.1.0 makes networks');
}
else
{
	diag('without the library of 0.1.0');
	sql('old', 'SET session_replication_role = replica; ' . (slurp_file('test/data/dump-of-0.1.0.sql') =~ s/^CREATE EXTENSION.*|^COMMENT ON EXTENSION.*//mgr));
}
my $before = $has_library ? sql('old', $state) : undef;
my $said = q{SELECT count(*), count(m), count(v),
	bool_and(m IS NOT DISTINCT FROM bnai_predict('m', a, b) AND abs(m_score - bnai_score('m', a, b)) < 1e-9),
	bool_and(p IS NOT DISTINCT FROM bnai_predict('p', b, a)),
	bool_and(v IS NOT DISTINCT FROM bnai_predict('v', VARIADIC ARRAY[list[1], list[2], "odd ""name"]))
	FROM said JOIN "the visits" USING (id)};
my $as_said = '42|42|40|t|t|t';
my $counted = q{SELECT count(*) FROM (TABLE counted EXCEPT SELECT network, counter FROM bnai_status) c};
like(session('open', 'old', q{SELECT bnai_predict('m', 0, 0), bnai_predict('m', 10, 10)}), qr/^[AB]\|[AB]$/m, 'a session predicts') if $has_library;

# How C functions are called: what a released script says of a function of the library holds for good
my $signatures = q{SELECT p.prosrc, format('(%s) gives %s %s %s, strict %s', array(SELECT format_type(t, NULL) FROM unnest(proargtypes) t), prorettype::regtype, proretset,
	array(SELECT format_type(t, NULL) FROM unnest(proallargtypes) t), proisstrict)
	FROM pg_proc p JOIN pg_language l ON l.oid = prolang JOIN pg_depend d ON d.objid = p.oid AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e'
	JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'bnai' WHERE l.lanname = 'c' ORDER BY 1, 2};
my %released;
push @{ $released{ (split /\|/)[0] } }, $_ for split /\n/, sql('old', $signatures);

# --- the new library, and 0.1.0's objects ---

install_library($current);
if ($has_library)
{
	like(session('open', 'old', q{SELECT bnai_predict('m', 0, 0), bnai_predict('m', 10, 10)}), qr/^[AB]\|[AB]$/m, 'a session that is open goes on with what it has');
	like(session('open', 'old', 'ALTER EXTENSION bnai UPDATE'), qr/could not find function/, 'and cannot update');
	is(sql('old', q{SELECT extversion FROM pg_extension WHERE extname = 'bnai'}), '0.1.0', 'so that all stays as it was');
}
for my $call (q{bnai_predict('m', 0, 0)}, q{bnai_infer('m')}, q{bnai_fitted('m')}, q{bnai_create_network('other')}, q{bnai_set('m', 'seed', '3')}, q{bnai_drop_network('m')},
	q{bnai_watch('m', '"the visits"', 'UPDATE')}, q{bnai_increment('m', 1)}, q{bnai_graph('m')}, q{bnai_fit('m', 1, 2)}, q{bnai_plot('m', 'sizes')}, q{bnai_changes('m')})
{
	like(complaint('old', "SELECT $call"), $catalog_hint, "SELECT $call: an error with a hint");
}
like(complaint('old', 'TABLE bnai_status'), $catalog_hint, 'a view: an error with a hint');
like(complaint('old', q{CALL bnai_infer_now('m')}), $catalog_hint, 'a procedure: an error with a hint');
my $write = q{INSERT INTO "the visits" (id, a, b) VALUES (51, 0, 0); UPDATE "the visits" SET a = 1 WHERE id = 51;
	DELETE FROM "the visits" WHERE id = 51; INSERT INTO parts VALUES (51, 0, 0); DELETE FROM parts WHERE id = 51};
my ($status, undef, $warnings) = $node->psql('old', $write);
is($status, 0, 'what is written to watched tables is written');
is(scalar(() = $warnings =~ /WARNING/g), 1, 'with one warning a session');
like($warnings, $catalog_hint, 'that says what to do');
is(complaint('old', q{CREATE TABLE unrelated (x int); ALTER TABLE unrelated ADD y int; CREATE TABLE parts_3 PARTITION OF parts FOR VALUES FROM (200) TO (300);
	DROP TABLE parts_3, unrelated}), '', 'tables are created and altered');
# every function that users can call
my $calls = sql('old', q{
	SELECT format('%s %I(%s)', CASE prokind WHEN 'p' THEN 'CALL' ELSE 'SELECT' END, proname, args)
	FROM pg_proc p, LATERAL (SELECT string_agg(format('%s%s::%s', CASE WHEN i = cardinality(types) AND provariadic <> 0 THEN 'VARIADIC ' END, value.text, format_type(types[i], NULL)), ', ' ORDER BY i) AS args
		FROM (SELECT string_to_array(proargtypes::text, ' ')::oid[] AS types) t, generate_subscripts(types, 1) i,
		LATERAL (SELECT CASE types[i]::regtype::text WHEN 'text' THEN quote_literal('m') WHEN 'text[]' THEN quote_literal('{a}') WHEN 'double precision[]' THEN quote_literal('{1,2}')
			WHEN 'regclass' THEN quote_literal('parts') WHEN 'boolean' THEN quote_literal('t') WHEN 'jsonb' THEN quote_literal('{}') WHEN 'json' THEN quote_literal('{}')
			WHEN 'integer' THEN quote_literal('1') WHEN 'bigint' THEN quote_literal('1') WHEN 'double precision' THEN quote_literal('1') ELSE 'NULL' END AS text) value) a
	WHERE prokind IN ('f', 'p') AND p.oid IN (SELECT objid FROM pg_depend WHERE deptype = 'e' AND classid = 'pg_proc'::regclass AND refclassid = 'pg_extension'::regclass
			AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'bnai'))
		AND prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype, 'internal'::regtype) AND NOT 'anyarray'::regtype = ANY (proargtypes)
		AND NOT 'internal'::regtype = ANY (proargtypes) AND NOT 'cstring'::regtype = ANY (proargtypes)
	ORDER BY 1});
is(join('', grep { complaint('old', $_) =~ /server closed the connection/ } split /^/, $calls), '', 'no function ends the server');

# --- the update ---

sql('old', q{CREATE VIEW of_users AS SELECT s.network, s.owner, s.counter, n.columns FROM bnai_status s JOIN bnai_networks n USING (network)});

is(complaint('old', 'ALTER EXTENSION bnai UPDATE'), '', 'a new session updates');
is(sql('old', q{SELECT extversion FROM pg_extension WHERE extname = 'bnai'}), $version, 'to this version');
$node->safe_psql('postgres', 'CREATE DATABASE fresh');
sql('fresh', 'CREATE EXTENSION bnai');
# the elements of bnai_elements were of any type, which it looks at
is(join("\n", grep { my ($symbol) = split /\|/; my $line = $_; $symbol ne 'bnai_elements' && $released{$symbol} && !grep { $_ eq $line } @{ $released{$symbol} } }
	split /\n/, sql('fresh', $signatures)), '', 'no C function of 0.1.0 is called otherwise than it was: one that is has another name in the library');
my $describe = slurp_file('test/tap/describe.sql');
my $fresh = sql('fresh', $describe);
cmp_ok(scalar(split /\n/, $fresh), '>', 2000, 'a fresh installation is described');
same_lines(sql('old', $describe), $fresh, 'what was updated is described alike');
is(sql('old', 'SELECT count(*) FROM of_users'), '6', 'views of users stay');
like(complaint('old', q{ALTER EXTENSION bnai UPDATE TO '0.1.0'}), qr/no update path from version "\Q$version\E" to version "0.1.0"/, 'there is no way back');

if ($has_library)
{
	like(session('open', 'old', q{SELECT bnai_infer('m')}), qr/ERROR:.*of extension bnai does not exist/, 'the session that is open finds no index that it knows');
	like(session('open', 'old', q{INSERT INTO "the visits" (id, a, b) VALUES (52, 0, 0); DELETE FROM "the visits" WHERE id = 52; SELECT 'alive'}), qr/alive/, 'and lives on');
	same_lines(sql('old', $state) =~ s/^[mp]\|\d+$//mgr, $before =~ s/^[mp]\|\d+$//mgr, 'networks, runs and watches are what they were');
}
is(sql('old', $said), $as_said, 'and say what they said');
is(sql('old', q{SELECT network, error FROM bnai_runs WHERE run IS NULL}), 'm|it failed', 'failures are remembered') if $has_library;

# --- everything works ---

# Uses what 0.1.0 has left in a database.
sub use_networks
{
	my ($database, $how) = @_;
	my $counter = sub { sql($database, "SELECT counter FROM bnai_status WHERE network = '$_[0]'") };
	my ($m, $p) = ($counter->('m'), $counter->('p'));
	sql($database, q{INSERT INTO "the visits" (id, a, b) VALUES (61, 0, 0), (62, 10, 10)});
	is($counter->('m') - $m, 10, "$how: rows are counted");
	is(sql($database, q{SELECT count(*) FROM "the visits" WHERE id > 60 AND label = bnai_predict('m', a, b)}), '2', "$how: and labelled");
	sql($database, q{DELETE FROM "the visits" WHERE id > 60});
	is($counter->('m') - $m, 12, "$how: deleted ones are counted");
	sql($database, q{CREATE TABLE parts_9 PARTITION OF parts FOR VALUES FROM (900) TO (1000); INSERT INTO parts VALUES (900, 0, 0), (61, 1, 1)});
	is($counter->('p') - $p, 2, "$how: in a new partition, too");
	sql($database, q{TRUNCATE parts_9; DELETE FROM parts WHERE id = 61});
	is($counter->('p') - $p, 3, "$how: and when it is emptied");
	is(sql($database, q{SELECT rows FROM bnai_infer('m')}), '42', "$how: inferred again");
	is(sql($database, q{SELECT rows FROM bnai_infer('p')}), '81', "$how: a partitioned table, too");
	is(sql($database, q{SELECT rows, rows_skipped FROM bnai_infer('v')}), '40|2', "$how: arrays and weights, too");
	is(sql($database, q{SELECT rows, clusters FROM bnai_infer('gone')}), '42|2', "$how: a network for the first time");
	is(sql($database, q{SELECT rows FROM bnai_infer('alice''s "own"')}), '42', "$how: a general network, too");
	is(sql($database, q{SELECT bnai_rollback('m')}), '0', "$how: rolled back");
	sql($database, q{SELECT bnai_unwatch('m'), bnai_unwatch('p')});
	is(sql($database, q{SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'bnai_watch%'}), '0', "$how: no longer watched");
	sql($database, q{SELECT bnai_drop_network(network) FROM bnai_networks});
	is(sql($database, q{SELECT (SELECT count(*) FROM bnai_network), (SELECT count(*) FROM bnai_node), (SELECT count(*) FROM bnai_run), (SELECT count(*) FROM bnai_watched)}), '0|0|0|0', "$how: dropped");
}

# Dumps a database and restores it into another.
sub dump_and_restore
{
	my ($from, $to) = @_;
	$node->command_ok([ 'pg_dump', '-f', "$dir/$from.sql", $node->connstr($from) ], "pg_dump of $from");
	$node->safe_psql('postgres', "CREATE DATABASE $to");
	is(restore($to, "$dir/$from.sql"), '', 'is restored without an error');
}

# Restores a file; returns the errors.
sub restore
{
	my ($database, $file) = @_;
	my ($out, $err) = ('', '');
	IPC::Run::run([ 'psql', '-Xq', '-f', $file, $node->connstr($database) ], '>', \$out, '2>', \$err);
	return join '', grep { /ERROR/ } split /^/, $err;
}

dump_and_restore('old', 'restored');
is(sql('restored', $said), $as_said, 'networks say what they said');
same_lines(sql('restored', $state), sql('old', $state), 'and are what they were');
use_networks('old', 'updated');
use_networks('restored', 'dumped and restored');

# --- a dump that 0.1.0 made ---

$node->safe_psql('postgres', 'CREATE DATABASE dumped');
is(restore('dumped', 'test/data/dump-of-0.1.0.sql'), '', 'a dump that 0.1.0 made is restored');
is(sql('dumped', $said), $as_said, 'networks say what they said');
is(sql('dumped', $counted), '0', 'what was counted is counted');
use_networks('dumped', 'dumped by 0.1.0');

# --- objects that are newer than the library ---

my $renumber = sub { "BEGIN; TRUNCATE bnai_catalog_version; INSERT INTO bnai_catalog_version VALUES ($_[0]); COMMIT" };
my $number = sql('fresh', 'TABLE bnai_catalog_version');
sql('fresh', q{CREATE TABLE visits (a float8, label text); INSERT INTO visits VALUES (1), (2);
	SELECT bnai_create_clustering('m', 'visits', '{a}', 'label'); SELECT bnai_watch('m', 'visits', 'INSERT')});
like(session('fitting', 'fresh', q{INSERT INTO visits VALUES (1); SELECT counter FROM bnai_status}), qr/^1$/m, 'a session has looked at the version');
sql('fresh', $renumber->($number + 1));
like(session('fitting', 'fresh', q{SELECT counter FROM bnai_status}), $library_hint, 'it sees another one at once');
my $insert = session('fitting', 'fresh', q{INSERT INTO visits VALUES (2); SELECT count(*) FROM visits});
like($insert, $library_hint, 'a watched table warns');
like($insert, qr/^4$/m, 'and takes the row');
like(complaint('fresh', q{SELECT bnai_predict('m', 1)}), $library_hint, 'so does a new session');
sql('fresh', $renumber->($number));
like(session('fitting', 'fresh', q{INSERT INTO visits VALUES (3); SELECT counter FROM bnai_status}), qr/^2$/m, 'and counts again when they fit');

# --- another schema ---

for my $database ('elsewhere', 'updated_elsewhere')
{
	$node->safe_psql('postgres', "CREATE DATABASE $database");
	sql($database, q{CREATE SCHEMA "My ext"; CREATE EXTENSION bnai SCHEMA "My ext" } . ($database eq 'elsewhere' ? '' : q{VERSION '0.1.0'; ALTER EXTENSION bnai UPDATE}));
}
$describe = qq{SET search_path = "My ext"; $describe};
same_lines(sql('updated_elsewhere', $describe), sql('elsewhere', $describe), 'what was updated in another schema is described as what was created there');

# --- what pg_upgrade does: 0.1.0's objects are created with the new library ---

is(complaint('postgres', q{CREATE EXTENSION bnai VERSION '0.1.0'; CREATE TABLE unrelated (x int); DROP EXTENSION bnai; DROP TABLE unrelated}), '', '0.1.0 can be created and dropped');
is(complaint('postgres', q{CREATE EXTENSION bnai VERSION '0.1.0'; ALTER EXTENSION bnai UPDATE; SELECT bnai_create_network('n'); DROP EXTENSION bnai}), '', 'and updated in its session');

# --- counts in memory ---

SKIP:
{
	skip 'without the library of 0.1.0', 5 unless $has_library;
	my $warm = PostgreSQL::Test::Cluster->new('preloaded', install_path => "$copy" . dirname($installed{bindir}));
	my $counter = sub { $warm->safe_psql('postgres', 'SELECT counter FROM bnai_status') };
	install_library($released);
	$warm->init;
	$warm->append_conf('postgresql.conf', "shared_preload_libraries = 'bnai'\nbnai.flush_interval = '1h'");
	$warm->start;
	$warm->safe_psql('postgres', q{SET client_min_messages = error; CREATE EXTENSION bnai VERSION '0.1.0'; CREATE TABLE visits (a float8, label text); INSERT INTO visits VALUES (1), (2);
		SELECT bnai_create_clustering('m', 'visits', '{a}', 'label'); SELECT bnai_watch('m', 'visits', 'INSERT'); INSERT INTO visits VALUES (3), (4), (5)});
	is($counter->(), '3', 'counted in memory');
	install_library($current);
	like(($warm->psql('postgres', 'ALTER EXTENSION bnai UPDATE'))[2], qr/could not find function/, 'preloaded, the old library is there until the server is restarted');
	$warm->append_conf('postgresql.conf', "bnai.flush_interval = '10ms'");
	$warm->restart;
	like(($warm->psql('postgres', 'INSERT INTO visits VALUES (6)'))[2], $catalog_hint, 'then the new one is');
	$warm->safe_psql('postgres', 'ALTER EXTENSION bnai UPDATE');
	is($counter->(), '3', 'what was counted is counted after the update');
	$warm->safe_psql('postgres', 'INSERT INTO visits VALUES (7)');
	is($counter->(), '4', 'and counting goes on');
	$warm->stop;
}

$_->{run}->finish for map { $_->{in} .= "\\q\n"; $_ } values %session;
unlike(slurp_file($node->logfile), qr/PANIC|terminated by signal|was terminated/, 'and nothing in it has ended by a signal');
$node->stop;
done_testing();
