// The demo site: what /metrics refuses, what forms must carry, and the whole story in
// a real browser: not initialised, run, groups, visits that are counted, a refit in
// the background, labels that keep their meaning, cancel, reset.
'use strict';
const test = require('node:test');
const assert = require('node:assert');
const fs = require('fs');
const http = require('http');
const { execFileSync } = require('child_process');
const pg = require('pg');
const { chromium } = require('playwright-core');
const createApp = require('../../examples/site/app');

const CHROMIUM = '/usr/bin/chromium';
const SCREENSHOTS = '.build/test/site';

const visitor = new pg.Pool({ user: 'magazine_visitor' });
const admin = new pg.Pool({ user: 'magazine_admin' });
const superuser = new pg.Pool({ max: 2 });
let server;
let site;

test.before(async () => {
	execFileSync('psql', ['-Xqb', '-v', 'ON_ERROR_STOP=1', '-f', 'examples/site/setup.sql']);
	server = createApp(visitor, admin).listen(0, '127.0.0.1');
	await new Promise((resolve) => server.once('listening', resolve));
	site = `http://127.0.0.1:${server.address().port}`;
});

test.after(async () => {
	server.closeAllConnections();
	server.close();
	await Promise.all([visitor, admin, superuser].map((pool) => pool.end()));
});

async function value(query, values) {
	return Object.values((await superuser.query(query, values)).rows[0])[0];
}

const table = () => value('SELECT md5(string_agg(u::text, $1 ORDER BY id)) FROM userinfo u', ['\n']);
const currentRun = () => value("SELECT run FROM bnai_status WHERE network = 'bn2'");

// Waits until a question to the database has the answer that is expected.
async function until(ask, expected) {
	for (let i = 0; i < 600; i++) {
		if (await expected(await ask()))
			return;
		await new Promise((resolve) => setTimeout(resolve, 50));
	}
	assert.fail(`this did not come: ${expected}, but ${await ask()}`);
}

function post(path, body, headers = {}) {
	return fetch(site + path, { method: 'POST', body, headers, redirect: 'manual' });
}

const good = { metric: 'avg_time_pages', user_id: 7, page_type: 'A', time_spent: 20 };

test('the roles of the site are no superusers and own nothing', async () => {
	const owned = await value(`SELECT count(*) FROM pg_class WHERE relowner IN ('magazine_visitor'::regrole, 'magazine_admin'::regrole)`);
	const powers = await value(`SELECT bool_or(rolsuper OR rolcreatedb OR rolcreaterole OR rolbypassrls) FROM pg_roles WHERE rolname ~ '^magazine'`);
	const networks = await value(`SELECT count(*) FROM bnai_networks WHERE owner <> 'magazine'`);
	assert.deepStrictEqual([Number(owned), powers, Number(networks)], [0, false, 0]);
	await assert.rejects(visitor.query("SELECT bnai_set('bn2', 'seed', '2')"), /must be owner/);
	await assert.rejects(visitor.query('UPDATE userinfo SET cluster_1 = NULL'), /permission denied/);
});

test('/metrics takes a visit', async () => {
	const before = (await superuser.query('SELECT * FROM userinfo WHERE id = 7')).rows[0];
	assert.strictEqual((await post('/metrics', JSON.stringify(good))).status, 204);
	const after = (await superuser.query('SELECT * FROM userinfo WHERE id = 7')).rows[0];
	const expected = {
		...before,
		visits_pages: before.visits_pages + 1,
		visits_pages_a: before.visits_pages_a + 1,
		avg_time_pages: (before.avg_time_pages * before.visits_pages + 20) / (before.visits_pages + 1),
		avg_time_pages_a: (before.avg_time_pages_a * before.visits_pages_a + 20) / (before.visits_pages_a + 1),
	};
	assert.deepStrictEqual(after, expected);
});

const bad = {
	'an unknown user': { ...good, user_id: 123456 },
	'a user that is text': { ...good, user_id: '7' },
	'a user that is no whole number': { ...good, user_id: 7.5 },
	'a user beyond integer': { ...good, user_id: 2 ** 40 },
	'no user': { ...good, user_id: undefined },
	'type K': { ...good, page_type: 'K' },
	'a type in lower case': { ...good, page_type: 'a' },
	'a type that is a list': { ...good, page_type: ['A'] },
	'SQL for a type': { ...good, page_type: "A'; DROP TABLE userinfo; --" },
	'a negative time': { ...good, time_spent: -1 },
	'a huge time': { ...good, time_spent: 1e9 },
	'a time that is text': { ...good, time_spent: '20' },
	'no time': { ...good, time_spent: null },
	'another metric': { ...good, metric: 'cluster_1' },
	'no object': [good],
	'null': null,
};

for (const [name, metric] of Object.entries(bad))
	test(`/metrics refuses ${name}`, async () => {
		const before = await table();
		const response = await post('/metrics', JSON.stringify(metric), { 'content-type': 'application/json' });
		assert.strictEqual(response.status, 400);
		assert.match(await response.text(), /^[a-z].{10,80}\n$/i, 'the reason');
		assert.strictEqual(await table(), before, 'nothing has changed');
	});

test('/metrics refuses what is not JSON, too large, or from another site', async () => {
	const before = await table();
	for (const body of ['', 'x', '{', '{"metric": "avg_time_pages", "time_spent": NaN}', '{"time_spent": 1e999}', JSON.stringify({ ...good, padding: 'x'.repeat(2000) })])
		assert.strictEqual((await post('/metrics', body)).status, 400, body.slice(0, 20));
	assert.strictEqual((await post('/metrics', JSON.stringify(good), { 'content-encoding': 'nosuch' })).status, 400);
	assert.strictEqual((await post('/metrics', JSON.stringify(good), { origin: 'http://elsewhere.example' })).status, 403);
	assert.strictEqual((await fetch(`${site}/metrics`)).status, 404);
	assert.strictEqual(await table(), before, 'nothing has changed');
});

// Asks for a path as it is written, with any Host; returns the status.
function status(path, host) {
	return new Promise((resolve, reject) => {
		const request = http.request({ port: new URL(site).port, host: '127.0.0.1', path, headers: host === undefined ? {} : { host } },
			(response) => response.resume().on('end', () => resolve(response.statusCode)));
		request.on('error', reject).end();
	});
}

test('only this machine is asked for', async () => {
	for (const host of ['elsewhere.example', 'elsewhere.example:8080', 'localhost.elsewhere.example', '127.0.0.1.elsewhere.example', '10.0.0.1'])
		assert.strictEqual(await status('/', host), 400, host);
	for (const host of ['localhost', 'localhost:8080', '127.0.0.1', '[::1]:80'])
		assert.ok(await status('/', host) < 400, host);
});

test('no address is an error of the server', async () => {
	for (const path of ['/nothing', '/pages/K', '/pages/a', '/pages/%00', '/pages/%E0%A4%A', '/pages/A?user=99999999999999999999', '/pages/A?user=x', '/pages/A?user=1.5',
		'/pages/A?user=-1', '/pages/A?user=%00', '/pages/A?user[]=1&user[a]=2', '/pages/A?user=', '/admin/nothing', '/admin/%00', '/admin/%ff', '/admin/bn2/nothing', '/admin/__proto__',
		`/admin/${'x'.repeat(2000)}`, '/admin/bn2?run=x', '/public/..%2f..%2fapp.js', '/public/%00', '/vendor/nothing.js', '/users/1', '//', '/admin/bn2%2fplot', '/%'])
		assert.ok(await status(path) < 500, path);
	for (const path of ['/nothing', '/admin/nothing', '/pages/K', '/public/nothing.js'])
		assert.strictEqual(await status(path), 404, path);
});

test('a form without the token of its session changes nothing', async () => {
	const form = { 'content-type': 'application/x-www-form-urlencoded' };
	const page = await fetch(`${site}/admin/bn2`);
	const cookie = page.headers.get('set-cookie').split(';')[0];
	const token = /name="token" value="([^"]+)"/.exec(await page.text())[1];
	for (const path of ['/users', '/admin/bn2/run', '/admin/bn2/reset', '/admin/bn2/cancel', '/admin/bn2/settings', '/admin/bn2/rollback', '/admin/bn2/simulate'])
		for (const [body, headers] of [['', form], ['token=x', { ...form, cookie }], [`token=${token}`, form], [`token=${token}`, { ...form, cookie: 'session=x' }]])
			assert.strictEqual((await post(path, body, headers)).status, 403, path);
	assert.strictEqual(Number(await value('SELECT count(*) FROM userinfo')), 200);
	assert.strictEqual((await post('/admin/bn2/settings', `token=${token}&max_iterations=500`, { ...form, cookie })).status, 303, 'with it, it does');
	assert.strictEqual(await value("SELECT max_iterations FROM bnai_networks WHERE network = 'bn2'"), 500);
});

test('pages escape what they show, and have a policy', async () => {
	await admin.query(`SET ROLE magazine; CREATE TABLE odd ("<b>" float8); SELECT bnai_create_clustering('"><script>', 'odd', '{<b>}'); RESET ROLE`);
	for (const path of ['/admin', `/admin/${encodeURIComponent('"><script>')}`]) {
		const response = await fetch(site + path);
		const text = await response.text();
		assert.strictEqual(response.status, 200);
		assert.ok(!text.includes('"><script>') && !text.includes('<b>}') && text.includes('&lt;script&gt;'));
		assert.match(response.headers.get('content-security-policy'), /default-src 'none'; script-src 'self'; style-src 'self'/);
	}
	await admin.query(`SELECT bnai_drop_network('"><script>'); DROP TABLE odd`);
	for (const path of ['/pages/K', '/pages/A?user=0', '/pages/A?user=999999', '/admin/nosuch', '/admin/nosuch/status', '/nosuch'])
		assert.strictEqual((await fetch(site + path)).status, 404, path);
});

test('the story, in a browser', { skip: fs.existsSync(CHROMIUM) ? false : `there is no ${CHROMIUM}` }, async (story) => {
	const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
	const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
	const complaints = [];
	page.on('console', (message) => ['error', 'warning'].includes(message.type()) && complaints.push(message.text()));
	page.on('pageerror', (error) => complaints.push(error.message));
	page.on('dialog', (dialog) => dialog.accept());
	fs.mkdirSync(SCREENSHOTS, { recursive: true });
	const shoot = (name) => page.screenshot({ path: `${SCREENSHOTS}/${name}.png`, fullPage: true });
	const has = (text) => page.getByText(text).first().waitFor();

	try {
		await story.test('before an inference a page says so and leads to the admin page', async () => {
			await page.goto(`${site}/pages/A?user=125`);
			await has('No inference has run');
			await shoot('not-inferred');
			await page.getByRole('link', { name: 'admin page' }).click();
			await page.waitForURL('**/admin/bn2');
			await has('idle, not inferred yet');
		});

		await story.test('an inference is run, and its results are drawn', async () => {
			await page.getByRole('button', { name: 'Run' }).click();
			await has('Inference done');
			await page.locator('.plot svg').nth(3).waitFor();
			await page.getByRole('region', { name: 'Current clusters' }).waitFor();
			const clusters = Number(await value("SELECT count(*) FROM bnai_clusters WHERE network = 'bn2'"));
			assert.strictEqual(await page.locator('[aria-label="Current clusters"] tbody tr').count(), clusters);
			assert.ok(clusters >= 4);
			assert.strictEqual(await page.locator('.graph svg .node').count(), 6);
			await shoot('admin');
		});

		await story.test('pages show the group, and say when its mean is reached', async () => {
			await superuser.query('UPDATE userinfo SET avg_time_pages_c = 0.5');	// a mean that is soon reached
			await page.goto(`${site}/pages/C?user=125`);
			await has(`You (user 125) are in group ${await value('SELECT cluster_1 FROM userinfo WHERE id = 125')}`);
			await has('You have stayed as long as your group does on average: 0.5 seconds.');
			assert.strictEqual(await page.locator('#user').locator('option').count(), 200);
			await shoot('page');
		});

		await story.test('leaving a page counts the visit', async () => {
			const visits = await value('SELECT visits_pages_c FROM userinfo WHERE id = 125');
			await page.getByRole('link', { name: 'Read on' }).click();
			await page.waitForURL('**/pages/D?user=125');
			await until(() => value('SELECT visits_pages_c FROM userinfo WHERE id = 125'), (n) => n === visits + 1);
		});

		await story.test('a new user counts five, and at the threshold a worker infers', async () => {
			const run = await currentRun();
			await superuser.query('CREATE TABLE before AS SELECT id, cluster_1 FROM userinfo');
			await page.getByRole('button', { name: 'New user' }).click();
			await page.waitForURL('**/pages/D?user=201');
			await page.getByRole('button', { name: 'New user' }).click();
			await page.waitForURL('**/pages/D?user=202');
			await until(currentRun, (now) => now !== run);
			// two new users can change the groups of some who are between two
			assert.ok(await value('SELECT count(*) FROM userinfo JOIN before USING (id, cluster_1)') >= 180, 'labels keep their meaning');
			await page.reload();
			await has('You (user 202) are in group');
		});

		await story.test('simulated visitors are counted, and the page follows', async () => {
			await page.goto(`${site}/admin/bn2`);
			const run = await currentRun();
			await page.locator('#users').fill('4');
			await page.locator('#seconds-of').fill('2');
			await page.getByRole('button', { name: 'Simulate' }).click();
			await has('; over');
			await until(currentRun, (now) => now !== run);
			await has('What the latest run changed');
			await shoot('simulated');
		});

		await story.test('the history leads back to an earlier run', async () => {
			const run = await currentRun();
			await page.getByRole('button', { name: 'Go back' }).first().click();
			await has('Going back done');
			await until(currentRun, (now) => Number(now) < Number(run));
			await has(`idle, run ${await currentRun()} is current`);
		});

		await story.test('the database says what is wrong with a setting', async () => {
			await page.locator('#restarts').fill('0');
			await page.getByRole('button', { name: 'Save settings' }).click();
			assert.match(await page.getByRole('alert').innerText(), /restarts/);
			assert.strictEqual(await page.locator('#restarts').inputValue(), '0', 'what was typed is still there');
			await page.locator('#max_clusters').fill('ten');
			await page.locator('#restarts').fill('2');
			await page.getByRole('button', { name: 'Save settings' }).click();
			await page.getByRole('alert').getByText('syntax error in the parameters').waitFor();
			assert.strictEqual(await value("SELECT restarts FROM bnai_networks WHERE network = 'bn2'"), null, 'all or nothing');
			await page.locator('#max_clusters').fill('8');
			await page.locator('#threshold_action').selectOption('recalculate');
			await page.getByRole('button', { name: 'Save settings' }).click();
			await has('idle, not inferred yet');
			assert.deepStrictEqual(await value("SELECT ARRAY[restarts::text, threshold_action] FROM bnai_networks WHERE network = 'bn2'"), ['2', 'recalculate']);
			assert.strictEqual(await page.locator('#max_clusters').inputValue(), '8');
			await page.getByRole('button', { name: 'Run' }).click();
			await has('Inference done');
		});

		await story.test('with the action recalculate the request that reaches the threshold infers', async () => {
			const run = await currentRun();
			for (let i = 0; i < 11; i++)
				assert.strictEqual((await post('/metrics', JSON.stringify(good))).status, 204);
			assert.notStrictEqual(await currentRun(), run);
		});

		await story.test('an inference that waits is cancelled', async () => {
			const other = await superuser.connect();
			await other.query("BEGIN; SELECT bnai_set('bn2', 'seed', '9')");		// others wait for its end
			try {
				await page.goto(`${site}/admin/bn2`);
				await page.getByRole('button', { name: 'Run' }).click();
				await has('waiting');
				await page.getByRole('button', { name: 'Cancel' }).click();
				await has('canceling statement due to user request');
			} finally {
				await other.query('ROLLBACK');
				other.release();
			}
		});

		await story.test('example 1 tells who is atypical', async () => {
			await page.goto(`${site}/admin/bn1`);
			await page.getByRole('button', { name: 'Run' }).click();
			await has('Inference done');
			await has('atypical users: avg1 outside');
			assert.strictEqual(await page.locator('[aria-label*="atypical users"] tbody tr').count(), Number(await value(`SELECT count(*) FROM userinfo
				WHERE abs(avg1 - bnai_mean('bn1', 'mu')) > 2 / sqrt(bnai_mean('bn1', 'tau'))`)));
		});

		await story.test('with the keyboard alone, on a phone', async () => {
			await page.setViewportSize({ width: 390, height: 844 });
			await page.goto(`${site}/pages/A?user=1`);
			await page.keyboard.press('Tab');
			assert.match(await page.evaluate(() => document.activeElement.textContent), /Skip to the content/);
			await page.keyboard.press('Enter');
			await page.keyboard.press('Tab');
			assert.match(await page.evaluate(() => document.activeElement.textContent), /Read on/);
			await page.keyboard.press('Enter');
			await page.waitForURL('**/pages/B?user=1');
			for (const path of ['/pages/J?user=1', '/admin', '/admin/bn1', '/admin/bn2']) {
				await page.goto(site + path);
				if (path.startsWith('/admin/'))
					await page.locator('.plot svg').nth(2).waitFor();
				assert.strictEqual(await page.evaluate(() => document.documentElement.scrollWidth), 390, `${path} is as wide as the phone`);
				await shoot(`phone${path.replace(/\W+/g, '-')}`);
			}
		});

		await story.test('a reset empties the results, and pages say so', async () => {
			await page.getByRole('button', { name: 'Reset' }).focus();
			await page.keyboard.press('Enter');
			await has('Reset done');
			assert.strictEqual(Number(await value('SELECT count(cluster_1) FROM userinfo')), 0);
			await page.goto(`${site}/pages/A?user=125`);
			await has('No inference has run');
		});

		await story.test('the browser has had nothing to complain about but the setting that was wrong', () => {
			assert.deepStrictEqual(complaints.filter((text) => !/status of 400/.test(text)), []);
		});
	} finally {
		await browser.close();
	}
});
