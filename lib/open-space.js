'use strict';
// Opens the keys of a new lock object: private, those of a named space, or those that a store keeps.

const { CountedSpace } = require('./counted-space');
const { Space } = require('./space');
const { StoredSpace } = require('./stored-space');
const { THIN } = require('./thin');

/**
 * @param {string | undefined} name undefined for a private space
 * @param {unknown} store what the program says of its store; undefined for none
 * @returns {Space}
 */
function openSpace(name, store) {
  if (name === undefined || store === undefined) return new Space(name);
  return new StoredSpace(name, store);
}

/**
 * The same, for the faces that hand out nothing but a release function.
 *
 * @param {string | undefined} name undefined for a private space
 * @param {unknown} store what the program says of its store; undefined for none
 * @param {boolean} expires whether holds expire
 * @returns {Space | CountedSpace}
 */
function openForCallbacks(name, store, expires) {
  return name === undefined && !expires && THIN ? new CountedSpace() : openSpace(name, store);
}

module.exports = { openSpace, openForCallbacks };
