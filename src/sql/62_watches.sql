
CREATE VIEW bnai_watches WITH (security_barrier) AS
SELECT n.name AS network, w.target::pg_catalog.text AS target, w.event, w.increment,
	w.target::pg_catalog.regclass IS NOT NULL AS active
FROM bnai_network n JOIN bnai_watched w ON w.network OPERATOR(pg_catalog.=) n.id
WHERE bnai_may_read(n.id);
COMMENT ON VIEW bnai_watches IS 'tables whose changes are counted, by network and event; one that is not active counts nothing: its table was dropped, or it was restored by somebody who does not own the table, and bnai_watch makes it active';
