'use strict';
// Opens the keys of a new lock object: private, those of a named space, or those that a store keeps.

const { NamedSpace } = require('./named-space');
const { PrivateSpace } = require('./private-space');
const { StoredSpace } = require('./stored-space');

/**
 * @param {string | undefined} name undefined for a private space
 * @param {import('../../native/binding').StoreOptions | undefined} store its options; undefined for none
 */
function openSpace(name, store) {
  if (name === undefined) return new PrivateSpace();
  if (store === undefined) return new NamedSpace(name);
  return new StoredSpace(name, store);
}

module.exports = { openSpace };
