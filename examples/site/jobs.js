// Inferences that the admin page has started: one for each network, on a connection
// of its own, while the page goes on.
'use strict';

const jobs = new Map();

// Begins a statement that returns one row; what became of it is kept.
async function start(admin, network, title, statement, values) {
	if (jobs.get(network)?.running)
		return;
	const job = { title, running: true, message: null, failed: false };
	jobs.set(network, job);
	let client;
	try {
		client = await admin.connect();
		job.pid = client.processID;
		const row = (await client.query(statement, values)).rows[0];
		job.message = describe(title, row);
	} catch (error) {
		job.failed = true;
		job.message = [error.message, error.detail, error.hint].filter(Boolean).join('. ');
	} finally {
		client?.release();
		job.running = false;
	}
}

function describe(title, row) {
	return `${title} done: ` + Object.entries(row).filter(([, value]) => value !== null).map(([name, value]) => `${name.replace('_', ' ')} ${value}`).join(', ');
}

function read(network) {
	return jobs.get(network) ?? { running: false, message: null, failed: false };
}

// Sends a cancel to the job, or to who else infers the network; the database decides whether that is allowed.
async function cancel(admin, network, otherPid) {
	const job = read(network);
	const pid = job.running ? job.pid : otherPid;
	if (pid)
		await admin.query('SELECT pg_cancel_backend($1)', [pid]);
}

module.exports = { start, read, cancel };
