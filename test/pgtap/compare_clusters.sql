-- How many clusters: the example at 2,000 rows has four.

\set size 2000
BEGIN;
SELECT plan(10);
\i examples/userinfo.sql

SELECT bnai_create_clustering('c', 'userinfo', '{avg_time_pages,avg_time_pages_a}') \g /dev/null
CREATE TABLE comparison AS SELECT * FROM bnai_compare_clusters('c', 2, 6);
SELECT is((SELECT array_agg(max_clusters ORDER BY max_clusters) FROM comparison WHERE best), '{2,3,4,5,6}', 'one restart of each number is best');
SELECT is((SELECT max_clusters FROM comparison ORDER BY evidence DESC LIMIT 1), 4, 'four clusters are ahead');
SELECT cmp_ok(four.evidence, '>', other.evidence + 1, 'of ' || other.max_clusters || ', by more than a nat')
FROM comparison AS four, comparison AS other
WHERE four.best AND other.best AND four.max_clusters = 4 AND other.max_clusters IN (3, 5) ORDER BY other.max_clusters;
SELECT is((SELECT array_agg(clusters ORDER BY clusters) FROM comparison WHERE best AND max_clusters <= 4), '{2,3,4}', 'up to four all of them are used');
-- sizes are rounded
SELECT cmp_ok(max(abs(sum - 2000)), '<=', 3::numeric, 'sizes add up to the rows')
FROM (SELECT (SELECT sum(s) FROM unnest(sizes) AS s) FROM comparison) AS sums(sum);
SELECT is(count(*), 0::bigint, 'evidence counts the labellings of the clusters: K! / (K - n)!')
FROM comparison WHERE abs(evidence - elbo - (ln(factorial(max_clusters)) - ln(factorial(max_clusters - clusters)))::float8) > 1e-9;
SELECT is((SELECT count(*) FROM bnai_runs), 0::bigint, 'nothing is stored');
SELECT throws_ok($$SELECT * FROM bnai_compare_clusters('c', 3, 2)$$, '22023', 'invalid range of numbers of clusters: 3 to 2', 'the wrong way round');
SELECT bnai_change_node('c', 'alpha', '[1,2,3,4,5,6,7,8,9,10]') \g /dev/null
SELECT throws_ok($$SELECT * FROM bnai_compare_clusters('c', 2, 3)$$, '0A000', NULL, 'components that differ cannot be made more');

SELECT * FROM finish();
ROLLBACK;
