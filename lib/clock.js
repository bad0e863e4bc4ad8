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
 * What a program puts in its place, such as a test's fake clock, is not called: no test's time is that of the locks, and it might use
 * them, in the midst of an operation. It is put before the method of the class, sooner or later.
 *
 * @param {typeof import('node:perf_hooks').performance} performance
 * @returns {() => number}
 */
function bind(performance) {
  // Bun's class has none.
  const { now = performance.now } = Object.getPrototypeOf(performance);
  return now.bind(performance);
}

module.exports = { now };
