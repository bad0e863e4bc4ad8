'use strict';
// The other end of peer.js.

const latchkey = require('latchkey');
const { sleep, block, until } = require('./until');
const { watch } = require('./watch');

const open = (name, store, options) => new latchkey.Locks({ name, store, ...options });
const tools = { latchkey, open, state: {}, sleep, block, until, watch, require };

// The test is over, or dead.
process.on('disconnect', () => process.exit());
process.on('message', async ({ number, source, args }) => {
  try {
    // oxlint-disable-next-line no-eval
    const fn = (0, eval)(`(${source})`);
    process.send({ number, result: await fn(tools, ...args) });
  } catch (error) {
    const { name, code, key, message } = error;
    process.send({ number, error: { name, code, key, message } });
  }
});
