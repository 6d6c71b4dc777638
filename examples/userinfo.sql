-- The example table: users, their visits to the pages A to J of a site, and the
-- time they spend there.
--
--     psql -f examples/userinfo.sql                        200 rows
--     psql -v size=20000 -v seed=7 -f examples/userinfo.sql
--
-- Run it in the project's folder.  At 200 rows age, sex, avg1, avg_time_pages and
-- avg_time_pages_a come from examples/userinfo_200.csv; at any other size they
-- are drawn from the same distributions.  Every draw is a hash of the
-- row's id, the seed and the number of the draw: the same seed gives the same
-- table on every version of PostgreSQL.
--
-- The rows fall into four groups of equal size, which differ in the two
-- average times.  No column tells the group; cluster_1 is there for the answer.

\if :{?size} \else \set size 200 \endif
\if :{?seed} \else \set seed 1 \endif

CREATE TABLE userinfo (
    id               integer PRIMARY KEY,
    age              integer NOT NULL,
    sex              integer NOT NULL,
    avg1             double precision NOT NULL,
    avg_time_pages   double precision NOT NULL,
    avg_time_pages_a double precision NOT NULL,
    visits_pages     integer NOT NULL,
    avg_time_pages_b double precision NOT NULL,
    avg_time_pages_c double precision NOT NULL,
    avg_time_pages_d double precision NOT NULL,
    avg_time_pages_e double precision NOT NULL,
    avg_time_pages_f double precision NOT NULL,
    avg_time_pages_g double precision NOT NULL,
    avg_time_pages_h double precision NOT NULL,
    avg_time_pages_i double precision NOT NULL,
    avg_time_pages_j double precision NOT NULL,
    visits_pages_a   integer NOT NULL,
    visits_pages_b   integer NOT NULL,
    visits_pages_c   integer NOT NULL,
    visits_pages_d   integer NOT NULL,
    visits_pages_e   integer NOT NULL,
    visits_pages_f   integer NOT NULL,
    visits_pages_g   integer NOT NULL,
    visits_pages_h   integer NOT NULL,
    visits_pages_i   integer NOT NULL,
    visits_pages_j   integer NOT NULL,
    cluster_1        text
);

-- A draw from the uniform distribution on (0, 1), its ends excluded: the divisor
-- is the double that follows 2^64.
CREATE FUNCTION pg_temp.uniform(id integer, draw integer) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN 0.5 + hashint8extended(id, :seed::bigint * 100 + draw) / 18446744073709555712.0::float8;

-- A draw from the standard normal distribution (Box and Muller 1958).
CREATE FUNCTION pg_temp.normal(id integer, draw integer) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN sqrt(-2 * ln(pg_temp.uniform(id, draw))) * cos(2 * pi() * pg_temp.uniform(id, draw + 1));

-- A draw from the exponential distribution, rounded down: how often a page is visited.
CREATE FUNCTION pg_temp.visits(id integer, draw integer, mean double precision) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN floor(-mean * ln(pg_temp.uniform(id, draw)))::integer;

CREATE TEMPORARY TABLE userinfo_core (
    id integer, age integer, sex integer, avg1 double precision,
    avg_time_pages_a double precision, avg_time_pages double precision, true_group integer
);

SELECT :size = 200 AS from_file \gset
\if :from_file
    \copy userinfo_core FROM 'examples/userinfo_200.csv' WITH (FORMAT csv, HEADER)
\else
    -- location + Cholesky factor of the group's covariance * two normal draws
    INSERT INTO userinfo_core
    SELECT id,
           floor(30 + 2 * pg_temp.normal(id, 0))::integer,
           (pg_temp.uniform(id, 2) < 0.7)::integer,
           10 + 5 * pg_temp.normal(id, 3),
           m + l11 * z1,
           m + l21 * z1 + l22 * z2,
           true_group
    FROM (SELECT id, pg_temp.normal(id, 5) AS z1, pg_temp.normal(id, 7) AS z2,
                 ((id - 1) * 4::bigint / :size)::integer AS of_group
          FROM generate_series(1, :size) AS id) AS draws
    JOIN (VALUES (0, 20, sqrt(2.0::float8),  0::float8,       sqrt(0.1::float8)),
                 (1, 20, sqrt(0.1::float8),  0,               sqrt(2.0::float8)),
                 (2, 25, sqrt(2.0::float8), -1.5 / sqrt(2.0), sqrt(2 - 1.5 * 1.5 / 2)),
                 (3, 16, sqrt(0.5::float8),  0,               sqrt(0.5::float8)))
         AS groups(true_group, m, l11, l21, l22) ON true_group = of_group;
\endif

INSERT INTO userinfo
SELECT id, age, sex, avg1, avg_time_pages, avg_time_pages_a,
       a + b + c + d + e + f + g + h + i + j,
       12 + 2 * pg_temp.normal(id, 20),
       14 + 3 * pg_temp.normal(id, 22),
       18 + 2 * pg_temp.normal(id, 24),
       20 + 4 * pg_temp.normal(id, 26),
       22 + 2 * pg_temp.normal(id, 28),
       25 + 3 * pg_temp.normal(id, 30),
       28 + 2 * pg_temp.normal(id, 32),
       30 + 4 * pg_temp.normal(id, 34),
       35 + 3 * pg_temp.normal(id, 36),
       a, b, c, d, e, f, g, h, i, j
FROM (SELECT *,
             pg_temp.visits(id, 40, 12) AS a, pg_temp.visits(id, 41, 10) AS b,
             pg_temp.visits(id, 42, 8) AS c,  pg_temp.visits(id, 43, 8) AS d,
             pg_temp.visits(id, 44, 6) AS e,  pg_temp.visits(id, 45, 5) AS f,
             pg_temp.visits(id, 46, 4) AS g,  pg_temp.visits(id, 47, 3) AS h,
             pg_temp.visits(id, 48, 2) AS i,  pg_temp.visits(id, 49, 2) AS j
      FROM userinfo_core) AS core
ORDER BY id;

ANALYZE userinfo;
DROP TABLE userinfo_core;
DROP FUNCTION pg_temp.uniform, pg_temp.normal, pg_temp.visits;
