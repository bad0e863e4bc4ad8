'use strict';
// Promises that are rejected with an error of a lock so that its stack names the program that asked. An error is made where
// latchkey learns of what happened, in a call of somebody else or in the event loop. But V8 knows who awaits a promise: a stack
// that is captured in a reaction of it has those frames, at no cost to a call that succeeds.

const { LockError } = require('../errors');

/** Not looked up in a promise: see hold.js. */
const { then } = Promise.prototype;

const DONE = Promise.resolve();

/**
 * A promise that is rejected when somebody waits for it already.
 *
 * @param {unknown} error
 * @returns {Promise<never>}
 */
function rejection(error) {
  const next = then.call(DONE, () => {});
  const rejected = then.call(next, () => {
    throw withCaller(error);
  });
  return /** @type {Promise<never>} */ (rejected);
}

/**
 * Gives an error the stack of the reaction, or of the call, that is at work.
 *
 * @param {unknown} error
 * @param {Function} [own] ours, whose frame and those above it are left out
 */
function withCaller(error, own = withCaller) {
  if (error instanceof LockError) Error.captureStackTrace(error, own);
  return error;
}

module.exports = { rejection, withCaller };
