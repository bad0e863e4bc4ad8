'use strict';
// latchkey's alock face: one set of keys for the program, as alock has.

const lock = require('../../lib/apis/alock');

module.exports = { label: 'latchkey', open: () => ({ write: lock }) };
