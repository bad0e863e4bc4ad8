'use strict';
// A free key is acquired and released, again and again, by one process.

const { run } = require('../processes');
const { median } = require('../statistics');
const { toResult } = require('./lines');
const { TURN } = require('./settings');

const OURS = 'latchkey';
const PEERS = ['redlock', 'sesamecare-redlock', 'redis-semaphore'];
const FLOOR = 'floor-ping';

/**
 * @param {string} name
 * @param {number} target how much of the fastest peer's time it may take
 * @returns {import('./scenarios').Scenario}
 */
function freePairs(name, target) {
  return {
    name,
    run: async (port, settings) => {
      const results = await measure(port, [OURS, ...PEERS, FLOOR], settings);
      const valueOf = (adapter) => /** @type {number} */ (results[adapter].value);
      const floor = { label: results[FLOOR].label, value: valueOf(FLOOR), beside: null };
      const fastest = Math.min(...PEERS.map(valueOf));
      return PEERS.map((peer) => ({
        name,
        unit: 'ns',
        kind: 'ratio',
        ours: results[OURS],
        peer: results[peer],
        // The others are slower: the target is about the best of them.
        target: valueOf(peer) === fastest ? target : null,
        floor,
      }));
    },
  };
}

/** @returns {Promise<Record<string, import('../report').Result>>} */
async function measure(port, adapters, { processes, rounds }) {
  /** @type {Record<string, number[]>} */
  const samples = Object.fromEntries(adapters.map((adapter) => [adapter, []]));
  for (let i = 0; i < processes; i++) {
    const { answer, failure } = await run('store/pairs-process.js', { port, adapters, rounds, turn: TURN });
    if (answer === null) throw new Error(failure ?? 'no answer');
    for (const adapter of adapters) samples[adapter].push(...answer[adapter]);
  }
  const toEntry = (adapter) => [
    adapter,
    toResult(require(`./adapters/${adapter}`).label, median(samples[adapter])),
  ];
  return Object.fromEntries(adapters.map(toEntry));
}

module.exports = { freePairs };
