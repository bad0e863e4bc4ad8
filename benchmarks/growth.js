'use strict';
// `npm run bench:growth`: does the time for each request stay the same where there are twenty times as many? One that grows
// with them was a fault each time: a search through all requests, a list that is copied for each.
//
//   npm run bench:growth                        all works; takes about a minute
//   npm run bench:growth -- --only 'time out'   those with this in their names

const { parseArgs } = require('node:util');
const { Locks } = require('..');
const { cpu, warnIfBusy } = require('./where');

const FEW = 1000;
const MANY = 20 * FEW;

/** Caches and garbage collection alone may make one take so many times as long. */
const TOO_MUCH = 4;
/** And what is less than so many microseconds more is no look at each of the others. */
const A_LOOK_AT_EACH = 10;

/** @typedef {(locks: Locks, n: number) => Promise<() => unknown>} Work makes ready, and gives what is measured */

/** @type {Record<string, Work>} */
const WORKS = {
  'all that wait are closed': async (locks, n) => {
    const calls = queue(locks, n);
    return () => (locks.close(), calls);
  },
  'all that wait on one signal are aborted': async (locks, n) => {
    const controller = new AbortController();
    const calls = queue(locks, n, () => ({ signal: controller.signal }));
    return () => (controller.abort(), calls);
  },
  'the last one that waits is aborted, again and again': async (locks, n) => {
    const controllers = Array.from({ length: n }, () => new AbortController());
    const calls = queue(locks, n, (i) => ({ signal: controllers[i].signal }));
    return () => (controllers.toReversed().forEach((each) => each.abort()), calls);
  },
  'all time out at once': async (locks, n) => {
    const calls = queue(locks, n, () => ({ timeout: 10 }));
    return () => (busy(20), calls);
  },
  'all are refused behind others': async (locks, n) => {
    queue(locks, n);
    return () => settled(Array.from({ length: n }, () => locks.write('key', { timeout: 0 })));
  },
  'readers release before a writer': async (locks, n) => {
    const holds = await Promise.all(Array.from({ length: n }, () => locks.read('key', { expiry: 60_000 })));
    const writer = locks.write('key');
    return () => (holds.forEach((hold) => void hold.release()), writer);
  },
  'readers join a writer that reads from now on': async (locks, n) => {
    const hold = await locks.write('key');
    const calls = Array.from({ length: n }, () => locks.read('key'));
    return () => (hold.downgrade(), Promise.all(calls));
  },
  'several keys at once': async (locks, n) => {
    const keys = Array.from({ length: n }, (_, i) => `key ${i}`);
    return async () => (await locks.write(keys)).release();
  },
  'one key is looked at, with others in use': async (locks, n) => {
    for (let i = 0; i < n; i++) queue(locks, 1, undefined, `key ${i}`);
    return () => Array.from({ length: n }, (_, i) => locks.isLocked(`key ${i}`));
  },
  'all are looked at': async (locks, n) => {
    queue(locks, n);
    return () => locks.query();
  },
  'one after the other': async (locks, n) => () =>
    Promise.all(Array.from({ length: n }, () => locks.write('key', async () => {}))),
};

/**
 * Takes a key, and has others wait for it.
 *
 * @param {Locks} locks
 * @param {number} count
 * @param {(i: number) => object} [optionsOf]
 * @param {string} [key]
 */
function queue(locks, count, optionsOf = () => ({}), key = 'key') {
  locks.tryWrite(key);
  return settled(Array.from({ length: count }, (_, i) => locks.write(key, optionsOf(i))));
}

/** @param {Promise<unknown>[]} calls */
function settled(calls) {
  return Promise.allSettled(calls);
}

/** @param {number} milliseconds */
function busy(milliseconds) {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}

let spaces = 0;

/**
 * @param {Work} work
 * @param {boolean} isNamed
 * @param {number} n
 * @returns {Promise<number>} microseconds for each request
 */
async function time(work, isNamed, n) {
  const locks = new Locks(isNamed ? { name: `growth ${spaces++}` } : {});
  const act = await work(locks, n);
  const start = performance.now();
  await act();
  const took = performance.now() - start;
  locks.close();
  return (took * 1000) / n;
}

/**
 * The best of three: what disturbs only adds to it.
 *
 * @param {Work} work
 * @param {boolean} isNamed
 * @param {number} n
 */
async function best(work, isNamed, n) {
  const times = [];
  for (let round = 0; round < 3; round++) times.push(await time(work, isNamed, n));
  return Math.min(...times);
}

async function main() {
  const { values } = parseArgs({ options: { only: { type: 'string', default: '' } } });
  console.log(`Node ${process.versions.node}, ${cpu()}; microseconds for each of ${FEW} and of ${MANY}`);
  warnIfBusy();
  for (const [name, work] of Object.entries(WORKS).filter(([name]) => name.includes(values.only))) {
    for (const isNamed of [false, true]) {
      const [few, many] = [await best(work, isNamed, FEW), await best(work, isNamed, MANY)];
      const times = [few, many].map((each) => each.toFixed(2).padStart(8)).join('');
      const scope = isNamed ? 'named' : 'private';
      const grows = many > Math.max(TOO_MUCH * few, few + A_LOOK_AT_EACH);
      console.log(name.padEnd(54) + scope.padEnd(8) + times + (grows ? '  GROWS' : ''));
    }
  }
}

main();
