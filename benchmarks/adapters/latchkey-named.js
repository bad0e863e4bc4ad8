'use strict';
// latchkey's promise API in a named space, which all threads of the process share.

const { Locks } = require('../..');

function open() {
  const locks = new Locks({ name: 'benchmarks' });
  return { run: (key, fn) => locks.write(key, fn) };
}

module.exports = { label: 'latchkey', open };
