-- Robust clustering: outliers, one row in twenty, spread over a box three times the range of
-- the example's two columns, must not move its four groups.

\set size 2000
\i examples/userinfo.sql

SELECT plan(28);

CREATE TABLE clean AS SELECT id, avg_time_pages AS x, avg_time_pages_a AS y, false AS outlier FROM userinfo;
-- Evenly spread points (Roberts 2018: multiples of powers of 1 / 1.3247, the root of x^3 = x + 1)
CREATE TABLE noisy AS TABLE clean UNION ALL
SELECT 10000 + i, 2 * min_x - max_x + 3 * (max_x - min_x) * (i * 0.7548776662 % 1), 2 * min_y - max_y + 3 * (max_y - min_y) * (i * 0.5698402910 % 1), true
FROM (SELECT min(x) AS min_x, max(x) AS max_x, min(y) AS min_y, max(y) AS max_y FROM clean) AS box, generate_series(1, 100) AS i;

SELECT bnai_create_clustering('clean', 'clean', '{x,y}', max_clusters => 4, robust => true);
SELECT bnai_create_clustering('four', 'noisy', '{x,y}', max_clusters => 4, robust => true);
SELECT bnai_create_clustering('ten', 'noisy', '{x,y}', max_clusters => 10, robust => true);
SELECT is((SELECT clusters FROM bnai_infer('clean')), 4, 'four groups without outliers');
SELECT is((SELECT clusters FROM bnai_infer('four')), 4, 'four with them');
SELECT ok((SELECT clusters >= 4 FROM bnai_infer('ten')), 'four or more where outliers may have clusters of their own');

-- The clean clusters' nearest counterparts: two groups cross at one mean, so widths decide, too
CREATE FUNCTION pg_temp.shifts(fitted text) RETURNS TABLE (label text, shift float8, ratio float8) LANGUAGE sql AS $$
	SELECT c.label, sqrt((d.mean[1] - c.mean[1]) ^ 2 + (d.mean[2] - c.mean[2]) ^ 2),
		(SELECT count(*) FROM clean WHERE bnai_predict(fitted, x, y) = d.label) / c.size::float8
	FROM bnai_clusters AS c, LATERAL (SELECT * FROM bnai_clusters WHERE network = fitted
		ORDER BY (mean[1] - c.mean[1]) ^ 2 + (mean[2] - c.mean[2]) ^ 2 + (sqrt(covariance[1][1]) - sqrt(c.covariance[1][1])) ^ 2 LIMIT 1) AS d
	WHERE c.network = 'clean' $$;
SELECT is_empty(format($$ SELECT * FROM pg_temp.shifts(%L) WHERE shift >= 0.1 OR ratio NOT BETWEEN 0.97 AND 1.03 $$, fitted),
	fitted || ': means within 0.1, sizes over the clean rows within 3%')
FROM unnest('{four,ten}'::text[]) AS fitted;

-- Nine of ten outliers are less typical than all but 5% of the clean rows
SELECT ok(avg((bnai_typicality(fitted, x, y) < threshold)::integer) >= 0.9, fitted || ': typicality tells outliers')
FROM unnest('{four,ten}'::text[]) AS fitted, noisy, LATERAL (SELECT percentile_cont(0.05) WITHIN GROUP (ORDER BY bnai_typicality(fitted, x, y)) AS threshold FROM clean) AS t
WHERE outlier GROUP BY fitted;

-- With other outliers there are local optima, too: a component of their own beside two groups in one, or the tails at other groups
CREATE FUNCTION pg_temp.draw(seed float8) RETURNS void LANGUAGE sql AS $$
	SELECT setseed(seed);
	DELETE FROM noisy WHERE outlier;
	INSERT INTO noisy SELECT 10000 + i, 2 * min_x - max_x + 3 * (max_x - min_x) * random(), 2 * min_y - max_y + 3 * (max_y - min_y) * random(), true
	FROM (SELECT min(x) AS min_x, max(x) AS max_x, min(y) AS min_y, max(y) AS max_y FROM clean) AS box, generate_series(1, 100) AS i $$;
SELECT pg_temp.draw(0.001);
SELECT lives_ok($$ SELECT bnai_infer('four') $$, 'the first draw is fitted');
SELECT is_empty($$ SELECT * FROM pg_temp.shifts('four') WHERE shift >= 0.1 OR ratio NOT BETWEEN 0.97 AND 1.03 $$, 'and its groups stay');
SELECT pg_temp.draw(0.009);
SELECT lives_ok($$ SELECT bnai_infer('four') $$, 'the second draw is fitted');
SELECT is_empty($$ SELECT * FROM pg_temp.shifts('four') WHERE shift >= 0.1 OR ratio NOT BETWEEN 0.97 AND 1.03 $$, 'and its groups stay, too');

SELECT pg_temp.draw(0.030);
SELECT lives_ok($$ SELECT bnai_infer('four') $$, 'the third draw is fitted');
SELECT is_empty($$ SELECT * FROM pg_temp.shifts('four') WHERE shift >= 0.1 OR ratio NOT BETWEEN 0.97 AND 1.03 $$, 'and the cross is two groups, outliers are none');

-- These lie so that two or three wide groups of them gain a little each
SELECT pg_temp.draw(0.008);
SELECT is(clusters, 5, 'outliers are one broad cluster') FROM bnai_infer('ten');
SELECT pg_temp.draw(0.038);
SELECT is(clusters, 5, 'elsewhere, too') FROM bnai_infer('ten');

-- And these move most rows in the middle of the cross, which a trifle moves, to the other side
SELECT pg_temp.draw(0.018);
SELECT bnai_infer(network) FROM unnest('{four,ten}'::text[]) AS network;
SELECT is_empty(format($$ SELECT * FROM pg_temp.shifts(%L) WHERE shift >= 0.1 OR ratio NOT BETWEEN 0.97 AND 1.03 $$, fitted),
	fitted || ': the middle of the cross stays')
FROM unnest('{four,ten}'::text[]) AS fitted;

-- What a group has of each row's probability hardly changes, even when compared with a Gaussian fit of the clean rows
CREATE FUNCTION pg_temp.expected_sizes(network text) RETURNS TABLE (x float8, width float8, size float8) LANGUAGE sql AS $$
	SELECT c.mean[1], c.covariance[1][1], (SELECT sum(p.probability) FROM clean AS r, bnai_predict_proba(network, r.x, r.y) AS p WHERE p.label = c.label)
	FROM bnai_clusters AS c WHERE c.network = expected_sizes.network $$;
SELECT bnai_create_clustering('gauss', 'clean', '{x,y}', max_clusters => 4);
SELECT lives_ok($$ SELECT bnai_infer('gauss') $$, 'a Gaussian fit of the clean rows');
SELECT is(array_agg(size > 400), '{t,t,t,t}', network || ': four groups have most of the clean rows')
FROM unnest('{clean,gauss}'::text[]) AS network, pg_temp.expected_sizes(network) GROUP BY network;
SELECT is_empty(format($$ SELECT * FROM pg_temp.expected_sizes(%L) AS b, LATERAL (SELECT * FROM pg_temp.expected_sizes(%L) AS n
	ORDER BY abs(n.x - b.x) + abs(sqrt(n.width) - sqrt(b.width)) LIMIT 1) AS f WHERE f.size / b.size NOT BETWEEN 0.97 AND 1.03 $$, base, fitted),
	format('%s: expected sizes over the clean rows within 3%% of those of %s', fitted, base))
FROM unnest('{clean,gauss}'::text[]) AS base, unnest('{four,ten}'::text[]) AS fitted;

-- One value that is wrong by all means: the others keep their differences, however wide the column has become by it
DELETE FROM noisy WHERE outlier;
INSERT INTO noisy VALUES (10000, 1000000, 1000000, true);
SELECT bnai_infer(network) FROM unnest('{four,ten}'::text[]) AS network;
SELECT is((SELECT count(*) FROM pg_temp.shifts(fitted) WHERE shift < 0.1), 4::bigint, fitted || ': a million among tens leaves the groups where they are')
FROM unnest('{four,ten}'::text[]) AS fitted;
SELECT is((SELECT count(*) FROM noisy WHERE bnai_predict('ten', x, y) = bnai_predict('ten', 1000000, 1000000)), 1::bigint, 'and is alone');

SELECT is_empty($$ SELECT * FROM bnai_moments('four', 'nu') WHERE moment = 'mean' AND value[1] <= 2 $$, 'degrees of freedom stay above 2');
SELECT * FROM finish();
