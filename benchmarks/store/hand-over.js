'use strict';
// Two processes hand a key over: how long from the call that releases it in one, to the grant in the other, who has waited
// for it for some time.

const { median, percentile } = require('../statistics');
const { ratioLine, toResult, valueLine } = require('./lines');
const { withWorkers } = require('./workers');

const OURS = 'latchkey';
const FLOOR = 'floor-list';
const KEY = 'handed over';
/** The sides take turns so often. */
const PARTS = 2;

/**
 * @param {string} name
 * @param {[number, number]} hold milliseconds that a hold lasts, from and to. The peers ask again and again: the two are so far
 *   apart that the release comes at any point between two times
 * @param {number} target nanoseconds
 * @param {Record<string, number | null>} peers each with the part of its time that latchkey may take
 * @returns {import('./scenarios').Scenario}
 */
function handOvers(name, hold, target, peers) {
  return {
    name,
    run: async (port, { handOvers: count }) => {
      /** @type {Record<string, number[]>} */
      const samples = Object.fromEntries(
        [OURS, ...Object.keys(peers), FLOOR].map((adapter) => [adapter, []]),
      );
      for (let part = 0; part < PARTS; part++) {
        for (const [adapter, all] of Object.entries(samples)) {
          all.push(
            ...(await withWorkers(2, adapter, port, undefined, (pair) => measure(pair, hold, count / PARTS))),
          );
        }
      }
      const toSide = (adapter) => toResult(require(`./adapters/${adapter}`).label, median(samples[adapter]));
      const ours = toSide(OURS);
      const floor = { label: toSide(FLOOR).label, value: median(samples[FLOOR]), beside: null };
      const lines = Object.entries(peers).map(([peer, part]) =>
        ratioLine(name, 'ns', ours, toSide(peer), part),
      );
      const values = [
        valueLine(`${name}, median`, 'ns', median(samples[OURS]), target),
        valueLine(`${name}, 99 % below`, 'ns', percentile(samples[OURS], 0.99), null),
      ];
      return [...values, ...lines].map((line) => ({
        ...line,
        floor,
      }));
    },
  };
}

/**
 * @param {import('./workers').Worker[]} pair
 * @param {[number, number]} hold
 * @param {number} count
 * @returns {Promise<number[]>} nanoseconds of each hand-over
 */
async function measure([one, other], [from, to], count) {
  const samples = [];
  await one.call('acquire', KEY);
  for (let i = 0; i < count; i++) {
    const [holder, waiter] = i % 2 === 0 ? [one, other] : [other, one];
    const granted = waiter.call('acquire', KEY);
    const released = holder.call('release', from + (to - from) * Math.random());
    samples.push((await granted) - (await released));
  }
  await (count % 2 === 0 ? one : other).call('release', 0);
  return samples;
}

module.exports = { handOvers };
