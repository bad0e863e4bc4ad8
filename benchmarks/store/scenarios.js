'use strict';
// All that is measured with a store, in the order of the table, with the targets that the project has set itself.

const { handOvers } = require('./hand-over');
const { freePairs } = require('./pairs');
const { requestsOfHolder, requestsOfPairs } = require('./requests');
const { tenKeys } = require('./ten-keys');
const { throughput } = require('./throughput');
const { waiters } = require('./waiters');

/** @typedef {{ name: string, run: (port: number, settings: import('./settings').Settings) => Promise<import('../report').Line[]> }} Scenario */

const MS = 1e6;

/** @type {Scenario[]} */
const SCENARIOS = [
  freePairs('free key, acquire and release', 1.25),
  handOvers('hand-over after 10 to 30 ms', [10, 30], MS, { 'redis-semaphore': 0.2 }),
  handOvers('hand-over after 20 to 420 ms', [20, 420], MS, { redlock: 0.002, 'sesamecare-redlock': null }),
  requestsOfPairs('requests for an acquire and a release', 2, [
    'redis-semaphore',
    'redlock',
    'sesamecare-redlock',
  ]),
  requestsOfHolder('requests of who only holds,', 10_000, 1),
  waiters('1,000 wait in 4 processes', 1000),
  tenKeys('ten free keys at once', 1.5),
  ...[1, 2, 4, 8].flatMap((processes) => [
    throughput(processes, 1, {}),
    throughput(processes, 100, { server: 2, wall: processes === 1 ? 1 / 0.8 : undefined }),
  ]),
];

module.exports = { SCENARIOS };
