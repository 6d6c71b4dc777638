--
-- The type bnai_posterior: text and binary forms, and what they refuse
--

-- A mixture of two Gaussians and a retired one, a row plate of two leaves
CREATE TABLE example (name text PRIMARY KEY, p bnai_posterior);
INSERT INTO example VALUES ('mixture', '{
	"version": 1, "network_type": "clustering", "rows": 200, "elbo": -951.5768,
	"nodes": [
		{"name": "alpha", "distribution": "Dirichlet", "plates": 1, "dim": 3, "parameters": {"alpha": [120.1, 80.1, 0.1]}},
		{"name": "mu", "distribution": "Gaussian", "plates": 3, "dim": 2, "parameters": {
			"mu": [[20, 30], [1e100, -5e-324], [0.1, 0.30000000000000004]],
			"Lambda": [[[4, 1], [1, 3]], [[2, 0], [0, 2]], [[1e-5, 0], [0, 1e-5]]]}},
		{"name": "Lambda", "distribution": "Wishart", "plates": 3, "dim": 2, "parameters": {
			"n": [122, 82, 2.5],
			"V": [[[40, 1], [1, 30]], [[20, 0], [0, 20]], [[1e-5, 0], [0, 1e-5]]]}}],
	"selector": {"name": "Z", "parameters": {"p": "alpha"}},
	"clusters": [
		{"label": "B", "size": 120, "count": 119.75, "live": true},
		{"label": "A", "size": 80, "count": 80.25, "live": true},
		{"label": null, "size": 0, "count": 0, "live": false}],
	"leaves": [
		{"name": "Y", "distribution": "Gaussian", "mixture": true, "dim": 2, "columns": ["a", "the \"b\""],
		 "parameters": {"mu": "mu", "Lambda": "Lambda"}},
		{"name": "W", "distribution": "GaussianARD", "mixture": false, "dim": 1, "columns": ["c"],
		 "parameters": {"mu": 1.5, "alpha": 0.25}}]}');
INSERT INTO example VALUES ('plain', '{
	"version": 1, "network_type": "general", "rows": 4, "elbo": -12,
	"nodes": [
		{"name": "mu", "distribution": "GaussianARD", "plates": 1, "dim": 1, "parameters": {"mu": 9.8, "alpha": 7.8}},
		{"name": "tau", "distribution": "Gamma", "plates": 1, "dim": 1, "parameters": {"a": 100, "b": 2553.5}}],
	"selector": null,
	"clusters": [{"label": null, "size": 4, "count": 4, "live": true}],
	"leaves": [
		{"name": "x", "distribution": "GaussianARD", "mixture": false, "dim": 1, "columns": ["x"],
		 "parameters": {"mu": "mu", "alpha": "tau"}}]}');
SELECT p FROM example ORDER BY name;

-- Text round-trips exactly, and so does the binary form
SELECT name, p::text::bnai_posterior::text = p::text AS text_form FROM example ORDER BY name;
SELECT name, bnai_posterior_send(p::text::bnai_posterior) = bnai_posterior_send(p) AS bytes FROM example ORDER BY name;

-- Reads bytes as a posterior through the binary protocol
CREATE TABLE received (p bnai_posterior);
CREATE FUNCTION receive(value bytea) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	file text := current_setting('data_directory') || '/bnai_posterior.copy';
	object oid := lo_from_bytea(0, '\x5047434f50590aff0d0a00'::bytea || '\x0000000000000000'	-- signature, flags
								|| '\x0001'::bytea || int4send(length(value)) || value || '\xffff');
	detail text;
BEGIN
	PERFORM lo_export(object, file), lo_unlink(object);
	DELETE FROM received;
	EXECUTE format('COPY received FROM %L (FORMAT binary)', file);
	RETURN CASE WHEN p::text::bnai_posterior::text = p::text THEN 'accepted' ELSE 'not the same' END FROM received;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
	RETURN sqlerrm || coalesce(': ' || nullif(detail, ''), '');
END $$;
SELECT receive(bnai_posterior_send(p)) FROM example WHERE name = 'plain';
SELECT r.p::text = e.p::text AS same FROM received r, example e WHERE name = 'plain';
SELECT receive(bnai_posterior_send(p)) FROM example WHERE name = 'mixture';
SELECT r.p::text = e.p::text AS same FROM received r, example e WHERE name = 'mixture';

-- Version 3 had one number for the shapes of a GammaVector; where they are the same, text has it still
SELECT receive('\x'
	'00000003000000000000000009c0280000000000000000000000000002000000016d00000010476175737369616e446961676f6e616c00000002000000023ff00000000000004000000000'
	'0000004014000000000000401800000000000040080000000000004010000000000000401c000000000000402000000000000000000001740000000b47616d6d61566563746f7200000002'
	'0000000240080000000000003ff0000000000000400000000000000040100000000000003fe00000000000003fd00000000000000000000201000000017affffffff3fd00000000000003f'
	'e80000000000000101000000014100000000000000044010000000000000010100000001420000000000000005401400000000000000000001000000017800000010476175737369616e44'
	'6961676f6e616c01000000020000000161000000016200000000000000010000000000');
SELECT jsonb_path_query(p::text::jsonb, '$.nodes[1].parameters') AS before FROM received;
SELECT receive(bnai_posterior_send(replace(p::text, '"a": [3, 4]', '"a": [[3, 5], 4]')::bnai_posterior)) FROM received;
SELECT jsonb_path_query(p::text::jsonb, '$.nodes[1].parameters') AS now FROM received;

-- A value that is long enough is stored out of line
INSERT INTO example
SELECT 'long', (SELECT jsonb_set(p::jsonb, '{nodes}',
				 (SELECT jsonb_agg(jsonb_build_object('name', 'n' || i, 'distribution', 'Gamma', 'plates', 1, 'dim', 1,
									'parameters', jsonb_build_object('a', sqrt(i), 'b', ln(i + 1)))) || (p::jsonb -> 'nodes')
				  FROM generate_series(1, 1000) i))::text::bnai_posterior FROM example WHERE name = 'plain');
SELECT pg_column_size(p) > 20000 AS long, p::text::bnai_posterior::text = p::text AS text_form FROM example WHERE name = 'long';
DELETE FROM example WHERE name = 'long';

-- It can be queried as jsonb
SELECT p::jsonb -> 'leaves' -> 0 -> 'columns' AS columns FROM example WHERE name = 'mixture';

-- -0 has no text form: it is 0
SELECT jsonb_set(p::jsonb, '{nodes,0,parameters,mu}', '-0.0')::text::bnai_posterior::jsonb #> '{nodes,0,parameters}' AS zero
FROM example WHERE name = 'plain';

-- What input refuses
SELECT ''::bnai_posterior;
SELECT '[1, 2'::bnai_posterior;
SELECT '[1, 2]'::bnai_posterior;
SELECT '7'::bnai_posterior;
SELECT '{}'::bnai_posterior;
SELECT '{"version": 5}'::bnai_posterior;
SELECT '{"version": 2, "network_type": "general", "rows": 4, "elbo": -12, "density_quantiles": [2, 1]}'::bnai_posterior;
SELECT '{"version": 1.5}'::bnai_posterior;
SELECT '{"version": "1"}'::bnai_posterior;
SELECT '{"version": 1, "colour": "red"}'::bnai_posterior;

-- Sets one part of an example and reads it as a posterior
CREATE FUNCTION try(chosen text, path text[], value jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	detail text;
BEGIN
	PERFORM jsonb_set(p::jsonb, path, value)::text::bnai_posterior FROM example WHERE name = chosen;
	RETURN 'accepted';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
	RETURN sqlstate || ' ' || sqlerrm || coalesce(': ' || nullif(detail, ''), '');
END $$;

SELECT path, left(value::text, 40) AS value, try('mixture', path, value)
FROM (VALUES
	('{network_type}'::text[], '"tree"'::jsonb),
	('{rows}', '-1'),
	('{rows}', '1e30'),
	('{rows}', '1.5'),
	('{elbo}', 'null'),
	('{nodes}', '{}'),
	('{nodes}', '[1]'),
	('{nodes,0,name}', '""'),
	('{nodes,0,name}', '"Y"'),
	('{nodes,0,distribution}', '"Cauchy"'),
	('{nodes,0,distribution}', '"Categorical"'),
	('{nodes,0,distribution}', '"Mixture"'),
	('{nodes,0,dim}', '0'),
	('{nodes,0,dim}', '2'),
	('{nodes,0,dim}', '2000000000'),
	('{nodes,0,plates}', '0'),
	('{nodes,0,plates}', '3'),
	('{nodes,0,parameters,alpha}', '[120.1, 80.1]'),
	('{nodes,0,parameters,alpha}', '[120.1, 80.1, 0]'),
	('{nodes,0,parameters,alpha}', '[120.1, 80.1, "x"]'),
	('{nodes,0,parameters,beta}', '1'),
	('{nodes,1,plates}', '100000'),
	('{nodes,1,plates}', '60000'),
	('{nodes,1,dim}', '3000'),
	('{nodes,1,parameters,mu,0}', '[20]'),
	('{nodes,1,parameters,Lambda,0}', '[[4, 1], [2, 3]]'),
	('{nodes,1,parameters,Lambda,0}', '[[1, 2], [2, 1]]'),
	('{nodes,1,parameters,Lambda,0}', '[[-1, 0], [0, 1]]'),
	('{nodes,1,parameters,Lambda,0}', '[[4, 1], [1]]'),
	('{nodes,1,parameters,Lambda,0}', '7'),
	('{nodes,2,parameters,n,2}', '1'),
	('{nodes,2,parameters,V,2}', '[[1e-320, 0], [0, 1e-320]]'),
	('{selector}', 'null'),
	('{selector,name}', '7'),
	('{selector,parameters,p}', '"beta"'),
	('{selector,parameters,p}', '"mu"'),
	('{selector,parameters,p}', '[0.5, 0.25, 0.25]'),
	('{selector,parameters,p}', '[0.5, 0.5, 0.25]'),
	('{selector,parameters,p}', '[0.5, 0.5]'),
	('{clusters}', '[]'),
	('{clusters}', '[{"label": null, "size": 0, "count": 0, "live": false}]'),
	('{clusters,1,label}', '"B"'),
	('{clusters,1,label}', '"b"'),
	('{clusters,1,label}', '"AAAAAAAAAA"'),
	('{clusters,1,label}', '7'),
	('{clusters,1,live}', 'false'),
	('{clusters,1,size}', '-5'),
	('{clusters,1,count}', '-5'),
	('{clusters,1,colour}', '"red"'),
	('{leaves}', 'null'),
	('{leaves,0,distribution}', '"Gamma"'),
	('{leaves,0,distribution}', '"GaussianARD"'),
	('{leaves,0,mixture}', 'false'),
	('{leaves,0,mixture}', '1'),
	('{leaves,0,dim}', '3'),
	('{leaves,1,dim}', '2'),
	('{leaves,0,columns}', '["a"]'),
	('{leaves,0,columns}', '["a", ""]'),
	('{leaves,0,columns}', '["a", 7]'),
	('{leaves,0,parameters,mu}', '"Lambda"'),
	('{leaves,0,parameters,mu}', '[1, 2]'),
	('{leaves,1,parameters,alpha}', '0'),
	('{leaves,1,parameters,alpha}', '"mu"')) AS t (path, value);
SELECT try('plain', '{clusters,0,label}', '"A"');
SELECT try('plain', '{nodes,0,dim}', '2');
SELECT try('plain', '{leaves,0,mixture}', 'true');
SELECT try('plain', '{leaves}', '[]');


-- Rows that lack columns have quantiles of their own; they round-trip like the rest
INSERT INTO example
SELECT 'holes', (SELECT p::jsonb || jsonb_build_object('missing', 'marginalize', 'density_quantiles', q, 'density_patterns', jsonb_build_array(
	jsonb_build_object('missing', '[2]'::jsonb, 'quantiles', q), jsonb_build_object('missing', '[1, 3]'::jsonb, 'quantiles', q)))
	FROM (SELECT jsonb_agg(ln(i) / 3 - 10 ORDER BY i) AS q FROM generate_series(1, 121) AS i) AS l)::text::bnai_posterior
FROM example WHERE name = 'mixture';
SELECT p::text::bnai_posterior::text = p::text AS text_form, bnai_posterior_send(p::text::bnai_posterior) = bnai_posterior_send(p) AS bytes,
	receive(bnai_posterior_send(p)) FROM example WHERE name = 'holes';
SELECT path, value, try('holes', path, value)
FROM (VALUES
	('{missing}'::text[], '"skip"'::jsonb),
	('{density_patterns}', 'null'),
	('{density_patterns,0,missing}', '[]'),
	('{density_patterns,0,missing}', '[1, 2, 3]'),
	('{density_patterns,0,missing}', '[0]'),
	('{density_patterns,0,missing}', '[4]'),
	('{density_patterns,0,missing}', '[2, 1]'),
	('{density_patterns,0,missing}', '[1, 3]'),
	('{density_patterns,0,missing}', '[1.5]'),
	('{density_patterns,0,missing}', '["a"]'),
	('{density_patterns,0,quantiles}', '[1, 2]'),
	('{density_patterns,0,quantiles,120}', '-20'),
	('{density_patterns,0,colour}', '"red"')) AS t (path, value);
SELECT try('holes', '{density_patterns}', jsonb_agg(jsonb_build_object('missing', i))) FROM generate_series(1, 33) AS i;


-- Binary input: forged values are refused, whatever they hold
SELECT receive('');
SELECT receive('\x00000005');
SELECT receive('\x00000001');
SELECT receive(bnai_posterior_send(p) || '\x00') FROM example WHERE name = 'plain';
SELECT receive(overlay(bnai_posterior_send(p) PLACING '\x02' FROM 5 FOR 1)) FROM example WHERE name = 'plain';
SELECT receive(overlay(bnai_posterior_send(p) PLACING '\x7fffffff' FROM 22 FOR 4)) FROM example WHERE name = 'plain';
SELECT receive(overlay(bnai_posterior_send(p) PLACING '\x7fffffff' FROM 26 FOR 4)) FROM example WHERE name = 'plain';
-- version 2 is the same without the patterns at the end; version 1 without the quantiles and the flag, too
SELECT receive(overlay(substr(v, 1, length(v) - 4) PLACING '\x00000002' FROM 1))
FROM example, LATERAL bnai_posterior_send(p) AS v WHERE name = 'plain';
SELECT receive(overlay(overlay(substr(v, 1, length(v) - 5) PLACING '\x' FROM 22 FOR 4) PLACING '\x00000001' FROM 1))
FROM example, LATERAL bnai_posterior_send(p) AS v WHERE name = 'plain';
SELECT receive(overlay(bnai_posterior_send(p) PLACING '\xffffffff' FROM 30 FOR 4)) FROM example WHERE name = 'plain';
SELECT receive(overlay(bnai_posterior_send(p) PLACING '\x00' FROM 34 FOR 1)) FROM example WHERE name = 'plain';
SELECT receive(overlay(bnai_posterior_send(p) PLACING '\xff' FROM 34 FOR 1)) FROM example WHERE name = 'plain';
SELECT receive(overlay(bnai_posterior_send(p) PLACING float8send('NaN') FROM 14 FOR 8)) FROM example WHERE name = 'plain';

-- Cut off anywhere it is refused (the long one at fewer places); with a byte changed it is refused or another sound posterior
SELECT name, count(*) FILTER (WHERE receive(substr(v, 1, n)) = 'accepted') AS accepted
FROM (SELECT name, bnai_posterior_send(p) AS v FROM example) e, generate_series(0, length(v) - 1, CASE name WHEN 'holes' THEN 31 ELSE 3 END) n
GROUP BY name ORDER BY name;
SELECT name, count(*) FILTER (WHERE receive(set_byte(v, n, byte)) = 'not the same') AS unsound
FROM (SELECT name, bnai_posterior_send(p) AS v FROM example) e, generate_series(0, length(v) - 1, CASE name WHEN 'holes' THEN 51 ELSE 5 END) n,
	 (VALUES (0), (127), (255)) b (byte)
GROUP BY name ORDER BY name;

DROP FUNCTION receive, try;
DROP TABLE example, received;
