// The pages of the magazine, A to J, as a user sees them.
'use strict';
const express = require('express');
const { html } = require('./html');
const { SECTIONS, layout, badge, number } = require('./layout');
const { PAGE_TYPES, createUser } = require('./metrics');
const { requireToken } = require('./security');

const NEWEST_USERS = 200;

// A user, the group that the user's times belong to now, and that group's means.
async function readUser(visitor, user, type) {
	const time = `avg_time_pages_${type.toLowerCase()}`;
	const result = await visitor.query(
		`SELECT u.id, u.avg_time_pages AS my_mean, u.${time} AS my_type_mean, u.visits_pages AS visits,
			u.cluster_1 AS inferred, g.*
		FROM userinfo u
		CROSS JOIN LATERAL bnai_predict('bn2', u.avg_time_pages, u.avg_time_pages_a) AS label
		LEFT JOIN LATERAL (
			SELECT label, count(*) AS members, avg(o.avg_time_pages) AS group_mean, avg(o.${time}) AS group_type_mean
			FROM userinfo o WHERE o.cluster_1 = label
		) g ON true
		WHERE u.id = $1`, [user]);
	return result.rows[0];
}

async function newestUsers(visitor) {
	return (await visitor.query('SELECT id FROM userinfo ORDER BY id DESC LIMIT $1', [NEWEST_USERS])).rows.map((row) => row.id);
}

function comparison(title, mine, group) {
	const most = Math.max(mine, group, 1);
	return html`<div class="card">
<h2>${title}</h2>
<dl class="bars">
<dt>you</dt><dd><meter min="0" max="${most}" value="${mine}"></meter> <b>${number(mine)} s</b></dd>
<dt>your group</dt><dd><meter min="0" max="${most}" value="${group ?? 0}"></meter> <b>${number(group)} s</b></dd>
</dl>
</div>`;
}

function article(type) {
	const [name, headline] = SECTIONS[type];
	return html`<p class="kicker">${name}</p>
<h1>${headline}</h1>
<p class="lead">You are reading a page of type ${type}. How long you stay is the only thing this magazine learns from you.
Stay a while, or go on: when you leave, the seconds are counted, and from time to time readers are grouped anew.</p>
<p>Nobody has told the database which groups there are, nor how many. It looks at two numbers of each reader, the mean time on
all pages and the mean time on pages of type A, and finds the groups that explain them best. When enough has changed it looks
again, and groups that are still there keep their names.</p>`;
}

function userControls(type, user, users, token) {
	return html`<div class="card controls">
<form action="/pages/${type}" method="get">
<label for="user">Be another user</label>
<div class="row"><select id="user" name="user">
${(users.includes(user) ? users : [user, ...users]).map((id) => html`<option${id === user ? html` selected` : ''}>${id}</option>`)}
</select><button>Go</button></div>
</form>
<form action="/users" method="post">
<input type="hidden" name="token" value="${token}"><input type="hidden" name="type" value="${type}">
<button class="secondary">New user</button>
</form>
</div>`;
}

function pageOf(type, row, users, token) {
	const next = PAGE_TYPES[(PAGE_TYPES.indexOf(type) + 1) % PAGE_TYPES.length];
	const moved = row.inferred && row.inferred !== row.label;
	return html`<div class="columns">
<article>
${article(type)}
<p><a class="next" href="/pages/${next}?user=${row.id}">Read on: ${SECTIONS[next][1]} →</a></p>
</article>
<aside aria-label="You and your group">
<div class="card group">
<p class="who">You (user ${row.id}) are in group ${badge(row.label)}</p>
<p class="note">${row.members} ${row.members === '1' ? 'reader' : 'readers'} in it, ${row.visits} visits of yours.
${moved ? html`At the last inference you were in group ${badge(row.inferred)}.` : row.inferred ? '' : 'You are new since the last inference.'}</p>
</div>
<div class="card timer" id="timer" data-user="${row.id}" data-type="${type}" data-mean="${row.group_type_mean ?? ''}">
<p><span id="seconds">0</span> seconds on this page</p>
<p id="reached" role="status"></p>
</div>
${comparison(`Pages of type ${type}`, row.my_type_mean, row.group_type_mean)}
${comparison('All pages', row.my_mean, row.group_mean)}
${userControls(type, row.id, users, token)}
</aside>
</div>`;
}

function notInferred(type, user, users, token) {
	return html`<div class="columns">
<article>${article(type)}</article>
<aside aria-label="You and your group">
<div class="card group" id="timer" data-user="${user}" data-type="${type}" data-mean="">
<p class="who">Nobody is in a group yet</p>
<p>No inference has run: the readers are in the table, but nothing is known of their groups.</p>
<p><a class="button" href="/admin/bn2">Go to the admin page and run it</a></p>
</div>
${userControls(type, user, users, token)}
</aside>
</div>`;
}

module.exports = (visitor) => {
	const router = express.Router();

	router.get('/', async (request, response) => {
		response.redirect(`/pages/A${/^\d+$/.test(request.query.user) ? `?user=${request.query.user}` : ''}`);
	});

	router.get('/pages/:type', async (request, response, next) => {
		const type = request.params.type;
		if (!PAGE_TYPES.includes(type))
			return next();
		const users = await newestUsers(visitor);
		const user = /^\d{1,9}$/.test(request.query.user) ? Number(request.query.user) : users[0];
		const row = await readUser(visitor, user, type);
		if (!row)
			return next();
		response.send(layout({
			title: SECTIONS[type][0],
			current: type,
			user,
			main: row.label ? pageOf(type, row, users, request.token) : notInferred(type, user, users, request.token),
			scripts: ['/public/page.js'],
		}));
	});

	router.post('/users', requireToken, async (request, response) => {
		const type = PAGE_TYPES.includes(request.body.type) ? request.body.type : 'A';
		response.redirect(303, `/pages/${type}?user=${await createUser(visitor)}`);
	});

	return router;
};
