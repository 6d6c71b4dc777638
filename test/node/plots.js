// Vega-Lite takes every specification of bnai_plot without a warning, and all of
// them, and the graph, become pictures.
'use strict';
const test = require('node:test');
const assert = require('node:assert');
const fs = require('fs');
const os = require('os');
const path = require('path');
const { execFileSync } = require('child_process');
const pg = require('pg');
const { compile, draw } = require('../../scripts/render');

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'bnai-plots.'));
const client = new pg.Client();

const plots = [
	"bnai_plot('bn1', 'posterior', node => 'mu')",
	"bnai_plot('bn1', 'posterior', node => 'tau', lower => 0, upper => 0.1)",
	"bnai_plot('bn1', 'trace')",
	"bnai_plot('bn2', 'clusters')",
	"bnai_plot('bn2', 'clusters', '{avg_time_pages}')",
	"bnai_plot('bn2', 'posterior', node => 'mu')",
	"bnai_plot('bn2', 'trace')",
	"bnai_plot('bn2', 'sizes')",
	"bnai_plot('bn2', 'changes')",
	"bnai_plot('odd', 'clusters')",
	"bnai_plot('odd', 'posterior', node => 'mu')",
];

test.before(async () => {
	execFileSync('psql', ['-Xqb', '-o', '/dev/null', '-f', 'examples/userinfo.sql', '-f', 'examples/bn1.sql', '-f', 'examples/clustering.sql']);
	await client.connect();
	await client.query(`
		CREATE TABLE odd ("a.b" float8, "c[0]" float8, "it's ""d""" float8);
		INSERT INTO odd SELECT i % 2 * 10 + sin(i), i % 2 * 10 + cos(2.5 * i), sin(3 * i) FROM generate_series(1, 60) i;
		SELECT bnai_create_clustering('odd', 'odd', ARRAY['a.b', 'c[0]', 'it''s "d"']);
		SELECT bnai_infer('odd'); SELECT bnai_infer('bn2')`);
});

test.after(async () => {
	await client.end();
	fs.rmSync(folder, { recursive: true });
});

async function value(expression) {
	return (await client.query(`SELECT (${expression})::text AS value`)).rows[0].value;
}

for (const plot of plots)
	test(plot, async () => {
		const text = await value(plot);
		assert.strictEqual(compile(text).$schema, 'https://vega.github.io/schema/vega/v5.json');
		const svg = await draw(text);
		assert.ok(svg.startsWith('<svg'));
		assert.ok(!/NaN|undefined/.test(svg), 'no mark without a place');
	});

test('a point for each row, and a legend of the labels', async () => {
	const svg = await draw(await value("bnai_plot('bn2', 'clusters')"));
	assert.strictEqual((svg.match(/aria-roledescription="point"/g) || []).length, 204, '200 rows and 4 means');
	const legend = /titled 'cluster' for [a-z, ]+ with 4 values: A, B, C, D/;
	assert.ok(legend.test(svg), 'the legend');
});

test('a warning of Vega-Lite is an error', () => {
	assert.throws(() => compile('{"data": {"values": []}, "mark": "point", "encoding": {"nosuch": {"field": "a"}}}'), /nosuch/);
});

test('scripts/render writes SVG and PNG', async () => {
	const spec = path.join(folder, 'spec');
	const dot = path.join(folder, 'dot');
	fs.writeFileSync(spec, await value("bnai_plot('bn2', 'clusters')"));
	fs.writeFileSync(dot, await value("bnai_graph('bn2')"));
	execFileSync('scripts/render', [spec, `${spec}.svg`, spec, `${spec}.png`, dot, `${dot}.svg`, dot, `${dot}.png`]);
	for (const file of [spec, dot]) {
		assert.match(fs.readFileSync(`${file}.svg`, 'utf8'), /<svg/);
		assert.strictEqual(fs.readFileSync(`${file}.png`).subarray(1, 4).toString(), 'PNG');
	}
	assert.match(fs.readFileSync(`${dot}.svg`, 'utf8'), /mu ~ Gaussian\(data_mean/, 'the tooltip');
	assert.throws(() => execFileSync('scripts/render', ['-', `${spec}.svg`], { input: '', stdio: 'pipe' }), /nothing to draw/);
});
