'use strict';
// A worker thread that takes a write lock and never gives it back: see `deaths.js`.

const { parentPort, workerData } = require('node:worker_threads');
const { Locks } = require('latchkey');

const { space, way, expiry, clock } = workerData;
/** How long to block at the longest, milliseconds: the waiter wakes this thread when it is served, long before. */
const BLOCKED = 10_000;
const EVENT = 0;
const SERVED = 1;

/** Notes when it happens, in nanoseconds of a clock that all threads share. */
function now(later = 0) {
  clock[EVENT] = process.hrtime.bigint() + BigInt(later * 1_000_000);
}

const hold = new Locks({ name: space, expiry }).tryWrite('key');
if (way === 'blocks') now(expiry);
parentPort.postMessage(hold.fence);
// From here on no event reaches this thread.
if (way === 'blocks') Atomics.wait(clock, SERVED, 0n, BLOCKED);
if (way === 'terminated in a loop') for (;;);

const ends = {
  exits() {
    now();
    process.exit(0);
  },
  throws() {
    now();
    throw new Error('meant to be thrown');
  },
};
parentPort.on('message', () => ends[way]());
// Its waiter has been served, and it has nothing left to do.
if (way === 'blocks') parentPort.unref();
