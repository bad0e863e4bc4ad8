'use strict';
// One of the two workers of floor-message.js: sends the message back, until it has gone often enough.

const { parentPort, workerData } = require('node:worker_threads');

const port = /** @type {import('node:worker_threads').MessagePort} */ (parentPort);
const other = /** @type {import('node:worker_threads').MessagePort} */ (workerData);

other.on('message', (left) => {
  if (left === 0) port.postMessage('done');
  else other.postMessage(left - 1);
});
port.on('message', (size) => other.postMessage(size - 1));
