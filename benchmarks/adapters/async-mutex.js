'use strict';
// async-mutex, from npm. Its locks have no keys: it is spared the look-up, which is to its advantage.

const { Mutex } = require('async-mutex');
const { version } = require('async-mutex/package.json');

function open() {
  const mutex = new Mutex();
  return { run: (_key, fn) => mutex.runExclusive(fn) };
}

module.exports = { label: `async-mutex ${version}`, open };
