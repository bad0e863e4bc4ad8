'use strict';
// The other end of thread.js.

const { parentPort, threadId, workerData: flags } = require('node:worker_threads');
const latchkey = require('latchkey');
const { sleep, block, until } = require('./until');

const open = (name, options) => new latchkey.Locks({ name, ...options });
const tools = { latchkey, open, state: {}, sleep, block, until, require, flags, threadId };

parentPort.on('message', async ({ number, source, args }) => {
  try {
    // oxlint-disable-next-line no-eval
    const fn = (0, eval)(`(${source})`);
    parentPort.postMessage({ number, result: await fn(tools, ...args) });
  } catch (error) {
    const { name, code, key, message } = error;
    parentPort.postMessage({ number, error: { name, code, key, message } });
  }
});
