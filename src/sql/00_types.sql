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
COMMENT ON TYPE bnai_source IS 'a table or view that a network reads: follows its renaming, and is gone when it is dropped, whatever gets the name';

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

/* --- bnai_role: a role, by OID, with its last name --- */

CREATE TYPE bnai_role;

CREATE FUNCTION bnai_role_in(cstring) RETURNS bnai_role
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_role_in(cstring) IS 'I/O';

CREATE FUNCTION bnai_role_out(bnai_role) RETURNS cstring
	LANGUAGE C STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_role_out(bnai_role) IS 'I/O';

CREATE TYPE bnai_role (
	INPUT = bnai_role_in,
	OUTPUT = bnai_role_out,
	INTERNALLENGTH = VARIABLE,
	ALIGNMENT = int4,
	STORAGE = plain
);
COMMENT ON TYPE bnai_role IS 'a role that something belongs to or is granted to: follows its renaming, and is gone when the role is, whoever gets the name';

CREATE FUNCTION bnai_role_from_regrole(regrole) RETURNS bnai_role
	LANGUAGE C STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_role_from_regrole(regrole) IS 'cast';

CREATE FUNCTION bnai_role_to_regrole(bnai_role) RETURNS regrole
	LANGUAGE C STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_role_to_regrole(bnai_role) IS 'cast; NULL if the role does not exist';

CREATE CAST (regrole AS bnai_role) WITH FUNCTION bnai_role_from_regrole(regrole) AS ASSIGNMENT;
COMMENT ON CAST (regrole AS bnai_role) IS 'remembers the name, too';
CREATE CAST (bnai_role AS regrole) WITH FUNCTION bnai_role_to_regrole(bnai_role);
COMMENT ON CAST (bnai_role AS regrole) IS 'NULL if the role does not exist';

/* --- bnai_column: a column of a source, by its number, with its last name --- */

CREATE TYPE bnai_column;

CREATE FUNCTION bnai_column_in(cstring) RETURNS bnai_column
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_column_in(cstring) IS 'I/O';

CREATE FUNCTION bnai_column_out(bnai_column) RETURNS cstring
	LANGUAGE C STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_column_out(bnai_column) IS 'I/O';

CREATE TYPE bnai_column (
	INPUT = bnai_column_in,
	OUTPUT = bnai_column_out,
	INTERNALLENGTH = VARIABLE,
	ALIGNMENT = int4,
	STORAGE = plain
);
COMMENT ON TYPE bnai_column IS 'a column that a network reads or writes: follows its renaming, and is gone when it is dropped, whatever gets the name; of an array with the number of its elements';
