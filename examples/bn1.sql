-- Example 1: the mean and the precision of a metric, and who is atypical.
-- Needs the table of examples/userinfo.sql.

\echo '== Example 1: how is avg1 distributed? =='

SELECT bnai_create_network('bn1') \g /dev/null
SELECT bnai_add_node('bn1', 'mu',   'GaussianARD', '0, 1e-6') \g /dev/null
SELECT bnai_add_node('bn1', 'tau',  'Gamma',       '1e-6, 1e-6') \g /dev/null
SELECT bnai_add_node('bn1', 'avg1', 'GaussianARD', 'mu, tau',
                     source => 'userinfo', columns => '{avg1}') \g /dev/null

SELECT rows, iterations, converged, round(elbo::numeric, 3) AS elbo
FROM bnai_infer('bn1');

\echo 'The posterior:'
SELECT round(bnai_mean('bn1', 'mu')::numeric, 4) AS mu,
       round(bnai_mean('bn1', 'tau')::numeric, 5) AS tau,
       round((1 / sqrt(bnai_mean('bn1', 'tau')))::numeric, 4) AS sigma;

\echo 'Atypical users, outside mu +- 2 sigma (the five farthest out):'
SELECT id, age, round(avg1::numeric, 2) AS avg1,
       round(((avg1 - mu) / sigma)::numeric, 2) AS sigmas,
       count(*) OVER () AS atypical_users
FROM userinfo,
     (SELECT bnai_mean('bn1', 'mu') AS mu,
             1 / sqrt(bnai_mean('bn1', 'tau')) AS sigma) AS posterior
WHERE abs(avg1 - mu) > 2 * sigma
ORDER BY abs(avg1 - mu) DESC
LIMIT 5;
