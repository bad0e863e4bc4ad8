'use strict';
// async-lock, from npm, without its bound of 1,000 pending requests. Its `maxExecutionTime` is an expiry.

const AsyncLock = require('async-lock');
const { version } = require('async-lock/package.json');

/** @param {{ expiry?: number }} options milliseconds */
function open({ expiry }) {
  const lock = new AsyncLock({ maxPending: Infinity, maxExecutionTime: expiry });
  return { run: (key, fn) => lock.acquire(key, fn) };
}

module.exports = { label: `async-lock ${version}`, open };
