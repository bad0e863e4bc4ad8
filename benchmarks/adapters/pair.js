'use strict';
// Two worker threads that contend for one key, with the locks of another adapter.

const { once } = require('node:events');
const path = require('node:path');
const { Worker } = require('node:worker_threads');

/** @param {{ of: string }} options the other adapter */
function open({ of }) {
  const pair = [1, 2].map(() => new Worker(path.join(__dirname, 'pair-worker.js'), { workerData: of }));
  return {
    async run(size) {
      const ends = pair.map((worker) => once(worker, 'message'));
      for (const worker of pair) worker.postMessage(size / pair.length);
      await Promise.all(ends);
    },
  };
}

module.exports = { open };
