'use strict';
// The alock face: `lock(key, fn)`.

const { toKey, checkCallback } = require('./arguments');
// Now, not with the first lock: a program without a binary for its machine is to hear of it when it starts.
require('./native');

/** @typedef {import('./callbacks').Callback} Callback */

/**
 * Locks in the space of all keys of this copy of the package. The first call opens it, and loads what that takes: a
 * program that never locks does not wait for it when it starts.
 *
 * @type {((key: string, fn: Callback) => void) | undefined}
 */
let lockKey;

/**
 * @param {unknown} key
 * @param {(done: () => void) => void} fn
 */
function lock(key, fn) {
  const name = toKey(key);
  checkCallback('fn', fn);
  lockKey ??= open();
  lockKey(name, fn);
}

function open() {
  const callbacks = require('./callbacks');
  const space = callbacks.openSpace(undefined, undefined, false);
  return (/** @type {string} */ key, /** @type {Callback} */ fn) =>
    callbacks.lock(space, key, callbacks.WRITE, 0, fn, null, null);
}

module.exports = lock;
module.exports.lock = lock;
