/* --- bnai_stored_posterior: a posterior as bnai_run keeps it --- */

CREATE TYPE bnai_stored_posterior;

CREATE FUNCTION bnai_stored_posterior_in(cstring) RETURNS bnai_stored_posterior
	LANGUAGE C STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_stored_posterior_in(cstring) IS 'I/O';

CREATE FUNCTION bnai_stored_posterior_out(bnai_stored_posterior) RETURNS cstring
	LANGUAGE C STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_stored_posterior_out(bnai_stored_posterior) IS 'I/O';

CREATE TYPE bnai_stored_posterior (
	INPUT = bnai_stored_posterior_in,
	OUTPUT = bnai_stored_posterior_out,
	INTERNALLENGTH = VARIABLE,
	STORAGE = extended
);
COMMENT ON TYPE bnai_stored_posterior IS
	'a posterior in table bnai_run: the text of a bnai_posterior for who may read the network of its run, and for superusers and pg_read_all_data; for others who dump the table, withheld';

CREATE FUNCTION bnai_store_posterior(posterior bnai_posterior) RETURNS bnai_stored_posterior
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_store_posterior(bnai_posterior) IS 'cast';

CREATE CAST (bnai_posterior AS bnai_stored_posterior) WITH FUNCTION bnai_store_posterior(bnai_posterior) AS ASSIGNMENT;
COMMENT ON CAST (bnai_posterior AS bnai_stored_posterior) IS 'there is no way back but bnai_run_posterior';
