'use strict';
// Opens the keys of a new lock object: private, those of a named space, or those that a store keeps.

const { keysOf } = require('./named-keys');
const port = require('../addon/port');
const { PrivateSpace } = require('./private-space');
const { Space } = require('./space');
const { StoredSpace } = require('./stored-space');

/**
 * @param {string | undefined} name undefined for a private space
 * @param {import('../../native/binding').StoreOptions | undefined} store its options; undefined for none
 * @returns {Space}
 */
function openSpace(name, store) {
  if (name === undefined) return new PrivateSpace();
  if (store === undefined) return new Space(port.open(name), name, keysOf(name));
  return new StoredSpace(name, store);
}

module.exports = { openSpace };
