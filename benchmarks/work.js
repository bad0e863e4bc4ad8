'use strict';
// What is timed: the same loops for latchkey, for its peers and for the floors.
//
// `loop(lock, size, input)` makes `size` requests and may return a promise. It closes over nothing, because
// each side of a scenario gets a copy of its own (see measure.js). `input(lock, side)` prepares, and is not
// timed; where `fresh` is set, each batch gets a new lock and a new input. `before(lock)` is not timed, either, and
// comes before each batch. `extra` is how many requests a batch makes beside those `size`.
//
// Keys are constants where one key is the subject: V8 knows their hash. Where many keys are, they are strings
// made at run time, as `user:${id}` is in a program, and each side and batch gets its own.

/**
 * @typedef {object} Work
 * @property {(lock: any, size: number, input?: any) => any} loop
 * @property {Function} [input]
 * @property {(lock: any) => Promise<void>} [before]
 * @property {boolean} [fresh]
 * @property {number} [extra]
 */

/** One free key is taken and given back in the callback. */
const freeWrite = {
  loop: (lock, size) => {
    for (let i = 0; i < size; i++) lock.write('resource', (release) => release());
  },
};

/** The same, to read. */
const freeRead = {
  loop: (lock, size) => {
    for (let i = 0; i < size; i++) lock.read('resource', (release) => release());
  },
};

/** A key is held, `size` requests wait for it in line, and each gives it back once its callback has returned. */
const queue = {
  extra: 1,
  loop: (lock, size) => {
    const releases = [];
    const obtained = (release) => releases.push(release);
    for (let i = 0; i <= size; i++) lock.write('resource', obtained);
    for (let i = 0; i <= size; i++) releases[i]();
  },
};

/** The same, but each gives it back inside its callback. */
const queueInside = {
  extra: 1,
  loop: (lock, size) => {
    /** @type {any} */
    let free;
    lock.write('resource', (release) => (free = release));
    for (let i = 0; i < size; i++) lock.write('resource', (release) => release());
    free();
  },
};

/** Different keys, each taken and given back once. */
const manyKeys = {
  fresh: true,
  input: (_lock, { size }) => makeKeys(size),
  loop: (lock, size, keys) => {
    for (let i = 0; i < size; i++) lock.write(keys[i], (release) => release());
  },
};

/** Clients of one key, one in twenty a writer; 16 hold it or wait for it at any time, the oldest one ends first. */
const readersAndWriters = {
  loop: (lock, size) => {
    const releases = [];
    const obtained = (release) => releases.push(release);
    let ended = 0;
    for (let i = 0; i < size; i++) {
      if (i % 20 === 19) lock.write('resource', obtained);
      else lock.read('resource', obtained);
      if (i >= 16) releases[ended++]();
    }
    while (ended < size) releases[ended++]();
  },
};

/** One client that awaits an async function under a free key, again and again. */
const freeRun = {
  loop: async (lock, size) => {
    for (let i = 0; i < size; i++) await lock.run('resource', async () => i);
  },
};

/** A key is held, `size` async functions wait for it, and it is given back. */
const queueRun = {
  extra: 1,
  loop: async (lock, size) => {
    /** @type {any} */
    let free;
    const held = new Promise((resolve) => (free = resolve));
    const all = [];
    await new Promise((/** @type {any} */ granted) => {
      all.push(
        lock.run('resource', () => {
          granted();
          return held;
        }),
      );
    });
    for (let i = 0; i < size; i++) all.push(lock.run('resource', async () => i));
    free();
    await Promise.all(all);
  },
};

/** Two worker threads do `freeRun` on one key at the same time: `lock` is a pair of them. */
const contend = { loop: (pair, size) => pair.run(size) };

/** Keys that somebody reads, all the time: another reader comes and goes, from one to the next in no order. */
const readKeysInUse = {
  input: (lock, { size, inUse }) => {
    const keys = shuffle(makeKeys(inUse));
    for (const key of keys) lock.read(key, () => {});
    return Array.from({ length: size }, (_, i) => keys[i % inUse]);
  },
  loop: (lock, size, keys) => {
    for (let i = 0; i < size; i++) lock.read(keys[i], (release) => release());
  },
};

/** `freeWrite`, while other keys are held. */
const freeBesideKeysInUse = {
  input: (lock, { inUse }) => {
    for (const key of makeKeys(inUse)) lock.write(key, () => {});
  },
  loop: freeWrite.loop,
};

/** One free key is taken and given back, while events of other keys wait. The first call, which reads them, is not timed. */
const callBesideUnread = {
  before: async (lock) => {
    await lock.cause();
    lock.call('resource');
  },
  loop: (lock, size) => {
    for (let i = 0; i < size; i++) lock.call('resource');
  },
};

/** That first call: `size` is how many events it reads. */
const readUnread = {
  before: (lock) => lock.cause(),
  loop: (lock) => lock.call('resource'),
};

let made = 0;

/** Strings that no one has seen before: their hash is not known yet. */
function makeKeys(count) {
  const keys = [];
  for (let i = 0; i < count; i++) keys.push(`user:${made++}`);
  return keys;
}

/** The same order in every run. */
function shuffle(list) {
  let seed = 1;
  for (let i = list.length - 1; i > 0; i--) {
    seed = (seed * 48_271) % 2_147_483_647;
    const j = seed % (i + 1);
    [list[i], list[j]] = [list[j], list[i]];
  }
  return list;
}

/** @type {Record<string, Work>} */
module.exports = {
  freeWrite,
  freeRead,
  queue,
  queueInside,
  manyKeys,
  readersAndWriters,
  freeRun,
  queueRun,
  contend,
  readKeysInUse,
  freeBesideKeysInUse,
  callBesideUnread,
  readUnread,
};
