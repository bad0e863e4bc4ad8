'use strict';
// A call that is to end: so that a loop without an end fails its test, and does not stop the run.

const vm = require('node:vm');

/** How long a call may take that takes no time at all. */
const LIMIT = 5000;

/**
 * @template T
 * @param {() => T} call
 * @returns {T}
 */
function bounded(call) {
  return vm.runInNewContext('call()', { call }, { timeout: LIMIT });
}

module.exports = { bounded };
