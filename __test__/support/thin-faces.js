'use strict';
// The faces of one copy of the package whose calls of the engine are written down, under one shape.

const { loadWatchedCopy } = require('./copies');

const LONG = 600_000;

/**
 * `open()` gives an object with `write(key, obtained)` and, where the face has readers, `read(…)`; of a free key for the
 * promise face.
 *
 * @param {ReturnType<typeof loadWatchedCopy>} copy
 */
function facesOf({ alock, latchkey: { Lock, Locks } }) {
  return [
    { name: 'alock', open: () => ({ write: alock }) },
    { name: 'Lock', open: () => callbacks(new Lock()) },
    { name: 'Lock with an expiry', open: () => callbacks(new Lock(LONG)) },
    { name: 'Locks', open: () => promises(new Locks()) },
    { name: 'Locks with an expiry', open: () => promises(new Locks({ expiry: LONG })) },
  ];
}

function callbacks(lock) {
  return {
    read: (key, obtained) => lock.readLock(key, null, obtained),
    write: (key, obtained) => lock.writeLock(key, null, obtained),
  };
}

function promises(locks) {
  const by = (name) => (key, obtained) => {
    const hold = locks[name](key);
    if (hold !== null) obtained(() => hold.release());
  };
  return { read: by('tryRead'), write: by('tryWrite') };
}

/**
 * A copy, its faces, and `calls()`: what it asked of the engine since that was last asked.
 *
 * @param {Parameters<typeof loadWatchedCopy>} change
 */
function openThinFaces(...change) {
  const copy = loadWatchedCopy(...change);
  // That lock objects are opened and collected, and that a thread looks for news, is not what the tests are about.
  const calls = () => copy.crossings().filter((call) => !/^(open|close|collect|watch)/.test(call));
  return { ...copy, faces: facesOf(copy), calls };
}

module.exports = { openThinFaces, LONG };
