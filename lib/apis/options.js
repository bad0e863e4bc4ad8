'use strict';
// Which options there are, and where. One of another name, or in another place, is refused, with the one that was probably
// meant: a lock that is quietly not the one that was asked for is the worst fault of all.

const { ownerOf, isOfAllObjects } = require('./arguments');
const { invalidOption } = require('../errors');

/**
 * Where options can be given.
 *
 * @typedef {object} Place
 * @property {string} path as an error writes it
 * @property {string} owner what takes them
 * @property {readonly string[]} names
 */

const LOCKS = place('options', 'new Locks()', ['name', 'store', 'expiry', 'timeout', 'maxPending', 'trace']);
const LOCK = place('options', 'new Lock()', ['name', 'store']);
const CALL_NAMES = ['signal', 'timeout', 'expiry', 'label'];
const TRY_NAMES = ['expiry', 'label'];
/**
 * The options of a store, and what each has to be.
 *
 * @satisfies {Record<Exclude<keyof import('../../native/binding').StoreOptions, 'roots'>, string>}
 */
const STORE_KINDS = {
  url: 'a string or a URL',
  sentinels: 'a list of strings',
  master: 'a string',
  user: 'a string',
  password: 'a string',
  database: 'a whole number, 0 or more',
  ca: 'PEM, as a string or a Buffer',
  cert: 'PEM, as a string or a Buffer',
  key: 'PEM, as a string or a Buffer',
  ttl: 'a number of milliseconds',
  connectTimeout: 'a number of milliseconds',
  commandTimeout: 'a number of milliseconds',
  namespace: 'a string',
};

const STORE = place('options.store', 'a store', Object.keys(STORE_KINDS));

/** By mode: READ is 0, WRITE is 1. */
const CALLS = ['read()', 'write()'].map((owner) => place('options', owner, CALL_NAMES));
const TRIES = ['tryRead()', 'tryWrite()'].map((owner) => place('options', owner, TRY_NAMES));

/**
 * @param {string} path
 * @param {string} owner
 * @param {readonly string[]} names
 * @returns {Place}
 */
function place(path, owner, names) {
  return { path, owner, names };
}

/**
 * Refuses an option that does not exist in its place, whatever its value. As with those that exist, one that is inherited
 * counts, unless all objects have it.
 *
 * @param {object} options
 * @param {Place} where
 */
function refuseUnknown(options, where) {
  for (const option in options) {
    if (where.names.includes(option) || isOfAllObjects(ownerOf(options, option))) continue;
    const { path, owner } = where;
    throw invalidOption(
      `${path}.${option}`,
      `must be absent: ${owner} has no such option. ${advise(option, where)}`,
    );
  }
}

/**
 * Refuses an option that is given without a value, as from a variable that is not set, where that would make another lock of
 * it.
 *
 * @param {Record<string, unknown>} options
 * @param {readonly string[]} names
 */
function refuseUndefined(options, names) {
  for (const name of names) {
    if (options[name] !== undefined || !Object.hasOwn(options, name)) continue;
    throw invalidOption(
      `options.${name}`,
      'must be absent or null if there is none. Received undefined: is a variable not set?',
    );
  }
}

/**
 * @param {string} option
 * @param {Place} where
 */
function advise(option, where) {
  const place = otherPlace(option, where);
  if (place !== undefined) return place;
  const meant = where.names.find((name) => isLike(option.toLowerCase(), name.toLowerCase()));
  if (meant !== undefined) return `Did you mean "${meant}"?`;
  return `Its options are ${where.names.map((name) => `"${name}"`).join(', ')}`;
}

/**
 * @param {string} option
 * @param {Place} where
 * @returns {string | undefined} where the option belongs, if it exists
 */
function otherPlace(option, where) {
  if (where === LOCK && option === 'timeout') return 'It is the first argument of new Lock()';
  if (where === LOCK && option === 'logger') return 'It is the second argument of new Lock()';
  const isOfCalls = CALL_NAMES.includes(option);
  if (isOfCalls && where !== STORE && where !== LOCK) return 'It is an option of read() and write()';
  if (LOCKS.names.includes(option)) return 'It is an option of new Locks()';
  if (STORE.names.includes(option)) return 'It belongs in "options.store"';
  if (isOfCalls) return 'It is an option of read() and write()';
  return undefined;
}

/**
 * Whether one name may have been written for the other: one has the other in it, or they differ by two letters at most.
 *
 * @param {string} given
 * @param {string} name
 */
function isLike(given, name) {
  if (name.length > 3 && given.includes(name)) return true;
  return distance(given, name) <= (name.length > 3 ? 2 : 1);
}

/**
 * How many letters have to be added, left out or replaced.
 *
 * @param {string} given
 * @param {string} name
 */
function distance(given, name) {
  let row = Array.from({ length: name.length + 1 }, (_, i) => i);
  for (let i = 0; i < given.length; i++) {
    const next = [i + 1];
    for (let j = 0; j < name.length; j++) {
      const replaced = row[j] + (given[i] === name[j] ? 0 : 1);
      next.push(Math.min(replaced, row[j + 1] + 1, next[j] + 1));
    }
    row = next;
  }
  return row[name.length];
}

module.exports = { LOCKS, LOCK, STORE, STORE_KINDS, CALLS, TRIES, refuseUnknown, refuseUndefined };
