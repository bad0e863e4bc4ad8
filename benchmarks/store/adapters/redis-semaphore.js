'use strict';
// redis-semaphore's Mutex, from npm, as its README shows it: a new one for each critical section, with the default settings.

const { Redis } = require('ioredis');
const { Mutex } = require('redis-semaphore');
const { devDependencies } = require('../../../package.json');

/** @param {number} port */
function open(port) {
  const client = new Redis({ port, host: '127.0.0.1' });
  return {
    acquire: async (key) => {
      const mutex = new Mutex(client, key);
      await mutex.acquire();
      return () => mutex.release();
    },
    close: () => client.disconnect(),
  };
}

module.exports = { label: `redis-semaphore ${devDependencies['redis-semaphore']}`, open };
