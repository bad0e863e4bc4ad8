'use strict';
// The faces of one copy of the package under one shape, for tests in which requests queue up on private keys.

const LONG = 600_000;

/**
 * `open()` gives an object with `write(key, obtained)` and, where the face has readers, `read(…)`; `obtained` gets a function
 * that releases. With promises it is the request's function that calls it, and whoever is let in is so some microtasks later.
 *
 * @param {{ alock: any, latchkey: any }} copy
 */
function queueFacesOf({ alock, latchkey: { Lock, Locks } }) {
  return [
    { name: 'alock', modes: ['write'], open: () => ({ write: alock }) },
    { name: 'rwlock-plus', modes: ['write', 'read'], open: () => callbacks(new Lock()) },
    { name: 'rwlock-plus with a timeout', modes: ['write', 'read'], open: () => callbacks(new Lock(LONG)) },
    { name: 'promises', modes: ['write', 'read'], open: () => promises(new Locks()) },
  ];
}

function callbacks(lock) {
  return {
    read: (key, obtained) => lock.readLock(key, null, obtained),
    write: (key, obtained) => lock.writeLock(key, null, obtained),
  };
}

function promises(locks) {
  const by = (mode) => (key, obtained) => void locks[mode](key, () => new Promise(obtained));
  return { read: by('read'), write: by('write') };
}

module.exports = { queueFacesOf, LONG };
