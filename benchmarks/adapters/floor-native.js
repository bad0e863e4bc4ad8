'use strict';
// A floor: the function is called, after one call into the addon that does next to nothing.

const { binding } = require('../../lib/addon/native');

const release = () => {};

function take(_key, obtained) {
  binding.hasNamedSpaces();
  obtained(release);
}

const open = () => ({
  read: take,
  write: take,
  run(_key, fn) {
    binding.hasNamedSpaces();
    return fn();
  },
});

module.exports = { label: 'an empty native call', open };
