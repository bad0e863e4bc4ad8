'use strict';
// How often the server is asked: for a lock, and by a process that only holds locks.

const { setTimeout: sleep } = require('node:timers/promises');
const { ratioLine, toResult } = require('./lines');
const { withMonitor } = require('./monitor');
const { SHORT_LEASE } = require('./settings');
const { withWorkers } = require('./workers');

const OURS = 'latchkey';
const PAIRS = 500;
/** So many leases less than a whole number: then a beat that is late cannot be one less. */
const BIT = 0.1;
/** Milliseconds between two looks whether there is one. */
const LOOK = 5;

/**
 * @param {string} name
 * @param {number} target
 * @param {string[]} peers
 * @returns {import('./scenarios').Scenario}
 */
function requestsOfPairs(name, target, peers) {
  return {
    name,
    run: async (port) => {
      const count = async (adapter) => {
        const requests = await withMonitor(port, (monitor) => countOfPairs(adapter, port, monitor));
        return toResult(require(`./adapters/${adapter}`).label, requests);
      };
      const ours = await count(OURS);
      const lines = [];
      for (const peer of peers) lines.push(ratioLine(name, '', ours, await count(peer), null));
      return [{ ...lines[0], name, kind: 'value', peer: toResult('', null), target }, ...lines];
    },
  };
}

/** @returns {Promise<number>} requests for one acquire and its release */
function countOfPairs(adapter, port, monitor) {
  return withWorkers(1, adapter, port, undefined, async ([worker]) => {
    const sent = await monitor.watch(() => worker.call('pairs', 'resource', PAIRS));
    return sent.length / PAIRS;
  });
}

/**
 * @param {string} name
 * @param {number} many
 * @param {number} target how many times as much as with one hold
 * @returns {import('./scenarios').Scenario}
 */
function requestsOfHolder(name, many, target) {
  return {
    name,
    run: (port, { leases }) =>
      withMonitor(port, (monitor) =>
        withWorkers(1, OURS, port, { ttl: SHORT_LEASE }, async ([worker]) => {
          const watch = () => countFromFirst(monitor, (leases - BIT) * SHORT_LEASE);
          await worker.call('hold', 0, 1);
          const one = toResult('1 hold', await watch());
          await worker.call('hold', 1, many);
          const all = toResult(`${many.toLocaleString('en')} holds`, await watch());
          return [ratioLine(`${name} in ${leases} leases`, '', all, one, target)];
        }),
      ),
  };
}

/**
 * How many requests come in so many milliseconds, which begin with one that is not counted: wherever they began else, one
 * more or less would be by chance.
 */
async function countFromFirst(monitor, ms) {
  const sent = await monitor.watch(async (sent) => {
    while (sent.length === 0) await sleep(LOOK);
    await sleep(ms);
  });
  return sent.length - 1;
}

module.exports = { requestsOfPairs, requestsOfHolder };
