// Templates that escape what they are given.
'use strict';

const ENTITIES = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

class Html {
	constructor(text) {
		this.text = text;
	}

	toString() {
		return this.text;
	}
}

function escape(value) {
	if (value instanceof Html)
		return value.text;
	if (Array.isArray(value))
		return value.map(escape).join('');
	if (value === null || value === undefined || value === false)
		return '';
	return String(value).replace(/[&<>"']/g, (c) => ENTITIES[c]);
}

// html`<p>${text}</p>`: text is escaped, other templates and lists of them are not.
function html(strings, ...values) {
	return new Html(strings.reduce((text, string, i) => text + escape(values[i - 1]) + string));
}

// Marks text that is HTML already.
function raw(text) {
	return new Html(text);
}

module.exports = { html, raw };
