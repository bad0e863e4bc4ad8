'use strict';
// The rwlock-plus face: `new Lock(timeout, logger)` with `readLock` and `writeLock`.

const { CallbackRequest, ask } = require('./callbacks');
const { Space, READ, WRITE } = require('./space');
const { toKey, checkCallback, toExpiry, toLogger } = require('./arguments');
const { invalidThis, invalidType } = require('./errors');
const STATE = require('./state');

/**
 * What a lock object keeps.
 *
 * @typedef {{ space: Space, expiry: number, logger: import('./callbacks').Logger | null }} State
 */

/**
 * A plain function, not a class, so that ES5 programs can inherit from it with `Lock.call(this, timeout)`.
 *
 * @this {any}
 * @param {number | null} [timeout]
 * @param {import('./callbacks').Logger | null} [logger]
 */
function Lock(timeout, logger) {
  if (!(this instanceof Lock)) throw invalidThis("Class constructor Lock cannot be invoked without 'new'");
  const value = { expiry: toExpiry(timeout), logger: toLogger(logger), space: new Space() };
  Object.defineProperty(this, STATE, { value, configurable: true });
}

/**
 * @this {any}
 * @param {unknown} key
 * @param {import('./callbacks').Callback | null | undefined} releaseCallback
 * @param {import('./callbacks').Callback} lockObtainedCallback
 */
Lock.prototype.readLock = function readLock(key, releaseCallback, lockObtainedCallback) {
  request(this, READ, key, releaseCallback, lockObtainedCallback);
};

/**
 * @this {any}
 * @param {unknown} key
 * @param {import('./callbacks').Callback | null | undefined} releaseCallback
 * @param {import('./callbacks').Callback} lockObtainedCallback
 */
Lock.prototype.writeLock = function writeLock(key, releaseCallback, lockObtainedCallback) {
  request(this, WRITE, key, releaseCallback, lockObtainedCallback);
};

/**
 * @param {any} lock
 * @param {number} mode
 * @param {unknown} key
 * @param {import('./callbacks').Callback | null | undefined} released
 * @param {import('./callbacks').Callback} obtained
 */
function request(lock, mode, key, released, obtained) {
  const state = /** @type {State | undefined} */ (lock?.[STATE]);
  if (state === undefined) throw invalidThis('readLock and writeLock have to be called on a Lock');
  const name = toKey(key);
  checkCallback('lockObtainedCallback', obtained);
  // The old package took any falsy value for "no callback", and programs write `done && wrap(done)`.
  if (released && typeof released !== 'function') {
    throw invalidType('releaseCallback', 'a function or null', released);
  }
  ask(new CallbackRequest(state.space, name, obtained, released || null, state.logger), mode, state.expiry);
}

module.exports = Lock;
module.exports.Lock = Lock;
