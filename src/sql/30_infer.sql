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
'Infers a network from the rows of its source: stores the posterior as a run and writes the labels into the results column, all or nothing. Returns one row: the run, how many rows were used and how many skipped for a NULL, restarts and which of them was best, its iterations and whether it converged, the evidence lower bound in nats, the number of clusters that hold rows, how many rows got another label, and the time it took. On rows that have changed since the current run its clusters stay, with a notice, unless others gain more than refit_margin; with refit as full the best bound wins in any case. Waits for another inference of the network, or with nowait fails at once. Call it as SELECT * FROM bnai_infer(...). Errors: no rows, a NaN or an infinity, a source or column that is gone, missing privileges.';

CREATE FUNCTION bnai_reset(network text) RETURNS bigint
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION bnai_reset(text) IS
'Forgets the posterior of a network and sets its results column to NULL; returns how many rows were cleared. The next inference names its clusters anew. The history of runs stays.';

CREATE FUNCTION bnai_rollback(network text, run bigint DEFAULT NULL) RETURNS bigint
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION bnai_rollback(text, bigint) IS
'Makes an earlier run of a network (by default the previous one) its current run again and writes its labels into the results column; returns how many rows were relabelled, NULL without a results column. The next inference carries its labels over. Errors: the history holds no such run of the network.';

CREATE FUNCTION bnai_compare(
	run bigint,
	other_run bigint,
	OUT label text,
	OUT other_label text,
	OUT rows bigint,
	OUT shift float8[])
	RETURNS SETOF record
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL UNSAFE COST 100000 ROWS 10;
COMMENT ON FUNCTION bnai_compare(bigint, bigint) IS
'Compares two runs on the rows that their source has now: how many rows each pair of labels has, and how far the mean of the second label lies from that of the first, column by column, in standard deviations of the first (NULL where the columns differ). Needs the right to read both networks and the source. Errors: the history holds no such run.';

CREATE FUNCTION bnai_changes(
	network text,
	OUT label text,
	OUT change text,
	OUT other_labels text[],
	OUT size bigint,
	OUT previous_size bigint,
	OUT moved float8,
	OUT drift float8[])
	RETURNS SETOF record
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL SAFE COST 1000 ROWS 10;
COMMENT ON FUNCTION bnai_changes(text) IS
'What the current run of a network changed, label by label, against the run that it took its labels from. change is kept, birth (of rows that no cluster had), death (its rows are gone), split (a new label took most of its rows from other_labels) or merge (a label that is gone, whose rows other_labels took). moved is the share of the rows that the other run would have given that label, as they are now, that have another one; drift is how far the mean moved, column by column, in standard deviations of the old cluster. The last row, without a label, has the share of all rows that moved. No rows for the first run.';

CREATE FUNCTION bnai_compare_clusters(
	network text,
	from_clusters integer,
	to_clusters integer,
	OUT max_clusters integer,
	OUT restart integer,
	OUT best boolean,
	OUT elbo float8,
	OUT evidence float8,
	OUT clusters integer,
	OUT sizes bigint[],
	OUT iterations integer,
	OUT converged boolean)
	RETURNS SETOF record
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE COST 1000000 ROWS 20;
COMMENT ON FUNCTION bnai_compare_clusters(text, integer, integer) IS
'Fits the rows of a network with each number of clusters in a range, none of which is pruned, and returns how each restart ended; stores nothing. evidence is the complete evidence lower bound plus the log of the number of labellings, to be compared over the numbers of clusters: the greatest is the best supported. Errors: a network without clusters, or whose nodes tell its components apart; no rows.';

CREATE FUNCTION bnai_posterior_as_prior(network text, discount float8 DEFAULT 1) RETURNS void
	AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION bnai_posterior_as_prior(text, float8) IS
'Turns what a network has learned into its priors: the parameters of its nodes become those of the current posterior, for each component its own (each), to be seen in bnai_nodes; a node that was a parameter of others only is dropped. discount, above 0 and at most 1, is what counts are multiplied by (as by a power of the posterior): 0.5 counts what was learned half. The rows that were learned from should not be in the source any more. bnai_set(network, ''priors'', ''data'') is the way back for a clustering. Errors: not inferred, nodes that have changed since, a discount that leaves no proper distribution.';

CREATE FUNCTION bnai_label_number(label text) RETURNS integer
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION bnai_label_number(text) IS
'The number of a label, as it is written into results columns of an integer type: A is 1, Z is 26, AA is 27. Error: the text is not a label.';

CREATE FUNCTION bnai_elements(value float8[], width integer, name text) RETURNS float8[]
	AS 'MODULE_PATHNAME' LANGUAGE C IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE;
COMMENT ON FUNCTION bnai_elements(float8[], integer, text) IS
'The numbers of an observed array: width of them, all NULL if the array is, which a row is put together from. Error: an array of another length, which is that of the column called name.';

/* --- fitting the rows of a query --- */

CREATE FUNCTION bnai_fit_row(state internal, network text, observation float8[]) RETURNS internal
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL UNSAFE;
COMMENT ON FUNCTION bnai_fit_row(internal, text, float8[]) IS 'takes one row of bnai_fit';

CREATE FUNCTION bnai_fit_posterior(state internal) RETURNS bnai_posterior
	AS 'MODULE_PATHNAME' LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL UNSAFE COST 1000000;
COMMENT ON FUNCTION bnai_fit_posterior(internal) IS 'fits the rows that bnai_fit has taken';

CREATE AGGREGATE bnai_fit(network text, VARIADIC observation float8[]) (
	SFUNC = bnai_fit_row,
	STYPE = internal,
	SSPACE = 65536,
	FINALFUNC = bnai_fit_posterior,
	FINALFUNC_MODIFY = READ_WRITE,
	PARALLEL = UNSAFE
);
COMMENT ON AGGREGATE bnai_fit(text, VARIADIC float8[]) IS
'fits a network to the rows of a query, one model for each group, and returns the posterior, which the scoring functions take as their first argument; stores nothing. The values are those of the network''s columns, in its order, then that of its weight column if it has one (an array: VARIADIC array); the network''s settings hold; rows with a NULL are treated as bnai_infer treats them; NULL if there are no rows. Whoever may read the network may fit it. Errors: a NaN or an infinity, two networks in one group, a network that starts from its results, use as a window function';
