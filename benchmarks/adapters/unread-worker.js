'use strict';
// The worker of latchkey-unread.js: holds all keys, until the other thread is blocked and asks it to free them.

const { parentPort, workerData } = require('node:worker_threads');
const { Locks } = require('../..');
const { FREE, FREED, wait, signal } = require('./unread-flags');

const port = /** @type {import('node:worker_threads').MessagePort} */ (parentPort);
const { name, keys, flags } = workerData;
const locks = new Locks({ name });

port.on('message', () => {
  const holds = keys.map((key) => locks.tryWrite(key));
  port.postMessage('held');
  wait(flags, FREE);
  for (const hold of holds) hold.release();
  signal(flags, FREED);
});
