'use strict';
// Where the time goes: `node benchmarks/ladder.js`. Each rung does what the one before it does and one thing
// more, so that the difference is what that thing costs; then come latchkey and a peer.

const { alternate } = require('./measure');
const { FULL } = require('./settings');
const { median } = require('./statistics');

/** An expiry that never comes, in milliseconds. */
const LONG = 600_000;

const OURS = { adapter: 'latchkey-rwlock-plus' };

const LINE = {
  'an object, a place in line, a closure': { adapter: 'rungs', rung: 'line' },
  'the async context of the one who asked': { adapter: 'rungs', rung: 'context' },
};

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
      ...LINE,
      'an empty native call': { adapter: 'rungs', rung: 'crossing' },
      latchkey: OURS,
      'rwlock-plus': { adapter: 'rwlock-plus' },
    },
  },
  'The same with an expiry, which is the engine’s business': {
    work: 'queue',
    rungs: {
      ...LINE,
      'two empty native calls': { adapter: 'rungs', rung: 'crossings' },
      latchkey: { ...OURS, expiry: LONG },
      'rwlock-plus': { adapter: 'rwlock-plus', expiry: LONG },
    },
  },
  'A free key of a named space, with an awaited function': {
    work: 'freeRun',
    rungs: {
      'an awaited function': { adapter: 'floor-promise' },
      'an empty native call': { adapter: 'floor-native' },
      'latchkey, a private space': { adapter: 'latchkey-promise' },
      'latchkey, a named space': { adapter: 'latchkey-named' },
      'navigator.locks': { adapter: 'navigator-locks' },
    },
  },
};

async function main() {
  console.log(`Node ${process.version}; nanoseconds, medians of ${FULL.rounds} rounds\n`);
  for (const [name, { work, rungs }] of Object.entries(LADDERS)) {
    const there = Object.keys(rungs).filter((rung) => isThere(rungs[rung]));
    const sides = there.map((rung) => ({ work, size: 1000, ...rungs[rung] }));
    const samples = await alternate(sides, FULL);
    console.log(name);
    there.forEach((rung, i) => {
      console.log(`  ${rung.padEnd(40)}${median(samples[i]).toFixed(0).padStart(6)}`);
    });
    console.log();
  }
}

/** Node 20 has no `navigator.locks`. */
function isThere({ adapter }) {
  return !require(`./adapters/${adapter}`).missing;
}

main();
