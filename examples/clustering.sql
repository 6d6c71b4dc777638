-- Example 2: groups of users by the time they spend on pages, at most ten of
-- them.  Needs the table of examples/userinfo.sql.

\echo '== Example 2: which groups of users are there? =='

SELECT bnai_create_clustering('bn2', 'userinfo', '{avg_time_pages,avg_time_pages_a}',
                              results_column => 'cluster_1', max_clusters => 10, restarts => 15) \g /dev/null

SELECT rows, clusters, rows_relabelled, round(elbo::numeric, 3) AS elbo
FROM bnai_infer('bn2');

\echo 'The clusters (means of avg_time_pages and avg_time_pages_a):'
SELECT label, size, round(weight::numeric, 3) AS weight,
       (SELECT array_agg(round(m::numeric, 2)) FROM unnest(mean) AS m) AS mean
FROM bnai_clusters
WHERE network = 'bn2'
ORDER BY label;

\echo 'The labels in the table:'
SELECT cluster_1, count(*) AS users, round(avg(avg_time_pages)::numeric, 2) AS avg_time_pages,
       round(avg(avg_time_pages_a)::numeric, 2) AS avg_time_pages_a
FROM userinfo
GROUP BY cluster_1
ORDER BY cluster_1;

\echo 'A new user with the times (16, 16.5):'
SELECT bnai_predict('bn2', 16, 16.5) AS label;

\echo 'The users that fit their cluster least:'
SELECT id, cluster_1, round(avg_time_pages::numeric, 2) AS avg_time_pages,
       round(avg_time_pages_a::numeric, 2) AS avg_time_pages_a,
       round(bnai_score('bn2', avg_time_pages, avg_time_pages_a)::numeric, 2) AS log_density
FROM userinfo
ORDER BY bnai_score('bn2', avg_time_pages, avg_time_pages_a)
LIMIT 3;
