# A posterior that is written on one server and read on another, in another encoding
# and another schema, says the same there to the last bit: as text, in binary and in
# a dump.  Nothing else of bnai's has to come with it.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $here = PostgreSQL::Test::Cluster->new('here');
$here->init(extra => [ '--encoding=UTF8', '--locale=C' ]);
$here->start;
my $there = PostgreSQL::Test::Cluster->new('there');
$there->init(extra => [ '--encoding=LATIN1', '--locale=C' ]);
$there->append_conf('postgresql.conf', "extra_float_digits = -3\nbnai.kernels = 'baseline'");
$there->start;

# Rows with columns that are no plain names, far from 0, of very different scales, and with weights
$here->safe_psql('postgres', q{
	CREATE EXTENSION bnai;
	CREATE TABLE points AS
	SELECT i AS id, 1e9 + i % 3 * 4 + sin(i) AS "größe", 1e-7 * (i % 3 * 5 + cos(i * 2.5)) AS "b c", i % 4 AS w
	FROM generate_series(1, 300) i;
	SELECT bnai_create_clustering('m', 'points', '{größe,b c}', max_clusters => 5, restarts => 1);
	SELECT bnai_create_clustering('w', 'points', '{größe,b c}', max_clusters => 5, restarts => 1, weight_column => 'w');
	CREATE TABLE holes AS SELECT CASE WHEN id % 4 > 0 THEN "größe" END AS "größe", CASE WHEN id % 5 > 0 THEN "b c" END AS "b c" FROM points;
	SELECT bnai_create_clustering('h', 'holes', '{größe,b c}', max_clusters => 5, restarts => 1);
	SELECT bnai_create_network('n');
	SELECT bnai_add_node('n', 'µ', 'GaussianARD', 'data_mean, 0.1 * data_precision');
	SELECT bnai_add_node('n', 'τ', 'Gamma', '1, data_variance');
	SELECT bnai_add_node('n', 'x', 'GaussianARD', 'µ, τ', 'points', '{b c}');
	SELECT bnai_infer('m'), bnai_infer('h'), bnai_infer('n');
	CREATE TABLE models AS
	SELECT 'fitted' AS name, bnai_fitted('m') AS p
	UNION ALL SELECT 'holes', bnai_fitted('h')
	UNION ALL SELECT 'weighted', bnai_fit('w', "größe", "b c", w) FROM points
	UNION ALL SELECT 'group ' || id % 2, bnai_fit('m', "größe", "b c") FROM points GROUP BY id % 2;
});
$there->safe_psql('postgres', q{
	CREATE SCHEMA elsewhere;
	CREATE EXTENSION bnai SCHEMA elsewhere;
	ALTER SYSTEM SET search_path = public, elsewhere;
	SELECT pg_reload_conf();
	CREATE TABLE points AS
	SELECT i AS id, 1e9 + i % 3 * 4 + sin(i) AS a, 1e-7 * (i % 3 * 5 + cos(i * 2.5)) AS b
	FROM generate_series(1, 300) i;
});
$there->poll_query_until('postgres', q{SELECT current_setting('search_path') = 'public, elsewhere'});

# Everything that scoring says of every row, as bits
sub answers
{
	my ($node, $a, $b) = @_;
	return $node->safe_psql('postgres', qq{
		SELECT name, id, bnai_predict(p, $a, $b), float8send(bnai_score(p, $a, $b)), float8send(bnai_typicality(p, $a, $b)),
			float8send(bnai_typicality(p, $a, NULL)), float8send(bnai_typicality(p, NULL, $b)),
			(SELECT array_agg((label, float8send(probability))::text) FROM bnai_predict_proba(p, $a, $b))
		FROM models, points ORDER BY name, id
	});
}
my $expected = answers($here, '"größe"', '"b c"');
is(scalar(split /\n/, $expected), 1500, 'five models of 300 rows');
is($here->safe_psql('postgres', q{SELECT name, count(bnai_typicality(p, "größe", NULL)) FROM models, points GROUP BY name HAVING count(bnai_typicality(p, "größe", NULL)) > 0}),
	'holes|300', 'one of them ranks rows that lack a column');

my $folder = PostgreSQL::Test::Utils::tempdir;
chmod 0777, $folder;
for my $format ('text', 'binary', 'csv')
{
	my $file = "$folder/models.$format";
	my $options = $format eq 'binary' ? 'FORMAT binary' : "FORMAT $format, ENCODING 'UTF8'";

	$here->safe_psql('postgres', "COPY models TO '$file' ($options)");
	$there->safe_psql('postgres', "DROP TABLE IF EXISTS models; CREATE TABLE models (name text, p bnai_posterior)");
	$there->safe_psql('postgres', "COPY models FROM '$file' ($options)");
	is(answers($there, 'a', 'b'), $expected, "$format: the same answers to the last bit");
}

# And back again: nothing was lost on the way
$there->safe_psql('postgres', "COPY models TO '$folder/back' (ENCODING 'UTF8')");
$here->safe_psql('postgres', "CREATE TABLE back (LIKE models); COPY back FROM '$folder/back' (ENCODING 'UTF8')");
is($here->safe_psql('postgres', q{SELECT count(*) FROM models JOIN back USING (name) WHERE models.p::text = back.p::text
	AND bnai_posterior_send(models.p) = bnai_posterior_send(back.p)}), 5, 'there and back: the same text and the same bytes');

# A dump of the user's own table, into a schema where nothing else of bnai's is
command_ok([ 'pg_dump', '-h', $here->host, '-p', $here->port, '-t', 'models', '--no-owner', '-f', "$folder/dump.sql", 'postgres' ], 'pg_dump');
my $dump = slurp_file("$folder/dump.sql");
$dump =~ s/\bpublic\.bnai_posterior\b/elsewhere.bnai_posterior/g;
append_to_file("$folder/moved.sql", $dump);
$there->safe_psql('postgres', 'DROP TABLE models');
command_ok([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-h', $there->host, '-p', $there->port, '-f', "$folder/moved.sql", 'postgres' ], 'restore');
is(answers($there, 'a', 'b'), $expected, 'dump and restore: the same answers to the last bit');

# The general network, by its text as a literal
my $general = $here->safe_psql('postgres', q{SELECT quote_literal(replace(replace(bnai_fitted('n')::text, 'µ', 'mu'), 'τ', 'tau'))});
is($there->safe_psql('postgres', "SELECT float8send(bnai_score($general\::bnai_posterior, 2.5e-7))"),
	$here->safe_psql('postgres', q{SELECT float8send(bnai_score('n', 2.5e-7))}), 'a normal model, as a literal');

done_testing();
