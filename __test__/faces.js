'use strict';
// The faces under one shape, so that a behaviour's tests are written once and run over each face that has it.
//
// `open(options)` gives an object with a method per mode: `write(key, obtained, released)` and, where the face
// has readers, `read(...)`. `obtained` gets the function that releases.

const { describe } = require('node:test');
const latchkey = require('latchkey');
const alock = require('latchkey/alock');
const RwlockPlus = require('latchkey/rwlock-plus');

/**
 * @typedef {object} Face
 * @property {string} name
 * @property {('write' | 'read')[]} modes
 * @property {boolean} tells whether it has release callbacks
 * @property {boolean} expires whether its holds may expire: `open({ expiry, logger })`
 * @property {(options?: { expiry?: any, logger?: any }) => any} open
 */

/** @returns {Face} */
function called(name, lock) {
  return {
    name,
    modes: ['write'],
    tells: false,
    expires: false,
    open: () => ({ write: (key, obtained) => lock(key, obtained) }),
  };
}

/**
 * @param {number} [usual] the expiry, unless a test asks for another one
 * @returns {Face}
 */
function constructed(name, Lock, usual) {
  return {
    name,
    modes: ['write', 'read'],
    tells: true,
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

/** The promise face: whoever is let in releases some microtasks after it says so. */
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

/** The faces of a copy of the package, that with promises too, for requests that queue up on private keys. */
function facesOf({ alock: lock, latchkey: { Lock, Locks } }) {
  return [
    called('alock', lock),
    constructed('Lock', Lock),
    constructed('Lock with an expiry', Lock, LONG),
    promised('Locks', Locks),
    promised('Locks with an expiry', Locks, LONG),
  ];
}

/** @type {Face[]} */
const faces = [
  called('alock', alock),
  called('latchkey called', latchkey),
  constructed('rwlock-plus', RwlockPlus),
  constructed('latchkey constructed', latchkey),
];

/**
 * A face whose holds the engine knows one by one as soon as somebody waits; those of the others without an expiry are a number
 * that it keeps for a key. Its holds outlast every test, so that one that leaves somebody
 * waiting would keep the process alive.
 */
const lasting = constructed('rwlock-plus, with an expiry', RwlockPlus, LONG);

/**
 * Describes a behaviour once per face that has it.
 *
 * @param {string} behaviour
 * @param {Face[]} which
 * @param {(face: Face) => void} suite
 */
function overFaces(behaviour, which, suite) {
  for (const face of which) describe(`${behaviour} (${face.name})`, () => suite(face));
}

/**
 * Describes a behaviour once per face and mode.
 *
 * @param {string} behaviour
 * @param {Face[]} which
 * @param {(face: Face, mode: 'write' | 'read') => void} suite
 */
function overModes(behaviour, which, suite) {
  for (const face of which) {
    for (const mode of face.modes) describe(`${behaviour} (${face.name}, ${mode})`, () => suite(face, mode));
  }
}

let keys = 0;

/** A key that no other test uses: all calls of an alock face share their keys. */
function freshKey() {
  return `key ${keys++}`;
}

module.exports = {
  LONG,
  facesOf,
  faces,
  lasting,
  telling: faces.filter((face) => face.tells),
  expiring: faces.filter((face) => face.expires),
  sharing: faces.filter((face) => face.modes.includes('read')),
  overFaces,
  overModes,
  freshKey,
};
