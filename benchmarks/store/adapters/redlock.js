'use strict';
// redlock, from npm, with the settings that its README shows.

const { Redis } = require('ioredis');
const { default: Redlock } = require('redlock');
const { devDependencies } = require('../../../package.json');

const SETTINGS = { driftFactor: 0.01, retryCount: 10, retryDelay: 200, retryJitter: 200 };
/** Milliseconds, as in the README. */
const DURATION = 5000;

/**
 * @param {any} Redlock
 * @returns {(port: number) => import('../worker').Side}
 */
function opener(Redlock) {
  return (port) => {
    const client = new Redis({ port, host: '127.0.0.1' });
    const redlock = new Redlock([client], SETTINGS);
    return {
      acquire: async (key) => {
        const lock = await redlock.acquire([key], DURATION);
        return () => lock.release();
      },
      close: () => client.disconnect(),
    };
  };
}

module.exports = { label: `redlock ${devDependencies.redlock}`, open: opener(Redlock), opener };
