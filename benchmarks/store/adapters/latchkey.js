'use strict';
// latchkey's promise API in a space that the server keeps.

const { Locks } = require('../../..');

/**
 * @param {number} port
 * @param {object} [options] of the store
 */
function open(port, options) {
  const locks = new Locks({ name: 'benchmarks', store: { url: `redis://127.0.0.1:${port}`, ...options } });
  return {
    acquire: async (key) => {
      const hold = await locks.write(key);
      return () => hold.release();
    },
    close: () => locks.close(),
    locks,
  };
}

module.exports = { label: 'latchkey', open };
