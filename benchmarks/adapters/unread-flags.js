'use strict';
// How the two threads of latchkey-unread.js show each other how far they are, without an event loop.

/** Places in the shared array: the keys are to be freed, and have been. */
const FREE = 0;
const FREED = 1;

/** @param {Int32Array} flags @param {number} place */
function signal(flags, place) {
  Atomics.store(flags, place, 1);
  Atomics.notify(flags, place);
}

/** Blocks this thread until there was a signal, and takes it. @param {Int32Array} flags @param {number} place */
function wait(flags, place) {
  Atomics.wait(flags, place, 0);
  Atomics.store(flags, place, 0);
}

module.exports = { FREE, FREED, signal, wait };
