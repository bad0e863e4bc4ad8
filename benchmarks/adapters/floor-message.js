'use strict';
// A floor for what two threads hand to each other: a message goes to and fro between two workers. Each time it wakes one of
// them, which had nothing else to do.

const { once } = require('node:events');
const path = require('node:path');
const { MessageChannel, Worker } = require('node:worker_threads');

function open() {
  const { port1, port2 } = new MessageChannel();
  const toWorker = (port) =>
    new Worker(path.join(__dirname, 'floor-message-worker.js'), { workerData: port, transferList: [port] });
  const pair = [port1, port2].map(toWorker);
  return {
    async run(size) {
      const end = Promise.race(pair.map((worker) => once(worker, 'message')));
      pair[0].postMessage(size);
      await end;
    },
  };
}

module.exports = { label: 'a message', open };
