'use strict';
// One of the two workers of pair.js: awaits an async function under the key, again and again.

const { parentPort, workerData } = require('node:worker_threads');
const { freeRun } = require('../work');

const port = /** @type {import('node:worker_threads').MessagePort} */ (parentPort);
const lock = require(`./${workerData}`).open({});

port.on('message', async (size) => {
  await freeRun.loop(lock, size);
  port.postMessage('done');
});
