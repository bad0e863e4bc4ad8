'use strict';
// latchkey's promise face, in a private space.

const { Locks } = require('../..');

function open() {
  const locks = new Locks();
  return { run: (key, fn) => locks.write(key, fn) };
}

module.exports = { label: 'latchkey', open };
