'use strict';
// The time by a clock that nobody sets. Its module takes about a millisecond to load, and most programs lock
// nothing that depends on the time.

/** @type {(() => number) | undefined} */
let read;

/** @returns {number} milliseconds since some moment that stays the same */
function now() {
  read ??= bind(require('node:perf_hooks').performance);
  return read();
}

/**
 * What a program puts in its place later, such as a test's fake clock, is not called: it might use the locks, in the midst of an
 * operation.
 *
 * @param {typeof import('node:perf_hooks').performance} performance
 */
function bind(performance) {
  return performance.now.bind(performance);
}

module.exports = { now };
