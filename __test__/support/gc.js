'use strict';
// The garbage collector on demand, whether or not node was started with --expose-gc.

const v8 = require('node:v8');
const vm = require('node:vm');
const { until } = require('./until');

const gc = globalThis.Bun ? () => Bun.gc(true) : exposedGc();

function exposedGc() {
  v8.setFlagsFromString('--expose-gc');
  return vm.runInNewContext('gc');
}

/** Collects until `condition()` is true: finalizers run some turns of the event loop later. */
function collectUntil(condition, what) {
  return until(() => {
    gc();
    return condition();
  }, what);
}

/** Collects all there is, finalizers too, and says what is left. */
async function memoryAfterGc() {
  for (let i = 0; i < 4; i++) {
    gc();
    await new Promise(setImmediate);
  }
  return process.memoryUsage();
}

module.exports = { gc, collectUntil, memoryAfterGc };
