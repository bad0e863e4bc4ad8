'use strict';
// A private lock object without an expiry counts its holders, and lets those who wait stand in a line in JavaScript: the
// engine is never asked, not even where somebody waits.

const { it, describe } = require('node:test');
const assert = require('node:assert/strict');
const { openThinFaces } = require('./support/thin-faces');
const { freshName } = require('./support/reaches');
const { hold } = require('./support/queue');
const { collectUntil } = require('./support/gc');

const { alock, latchkey, lib, faces, crossings } = openThinFaces(true);
const { Lock } = latchkey;
const { CountedSpace } = lib('counted-space');

const counted = faces.filter((face) => face.counted);

// The states of lib/counted-space.js that are no number of readers.
const FREE = 0;
const WRITTEN = -1;
const LINE = -2;

const READ = 0;
const WRITE = 1;

/** What a face's request is to a key; the name tells it from others. */
const request = (name) => ({ name, mode: name.startsWith('r') ? READ : WRITE, next: null });

/** Asks for a key, as a space does: whether it was granted. */
function ask(key, asking) {
  if (!key.admits(asking.mode)) {
    key.join(asking);
    return false;
  }
  key.take(asking.mode);
  return true;
}

/** A key for which these have asked, one after another. */
function askedBy(...names) {
  const key = new CountedSpace().keys.find('key');
  for (const name of names) ask(key, request(name));
  return key;
}

/** The names of requests that are linked, in order. */
function namesFrom(first) {
  const names = [];
  for (let each = first; each !== null; each = each.next) names.push(each.name);
  return names;
}

/** All that a key says of itself. `last` and `holders` say nothing unless there is a line. */
function describeKey(key) {
  const line = namesFrom(key.first);
  assert.equal(key.state === LINE, line.length > 0);
  assert.equal(key.last?.name, line.at(-1));
  assert.equal(key.keys.idle, key.state === FREE ? 1 : 0);
  assert.equal(key.isIdle(), key.state === FREE);
  return key.state === LINE ? { state: LINE, holders: key.holders, line } : { state: key.state };
}

describe('the state table of a key: a request', () => {
  /** Who has asked before, and the state that each request makes of that; a list: it waits, and these wait then. */
  const table = {
    FREE: { asked: [], read: 1, write: WRITTEN },
    '1 reader': { asked: ['r1'], read: 2, write: ['w'] },
    '3 readers': { asked: ['r1', 'r2', 'r3'], read: 4, write: ['w'] },
    WRITTEN: { asked: ['w1'], read: ['r'], write: ['w'] },
    'LINE behind a writer': { asked: ['w1', 'r2'], read: ['r2', 'r'], write: ['r2', 'w'] },
    'LINE behind 2 readers': { asked: ['r1', 'r2', 'w3'], read: ['w3', 'r'], write: ['w3', 'w'] },
  };
  for (const [state, { asked, ...row }] of Object.entries(table)) {
    for (const [mode, next] of Object.entries(row)) {
      const waits = Array.isArray(next);
      it(`${state}: a ${mode} request ${waits ? 'waits, the last in the line' : 'is granted'}`, () => {
        const key = askedBy(...asked);
        assert.equal(ask(key, request(mode[0])), !waits);
        const holders = asked.length - (waits ? next.length - 1 : 0);
        assert.deepEqual(describeKey(key), waits ? { state: LINE, holders, line: next } : { state: next });
      });
    }
  }
});

describe('the state table of a key: the end of a hold', () => {
  const rows = [
    { asked: ['r1'], state: FREE },
    { asked: ['r1', 'r2', 'r3'], state: 2 },
    { asked: ['w1'], state: FREE },
    // Nobody is let in before the last holder is gone.
    { asked: ['r1', 'r2', 'w3'], state: LINE, holders: 1, line: ['w3'] },
    // The line ends with those who are let in.
    { asked: ['w1', 'w2'], letIn: ['w2'], state: WRITTEN },
    { asked: ['r1', 'w2'], letIn: ['w2'], state: WRITTEN },
    { asked: ['w1', 'r2'], letIn: ['r2'], state: 1 },
    { asked: ['w1', 'r2', 'r3', 'r4'], letIn: ['r2', 'r3', 'r4'], state: 3 },
    // Others still wait.
    { asked: ['w1', 'w2', 'w3'], letIn: ['w2'], state: LINE, holders: 1, line: ['w3'] },
    { asked: ['w1', 'w2', 'r3'], letIn: ['w2'], state: LINE, holders: 1, line: ['r3'] },
    { asked: ['w1', 'r2', 'w3'], letIn: ['r2'], state: LINE, holders: 1, line: ['w3'] },
    {
      asked: ['r1', 'w2', 'r3', 'r4', 'w5'],
      letIn: ['w2'],
      state: LINE,
      holders: 1,
      line: ['r3', 'r4', 'w5'],
    },
    {
      asked: ['w1', 'r2', 'r3', 'w4', 'r5'],
      letIn: ['r2', 'r3'],
      state: LINE,
      holders: 2,
      line: ['w4', 'r5'],
    },
  ];
  for (const { asked, letIn = [], ...after } of rows) {
    const what = letIn.length === 0 ? 'lets nobody in' : `lets in ${letIn.join(' ')}`;
    it(`${asked.join(' ')}: ${what}`, () => {
      const key = askedBy(...asked);
      assert.deepEqual(namesFrom(key.give()), letIn);
      assert.deepEqual(describeKey(key), after);
    });
  }
});

/** One key as plainly as it can be written. */
class NaiveKey {
  holders = [];
  line = [];

  ask(name) {
    this.line.push(name);
    return this.letIn().length > 0;
  }

  give() {
    this.holders.shift();
    return this.letIn();
  }

  letIn() {
    const granted = [];
    while (this.line.length > 0 && this.mayEnter(this.line[0])) {
      const name = this.line.shift();
      this.holders.push(name);
      granted.push(name);
    }
    return granted;
  }

  mayEnter(name) {
    return this.holders.length === 0 || (name[0] === 'r' && this.holders[0][0] === 'r');
  }

  describe() {
    const { holders, line } = this;
    if (line.length > 0) return { state: LINE, holders: holders.length, line };
    if (holders.length === 0) return { state: FREE };
    return { state: holders[0][0] === 'w' ? WRITTEN : holders.length };
  }
}

it('every program of eight steps, each of them a reader, a writer or the end of a hold, goes as in a naive model', () => {
  const [STEPS, LENGTH] = ['rwe', 8];
  let seen = 0;
  for (let program = 0; program < STEPS.length ** LENGTH; program++) {
    const [key, model] = [askedBy(), new NaiveKey()];
    let done = '';
    for (let rest = program, n = 0; n < LENGTH; n++, rest = Math.floor(rest / STEPS.length)) {
      const step = STEPS[rest % STEPS.length];
      if (step === 'e' && model.holders.length === 0) break;
      done += step;
      const [expected, actual] =
        step === 'e'
          ? [model.give(), namesFrom(key.give())]
          : [model.ask(`${step}${n}`), ask(key, request(`${step}${n}`))];
      assert.deepEqual([actual, describeKey(key)], [expected, model.describe()], done);
      seen++;
    }
  }
  assert.ok(seen > 20_000, `${seen} steps`);
});

/** Queues up on a key all that may be, deeper than callbacks nest; gives how many were granted. */
function crowd(locks, key) {
  const modes = Object.keys(locks);
  let granted = 0;
  for (const first of modes) {
    const release = hold(locks, first, key);
    for (let i = 0; i < 300; i++) {
      locks[modes[(i >> 2) % modes.length]](key, (releaseNext) => {
        granted++;
        releaseNext();
      });
    }
    release();
    release();
    hold(locks, 'write', key)();
  }
  return granted / modes.length;
}

describe('the engine is never asked', () => {
  for (const { name, open } of counted) {
    it(`by a lock object that counts, whoever waits: not even to open it (${name})`, () => {
      crossings();
      assert.equal(crowd(open(), 'crowded'), 300);
      assert.deepEqual(crossings(), []);
    });
  }

  it('but it is where LATCHKEY_THIN=off, where holds may expire, and where the keys have a name', () => {
    const engine = openThinFaces(false);
    const others = {
      off: engine.faces.find(({ name }) => name === 'Lock').open,
      expiring: faces.find(({ name }) => name === 'Lock with an expiry').open,
      named() {
        const lock = new Lock(null, null, { name: freshName() });
        return {
          read: (key, obtained) => lock.readLock(key, null, obtained),
          write: (key, obtained) => lock.writeLock(key, null, obtained),
        };
      },
    };
    for (const [name, open] of Object.entries(others)) {
      const { crossings: seen } = name === 'off' ? engine : { crossings };
      seen();
      assert.equal(crowd(open(), 'crowded'), 300);
      assert.ok(seen().length > 300, name);
    }
  });
});

describe('holders that are only counted', () => {
  const taker = (lock, mode) => () =>
    hold({ [mode]: (key, obtained) => lock[`${mode}Lock`](key, null, obtained) }, mode, 'key');

  it('may end in any order, each once, and each tells its own callback what it was given', () => {
    for (const order of ['012', '021', '102', '120', '201', '210']) {
      const lock = new Lock();
      const told = [];
      const releases = [0, 1, 2].map((n) => {
        let release;
        lock.readLock(
          'key',
          (...args) => told.push([n, ...args]),
          (given) => (release = given),
        );
        return release;
      });
      let written = 0;
      lock.writeLock('key', null, () => written++);
      const numbers = [...order].map(Number);
      for (const n of numbers) {
        assert.equal(written, 0);
        releases[n]('word', n);
        releases[n]('again');
      }
      assert.equal(written, 1);
      assert.deepEqual(
        told,
        numbers.map((n) => [n, 'word', n]),
      );
    }
  });

  it('end once, too, if they waited: a second release() takes nobody else’s hold', () => {
    const lock = new Lock();
    const told = [];
    const releases = [];
    const first = taker(lock, 'write')();
    for (const n of [0, 1]) {
      lock.readLock(
        'key',
        (...args) => told.push([n, ...args]),
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
    assert.deepEqual(told, [[0, 'word'], [1]]);
    lock.readLock('key', null, () => assert.fail('the writer still holds it'));
  });

  it('keep readers out where they write, and share where they read, unless a writer waits', () => {
    const lock = new Lock();
    const log = [];
    const into = (word) => (release) => {
      log.push(word);
      release();
    };
    const writer = taker(lock, 'write')();
    lock.readLock('key', null, into('reader'));
    assert.deepEqual(log, []);
    writer();
    assert.deepEqual(log.splice(0), ['reader']);
    const reader = taker(lock, 'read')();
    lock.readLock('key', null, into('shares'));
    assert.deepEqual(log.splice(0), ['shares']);
    lock.writeLock('key', null, into('writer'));
    lock.readLock('key', null, into('behind'));
    assert.deepEqual(log, []);
    reader();
    assert.deepEqual(log, ['writer', 'behind']);
  });

  it('are told apart by nobody: readers that came later release first', () => {
    const lock = new Lock();
    const take = taker(lock, 'read');
    const early = take();
    let written = 0;
    lock.writeLock('key', null, (release) => {
      written++;
      release();
    });
    early();
    assert.equal(written, 1);
    const [a, b] = [take(), take()];
    lock.writeLock('key', null, () => written++);
    b();
    assert.equal(written, 1);
    a();
    assert.equal(written, 2);
  });

  it('of one key are not those of another one', () => {
    const log = [];
    const releases = ['a', 'b'].map((key) => hold({ write: alock }, 'write', `counted ${key}`));
    for (const key of ['a', 'b']) {
      alock(`counted ${key}`, (release) => {
        log.push(key);
        release();
      });
    }
    releases[1]();
    assert.deepEqual(log, ['b']);
    releases[0]();
    assert.deepEqual(log, ['b', 'a']);
  });

  it('of one lock object are not those of another one', () => {
    const [lock, other] = [new Lock(), new Lock()];
    const release = taker(lock, 'write')();
    const releaseOther = taker(other, 'write')();
    const log = [];
    lock.readLock('key', null, () => log.push('own'));
    other.readLock('key', null, () => log.push('other'));
    releaseOther();
    assert.deepEqual(log, ['other']);
    release();
    assert.deepEqual(log, ['other', 'own']);
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
