'use strict';
// A thousand requests wait for one key, in several processes: what they ask of the server meanwhile, and in which order they
// are granted.

const { setTimeout: sleep } = require('node:timers/promises');
const { valueLine } = require('./lines');
const { withMonitor } = require('./monitor');
const { SHORT_LEASE } = require('./settings');
const { withWorkers } = require('./workers');

/** @typedef {import('./monitor').Sent} Sent */

const OURS = 'latchkey';
const KEY = 'queued for';
const PROCESSES = 4;
/** So many leases less than a whole number: then nothing of the next one is counted. */
const BIT = 0.1;
/** Each process says three times a lease that it lives, and once a lease, for all who wait, that it waits. */
const BEATS = 3;
/** Milliseconds between two looks whether all have come. */
const LOOK = 20;

/**
 * @param {string} name
 * @param {number} count
 * @returns {import('./scenarios').Scenario}
 */
function waiters(name, count) {
  return {
    name,
    run: (port, { leases }) =>
      withMonitor(port, (monitor) =>
        withWorkers(1 + PROCESSES, OURS, port, { ttl: SHORT_LEASE }, async ([holder, ...others]) => {
          const known = await learn(monitor, holder, others[0]);
          await holder.call('acquire', KEY);
          const asked = await monitor.watch((sent) =>
            enqueue(others, count, () => idsOf(sent, known.acquire)),
          );
          const meanwhile = await monitor.watch(() => sleep((leases - BIT) * SHORT_LEASE));
          /** @type {{ fences: number[], time: number }[]} */
          let granted = [];
          let released = 0;
          const ended = await monitor.watch(async () => {
            released = await holder.call('release', 0);
            granted = await Promise.all(others.map((worker) => worker.call('fences')));
          });
          const arrivals = idsOf(asked, known.acquire);
          const grants = idsOf(ended, known.release).slice(1);
          const places = arrivals.map((id) => grants.indexOf(id));
          if (places.includes(-1)) throw new Error('not every request has ended');
          const late = granted.map(({ fences }) => countLate(fences)).reduce((sum, one) => sum + one);
          const time = Math.max(...granted.map(({ time }) => time)) - released;
          return [
            ...linesOf(name, meanwhile, known, leases),
            valueLine(`${name}, granted in another order than they arrived`, '', countLate(places), 0),
            valueLine(`${name}, granted in another order than their process asked`, '', late, 0),
            valueLine(`${name}, from the release to the last grant`, 'ns', time, null),
          ];
        }),
      ),
  };
}

/** Which script beats, which one acquires, and which one releases. */
async function learn(monitor, holder, other) {
  await holder.call('acquire', 'learned from');
  const [beat] = await monitor.watch(() => sleep(SHORT_LEASE / 2));
  await holder.call('release', 0);
  const sent = await monitor.watch(() => other.call('pairs', 'learned from', 1));
  const [acquire, release] = sent.map(scriptOf).filter((script) => script !== scriptOf(beat));
  return { beat: scriptOf(beat), acquire, release };
}

/** Resolves once all requests have reached the server. */
async function enqueue(workers, count, ids) {
  await Promise.all(workers.map((worker) => worker.call('enqueue', KEY, count / workers.length)));
  while (ids().length < count) await sleep(LOOK);
}

/**
 * The requests that a script was run for, in the order in which that was first done.
 *
 * @param {Sent[]} sent
 * @param {string} script
 */
function idsOf(sent, script) {
  return [...new Set(sent.filter((one) => scriptOf(one) === script).map(idOf))];
}

/** How many come after a greater one. @param {number[]} numbers */
function countLate(numbers) {
  let highest = 0;
  let late = 0;
  for (const number of numbers) {
    if (number < highest) late++;
    else highest = number;
  }
  return late;
}

/** @param {string} name @param {Sent[]} sent */
function linesOf(name, sent, { beat, acquire }, leases) {
  const beats = sent.filter((one) => scriptOf(one) === beat).length;
  const repeats = sent.filter((one) => scriptOf(one) === acquire).length;
  const during = `${name}, in ${leases} leases:`;
  return [
    valueLine(`${during} beats`, '', beats, BEATS * leases * (1 + PROCESSES)),
    valueLine(`${during} asked again, one for each process`, '', repeats, leases * PROCESSES),
    valueLine(`${during} anything else`, '', sent.length - beats - repeats, 0),
  ];
}

/** The script that a request runs, by its hash; of another request its name. @param {Sent} sent */
function scriptOf({ words }) {
  return /^evalsha$/i.test(words[0]) ? words[1] : words[0];
}

/** The fifth argument after the keys: see crates/redis/src/scripts/layout.lua. @param {Sent} sent */
function idOf({ words }) {
  return words[3 + Number(words[2]) + 4];
}

module.exports = { waiters };
