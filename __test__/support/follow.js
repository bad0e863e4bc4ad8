'use strict';
// Promises seen from outside: whether they have settled, and as what.

/**
 * @typedef {object} Followed
 * @property {'pending' | 'fulfilled' | 'rejected'} state
 * @property {any} value the result or the error
 * @property {Promise<void>} settled fulfilled in either case
 */

/**
 * Follows a promise. Its rejection counts as handled.
 *
 * @param {Promise<any>} promise
 * @returns {Followed}
 */
function follow(promise) {
  const followed = { state: 'pending', value: undefined };
  followed.settled = promise.then(
    (value) => void Object.assign(followed, { state: 'fulfilled', value }),
    (value) => void Object.assign(followed, { state: 'rejected', value }),
  );
  return followed;
}

/** The error that a promise rejects with, whatever it is. */
async function errorOf(promise) {
  const followed = follow(promise);
  await followed.settled;
  if (followed.state === 'fulfilled') throw new Error(`expected a rejection, got ${String(followed.value)}`);
  return followed.value;
}

/** Lets all that is ready happen: microtasks, and one turn of the event loop. */
const turn = () => new Promise(setImmediate);

module.exports = { follow, errorOf, turn };
