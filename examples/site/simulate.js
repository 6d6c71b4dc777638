// Traffic of users who do not exist: half of them are new ones with habits of their
// own, who make a group that was not there before; the others are readers that the
// table has.  It takes the same way as a visit from a browser.
'use strict';
const { PAGE_TYPES, recordMetric, createUser } = require('./metrics');

const VISITS_PER_SECOND = 10;

const state = { running: false, visits: 0, seconds_left: 0, slowest: 0 };

const pick = (list) => list[Math.floor(Math.random() * list.length)];
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const around = (mean) => Math.max(0, mean + 2 * (Math.random() + Math.random() + Math.random() - 1.5));

async function simulatedUsers(visitor, n) {
	const users = [];
	for (let i = 0; i < Math.ceil(n / 2); i++)
		users.push({ id: await createUser(visitor), mean: 31, meanOfA: 12 });
	const known = await visitor.query(
		'SELECT id, avg_time_pages AS mean, avg_time_pages_a AS mean_of_a FROM userinfo WHERE visits_pages > 0 ORDER BY random() LIMIT $1', [Math.floor(n / 2)]);
	for (const row of known.rows)
		users.push({ id: row.id, mean: row.mean, meanOfA: row.mean_of_a });
	return users;
}

// Makes one visit; half of all are of pages of type A.
async function visit(visitor, user) {
	const type = Math.random() < 0.5 ? 'A' : pick(PAGE_TYPES);
	const started = performance.now();
	await recordMetric(visitor, { user_id: user.id, page_type: type, time_spent: around(type === 'A' ? user.meanOfA : user.mean) });
	state.slowest = Math.max(state.slowest, performance.now() - started);
	state.visits++;
}

async function simulate(visitor, users, seconds) {
	if (state.running)
		return;
	Object.assign(state, { running: true, visits: 0, seconds_left: seconds, slowest: 0 });
	try {
		const crowd = await simulatedUsers(visitor, users);
		const end = Date.now() + 1000 * seconds;
		while (state.running && Date.now() < end) {
			state.seconds_left = Math.ceil((end - Date.now()) / 1000);
			await visit(visitor, pick(crowd));
			await pause(1000 / VISITS_PER_SECOND);
		}
	} finally {
		state.running = false;
		state.seconds_left = 0;
	}
}

function stop() {
	state.running = false;
}

module.exports = { simulate, stop, state };
