'use strict';
// async-lock, from npm, without its bound of 1,000 pending requests.

const AsyncLock = require('async-lock');
const { version } = require('async-lock/package.json');

function open() {
  const lock = new AsyncLock({ maxPending: Infinity });
  return { run: (key, fn) => lock.acquire(key, fn) };
}

module.exports = { label: `async-lock ${version}`, open };
