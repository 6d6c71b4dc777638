// Starts the site on 127.0.0.1: node examples/site/server.js [PORT], with PGHOST and
// PGDATABASE of a database that setup.sql has prepared.
'use strict';
const pg = require('pg');
const createApp = require('./app');

const port = Number(process.argv[2] ?? 8080);
const visitor = new pg.Pool({ user: 'magazine_visitor', max: 8 });
const admin = new pg.Pool({ user: 'magazine_admin', max: 8 });
for (const pool of [visitor, admin])
	pool.on('error', (error) => console.error(`a connection was lost: ${error.message}`));

const server = createApp(visitor, admin).listen(port, '127.0.0.1', (error) => {
	if (error) {
		console.error(error.code === 'EADDRINUSE' ? `port ${port} is taken: PORT=${port + 1} make site` : error.message);
		process.exit(1);
	}
	console.log(`The site: http://127.0.0.1:${server.address().port}/    (Ctrl-C stops it and its PostgreSQL)`);
});

for (const signal of ['SIGINT', 'SIGTERM'])
	process.on(signal, () => process.exit(0));
