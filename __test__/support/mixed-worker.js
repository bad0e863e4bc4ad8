'use strict';
// A thread that runs mixed programs, one after the other. What a program breaks does not outlive it; and one that hangs has
// said what it saw.

const { parentPort } = require('node:worker_threads');
const latchkey = require('latchkey');
const { MixedRun } = require('./mixed-run');

/** How many lines of a trace are shown. */
const LINES = 30;

parentPort.on('message', async (seed) => {
  const run = new MixedRun(seed, latchkey, (kind, line) => {
    // Those before the first violation say most.
    const lines = run.trace.slice(Math.max(0, line - LINES), line + 1);
    parentPort.postMessage({ kind, lines });
  });
  await run.run();
  parentPort.postMessage({ ended: true, operations: run.operations, grants: run.grants });
});
