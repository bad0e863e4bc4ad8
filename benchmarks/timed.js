'use strict';
// A scenario that is timed: latchkey, its peers and the floor take turns in one process.

const { run } = require('./processes');
const { LIMITS } = require('./settings');
const { median } = require('./statistics');

/** @typedef {import('./measure').Side & { label?: string, of?: string }} Side */
/** @typedef {import('./settings').Settings} Settings */
/** @typedef {{ ours: string, peer: string, target: number | null, floor: string | null, floorBeside?: string }} Wanted */

/**
 * @param {string} name
 * @param {Record<string, Side>} sides
 * @param {Wanted[]} lines which sides the lines of the table compare
 * @returns {import('./scenarios').Scenario}
 */
function timed(name, sides, lines) {
  return { name, run: async (settings) => toLines(name, lines, await measureAll(sides, settings)) };
}

/**
 * @typedef {object} Result of one side
 * @property {string} label
 * @property {number | null} value nanoseconds per request
 * @property {string | null} missing why it was not tried
 * @property {string | null} failure why it cannot do it
 */

/**
 * @param {Record<string, Side>} sides
 * @param {Settings} settings
 * @returns {Promise<Record<string, Result>>}
 */
async function measureAll(sides, settings) {
  /** @type {Record<string, Result>} */
  const results = {};
  const able = [];
  for (const [id, side] of Object.entries(sides)) {
    const result = await tryOut(side);
    results[id] = result;
    if (result.missing === null && result.failure === null) able.push(id);
  }
  const samples = await timeTogether(
    able.map((id) => sides[id]),
    settings,
  );
  for (const [i, id] of able.entries()) results[id].value = median(samples[i]);
  return results;
}

/**
 * @param {Side[]} sides
 * @param {Settings} settings
 * @returns {Promise<number[][]>} all times of each side
 */
async function timeTogether(sides, settings) {
  /** @type {number[][]} */
  const samples = sides.map(() => []);
  for (let i = 0; i < settings.processes; i++) {
    const { answer, failure } = await run('timed-process.js', { sides, plan: settings });
    // Each of them can do it alone, so this is nobody's weakness.
    if (answer === null) throw new Error(`all together: ${failure}`);
    for (const [j, times] of answer.samples.entries()) samples[j].push(...times);
  }
  return samples;
}

/**
 * Whether a side is there, and comes to the end of one batch, in a process of its own.
 *
 * @param {Side} side
 * @returns {Promise<Result>}
 */
async function tryOut(side) {
  const adapter = require(`./adapters/${side.of ?? side.adapter}`);
  const label = side.label ?? adapter.label;
  const missing = adapter.missing ?? null;
  if (missing !== null) return { label, value: null, missing, failure: null };
  // With keys in use there is no peer, and preparing a million of them is not what is limited.
  const limits = side.inUse === undefined ? LIMITS : {};
  const { failure } = await run('timed-process.js', { sides: [side], attemptOnly: true }, limits);
  return { label, value: null, missing, failure };
}

/**
 * @param {string} name
 * @param {Wanted[]} lines
 * @param {Record<string, Result>} results
 * @returns {import('./report').Line[]}
 */
function toLines(name, lines, results) {
  return lines.map(({ ours, peer, target, floor, floorBeside }) => {
    const value = floor === null ? null : results[floor].value;
    const beside = floorBeside === undefined ? null : results[floorBeside].value;
    return {
      name,
      unit: 'ns',
      kind: 'ratio',
      ours: results[ours],
      peer: results[peer],
      target,
      floor: floor === null || value === null ? null : { label: results[floor].label, value, beside },
    };
  });
}

module.exports = { timed };
