'use strict';
// The scopes of the promise API under one shape, so that a promise's test is written once and run over each.
//
// `open(options)` gives a Locks whose keys nobody else uses. A store answers later: so a test awaits what `tryRead`,
// `tryWrite`, `query`, `release` and `downgrade` return, which changes nothing in the other scopes. What is about
// *before the call returns* is for those only (`if (!later)`).

const { describe, after } = require('node:test');
const assert = require('node:assert/strict');
const { Locks } = require('latchkey');
const { useRedis, withoutRedis } = require('./redis');
const { turn } = require('./follow');
const { PATIENCE } = require('./until');

let names = 0;

/** The name of a space that no other test uses. */
function freshName() {
  return `space ${process.pid} ${names++}`;
}

/** @type {import('./redis').Redis | undefined} started for the files that need it */
let redis;

/** A server for the file's tests; it stays until it has answered all that they still asked of it. */
function startServer() {
  if (withoutRedis !== false) return undefined;
  after(async () => {
    const last = new Locks({ name: freshName(), store: redis?.url });
    await last.query();
    last.close();
  });
  return useRedis();
}

/** @typedef {(options?: Record<string, any>) => InstanceType<typeof Locks>} Open */

/** @typedef {{ name: string, later: boolean, skip?: string | false, open: Open }} Scope */

/** @type {Scope[]} */
const scopes = [
  { name: 'private', later: false, open: (options) => new Locks(options) },
  { name: 'named', later: false, open: (options) => new Locks({ name: freshName(), ...options }) },
  {
    name: 'stored',
    later: true,
    skip: withoutRedis,
    open: (options) => new Locks({ name: freshName(), store: redis?.url, ...options }),
  },
];

/**
 * Describes a behaviour once per scope.
 *
 * @param {string} behaviour
 * @param {(open: Open, scope: Scope) => void} suite
 */
function overScopes(behaviour, suite) {
  redis ??= startServer();
  for (const scope of scopes) {
    const { name, open, skip = false } = scope;
    describe(`${behaviour} (${name})`, { skip }, () => suite(open, scope));
  }
}

/**
 * The same, once per scope and mode.
 *
 * @param {string} behaviour
 * @param {(open: Open, mode: 'read' | 'write', scope: Scope) => void} suite
 */
function overScopesAndModes(behaviour, suite) {
  redis ??= startServer();
  for (const scope of scopes) {
    const { name, open, skip = false } = scope;
    for (const mode of /** @type {const} */ (['read', 'write'])) {
      describe(`${behaviour} (${name}, ${mode})`, { skip }, () => suite(open, mode, scope));
    }
  }
}

/**
 * Asserts that nobody holds or waits for anything. Where answers come later, a request that was given up leaves in the
 * background.
 *
 * @param {InstanceType<typeof Locks>} locks
 */
async function assertFree(locks) {
  let seen = locks.query();
  if (seen instanceof Promise) {
    const end = performance.now() + PATIENCE;
    while (!isEmpty((seen = await seen)) && performance.now() < end) seen = locks.query();
  }
  assert.deepEqual(seen, { held: [], pending: [] });
}

function isEmpty({ held, pending }) {
  return held.length + pending.length === 0;
}

/** Waits until so many requests wait: in a store, they are on their way for a while. */
async function untilPending(locks, count) {
  const end = performance.now() + PATIENCE;
  while ((await locks.query()).pending.length !== count && performance.now() < end);
  assert.equal((await locks.query()).pending.length, count);
}

/** A function that fails where it runs twice at a time. */
function exclusive() {
  let inside = 0;
  return async () => {
    assert.equal(++inside, 1);
    await turn();
    inside--;
  };
}

/** The `try` of a mode. */
const TRY = { read: 'tryRead', write: 'tryWrite' };

module.exports = { overScopes, overScopesAndModes, assertFree, untilPending, exclusive, freshName, TRY };
