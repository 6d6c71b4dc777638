-- Views of nodes and edges, and the picture of a network
CREATE TABLE users ("time ""on"" page" float8, visits int, cluster text);
SELECT bnai_create_clustering('g', 'users', ARRAY['time "on" page', 'visits'], max_clusters => 3, priors => 'vague');
SELECT node, distribution, params, source, columns FROM bnai_nodes WHERE network = 'g' ORDER BY id;
SELECT parent, child, parameter FROM bnai_edges WHERE network = 'g' ORDER BY parent, child;

-- names that want escaping, plates of several sizes, nodes without children
SELECT bnai_create_network(E'x\\"y\n');
SELECT bnai_add_node(E'x\\"y\n', E'back\\slash', 'Gamma', '1, 1');
SELECT bnai_add_node(E'x\\"y\n', E'line\nbreak "quoted"', 'Gamma', E'1, "back\\slash", plates=2');
SELECT bnai_add_node(E'x\\"y\n', '<b>', 'GaussianARD', E'0, "line\nbreak ""quoted""", plates=2');
SELECT bnai_add_node(E'x\\"y\n', 'v', 'GaussianARD', E'0, "back\\slash"', 'users', '{visits}');

\pset format unaligned
\pset tuples_only on
SELECT bnai_graph('g');
SELECT bnai_graph(E'x\\"y\n');
SELECT parent, child, parameter FROM bnai_edges WHERE network <> 'g' ORDER BY parent, child;
SELECT bnai_create_network('empty');
SELECT bnai_graph('empty');
SELECT bnai_graph('nobody');
SELECT bnai_graph(NULL) IS NULL;
\pset format aligned
\pset tuples_only off

-- a network that nobody has inferred has no trace
SELECT * FROM bnai_trace('g');
SELECT count(*) FROM bnai_runs;

SELECT bnai_drop_network(network) FROM bnai_networks;
DROP TABLE users;
