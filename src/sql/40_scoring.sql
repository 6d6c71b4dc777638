
/* --- scoring: rows that the network may never have seen --- */

-- A VARIADIC function takes an array too: f(network, VARIADIC array).  A second
-- function for arrays would have the same argument types.

CREATE FUNCTION bnai_predict(network text, VARIADIC observation float8[]) RETURNS text
	LANGUAGE C STABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'bnai_predict';
COMMENT ON FUNCTION bnai_predict(text, float8[]) IS
	'the label of the cluster that a row belongs to, as the results column holds it; the values are those of the network''s columns, in its order (an array: VARIADIC array); NULL if all of them are (one, where missing is skip), or the network has not been inferred';

CREATE FUNCTION bnai_predict(posterior bnai_posterior, VARIADIC observation float8[]) RETURNS text
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'bnai_predict_by_value';
COMMENT ON FUNCTION bnai_predict(bnai_posterior, float8[]) IS 'the label of the cluster of a posterior that a row belongs to';

CREATE FUNCTION bnai_predict_proba(network text, VARIADIC observation float8[], OUT label text, OUT probability float8)
	RETURNS SETOF record
	LANGUAGE C STABLE STRICT PARALLEL SAFE COST 20 ROWS 5 AS 'MODULE_PATHNAME', 'bnai_predict_proba';
COMMENT ON FUNCTION bnai_predict_proba(text, float8[]) IS
	'the labels with the probability that a row belongs to them, the greatest first; they sum to 1';

CREATE FUNCTION bnai_predict_proba(posterior bnai_posterior, VARIADIC observation float8[], OUT label text, OUT probability float8)
	RETURNS SETOF record
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20 ROWS 5 AS 'MODULE_PATHNAME', 'bnai_predict_proba_by_value';
COMMENT ON FUNCTION bnai_predict_proba(bnai_posterior, float8[]) IS
	'the labels of a posterior with the probability that a row belongs to them, the greatest first';

CREATE FUNCTION bnai_score(network text, VARIADIC observation float8[]) RETURNS float8
	LANGUAGE C STABLE STRICT PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'bnai_score';
COMMENT ON FUNCTION bnai_score(text, float8[]) IS
	'the log of the posterior predictive density of a row, a mixture of Student-t distributions, in nats and the user''s units: the lower, the less typical';

CREATE FUNCTION bnai_score(posterior bnai_posterior, VARIADIC observation float8[]) RETURNS float8
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'bnai_score_by_value';
COMMENT ON FUNCTION bnai_score(bnai_posterior, float8[]) IS 'the log of the predictive density of a row under a posterior';

CREATE FUNCTION bnai_typicality(network text, VARIADIC observation float8[]) RETURNS float8
	LANGUAGE C STABLE STRICT PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'bnai_typicality';
COMMENT ON FUNCTION bnai_typicality(text, float8[]) IS
	'the share of the rows of the fit that are at most as typical as this row, by their predictive density: 0.01 is a 1-in-100 row, 0 is less typical than all; NULL like bnai_score; a row that lacks columns is ranked by those that it has, NULL if they are not what rows of the fit lacked';

CREATE FUNCTION bnai_typicality(posterior bnai_posterior, VARIADIC observation float8[]) RETURNS float8
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'bnai_typicality_by_value';
COMMENT ON FUNCTION bnai_typicality(bnai_posterior, float8[]) IS 'the share of the rows of the fit of a posterior that are at most as typical as this row';

CREATE FUNCTION bnai_explain(network text, VARIADIC observation float8[],
	OUT column_name text, OUT value float8, OUT mean float8, OUT deviation float8, OUT pull float8, OUT label text, OUT runner_up text)
	RETURNS SETOF record
	LANGUAGE C STABLE STRICT PARALLEL SAFE COST 50 ROWS 5 AS 'MODULE_PATHNAME', 'bnai_explain';
COMMENT ON FUNCTION bnai_explain(text, float8[]) IS
	'why a row has its label, column by column: mean of the cluster, deviation from it in standard deviations, and pull: the log odds, in nats, that the column''s value adds to the label against the runner-up, given the other columns';

CREATE FUNCTION bnai_explain(posterior bnai_posterior, VARIADIC observation float8[],
	OUT column_name text, OUT value float8, OUT mean float8, OUT deviation float8, OUT pull float8, OUT label text, OUT runner_up text)
	RETURNS SETOF record
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50 ROWS 5 AS 'MODULE_PATHNAME', 'bnai_explain_by_value';
COMMENT ON FUNCTION bnai_explain(bnai_posterior, float8[]) IS 'why a row has its label under a posterior, column by column';

CREATE FUNCTION bnai_impute(network text, VARIADIC observation float8[], OUT column_name text, OUT value float8, OUT deviation float8)
	RETURNS SETOF record
	LANGUAGE C STABLE STRICT PARALLEL SAFE COST 50 ROWS 1 AS 'MODULE_PATHNAME', 'bnai_impute';
COMMENT ON FUNCTION bnai_impute(text, float8[]) IS
	'what is missing in a row: for each column that is NULL its expected value given the others and its standard deviation, over the clusters that the row may belong to; no rows where nothing is NULL, or everything';

CREATE FUNCTION bnai_impute(posterior bnai_posterior, VARIADIC observation float8[], OUT column_name text, OUT value float8, OUT deviation float8)
	RETURNS SETOF record
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 50 ROWS 1 AS 'MODULE_PATHNAME', 'bnai_impute_by_value';
COMMENT ON FUNCTION bnai_impute(bnai_posterior, float8[]) IS 'what is missing in a row under a posterior: expected value and standard deviation of each column that is NULL';
