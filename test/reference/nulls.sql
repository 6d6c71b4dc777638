-- Rows that lack a whole leaf, and single columns of a leaf whose columns are independent: what is
-- not there is left out.  1e-8 relative, as for the other golden traces; the network is well
-- conditioned.

\set golden `cat test/reference/nulls.json`

SELECT plan(8);

\i test/reference/golden.psql

CREATE TABLE first_rows AS
SELECT o.*, j -> 'probabilities' -> (id - 1) AS probabilities, (j -> 'scores' -> (id - 1))::float8 AS score
FROM golden, observations AS o WHERE id <= 6;

-- probabilities in the order of the labels that the rows began with
SELECT is(count(*) FILTER (WHERE abs(p.probability - want::float8) <= 1e-8), 18::bigint, 'nulls: probabilities of the components')
FROM first_rows, jsonb_array_elements(probabilities) WITH ORDINALITY AS g (want, component)
	JOIN LATERAL bnai_predict_proba('nulls', a1, a2, b1, b2, b3) AS p ON p.label = chr(64 + component::integer);
SELECT is_empty($$ SELECT id, bnai_score('nulls', a1, a2, b1, b2, b3), score FROM first_rows
	WHERE (abs(bnai_score('nulls', a1, a2, b1, b2, b3) - score) <= 1e-8 * abs(score)) IS NOT TRUE $$, 'nulls: log predictive densities');
SELECT ok(bnai_score('nulls', NULL, NULL, 2.5, NULL, NULL) = bnai_score(bnai_fitted('nulls')::text::bnai_posterior, NULL, NULL, 2.5, NULL, NULL),
	'nulls: a posterior with a shape for each column is read back as it was');

SELECT * FROM finish();
