'use strict';
// What the processes that measure have in common: a task comes as a message, its answer goes back as one, and
// the process ends. And the garbage collector.

const v8 = require('node:v8');
const vm = require('node:vm');

v8.setFlagsFromString('--expose-gc');
const gc = vm.runInNewContext('gc');

/** Collects all garbage, and lets pass what is due meanwhile, such as warnings and finalizers. */
async function collect() {
  gc();
  await new Promise(setImmediate);
}

/**
 * Moves all objects out of V8's nursery: it takes two collections. A later one, whose time counts, does not copy them again.
 * Compiled code stays, and the event loop has no turn.
 */
function ageAll() {
  gc({ type: 'minor' });
  gc({ type: 'minor' });
}

/** @param {(task: any) => unknown} toAnswer */
function answer(toAnswer) {
  // Whoever asked is gone: interrupted, for example.
  process.once('disconnect', () => process.exit());
  process.once('message', async (task) => {
    /** @type {any} */
    let result;
    try {
      result = await toAnswer(task);
    } catch (error) {
      result = { error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
    }
    process.send?.(result, () => process.exit());
  });
}

module.exports = { answer, collect, ageAll };
