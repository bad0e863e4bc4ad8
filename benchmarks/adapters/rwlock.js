'use strict';
// rwlock, from npm.

const ReadWriteLock = require('rwlock');
const { version } = require('rwlock/package.json');

function open() {
  const lock = new ReadWriteLock();
  return {
    read: (key, obtained) => lock.readLock(key, obtained),
    write: (key, obtained) => lock.writeLock(key, obtained),
  };
}

module.exports = { label: `rwlock ${version}`, open };
