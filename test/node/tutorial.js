// Every command of the tutorial works, one after the other in one session.
'use strict';
const test = require('node:test');
const assert = require('node:assert');
const fs = require('fs');
const { execFileSync } = require('child_process');

test('the commands of docs/tutorial.md', () => {
	const commands = [...fs.readFileSync('docs/tutorial.md', 'utf8').matchAll(/```sql\n([^]*?)```/g)].map((block) => block[1]);
	assert.ok(commands.length > 10);
	const input = commands.join('').replace('CREATE EXTENSION bnai;', '');		// the database of a test has it
	const output = execFileSync('psql', ['-X', '-v', 'ON_ERROR_STOP=1'], { input, encoding: 'utf8', stdio: ['pipe', 'pipe', 'pipe'] });
	assert.match(output, /rows_relabelled/);
});
