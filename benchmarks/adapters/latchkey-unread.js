'use strict';
// latchkey's named space, in a thread that has events to read: a worker holds other keys, this thread waits for each of them,
// and the worker frees them all while this thread is blocked.

const { once } = require('node:events');
const path = require('node:path');
const { Worker } = require('node:worker_threads');
const { Locks } = require('../..');
const { FREE, FREED, wait, signal } = require('./unread-flags');

/** @param {{ unread: number }} options how many events */
function open({ unread }) {
  const name = `unread ${unread}`;
  const keys = Array.from({ length: unread }, (_, i) => `other:${i}`);
  const flags = new Int32Array(new SharedArrayBuffer(8));
  const file = path.join(__dirname, 'unread-worker.js');
  const worker = new Worker(file, { workerData: { name, keys, flags } });
  const locks = new Locks({ name });
  /** @type {Promise<import('../..').Hold>[]} */
  let waiting = [];
  return {
    call: (key) => /** @type {import('../..').Hold} */ (locks.tryWrite(key)).release(),
    /** When this resolves, the events have happened, and the event loop has had no turn since. */
    async cause() {
      for (const hold of await Promise.all(waiting)) hold.release();
      worker.postMessage('hold');
      await once(worker, 'message');
      waiting = keys.map((key) => locks.write(key));
      signal(flags, FREE);
      wait(flags, FREED);
      // The worker goes to sleep meanwhile: its time would count, too.
      Atomics.wait(flags, FREED, 0, 1);
    },
  };
}

module.exports = { label: 'latchkey', open };
