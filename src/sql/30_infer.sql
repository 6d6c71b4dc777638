/* --- inference --- */

CREATE FUNCTION bnai_infer(
	network text,
	nowait boolean DEFAULT false,
	OUT run bigint,
	OUT rows bigint,
	OUT rows_skipped bigint,
	OUT restarts integer,
	OUT best_restart integer,
	OUT iterations integer,
	OUT converged boolean,
	OUT elbo double precision,
	OUT clusters integer,
	OUT rows_relabelled bigint,
	OUT elapsed interval
)
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE COST 1000000;
COMMENT ON FUNCTION bnai_infer(text, boolean) IS
'Infers a network from the rows of its source: stores the posterior as a run and writes the labels into the results column, all or nothing. Returns one row: the run, how many rows were used and how many skipped for a NULL, restarts and which of them was best, its iterations and whether it converged, the evidence lower bound in nats, the number of clusters that hold rows, how many rows got another label, and the time it took. Waits for another inference of the network, or with nowait fails at once. Call it as SELECT * FROM bnai_infer(...). Errors: no rows, a NaN or an infinity, a source or column that is gone, missing privileges.';

CREATE FUNCTION bnai_reset(network text) RETURNS bigint
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION bnai_reset(text) IS
'Forgets the posterior of a network and sets its results column to NULL; returns how many rows were cleared. The next inference names its clusters anew. The history of runs stays.';

CREATE FUNCTION bnai_label_number(label text) RETURNS integer
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION bnai_label_number(text) IS
'The number of a label, as it is written into results columns of an integer type: A is 1, Z is 26, AA is 27. Error: the text is not a label.';
