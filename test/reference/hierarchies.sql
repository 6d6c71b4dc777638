-- Networks in which a global has a global as parent, against a numpy statement of the same
-- models: shared Wishart scale, Gamma over a Gamma's rate, random prior of the means, one
-- precision for several nodes, two leaves with one selector.  1e-8 relative, as for the
-- other golden traces; these networks are well conditioned.

\set golden `cat test/reference/hierarchies.json`

SELECT plan(51);

\i test/reference/golden.psql

-- A row more in a component that nobody has claimed tells nothing about the shared scale
SELECT ok((SELECT count(*) FROM bnai_clusters WHERE network = 'shared_scale_with_dead_components') = 3, 'dead components are no clusters');

SELECT * FROM finish();
