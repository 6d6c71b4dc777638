// The site: pages for visitors, /metrics, and the admin pages.
'use strict';
const express = require('express');
const path = require('path');
const { html } = require('./html');
const { layout } = require('./layout');
const { LARGEST_BODY, BadMetric, parseMetric, recordMetric } = require('./metrics');
const security = require('./security');

// Libraries for the browser, as npm has brought them.
const MODULES = path.join(__dirname, '../../node_modules');
const VENDOR = ['vega', 'vega-lite', 'vega-embed'];

function metrics(visitor) {
	const router = express.Router();
	router.post('/metrics', security.requireSameSite, express.text({ type: () => true, limit: LARGEST_BODY }), async (request, response) => {
		await recordMetric(visitor, parseMetric(request.body));
		response.status(204).end();
	});
	// What cannot be read is a bad metric, too: a body that is too large, or in an unknown encoding.
	router.use('/metrics', (error, request, response, next) => {
		if (error instanceof BadMetric || (error.status >= 400 && error.status < 500))
			response.status(400).type('text').send(`${error.message}\n`);
		else
			next(error);
	});
	return router;
}

function message(title, text) {
	return layout({ title, main: html`<div class="card"><h1>${title}</h1><p>${text}</p><p><a href="/">To the first page</a></p></div>` });
}

// `visitor` and `admin` are pools of connections of the two roles.
module.exports = (visitor, admin) => {
	const app = express();
	app.disable('x-powered-by');
	app.use(security.setHeaders);
	app.use(security.requireHost);
	app.use('/public', express.static(path.join(__dirname, 'public')));
	for (const name of VENDOR)
		app.get(`/vendor/${name}.js`, (request, response) => response.sendFile(path.join(MODULES, name, `build/${name}.min.js`), { maxAge: '1h' }));
	app.use(metrics(visitor));
	app.use(security.giveToken);
	app.use(express.urlencoded({ extended: false, limit: '10kb' }));
	app.use(require('./pages')(visitor));
	app.use('/admin', require('./admin')(visitor, admin));
	app.use((request, response) => response.status(404).send(message('Not found', 'There is no such page, user or network.')));
	app.use((error, request, response, next) => {
		// class 22: the database cannot read a value, of a URL perhaps
		const unreadable = /^22/.test(error.code);
		const status = unreadable ? 400 : error.status >= 400 && error.status < 500 ? error.status : 500;
		if (status === 500)
			console.error(error);
		response.status(status).send(message('Something went wrong', status === 500 ? 'The server has written down what it was.' : unreadable ? 'This address cannot be read.' : error.message));
	});
	return app;
};
