
CREATE VIEW bnai_watches WITH (security_barrier) AS
SELECT n.name AS network, w.target::text AS target, w.event, w.increment
FROM bnai_network n JOIN bnai_watched w ON w.network = n.id
WHERE bnai_may_read(n.id);
COMMENT ON VIEW bnai_watches IS 'tables whose changes are counted, by network and event';
