'use strict';
// rwlock-plus, from npm.

const Lock = require('rwlock-plus');
const { version } = require('rwlock-plus/package.json');

/** @param {{ expiry?: number }} options milliseconds */
function open({ expiry }) {
  const lock = new Lock(expiry);
  return {
    read: (key, obtained) => lock.readLock(key, null, obtained),
    write: (key, obtained) => lock.writeLock(key, null, obtained),
  };
}

module.exports = { label: `rwlock-plus ${version}`, open };
