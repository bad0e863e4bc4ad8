'use strict';
// The other end of peer.js.

const latchkey = require('latchkey');
const { answering } = require('./answering');
const { sleep, block, until } = require('./until');
const { follow } = require('./follow');

const open = (name, store, options) => new latchkey.Locks({ name, store, ...options });
const tools = { latchkey, open, state: {}, sleep, block, until, follow, require };

// The test is over, or dead.
process.on('disconnect', () => process.exit());
process.on(
  'message',
  answering(tools, (answer) => process.send(answer)),
);
