// The admin pages as HTML.
'use strict';
const { html, raw } = require('./html');
const { badge, number } = require('./layout');

function table(caption, head, lines) {
	return html`<div class="scroll" role="region" tabindex="0" aria-label="${caption}"><table>
<caption>${caption}</caption>
<thead><tr>${head.map((name) => html`<th scope="col">${name}</th>`)}</tr></thead>
<tbody>${lines.map((line) => html`<tr>${line.map((cell) => html`<td>${cell}</td>`)}</tr>`)}</tbody>
</table></div>`;
}

function listPage(list) {
	return html`<h1>Networks</h1>
<div class="cards">
${list.map((n) => html`<a class="card link" href="/admin/${encodeURIComponent(n.network)}">
<h2>${n.network}</h2>
<p>${n.type}: ${n.columns ? n.columns.join(', ') : 'no columns'} of ${n.source}</p>
<p class="note">${n.last_run ? (n.clusters ? `${n.clusters} clusters` : 'inferred') : 'not inferred yet'}${n.counter_threshold ? `, ${n.counter} of ${n.counter_threshold} changes counted` : ''}</p>
</a>`)}
</div>`;
}

function clusterTable(caption, clusters) {
	if (clusters.length === 0)
		return html`<p class="note">${caption}: none.</p>`;
	return table(caption, ['cluster', 'size', 'weight', ...clusters[0].columns.map((name) => html`<code>${name}</code>`)],
		clusters.map((c) => [badge(c.label), c.size, number(c.weight, 3),
			...c.mean.map((mean, i) => html`${number(mean, 2)} <span class="note">± ${number(Math.sqrt(c.covariance[i][i]), 2)}</span>`)]));
}

// What the current run has changed, group by group.
function changes(rows) {
	const groups = rows.filter((r) => r.label);
	return table('What the latest run changed', ['cluster', '', 'size', 'rows that moved', 'mean, in standard deviations'], groups.map((r) => [
		badge(r.label),
		r.other_labels?.length ? html`${r.change} (${r.other_labels.join(', ')})` : r.change,
		r.previous_size === r.size ? r.size : `${r.previous_size ?? 0} → ${r.size ?? 0}`,
		r.moved === null ? '' : `${number(100 * r.moved, 0)} %`,
		r.drift ? r.drift.map((by) => (by >= 0 ? '+' : '−') + number(Math.abs(by), 2)).join(', ') : '']));
}

function history(network, runs, token) {
	const rollback = (run) => html`<form method="post" action="/admin/${encodeURIComponent(network.network)}/rollback" data-question="Make run ${run} the current one again?">
<input type="hidden" name="token" value="${token}"><input type="hidden" name="run" value="${run}"><button class="secondary small">Go back</button></form>`;
	return table('Runs', ['run', 'started', 'ms', 'rows', 'clusters', 'relabelled', 'ELBO', ''], runs.map((r) => r.error
		? ['–', r.started, r.ms, '', '', '', '', html`<span class="bad">${r.error}</span>`]
		: [r.run, r.started, r.ms, r.rows, r.clusters ?? '–', r.rows_relabelled ?? '–', number(r.elbo, 2), r.is_current ? 'current' : rollback(r.run)]));
}

function atypical(rows) {
	if (rows.length === 0)
		return html`<p class="note">Run the inference to see who is atypical.</p>`;
	const [{ mu, sigma, n }] = rows;
	return table(`${n} atypical users: avg1 outside ${number(mu, 2)} ± 2 × ${number(sigma, 2)}`, ['user', 'age', 'avg1', 'standard deviations'],
		rows.map((r) => [r.id, r.age, number(r.avg1, 2), number(r.sigmas, 2)]));
}

function results(network, { clusters, previous, changed, runs, atypical: users }, token) {
	return html`${users && html`<section class="card"><h2>Atypical users</h2>${atypical(users)}</section>`}
${network.type === 'clustering' && html`<section class="card"><h2>Clusters</h2>
${clusterTable('Current clusters', clusters)}
${changed.length > 0 && changes(changed)}
${clusterTable('Previous clusters', previous)}
</section>`}
<section class="card"><h2>History</h2>${history(network, runs, token)}</section>`;
}

function field(form, name, label, note, type = 'text') {
	return html`<div class="field"><label for="${name}">${label}</label>
<input id="${name}" name="${name}" type="${type}" inputmode="numeric" autocomplete="off" value="${form[name]}" aria-describedby="${name}-note">
<span class="note" id="${name}-note">${note}</span></div>`;
}

const ACTIONS = {
	none: 'none: only count',
	recalculate: 'recalculate: in the transaction that counts',
	background: 'background: a worker infers, nobody waits',
};

function settingsForm(network, form, problem, token) {
	return html`<section class="card"><h2>Settings</h2>
${problem && html`<div class="problem" role="alert" id="problem"><b>${problem.message}</b>${problem.detail && html`<br>${problem.detail}`}${problem.hint && html`<br>${problem.hint}`}</div>`}
<form method="post" action="/admin/${encodeURIComponent(network.network)}/settings">
<input type="hidden" name="token" value="${token}">
<div class="fields">
${field(form, 'restarts', 'Restarts', 'empty: chosen by the number of rows')}
${field(form, 'max_iterations', 'Iterations', 'most for a restart')}
${network.type === 'clustering' && field(form, 'max_clusters', 'Clusters', 'at most; a change forgets what was inferred')}
${field(form, 'counter_threshold', 'Threshold', 'changes until the action; empty: none')}
<div class="field whole"><label for="threshold_action">Action at the threshold</label>
<select id="threshold_action" name="threshold_action">
${Object.entries(ACTIONS).map(([value, text]) => html`<option value="${value}"${form.threshold_action === value ? html` selected` : ''}>${text}</option>`)}
</select></div>
${field(form, 'seed', 'Seed', 'all random draws follow from it')}
</div>
<button>Save settings</button>
</form></section>`;
}

function controls(network, token) {
	const button = (action, text, kind, question) => html`<form method="post" action="/admin/${encodeURIComponent(network.network)}/${action}"${question && html` data-question="${question}"`}>
<input type="hidden" name="token" value="${token}"><button class="${kind}" id="${action}">${text}</button></form>`;
	return html`<section class="card"><h2>Inference</h2>
<div class="row">
${button('run', 'Run', '', `Infer ${network.network} from all rows now?`)}
${button('reset', 'Reset', 'secondary danger', `Forget the posterior of ${network.network} and empty its results column?`)}
${button('cancel', 'Cancel', 'secondary')}
</div>
<p><label for="progress">Progress</label> <progress id="progress" max="100" value="0"></progress> <span id="phase">idle</span></p>
<p id="message" role="status"></p>
${network.counter_threshold !== '' && html`<p><label for="counter">Changes counted</label> <meter id="counter" min="0" max="${network.counter_threshold}" value="0"></meter> <span id="count"></span></p>`}
</section>`;
}

function simulationForm(network, token) {
	return html`<section class="card"><h2>Simulate visitors</h2>
<form method="post" action="/admin/${encodeURIComponent(network.network)}/simulate">
<input type="hidden" name="token" value="${token}">
<div class="row">
<label for="users">Users</label> <input id="users" name="users" inputmode="numeric" value="20" size="4">
<label for="seconds-of">Seconds</label> <input id="seconds-of" name="seconds" inputmode="numeric" value="30" size="4">
<button id="simulate">Simulate</button> <button class="secondary" name="stop" value="1">Stop</button>
</div>
<p class="note">Half of them are new, with habits that no group has yet. Watch the counter, the runs and the picture.</p>
<p id="simulation" role="status"></p>
</form></section>`;
}

function plot(network, what, node) {
	const query = node ? `?node=${encodeURIComponent(node)}` : '';
	return html`<div class="plot" data-what="${what}" data-spec="/admin/${encodeURIComponent(network.network)}/plot/${what}${query}"></div>`;
}

function networkPage({ network, form, problem, token, graph, nodes, run, results: fragment }) {
	const clustering = network.type === 'clustering';
	return html`<p><a href="/admin">← Networks</a></p>
<h1>${network.network}</h1>
<p class="lead">${clustering ? 'Which groups' : 'The distribution'} of ${network.columns.join(', ')} in ${network.source}?</p>
<div class="admin-grid" id="network" data-network="${network.network}" data-run="${run}">
<div>
${controls(network, token)}
${clustering && simulationForm(network, token)}
${settingsForm(network, form, problem, token)}
<section class="card"><h2>Graph</h2><div class="scroll graph">${raw(graph)}</div></section>
</div>
<div>
${clustering && html`<section class="card"><h2>Clusters</h2>${plot(network, 'clusters')}${plot(network, 'sizes')}${plot(network, 'changes')}</section>`}
<div id="results">${fragment}</div>
</div>
</div>
<section class="card"><h2>Posteriors and trace</h2><div class="plots">
${nodes.map((node) => plot(network, 'posterior', node))}
${plot(network, 'trace')}
</div></section>`;
}

module.exports = { listPage, networkPage, results };
