'use strict';
// Random numbers that come again when the seed does: `LATCHKEY_SEED=123 npm test`.

/** @param {number} seed */
function randomFrom(seed) {
  let state = seed >>> 0;
  /** A number from 0 up to 1 (mulberry32). */
  function next() {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }
  const below = (n) => Math.floor(next() * n);
  return { next, below, pick: (list) => list[below(list.length)], chance: (p) => next() < p };
}

/** The seed of this run; whoever uses it prints it. */
const seed = Number(process.env.LATCHKEY_SEED ?? Date.now() % 2 ** 31);

module.exports = { randomFrom, seed };
