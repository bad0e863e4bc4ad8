'use strict';
// Random programs on rwlock-plus: the real lock calls back in exactly the order in which a naive model does; and
// where the programs are too long for that (deep nesting becomes a loop), the promises hold.

const { it, describe } = require('node:test');
const assert = require('node:assert/strict');
const { Lock } = require('latchkey');
const { ModelLock } = require('./support/model');
const { randomProgram, runProgram } = require('./support/program');
const { randomFrom, seed } = require('./support/random');

const PROGRAMS = 4000;

/** Without an expiry those who are granted at once are only counted; with one, all holds are listed. */
const sorts = [
  { sort: 'without an expiry', open: () => new Lock() },
  { sort: 'with an expiry that nobody reaches', open: () => new Lock(600_000) },
];

/** A log that also counts, for `runProgram`, how many were granted. */
function recorder(also = () => {}) {
  const log = (what, step) => {
    log.lines.push(`${what} ${step.ask ?? step.release}`);
    if (what === 'obtained') log.obtained++;
    also(what, step);
  };
  return Object.assign(log, { lines: [], obtained: 0 });
}

for (const { sort, open } of sorts) {
  describe(`a random program on a Lock ${sort}`, () => {
    it(`calls back in the order of the model (${PROGRAMS} programs)`, (t) => {
      t.diagnostic(`seed ${seed}`);
      let lines = 0;
      for (let n = 0; n < PROGRAMS; n++) {
        const random = randomFrom(seed + n);
        const requests = 3 + random.below(38);
        const size = { requests, keys: 1 + random.below(3), releases: 0.3 + 0.3 * random.next(), self: 0.4 };
        const program = randomProgram(random, size);
        const [expected, actual] = [recorder(), recorder()];
        runProgram(program, new ModelLock(), expected);
        runProgram(program, open(), actual);
        if (actual.lines.join() !== expected.lines.join()) {
          t.diagnostic(`LATCHKEY_SEED=${seed + n}: ${JSON.stringify(program)}`);
          assert.deepEqual(actual.lines, expected.lines);
        }
        assert.ok(expected.obtained > 0 && expected.obtained <= requests);
        lines += actual.lines.length;
      }
      t.diagnostic(`${lines} steps compared`);
    });

    it('keeps order and exclusion, and forgets nobody, when it nests without end', (t) => {
      t.diagnostic(`seed ${seed}`);
      let free = 0;
      for (let n = 0; n < 20; n++) {
        const random = randomFrom(seed + n);
        // Of every other program all members release themselves, so that nobody is left inside.
        const self = n % 2 === 0 ? 1 : 0.99;
        const size = { requests: 3000, keys: 1 + random.below(3), releases: 0.1, self };
        const program = randomProgram(random, size);
        free += assertPromises(open(), program, `LATCHKEY_SEED=${seed + n}`);
      }
      t.diagnostic(`${free} keys were free once the gates were open`);
      assert.ok(free >= 30, `only ${free} keys were free then`);
    });
  });
}

/**
 * Runs a program between two holds that make everything queue up, and checks each promise as it goes.
 *
 * @returns {number} how many keys were free when the first hold had ended
 */
function assertPromises(lock, program, name) {
  const asked = new Map();
  const inside = new Map();
  const steps = new Map();
  const ended = new Set();
  const check = (what, step) => {
    if (what === 'asks') {
      steps.set(step.ask, step);
      asked.set(step.key, [...(asked.get(step.key) ?? []), step.ask]);
    }
    if (what === 'obtained') {
      assert.equal(step.ask, asked.get(step.key).shift(), `${name}: in order`);
      const holders = inside.get(step.key) ?? new Set();
      inside.set(step.key, holders.add(step));
      const alone = holders.size === 1 || [...holders].every((holder) => holder.mode === 'read');
      assert.ok(alone, `${name}: ${step.ask} shares ${step.key}`);
    }
    if (what === 'released') {
      assert.ok(!ended.has(step.ask), `${name}: ${step.ask} is notified once`);
      ended.add(step.ask);
    }
  };
  // Who is inside is known before others are let in.
  const checked = (method) => (key, released, obtained) =>
    lock[method](key, released, (release) =>
      obtained((number) => {
        inside.get(key)?.delete(steps.get(number));
        release(number);
      }),
    );
  const keys = ['key 0', 'key 1', 'key 2'];
  const gates = keys.map((key) => {
    let open;
    lock.writeLock(key, null, (release) => (open = release));
    return open;
  });
  const entered = new Set();
  let free = 0;
  const log = recorder(check);
  runProgram(program, { readLock: checked('readLock'), writeLock: checked('writeLock') }, log, () => {
    gates.forEach((open) => open());
    // Whoever was granted was notified before release() returned: no key is held but by those who are known to be inside.
    for (const key of keys) {
      lock.writeLock(key, null, (release) => {
        entered.add(key);
        release();
      });
      const isHeld = inside.has(key) && inside.get(key).size > 0;
      assert.equal(entered.has(key), !isHeld, `${name}: ${key} is ${isHeld ? 'held' : 'free'}`);
    }
    free = entered.size;
  });
  assert.equal(entered.size, keys.length, `${name}: whoever waited behind them was let in`);
  for (const [key, left] of asked) assert.deepEqual(left, [], `${name}: all of ${key} were granted`);
  for (const step of steps.values())
    if (step.after) assert.ok(ended.has(step.ask), `${name}: ${step.ask} was notified`);
  return free;
}
