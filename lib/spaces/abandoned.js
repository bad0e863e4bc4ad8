'use strict';
// A program that ends while requests still wait says so. In a private space those who wait live and die with those who hold, so
// that the event loop does not wait for them: a call that waits for itself would end the process without a word.

const { now } = require('../clock');
const { count, toText } = require('../errors');
const { WAITING } = require('../events/life');

/** @typedef {import('./private-space').PrivateSpace} PrivateSpace */

/** So many keys are named at most. */
const MOST_KEYS = 10;

/** What all copies of the package in this thread have to look at: each is a weak reference to a function. */
const CHECKS = Symbol.for('latchkey.beforeExit');

/** By number, this thread's private spaces. @type {Map<number, WeakRef<PrivateSpace>>} */
const privateSpaces = new Map();

/** Requests that a warning has named. @type {WeakSet<object>} */
const named = new WeakSet();

/** @param {PrivateSpace} space */
function watchAtExit(space) {
  if (privateSpaces.size === 0) listen();
  privateSpaces.set(space.number, new WeakRef(space));
}

/** Listens once for all copies of the package: a test runner may load one for each file. */
function listen() {
  /** @type {Set<WeakRef<() => void>>} */
  let checks = Reflect.get(process, CHECKS);
  if (checks === undefined) {
    checks = new Set();
    Object.defineProperty(process, CHECKS, { value: checks, configurable: true });
    process.on('beforeExit', checkAll.bind(undefined, checks));
  }
  if (ownCheck === null) checks.add((ownCheck = new WeakRef(warn)));
}

/** @type {WeakRef<() => void> | null} */
let ownCheck = null;

/** @param {Set<WeakRef<() => void>>} checks */
function checkAll(checks) {
  for (const check of checks) {
    const run = check.deref();
    if (run === undefined) checks.delete(check);
    else run();
  }
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
  const traces = waiting.flatMap(({ key, trace }) =>
    trace === undefined ? [] : `'${key}' was asked for\n${trace}`,
  );
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
  for (const request of waiting) byKey.set(request.key, [...(byKey.get(request.key) ?? []), request]);
  const keys = [...byKey].slice(0, MOST_KEYS).map(([key, requests]) => {
    // The callback API reads no clock for those who wait.
    const [first] = requests.filter(({ isReported }) => isReported);
    const since = first === undefined ? '' : `, the first for ${toText(now() - first.since)}`;
    return `'${key}' (${requests.length}${since})`;
  });
  const rest = byKey.size - keys.length;
  return `${keys.join(', ')}${rest > 0 ? `, and ${count(rest, 'more key')}` : ''}`;
}

module.exports = { privateSpaces, watchAtExit };
