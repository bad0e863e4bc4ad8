'use strict';
// The rwlock-plus API: `new Lock(timeout, logger)` with `readLock` and `writeLock`; ours is a third
// argument, for a named space.

const firstLock = require('./first-lock');
const { READ, WRITE } = require('../events/request');
const { toKey, checkCallback, toExpiry } = require('./arguments');
const { invalidThis, invalidType } = require('../errors');
const { showAs } = require('../inspect');
const STATE = require('./state');

/**
 * What a lock object keeps.
 *
 * @typedef {{ space: import('../spaces/space').Space, expiry: number, logger: import('../requests/callbacks').Logger | null }} State
 */

/**
 * A plain function, not a class, so that ES5 programs can inherit from it with `Lock.call(this, timeout)`.
 *
 * @this {any}
 * @param {number | null} [timeout]
 * @param {import('../requests/callbacks').Logger | null} [logger]
 * @param {{ name?: string | null, store?: unknown }} [options]
 */
function Lock(timeout, logger, options) {
  if (!(this instanceof Lock)) throw invalidThis('Lock has to be constructed with new');
  const { openSpace, LOCK, toPlace } = firstLock();
  const { name, store } = toPlace(options, LOCK);
  // The old package took `false` for "none", and programs write `slow && 10000`.
  const expiry = toExpiry('timeout', /** @type {unknown} */ (timeout) === false ? null : timeout);
  const log = toLogger(logger);
  const value = { expiry, logger: log, space: openSpace(name, store) };
  Object.defineProperty(this, STATE, { value, configurable: true });
}

/**
 * @this {any}
 * @param {unknown} key
 * @param {import('../requests/callbacks').Callback | null | undefined} releaseCallback
 * @param {import('../requests/callbacks').Callback} lockObtainedCallback
 */
Lock.prototype.readLock = function readLock(key, releaseCallback, lockObtainedCallback) {
  request(this, READ, key, releaseCallback, lockObtainedCallback);
};

/**
 * @this {any}
 * @param {unknown} key
 * @param {import('../requests/callbacks').Callback | null | undefined} releaseCallback
 * @param {import('../requests/callbacks').Callback} lockObtainedCallback
 */
Lock.prototype.writeLock = function writeLock(key, releaseCallback, lockObtainedCallback) {
  request(this, WRITE, key, releaseCallback, lockObtainedCallback);
};

showAs(Lock, (lock) => {
  const state = /** @type {State | undefined} */ (lock[STATE]);
  if (state === undefined) return null;
  const { space, expiry } = state;
  return { name: space.name ?? null, scope: space.scope, timeout: expiry === 0 ? null : expiry };
});

/**
 * @param {any} lock
 * @param {number} mode
 * @param {unknown} key
 * @param {import('../requests/callbacks').Callback | null | undefined} released
 * @param {import('../requests/callbacks').Callback} obtained
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
  const { space, expiry, logger } = state;
  firstLock().lock(space, name, mode, expiry, obtained, released || null, logger);
}

/**
 * @param {any} logger
 * @returns {import('../requests/callbacks').Logger | null}
 */
function toLogger(logger) {
  if (!logger) return null;
  if (typeof logger.warn !== 'function')
    throw invalidType('logger', 'an object with a function warn', logger);
  return logger;
}

module.exports = Lock;
module.exports.Lock = Lock;
