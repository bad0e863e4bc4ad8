'use strict';
// The alock face: `lock(key, fn)`.

const firstLock = require('./first-lock');
const { WRITE } = require('./request');
const { toKey, checkCallback } = require('./arguments');

/** @type {ReturnType<ReturnType<typeof firstLock>['openForCallbacks']> | undefined} all keys of this copy of the package, opened by the first call */
let space;

/**
 * @param {unknown} key
 * @param {(done: () => void) => void} fn
 */
function lock(key, fn) {
  const name = toKey(key);
  checkCallback('fn', fn);
  space ??= firstLock().openForCallbacks(undefined, undefined, false);
  firstLock().lock(space, name, WRITE, 0, fn, null, null);
}

module.exports = lock;
module.exports.lock = lock;
