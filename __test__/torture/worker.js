'use strict';
// A worker thread of the torture: plays one program after the other, until one of them ends it.

const { parentPort, threadId } = require('node:worker_threads');
const { Log } = require('./log');
const { Program } = require('./program');

parentPort.on('message', async ({ buffer, plan, end }) => {
  const log = new Log(buffer);
  const ways = {
    exit() {
      log.add('dying', { thread: threadId });
      process.exit(0);
    },
    throw: () =>
      setImmediate(() => {
        log.add('dying', { thread: threadId });
        throw new Error('meant to be thrown');
      }),
  };
  try {
    await new Program(log, { ...plan, thread: threadId }).run(ways[end]);
    // One that is to throw may be done before it does.
    if (end !== 'throw') parentPort.postMessage({ fault: null });
  } catch (error) {
    parentPort.postMessage({ fault: error });
  }
});
