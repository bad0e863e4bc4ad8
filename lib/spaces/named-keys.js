'use strict';
// The keys of this thread's named spaces: all lock objects of one name share them, so that there is one order of events for
// each key.

const { Keys } = require('./keys');

/** By the space's name, as long as a lock object has them. @type {Map<string, WeakRef<Keys>>} */
const named = new Map();

/** Forgets a name whose keys have been collected, unless there are new ones. */
const collected = new FinalizationRegistry((/** @type {string} */ name) => {
  if (named.get(name)?.deref() === undefined) named.delete(name);
});

/**
 * @param {string} name
 * @returns {Keys}
 */
function keysOf(name) {
  let keys = named.get(name)?.deref();
  if (keys === undefined) {
    keys = new Keys(false);
    named.set(name, new WeakRef(keys));
    collected.register(keys, name);
  }
  return keys;
}

module.exports = { keysOf };
