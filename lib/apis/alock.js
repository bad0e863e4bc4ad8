'use strict';
// The alock API: `lock(key, fn)`.

const firstLock = require('./first-lock');
const { WRITE } = require('../events/request');
const { toKey, checkCallback } = require('./arguments');

/** @type {ReturnType<ReturnType<typeof firstLock>['openSpace']> | undefined} all keys of this copy of the package, opened by the first call */
let space;

/**
 * @param {unknown} key
 * @param {(done: () => void) => void} fn
 */
function lock(key, fn) {
  const name = toKey(key);
  checkCallback('fn', fn);
  space ??= firstLock().openSpace(undefined, undefined);
  firstLock().lock(space, name, WRITE, 0, fn, null, null);
}

module.exports = lock;
module.exports.lock = lock;
