'use strict';
// A program that ends while requests still wait says so. In a private space those who wait live and die with those who hold, so
// that the event loop does not wait for them: a call that waits for itself would end the process without a word.

const { runInThisContext } = require('node:vm');
const { now } = require('../clock');
const { count, toText } = require('../errors');
const { WAITING } = require('../events/life');

/** @typedef {import('./private-space').PrivateSpace} PrivateSpace */

/** So many keys are named at most, and places where one was asked for. */
const MOST_KEYS = 10;

/** Where the first copy of a thread leaves for the others the function that adds a check. */
const CHECKS = Symbol.for('latchkey.beforeExit');

/** By number, this thread's private spaces. @type {Map<number, WeakRef<PrivateSpace>>} */
const privateSpaces = new Map();

/** Requests that a warning has named. @type {WeakSet<object>} */
const named = new WeakSet();

/** @param {PrivateSpace} space */
function reportAtExit(space) {
  if (privateSpaces.size === 0) listen();
  privateSpaces.set(space.number, new WeakRef(space));
}

/**
 * Listens once for all copies of the package, of which a test runner may load one for each file, and gives a function that adds
 * a check. All of it is made in the realm of the process: this file's may be a vm context, which is to be collected.
 */
const LISTENER = `(() => {
  const checks = new Set();
  process.on('beforeExit', () => {
    for (const check of checks) {
      const run = check.deref();
      if (run === undefined) checks.delete(check);
      else run();
    }
  });
  return (check) => void checks.add(new WeakRef(check));
})()`;

let listens = false;

function listen() {
  if (listens) return;
  listens = true;
  /** @type {(check: () => void) => void} */
  let add = Reflect.get(process, CHECKS);
  if (add === undefined) {
    add = runInThisContext(LISTENER);
    Object.defineProperty(process, CHECKS, { value: add, configurable: true });
  }
  add(warn);
}

/** The event loop has nothing left to do. */
function warn() {
  /** @type {import('../events/request').Request[]} */
  const waiting = [];
  for (const space of privateSpaces.values()) {
    for (const request of space.deref()?.requests ?? []) {
      if (request?.state === WAITING && !named.has(request)) waiting.push(request);
    }
  }
  if (waiting.length === 0) return;
  for (const request of waiting) named.add(request);
  const traced = waiting.filter(({ trace }) => trace !== undefined).slice(0, MOST_KEYS);
  const traces = traced.map(({ key, trace }) => `'${key}' was asked for\n${trace}`);
  process.emitWarning(
    `The program ends while ${count(waiting.length, 'request')} of locks ${waiting.length === 1 ? 'waits' : 'wait'} that ` +
      `nobody can serve any more: ${describeKeys(waiting)}`,
    { type: 'LockAbandonedWarning', code: 'ERR_LOCK_ABANDONED', detail: traces.join('\n') || undefined },
  );
}

/** @param {import('../events/request').Request[]} waiting */
function describeKeys(waiting) {
  /** @type {Map<string, import('../events/request').Request[]>} */
  const byKey = new Map();
  for (const request of waiting) {
    const ofKey = byKey.get(request.key);
    if (ofKey === undefined) byKey.set(request.key, [request]);
    else ofKey.push(request);
  }
  const keys = [...byKey].slice(0, MOST_KEYS).map(([key, requests]) => {
    // The callback API reads no clock for those who wait.
    const first = requests.find(({ isReported }) => isReported);
    const since = first === undefined ? '' : `, the first for ${toText(now() - first.since)}`;
    return `'${key}' (${requests.length}${since})`;
  });
  const rest = byKey.size - keys.length;
  return `${keys.join(', ')}${rest > 0 ? `, and ${count(rest, 'more key')}` : ''}`;
}

module.exports = { privateSpaces, reportAtExit };
