'use strict';
// latchkey's rwlock-plus API.

const Lock = require('../../lib/apis/rwlock-plus');

/** @param {{ expiry?: number }} options milliseconds */
function open({ expiry }) {
  const lock = new Lock(expiry);
  return {
    read: (key, obtained) => lock.readLock(key, null, obtained),
    write: (key, obtained) => lock.writeLock(key, null, obtained),
  };
}

module.exports = { label: 'latchkey', open };
