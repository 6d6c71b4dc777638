# The library shows others in the same process nothing but what PostgreSQL looks up by name, and calls its own functions
# whatever other libraries have put there first; LAPACK's complaint about a wrong argument is an error, in a build with
# the static archives and in one against a shared library.
use strict;
use warnings;

use Cwd qw(abs_path);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

sub config { return `pg_config --$_[0]` =~ s/\n//r }

my $library = config('pkglibdir') . '/bnai.so';
my $dir = PostgreSQL::Test::Utils::tempdir();
my @cc = (split(' ', $ENV{CC} || 'cc'), '-w', '-shared', '-fPIC', '-Isrc', '-I' . (`@{[$ENV{PG_CONFIG} || 'pg_config']} --includedir-server` =~ s/\n//r));
my $shared_lapack = `ldd $library` =~ /liblapack/;

# Makes a library; returns what the compiler says.
sub compile
{
	my $said = '';
	IPC::Run::run([ @cc, @_ ], '<', \undef, '>', \$said, '2>', \$said);
	return $said;
}

# --- what is shown ---

my @shown = map { (split)[2] } `nm -D --defined-only $library`;
cmp_ok(scalar @shown, '>', 100, 'the library shows functions');
is(join(' ', grep { !/^(pg_finfo_)?bnai_|^(Pg_magic_func|_PG_init|Bnai\w+Worker|BnaiLauncher)$/ && !($shared_lapack && $_ eq 'xerbla_') } @shown), '',
	'and nothing that might be another\'s name');

# --- a library with our names ---

my %others = map { $_ => 1 } qw(Pg_magic_func), map { (split)[-1] } `nm -D --defined-only @{[config('bindir')]}/postgres`;
my %ours = map { my @w = split; ($w[1] // '') =~ /^[tT]$/ && $w[2] =~ /^(?!Bnai)[A-Z]\w+$/ && !$others{$w[2]} ? ($w[2] => 1) : () } `nm --defined-only $library`;
my @ours = sort keys %ours;
push @ours, qw(dpotrf_ dpotri_ dpotrs_ dsyev_ xerbla_) unless $shared_lapack;
SKIP:
{
	skip 'the library is stripped: its names are not known', 5 if @ours < 50;
	ok((grep { $_ eq 'LoadNetwork' } @ours) && (grep { $_ eq 'ClearResults' } @ours), 'it has functions that it does not show');
	open(my $file, '>', "$dir/names.c") or die $!;
	print $file "extern void abort(void);\n", map { "void $_(void) { abort(); }\n" } @ours;
	close $file;
	append_to_file("$dir/magic.c", qq{#include "postgres.h"\n#include "fmgr.h"\nPG_MODULE_MAGIC;\n});
	is(compile('-fno-builtin', '-o', "$dir/names.so", "$dir/names.c", "$dir/magic.c"), '', 'another library has all of these names');

	my $node = PostgreSQL::Test::Cluster->new('names');
	$node->init;
	$node->append_conf('postgresql.conf', "shared_preload_libraries = '$dir/names.so'");
	$node->start;
	is($node->safe_psql('postgres', q{
		SET client_min_messages = warning;
		CREATE EXTENSION bnai;
		CREATE TABLE visits (a float8, b float8, label text);
		INSERT INTO visits SELECT 10 * (i % 2) + sin(i), 10 * (i % 2) + cos(2.5 * i) FROM generate_series(1, 40) i;
		SELECT bnai_create_clustering('m', 'visits', '{a,b}', 'label', max_clusters => 3, restarts => 2);
		SELECT bnai_watch('m', 'visits', 'INSERT'), bnai_label_on_insert('visits', 'm');
		SELECT rows, clusters FROM bnai_infer('m');
		INSERT INTO visits VALUES (0, 0), (10, 10);
		SELECT count(*), counter FROM visits, bnai_status WHERE label = bnai_predict('m', a, b) GROUP BY counter;
		SELECT bnai_reset('m');
		SELECT count(label) FROM visits;
		CALL bnai_infer_now('m');
		SELECT bnai_drop_network('m'); }) =~ s/^\|?\n|\n\z//mgr, "40|2\n42|2\n42\n0", 'bnai calls its own, where that library is preloaded');
	unlike(slurp_file($node->logfile), qr/terminated by signal/, 'and nothing was ended by a signal');
	$node->stop;
}

# --- wrong arguments ---

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->start;
append_to_file("$dir/wrong.c", q{
#include "numerics/linalg.c"
#include "fmgr.h"
PG_MODULE_MAGIC;
PG_FUNCTION_INFO_V1(wrong_argument);
Datum
wrong_argument(PG_FUNCTION_ARGS)
{
	int			n = -1;
	int			info;
	double		a = 1;

	dpotrf_("U", &n, &a, &n, &info, 1);
	PG_RETURN_VOID();
}
});
my @shown_here = qw(Pg_magic_func wrong_argument pg_finfo_wrong_argument);
my ($lapack) = glob('/usr/lib/*-linux-gnu*/lapack/liblapack.a');
my ($blas) = glob('/usr/lib/*-linux-gnu*/blas/libblas.a');
my %build = (static => [ $lapack, $blas, '-lgfortran', '-Wl,--exclude-libs,ALL' ], shared => [ '-llapack', '-lblas' ]);
for my $kind (sort keys %build)
{
	SKIP:
	{
		skip 'there are no static archives', 2 if $kind eq 'static' && !($lapack && $blas);
		append_to_file("$dir/$kind.exports", "{ global: @{[ map { qq($_; ) } @shown_here, $kind eq 'shared' ? 'xerbla_' : () ]} local: *; };\n");
		compile('-o', "$dir/$kind.so", "$dir/wrong.c", (grep { !/linalg/ } glob('src/numerics/*.c')), @{ $build{$kind} }, '-lm', "-Wl,--version-script=$dir/$kind.exports") eq ''
			or skip "a build with $kind LAPACK is not to be had", 2;
		$node->safe_psql('postgres', "CREATE FUNCTION wrong_$kind() RETURNS void LANGUAGE c AS '$dir/$kind', 'wrong_argument'");
		my ($status, $out, $err) = $node->psql('postgres', "SELECT wrong_$kind();\nSELECT 'alive'", on_error_stop => 0);
		like($err, qr/LAPACK routine DPOTRF *refused its argument 2/, "$kind: a wrong argument is an error");
		is($out, 'alive', "$kind: and the session goes on");
	}
}
$node->stop;
done_testing();
