'use strict';
// Random programs on private locks see the same whether free keys are granted without the engine and waiters are posted, or
// the engine is asked each time. Every callback in its order, with its arguments and its async context, every error and where
// it comes out, every promise, `recovered`, the order of the fences, what `query` and the diagnostics channels publish.

const { it, describe } = require('node:test');
const assert = require('node:assert/strict');
const { loadCopy, loadSweepingCopy, loadEngineCopy } = require('./support/copies');
const { randomFrom, seed } = require('./support/random');
const { firstDifference } = require('./support/twin-log');
const callbacks = require('./support/twin-callbacks');
const promises = require('./support/twin-promises');

const engine = loadEngineCopy({ posts: false });
/**
 * Grants nothing itself, but posts. Where a hold is overdue, a request that is posted does not look at the clock, and lets
 * the next call or the event loop find that out: there, this one is what the others are held against.
 */
const posting = loadEngineCopy({ posts: true });
const copies = { thin: loadCopy(), 'thin and always sweeping': loadSweepingCopy() };

/** How often a run is done again on a machine that stalls, before its program is given up. */
const ATTEMPTS = 5;

/** What must be seen in no program. */
const NEVER = /^left waiting: \d|is held in the end/;

/**
 * Compares a number of programs.
 *
 * @param {import('node:test').TestContext} t
 * @param {ReturnType<typeof loadCopy>} reference
 * @param {number} count
 * @param {(random: ReturnType<typeof randomFrom>) => any} randomProgram
 * @param {(program: any, copy: ReturnType<typeof loadCopy>) => string[] | null | Promise<string[] | null>} run gives what the
 *   program saw; null if that proves nothing
 * @param {RegExp[]} musts what has to be seen, or else the programs are too tame
 */
async function compare(t, reference, count, randomProgram, run, musts) {
  let [lines, given] = [0, 0];
  const unseen = new Set(musts);
  for (let n = seed; n < seed + count; n++) {
    const program = randomProgram(randomFrom(n));
    const expected = await run(program, reference);
    for (const [name, copy] of Object.entries(copies)) {
      const actual = expected && (await run(program, copy));
      const difference = actual === null ? '' : firstDifference(expected, actual);
      const message = `LATCHKEY_SEED=${n}, ${name} (-: without thin keys, +: ${name})`;
      assert.ok(difference === '', `${message}\n${difference}\n${JSON.stringify(program)}`);
      if (actual === null) given++;
    }
    assert.deepEqual(expected?.filter((line) => NEVER.test(line)) ?? [], [], `LATCHKEY_SEED=${n}`);
    lines += expected?.length ?? 0;
    for (const must of unseen) if (expected?.some((line) => must.test(line))) unseen.delete(must);
    // Dropped lock objects are collected between turns of the event loop.
    if (n % 64 === 0) await new Promise(setImmediate);
  }
  t.diagnostic(
    `seed ${seed}: ${count} programs, ${lines} lines compared on ${Object.keys(copies).length + 1} copies`,
  );
  if (given > 0) t.diagnostic(`${given} runs not compared, because the machine stalled`);
  assert.ok(given < count, 'most programs could not be compared');
  assert.deepEqual([...unseen], [], 'seen in no program');
}

/** Runs again what a stall has spoilt. */
async function patiently(start) {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const { lines, stalled } = await start();
    if (!stalled) return lines;
  }
  return null;
}

const runCallbacks = (program, copy) => new callbacks.Run(program, copy).run();
const runPromises = (program, copy) => new promises.Run(program, copy).run();
const quiet = { listens: false, throws: 0, closes: 0, overdue: false, timed: false };

describe('a random program sees the same with thin locks and without', () => {
  for (const overdue of [false, true]) {
    it(`on the callback APIs${overdue ? ', where holds are overdue at once' : ''}`, (t) => {
      const program = (random) =>
        callbacks.randomProgram(random, {
          requests: 3 + random.below(30),
          keys: 1 + random.below(3),
          releases: 0.3 + 0.3 * random.next(),
          self: random.pick([0.1, 0.4, 0.7]),
          listens: random.chance(0.3),
          throws: random.pick([0, 0, 0.1, 0.3]),
          overdue,
          timed: false,
        });
      const losses = [/released\(LockExpiredError/, /latchkey:expire/, /recovered: true/];
      return compare(t, overdue ? posting : engine, 1200, program, runCallbacks, [
        ...(overdue ? losses : []),
        /obtained throws/,
        /^reports/,
        /released\(\d+,\d+\)/,
        /obtained \(alock, write, waited/,
        /obtained \(no expiry, write, waited/,
        /obtained \(no expiry, read, waited, beside 0\)/,
        /obtained \(no expiry, read, waited, beside [1-9]/,
        /is free in the end/,
      ]);
    });
  }

  it('on the callback APIs, nested without end', (t) => {
    const program = (random) => {
      const size = { ...quiet, requests: 800, keys: 1 + random.below(3), releases: 0.1, self: 0.99 };
      return callbacks.randomProgram(random, size);
    };
    const musts = [/released/, /obtained \((alock|no expiry), \w+, waited/];
    return compare(t, engine, 10, program, runCallbacks, musts);
  });

  for (const times of ['alone', 'overdue']) {
    it(`on the promise API${times === 'overdue' ? ', where holds are overdue at once' : ''}`, (t) => {
      const program = (random) =>
        promises.randomProgram(random, {
          requests: 3 + random.below(25),
          keys: 1 + random.below(3),
          releases: 0.3 + 0.3 * random.next(),
          closes: random.pick([0, 0, 0.02]),
          times,
        });
      return compare(t, times === 'overdue' ? posting : engine, 400, program, runPromises, [
        ...(times === 'overdue' ? [/lost: LockExpiredError/, /holds .*,.* recovered: true/] : []),
        /rejected: LockTimeoutError/,
        /rejected: LockQueueFullError/,
        /rejected: LockClosedError/,
        /rejected: Error \d+ aborted|rejected: Error .*throws/,
        /got nothing/,
        /did downgrade, and holds read/,
        /^pending/,
      ]);
    });
  }

  it('on the callback APIs, while expiries come by themselves', (t) => {
    const program = (random) => {
      const size = {
        ...quiet,
        requests: 3 + random.below(10),
        keys: 1,
        releases: 0.3,
        self: 0.3,
        timed: true,
      };
      return callbacks.randomProgram(random, size);
    };
    const run = (each, copy) =>
      patiently(async () => {
        const one = new callbacks.Run(each, copy);
        return { lines: await one.runTimed(), stalled: one.clock.stalled };
      });
    return compare(t, engine, 30, program, run, [/tick/, /released\(LockExpiredError/]);
  });

  it('on the promise API, while expiries and timeouts come by themselves', (t) => {
    const program = (random) => {
      const size = { requests: 3 + random.below(10), keys: 1, releases: 0.3, closes: 0, times: 'timed' };
      return promises.randomProgram(random, size);
    };
    const run = (each, copy) =>
      patiently(async () => {
        const one = new promises.Run(each, copy);
        return { lines: await one.run(), stalled: one.clock.stalled };
      });
    return compare(t, engine, 30, program, run, [
      /tick/,
      /lost: LockExpiredError/,
      /rejected: LockTimeoutError/,
    ]);
  });
});
