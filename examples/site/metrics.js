// What /metrics takes: the time that a user spent on a page.
'use strict';

const PAGE_TYPES = [...'ABCDEFGHIJ'];
const LONGEST = 3600;		// seconds; a page that was left open longer tells nothing
const LARGEST_BODY = 1024;	// bytes

class BadMetric extends Error {}

// Returns the metric that a request's body holds, or throws a BadMetric that says what is wrong.
function parseMetric(body) {
	let metric;
	try {
		metric = JSON.parse(body);
	} catch {
		throw new BadMetric('the body is not JSON');
	}
	if (metric === null || typeof metric !== 'object' || Array.isArray(metric))
		throw new BadMetric('the body is not a JSON object');
	if (metric.metric !== 'avg_time_pages')
		throw new BadMetric('the only metric is avg_time_pages');
	if (!Number.isInteger(metric.user_id) || metric.user_id < 1 || metric.user_id > 2147483647)
		throw new BadMetric('user_id is not the number of a user');
	if (!PAGE_TYPES.includes(metric.page_type))
		throw new BadMetric('page_type is not one of A to J');
	if (typeof metric.time_spent !== 'number' || !(metric.time_spent >= 0 && metric.time_spent <= LONGEST))
		throw new BadMetric(`time_spent is not a number of seconds from 0 to ${LONGEST}`);
	return metric;
}

// Adds a visit to the running means of the page type and of all pages, in one statement.
async function recordMetric(visitor, { user_id, page_type, time_spent }) {
	const type = page_type.toLowerCase();
	const result = await visitor.query(
		`UPDATE userinfo SET
			avg_time_pages = (avg_time_pages * visits_pages + $2) / (visits_pages + 1),
			visits_pages = visits_pages + 1,
			avg_time_pages_${type} = (avg_time_pages_${type} * visits_pages_${type} + $2) / (visits_pages_${type} + 1),
			visits_pages_${type} = visits_pages_${type} + 1
		WHERE id = $1`, [user_id, time_spent]);
	if (result.rowCount === 0)
		throw new BadMetric(`there is no user ${user_id}`);
}

// Adds a user who is like the average one until visits tell more; returns the new id.
async function createUser(visitor) {
	const means = PAGE_TYPES.map((type) => `avg(avg_time_pages_${type.toLowerCase()})`);
	const result = await visitor.query(
		`INSERT INTO userinfo (age, sex, avg1, avg_time_pages, visits_pages,
			${PAGE_TYPES.map((type) => `avg_time_pages_${type}, visits_pages_${type}`).join(', ')})
		SELECT 30, 1, avg(avg1), avg(avg_time_pages), 0, ${means.map((mean) => `${mean}, 0`).join(', ')} FROM userinfo
		RETURNING id`);
	return result.rows[0].id;
}

module.exports = { PAGE_TYPES, LARGEST_BODY, BadMetric, parseMetric, recordMetric, createUser };
