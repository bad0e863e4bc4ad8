'use strict';
// A process that uses locks as workers.js asks it to. It ends when that one does.

const { setTimeout: sleep } = require('node:timers/promises');

/**
 * Some package's locks.
 *
 * @typedef {object} Side
 * @property {(key: string) => Promise<() => Promise<unknown>>} acquire gives what releases it
 * @property {() => void} close
 * @property {any} [locks] latchkey's own
 */

/** @type {Side} */
let side;
/** @type {() => Promise<unknown>} */
let release;
/** @type {(() => Promise<unknown>)[]} */
const held = [];
/** @type {Promise<number>[]} */
let grants = [];

/** Nanoseconds by a clock that all processes of a machine share. */
const now = () => Number(process.hrtime.bigint());

const calls = {
  async open(adapter, port, options) {
    side = require(`./adapters/${adapter}`).open(port, options);
    // Not a part of what is measured: the connection and the scripts.
    await calls.pairs('warm-up', 1);
  },

  async pairs(key, count) {
    for (let i = 0; i < count; i++) await (await side.acquire(key))();
  },

  /** How long each of them takes, in nanoseconds. */
  async timedPairs(key, count) {
    const times = [];
    for (let i = 0; i < count; i++) {
      const start = now();
      await (
        await side.acquire(key)
      )();
      times.push(now() - start);
    }
    return times;
  },

  /** Takes and releases so many keys of its own at a time, for so long. */
  async pairsAtOnce(mine, atOnce, ms) {
    const end = now() + ms * 1e6;
    const before = process.cpuUsage();
    let pairs = 0;
    const one = async (i) => {
      for (; now() < end; pairs++) await (await side.acquire(`free ${mine} ${i}`))();
    };
    await Promise.all(Array.from({ length: atOnce }, (_, i) => one(i)));
    const { user, system } = process.cpuUsage(before);
    return { pairs, cpu: user + system };
  },

  async acquire(key) {
    release = await side.acquire(key);
    return now();
  },

  async release(ms) {
    await sleep(ms);
    const start = now();
    await release();
    return start;
  },

  /** Holds many keys until it is closed. */
  async hold(first, last) {
    const all = [];
    for (let i = first; i < last; i++) all.push(side.acquire(`held ${i}`));
    held.push(...(await Promise.all(all)));
  },

  /** Asks many times for one key: each grant is released at once. */
  enqueue(key, count) {
    for (let i = 0; i < count; i++) grants.push(side.locks.write(key, (hold) => hold.fence));
  },

  /** The fences of those grants, in the order in which they were asked for. */
  async fences() {
    const all = await Promise.all(grants);
    grants = [];
    return { fences: all, time: now() };
  },

  /** Leaves nothing behind that another process would have to clear up. */
  async close() {
    await Promise.all(held.map((release) => release()));
    side.close();
  },
};

process.on('message', async (/** @type {any} */ { id, name, args }) => {
  try {
    process.send?.({ id, result: await calls[name](...args) });
  } catch (error) {
    process.send?.({ id, error: /** @type {Error} */ (error).stack });
  }
});

process.once('disconnect', () => process.exit());
