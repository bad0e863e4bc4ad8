'use strict';
// Where the time goes: `node benchmarks/ladder.js`. Each rung does what the one before it does and one thing
// more, so that the difference is what that thing costs; the last rung is latchkey.

const { alternate } = require('./measure');
const { FULL } = require('./settings');
const { median } = require('./statistics');

/** An expiry that never comes, in milliseconds. */
const LONG = 600_000;

const OURS = { adapter: 'latchkey-rwlock-plus' };

const LADDERS = {
  'A free key, taken and released': {
    work: 'freeWrite',
    rungs: {
      'a callback and a closure': { adapter: 'rungs', rung: 'closure' },
      'that works once': { adapter: 'rungs', rung: 'once' },
      'a look-up in a Map': { adapter: 'rungs', rung: 'lookUp' },
      latchkey: OURS,
      'rwlock-plus': { adapter: 'rwlock-plus' },
    },
  },
  'One of 1,000 queued, and released': {
    work: 'queue',
    rungs: {
      'an object, a place in line, a closure': { adapter: 'rungs', rung: 'line' },
      'the async context of the one who asked': { adapter: 'rungs', rung: 'context' },
      latchkey: OURS,
      'rwlock-plus': { adapter: 'rwlock-plus' },
    },
  },
  'The same with an expiry, which is the engine’s business': {
    work: 'queue',
    rungs: {
      'an object, a place in line, a closure': { adapter: 'rungs', rung: 'line' },
      'the async context of the one who asked': { adapter: 'rungs', rung: 'context' },
      'two empty native calls': { adapter: 'rungs', rung: 'crossings' },
      latchkey: { ...OURS, expiry: LONG },
      'rwlock-plus': { adapter: 'rwlock-plus', expiry: LONG },
    },
  },
};

async function main() {
  console.log(`Node ${process.version}; nanoseconds, medians of ${FULL.rounds} rounds\n`);
  for (const [name, { work, rungs }] of Object.entries(LADDERS)) {
    const sides = Object.values(rungs).map((rung) => ({ work, size: 1000, ...rung }));
    const samples = await alternate(sides, FULL);
    console.log(name);
    Object.keys(rungs).forEach((rung, i) => {
      console.log(`  ${rung.padEnd(40)}${median(samples[i]).toFixed(0).padStart(6)}`);
    });
    console.log();
  }
}

main();
