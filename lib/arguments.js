'use strict';
// What the faces accept, and what they make of it. Each check throws before anything has changed.

const { invalidType, outOfRange } = require('./errors');

/**
 * Turns a key into a string, as a property name is made: `1` and `'1'` are one key.
 *
 * @param {unknown} key
 * @returns {string}
 */
function toKey(key) {
  if (typeof key === 'string') return key;
  if (key === undefined || key === null || typeof key === 'symbol') throw badKey(key);
  if (typeof key !== 'object' && typeof key !== 'function') return String(key);
  let name;
  try {
    [name] = Reflect.ownKeys({ [/** @type {any} */ (key)]: 0 });
  } catch (cause) {
    throw badKey(key, cause);
  }
  if (typeof name !== 'string') throw badKey(name);
  return name;
}

/**
 * @param {unknown} key
 * @param {unknown} [cause]
 */
function badKey(key, cause) {
  return invalidType('key', 'a string, or a value that names a property as a string does', key, cause);
}

/**
 * @param {string} name
 * @param {unknown} callback
 */
function checkCallback(name, callback) {
  if (typeof callback !== 'function') throw invalidType(name, 'a function', callback);
}

/**
 * @param {unknown} timeout milliseconds
 * @returns {number} milliseconds; 0 for a hold that never expires
 */
function toExpiry(timeout) {
  if (timeout === undefined || timeout === null) return 0;
  if (typeof timeout !== 'number') throw invalidType('timeout', 'a number of milliseconds', timeout);
  if (!(timeout >= 0)) throw outOfRange('timeout', 'a number of milliseconds, 0 or more', timeout);
  return timeout === Infinity ? 0 : timeout;
}

/**
 * @param {any} logger
 * @returns {{ warn(message: string): void } | null}
 */
function toLogger(logger) {
  if (logger === undefined || logger === null) return null;
  if (typeof logger.warn !== 'function')
    throw invalidType('logger', 'an object with a function warn', logger);
  return logger;
}

module.exports = { toKey, checkCallback, toExpiry, toLogger };
