'use strict';
// The APIs under one shape, so that a behaviour's tests are written once and run over each API that has it.
//
// `open(options)` gives an object with a method per mode: `write(key, obtained, released)` and, where the API
// has readers, `read(...)`. `obtained` gets the function that releases.

const { describe } = require('node:test');
const latchkey = require('latchkey');
const alock = require('latchkey/alock');
const RwlockPlus = require('latchkey/rwlock-plus');

/**
 * @typedef {object} Api
 * @property {string} name
 * @property {('write' | 'read')[]} modes
 * @property {boolean} notifies whether it has release callbacks
 * @property {boolean} expires whether its holds may expire: `open({ expiry, logger })`
 * @property {(options?: { expiry?: any, logger?: any }) => any} open
 */

/** @returns {Api} */
function called(name, lock) {
  return {
    name,
    modes: ['write'],
    notifies: false,
    expires: false,
    open: () => ({ write: (key, obtained) => lock(key, obtained) }),
  };
}

/**
 * @param {number} [usual] the expiry, unless a test asks for another one
 * @returns {Api}
 */
function constructed(name, Lock, usual) {
  return {
    name,
    modes: ['write', 'read'],
    notifies: true,
    expires: true,
    open({ expiry = usual, logger } = {}) {
      const lock = new Lock(expiry, logger);
      return {
        write: (key, obtained, released = null) => lock.writeLock(key, released, obtained),
        read: (key, obtained, released = null) => lock.readLock(key, released, obtained),
      };
    },
  };
}

/** The promise API: whoever is let in releases some microtasks after it says so. */
function promised(name, Locks, expiry) {
  return {
    name,
    modes: ['write', 'read'],
    open() {
      const locks = new Locks({ expiry });
      const by = (mode) => (key, obtained) => void locks[mode](key, () => new Promise(obtained));
      return { write: by('write'), read: by('read') };
    },
  };
}

const LONG = 600_000;

/** The APIs of a copy of the package, that with promises too, for requests that queue up on private keys. */
function apisOf({ alock: lock, latchkey: { Lock, Locks } }) {
  return [
    called('alock', lock),
    constructed('Lock', Lock),
    constructed('Lock with an expiry', Lock, LONG),
    promised('Locks', Locks),
    promised('Locks with an expiry', Locks, LONG),
  ];
}

/** @type {Api[]} */
const apis = [
  called('alock', alock),
  called('latchkey called', latchkey),
  constructed('rwlock-plus', RwlockPlus),
  constructed('latchkey constructed', latchkey),
];

/**
 * An API whose holds the engine knows one by one as soon as somebody waits; those of the others without an expiry are a number
 * that it keeps for a key. Its holds outlast every test, so that one that leaves somebody
 * waiting would keep the process alive.
 */
const lasting = constructed('rwlock-plus, with an expiry', RwlockPlus, LONG);

/**
 * Describes a behaviour once per API that has it.
 *
 * @param {string} behaviour
 * @param {Api[]} which
 * @param {(api: Api) => void} suite
 */
function overApis(behaviour, which, suite) {
  for (const api of which) describe(`${behaviour} (${api.name})`, () => suite(api));
}

/**
 * Describes a behaviour once per API and mode.
 *
 * @param {string} behaviour
 * @param {Api[]} which
 * @param {(api: Api, mode: 'write' | 'read') => void} suite
 */
function overModes(behaviour, which, suite) {
  for (const api of which) {
    for (const mode of api.modes) describe(`${behaviour} (${api.name}, ${mode})`, () => suite(api, mode));
  }
}

let keys = 0;

/** A key that no other test uses: all calls of an alock API share their keys. */
function freshKey() {
  return `key ${keys++}`;
}

module.exports = {
  LONG,
  apisOf,
  apis,
  lasting,
  notifying: apis.filter((api) => api.notifies),
  expiring: apis.filter((api) => api.expires),
  sharing: apis.filter((api) => api.modes.includes('read')),
  overApis,
  overModes,
  freshKey,
};
