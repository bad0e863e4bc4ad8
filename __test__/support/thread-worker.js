'use strict';
// The other end of thread.js.

const { parentPort, threadId, workerData: flags } = require('node:worker_threads');
const latchkey = require('latchkey');
const { answering } = require('./answering');
const { sleep, block, until } = require('./until');

const open = (name = null, options = {}) => new latchkey.Locks({ name, ...options });
const tools = { latchkey, open, state: {}, sleep, block, until, require, flags, threadId };

parentPort.on(
  'message',
  answering(tools, (answer) => parentPort.postMessage(answer)),
);
