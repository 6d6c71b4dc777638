// What all pages have around them.
'use strict';
const { html } = require('./html');

const SECTIONS = {
	A: ['Architecture', 'A house is never finished; it is only lived in'],
	B: ['Books', 'Ten novels that are shorter than their reviews'],
	C: ['Cooking', 'What an onion does while you look away'],
	D: ['Design', 'The handle tells the hand what to do'],
	E: ['Economy', 'Prices are letters that strangers write to each other'],
	F: ['Film', 'The cut that nobody sees'],
	G: ['Gardening', 'Plant the tree first, then think about the bench'],
	H: ['History', 'A calendar that lost eleven days'],
	I: ['Ideas', 'How to be wrong by a known amount'],
	J: ['Journeys', 'The slow train has the better windows'],
};

// `current` is a page type or "admin".
function layout({ title, current, user, main, scripts = [] }) {
	const query = user ? `?user=${user}` : '';
	return html`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} · The Posterior</title>
<link rel="icon" href="/public/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/public/site.css">
${scripts.map((src) => html`<script src="${src}" defer></script>`)}
</head>
<body>
<a class="skip" href="#main">Skip to the content</a>
<header>
<div class="wide bar">
<a class="name" href="/${query}">The Posterior</a>
<a class="admin" href="/admin"${current === 'admin' ? html` aria-current="page"` : ''}>Admin</a>
</div>
<nav class="wide" aria-label="Sections"><ul>
${Object.entries(SECTIONS).map(([type, [name]]) =>
		html`<li><a href="/pages/${type}${query}"${current === type ? html` aria-current="page"` : ''}>${name}</a></li>`)}
</ul></nav>
</header>
<main id="main" class="wide" tabindex="-1">
${main}
</main>
<footer class="wide">A demonstration of bnai: Bayesian networks inside PostgreSQL.</footer>
</body>
</html>
`.toString();
}

// A label of a cluster in its colour, which is that of the plots.
function badge(label) {
	const number = [...label].reduce((n, c) => n * 26 + c.charCodeAt(0) - 64, 0);
	return html`<span class="label label-${(number - 1) % 7}">${label}</span>`;
}

function number(value, digits = 1) {
	return value === null || value === undefined ? '–' : Number(value).toFixed(digits);
}

module.exports = { SECTIONS, layout, badge, number };
