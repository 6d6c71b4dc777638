-- The example table: exact at 200 rows, drawn from the stated distributions at
-- other sizes, the same for the same seed.

\set bn1 `cat test/reference/bn1_avg1_n200.json`
\set gmm `cat test/reference/gmm_userinfo_n200_k10.json`

BEGIN;
SELECT plan(10);

\i examples/userinfo.sql
SELECT results_eq('SELECT avg1 FROM userinfo ORDER BY id',
                  format('SELECT v::float8 FROM jsonb_array_elements_text(%L) AS v', :'bn1'::jsonb #> '{data,avg1}'),
                  'at 200 rows avg1 is that of the golden values, to the last bit');
SELECT results_eq('SELECT avg_time_pages, avg_time_pages_a FROM userinfo ORDER BY id',
                  format('SELECT (v->>0)::float8, (v->>1)::float8 FROM jsonb_array_elements(%L) AS v', :'gmm'::jsonb #> '{data,Y}'),
                  'so are the two average times');
SELECT is((SELECT array_agg(id ORDER BY id) FROM userinfo), (SELECT array_agg(i) FROM generate_series(1, 200) AS i),
          'ids run from 1 to 200');
SELECT is((SELECT count(*) FROM userinfo
           WHERE visits_pages <> visits_pages_a + visits_pages_b + visits_pages_c + visits_pages_d + visits_pages_e
                               + visits_pages_f + visits_pages_g + visits_pages_h + visits_pages_i + visits_pages_j),
          0::bigint, 'visits add up over the pages');
SELECT columns_are('userinfo', ARRAY['id', 'age', 'sex', 'avg1', 'avg_time_pages', 'avg_time_pages_a', 'visits_pages',
    'avg_time_pages_b', 'avg_time_pages_c', 'avg_time_pages_d', 'avg_time_pages_e', 'avg_time_pages_f', 'avg_time_pages_g',
    'avg_time_pages_h', 'avg_time_pages_i', 'avg_time_pages_j', 'visits_pages_a', 'visits_pages_b', 'visits_pages_c',
    'visits_pages_d', 'visits_pages_e', 'visits_pages_f', 'visits_pages_g', 'visits_pages_h', 'visits_pages_i',
    'visits_pages_j', 'cluster_1']);
DROP TABLE userinfo;

\set size 8000
\i examples/userinfo.sql
CREATE TEMPORARY TABLE first_draw AS TABLE userinfo;
DROP TABLE userinfo;
\i examples/userinfo.sql
SELECT set_eq('TABLE userinfo', 'TABLE first_draw', 'the same seed gives the same table');
DROP TABLE userinfo;

\set seed 2
\i examples/userinfo.sql
SELECT is((SELECT count(*) FROM userinfo JOIN first_draw USING (avg1)), 0::bigint, 'another seed gives another table');

-- Tolerances are five standard errors of the mean, the variance or the covariance
-- of a normal sample: a right generator misses one in a million times,
-- and this one draws the same sample each time.
CREATE TEMPORARY VIEW group_moments AS
SELECT (id - 1) / 2000 AS of_group, count(*) AS n,
       avg(avg_time_pages) AS m, avg(avg_time_pages_a) AS m_a,
       var_samp(avg_time_pages) AS v, var_samp(avg_time_pages_a) AS v_a, covar_samp(avg_time_pages, avg_time_pages_a) AS c
FROM userinfo GROUP BY 1;
CREATE TEMPORARY TABLE truth(of_group, m, v, v_a, c) AS
VALUES (0, 20, 0.1, 2.0, 0.0), (1, 20, 2.0, 0.1, 0.0), (2, 25, 2.0, 2.0, -1.5), (3, 16, 0.5, 0.5, 0.0);
SELECT is((SELECT count(*) FROM group_moments JOIN truth AS t USING (of_group)
           WHERE n = 2000 AND abs(group_moments.m - t.m) < 5 * sqrt(t.v / n) AND abs(m_a - t.m) < 5 * sqrt(t.v_a / n)),
          4::bigint, 'four groups of a quarter of the rows have the right means');
SELECT is((SELECT count(*) FROM group_moments AS g JOIN truth AS t USING (of_group)
           WHERE abs(g.v - t.v) < 5 * t.v * sqrt(2.0 / n) AND abs(g.v_a - t.v_a) < 5 * t.v_a * sqrt(2.0 / n)
             AND abs(g.c - t.c) < 5 * sqrt((t.v * t.v_a + t.c ^ 2) / n)),
          4::bigint, 'and the right covariances');
SELECT ok(abs(avg(avg1) - 10) < 5 * 5 / sqrt(8000) AND abs(var_samp(avg1) - 25) < 5 * 25 * sqrt(2.0 / 8000)
          AND abs(avg(sex) - 0.7) < 5 * sqrt(0.21 / 8000), 'avg1 and sex have the right moments')
FROM userinfo;

SELECT * FROM finish();
ROLLBACK;
