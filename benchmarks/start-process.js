'use strict';
// The process that measures what one `require` costs: see start.js.

const { readdirSync } = require('node:fs');
const { workTime } = require('./clock');

process.once('message', (/** @type {string} */ file) => {
  const threadsBefore = countThreads();
  const start = workTime();
  require(file);
  const elapsed = workTime() - start;
  process.send?.({ elapsed, threadsBefore, threadsAfter: countThreads() }, () => process.exit());
});

/** @returns {number | null} threads of this process, as the operating system counts; null if it does not say */
function countThreads() {
  try {
    return readdirSync('/proc/self/task').length;
  } catch {
    return null;
  }
}
