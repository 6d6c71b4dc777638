// Keeps the page of a network up to date, draws its plots, and asks before what cannot be undone.
'use strict';
{
	const network = document.getElementById('network').dataset.network;
	const base = `/admin/${encodeURIComponent(network)}`;
	const element = (id) => document.getElementById(id);
	let shownRun = element('network').dataset.run;

	document.addEventListener('submit', (event) => {
		const { question } = event.target.dataset;
		if (question && !confirm(question))
			event.preventDefault();
	});

	// Narrows a specification, and each part of it, to the space that there is.
	const fit = (spec, space) => {
		if (typeof spec.width === 'number')
			spec.width = Math.max(180, Math.min(spec.width, space));
		for (const part of spec.vconcat ?? [])
			fit(part, space);
		return spec;
	};

	const options = {
		actions: false,
		ast: true,		// the policy of the page allows no code from strings
		defaultStyle: false,
		logLevel: 1,
		renderer: 'svg',
		tooltip: { disableDefaultStyle: true },
		config: { legend: { orient: 'bottom' } },
	};

	const drawPlot = async (place) => {
		const answer = await fetch(place.dataset.spec);
		const spec = answer.ok ? await answer.json() : null;
		if (spec === null || spec.error) {
			place.textContent = spec?.error ?? `Nothing to draw of ${place.dataset.what} yet.`;
			place.classList.add('note');
			return;
		}
		place.classList.remove('note');
		await vegaEmbed(place, fit(spec, place.clientWidth - 80), options);
		place.querySelector('svg')?.setAttribute('aria-label', `${spec.title.text}, ${spec.title.subtitle}`);
	};

	const drawPlots = () => Promise.all([...document.querySelectorAll('.plot')].map(drawPlot));

	const showProgress = (status) => {
		const progress = element('progress');
		if (!status.running)
			progress.value = status.run ? 100 : 0;
		else if (status.percent === null)
			progress.removeAttribute('value');
		else
			progress.value = status.percent;
		element('phase').textContent = status.running
			? `${status.phase ?? 'running'}${status.restart ? `, restart ${status.restart}, iteration ${status.iteration}` : ''}`
			: status.run ? `idle, run ${status.run} is current` : 'idle, not inferred yet';
		element('cancel').disabled = !status.running;
		element('run').disabled = status.running;
		element('message').textContent = status.message ?? (status.last_error ? `In the background: ${status.last_error}` : '');
		element('message').className = status.failed ? 'bad' : '';
	};

	const showCounter = (status) => {
		if (!element('counter'))
			return;
		element('counter').value = status.counter;
		element('count').textContent = `${status.counter} of ${status.threshold}, then ${status.action}`;
	};

	const showSimulation = ({ running, visits, seconds_left, slowest }) => {
		if (element('simulation') && (running || visits > 0))
			element('simulation').textContent = `${visits} visits, the slowest took ${slowest.toFixed(0)} ms${running ? `; ${seconds_left} s left` : '; over'}`;
	};

	const update = async () => {
		const status = await (await fetch(`${base}/status`)).json();
		showProgress(status);
		showCounter(status);
		showSimulation(status.simulation);
		if ((status.run ?? '') !== shownRun) {
			element('results').innerHTML = await (await fetch(`${base}/results`)).text();
			await drawPlots();
		}
		shownRun = status.run ?? '';
	};

	const forever = async () => {
		await update().catch(() => { element('phase').textContent = 'the server does not answer'; });
		setTimeout(forever, 1000);
	};

	drawPlots();
	forever();
}
