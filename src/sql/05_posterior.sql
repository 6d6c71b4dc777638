
/* --- bnai_posterior: a fitted network as a value --- */

CREATE TYPE bnai_posterior;

CREATE FUNCTION bnai_posterior_in(cstring) RETURNS bnai_posterior
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_posterior_in(cstring) IS 'I/O';

CREATE FUNCTION bnai_posterior_out(bnai_posterior) RETURNS cstring
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_posterior_out(bnai_posterior) IS 'I/O';

CREATE FUNCTION bnai_posterior_recv(internal) RETURNS bnai_posterior
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_posterior_recv(internal) IS 'I/O';

CREATE FUNCTION bnai_posterior_send(bnai_posterior) RETURNS bytea
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_posterior_send(bnai_posterior) IS 'I/O';

CREATE TYPE bnai_posterior (
	INPUT = bnai_posterior_in,
	OUTPUT = bnai_posterior_out,
	RECEIVE = bnai_posterior_recv,
	SEND = bnai_posterior_send,
	INTERNALLENGTH = VARIABLE,
	STORAGE = extended
);
COMMENT ON TYPE bnai_posterior IS
	'a fitted network: the posterior of each global node, its leaves and the labels of its clusters, in the user''s units; as text JSON, which round-trips exactly';

CREATE CAST (bnai_posterior AS jsonb) WITH INOUT;
COMMENT ON CAST (bnai_posterior AS jsonb) IS 'the text form, to be queried';
