'use strict';
// The floor of all locks on one server: SET NX PX, and a script that deletes what is still its own. Nobody waits in order, is
// notified, or renews anything; who finds it taken asks again.

const { Redis } = require('ioredis');
const { setTimeout: sleep } = require('node:timers/promises');

const DURATION = 10_000;
/** Milliseconds until it asks again. */
const RETRY = 10;
const RELEASE =
  "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0";

/** @param {number} port */
function open(port) {
  const client = /** @type {any} */ (new Redis({ port, host: '127.0.0.1' }));
  client.defineCommand('letGo', { numberOfKeys: 1, lua: RELEASE });
  let last = 0;
  return {
    acquire: async (/** @type {string} */ key) => {
      const token = `${process.pid}.${last++}`;
      while ((await client.set(key, token, 'PX', DURATION, 'NX')) === null) await sleep(RETRY);
      return () => client.letGo(key, token);
    },
    close: () => client.disconnect(),
  };
}

module.exports = { label: 'SET NX PX', open };
