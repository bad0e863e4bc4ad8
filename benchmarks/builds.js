'use strict';
// `npm run bench:builds -- <folder>`: this checkout beside another one that has been built, such as the last release, on what
// programs do most. Each pair is two processes, one of each, in turn; the ratio is taken pair by pair, so that it holds when
// the machine's speed drifts.
//
//   npm run bench:builds -- ../other                      15 pairs of each work; takes some minutes
//   npm run bench:builds -- ../other --only 'free key'    those with this in their names

const fs = require('node:fs');
const path = require('node:path');
const { parseArgs } = require('node:util');
const { run } = require('./processes');
const { cpu, warnIfBusy } = require('./where');
const { median } = require('./statistics');

const PAIRS = 15;
/** The median of 15 lies between the 4th and the 12th of them in 96 of 100 cases. */
const LOW = 3;
const HIGH = 11;
const PLAN = { rounds: 3, roundTime: 40, budget: 8000 };

const free = (adapter, work, more = {}) => ({ adapter, work, size: 1000, ...more });
const WORKS = {
  'free key, alock': free('latchkey-alock', 'freeWrite'),
  'free key, rwlock-plus, write': free('latchkey-rwlock-plus', 'freeWrite'),
  'free key, rwlock-plus, read': free('latchkey-rwlock-plus', 'freeRead'),
  'free key with an expiry, write': free('latchkey-rwlock-plus', 'freeWrite', { expiry: 10_000 }),
  'free key with an expiry, read': free('latchkey-rwlock-plus', 'freeRead', { expiry: 10_000 }),
  'free key, promise with a function': free('latchkey-promise', 'freeRun'),
  'free key, named space': free('latchkey-named', 'freeRun'),
  '10 queued': { adapter: 'latchkey-rwlock-plus', work: 'queue', size: 10 },
  '1,000 queued': { adapter: 'latchkey-rwlock-plus', work: 'queue', size: 1000 },
  '1,000 queued with an expiry': {
    adapter: 'latchkey-rwlock-plus',
    work: 'queue',
    size: 1000,
    expiry: 10_000,
  },
  '1,000 queued, promise with a function': { adapter: 'latchkey-promise', work: 'queueRun', size: 1000 },
  '1,000 queued, named space': { adapter: 'latchkey-named', work: 'queueRun', size: 1000 },
};

async function main() {
  const { values, positionals } = parseArgs({
    options: { only: { type: 'string', default: '' } },
    allowPositionals: true,
  });
  const other = path.resolve(positionals[0] ?? '', 'benchmarks/timed-process.js');
  if (positionals.length !== 1 || !fs.existsSync(other)) {
    console.error('usage: npm run bench:builds -- <folder of another checkout> [--only <part of a name>]');
    process.exitCode = 2;
    return;
  }
  console.log(
    `Node ${process.versions.node}, ${cpu()}; ${PAIRS} pairs; this one : the other, lower is better`,
  );
  warnIfBusy();
  for (const [name, side] of Object.entries(WORKS)) {
    if (name.includes(values.only)) console.log(`${name.padEnd(40)}${await compare(side, other)}`);
  }
}

/**
 * @param {import('./measure').Side} side
 * @param {string} other
 */
async function compare(side, other) {
  const ratios = [];
  const times = [];
  for (let pair = 0; pair < PAIRS; pair++) {
    // Each begins in turn.
    const ours = pair % 2 === 0 ? await time('timed-process.js', side) : NaN;
    const theirs = await time(other, side);
    times.push(pair % 2 === 0 ? ours : await time('timed-process.js', side));
    ratios.push(times[pair] / theirs);
  }
  const sorted = ratios.toSorted((a, b) => a - b);
  const [low, middle, high] = [sorted[LOW], median(ratios), sorted[HIGH]].map((ratio) => ratio.toFixed(2));
  return `${middle} (${low} to ${high}), ${median(times).toFixed(0)} ns`;
}

/**
 * @param {string} program
 * @param {import('./measure').Side} side
 * @returns {Promise<number>} nanoseconds per request
 */
async function time(program, side) {
  const { answer, failure } = await run(program, { sides: [side], plan: PLAN });
  if (answer === null) throw new Error(`${program}: ${failure}`);
  return median(answer.samples[0]);
}

main();
