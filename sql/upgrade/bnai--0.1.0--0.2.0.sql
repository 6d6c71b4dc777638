\echo Use "ALTER EXTENSION bnai UPDATE TO '0.2.0'" to load this file. \quit

/*
 * No function of the library before this one is called from here on: a session that has loaded it fails by the first
 * function that it does not have, and everything stays as it was.
 */

/* --- the number that the library looks for, last --- */

CREATE TABLE bnai_catalog_version (number integer NOT NULL);
COMMENT ON TABLE bnai_catalog_version IS 'The version of these tables, for the library to compare with its own';
REVOKE ALL ON bnai_catalog_version FROM PUBLIC;
INSERT INTO bnai_catalog_version VALUES (2);
