'use strict';
// Thin locks: a private key that nobody waits for is granted and released by a state word, without a call of the engine.

const { it, describe, beforeEach } = require('node:test');
const assert = require('node:assert/strict');
const { apisOf, LONG } = require('./support/apis');
const { loadRecordedCopy } = require('./support/copies');
const { hold } = require('./support/queue');
const { collectUntil } = require('./support/gc');
const { turn } = require('./support/follow');

const copy = loadRecordedCopy();
const { latchkey, lib, calls } = copy;
const { Locks } = latchkey;
const { Keys } = lib('keys');
const { FREE, WRITTEN, ENGINE } = lib('thin');
const { READ, WRITE } = lib('request');
const { NEW, HOLDING, ENDED } = lib('life');

const MODES = { read: READ, write: WRITE };

/** What an API's request is to a thin key. */
const request = (mode, expiry = 0) => ({
  mode: MODES[mode],
  expiry,
  state: NEW,
  previous: null,
  next: null,
});

const newKey = () => new Keys(true).find('key');

/** Grants a key that has to admit the request. */
function grant(key, asking) {
  assert.equal(key.admits(asking.mode), true);
  key.grant(asking);
  assert.equal(asking.state, HOLDING);
  return asking;
}

/** The listed holders of a key, in the order of their grants. */
function holdersOf(key) {
  const holders = [];
  for (let holder = key.last, next = null; holder !== null; next = holder, holder = holder.previous) {
    assert.equal(holder.next, next);
    holders.unshift(holder);
  }
  return holders;
}

/** A key that these hold; of some, only the number is known. */
function heldBy(listed, counted = []) {
  const key = newKey();
  for (const mode of listed) grant(key, request(mode));
  for (const mode of counted) {
    assert.equal(key.admits(MODES[mode]), true);
    key.take(MODES[mode]);
  }
  return key;
}

/** A key of the engine's, with so much in it. */
const inEngine = (counts) => Object.assign(newKey(), { state: ENGINE, ...counts });

beforeEach(() => void calls());

describe('the state table of a thin key', () => {
  const states = {
    FREE: () => newKey(),
    '1 listed reader': () => heldBy(['read']),
    '1 counted reader': () => heldBy([], ['read']),
    '1 listed and 2 counted readers': () => heldBy(['read'], ['read', 'read']),
    'WRITTEN by a listed one': () => heldBy(['write']),
    'WRITTEN by a counted one': () => heldBy([], ['write']),
    ENGINE: () => inEngine({}),
  };
  /** The state that each request makes of each state; null: it asks the engine. */
  const table = {
    FREE: { read: 1, write: WRITTEN },
    '1 listed reader': { read: 2, write: null },
    '1 counted reader': { read: 2, write: null },
    '1 listed and 2 counted readers': { read: 4, write: null },
    'WRITTEN by a listed one': { read: null, write: null },
    'WRITTEN by a counted one': { read: null, write: null },
    ENGINE: { read: null, write: null },
  };
  for (const [state, row] of Object.entries(table)) {
    for (const [mode, next] of Object.entries(row)) {
      it(`${state}: a ${mode} request ${next === null ? 'asks the engine' : 'is granted, listed or counted'}`, () => {
        const describeKey = (key) => ({
          state: key.state,
          listed: holdersOf(key).length,
          counted: key.counted,
        });
        const before = describeKey(states[state]());
        if (next === null) return assert.equal(states[state]().admits(MODES[mode]), false);
        const granted = states[state]();
        const asking = grant(granted, request(mode));
        assert.equal(holdersOf(granted).at(-1), asking, 'the last in the list');
        assert.deepEqual(describeKey(granted), { ...before, state: next, listed: before.listed + 1 });
        const taken = states[state]();
        taken.take(MODES[mode]);
        assert.deepEqual(describeKey(taken), { ...before, state: next, counted: before.counted + 1 });
      });
    }
  }

  for (const order of ['012', '021', '102', '120', '201', '210']) {
    it(`each release takes its own reader out of the list, and the last one makes the key FREE (in order ${order})`, () => {
      const key = newKey();
      const readers = ['read', 'read', 'read'].map((mode) => grant(key, request(mode)));
      const left = new Set(readers);
      for (const n of order) {
        const reader = readers[n];
        key.release(reader);
        left.delete(reader);
        assert.equal(key.state, left.size);
        assert.deepEqual(holdersOf(key), [...left]);
        assert.deepEqual([reader.previous, reader.next, reader.state], [null, null, ENDED]);
        for (const { state } of left) assert.equal(state, HOLDING);
      }
      assert.equal(key.state, FREE);
    });
  }

  it('the end of a counted hold leaves the list alone, and the last one makes the key FREE', () => {
    const key = newKey();
    const reader = grant(key, request('read'));
    for (const _ of [1, 2]) key.take(READ);
    key.give();
    assert.deepEqual([key.state, key.counted, holdersOf(key)], [2, 1, [reader]]);
    key.release(reader);
    assert.deepEqual([key.state, key.counted, holdersOf(key)], [1, 1, []]);
    key.give();
    assert.deepEqual([key.state, key.counted], [FREE, 0]);
  });

  it('a writer’s release makes the key FREE, and its downgrade makes it one reader', () => {
    const key = newKey();
    const writer = grant(key, request('write'));
    key.downgrade({ mode: WRITE });
    assert.equal(key.state, 1);
    key.release(writer);
    assert.equal(key.state, FREE);
    key.release(grant(key, request('write')));
    assert.deepEqual([key.state, holdersOf(key)], [FREE, []]);
    key.take(WRITE);
    key.give();
    assert.equal(key.state, FREE);
  });

  it('a key that the engine has forgotten is FREE', () => {
    const key = inEngine({});
    key.deflate();
    assert.equal(key.state, FREE);
  });

  it('beside a reader with an expiry a reader asks the engine, until that one is gone', () => {
    const key = newKey();
    const plain = grant(key, request('read'));
    const timed = grant(key, request('read', 5));
    assert.equal(key.admits(READ), false);
    key.release(timed);
    assert.equal(key.admits(READ), true);
    key.release(plain);
    assert.equal(key.state, FREE);
  });
});

describe('a request surely waits', () => {
  const timed = (mode) => {
    const key = newKey();
    grant(key, request(mode, LONG));
    return key;
  };
  /** Whether a read and a write request do. */
  const rows = {
    'not where the key is FREE': [newKey(), false, false],
    'behind readers, if it writes': [heldBy(['read'], ['read']), false, true],
    'behind a writer': [heldBy(['write']), true, true],
    'behind a writer that is only counted': [heldBy([], ['write']), true, true],
    'behind readers of the engine’s, if it writes': [inEngine({ holders: 1, mode: READ }), false, true],
    'behind a writer of the engine’s': [inEngine({ holders: 1, mode: WRITE }), true, true],
    'behind others that wait': [inEngine({ holders: 1, mode: READ, waiting: 1 }), true, true],
    'not where the engine remembers a key that nobody holds': [inEngine({}), false, false],
    'not behind a writer that may be overdue': [timed('write'), false, false],
    'not behind a reader that may be overdue': [timed('read'), false, false],
    'but behind others that wait for that': [
      inEngine({ holders: 1, mode: WRITE, timed: 1, waiting: 1 }),
      true,
      true,
    ],
  };
  for (const [where, [key, read, write]] of Object.entries(rows)) {
    it(where, () => assert.deepEqual([key.surelyWaits(READ), key.surelyWaits(WRITE)], [read, write]));
  }
});

describe('a private key that nobody waits for', () => {
  for (const { name, modes, open } of apisOf(copy)) {
    it(`costs no call of the engine (${name})`, async () => {
      const locks = open();
      for (let i = 0; i < 3; i++) {
        for (const mode of modes) {
          hold(locks, mode, 'thin')();
          await turn();
        }
      }
      assert.deepEqual(calls(), []);
    });
  }

  it('costs none to look at it, either: not by tryWrite, tryRead and query', () => {
    const locks = new Locks();
    const writer = locks.tryWrite('thin');
    assert.deepEqual([locks.tryWrite('thin'), locks.tryRead('thin')], [null, null]);
    assert.equal(locks.query().held.length, 1);
    writer.release();
    assert.deepEqual(calls(), []);
  });

  it('is shared by readers, released in any order, where none has an expiry', () => {
    const locks = new Locks();
    const holds = [1, 2, 3].map(() => locks.tryRead('thin'));
    for (const each of [holds[1], holds[0], locks.tryRead('thin'), holds[2]]) each.release();
    locks.tryWrite('thin').release();
    assert.deepEqual(calls(), []);
  });

  it('goes from a writer to readers by a downgrade', () => {
    const locks = new Locks();
    const writer = locks.tryWrite('thin');
    writer.downgrade();
    const reader = locks.tryRead('thin');
    assert.equal(writer.mode, 'read');
    writer.release();
    writer.downgrade();
    reader.release();
    assert.deepEqual(calls(), []);
    locks.tryWrite('thin').release();
  });

  it('gives each of its holds a fence higher than the one before, whoever has decided', async () => {
    const locks = new Locks();
    const fences = [];
    for (let i = 0; i < 3; i++) {
      const thin = locks.tryWrite('thin');
      const waiting = locks.write('thin');
      thin.release();
      const granted = await waiting;
      granted.release();
      fences.push(thin.fence, granted.fence, locks.tryRead(`thin ${i}`).fence);
    }
    assert.deepEqual(
      fences,
      [...new Set(fences)].sort((a, b) => a - b),
    );
  });

  it('keeps nothing of the readers that came after one whose hold the program keeps', async () => {
    const locks = new Locks();
    const collected = new Set();
    const registry = new FinalizationRegistry((n) => collected.add(n));
    const kept = locks.tryRead('thin');
    let last = kept;
    const next = (n) => {
      const reader = locks.tryRead('thin');
      registry.register(reader, n);
      last.release();
      last = reader;
    };
    for (let n = 0; n < 100; n++) next(n);
    await collectUntil(() => collected.size >= 99, 'the holds that were released');
    kept.release();
    last.release();
  });
});
