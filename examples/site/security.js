// Headers for every answer, and tokens that forms of this site carry.
'use strict';
const crypto = require('crypto');

const secret = crypto.randomBytes(32);

const POLICY = ["default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data:", "connect-src 'self'",
	"form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'"].join('; ');

function setHeaders(request, response, next) {
	response.set({
		'Content-Security-Policy': POLICY,
		'X-Content-Type-Options': 'nosniff',
		'Referrer-Policy': 'same-origin',
		'Cache-Control': 'no-store',
	});
	next();
}

function readCookie(request, name) {
	const pair = (request.get('cookie') || '').split(/; */).find((item) => item.startsWith(`${name}=`));
	return pair && pair.slice(name.length + 1);
}

function sign(session) {
	return crypto.createHmac('sha256', secret).update(session).digest('base64url');
}

// Gives each browser a session, and the request the token that its forms must send back.
function giveToken(request, response, next) {
	let session = readCookie(request, 'session');
	if (!/^[\w-]{32}$/.test(session)) {
		session = crypto.randomBytes(24).toString('base64url');
		response.cookie('session', session, { httpOnly: true, sameSite: 'strict' });
	}
	request.token = sign(session);
	next();
}

// Refuses a form that does not come from a page of this site.
function requireToken(request, response, next) {
	const given = Buffer.from(String(request.body?.token ?? ''));
	const right = Buffer.from(request.token);
	if (given.length === right.length && crypto.timingSafeEqual(given, right))
		next();
	else
		response.status(403).type('text').send('This form is too old or comes from another site. Go back, reload the page and try again.\n');
}

// Refuses a request that a browser says another site has made; beacons cannot carry a token.
function requireSameSite(request, response, next) {
	const from = request.get('sec-fetch-site');
	const origin = request.get('origin');
	if ((from && from !== 'same-origin') || (origin && origin !== `${request.protocol}://${request.get('host')}`))
		response.status(403).type('text').send('from another site\n');
	else
		next();
}

// Refuses a request to another name than this machine's own: a page elsewhere may have its name mean this machine.
function requireHost(request, response, next) {
	if (/^(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?$/i.test(request.get('host') ?? ''))
		next();
	else
		response.status(400).type('text').send('not the name of this site\n');
}

module.exports = { requireHost, setHeaders, giveToken, requireToken, requireSameSite };
