'use strict';
// The time by a clock that nobody sets. Its module takes about a millisecond to load, and most programs lock
// nothing that depends on the time.

/** @type {typeof import('node:perf_hooks').performance | undefined} */
let clock;

/** @returns {number} milliseconds since some moment that stays the same */
function now() {
  clock ??= require('node:perf_hooks').performance;
  return clock.now();
}

module.exports = { now };
