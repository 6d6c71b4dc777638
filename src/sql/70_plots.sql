
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
	SELECT pg_catalog.json_build_object(
		'domain', pg_catalog.json_agg(label ORDER BY n),
		'colors', pg_catalog.json_agg(('{#0072b2,#e69f00,#009e73,#cc79a7,#56b4e9,#d55e00,#7a7a7a}'::pg_catalog.text[])[1 OPERATOR(pg_catalog.+) ((n OPERATOR(pg_catalog.-) 1) OPERATOR(pg_catalog.%) 7)] ORDER BY n),
		'shapes', pg_catalog.json_agg(('{circle,square,triangle-up,diamond,cross,triangle-down}'::pg_catalog.text[])[1 OPERATOR(pg_catalog.+) ((n OPERATOR(pg_catalog.-) 1) OPERATOR(pg_catalog.%) 6)] ORDER BY n))
	FROM (SELECT label, bnai_label_number(label) AS n FROM pg_catalog.unnest(labels) AS label) l
);
COMMENT ON FUNCTION bnai_plot_labels IS 'part of bnai_plot: colours and shapes of labels, for colour-blind readers too';

CREATE FUNCTION bnai_plot_scale(labels json, kind text)
RETURNS json LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN pg_catalog.json_build_object('domain', labels OPERATOR(pg_catalog.->) 'domain', 'range', labels OPERATOR(pg_catalog.->) kind);
COMMENT ON FUNCTION bnai_plot_scale IS 'part of bnai_plot: a scale of labels';

CREATE FUNCTION bnai_plot_title(network text, title text, subtitle text)
RETURNS json LANGUAGE sql STABLE CALLED ON NULL INPUT PARALLEL SAFE
RETURN pg_catalog.json_build_object('text', title, 'subtitle', pg_catalog.concat_ws(', ', 'network ' OPERATOR(pg_catalog.||) network, subtitle), 'anchor', 'start');
COMMENT ON FUNCTION bnai_plot_title IS 'part of bnai_plot: title and subtitle';

CREATE FUNCTION bnai_plot_spec(title json, parts json)
RETURNS json LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN (
	SELECT pg_catalog.json_object_agg(key, value ORDER BY part, n)
	FROM (
		SELECT 1 AS part, n, key, value FROM pg_catalog.json_each(pg_catalog.json_build_object(
			'$schema', 'https://vega.github.io/schema/vega-lite/v5.json',
			'title', title,
			'background', 'white',
			'config', pg_catalog.json_build_object('axis', pg_catalog.json_build_object('grid', true, 'gridOpacity', 0.5), 'view', pg_catalog.json_build_object('stroke', '#ddd'),
				'mark', pg_catalog.json_build_object('color', '#0072b2')))
		) WITH ORDINALITY AS j (key, value, n)
		UNION ALL
		SELECT 2, n, key, value FROM pg_catalog.json_each(parts) WITH ORDINALITY AS j (key, value, n)
	) p
);
COMMENT ON FUNCTION bnai_plot_spec IS 'part of bnai_plot: what all specifications have in common';

/* One picture of two columns: the rows, the ellipses and the means, from the data sets of bnai_plot_clusters. */
CREATE FUNCTION bnai_plot_pair(x integer, y integer, names text[], labels json, size integer)
RETURNS json LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN pg_catalog.json_build_object(
	'width', size,
	'height', size,
	'encoding', pg_catalog.json_build_object(
		'x', pg_catalog.json_build_object('field', 'c' OPERATOR(pg_catalog.||) x, 'type', 'quantitative', 'title', names[x], 'scale', pg_catalog.json_build_object('zero', false)),
		'y', pg_catalog.json_build_object('field', 'c' OPERATOR(pg_catalog.||) y, 'type', 'quantitative', 'title', names[y], 'scale', pg_catalog.json_build_object('zero', false)),
		'color', pg_catalog.json_build_object('field', 'label', 'type', 'nominal', 'title', 'cluster', 'scale', bnai_plot_scale(labels, 'colors'::pg_catalog.text))),
	'layer', pg_catalog.json_build_array(
		pg_catalog.json_build_object(
			'data', pg_catalog.json_build_object('name', 'rows'),
			'mark', pg_catalog.json_build_object('type', 'point', 'filled', true, 'size', 24, 'opacity', 0.6),
			'encoding', pg_catalog.json_build_object(
				'shape', pg_catalog.json_build_object('field', 'label', 'type', 'nominal', 'title', 'cluster', 'scale', bnai_plot_scale(labels, 'shapes'::pg_catalog.text)),
				'tooltip', pg_catalog.json_build_array(
					pg_catalog.json_build_object('field', 'label', 'title', 'cluster'),
					pg_catalog.json_build_object('field', 'c' OPERATOR(pg_catalog.||) x, 'title', names[x], 'format', '.4~g'),
					pg_catalog.json_build_object('field', 'c' OPERATOR(pg_catalog.||) y, 'title', names[y], 'format', '.4~g')))),
		pg_catalog.json_build_object(
			'data', pg_catalog.json_build_object('name', pg_catalog.format('ellipses %s %s', x, y)),
			'mark', pg_catalog.json_build_object('type', 'line', 'strokeWidth', 1.5),
			'encoding', pg_catalog.json_build_object(
				'order', pg_catalog.json_build_object('field', 't'),
				'detail', pg_catalog.json_build_object('field', 'sigmas'))),
		pg_catalog.json_build_object(
			'data', pg_catalog.json_build_object('name', 'means'),
			'mark', pg_catalog.json_build_object('type', 'point', 'shape', 'cross', 'filled', true, 'size', 110, 'opacity', 1, 'stroke', 'white', 'strokeWidth', 1)),
		pg_catalog.json_build_object(
			'data', pg_catalog.json_build_object('name', 'means'),
			'mark', pg_catalog.json_build_object('type', 'text', 'dy', -13, 'fontSize', 14, 'fontWeight', 'bold'),
			'encoding', pg_catalog.json_build_object(
				'text', pg_catalog.json_build_object('field', 'label'),
				'color', pg_catalog.json_build_object('value', '#222')))));
COMMENT ON FUNCTION bnai_plot_pair IS 'part of bnai_plot: a scatter of two columns';

/* One column: a histogram by label, and for each mean a line of one and two standard deviations. */
CREATE FUNCTION bnai_plot_column(name text, labels json)
RETURNS json LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN pg_catalog.json_build_object(
	'width', 480,
	'height', 300,
	'layer', pg_catalog.json_build_array(
		pg_catalog.json_build_object(
			'data', pg_catalog.json_build_object('name', 'rows'),
			'mark', pg_catalog.json_build_object('type', 'bar', 'opacity', 0.7),
			'encoding', pg_catalog.json_build_object(
				'x', pg_catalog.json_build_object('field', 'c1', 'bin', pg_catalog.json_build_object('maxbins', 50), 'title', name),
				'y', pg_catalog.json_build_object('aggregate', 'count', 'title', 'rows of the sample'),
				'color', pg_catalog.json_build_object('field', 'label', 'type', 'nominal', 'title', 'cluster', 'scale', bnai_plot_scale(labels, 'colors'::pg_catalog.text)))),
		pg_catalog.json_build_object(
			'data', pg_catalog.json_build_object('name', 'spans'),
			'mark', pg_catalog.json_build_object('type', 'rule', 'opacity', 0.9),
			'encoding', pg_catalog.json_build_object(
				'x', pg_catalog.json_build_object('field', 'from', 'type', 'quantitative', 'title', name),
				'x2', pg_catalog.json_build_object('field', 'to'),
				'y', pg_catalog.json_build_object('value', 294),
				'size', pg_catalog.json_build_object('field', 'width', 'type', 'quantitative', 'scale', NULL, 'legend', NULL),
				'color', pg_catalog.json_build_object('field', 'label', 'type', 'nominal', 'title', 'cluster', 'scale', bnai_plot_scale(labels, 'colors'::pg_catalog.text)))),
		pg_catalog.json_build_object(
			'data', pg_catalog.json_build_object('name', 'means'),
			'mark', pg_catalog.json_build_object('type', 'text', 'fontSize', 14, 'fontWeight', 'bold', 'dy', -12),
			'encoding', pg_catalog.json_build_object(
				'x', pg_catalog.json_build_object('field', 'c1', 'type', 'quantitative', 'title', name),
				'y', pg_catalog.json_build_object('value', 294),
				'text', pg_catalog.json_build_object('field', 'label')))));
COMMENT ON FUNCTION bnai_plot_column IS 'part of bnai_plot: a histogram of one column';

CREATE FUNCTION bnai_plot_clusters(network text, columns text[], sample_size integer, seed bigint)
RETURNS json LANGUAGE sql STABLE CALLED ON NULL INPUT PARALLEL RESTRICTED
BEGIN ATOMIC
WITH fitted AS MATERIALIZED (
	SELECT f AS posterior, bnai_plot_columns(f, bnai_plot_clusters.columns) AS positions, bnai_plot_names(f) AS observed,
		CASE WHEN pg_catalog.right(n.source, 10) OPERATOR(pg_catalog.=) ' (dropped)' THEN n.source
			ELSE coalesce(pg_catalog.to_regclass(n.source)::pg_catalog.text, n.source) END AS source
	FROM bnai_fitted(bnai_plot_clusters.network) AS f, bnai_networks n
	WHERE f IS NOT NULL AND n.network OPERATOR(pg_catalog.=) bnai_plot_clusters.network
), drawn AS MATERIALIZED (
	SELECT f.*, (SELECT pg_catalog.array_agg(f.observed[p] ORDER BY i) FROM pg_catalog.unnest(f.positions) WITH ORDINALITY AS u (p, i)) AS names
	FROM fitted f
), cluster AS MATERIALIZED (
	-- what is drawn of each, for there may be hundreds of columns; the covariance row by row
	SELECT c.label,
		ARRAY(SELECT c.mean[p] FROM pg_catalog.unnest(o.positions) WITH ORDINALITY AS u (p, i) ORDER BY i) AS mean,
		ARRAY(SELECT c.covariance[p][q] FROM pg_catalog.unnest(o.positions) WITH ORDINALITY AS u (p, i),
			pg_catalog.unnest(o.positions) WITH ORDINALITY AS v (q, j) ORDER BY i, j) AS covariance
	FROM drawn d, bnai_posterior_clusters(d.posterior) c,
	LATERAL (SELECT pg_catalog.array_agg(pg_catalog.array_position(c.columns, name) ORDER BY i) AS positions
		FROM pg_catalog.unnest(d.names) WITH ORDINALITY AS u (name, i)) o
	WHERE c.label IS NOT NULL
), style AS MATERIALIZED (
	SELECT bnai_plot_labels(pg_catalog.array_agg(label)) AS labels FROM cluster
), shown AS MATERIALIZED (
	SELECT s.place, s.observed, bnai_predict(d.posterior, VARIADIC s.observed) AS label
	FROM drawn d, bnai_sample_rows(bnai_plot_clusters.network, bnai_plot_clusters.sample_size, bnai_plot_clusters.seed) s
), sample AS (
	SELECT pg_catalog.json_agg(pg_catalog.json_strip_nulls(pg_catalog.json_build_object('label', s.label,
		'c1', s.observed[d.positions[1]], 'c2', s.observed[d.positions[2]], 'c3', s.observed[d.positions[3]],
		'c4', s.observed[d.positions[4]], 'c5', s.observed[d.positions[5]], 'c6', s.observed[d.positions[6]])) ORDER BY s.place) AS data,
		pg_catalog.count(*) AS n
	FROM drawn d, shown s
), center AS MATERIALIZED (
	-- mean and standard deviation of each cluster by the number of the drawn column
	SELECT c.label, i, c.mean[i] AS mean, pg_catalog.sqrt(c.covariance[((i OPERATOR(pg_catalog.-) 1) OPERATOR(pg_catalog.*) pg_catalog.cardinality(c.mean)) OPERATOR(pg_catalog.+) i]) AS deviation
	FROM cluster c, pg_catalog.generate_subscripts(c.mean, 1) AS i
	WHERE c.mean[i] IS NOT NULL
), mean AS (
	SELECT pg_catalog.json_agg(m.data) AS data
	FROM (SELECT (pg_catalog.json_object_agg('c' OPERATOR(pg_catalog.||) i, mean)::pg_catalog.jsonb OPERATOR(pg_catalog.||) pg_catalog.jsonb_build_object('label', label))::pg_catalog.json AS data FROM center GROUP BY label) m
), span AS (
	SELECT pg_catalog.json_agg(pg_catalog.json_build_object('label', label, 'from', mean OPERATOR(pg_catalog.-) (s OPERATOR(pg_catalog.*) deviation), 'to', mean OPERATOR(pg_catalog.+) (s OPERATOR(pg_catalog.*) deviation), 'width', 9 OPERATOR(pg_catalog.-) (3 OPERATOR(pg_catalog.*) s))) AS data
	FROM center, pg_catalog.generate_series(1, 2) AS s WHERE i OPERATOR(pg_catalog.=) 1
), pair AS MATERIALIZED (
	SELECT x, y FROM drawn d, pg_catalog.generate_series(1, pg_catalog.cardinality(d.names)) AS x, pg_catalog.generate_series(x OPERATOR(pg_catalog.+) 1, pg_catalog.cardinality(d.names)) AS y
), ellipse AS (
	-- mean + s L (cos t, sin t) with the Cholesky factor L of the two columns' covariance
	SELECT pg_catalog.format('ellipses %s %s', o.x, o.y) AS name, pg_catalog.json_agg(pg_catalog.json_build_object(
		'label', a.label, 'sigmas', s, 't', t,
		'c' OPERATOR(pg_catalog.||) o.x, a.mean OPERATOR(pg_catalog.+) ((s OPERATOR(pg_catalog.*) a.deviation) OPERATOR(pg_catalog.*) w.cos),
		'c' OPERATOR(pg_catalog.||) o.y, b.mean OPERATOR(pg_catalog.+) (s OPERATOR(pg_catalog.*) (((r.rho OPERATOR(pg_catalog.*) b.deviation) OPERATOR(pg_catalog.*) w.cos) OPERATOR(pg_catalog.+)
			((pg_catalog.sqrt(1 OPERATOR(pg_catalog.-) (r.rho OPERATOR(pg_catalog.*) r.rho)) OPERATOR(pg_catalog.*) b.deviation) OPERATOR(pg_catalog.*) w.sin))))) AS data
	FROM pair o
	JOIN center a ON a.i OPERATOR(pg_catalog.=) o.x
	JOIN center b ON b.i OPERATOR(pg_catalog.=) o.y AND b.label OPERATOR(pg_catalog.=) a.label
	JOIN cluster c ON c.label OPERATOR(pg_catalog.=) a.label,
	LATERAL (SELECT greatest(-1, least(1, c.covariance[((a.i OPERATOR(pg_catalog.-) 1) OPERATOR(pg_catalog.*) pg_catalog.cardinality(c.mean)) OPERATOR(pg_catalog.+) b.i] OPERATOR(pg_catalog./) (a.deviation OPERATOR(pg_catalog.*) b.deviation))) AS rho) r,
	pg_catalog.generate_series(1, 2) AS s, pg_catalog.generate_series(0, 48) AS t,
	LATERAL (SELECT pg_catalog.cos(v.angle) AS cos, pg_catalog.sin(v.angle) AS sin FROM (SELECT (t OPERATOR(pg_catalog.*) pg_catalog.pi()) OPERATOR(pg_catalog./) 24 AS angle) v) w
	GROUP BY o.x, o.y
), dataset AS (
	SELECT pg_catalog.json_object_agg(name, coalesce(data, '[]')) AS data
	FROM (SELECT 'rows' AS name, data FROM sample UNION ALL SELECT 'means', data FROM mean
		UNION ALL SELECT 'spans', data FROM span UNION ALL SELECT name, data FROM ellipse) s
), picture AS (
	SELECT CASE
		WHEN pg_catalog.cardinality(d.names) OPERATOR(pg_catalog.=) 1 THEN bnai_plot_column(d.names[1], style.labels)
		WHEN pg_catalog.cardinality(d.names) OPERATOR(pg_catalog.=) 2 THEN bnai_plot_pair(1, 2, d.names, style.labels, 400)
		ELSE pg_catalog.json_build_object('vconcat', (
			SELECT pg_catalog.json_agg(line.data ORDER BY line.y)
			FROM (SELECT y, pg_catalog.json_build_object('hconcat', pg_catalog.json_agg(bnai_plot_pair(x, y, d.names, style.labels, 170) ORDER BY x)) AS data
				FROM pair GROUP BY y) line))
		END AS data
	FROM drawn d, style
)
SELECT bnai_plot_spec(
	bnai_plot_title(bnai_plot_clusters.network, 'Clusters of ' OPERATOR(pg_catalog.||) d.source,
		pg_catalog.format(CASE WHEN d.rows OPERATOR(pg_catalog.>) sample.n THEN 'a sample of %s of %s rows' ELSE '%s rows' END, sample.n, d.rows) OPERATOR(pg_catalog.||) '; lines: 1 and 2 standard deviations'),
	(pg_catalog.json_build_object('datasets', dataset.data)::pg_catalog.jsonb OPERATOR(pg_catalog.||) picture.data::pg_catalog.jsonb)::pg_catalog.json)
FROM (SELECT d.*, (d.posterior::pg_catalog.jsonb OPERATOR(pg_catalog.->>) 'rows')::bigint AS rows FROM drawn d) d, sample, dataset, picture;
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
			JOIN bnai_nodes n ON n.network OPERATOR(pg_catalog.=) e.network AND n.node OPERATOR(pg_catalog.=) e.child
		WHERE e.network OPERATOR(pg_catalog.=) bnai_plot_posterior.network AND e.parent OPERATOR(pg_catalog.=) bnai_plot_posterior.node AND n.columns IS NOT NULL
		LIMIT 1
	) o ON true
	WHERE c.label IS NOT NULL OR NOT EXISTS (SELECT FROM curve WHERE label IS NOT NULL)
), panel AS MATERIALIZED (
	SELECT index, column_name,
		pg_catalog.json_build_object(
			'width', 420,
			'height', 240,
			'data', pg_catalog.json_build_object('values', pg_catalog.json_agg(pg_catalog.json_strip_nulls(pg_catalog.json_build_object('label', label, 'x', x, 'y', density)) ORDER BY plate, x)),
			'encoding', (pg_catalog.jsonb_build_object(
				'x', pg_catalog.jsonb_build_object('field', 'x', 'type', 'quantitative', 'scale', pg_catalog.jsonb_build_object('zero', false, 'nice', false),
					'title', bnai_plot_posterior.node OPERATOR(pg_catalog.||) CASE WHEN column_name OPERATOR(pg_catalog.<>) '' THEN ' of ' OPERATOR(pg_catalog.||) column_name ELSE '' END),
				'y', pg_catalog.jsonb_build_object('field', 'y', 'type', 'quantitative', 'title', 'density', 'stack', NULL))
				OPERATOR(pg_catalog.||) CASE WHEN pg_catalog.bool_or(label IS NOT NULL) THEN pg_catalog.jsonb_build_object('color', pg_catalog.jsonb_build_object('field', 'label', 'type', 'nominal', 'title', 'cluster',
					'scale', bnai_plot_scale(bnai_plot_labels(pg_catalog.array_agg(DISTINCT label)), 'colors'::pg_catalog.text))) ELSE '{}' END)::pg_catalog.json,
			'layer', pg_catalog.json_build_array(
				pg_catalog.json_build_object('mark', pg_catalog.json_build_object('type', 'area', 'opacity', 0.25)),
				pg_catalog.json_build_object('mark', pg_catalog.json_build_object('type', 'line', 'strokeWidth', 2, 'clip', true)))) AS data
	FROM drawn GROUP BY index, column_name
)
SELECT bnai_plot_spec(
	bnai_plot_title(bnai_plot_posterior.network, 'Posterior of ' OPERATOR(pg_catalog.||) bnai_plot_posterior.node, NULL::pg_catalog.text),
	pg_catalog.json_build_object('vconcat', pg_catalog.json_agg(data ORDER BY index)))
FROM panel HAVING pg_catalog.count(*) OPERATOR(pg_catalog.>) 0;
END;
COMMENT ON FUNCTION bnai_plot_posterior IS 'part of bnai_plot: the posterior density of a node';

CREATE FUNCTION bnai_plot_trace(network text)
RETURNS json LANGUAGE sql STABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
WITH point AS MATERIALIZED (
	SELECT t.*, t.restart OPERATOR(pg_catalog.=) r.best_restart AS best
	FROM bnai_trace(bnai_plot_trace.network) t
	LEFT JOIN bnai_runs r ON r.network OPERATOR(pg_catalog.=) bnai_plot_trace.network AND r.is_current
)
SELECT bnai_plot_spec(
	bnai_plot_title(bnai_plot_trace.network, 'Evidence lower bound'::pg_catalog.text, 'each line is a restart'::pg_catalog.text),
	pg_catalog.json_build_object(
		'width', 480,
		'height', 300,
		'data', pg_catalog.json_build_object('values', pg_catalog.json_agg(pg_catalog.json_strip_nulls(pg_catalog.json_build_object('restart', restart, 'iteration', iteration, 'elbo', elbo,
			'event', CASE WHEN event OPERATOR(pg_catalog.<>) '' THEN event END, 'line', CASE WHEN best THEN 'best restart' ELSE 'other restarts' END)) ORDER BY best, restart, iteration)),
		'encoding', pg_catalog.json_build_object(
			'x', pg_catalog.json_build_object('field', 'iteration', 'type', 'quantitative', 'title', 'iteration', 'axis', pg_catalog.json_build_object('tickMinStep', 1, 'format', 'd')),
			'y', pg_catalog.json_build_object('field', 'elbo', 'type', 'quantitative', 'title', 'ELBO, nats', 'scale', pg_catalog.json_build_object('zero', false)),
			'detail', pg_catalog.json_build_object('field', 'restart'),
			'color', pg_catalog.json_build_object('field', 'line', 'type', 'nominal', 'title', NULL,
				'scale', pg_catalog.json_build_object('domain', pg_catalog.json_build_array('best restart', 'other restarts'), 'range', pg_catalog.json_build_array('#d55e00', '#9a9a9a')))),
		'layer', pg_catalog.json_build_array(
			pg_catalog.json_build_object('mark', pg_catalog.json_build_object('type', 'line', 'strokeWidth', 1.5)),
			pg_catalog.json_build_object(
				'transform', pg_catalog.json_build_array(pg_catalog.json_build_object('filter', 'isValid(datum.event)')),
				'mark', pg_catalog.json_build_object('type', 'point', 'filled', true, 'size', 30, 'opacity', 1),
				'encoding', pg_catalog.json_build_object('tooltip', pg_catalog.json_build_array(
					pg_catalog.json_build_object('field', 'event', 'type', 'nominal'), pg_catalog.json_build_object('field', 'restart'),
					pg_catalog.json_build_object('field', 'iteration'), pg_catalog.json_build_object('field', 'elbo', 'title', 'ELBO')))))))
FROM point HAVING pg_catalog.count(*) OPERATOR(pg_catalog.>) 0;
END;
COMMENT ON FUNCTION bnai_plot_trace IS 'part of bnai_plot: the evidence lower bound of the latest run';

CREATE FUNCTION bnai_plot_sizes(network text)
RETURNS json LANGUAGE sql STABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
WITH part AS MATERIALIZED (
	SELECT 'previous' AS run, label, size FROM bnai_previous_clusters p WHERE p.network OPERATOR(pg_catalog.=) bnai_plot_sizes.network
	UNION ALL
	SELECT 'current', label, size FROM bnai_clusters c WHERE c.network OPERATOR(pg_catalog.=) bnai_plot_sizes.network
)
SELECT bnai_plot_spec(
	bnai_plot_title(bnai_plot_sizes.network, 'Sizes of clusters'::pg_catalog.text, CASE WHEN pg_catalog.bool_or(run OPERATOR(pg_catalog.=) 'previous') THEN 'pale: the previous run'::pg_catalog.text END),
	pg_catalog.json_build_object(
		'width', 480,
		'height', 300,
		'data', pg_catalog.json_build_object('values', pg_catalog.json_agg(pg_catalog.json_build_object('label', label, 'run', run, 'size', size) ORDER BY bnai_label_number(label), run DESC)),
		'encoding', pg_catalog.json_build_object(
			'x', pg_catalog.json_build_object('field', 'label', 'type', 'nominal', 'title', 'cluster', 'sort', NULL, 'axis', pg_catalog.json_build_object('labelAngle', 0)),
			'xOffset', pg_catalog.json_build_object('field', 'run', 'sort', pg_catalog.json_build_array('previous', 'current')),
			'y', pg_catalog.json_build_object('field', 'size', 'type', 'quantitative', 'title', 'rows')),
		'layer', pg_catalog.json_build_array(
			pg_catalog.json_build_object(
				'mark', pg_catalog.json_build_object('type', 'bar'),
				'encoding', pg_catalog.json_build_object(
					'color', pg_catalog.json_build_object('field', 'label', 'type', 'nominal', 'legend', NULL,
						'scale', bnai_plot_scale(bnai_plot_labels(pg_catalog.array_agg(DISTINCT label)), 'colors'::pg_catalog.text)),
					'opacity', pg_catalog.json_build_object('field', 'run', 'type', 'ordinal', 'legend', NULL,
						'scale', pg_catalog.json_build_object('domain', pg_catalog.json_build_array('previous', 'current'), 'range', pg_catalog.json_build_array(0.4, 1))),
					'tooltip', pg_catalog.json_build_array(pg_catalog.json_build_object('field', 'label', 'title', 'cluster'), pg_catalog.json_build_object('field', 'run'),
						pg_catalog.json_build_object('field', 'size', 'title', 'rows')))),
			pg_catalog.json_build_object(
				'mark', pg_catalog.json_build_object('type', 'text', 'dy', -7),
				'encoding', pg_catalog.json_build_object('text', pg_catalog.json_build_object('field', 'size'))))))
FROM part HAVING bnai_fitted(bnai_plot_sizes.network) IS NOT NULL AND pg_catalog.count(*) OPERATOR(pg_catalog.>) 0;
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
		WHERE a.network OPERATOR(pg_catalog.=) bnai_plot_changes.network AND a.run OPERATOR(pg_catalog.<>) b.run AND a.clusters IS NOT NULL
		ORDER BY a.run DESC LIMIT 1) a
	WHERE b.network OPERATOR(pg_catalog.=) bnai_plot_changes.network AND b.is_current AND b.clusters IS NOT NULL
), cell AS MATERIALIZED (
	SELECT p.*, c.label, c.other_label, c.rows, c.rows::pg_catalog.float8 OPERATOR(pg_catalog./) pg_catalog.sum(c.rows) OVER (PARTITION BY c.label) AS share
	FROM pair p, bnai_compare(p.before, p.now) c
	WHERE c.label IS NOT NULL AND c.other_label IS NOT NULL AND c.rows OPERATOR(pg_catalog.>) 0
)
SELECT bnai_plot_spec(
	bnai_plot_title(bnai_plot_changes.network, 'Where rows have gone'::pg_catalog.text, pg_catalog.format('run %s against run %s', pg_catalog.max(now), pg_catalog.max(before))),
	pg_catalog.json_build_object(
		'width', 300,
		'height', 300,
		'data', pg_catalog.json_build_object('values', pg_catalog.json_agg(pg_catalog.json_build_object('before', label, 'now', other_label, 'rows', rows, 'share', share)
			ORDER BY bnai_label_number(label), bnai_label_number(other_label))),
		'encoding', pg_catalog.json_build_object(
			'x', pg_catalog.json_build_object('field', 'now', 'type', 'ordinal', 'title', pg_catalog.format('cluster in run %s', pg_catalog.max(now)), 'axis', pg_catalog.json_build_object('labelAngle', 0, 'grid', false),
				'sort', (SELECT pg_catalog.json_agg(l ORDER BY bnai_label_number(l)) FROM (SELECT DISTINCT other_label AS l FROM cell) n)),
			'y', pg_catalog.json_build_object('field', 'before', 'type', 'ordinal', 'title', pg_catalog.format('cluster in run %s', pg_catalog.max(before)), 'axis', pg_catalog.json_build_object('grid', false),
				'sort', (SELECT pg_catalog.json_agg(l ORDER BY bnai_label_number(l)) FROM (SELECT DISTINCT label AS l FROM cell) b))),
		'layer', pg_catalog.json_build_array(
			pg_catalog.json_build_object(
				'mark', pg_catalog.json_build_object('type', 'rect'),
				'encoding', pg_catalog.json_build_object('color', pg_catalog.json_build_object('field', 'share', 'type', 'quantitative', 'title', 'share of the row',
					'scale', pg_catalog.json_build_object('scheme', 'blues', 'domain', pg_catalog.json_build_array(0, 1)), 'legend', pg_catalog.json_build_object('format', '.0%')))),
			pg_catalog.json_build_object(
				'mark', pg_catalog.json_build_object('type', 'text', 'fontWeight', 'bold'),
				'encoding', pg_catalog.json_build_object(
					'text', pg_catalog.json_build_object('field', 'rows', 'type', 'quantitative'),
					'color', pg_catalog.json_build_object('condition', pg_catalog.json_build_object('test', 'datum.share > 0.6', 'value', 'white'), 'value', 'black'))))))
FROM cell HAVING bnai_fitted(bnai_plot_changes.network) IS NOT NULL AND pg_catalog.count(*) OPERATOR(pg_catalog.>) 0;
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
RETURN CASE
	WHEN what OPERATOR(pg_catalog.=) 'clusters' THEN bnai_plot_clusters(network, columns, sample_size, seed)
	WHEN what OPERATOR(pg_catalog.=) 'posterior' THEN bnai_plot_posterior(network, node, lower, upper)
	WHEN what OPERATOR(pg_catalog.=) 'trace' THEN bnai_plot_trace(network)
	WHEN what OPERATOR(pg_catalog.=) 'sizes' THEN bnai_plot_sizes(network)
	WHEN what OPERATOR(pg_catalog.=) 'changes' THEN bnai_plot_changes(network)
	ELSE bnai_refuse_plot(what)
END;
COMMENT ON FUNCTION bnai_plot IS
'a picture of the current run as a Vega-Lite specification with its data: clusters (a sample of rows by columns and label, with means and ellipses; needs SELECT on the columns), posterior (the density of a node, from lower to upper where they are given), trace (the evidence lower bound of each restart), sizes (of clusters, against the previous run) or changes (how many rows of each cluster of the latest other run each cluster has now; needs SELECT on the columns); NULL if the network has not been inferred, or not twice';

