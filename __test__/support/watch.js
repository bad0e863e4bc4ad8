'use strict';
// Promises seen from outside: whether they have settled, and as what.

/**
 * @typedef {object} Watched
 * @property {'pending' | 'fulfilled' | 'rejected'} state
 * @property {any} value the result or the error
 * @property {Promise<void>} settled fulfilled in either case
 */

/**
 * Follows a promise. Its rejection counts as handled.
 *
 * @param {Promise<any>} promise
 * @returns {Watched}
 */
function watch(promise) {
  const watched = { state: 'pending', value: undefined };
  watched.settled = promise.then(
    (value) => void Object.assign(watched, { state: 'fulfilled', value }),
    (value) => void Object.assign(watched, { state: 'rejected', value }),
  );
  return watched;
}

/** The error that a promise rejects with, whatever it is. */
async function errorOf(promise) {
  const watched = watch(promise);
  await watched.settled;
  if (watched.state === 'fulfilled') throw new Error(`expected a rejection, got ${String(watched.value)}`);
  return watched.value;
}

/** Lets all that is ready happen: microtasks, and one turn of the event loop. */
const turn = () => new Promise(setImmediate);

module.exports = { watch, errorOf, turn };
