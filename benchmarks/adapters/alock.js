'use strict';
// A model of alock, which is not on npm: the mechanism that its README documents, written anew.
//
// - An object of locks has an EventEmitter for each key in use.
// - Who asks for a key in use listens for its 'free' event, and then asks again. So a release wakes everybody
//   who waits; the first one gets the key with a new emitter, and all others listen to that one.
// - A lock that was freed is marked instead of deleted, and listeners are not taken off one by one, because the
//   emitter is dropped as a whole: the cheapest way to do what the README says.

const { EventEmitter } = require('node:events');

class Acquired extends EventEmitter {
  isFree = false;
}

/** @type {Record<string, Acquired>} */
const locks = {};

/**
 * @param {string} key
 * @param {(done: () => void) => void} fn
 */
function lock(key, fn) {
  const current = locks[key];
  if (current === undefined || current.isFree) acquire(key, fn);
  else current.on('free', () => lock(key, fn));
}

/**
 * @param {string} key
 * @param {(done: () => void) => void} fn
 */
function acquire(key, fn) {
  const acquired = new Acquired();
  locks[key] = acquired;
  fn(() => {
    acquired.isFree = true;
    acquired.emit('free');
  });
}

module.exports = { label: 'alock (a model)', open: () => ({ write: lock }) };
