// What the admin pages ask the database.
'use strict';

async function rows(client, text, values) {
	return (await client.query(text, values)).rows;
}

async function listNetworks(admin) {
	return rows(admin, 'SELECT network, type, coalesce(to_regclass(source)::text, source) AS source, columns::text[], counter, counter_threshold, last_run, clusters FROM bnai_status ORDER BY network');
}

// The settings that the form shows, as text.
async function readNetwork(admin, network) {
	return (await rows(admin,
		`SELECT n.network, n.type, coalesce(to_regclass(n.source)::text, n.source) AS source, n.columns::text[], n.owner,
			coalesce(n.restarts::text, '') AS restarts, n.max_iterations::text,
			coalesce(n.counter_threshold::text, '') AS counter_threshold, n.threshold_action, n.seed::text,
			coalesce((SELECT max(substring(d.params FROM 'plates=(\\d+)')) FROM bnai_nodes d WHERE d.network = n.network), '') AS max_clusters
		FROM bnai_networks n WHERE n.network = $1`, [network]))[0];
}

// Gives the nodes another number of components.  They must agree at any time, so that
// all of them go and come back; what was inferred with the old number is forgotten.
async function changeClusters(client, network, n) {
	const nodes = await rows(client, 'SELECT node, distribution, params, source, columns::text[] FROM bnai_nodes WHERE network = $1 ORDER BY id', [network]);
	await client.query('SELECT bnai_reset($1)', [network]);
	for (const { node } of [...nodes].reverse())
		await client.query('SELECT bnai_drop_node($1, $2)', [network, node]);
	for (const { node, distribution, params, source, columns } of nodes)
		await client.query('SELECT bnai_add_node($1, $2, $3, $4, $5::regclass, $6)',
			[network, node, distribution, params.replace(/plates=\d+/, `plates=${n}`).replace(/^full\(\d+/, `full(${n}`), source, columns]);
}

const SETTINGS = ['restarts', 'max_iterations', 'counter_threshold', 'threshold_action', 'seed'];

// Changes all settings or none; it is the database that says what is wrong with one.
async function changeSettings(admin, network, given, present) {
	const client = await admin.connect();
	try {
		await client.query("BEGIN; SET LOCAL lock_timeout = '3s'");
		for (const setting of SETTINGS)
			if (given[setting] !== undefined && given[setting] !== present[setting])
				await client.query("SELECT bnai_set($1, $2, nullif($3, ''))", [network, setting, given[setting]]);
		if (given.max_clusters !== undefined && given.max_clusters !== present.max_clusters)
			await changeClusters(client, network, given.max_clusters);
		await client.query('COMMIT');
	} catch (error) {
		await client.query('ROLLBACK');
		throw error;
	} finally {
		client.release();
	}
}

async function readStatus(admin, network) {
	return (await rows(admin,
		`SELECT s.counter, s.counter_threshold, s.threshold_action, s.running_since IS NOT NULL AS running, s.run, s.clusters, s.last_error,
			p.pid, p.phase, p.restart, p.iteration, coalesce(n.restarts, 4) AS restarts
		FROM bnai_status s JOIN bnai_networks n ON n.network = s.network LEFT JOIN bnai_progress p ON p.network = s.network
		WHERE s.network = $1 LIMIT 1`, [network]))[0];
}

async function readResults(admin, network) {
	return {
		clusters: await rows(admin, 'SELECT * FROM bnai_clusters WHERE network = $1', [network]),
		previous: await rows(admin, 'SELECT * FROM bnai_previous_clusters WHERE network = $1', [network]),
		changed: await rows(admin, 'SELECT label, change, other_labels, size, previous_size, moved, drift FROM bnai_changes($1)', [network]),
		runs: await rows(admin,
			`SELECT run, to_char(started_at, 'YYYY-MM-DD HH24:MI:SS') AS started, round(extract(epoch FROM elapsed) * 1000) AS ms, rows, clusters,
				rows_relabelled, elbo, converged, is_current, error
			FROM bnai_runs WHERE network = $1 ORDER BY started_at DESC LIMIT 15`, [network]),
	};
}

// Example 1: users whose metric lies more than two standard deviations from the mean.
async function readAtypical(admin) {
	return rows(admin,
		`SELECT id, age, avg1, (avg1 - mu) / sigma AS sigmas, mu, sigma, count(*) OVER () AS n
		FROM userinfo, (SELECT bnai_mean('bn1', 'mu') AS mu, 1 / sqrt(bnai_mean('bn1', 'tau')) AS sigma) AS posterior
		WHERE abs(avg1 - mu) > 2 * sigma ORDER BY abs(avg1 - mu) DESC LIMIT 20`);
}

async function readPlot(admin, network, what, node) {
	return (await rows(admin, 'SELECT bnai_plot($1, $2, node => $3) AS spec', [network, what, node]))[0].spec;
}

async function readGraph(admin, network) {
	return (await rows(admin, 'SELECT bnai_graph($1) AS dot', [network]))[0].dot;
}

// The nodes whose posterior can be drawn.
async function plottedNodes(admin, network) {
	return (await rows(admin,
		`SELECT node FROM bnai_nodes WHERE network = $1 AND source IS NULL AND distribution ~ '^(Gaussian|Gamma)' ORDER BY id`,
		[network])).map((row) => row.node);
}

module.exports = { listNetworks, readNetwork, changeSettings, readStatus, readResults, readAtypical, readPlot, readGraph, plottedNodes };
