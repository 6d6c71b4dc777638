/* --- grants: who else may read a network, or infer it --- */

CREATE TABLE bnai_granted (
	network integer NOT NULL,
	role bnai_role NOT NULL,
	privilege text NOT NULL
		CONSTRAINT privilege_is_known CHECK (privilege OPERATOR(pg_catalog.=) ANY (ARRAY['read', 'infer'])),
	restored_by bnai_role,
	CONSTRAINT bnai_granted_network_fkey FOREIGN KEY (network) REFERENCES bnai_network ON DELETE CASCADE
);
CREATE INDEX bnai_granted_network ON bnai_granted (network);

COMMENT ON TABLE bnai_granted IS 'Who was granted to read or to infer which network; see the view bnai_networks';

-- as in bnai_node and bnai_run
ALTER TABLE bnai_granted DISABLE TRIGGER ALL;
-- the right of a role that is gone must not come back to another one of its name
SELECT pg_catalog.pg_extension_config_dump('bnai_granted',
	'WHERE network OPERATOR(pg_catalog.>) 0 AND (role::pg_catalog.regrole IS NOT NULL OR role::pg_catalog.text OPERATOR(pg_catalog.=) ''public'')');

CREATE FUNCTION bnai_grant(network text, role text, privilege text)
RETURNS void LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_grant IS
'lets a role, and its members, read a network (privilege read) or infer it, too (infer); role public is everybody; whoever may change the network may grant; who infers also needs the rights on the table that the inference asks for, and may not be subject to row security there';

CREATE FUNCTION bnai_revoke(network text, role text, privilege text DEFAULT NULL)
RETURNS void LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL UNSAFE AS 'MODULE_PATHNAME';
COMMENT ON FUNCTION bnai_revoke IS
'takes back what bnai_grant gave: infer, or read and infer (by default)';

