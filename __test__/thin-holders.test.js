'use strict';
// Who is let in to a thin key. Holders of the callback APIs without an expiry are only counted, unless somebody listens to the
// diagnostics channels, or they had to wait: those are listed, and so are all others. To programs it is all the same.

const { it, describe } = require('node:test');
const assert = require('node:assert/strict');
const diagnostics = require('node:diagnostics_channel');
const { LONG } = require('./support/apis');
const { loadRecordedCopy } = require('./support/copies');
const { ModelLock } = require('./support/model');
const { hold } = require('./support/queue');
const { collectUntil } = require('./support/gc');
const { randomFrom, seed } = require('./support/random');

const { latchkey, calls } = loadRecordedCopy();
const { Lock } = latchkey;

const taker = (lock, mode) => () =>
  hold({ [mode]: (key, obtained) => lock[`${mode}Lock`](key, null, obtained) }, mode, 'key');

/** All programs of so many steps: `r` and `w` ask to read and to write, `e` ends the oldest hold, if there is one. */
function* programs(length) {
  if (length === 0) yield '';
  else for (const rest of programs(length - 1)) for (const step of 'rwe') yield rest + step;
}

/** Runs such a program: whom each step has let in, the holds that are left, and whether somebody ever had to wait. */
function runSteps(lock, program) {
  const releases = [];
  let [entered, waiting, waits] = [[], 0, false];
  const steps = [...program].map((step, n) => {
    entered = [];
    const obtained = (release) => {
      waiting--;
      entered.push(n);
      releases.push(release);
    };
    if (step === 'e') releases.shift()?.();
    else {
      waiting++;
      lock[step === 'r' ? 'readLock' : 'writeLock']('key', null, obtained);
    }
    waits ||= waiting > 0;
    return entered;
  });
  return { steps, releases, waits };
}

describe('every program of eight steps, each of them a reader, a writer or the end of the oldest hold', () => {
  const sorts = { 'that counts': () => new Lock(), 'that lists': () => new Lock(LONG) };
  for (const [sort, open] of Object.entries(sorts)) {
    it(`lets in whom a naive model lets in, and calls the engine only where somebody waits (a Lock ${sort})`, () => {
      let free = 0;
      const lock = open();
      for (const program of programs(8)) {
        calls();
        const { steps, releases, waits } = runSteps(lock, program);
        assert.deepEqual(steps, runSteps(new ModelLock(), program).steps, program);
        // Where all of them expire, a second reader has the engine asked whether the first one is overdue.
        const mayCall = waits || (sort === 'that lists' && /r[^e]*r/.test(program));
        if (!mayCall) {
          assert.deepEqual(calls(), [], program);
          free++;
        }
        while (releases.length > 0) releases.shift()();
        calls();
        taker(lock, 'write')()();
        assert.deepEqual(calls(), [], `${program}: the key is thin again`);
      }
      assert.ok(free > 100, `${free} programs in which nobody waits`);
    });
  }
});

describe('holders that nothing distinguishes', () => {
  it('end once, also if they waited: a second release() takes nobody else’s hold', () => {
    const lock = new Lock();
    const notified = [];
    const releases = [];
    const first = taker(lock, 'write')();
    for (const n of [0, 1]) {
      lock.readLock(
        'key',
        (...args) => notified.push([n, ...args]),
        (given) => (releases[n] = given),
      );
    }
    let written = 0;
    lock.writeLock('key', null, () => written++);
    first();
    releases[0]('word');
    releases[0]('again');
    first();
    assert.equal(written, 0);
    releases[1]();
    assert.equal(written, 1);
    releases[0]();
    releases[1]();
    assert.deepEqual(notified, [[0, 'word'], [1]]);
    lock.readLock('key', null, () => assert.fail('the writer still holds it'));
  });

  it('keep nothing of those who waited with them, or behind them, though the program keeps their release functions', async () => {
    const lock = new Lock();
    const collected = new Set();
    const registry = new FinalizationRegistry((n) => collected.add(n));
    const kept = [];
    (() => {
      const first = taker(lock, 'write')();
      // The first of each group is kept: readers together, then writers one behind the other.
      for (const [n, mode] of ['read', 'read', 'read', 'write', 'write', 'write'].entries()) {
        const obtained = (release) => {
          if (n % 3 === 0) kept.push(release);
          release();
        };
        if (n % 3 !== 0) registry.register(obtained, n);
        lock[`${mode}Lock`]('key', null, obtained);
      }
      first();
    })();
    assert.equal(kept.length, 2);
    await collectUntil(() => collected.size === 4, 'the callbacks of those who are gone');
    for (const release of kept) release();
    taker(lock, 'write')()();
  });
});

const CHANNELS = ['wait', 'grant', 'release', 'expire'].map((name) => `latchkey:${name}`);

/** Does something while somebody listens: whoever is granted meanwhile is listed. */
function listening(act, listener = () => {}) {
  for (const channel of CHANNELS) diagnostics.subscribe(channel, listener);
  try {
    return act();
  } finally {
    for (const channel of CHANNELS) diagnostics.unsubscribe(channel, listener);
  }
}

/** All orders of a list. */
function* permutations(list) {
  if (list.length === 0) yield [];
  for (const [i, first] of list.entries()) {
    for (const rest of permutations(list.toSpliced(i, 1))) yield [first, ...rest];
  }
}

describe('counted and listed holders of one key', () => {
  it('count as one group, whoever is which and in whatever order they release: then the writer is let in', () => {
    const sorts = ['cccc', 'lccc', 'cclc', 'clcl', 'llcc', 'ccll', 'lllc', 'llll'];
    for (const sort of sorts) {
      for (const order of permutations([0, 1, 2, 3])) {
        const lock = new Lock();
        const log = [];
        const read = (n) => {
          let release;
          lock.readLock(
            'key',
            (word) => log.push(`end of ${word}`),
            (given) => (release = () => given(n)),
          );
          return release;
        };
        const releases = [...sort].map((each, n) => (each === 'c' ? read(n) : listening(() => read(n))));
        for (const name of ['writer', 'writer 2']) {
          lock.writeLock('key', null, (release) => {
            log.push(name);
            release();
          });
        }
        lock.readLock('key', null, (release) => {
          log.push('reader');
          release();
        });
        for (const n of order) {
          releases[n]();
          releases[n]();
        }
        // Whom the last one lets in are notified before it is notified itself.
        const ends = order.map((n) => `end of ${n}`);
        const expected = [...ends.slice(0, 3), 'writer', 'writer 2', 'reader', ends[3]];
        assert.deepEqual(log, expected, `${sort} released in the order ${order}`);
        // Nobody holds it, and nobody waits.
        taker(lock, 'write')()();
      }
    }
  });

  it('may release some before the writer comes, and some after it', () => {
    for (const sort of ['ccc', 'lcc', 'clc', 'ccl', 'llc', 'lcl', 'cll', 'lll']) {
      for (const order of permutations([0, 1, 2])) {
        for (const before of [0, 1, 2]) {
          const lock = new Lock();
          const releases = [...sort].map((each) =>
            each === 'c' ? taker(lock, 'read')() : listening(taker(lock, 'read')),
          );
          let written = 0;
          for (const n of order.slice(0, before)) releases[n]();
          lock.writeLock('key', null, (release) => {
            written++;
            release();
          });
          for (const n of order.slice(before)) {
            assert.equal(written, 0);
            releases[n]();
          }
          assert.equal(written, 1, `${sort}, ${order}, ${before} before`);
          taker(lock, 'write')()();
        }
      }
    }
  });

  it('are reported to a subscriber only where they were asked for while it listened', () => {
    const lock = new Lock();
    const seen = [];
    const listener = ({ mode }, name) => seen.push(`${name.slice('latchkey:'.length)} ${mode}`);
    const first = taker(lock, 'read')();
    const second = listening(taker(lock, 'read'), listener);
    listening(() => lock.writeLock('key', null, (release) => release()), listener);
    listening(first, listener);
    listening(second, listener);
    assert.deepEqual(seen, ['grant read', 'wait write', 'release read', 'grant write', 'release write']);
  });

  it('come and go in any order with writers between them: nobody shares with a writer, nobody is overtaken', (t) => {
    t.diagnostic(`seed ${seed}`);
    const random = randomFrom(seed);
    for (let round = 0; round < 300; round++) {
      const lock = new Lock();
      const inside = new Map();
      const [asked, granted] = [[], []];
      const ask = (n) => {
        const mode = random.chance(0.7) ? 'read' : 'write';
        asked.push(n);
        lock[`${mode}Lock`]('key', null, (release) => {
          const alone = [...inside.values()].every((other) => other.mode === 'read') && mode === 'read';
          assert.ok(inside.size === 0 || alone, `${n} shares`);
          granted.push(n);
          inside.set(n, { mode, release });
        });
      };
      const releaseOne = () => {
        const [n, { release }] = random.pick([...inside]);
        inside.delete(n);
        release();
      };
      for (let n = 0; n < 40; n++) {
        if (random.chance(0.5)) listening(() => ask(n));
        else ask(n);
        if (inside.size > 0 && random.chance(0.45)) {
          if (random.chance(0.5)) listening(releaseOne);
          else releaseOne();
        }
      }
      while (inside.size > 0) releaseOne();
      assert.deepEqual(granted, asked, `LATCHKEY_SEED=${seed}, round ${round}`);
      taker(lock, 'write')()();
    }
  });
});
