'use strict';
// The keys of this thread's named spaces: all lock objects of one name share them, so that there is one order of events for
// each key.

const { ThinKeys } = require('./thin');

/** By the space's name. `users` counts the lock objects. @type {Map<string, { keys: ThinKeys, users: number }>} */
const named = new Map();

/**
 * @param {string} name
 * @returns {ThinKeys}
 */
function joinKeys(name) {
  let shared = named.get(name);
  if (shared === undefined) {
    shared = { keys: new ThinKeys(false), users: 0 };
    named.set(name, shared);
  }
  shared.users++;
  return shared.keys;
}

/** @param {string} name that one lock object does not use any more */
function leaveKeys(name) {
  const shared = named.get(name);
  if (shared !== undefined && --shared.users === 0) named.delete(name);
}

module.exports = { joinKeys, leaveKeys };
