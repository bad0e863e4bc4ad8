'use strict';
// latchkey's promise API, in a private space.

const { Locks } = require('../..');

/** @param {{ expiry?: number }} options milliseconds */
function open({ expiry }) {
  const locks = new Locks({ expiry });
  return { run: (key, fn) => locks.write(key, fn) };
}

module.exports = { label: 'latchkey', open };
