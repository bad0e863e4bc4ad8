'use strict';
// Worker threads for a file of tests, each with one space open as `state.locks`.

const { before, after } = require('node:test');
const { Thread } = require('./thread');

/**
 * Starts the threads before the file's tests, and ends them after.
 *
 * @returns {Thread[]} filled when the tests begin
 */
function useThreads(count) {
  const threads = [];
  before(() => {
    for (let i = 0; i < count; i++) threads.push(new Thread());
  });
  after(() => Promise.all(threads.map((thread) => thread.terminate())));
  return threads;
}

/** Opens a space in a worker, as `state.locks`. */
const openIn = (thread, name, options) =>
  thread.run(
    ({ open, state }, space, given) => {
      state.locks = open(space, given);
      state.calls = [];
    },
    name,
    options,
  );

const closeIn = (thread) => thread.run(({ state }) => state.locks.close());

module.exports = { useThreads, openIn, closeIn };
