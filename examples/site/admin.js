// The admin pages: networks, their settings, inference and its results.
'use strict';
const express = require('express');
const { layout } = require('./layout');
const { requireToken } = require('./security');
const networks = require('./networks');
const jobs = require('./jobs');
const simulation = require('./simulate');
const views = require('./adminviews');

let graphviz;

async function drawGraph(dot) {
	graphviz ??= (async () => (await import('@hpcc-js/wasm-graphviz')).Graphviz.load())();
	return (await graphviz).dot(dot).replace(/^[^]*?(?=<svg)/, '');
}

// How much of an inference is done, in percent: restarts are most of it.
function percent(status) {
	if (status.phase === 'loading')
		return 5;
	if (status.phase === 'storing')
		return 95;
	return status.restart ? Math.min(94, 10 + Math.round((80 * (status.restart - 1 + 0.5)) / status.restarts)) : null;
}

module.exports = (visitor, admin) => {
	const router = express.Router();

	// A database's error about what was asked is the reader's to see; 57014: cancelled
	const isUsers = (error) => error.code && /^(22|23|42|55|57014|P0)/.test(error.code);

	async function sendNetwork(request, response, next, problem = null, given = {}) {
		const network = await networks.readNetwork(admin, request.params.network);
		if (!network)
			return next();
		const main = views.networkPage({
			network,
			form: { ...network, ...given },
			problem,
			token: request.token,
			graph: await drawGraph(await networks.readGraph(admin, network.network)),
			nodes: await networks.plottedNodes(admin, network.network),
			run: (await networks.readStatus(admin, network.network)).run,
			results: await resultsOf(network, request.token),
		});
		response.status(problem ? 400 : 200).send(layout({ title: network.network, current: 'admin', main,
			scripts: ['/vendor/vega.js', '/vendor/vega-lite.js', '/vendor/vega-embed.js', '/public/admin.js'] }));
	}

	async function resultsOf(network, token) {
		const results = await networks.readResults(admin, network.network);
		if (network.network === 'bn1')
			results.atypical = await networks.readAtypical(admin);
		return views.results(network, results, token);
	}

	const back = (request, response) => response.redirect(303, `/admin/${encodeURIComponent(request.params.network)}`);

	router.get('/', async (request, response) => {
		response.send(layout({ title: 'Networks', current: 'admin', main: views.listPage(await networks.listNetworks(admin)) }));
	});

	router.get('/:network', sendNetwork);

	router.get('/:network/status', async (request, response, next) => {
		const status = await networks.readStatus(admin, request.params.network);
		if (!status)
			return next();
		const job = jobs.read(request.params.network);
		response.json({
			counter: status.counter, threshold: status.counter_threshold, action: status.threshold_action, run: status.run, clusters: status.clusters,
			running: job.running || status.running || status.phase !== null,
			phase: status.phase ?? (job.running ? 'waiting' : null), percent: percent(status), restart: status.restart, iteration: status.iteration,
			message: job.message, failed: job.failed, last_error: status.last_error,
			simulation: simulation.state,
		});
	});

	router.get('/:network/results', async (request, response, next) => {
		const network = await networks.readNetwork(admin, request.params.network);
		return network ? response.send((await resultsOf(network, request.token)).toString()) : next();
	});

	router.get('/:network/plot/:what', async (request, response, next) => {
		try {
			response.json(await networks.readPlot(admin, request.params.network, request.params.what, request.query.node));
		} catch (error) {
			return isUsers(error) ? response.status(400).json({ error: error.message }) : next(error);
		}
	});

	router.post('/:network/settings', requireToken, async (request, response, next) => {
		const present = await networks.readNetwork(admin, request.params.network);
		if (!present)
			return next();
		try {
			await networks.changeSettings(admin, present.network, request.body, present);
		} catch (error) {
			return isUsers(error) ? sendNetwork(request, response, next, error, request.body) : next(error);
		}
		back(request, response);
	});

	router.post('/:network/run', requireToken, (request, response) => {
		jobs.start(admin, request.params.network, 'Inference',
			'SELECT rows, clusters, rows_relabelled, iterations, converged FROM bnai_infer($1)', [request.params.network]);
		back(request, response);
	});

	router.post('/:network/reset', requireToken, (request, response) => {
		jobs.start(admin, request.params.network, 'Reset', 'SELECT bnai_reset($1) AS rows_cleared', [request.params.network]);
		back(request, response);
	});

	router.post('/:network/rollback', requireToken, (request, response) => {
		jobs.start(admin, request.params.network, 'Going back', 'SELECT bnai_rollback($1, $2) AS rows_relabelled', [request.params.network, request.body.run]);
		back(request, response);
	});

	router.post('/:network/cancel', requireToken, async (request, response, next) => {
		try {
			await jobs.cancel(admin, request.params.network, (await networks.readStatus(admin, request.params.network))?.pid);
		} catch (error) {
			return isUsers(error) ? sendNetwork(request, response, next, error) : next(error);
		}
		back(request, response);
	});

	router.post('/:network/simulate', requireToken, (request, response) => {
		const users = Math.min(200, Math.max(2, Number.parseInt(request.body.users, 10) || 20));
		const seconds = Math.min(600, Math.max(1, Number.parseInt(request.body.seconds, 10) || 30));
		if (request.body.stop)
			simulation.stop();
		else
			simulation.simulate(visitor, users, seconds).catch((error) => console.error(`the simulation ended: ${error.message}`));
		back(request, response);
	});

	return router;
};
