'use strict';
// What the APIs accept, and what they make of it. Each check throws before anything has changed.

const { invalidType, outOfRange } = require('../errors');

/**
 * Turns a key into a string, as a property name is made: `1` and `'1'` are one key.
 *
 * @param {unknown} key
 * @returns {string}
 */
function toKey(key) {
  // Small, so that V8 makes it a part of every call.
  return typeof key === 'string' ? key : toName(key);
}

/** @param {unknown} key */
function toName(key) {
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
 * Several keys, each once, in the order in which everybody takes them.
 *
 * @param {unknown[]} keys
 */
function toKeys(keys) {
  return [...new Set(Array.from(keys, (key) => toKey(key)))].sort((a, b) => (a < b ? -1 : 1));
}

/**
 * `Array.isArray`, for anything at all.
 *
 * @param {unknown} key
 * @returns {key is unknown[]}
 */
function isList(key) {
  try {
    return Array.isArray(key);
  } catch {
    // A revoked proxy: `toKey` says what is wrong with it.
    return false;
  }
}

/**
 * @param {unknown} key
 * @param {unknown} [cause]
 */
function badKey(key, cause) {
  return invalidType('key', 'a string, or something that becomes one as a property name does', key, cause);
}

/**
 * @param {string} name
 * @param {unknown} callback
 */
function checkCallback(name, callback) {
  if (typeof callback !== 'function') throw invalidType(name, 'a function', callback);
}

/**
 * @param {string} name
 * @param {unknown} value
 * @returns {number} a number, 0 or more, perhaps Infinity
 */
function toMilliseconds(name, value) {
  if (typeof value !== 'number') throw invalidType(name, 'a number of milliseconds', value);
  if (!(value >= 0)) throw outOfRange(name, 'a number of milliseconds, 0 or more', value);
  return value;
}

/**
 * @param {string} name
 * @param {unknown} expiry milliseconds
 * @returns {number} milliseconds; 0 for a hold that never expires
 */
function toExpiry(name, expiry) {
  if (expiry === undefined || expiry === null) return 0;
  const milliseconds = toMilliseconds(name, expiry);
  return milliseconds === Infinity ? 0 : milliseconds;
}

/**
 * @param {unknown} maxPending
 * @returns {number}
 */
function toMaxPending(maxPending) {
  if (maxPending === undefined || maxPending === null) return Infinity;
  if (typeof maxPending !== 'number') throw invalidType('options.maxPending', 'a number', maxPending);
  if (!(maxPending >= 0)) throw outOfRange('options.maxPending', '0 or more', maxPending);
  return maxPending;
}

/**
 * @param {unknown} trace
 * @returns {boolean | undefined}
 */
function toTrace(trace) {
  if (trace !== undefined && trace !== null && typeof trace !== 'boolean')
    throw invalidType('options.trace', 'a boolean', trace);
  return trace ?? undefined;
}

/**
 * @param {unknown} label
 * @returns {string | undefined}
 */
function toLabel(label) {
  if (label !== undefined && typeof label !== 'string') throw invalidType('options.label', 'a string', label);
  return label;
}

/**
 * @param {string} name
 * @param {unknown} options
 * @returns {Record<string, any>}
 */
function toOptions(name, options) {
  if (options === undefined || options === null) return {};
  if (typeof options !== 'object' || Array.isArray(options)) throw invalidType(name, 'an object', options);
  return options;
}

/**
 * An option, which may be inherited, as from a program's own defaults; but what somebody has added to `Object.prototype`, of any
 * realm, is nobody's option: every object has that.
 *
 * @param {Record<string, any>} options
 * @param {string} option
 */
function optionOf(options, option) {
  const value = options[option];
  if (value === undefined) return undefined;
  return isOfAllObjects(ownerOf(options, option)) ? undefined : value;
}

/**
 * @param {object} options
 * @param {string} option one that it has
 * @returns {object | null} the object, of it and its prototypes, whose own it is; null where a proxy has what none of them has
 */
function ownerOf(options, option) {
  /** @type {object | null} */
  let owner = options;
  while (owner !== null && !Object.hasOwn(owner, option)) owner = Object.getPrototypeOf(owner);
  return owner;
}

/**
 * Whether it is the prototype of all objects, of any realm.
 *
 * @param {object | null} object
 */
function isOfAllObjects(object) {
  if (object === null) return false;
  if (object === Object.prototype) return true;
  return Object.hasOwn(object, 'isPrototypeOf') && Object.getPrototypeOf(object) === null;
}

module.exports = {
  isList,
  toKey,
  toKeys,
  checkCallback,
  toMilliseconds,
  toExpiry,
  toMaxPending,
  toTrace,
  toLabel,
  toOptions,
  optionOf,
  ownerOf,
  isOfAllObjects,
};
