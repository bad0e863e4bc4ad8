'use strict';
// Calls close to the end of the stack, from where it is reached before the library does anything to where it is not
// reached at all: each request is served in the end, or its call threw and left nothing. A release that threw has
// changed nothing, and works when it is called again.
//
// LATCHKEY_COUNT=1 counts the faults of many more runs, and prints them instead of failing.

const { it, describe, before } = require('node:test');
const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const path = require('node:path');
const { apis } = require('./support/stack-end');
const { PATIENCE } = require('./support/until');

const COUNTS = process.env.LATCHKEY_COUNT === '1';
const RUNS = COUNTS ? 4800 : 480;

/** In KB; Node's own is 984. The shorter it is, the sooner its end is reached. */
const STACK = 200;

/** Without what Node breaks itself: see support/stack-end.js. */
const NO_CHECKS = process.allowedNodeEnvironmentFlags.has('--force-async-hooks-checks')
  ? ['--no-force-async-hooks-checks']
  : [];

/** Runs all scenarios of an API in a process of its own. */
function runScenarios(api) {
  const program = path.join(__dirname, 'support/stack-end.js');
  const options = { timeout: (COUNTS ? 10 : 2) * PATIENCE, stdio: ['ignore', 'pipe', 'pipe'] };
  const child = spawn(
    process.execPath,
    [...NO_CHECKS, '--expose-gc', `--stack-size=${STACK}`, program, api, `${RUNS}`],
    options,
  );
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      const results = new Map(stdout.split('\n').filter(Boolean).map(JSON.parse));
      resolve({ results, end: `the process ended with ${signal ?? code}\n${stderr.slice(-2000)}` });
    });
  });
}

for (const [api, open] of Object.entries(apis)) {
  describe(`near the end of the stack (${api})`, () => {
    let results;
    let end;
    before(async () => ({ results, end } = await runScenarios(api)));

    for (const what of Object.keys(open())) {
      it(`${what}: nothing is lost`, (t) => {
        const result = results.get(what);
        assert.ok(result !== undefined, end);
        const { runs, threw, faults } = result;
        // Else it was not near the end.
        assert.ok(threw > 0 && runs === RUNS);
        if (COUNTS)
          t.diagnostic(`${api}, ${what}: ${JSON.stringify(faults)} in ${runs} runs, of which ${threw} threw`);
        else assert.deepEqual(faults, {}, `of ${runs} runs, of which ${threw} threw`);
      });
    }
  });
}
