'use strict';
// Processes acquire and release free keys for a while, each of them one or many at a time: how long a pair takes, and what
// it costs the server and the process.

const { Redis } = require('ioredis');
const { median } = require('../statistics');
const { ratioLine, toResult } = require('./lines');
const { withWorkers } = require('./workers');

const OURS = 'latchkey';
const PEER = 'redis-semaphore';
const FLOOR = 'floor-set';
/** The sides take turns so often. */
const PARTS = 3;

/** What a pair took, in nanoseconds. @typedef {{ wall: number, server: number, client: number }} Cost */

/**
 * @param {number} processes
 * @param {number} atOnce how many keys each process takes at a time
 * @param {{ wall?: number, server?: number }} targets the parts of redis-semaphore's time, and of the floor's server time
 * @returns {import('./scenarios').Scenario}
 */
function throughput(processes, atOnce, targets) {
  const name = `${processes} × ${atOnce} free keys`;
  return {
    name,
    run: async (port, { throughput: ms }) => {
      /** @type {Record<string, Cost[]>} */
      const costs = { [OURS]: [], [PEER]: [], [FLOOR]: [] };
      for (let part = 0; part < PARTS; part++) {
        for (const [adapter, all] of Object.entries(costs)) {
          const measure = (workers) => costOf(port, workers, atOnce, ms / PARTS);
          all.push(await withWorkers(processes, adapter, port, undefined, measure));
        }
      }
      const line = (what, of, peer, target) => {
        const side = (adapter) =>
          toResult(require(`./adapters/${adapter}`).label, median(costs[adapter].map((cost) => cost[of])));
        return ratioLine(`${name}: ${what} a pair`, 'ns', side(OURS), side(peer), target ?? null);
      };
      return [
        line('time', 'wall', PEER, targets.wall),
        line('time', 'wall', FLOOR),
        line('server’s processor time', 'server', FLOOR, targets.server),
        line('server’s processor time', 'server', PEER),
        line('client’s processor time', 'client', PEER),
      ];
    },
  };
}

/** @returns {Promise<Cost>} */
async function costOf(port, workers, atOnce, ms) {
  const client = new Redis({ port, host: '127.0.0.1' });
  const before = await serverTime(client);
  const results = await Promise.all(workers.map((worker, i) => worker.call('pairsAtOnce', i, atOnce, ms)));
  const after = await serverTime(client);
  client.disconnect();
  const sum = (of) => results.reduce((total, result) => total + result[of], 0);
  const pairs = sum('pairs');
  return { wall: (ms * 1e6) / pairs, server: (after - before) / pairs, client: (sum('cpu') * 1e3) / pairs };
}

/** @returns {Promise<number>} the processor time that the server has used, in nanoseconds */
async function serverTime(client) {
  const info = await client.info('cpu');
  const field = (name) => Number(new RegExp(`^${name}:([\\d.]+)`, 'm').exec(info)?.[1]);
  return (field('used_cpu_user') + field('used_cpu_sys')) * 1e9;
}

module.exports = { throughput };
