
/* --- pictures: Vega-Lite specifications with their data --- */

CREATE FUNCTION bnai_sample_rows(network text, size integer DEFAULT 2000, seed bigint DEFAULT 1, OUT place bigint, OUT observed float8[])
RETURNS SETOF record LANGUAGE C STABLE STRICT PARALLEL RESTRICTED COST 1000 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_sample_rows IS
'some rows of a network''s source: its observed columns, in the order of scoring, without rows that hold a NULL, NaN or infinity; their values and the seed decide which; also needs SELECT on the columns';

CREATE FUNCTION bnai_density(
	network text,
	node text,
	lower float8 DEFAULT NULL,
	upper float8 DEFAULT NULL,
	OUT plate integer,
	OUT label text,
	OUT index integer,
	OUT x float8,
	OUT density float8)
RETURNS SETOF record LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL SAFE COST 100 ROWS 1000 AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_density IS
'the posterior density of a node that is a Gaussian or a Gamma of any kind, as points from lower to upper, by default four standard deviations to either side of the mean; a vector gives the marginal density of each element (index)';

CREATE FUNCTION bnai_plot_columns(posterior bnai_posterior, columns text[])
RETURNS integer[] LANGUAGE C IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_plot_columns IS 'part of bnai_plot: positions of the columns to draw';

CREATE FUNCTION bnai_plot_names(posterior bnai_posterior, leaf text DEFAULT NULL)
RETURNS text[] LANGUAGE C IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_plot_names IS 'part of bnai_plot: names of the observed numbers, of one leaf or of all';

CREATE FUNCTION bnai_refuse_plot(what text)
RETURNS json LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_refuse_plot IS 'part of bnai_plot: the error for what cannot be drawn';

-- The colours of Okabe and Ito (2008), without yellow and black, and shapes: a
-- label has one pair of them whatever other labels there are, and the first 42 differ.
CREATE FUNCTION bnai_plot_labels(labels text[])
RETURNS json LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (
	SELECT json_build_object(
		'domain', json_agg(label ORDER BY n),
		'colors', json_agg(('{#0072b2,#e69f00,#009e73,#cc79a7,#56b4e9,#d55e00,#7a7a7a}'::text[])[1 + (n - 1) % 7] ORDER BY n),
		'shapes', json_agg(('{circle,square,triangle-up,diamond,cross,triangle-down}'::text[])[1 + (n - 1) % 6] ORDER BY n))
	FROM (SELECT label, bnai_label_number(label) AS n FROM unnest(labels) AS label) l
);
COMMENT ON FUNCTION bnai_plot_labels IS 'part of bnai_plot: colours and shapes of labels, for colour-blind readers too';

CREATE FUNCTION bnai_plot_scale(labels json, kind text)
RETURNS json LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN json_build_object('domain', labels -> 'domain', 'range', labels -> kind);
COMMENT ON FUNCTION bnai_plot_scale IS 'part of bnai_plot: a scale of labels';

CREATE FUNCTION bnai_plot_title(network text, title text, subtitle text)
RETURNS json LANGUAGE sql STABLE CALLED ON NULL INPUT PARALLEL SAFE
RETURN json_build_object('text', title, 'subtitle', concat_ws(', ', 'network ' || network, subtitle), 'anchor', 'start');
COMMENT ON FUNCTION bnai_plot_title IS 'part of bnai_plot: title and subtitle';

CREATE FUNCTION bnai_plot_spec(title json, parts json)
RETURNS json LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (
	SELECT json_object_agg(key, value ORDER BY part, n)
	FROM (
		SELECT 1 AS part, n, key, value FROM json_each(json_build_object(
			'$schema', 'https://vega.github.io/schema/vega-lite/v5.json',
			'title', title,
			'background', 'white',
			'config', json_build_object('axis', json_build_object('grid', true, 'gridOpacity', 0.5), 'view', json_build_object('stroke', '#ddd'),
				'mark', json_build_object('color', '#0072b2')))
		) WITH ORDINALITY AS j (key, value, n)
		UNION ALL
		SELECT 2, n, key, value FROM json_each(parts) WITH ORDINALITY AS j (key, value, n)
	) p
);
COMMENT ON FUNCTION bnai_plot_spec IS 'part of bnai_plot: what all specifications have in common';

/* One picture of two columns: the rows, the ellipses and the means, from the data sets of bnai_plot_clusters. */
CREATE FUNCTION bnai_plot_pair(x integer, y integer, names text[], labels json, size integer)
RETURNS json LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN json_build_object(
	'width', size,
	'height', size,
	'encoding', json_build_object(
		'x', json_build_object('field', 'c' || x, 'type', 'quantitative', 'title', names[x], 'scale', json_build_object('zero', false)),
		'y', json_build_object('field', 'c' || y, 'type', 'quantitative', 'title', names[y], 'scale', json_build_object('zero', false)),
		'color', json_build_object('field', 'label', 'type', 'nominal', 'title', 'cluster', 'scale', bnai_plot_scale(labels, 'colors'))),
	'layer', json_build_array(
		json_build_object(
			'data', json_build_object('name', 'rows'),
			'mark', json_build_object('type', 'point', 'filled', true, 'size', 24, 'opacity', 0.6),
			'encoding', json_build_object(
				'shape', json_build_object('field', 'label', 'type', 'nominal', 'title', 'cluster', 'scale', bnai_plot_scale(labels, 'shapes')),
				'tooltip', json_build_array(
					json_build_object('field', 'label', 'title', 'cluster'),
					json_build_object('field', 'c' || x, 'title', names[x], 'format', '.4~g'),
					json_build_object('field', 'c' || y, 'title', names[y], 'format', '.4~g')))),
		json_build_object(
			'data', json_build_object('name', format('ellipses %s %s', x, y)),
			'mark', json_build_object('type', 'line', 'strokeWidth', 1.5),
			'encoding', json_build_object(
				'order', json_build_object('field', 't'),
				'detail', json_build_object('field', 'sigmas'))),
		json_build_object(
			'data', json_build_object('name', 'means'),
			'mark', json_build_object('type', 'point', 'shape', 'cross', 'filled', true, 'size', 110, 'opacity', 1, 'stroke', 'white', 'strokeWidth', 1)),
		json_build_object(
			'data', json_build_object('name', 'means'),
			'mark', json_build_object('type', 'text', 'dy', -13, 'fontSize', 14, 'fontWeight', 'bold'),
			'encoding', json_build_object(
				'text', json_build_object('field', 'label'),
				'color', json_build_object('value', '#222')))));
COMMENT ON FUNCTION bnai_plot_pair IS 'part of bnai_plot: a scatter of two columns';

/* One column: a histogram by label, and for each mean a line of one and two standard deviations. */
CREATE FUNCTION bnai_plot_column(name text, labels json)
RETURNS json LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN json_build_object(
	'width', 480,
	'height', 300,
	'layer', json_build_array(
		json_build_object(
			'data', json_build_object('name', 'rows'),
			'mark', json_build_object('type', 'bar', 'opacity', 0.7),
			'encoding', json_build_object(
				'x', json_build_object('field', 'c1', 'bin', json_build_object('maxbins', 50), 'title', name),
				'y', json_build_object('aggregate', 'count', 'title', 'rows of the sample'),
				'color', json_build_object('field', 'label', 'type', 'nominal', 'title', 'cluster', 'scale', bnai_plot_scale(labels, 'colors')))),
		json_build_object(
			'data', json_build_object('name', 'spans'),
			'mark', json_build_object('type', 'rule', 'opacity', 0.9),
			'encoding', json_build_object(
				'x', json_build_object('field', 'from', 'type', 'quantitative', 'title', name),
				'x2', json_build_object('field', 'to'),
				'y', json_build_object('value', 294),
				'size', json_build_object('field', 'width', 'type', 'quantitative', 'scale', NULL, 'legend', NULL),
				'color', json_build_object('field', 'label', 'type', 'nominal', 'title', 'cluster', 'scale', bnai_plot_scale(labels, 'colors')))),
		json_build_object(
			'data', json_build_object('name', 'means'),
			'mark', json_build_object('type', 'text', 'fontSize', 14, 'fontWeight', 'bold', 'dy', -12),
			'encoding', json_build_object(
				'x', json_build_object('field', 'c1', 'type', 'quantitative', 'title', name),
				'y', json_build_object('value', 294),
				'text', json_build_object('field', 'label')))));
COMMENT ON FUNCTION bnai_plot_column IS 'part of bnai_plot: a histogram of one column';

CREATE FUNCTION bnai_plot_clusters(network text, columns text[], sample_size integer, seed bigint)
RETURNS json LANGUAGE sql STABLE CALLED ON NULL INPUT PARALLEL RESTRICTED
BEGIN ATOMIC
WITH fitted AS MATERIALIZED (
	SELECT f AS posterior, bnai_plot_columns(f, bnai_plot_clusters.columns) AS positions, bnai_plot_names(f) AS observed,
		coalesce(to_regclass(n.source)::text, n.source) AS source
	FROM bnai_fitted(bnai_plot_clusters.network) AS f, bnai_networks n
	WHERE f IS NOT NULL AND n.network = bnai_plot_clusters.network
), drawn AS MATERIALIZED (
	SELECT f.*, (SELECT array_agg(f.observed[p] ORDER BY i) FROM unnest(f.positions) WITH ORDINALITY AS u (p, i)) AS names
	FROM fitted f
), cluster AS MATERIALIZED (
	-- what is drawn of each, for there may be hundreds of columns; the covariance row by row
	SELECT c.label,
		ARRAY(SELECT c.mean[p] FROM unnest(o.positions) WITH ORDINALITY AS u (p, i) ORDER BY i) AS mean,
		ARRAY(SELECT c.covariance[p][q] FROM unnest(o.positions) WITH ORDINALITY AS u (p, i),
			unnest(o.positions) WITH ORDINALITY AS v (q, j) ORDER BY i, j) AS covariance
	FROM drawn d, bnai_posterior_clusters(d.posterior) c,
	LATERAL (SELECT array_agg(array_position(c.columns, name) ORDER BY i) AS positions
		FROM unnest(d.names) WITH ORDINALITY AS u (name, i)) o
	WHERE c.label IS NOT NULL
), style AS MATERIALIZED (
	SELECT bnai_plot_labels(array_agg(label)) AS labels FROM cluster
), shown AS MATERIALIZED (
	SELECT s.place, s.observed, bnai_predict(d.posterior, VARIADIC s.observed) AS label
	FROM drawn d, bnai_sample_rows(bnai_plot_clusters.network, bnai_plot_clusters.sample_size, bnai_plot_clusters.seed) s
), sample AS (
	SELECT json_agg(json_strip_nulls(json_build_object('label', s.label,
		'c1', s.observed[d.positions[1]], 'c2', s.observed[d.positions[2]], 'c3', s.observed[d.positions[3]],
		'c4', s.observed[d.positions[4]], 'c5', s.observed[d.positions[5]], 'c6', s.observed[d.positions[6]])) ORDER BY s.place) AS data,
		count(*) AS n
	FROM drawn d, shown s
), center AS MATERIALIZED (
	-- mean and standard deviation of each cluster by the number of the drawn column
	SELECT c.label, i, c.mean[i] AS mean, sqrt(c.covariance[(i - 1) * cardinality(c.mean) + i]) AS deviation
	FROM cluster c, generate_subscripts(c.mean, 1) AS i
	WHERE c.mean[i] IS NOT NULL
), mean AS (
	SELECT json_agg(m.data) AS data
	FROM (SELECT (json_object_agg('c' || i, mean)::jsonb || jsonb_build_object('label', label))::json AS data FROM center GROUP BY label) m
), span AS (
	SELECT json_agg(json_build_object('label', label, 'from', mean - s * deviation, 'to', mean + s * deviation, 'width', 9 - 3 * s)) AS data
	FROM center, generate_series(1, 2) AS s WHERE i = 1
), pair AS MATERIALIZED (
	SELECT x, y FROM drawn d, generate_series(1, cardinality(d.names)) AS x, generate_series(x + 1, cardinality(d.names)) AS y
), ellipse AS (
	-- mean + s L (cos t, sin t) with the Cholesky factor L of the two columns' covariance
	SELECT format('ellipses %s %s', o.x, o.y) AS name, json_agg(json_build_object(
		'label', a.label, 'sigmas', s, 't', t,
		'c' || o.x, a.mean + s * a.deviation * cos(t * pi() / 24),
		'c' || o.y, b.mean + s * (r.rho * b.deviation * cos(t * pi() / 24) + sqrt(1 - r.rho * r.rho) * b.deviation * sin(t * pi() / 24)))) AS data
	FROM pair o
	JOIN center a ON a.i = o.x
	JOIN center b ON b.i = o.y AND b.label = a.label
	JOIN cluster c ON c.label = a.label,
	LATERAL (SELECT greatest(-1, least(1, c.covariance[(a.i - 1) * cardinality(c.mean) + b.i] / (a.deviation * b.deviation))) AS rho) r,
	generate_series(1, 2) AS s, generate_series(0, 48) AS t
	GROUP BY o.x, o.y
), dataset AS (
	SELECT json_object_agg(name, coalesce(data, '[]')) AS data
	FROM (SELECT 'rows' AS name, data FROM sample UNION ALL SELECT 'means', data FROM mean
		UNION ALL SELECT 'spans', data FROM span UNION ALL SELECT name, data FROM ellipse) s
), picture AS (
	SELECT CASE cardinality(d.names)
		WHEN 1 THEN bnai_plot_column(d.names[1], style.labels)
		WHEN 2 THEN bnai_plot_pair(1, 2, d.names, style.labels, 400)
		ELSE json_build_object('vconcat', (
			SELECT json_agg(line.data ORDER BY line.y)
			FROM (SELECT y, json_build_object('hconcat', json_agg(bnai_plot_pair(x, y, d.names, style.labels, 170) ORDER BY x)) AS data
				FROM pair GROUP BY y) line))
		END AS data
	FROM drawn d, style
)
SELECT bnai_plot_spec(
	bnai_plot_title(bnai_plot_clusters.network, 'Clusters of ' || d.source,
		format(CASE WHEN d.rows > sample.n THEN 'a sample of %s of %s rows' ELSE '%s rows' END, sample.n, d.rows) || '; lines: 1 and 2 standard deviations'),
	(json_build_object('datasets', dataset.data)::jsonb || picture.data::jsonb)::json)
FROM (SELECT d.*, (d.posterior::jsonb ->> 'rows')::bigint AS rows FROM drawn d) d, sample, dataset, picture;
END;
COMMENT ON FUNCTION bnai_plot_clusters IS 'part of bnai_plot: the clusters';

CREATE FUNCTION bnai_plot_posterior(network text, node text, lower float8, upper float8)
RETURNS json LANGUAGE sql STABLE CALLED ON NULL INPUT PARALLEL SAFE
BEGIN ATOMIC
WITH curve AS MATERIALIZED (
	SELECT * FROM bnai_density(bnai_plot_posterior.network, bnai_plot_posterior.node, bnai_plot_posterior.lower, bnai_plot_posterior.upper)
), drawn AS MATERIALIZED (
	-- plates without a label are components that no row comes from
	SELECT c.*, coalesce(o.columns[c.index], '') AS column_name
	FROM curve c
	LEFT JOIN (
		SELECT bnai_plot_names(f, e.child) AS columns
		FROM bnai_fitted(bnai_plot_posterior.network) AS f, bnai_edges e
			JOIN bnai_nodes n ON n.network = e.network AND n.node = e.child
		WHERE e.network = bnai_plot_posterior.network AND e.parent = bnai_plot_posterior.node AND n.columns IS NOT NULL
		LIMIT 1
	) o ON true
	WHERE c.label IS NOT NULL OR NOT EXISTS (SELECT FROM curve WHERE label IS NOT NULL)
), panel AS MATERIALIZED (
	SELECT index, column_name,
		json_build_object(
			'width', 420,
			'height', 240,
			'data', json_build_object('values', json_agg(json_strip_nulls(json_build_object('label', label, 'x', x, 'y', density)) ORDER BY plate, x)),
			'encoding', (jsonb_build_object(
				'x', jsonb_build_object('field', 'x', 'type', 'quantitative', 'scale', jsonb_build_object('zero', false, 'nice', false),
					'title', bnai_plot_posterior.node || CASE WHEN column_name <> '' THEN ' of ' || column_name ELSE '' END),
				'y', jsonb_build_object('field', 'y', 'type', 'quantitative', 'title', 'density', 'stack', NULL))
				|| CASE WHEN bool_or(label IS NOT NULL) THEN jsonb_build_object('color', jsonb_build_object('field', 'label', 'type', 'nominal', 'title', 'cluster',
					'scale', bnai_plot_scale(bnai_plot_labels(array_agg(DISTINCT label)), 'colors'))) ELSE '{}' END)::json,
			'layer', json_build_array(
				json_build_object('mark', json_build_object('type', 'area', 'opacity', 0.25)),
				json_build_object('mark', json_build_object('type', 'line', 'strokeWidth', 2, 'clip', true)))) AS data
	FROM drawn GROUP BY index, column_name
)
SELECT bnai_plot_spec(
	bnai_plot_title(bnai_plot_posterior.network, 'Posterior of ' || bnai_plot_posterior.node, NULL),
	json_build_object('vconcat', json_agg(data ORDER BY index)))
FROM panel HAVING count(*) > 0;
END;
COMMENT ON FUNCTION bnai_plot_posterior IS 'part of bnai_plot: the posterior density of a node';

CREATE FUNCTION bnai_plot_trace(network text)
RETURNS json LANGUAGE sql STABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
WITH point AS MATERIALIZED (
	SELECT t.*, t.restart = r.best_restart AS best
	FROM bnai_trace(bnai_plot_trace.network) t
	LEFT JOIN bnai_runs r ON r.network = bnai_plot_trace.network AND r.is_current
)
SELECT bnai_plot_spec(
	bnai_plot_title(bnai_plot_trace.network, 'Evidence lower bound', 'each line is a restart'),
	json_build_object(
		'width', 480,
		'height', 300,
		'data', json_build_object('values', json_agg(json_strip_nulls(json_build_object('restart', restart, 'iteration', iteration, 'elbo', elbo,
			'event', nullif(event, ''), 'line', CASE WHEN best THEN 'best restart' ELSE 'other restarts' END)) ORDER BY best, restart, iteration)),
		'encoding', json_build_object(
			'x', json_build_object('field', 'iteration', 'type', 'quantitative', 'title', 'iteration', 'axis', json_build_object('tickMinStep', 1, 'format', 'd')),
			'y', json_build_object('field', 'elbo', 'type', 'quantitative', 'title', 'ELBO, nats', 'scale', json_build_object('zero', false)),
			'detail', json_build_object('field', 'restart'),
			'color', json_build_object('field', 'line', 'type', 'nominal', 'title', NULL,
				'scale', json_build_object('domain', json_build_array('best restart', 'other restarts'), 'range', json_build_array('#d55e00', '#9a9a9a')))),
		'layer', json_build_array(
			json_build_object('mark', json_build_object('type', 'line', 'strokeWidth', 1.5)),
			json_build_object(
				'transform', json_build_array(json_build_object('filter', 'isValid(datum.event)')),
				'mark', json_build_object('type', 'point', 'filled', true, 'size', 30, 'opacity', 1),
				'encoding', json_build_object('tooltip', json_build_array(
					json_build_object('field', 'event', 'type', 'nominal'), json_build_object('field', 'restart'),
					json_build_object('field', 'iteration'), json_build_object('field', 'elbo', 'title', 'ELBO')))))))
FROM point HAVING count(*) > 0;
END;
COMMENT ON FUNCTION bnai_plot_trace IS 'part of bnai_plot: the evidence lower bound of the latest run';

CREATE FUNCTION bnai_plot_sizes(network text)
RETURNS json LANGUAGE sql STABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
WITH part AS MATERIALIZED (
	SELECT 'previous' AS run, label, size FROM bnai_previous_clusters p WHERE p.network = bnai_plot_sizes.network
	UNION ALL
	SELECT 'current', label, size FROM bnai_clusters c WHERE c.network = bnai_plot_sizes.network
)
SELECT bnai_plot_spec(
	bnai_plot_title(bnai_plot_sizes.network, 'Sizes of clusters', CASE WHEN bool_or(run = 'previous') THEN 'pale: the previous run' END),
	json_build_object(
		'width', 480,
		'height', 300,
		'data', json_build_object('values', json_agg(json_build_object('label', label, 'run', run, 'size', size) ORDER BY bnai_label_number(label), run DESC)),
		'encoding', json_build_object(
			'x', json_build_object('field', 'label', 'type', 'nominal', 'title', 'cluster', 'sort', NULL, 'axis', json_build_object('labelAngle', 0)),
			'xOffset', json_build_object('field', 'run', 'sort', json_build_array('previous', 'current')),
			'y', json_build_object('field', 'size', 'type', 'quantitative', 'title', 'rows')),
		'layer', json_build_array(
			json_build_object(
				'mark', json_build_object('type', 'bar'),
				'encoding', json_build_object(
					'color', json_build_object('field', 'label', 'type', 'nominal', 'legend', NULL,
						'scale', bnai_plot_scale(bnai_plot_labels(array_agg(DISTINCT label)), 'colors')),
					'opacity', json_build_object('field', 'run', 'type', 'ordinal', 'legend', NULL,
						'scale', json_build_object('domain', json_build_array('previous', 'current'), 'range', json_build_array(0.4, 1))),
					'tooltip', json_build_array(json_build_object('field', 'label', 'title', 'cluster'), json_build_object('field', 'run'),
						json_build_object('field', 'size', 'title', 'rows')))),
			json_build_object(
				'mark', json_build_object('type', 'text', 'dy', -7),
				'encoding', json_build_object('text', json_build_object('field', 'size'))))))
FROM part HAVING bnai_fitted(bnai_plot_sizes.network) IS NOT NULL AND count(*) > 0;
END;
COMMENT ON FUNCTION bnai_plot_sizes IS 'part of bnai_plot: the sizes of clusters in the current and the previous run';

CREATE FUNCTION bnai_plot_changes(network text)
RETURNS json LANGUAGE sql STABLE STRICT PARALLEL UNSAFE
BEGIN ATOMIC
WITH pair AS MATERIALIZED (
	SELECT a.run AS before, b.run AS now
	FROM bnai_runs b
	CROSS JOIN LATERAL (
		SELECT a.run FROM bnai_runs a
		WHERE a.network = bnai_plot_changes.network AND a.run <> b.run AND a.clusters IS NOT NULL
		ORDER BY a.run DESC LIMIT 1) a
	WHERE b.network = bnai_plot_changes.network AND b.is_current AND b.clusters IS NOT NULL
), cell AS MATERIALIZED (
	SELECT p.*, c.label, c.other_label, c.rows, c.rows::float8 / sum(c.rows) OVER (PARTITION BY c.label) AS share
	FROM pair p, bnai_compare(p.before, p.now) c
	WHERE c.label IS NOT NULL AND c.other_label IS NOT NULL AND c.rows > 0
)
SELECT bnai_plot_spec(
	bnai_plot_title(bnai_plot_changes.network, 'Where rows have gone', format('run %s against run %s', max(now), max(before))),
	json_build_object(
		'width', 300,
		'height', 300,
		'data', json_build_object('values', json_agg(json_build_object('before', label, 'now', other_label, 'rows', rows, 'share', share)
			ORDER BY bnai_label_number(label), bnai_label_number(other_label))),
		'encoding', json_build_object(
			'x', json_build_object('field', 'now', 'type', 'ordinal', 'title', format('cluster in run %s', max(now)), 'axis', json_build_object('labelAngle', 0, 'grid', false),
				'sort', (SELECT json_agg(l ORDER BY bnai_label_number(l)) FROM (SELECT DISTINCT other_label AS l FROM cell) n)),
			'y', json_build_object('field', 'before', 'type', 'ordinal', 'title', format('cluster in run %s', max(before)), 'axis', json_build_object('grid', false),
				'sort', (SELECT json_agg(l ORDER BY bnai_label_number(l)) FROM (SELECT DISTINCT label AS l FROM cell) b))),
		'layer', json_build_array(
			json_build_object(
				'mark', json_build_object('type', 'rect'),
				'encoding', json_build_object('color', json_build_object('field', 'share', 'type', 'quantitative', 'title', 'share of the row',
					'scale', json_build_object('scheme', 'blues', 'domain', json_build_array(0, 1)), 'legend', json_build_object('format', '.0%')))),
			json_build_object(
				'mark', json_build_object('type', 'text', 'fontWeight', 'bold'),
				'encoding', json_build_object(
					'text', json_build_object('field', 'rows', 'type', 'quantitative'),
					'color', json_build_object('condition', json_build_object('test', 'datum.share > 0.6', 'value', 'white'), 'value', 'black'))))))
FROM cell HAVING bnai_fitted(bnai_plot_changes.network) IS NOT NULL AND count(*) > 0;
END;
COMMENT ON FUNCTION bnai_plot_changes IS 'part of bnai_plot: which clusters rows had in the latest other run, and have in the current one';

CREATE FUNCTION bnai_plot(
	network text,
	what text,
	columns text[] DEFAULT NULL,
	node text DEFAULT NULL,
	lower float8 DEFAULT NULL,
	upper float8 DEFAULT NULL,
	sample_size integer DEFAULT 2000,
	seed bigint DEFAULT 1)
RETURNS json LANGUAGE sql STABLE CALLED ON NULL INPUT PARALLEL UNSAFE
RETURN CASE what
	WHEN 'clusters' THEN bnai_plot_clusters(network, columns, sample_size, seed)
	WHEN 'posterior' THEN bnai_plot_posterior(network, node, lower, upper)
	WHEN 'trace' THEN bnai_plot_trace(network)
	WHEN 'sizes' THEN bnai_plot_sizes(network)
	WHEN 'changes' THEN bnai_plot_changes(network)
	ELSE bnai_refuse_plot(what)
END;
COMMENT ON FUNCTION bnai_plot IS
'a picture of the current run as a Vega-Lite specification with its data: clusters (a sample of rows by columns and label, with means and ellipses; needs SELECT on the columns), posterior (the density of a node, from lower to upper where they are given), trace (the evidence lower bound of each restart), sizes (of clusters, against the previous run) or changes (how many rows of each cluster of the latest other run each cluster has now; needs SELECT on the columns); NULL if the network has not been inferred, or not twice';

