// Counts the seconds on a page, and sends them when it is left.
'use strict';
{
	const timer = document.getElementById('timer');
	const seconds = document.getElementById('seconds');
	const reached = document.getElementById('reached');
	const mean = timer.dataset.mean === '' ? Infinity : Number(timer.dataset.mean);
	let started = performance.now();

	const spent = () => (performance.now() - started) / 1000;

	const send = () => {
		const metric = {
			metric: 'avg_time_pages',
			user_id: Number(timer.dataset.user),
			page_type: timer.dataset.type,
			time_spent: spent(),
		};
		navigator.sendBeacon('/metrics', new Blob([JSON.stringify(metric)], { type: 'application/json' }));
	};

	const show = () => {
		if (seconds)
			seconds.textContent = Math.floor(spent());
		if (reached && reached.textContent === '' && spent() >= mean)
			reached.textContent = `You have stayed as long as your group does on average: ${mean.toFixed(1)} seconds.`;
	};

	setInterval(show, 250);
	addEventListener('pagehide', send);
	addEventListener('pageshow', (event) => {
		if (event.persisted)
			started = performance.now();	// came back: a new visit
	});
}
