'use strict';
// The reaches of the promise face under one shape, so that a promise's test is written once and run over each.
//
// `open(options)` gives a Locks whose keys nobody else uses.

const { describe } = require('node:test');
const { Locks } = require('latchkey');

let names = 0;

/** The name of a space that no other test uses. */
function freshName() {
  return `space ${process.pid} ${names++}`;
}

/** @typedef {(options?: Record<string, any>) => InstanceType<typeof Locks>} Open */

/** @type {{ name: string, open: Open }[]} */
const reaches = [
  { name: 'private', open: (options) => new Locks(options) },
  { name: 'named', open: (options) => new Locks({ name: freshName(), ...options }) },
];

/**
 * Describes a behaviour once per reach.
 *
 * @param {string} behaviour
 * @param {(open: Open) => void} suite
 */
function overReaches(behaviour, suite) {
  for (const { name, open } of reaches) describe(`${behaviour} (${name})`, () => suite(open));
}

/**
 * The same, once per reach and mode.
 *
 * @param {string} behaviour
 * @param {(open: Open, mode: 'read' | 'write') => void} suite
 */
function overReachesAndModes(behaviour, suite) {
  for (const { name, open } of reaches) {
    for (const mode of /** @type {const} */ (['read', 'write'])) {
      describe(`${behaviour} (${name}, ${mode})`, () => suite(open, mode));
    }
  }
}

/** The `try` of a mode. */
const TRY = { read: 'tryRead', write: 'tryWrite' };

module.exports = { overReaches, overReachesAndModes, freshName, TRY };
