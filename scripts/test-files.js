// Which test files `npm test` runs: all of them, those for a quick look, or those for a release.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { ROOT } = require('./command');

const TEST_FOLDER = '__test__';
/** The Rust tests of a quick look: the engine, whose tests take some seconds. */
const QUICK_CRATES = ['-p', 'latchkey-engine'];
/**
 * What a quick look leaves out, since each takes more than about three seconds on two processors: a million keys or requests,
 * random programs, processes and workers that end at random, copies of the package, the examples of the docs, and the store, which
 * waits for leases to end.
 */
const SLOW = [
  ...[
    'benchmarks',
    'delivery-stack-end',
    'death',
    'depth',
    'docs-examples',
    'history',
    'idle-keys',
    'loaded-anew-collected',
    'long-keys',
    'memory',
    'mixed-programs',
  ],
  ...['model', 'named-death', 'named-process-life', 'named-threads', 'process-life', 'promise-memory'],
  ...['promise-unhandled', 'thin-property', 'two-copies', 'workers'],
];
const isSlow = (name) => name.startsWith('store-') || SLOW.includes(name.replace('.test.js', ''));

/**
 * About loading, exports, errors, what people see of names and frames, and what several threads share; each API and each scope is in one
 * of them.
 */
const RELEASE_TESTS = [
  ...['async-context', 'diagnostics', 'drop-in-alock', 'drop-in-rwlock-plus', 'dual-export', 'errors', 'esm'],
  ...['expiry', 'hold', 'loaded-twice', 'missing-binary', 'multi-key', 'named-death'],
  ...['named-spaces', 'process-life', 'promise-calls', 'promise-expiry', 'promise-signal', 'store-callbacks'],
  ...[
    'caller-stack',
    'inspect',
    'native-loader',
    'subclassing',
    'two-copies',
    'who-is-waited-for',
    'workers',
  ],
].map((name) => `${name}.test.js`);
/** What they need beside a release. */
const RELEASE_NEEDS = ['native', TEST_FOLDER, 'scripts', 'crates/redis/src/scripts'];

function allTests() {
  const names = fs.readdirSync(path.join(ROOT, TEST_FOLDER)).filter((name) => name.endsWith('.test.js'));
  return names.toSorted();
}

function quickTests() {
  return allTests().filter((name) => !isSlow(name));
}

function releaseTests() {
  return RELEASE_TESTS;
}

module.exports = { TEST_FOLDER, QUICK_CRATES, RELEASE_NEEDS, allTests, quickTests, releaseTests };
