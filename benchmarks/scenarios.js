'use strict';
// All that is measured, in the order of the table. A peer's number is the target: how much of its time latchkey
// may take, as the project has set itself; null where it has set none.

const { memoryOfHolds, memoryOfPassingKeys } = require('./memory');
const { loadTime, threadsStarted } = require('./start');
const { timed } = require('./timed');

/** @typedef {{ name: string, run: (settings: import('./settings').Settings) => Promise<import('./report').Line[]> }} Scenario */

const ALOCK = 'latchkey-alock';
const RWLOCK_PLUS = 'latchkey-rwlock-plus';
const PROMISE = 'latchkey-promise';
const NAMED = 'latchkey-named';
const MS = 1e6;
/** Milliseconds: it never comes. */
const EXPIRY = 10_000;

/** @type {Scenario[]} */
const SCENARIOS = [
  race('free key, alock API', { work: 'freeWrite', size: 1000 }, ALOCK, { alock: 0.5 }, 'floor-map'),
  ...['write', 'read'].flatMap((mode) => {
    const work = { work: mode === 'write' ? 'freeWrite' : 'freeRead', size: 1000 };
    const peers = { 'rwlock-plus': 0.25, rwlock: null };
    const expiring = { ...work, expiry: EXPIRY };
    return [
      race(`free key, rwlock-plus API, ${mode}`, work, RWLOCK_PLUS, peers, 'floor-map'),
      race(`free key with an expiry, ${mode}`, expiring, RWLOCK_PLUS, { 'rwlock-plus': 0.7 }, 'floor-map'),
    ];
  }),
  ...queued(2, { 'rwlock-plus': null, rwlock: null }, { alock: null }),
  ...queuedElsewhere(2, { timed: null, mutex: 0.6, lock: 1 }),
  ...queued(10, { 'rwlock-plus': 1, rwlock: null }, { alock: null }),
  ...queuedElsewhere(10, { timed: 0.8, mutex: 0.6, lock: 1.1 }),
  ...queued(1000, { 'rwlock-plus': 0.85, rwlock: null }, { alock: 0.001 }),
  ...queuedElsewhere(1000, { timed: 0.5, mutex: 0.6, lock: 1 }),
  ...queued(100_000, { 'rwlock-plus': null, rwlock: null }, { alock: null }),
  race(
    '10,000 queued, released in their callbacks',
    { work: 'queueInside', size: 10_000 },
    RWLOCK_PLUS,
    { 'rwlock-plus': null, rwlock: null },
    'floor-native',
  ),
  race(
    '200,000 different keys, each once',
    { work: 'manyKeys', size: 200_000 },
    RWLOCK_PLUS,
    { 'rwlock-plus': 0.3, rwlock: null },
    'floor-map',
  ),
  memoryOfPassingKeys('memory that a key leaves behind', 200_000, 8),
  memoryOfHolds('memory of a million holds', 1_000_000),
  race(
    '95 % readers, 5 % writers on one key',
    { work: 'readersAndWriters', size: 1000 },
    RWLOCK_PLUS,
    { 'rwlock-plus': null, rwlock: null },
    'floor-native',
  ),
  race(
    'free key, promise API with a function',
    { work: 'freeRun', size: 1000 },
    PROMISE,
    { 'async-mutex': 0.3, 'async-lock': 0.7 },
    'floor-promise',
  ),
  race(
    'named space, free key',
    { work: 'freeRun', size: 1000 },
    NAMED,
    { 'navigator-locks': 0.1 },
    'floor-native',
  ),
  contention('named space, two workers contend', 4000, NAMED, { 'navigator-locks': 0.15 }),
  race(
    'named space, 8,000 queued on one key',
    { work: 'queueRun', size: 8000 },
    NAMED,
    { 'navigator-locks': 0.03 },
    'floor-native',
  ),
  unread('named space, a call beside unread events', 'callBesideUnread', 2, {
    big: { size: 2000, unread: 8000, label: '8,000 unread' },
    small: { size: 2000, unread: 100, label: '100 unread' },
  }),
  unread('named space, reading one unread event', 'readUnread', null, {
    big: { size: 8000, unread: 8000, label: '8,000 unread' },
    small: { size: 100, unread: 100, label: '100 unread' },
  }),
  growth('a request as its queue grows', 'queue', 2, {
    big: { size: 100_000, label: '100,000 queued' },
    small: { size: 10, label: '10 queued' },
  }),
  growth('a free key as others are held', 'freeBesideKeysInUse', 3, {
    big: { size: 1000, inUse: 1_000_000, label: '1,000,000 others held' },
    small: { size: 1000, inUse: 0, label: 'none held' },
  }),
  growth('a request as the keys in use grow', 'readKeysInUse', 3, {
    big: { size: 1_000_000, inUse: 1_000_000, label: 'over 1,000,000 keys in use' },
    small: { size: 1000, inUse: 1, label: 'on 1 key in use' },
  }),
  loadTime("require('latchkey')", 4.5 * MS),
  threadsStarted("require('latchkey'): threads"),
];

/**
 * latchkey and its peers do the same work.
 *
 * @param {string} name
 * @param {{ work: string, size: number, expiry?: number }} work
 * @param {string} ours
 * @param {Record<string, number | null>} peers each with its target
 * @param {string | null} floor
 */
function race(name, work, ours, peers, floor) {
  const adapters = [ours, ...Object.keys(peers), ...(floor === null ? [] : [floor])];
  const sides = Object.fromEntries(adapters.map((adapter) => [adapter, { adapter, ...work }]));
  const lines = Object.entries(peers).map(([peer, target]) => ({ ours, peer, target, floor }));
  return timed(name, sides, lines);
}

/**
 * A queue of so many, in both callback APIs.
 *
 * @param {number} size
 * @param {Record<string, number | null>} peers of the rwlock-plus API
 * @param {Record<string, number | null>} alocks of the alock API
 */
function queued(size, peers, alocks) {
  const name = `${size.toLocaleString('en')} queued on one key`;
  const work = { work: 'queue', size };
  return [
    race(name, work, RWLOCK_PLUS, peers, 'floor-map'),
    race(`${name}, alock API`, work, ALOCK, alocks, 'floor-map'),
  ];
}

/**
 * A queue of so many with an expiry, and in the promise API, beside the peers that have the like. With an expiry the floor
 * is what it is without one.
 *
 * @param {number} size
 * @param {{ timed: number | null, mutex: number, lock: number }} targets beside rwlock-plus with an expiry, async-mutex and
 *   async-lock
 */
function queuedElsewhere(size, targets) {
  const count = size.toLocaleString('en');
  const plain = { work: 'queue', size, expiry: EXPIRY };
  const promise = { work: 'queueRun', size };
  const both = { 'async-mutex': targets.mutex, 'async-lock': targets.lock };
  const name = `${count} queued on one key, promise API`;
  const expiring = `${count} queued with an expiry`;
  return [
    race(expiring, plain, RWLOCK_PLUS, { 'rwlock-plus': targets.timed }, null),
    race(name, promise, PROMISE, both, 'floor-promise'),
    race(`${expiring}, promise API`, { ...promise, expiry: EXPIRY }, PROMISE, { 'async-lock': null }, null),
  ];
}

/**
 * Two worker threads do the same work at once.
 *
 * @param {string} name
 * @param {number} size
 * @param {string} ours
 * @param {Record<string, number | null>} peers each with its target
 */
function contention(name, size, ours, peers) {
  const adapters = [ours, ...Object.keys(peers)];
  const toSide = (of) => ({ adapter: 'pair', of, work: 'contend', size });
  const floor = 'floor-message';
  const sides = {
    ...Object.fromEntries(adapters.map((of) => [of, toSide(of)])),
    [floor]: { adapter: floor, work: 'contend', size },
  };
  const lines = Object.entries(peers).map(([peer, target]) => ({ ours, peer, target, floor }));
  return timed(name, sides, lines);
}

/**
 * latchkey does the same work on two scales, and so does a bare Map.
 *
 * @param {string} name
 * @param {string} work
 * @param {number} target how much more a request may cost on the big scale
 * @param {Record<'big' | 'small', { size: number, inUse?: number, label: string }>} scales
 */
function growth(name, work, target, { big, small }) {
  const sides = {
    big: { adapter: RWLOCK_PLUS, work, ...big },
    small: { adapter: RWLOCK_PLUS, work, ...small },
    floorBig: { adapter: 'floor-map', work, ...big, label: 'a bare Map' },
    floorSmall: { adapter: 'floor-map', work, ...small },
  };
  const line = { ours: 'big', peer: 'small', target, floor: 'floorBig', floorBeside: 'floorSmall' };
  return timed(name, sides, [line]);
}

/**
 * latchkey does the same work with many events that wait to be read, and with few.
 *
 * @param {string} name
 * @param {string} work
 * @param {number | null} target how much more it may cost with many
 * @param {Record<'big' | 'small', { size: number, unread: number, label: string }>} scales
 */
function unread(name, work, target, { big, small }) {
  const adapter = 'latchkey-unread';
  const sides = { big: { adapter, work, ...big }, small: { adapter, work, ...small } };
  return timed(name, sides, [{ ours: 'big', peer: 'small', target, floor: null }]);
}

module.exports = { SCENARIOS };
