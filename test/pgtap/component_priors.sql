-- Components with priors of their own: what a clustering has learned becomes the prior of what comes.

BEGIN;
SELECT plan(55);
SET client_min_messages = error;

-- Three groups of unit variance, far from each other; Box and Muller (1958) make them normal
CREATE TABLE points (x float8, y float8, part integer, label text);
-- The numbers are the same for every server, which those of random() are not.
CREATE SEQUENCE draws;
CREATE FUNCTION uniform() RETURNS float8 LANGUAGE sql AS $$ SELECT ('x' || left(md5(nextval('draws')::text), 8))::bit(32)::bigint / 4294967296::float8 $$;
CREATE FUNCTION add_group(a float8, b float8, size integer, part integer) RETURNS void LANGUAGE sql AS $$
	INSERT INTO points SELECT a + r * cos(w), b + r * sin(w), part
	FROM (SELECT sqrt(-2 * ln(1 - uniform())) AS r, 2 * pi() * uniform() AS w FROM generate_series(1, size)) AS v $$;
SELECT add_group(a, b, 100, part) FROM (VALUES (0, 0), (10, 0), (0, 12)) AS v(a, b), generate_series(1, 2) AS part \g /dev/null
CREATE VIEW whole AS SELECT x, y FROM points WHERE part <= 2;
CREATE TABLE batch (x float8, y float8, label text);
CREATE FUNCTION set_batch(number integer) RETURNS void LANGUAGE sql AS $$
	DELETE FROM batch; INSERT INTO batch SELECT x, y FROM points WHERE part = number $$;
CREATE FUNCTION numbers(network text, node text, parameter text) RETURNS float8[] LANGUAGE sql AS $$
	SELECT array_agg(value ORDER BY plate, place) FROM (SELECT *, row_number() OVER () AS place FROM bnai_posterior_parameters(bnai_fitted(numbers.network))) AS p
	WHERE p.node = numbers.node AND p.parameter = numbers.parameter $$;
-- The numbers of one parameter of a node, the first being 1, whether or not they are for each plate
CREATE FUNCTION written(network text, node text, parameter integer) RETURNS float8[] LANGUAGE sql AS $$
	SELECT array_agg(m[1]::float8) FROM regexp_matches(
		(SELECT (regexp_matches(params, 'each\([^)]*\)|[^,() ][^()]*', 'g'))[1] FROM bnai_nodes n WHERE n.network = written.network AND n.node = written.node
		 OFFSET written.parameter - 1 LIMIT 1), '-?[0-9][-+.e0-9]*', 'g') AS m $$;

-- Two halves, for each structure of covariances
CREATE FUNCTION halves(network text, covariance text, robust boolean) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_batch(1);
	PERFORM bnai_create_clustering(network, 'batch', '{x,y}', max_clusters => 6, covariance => covariance, robust => robust);
	PERFORM bnai_create_clustering(network || ' whole', 'whole', '{x,y}', max_clusters => 6, covariance => covariance, robust => robust);
	PERFORM bnai_infer(network), bnai_infer(network || ' whole');
	PERFORM bnai_posterior_as_prior(network);
	PERFORM set_batch(2);
	PERFORM bnai_infer(network);
END $$;
SELECT halves('full', 'full', false), halves('diagonal', 'diagonal', false), halves('spherical', 'spherical', false), halves('tied', 'tied', false),
	halves('robust', 'full', true) \g /dev/null
-- The halves are weighted by the precisions that each of them has learned, which differ by some 15 per cent, and their
-- means by about 0.14: 0.005 or so, of which this is ten times as much.
SELECT is((SELECT count(*)::int FROM bnai_clusters p JOIN bnai_clusters w ON w.network = n || ' whole'
	WHERE p.network = n AND (p.mean[1] - w.mean[1]) ^ 2 + (p.mean[2] - w.mean[2]) ^ 2 < 0.05 ^ 2), 3, n || ': half after half ends near the whole')
FROM unnest('{full,diagonal,spherical,tied,robust}'::text[]) AS n;
-- log p(a, b) = log p(a) + log p(b | a).  All three are bounds, and the data priors of half the rows are others than those of
-- all; each of the 20 or so numbers of a model loses some hundredths of a nat by that.  The degrees of freedom of three groups
-- lose more than half a nat each: q takes them for independent of the rows' scales, from which they are learned.
SELECT cmp_ok(abs((SELECT sum(elbo) FROM bnai_runs WHERE network = n) - (SELECT elbo FROM bnai_runs WHERE network = n || ' whole')), '<', CASE n WHEN 'robust' THEN 3 ELSE 1 END::float8,
	n || ': the evidence of one half and that of the other, given the first, make that of the whole')
FROM unnest('{full,diagonal,spherical,tied,robust}'::text[]) AS n;
SELECT is((SELECT round(sum(a)::numeric, 6) FROM unnest(numbers(n, 'alpha', 'alpha')) AS a),
	CASE n WHEN 'robust' THEN 600.006 ELSE 603.0 END, n || ': rows of both halves are counted, once')
FROM unnest('{full,diagonal,spherical,tied,robust}'::text[]) AS n;
-- groups this far apart share next to nothing: each count is that of the group
SELECT is((SELECT array_agg(round(v::numeric, 3) ORDER BY v) FROM unnest(numbers('full', 'Lambda', 'n')) AS v), '{3,3,3,203,203,203}',
	'each precision has counted the rows of its group in both halves');
SELECT is((SELECT array_agg(label ORDER BY label) FROM bnai_clusters WHERE network = 'full'), '{A,B,C}', 'labels stay');
SELECT is((SELECT array_agg(moved) FROM bnai_changes('full') WHERE change = 'kept'), '{0,0,0}', 'with their groups');
SELECT cmp_ok((SELECT elbo FROM bnai_trace('full') WHERE restart = 1 ORDER BY iteration LIMIT 1), '>', (SELECT max(elbo) - 10 FROM bnai_trace('full'))::float8,
	'the first restart begins from the priors, next to where it ends');
SELECT is((SELECT array_agg(node ORDER BY id) FROM bnai_nodes WHERE network = 'full'), '{alpha,Z,mu,Lambda,Y}', 'the shared scale is dropped');

-- What can be seen in the nodes is q, and half of it in natural parameters
SELECT bnai_posterior_as_prior('full') \g /dev/null
SELECT is(written('full', 'mu', 1), numbers('full', 'mu', 'mu'), 'means are written as learned');
SELECT is(written('full', 'mu', 2), numbers('full', 'mu', 'Lambda'), 'and their precisions');
SELECT is(written('full', 'Lambda', 1), numbers('full', 'Lambda', 'n'), 'and degrees of freedom');
SELECT is(written('full', 'Lambda', 2), numbers('full', 'Lambda', 'V'), 'and inverse scales');
SELECT is(written('full', 'alpha', 1), numbers('full', 'alpha', 'alpha'), 'and counts');
CREATE TABLE used AS SELECT component AS plate FROM bnai_posterior_clusters(bnai_fitted('full')) WHERE size > 0;
SELECT bnai_posterior_as_prior('full', 0.5) \g /dev/null
-- half of a floating-point number is exact
SELECT is(bool_and(half = power * whole), true, 'a discount of 0.5 halves ' || what || ' of those with rows, and of no other')
FROM (VALUES ('the counts', 'alpha', 1, 'alpha', 1), ('the precision of the mean', 'mu', 2, 'Lambda', 4), ('the degrees of freedom', 'Lambda', 1, 'n', 1),
		('the inverse scale', 'Lambda', 2, 'V', 4)) AS v(what, node, place, parameter, size),
	LATERAL (SELECT half, whole, CASE WHEN (i - 1) / size + 1 IN (SELECT plate FROM used) THEN 0.5 ELSE 1 END AS power
		FROM unnest(written('full', node, place), numbers('full', node, parameter)) WITH ORDINALITY AS u(half, whole, i)) AS w
GROUP BY what;
SELECT is(written('full', 'mu', 1), numbers('full', 'mu', 'mu'), 'and leaves the means where they are');

-- A group that stays away keeps its component and its label, and a new one takes a free component
SELECT add_group(a, b, size, part) FROM (VALUES (0, 0, 100, 3), (0, 12, 100, 3), (30, 30, 60, 3), (10, 0, 50, 4), (30, 30, 50, 4), (-20, -30, 50, 4)) AS v(a, b, size, part) \g /dev/null
CREATE FUNCTION labels(network text) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(format('%s %s (%s, %s)', label, size, round(mean[1])::int, round(mean[2])::int), '; ' ORDER BY label) FROM bnai_clusters c WHERE c.network = labels.network $$;
CREATE FUNCTION absent(name text, covariance text, robust boolean, discount float8) RETURNS TABLE (away text, clusters integer, back text) LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_batch(1);
	PERFORM bnai_create_clustering(name, 'batch', '{x,y}', covariance => covariance, robust => robust);
	PERFORM bnai_infer(name);
	PERFORM bnai_posterior_as_prior(name, discount);
	PERFORM set_batch(3);
	clusters := (bnai_infer(name)).clusters;
	away := labels(name);
	PERFORM bnai_posterior_as_prior(name, discount);
	PERFORM set_batch(4);
	PERFORM bnai_infer(name);
	back := labels(name);
	RETURN NEXT;
END $$;
SELECT is(row(a.away, a.clusters, a.back)::text, row('A 100 (0, 0); B 0 (10, 0); C 100 (0, 12); D 60 (30, 30)', 3, 'A 0 (0, 0); B 50 (10, 0); C 0 (0, 12); D 50 (30, 30); E 50 (-20, -30)')::text, format('%s, discount %s: who stays away keeps place and label', n, discount))
FROM (VALUES ('full', false, 1::float8), ('full', false, 0.5), ('diagonal', false, 0.5), ('spherical', false, 1), ('tied', false, 0.5), ('full', true, 0.5)) AS v(n, robust, discount),
	absent(format('%s %s %s', n, CASE WHEN robust THEN 't' ELSE 'f' END, discount), n, robust, discount) AS a;
SELECT is(bnai_predict('full f 0.5', 0, 0), 'A', 'a row that is like those that stay away gets their label');
-- rows that lack the column that tells a group that stays away from another could be of both; that makes nobody inherit its label
SELECT set_batch(1) \g /dev/null
UPDATE batch SET x = NULL WHERE hashtext(y::text) % 10 = 0;
SELECT bnai_create_clustering('nulls', 'batch', '{x,y}'), bnai_infer('nulls'), bnai_posterior_as_prior('nulls') \g /dev/null
SELECT set_batch(3) \g /dev/null
UPDATE batch SET y = y - 30, x = CASE WHEN hashtext(y::text) % 10 = 0 THEN NULL ELSE x END WHERE x > 20;
SELECT bnai_infer('nulls') \g /dev/null
SELECT is((SELECT string_agg(format('%s (%s, %s)', label, round(mean[1])::int, round(mean[2])::int), '; ' ORDER BY label) FROM bnai_clusters WHERE network = 'nulls'),
	'A (0, 0); B (10, 0); C (0, 12); D (30, 0)', 'missing values do not make a new group inherit the label of one that stays away');
-- each month half of the month before: B, 100 rows and a discount of 0.5 each time, fades, but no longer than it counts for more than a component that never had rows
CREATE FUNCTION fade(months integer) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_batch(3);
	FOR month IN 1..months LOOP
		PERFORM bnai_infer('full f 0.5');
		PERFORM bnai_posterior_as_prior('full f 0.5', 0.5);
	END LOOP;
END $$;
SELECT fade(12) \g /dev/null
SELECT cmp_ok(min(c), '=', 0.5::float8, 'what never had rows does not fade') FROM unnest(written('full f 0.5', 'alpha', 1)) AS c;
SELECT cmp_ok(count(*) FILTER (WHERE n < 3), '>', 0::bigint, 'what had some does, as long as a distribution is left')
FROM unnest(written('full f 0.5', 'Lambda', 1)) AS n;

-- Which component has which prior is an accident: the same priors in another order give the same bound and groups
SELECT set_batch(2) \g /dev/null
CREATE FUNCTION located(network text, alpha text, mu text, n text, settings text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('SELECT bnai_create_clustering(%L, ''batch'', ''{x,y}'', max_clusters => 4, priors => ''vague'' %s)', network, settings);
	PERFORM bnai_change_node(network, 'alpha', alpha), bnai_change_node(network, 'mu', mu || ', 0.1 * eye(2), plates=4'),
			bnai_change_node(network, 'Lambda', n || ', 10 * eye(2), plates=4');
	PERFORM bnai_infer(network);
END $$;
SELECT located('order 1', '[1, 2, 3, 0.5]', 'each([0, 0], [10, 0], [0, 12], [5, 5])', 'each(5, 6, 7, 8)', ''),
	located('order 2', '[0.5, 3, 1, 2]', 'each([5, 5], [0, 12], [0, 0], [10, 0])', 'each(8, 7, 5, 6)', ''),
	located('order 3', '[0.5, 3, 1, 2]', 'each([5, 5], [0, 12], [0, 0], [10, 0])', 'each(8, 7, 5, 6)', ', start => ''random'', restarts => 3, seed => 7'),
	located('order 4', '[2, 0.5, 3, 1]', 'each([10, 0], [5, 5], [0, 12], [0, 0])', 'each(6, 8, 7, 5)', ', restarts => 5'),
	located('order 5', '[2, 0.5, 3, 1]', 'each([10, 0], [5, 5], [0, 12], [0, 0])', 'each(6, 8, 7, 5)', ', prune => false') \g /dev/null
-- 0.01 nats: the stop rule leaves 0.001 of the way, twice
SELECT cmp_ok(max(elbo) - min(elbo), '<', 0.01::float8, 'the order of components does not matter, nor the start')
FROM (SELECT elbo FROM bnai_runs WHERE network LIKE 'order%') AS r;
SELECT is((SELECT array_agg(round(mean[1])::int || ',' || round(mean[2])::int ORDER BY component)::text FROM bnai_posterior_clusters(bnai_fitted('order 3')) WHERE size > 0),
	'{"0,12","0,0","10,0"}', 'a random start, too, gives each group the component whose prior it suits');
SELECT is((SELECT count(*)::int FROM bnai_restarts WHERE network = 'order 4' AND abs(elbo - (SELECT max(elbo) FROM bnai_runs WHERE network = 'order 4')) < 0.01), 5,
	'so do all starts by centres');

-- Where only the size of a cluster is said in advance, groups go to where their size is
SELECT set_batch(0), add_group(0, 0, 100, 5) \g /dev/null
INSERT INTO batch SELECT x / 100, y / 100 FROM points WHERE part = 5 UNION ALL SELECT 100 + 10 * x, 10 * y FROM points WHERE part = 5;
CREATE FUNCTION sized(seed integer) RETURNS TABLE (elbo float8, narrow boolean) LANGUAGE plpgsql AS $$
BEGIN
	PERFORM bnai_create_clustering('sized', 'batch', '{x,y}', max_clusters => 2, priors => 'vague', seed => seed, restarts => 1, moves => seed % 2 = 0);
	PERFORM bnai_change_node('sized', 'mu', 'data_mean, 0.1 * data_precision, plates=2'), bnai_change_node('sized', 'Lambda', '20, each(2000 * eye(2), 0.002 * eye(2)), plates=2');
	elbo := (bnai_infer('sized')).elbo;
	narrow := (SELECT mean[1] < 50 FROM bnai_posterior_clusters(bnai_fitted('sized')) WHERE component = 2);
	PERFORM bnai_drop_network('sized');
	RETURN NEXT;
END $$;
SELECT is(array_agg(DISTINCT narrow), '{t}', 'a group gets the component that its size suits, whatever the seed') FROM generate_series(1, 6) AS seed, sized(seed);

-- Robust groups of which one stays away, where every component has its place: tails have one heir less
SELECT add_group(0, 0, 100, 6), add_group(40, 0, 100, 6) \g /dev/null
SELECT set_batch(6) \g /dev/null
SELECT bnai_create_clustering('tails', 'batch', '{x,y}', max_clusters => 2, robust => true, prune => false) \g /dev/null
SELECT bnai_infer('tails') \g /dev/null
SELECT bnai_posterior_as_prior('tails') \g /dev/null
DELETE FROM batch WHERE x > 20;
INSERT INTO batch SELECT 10 * cos(i), 10 * sin(i) FROM generate_series(1, 12) AS i;
SELECT is((bnai_infer('tails')).clusters, 1, 'outliers of the robust group that has come stay with it');

-- What cannot be done, and the way back
SELECT throws_ok($$SELECT bnai_compare_clusters('full', 2, 3)$$, '0A000', NULL, 'components that are told apart have no other number');
SELECT bnai_set(n, 'priors', NULL) FROM unnest('{full,diagonal,spherical,tied,robust}'::text[]) AS n \g /dev/null
SELECT is((SELECT array_agg(node || params ORDER BY node) FROM bnai_nodes WHERE network = n),
	(SELECT array_agg(node || params ORDER BY node) FROM bnai_nodes WHERE network = n || ' whole'), n || ': the priors of the data are back')
FROM unnest('{full,diagonal,spherical,tied,robust}'::text[]) AS n;
SELECT bnai_set('full', 'priors', 'vague') \g /dev/null
SELECT is((SELECT array_agg(node || ' ' || params ORDER BY id) FROM bnai_nodes WHERE network = 'full'),
	'{"alpha full(6, 1e-5)","Z alpha","mu zeros(2), 1e-5 * eye(2), plates=6","Lambda 2, 1e-5 * eye(2), plates=6","Y Z, Gaussian, mu, Lambda"}',
	'or others');
SELECT is((SELECT resolution FROM bnai_networks WHERE network = 'full'), 0::float8, 'with the resolution that goes with them');
SELECT throws_ok($$SELECT bnai_set('full', 'priors', 'strong')$$, '22023', NULL, 'which are the known ones');
SELECT bnai_create_network('other') \g /dev/null
SELECT throws_ok($$SELECT bnai_set('other', 'priors', 'data')$$, '55000', NULL, 'for a clustering only');
SELECT * FROM finish();
ROLLBACK;
