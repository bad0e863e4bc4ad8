'use strict';
// The scenarios of memory: each side has processes of its own.

const { run } = require('./processes');
const { median } = require('./statistics');

const OURS = 'latchkey-rwlock-plus';
const PEER = 'rwlock-plus';
const FLOOR = 'floor-map';

/** V8's nursery grows by 30 MB where there is much garbage, locks or not: here it may not. */
const OPTIONS = ['--max-semi-space-size=1'];
/** Processes a side: they differ little. */
const PROCESSES = 3;

/**
 * @param {string} name
 * @param {number} count
 * @returns {import('./scenarios').Scenario}
 */
function memoryOfHolds(name, count) {
  return {
    name,
    run: async () => {
      const results = await measureAll('holds', count);
      return [
        toLine(`${name}: for each`, results, 'during', 'ratio', null),
        toLine(`${name}: left after each`, results, 'after', 'value', null),
      ];
    },
  };
}

/**
 * @param {string} name
 * @param {number} count keys in a pass
 * @param {number} target bytes that may stay for each key: what is below is noise
 * @returns {import('./scenarios').Scenario}
 */
function memoryOfPassingKeys(name, count, target) {
  return {
    name,
    run: async () => [toLine(name, await measureAll('passing', count), 'left', 'value', target)],
  };
}

async function measureAll(what, count) {
  /** @type {Record<string, any>} */
  const results = {};
  for (const adapter of [OURS, PEER, FLOOR]) {
    const { label } = require(`./adapters/${adapter}`);
    /** @type {{ label: string, samples: Record<string, number>[], failure: string | null }} */
    const result = { label, samples: [], failure: null };
    for (let i = 0; i < PROCESSES; i++) {
      const { answer, failure } = await run(
        'memory-process.js',
        { adapter, what, count },
        { options: OPTIONS },
      );
      if (failure === null) result.samples.push(answer);
      result.failure ??= failure;
    }
    results[adapter] = result;
  }
  return results;
}

/** @returns {import('./report').Line} */
function toLine(name, results, metric, kind, target) {
  const toResult = ({ label, samples, failure }) => {
    const value = failure === null ? median(samples.map((sample) => sample[metric])) : null;
    return { label, value, failure, missing: null };
  };
  const ours = toResult(results[OURS]);
  const { label, value } = toResult(results[FLOOR]);
  const floor = value === null ? null : { label, value, beside: null };
  return { name, unit: 'B', kind, ours, peer: toResult(results[PEER]), target, floor };
}

module.exports = { memoryOfHolds, memoryOfPassingKeys };
