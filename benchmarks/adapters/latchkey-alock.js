'use strict';
// latchkey's alock API: one set of keys for the program, as alock has.

const lock = require('../../lib/apis/alock');

module.exports = { label: 'latchkey', open: () => ({ write: lock }) };
