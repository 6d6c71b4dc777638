\echo Use "CREATE EXTENSION bnai" to load this file. \quit

/* --- bnai_source: a table or view, by OID and by name --- */

CREATE TYPE bnai_source;

CREATE FUNCTION bnai_source_in(cstring) RETURNS bnai_source
	LANGUAGE C STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_source_in(cstring) IS 'I/O';

CREATE FUNCTION bnai_source_out(bnai_source) RETURNS cstring
	LANGUAGE C STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_source_out(bnai_source) IS 'I/O';

CREATE TYPE bnai_source (
	INPUT = bnai_source_in,
	OUTPUT = bnai_source_out,
	INTERNALLENGTH = VARIABLE,
	ALIGNMENT = int4,
	STORAGE = plain
);
COMMENT ON TYPE bnai_source IS 'a table or view that a network reads: follows its renaming, and may be missing';

CREATE FUNCTION bnai_source_from_regclass(regclass) RETURNS bnai_source
	LANGUAGE C STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_source_from_regclass(regclass) IS 'cast';

CREATE FUNCTION bnai_source_to_regclass(bnai_source) RETURNS regclass
	LANGUAGE C STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_source_to_regclass(bnai_source) IS 'cast; NULL if the relation does not exist';

CREATE CAST (regclass AS bnai_source) WITH FUNCTION bnai_source_from_regclass(regclass) AS ASSIGNMENT;
COMMENT ON CAST (regclass AS bnai_source) IS 'remembers the name, too';
CREATE CAST (bnai_source AS regclass) WITH FUNCTION bnai_source_to_regclass(bnai_source);
COMMENT ON CAST (bnai_source AS regclass) IS 'NULL if the relation does not exist';
