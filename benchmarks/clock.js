'use strict';
// What time is measured by.

/**
 * Milliseconds of processor time, of all threads of this process: other programs disturb it far less than the time
 * of day.
 */
function processorTime() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Milliseconds of the time of day, from some beginning. */
function wallTime() {
  return performance.now();
}

/** For work that never waits. Windows counts processor time in steps of 16 ms: too coarse. */
const workTime = process.platform === 'win32' ? wallTime : processorTime;

module.exports = { workTime, wallTime };
