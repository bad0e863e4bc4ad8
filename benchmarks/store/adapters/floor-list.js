'use strict';
// A floor: a token in a list of the server, which is popped and pushed back. It is handed over at once, as by a lock, but
// whoever dies with it takes it along.

const { Redis } = require('ioredis');

/** @param {number} port */
function open(port) {
  const client = new Redis({ port, host: '127.0.0.1' });
  return {
    acquire: async (key) => {
      if ((await client.setnx(`token made: ${key}`, 1)) === 1) await client.rpush(`token: ${key}`, 1);
      await client.blpop(`token: ${key}`, 0);
      return () => client.rpush(`token: ${key}`, 1);
    },
    close: () => client.disconnect(),
  };
}

module.exports = { label: 'a token in a list', open };
