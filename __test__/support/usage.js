'use strict';
// What the engine holds for this process, once it knows of all that this thread has done.

const { Locks } = require('latchkey');
const { usage } = require('../../lib/native');
const { freshName } = require('./reaches');

/** @type {InstanceType<typeof Locks> | undefined} in a named space, where the engine is asked each time */
let named;

/** The engine's usage: requests that this thread has posted are counted in it, since a call of the thread comes before. */
function usageNow() {
  named ??= new Locks({ name: freshName() });
  named.tryWrite('key').release();
  return usage();
}

module.exports = { usageNow };
