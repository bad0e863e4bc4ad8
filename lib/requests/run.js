'use strict';
// What a call of the promise API comes to: its hold, once that is granted, or the result of a function that runs meanwhile.
//
// These are async functions: see caller.js.

const { withCaller } = require('./caller');
const { StoreUnreachableError } = require('../errors');
const { Failure, HELD } = require('./promise-request');

/** @typedef {import('./promise-request').PromiseRequest} PromiseRequest */
/** @typedef {import('./hold').Hold} Hold */
/** @typedef {import('./hold').Held} Held */

/**
 * @param {PromiseRequest} request one that waits
 * @returns {Promise<void>} resolves once it has an outcome
 */
function settled(request) {
  return new Promise((settle) => request.whenSettled(settle));
}

/**
 * @param {PromiseRequest} request one that waits
 * @returns {Promise<Hold>}
 */
async function wait(request) {
  await settled(request);
  return holdOf(request, wait);
}

/**
 * @param {Held} held
 * @param {Function} own of this file, which is at work
 * @returns {Hold}
 */
function holdOf(held, own) {
  if (held.outcome instanceof Failure) throw withCaller(held.outcome.error, own);
  return held.toHold();
}

/**
 * Runs `fn` with the hold, once it is granted, and releases it.
 *
 * @param {Held} held or a request that waits still
 * @param {(hold: Hold) => unknown} fn
 * @returns {Promise<unknown>}
 */
async function runAndRelease(held, fn) {
  let result;
  try {
    if (held.outcome === null) await settled(/** @type {PromiseRequest} */ (held));
    // `await` looks for no `then` in a promise, which may have one of its own that does not call back.
    result = await fn(holdOf(held, runAndRelease));
  } catch (error) {
    return endFailed(held, error);
  }
  const answer = held.release();
  if (answer !== undefined) await answer.catch(unlessUnreachable);
  // If the hold was taken away while `fn` ran, nobody may take what `fn` did for done.
  if (held.loss !== null) throw withCaller(held.loss, runAndRelease);
  return result;
}

/** @param {unknown} error why a store did not release a hold: what was done is done although it cannot learn it */
function unlessUnreachable(error) {
  // The lease covered it.
  if (!(error instanceof StoreUnreachableError)) throw withCaller(error, unlessUnreachable);
}

/**
 * Ends what was not granted, or whose function has failed.
 *
 * @param {Held} held
 * @param {unknown} error
 * @returns {Promise<never>}
 */
async function endFailed(held, error) {
  // Later, since there may be no room for it at the end of the stack.
  await undefined;
  // On a store, the answer is waited for; nothing in it is as important as the error.
  if (held.outcome === HELD) await held.release()?.catch(() => {});
  else /** @type {PromiseRequest} */ (held).abandon(error);
  throw error;
}

module.exports = { settled, wait, runAndRelease };
