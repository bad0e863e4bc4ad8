'use strict';
// How soon a waiter is served when a worker that holds a write lock dies, or blocks its event loop past the expiry.

const fs = require('node:fs');
const path = require('node:path');
const { Worker } = require('node:worker_threads');
const { Locks } = require('latchkey');

const WORKER = path.join(__dirname, 'holder.js');
/** The ways in which a holder leaves its waiter alone. */
const WAYS = ['terminated', 'terminated in a loop', 'exits', 'throws', 'blocks'];
/** Of the holder that blocks, milliseconds. */
const EXPIRY = 15;
/** How long a waiter may be left alone, milliseconds. */
const LIMIT = 50;
/** How long on the busiest of machines, milliseconds. */
const BUSY_LIMIT = 1000;

// What the threads share: when it happened, and whether the waiter has been served.
const EVENT = 0;
const SERVED = 1;

let spaces = 0;

/**
 * A worker takes a key, this thread waits for it, the worker comes to its end.
 *
 * @param {string} way one of WAYS
 * @returns {Promise<{ ms: number, stalled: number, recovered: boolean, fenceGrew: boolean, healed: boolean }>} how long
 *   after the event (the expiry, if it blocks) the waiter was served; and for how long of that a processor was missing
 */
async function witnessDeath(way) {
  const space = `death ${spaces++}`;
  const clock = new BigInt64Array(new SharedArrayBuffer(16));
  const expiry = way === 'blocks' ? EXPIRY : 0;
  const worker = new Worker(WORKER, { workerData: { space, way, expiry, clock } });
  const ended = new Promise((resolve) => worker.once('exit', resolve));
  const fence = await holdsOf(worker);
  const locks = new Locks({ name: space });
  const asked = process.hrtime.bigint();
  let served;
  const waits = locks.write('key', (hold) => {
    served = process.hrtime.bigint();
    return { recovered: hold.recovered, fenceGrew: hold.fence > fence };
  });
  // An expiry that nobody waits for does not count.
  if (way === 'blocks' && asked > clock[EVENT]) clock[EVENT] = asked;
  const stalledBefore = stallsOfMachine();
  if (way.startsWith('terminated')) {
    clock[EVENT] = process.hrtime.bigint();
    worker.terminate();
  } else {
    worker.postMessage('now');
  }
  const seen = await waits;
  const stalled = stallsOfMachine() - stalledBefore;
  Atomics.store(clock, SERVED, 1n);
  Atomics.notify(clock, SERVED);
  await ended;
  const healed = locks.tryRead('key').recovered === false;
  locks.close();
  return { ...seen, healed, stalled, ms: Number(served - clock[EVENT]) / 1e6 };
}

/**
 * For how long, since it was started, threads of this machine were ready to run and had no processor. Linux says so.
 *
 * @returns {number} milliseconds
 */
function stallsOfMachine() {
  try {
    return Number(fs.readFileSync('/proc/pressure/cpu', 'utf8').match(/^some .*total=(\d+)/)[1]) / 1000;
  } catch {
    return 0;
  }
}

/** Whether the waiter was served in time: what the machine had no processor for is not counted. */
function inTime({ ms, stalled }) {
  return ms <= Math.min(LIMIT + stalled, BUSY_LIMIT);
}

/** The fence of the worker's hold, when it has one. */
function holdsOf(worker) {
  return new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.on('error', (error) => error.message !== 'meant to be thrown' && reject(error));
  });
}

/** How these waiters were served, in a line. */
function describeTimes(seen) {
  const sorted = seen.map(({ ms }) => ms).toSorted((a, b) => a - b);
  const at = (share) => sorted[Math.ceil(share * sorted.length) - 1].toFixed(2);
  const late = seen.filter(({ ms }) => ms > LIMIT);
  const listed = late.map(
    ({ ms, stalled }) => `${ms.toFixed(0)} ms (no processor for ${stalled.toFixed(0)})`,
  );
  const later = [`after more than ${LIMIT} ms: ${late.length}`, ...listed].join(', ');
  return `median ${at(0.5)} ms, p99 ${at(0.99)} ms, max ${at(1)} ms; ${later}`;
}

module.exports = { witnessDeath, describeTimes, inTime, WAYS, LIMIT };
