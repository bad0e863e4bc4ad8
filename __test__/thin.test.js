'use strict';
// Thin locks: a private key that nobody waits for costs no call of the engine, and when those who waited are gone it costs
// none again. Keys that never cost one have a file of their own: counted.test.js.

const { it, describe, beforeEach } = require('node:test');
const assert = require('node:assert/strict');
const { openThinFaces, LONG } = require('./support/thin-faces');
const { hold } = require('./support/queue');
const { collectUntil } = require('./support/gc');
const { block } = require('./support/until');
const { errorOf } = require('./support/watch');

const { latchkey, lib, faces, calls } = openThinFaces(true);
const { Locks, Lock } = latchkey;
const { ThinKeys, ENGINE } = lib('thin');
const { NEW, HOLDING, ENDED } = lib('life');
const { usage } = lib('native');

// The other states of lib/thin.js.
const FREE = 0;
const WRITTEN = -1;

let requests = 0;

/** What a face's request is to a thin key; the number tells it from others. */
const request = (mode, expiry = 0) => ({
  number: requests++,
  mode: mode === 'write' ? 1 : 0,
  expiry,
  state: NEW,
  previous: null,
  next: null,
});

beforeEach(() => void calls());

describe('the state table of a thin key', () => {
  const newKey = () => new ThinKeys(true).find('key');
  const heldBy = (...modes) => {
    const key = newKey();
    for (const mode of modes) take(key, request(mode));
    return key;
  };
  /** Grants a key that has to admit the request. */
  const take = (key, asking) => {
    assert.equal(key.admits(asking), true);
    key.grant(asking);
    assert.equal(asking.state, HOLDING);
  };
  const holdersOf = (key) => {
    const holders = [];
    for (let holder = key.last, next = null; holder !== null; next = holder, holder = holder.previous) {
      assert.equal(holder.next, next);
      holders.unshift(holder);
    }
    return holders;
  };
  const inEngine = () => {
    const key = newKey();
    key.inflate(() => assert.fail('nobody holds it'));
    return key;
  };
  const states = {
    FREE: newKey,
    '1 reader': () => heldBy('read'),
    '3 readers': () => heldBy('read', 'read', 'read'),
    WRITTEN: () => heldBy('write'),
    ENGINE: inEngine,
  };
  /** The state that each request makes of each state; null: it asks the engine. */
  const table = {
    FREE: { read: 1, write: WRITTEN },
    '1 reader': { read: 2, write: null },
    '3 readers': { read: 4, write: null },
    WRITTEN: { read: null, write: null },
    ENGINE: { read: null, write: null },
  };
  for (const [state, row] of Object.entries(table)) {
    for (const [mode, next] of Object.entries(row)) {
      it(`${state}: a ${mode} request ${next === null ? 'asks the engine' : 'is granted, the last in the list'}`, () => {
        const key = states[state]();
        const before = { state: key.state, holders: holdersOf(key) };
        const asking = request(mode);
        assert.equal(key.admits(asking), next !== null);
        assert.deepEqual({ state: key.state, holders: holdersOf(key) }, before, 'that only asks');
        assert.equal(asking.state, NEW);
        if (next === null) return;
        take(key, asking);
        const after = { state: next, holders: [...before.holders, asking] };
        assert.deepEqual({ state: key.state, holders: holdersOf(key) }, after);
      });
    }
  }

  for (const order of ['012', '021', '102', '120', '201', '210']) {
    it(`each release takes its own reader out of the list, and the last one makes the key FREE (in order ${order})`, () => {
      const key = newKey();
      const readers = ['read', 'read', 'read'].map((mode) => request(mode));
      for (const reader of readers) take(key, reader);
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

  it('a writer’s release makes the key FREE', () => {
    const key = newKey();
    const writer = request('write');
    take(key, writer);
    key.release(writer);
    assert.equal(key.state, FREE);
    assert.equal(writer.state, ENDED);
    assert.deepEqual(holdersOf(key), []);
  });

  it('what makes a key the ENGINE’s hands over its holders, in the order of their grants', () => {
    const key = newKey();
    const readers = ['read', 'read', 'read'].map((mode) => request(mode));
    for (const reader of readers) take(key, reader);
    const adopted = [];
    key.inflate((holder) => adopted.push(holder));
    assert.deepEqual(adopted, readers);
    assert.equal(key.state, ENGINE);
    assert.deepEqual(holdersOf(key), []);
    for (const { previous, next, state } of readers)
      assert.deepEqual([previous, next, state], [null, null, HOLDING]);
  });

  it('a writer that becomes a reader is 1', () => {
    const key = heldBy('write');
    key.downgrade();
    assert.equal(key.state, 1);
  });

  it('a key that the engine has forgotten is FREE', () => {
    const key = inEngine();
    assert.equal(key.state, ENGINE);
    key.deflate();
    assert.equal(key.state, FREE);
  });

  it('beside a reader with an expiry a reader asks the engine, until the key has been free', () => {
    const key = newKey();
    const timed = request('read', 5);
    take(key, timed);
    assert.equal(key.admits(request('read')), false);
    assert.equal(key.state, 1);
    key.release(timed);
    for (const state of [1, 2]) {
      take(key, request('read'));
      assert.equal(key.state, state);
    }
  });
});

describe('a private key that nobody waits for', () => {
  for (const { name, open } of faces) {
    it(`costs no call of the engine (${name})`, () => {
      const locks = open();
      for (let i = 0; i < 3; i++) {
        for (const mode of Object.keys(locks)) hold(locks, mode, 'thin')();
      }
      assert.deepEqual(calls(), []);
    });
  }

  for (const { name, open } of openThinFaces(false).faces) {
    it(`costs two with LATCHKEY_THIN=off (${name})`, () => {
      const before = usage().holds;
      const release = hold(open(), 'write', 'key');
      assert.equal(usage().holds, before + 1);
      release();
      assert.equal(usage().holds, before);
    });
  }

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

describe('a key that the engine has had', () => {
  it('is thin again once those who waited are gone', () => {
    const { open } = faces.find(({ name }) => name === 'Lock with an expiry');
    const locks = open();
    for (let i = 0; i < 3; i++) {
      let served = 0;
      const release = hold(locks, 'write', 'drained');
      for (const mode of ['read', 'write', 'read']) {
        locks[mode]('drained', (releaseNext) => {
          served++;
          releaseNext();
        });
      }
      release();
      assert.equal(served, 3);
      assert.notDeepEqual(calls(), []);
      for (const mode of ['read', 'write']) hold(locks, mode, 'drained')();
      assert.deepEqual(calls(), []);
    }
  });

  /** What gives a held key to the engine, and what it is that ends. */
  const ways = {
    'a refused tryWrite': (locks) => assert.equal(locks.tryWrite('key'), null),
    'a query': (locks) => assert.equal(locks.query().held.length, 1),
    'a waiter that is aborted': async (locks) => {
      const controller = new AbortController();
      const waiting = errorOf(locks.write('key', { signal: controller.signal }));
      controller.abort(new Error('enough'));
      assert.equal((await waiting).message, 'enough');
    },
    'a waiter that gives up': async (locks) => {
      assert.equal((await errorOf(locks.read('key', { timeout: 5 }))).code, 'ERR_LOCK_TIMEOUT');
    },
  };
  for (const [way, giveToEngine] of Object.entries(ways)) {
    it(`by ${way}, is thin again after its release`, async () => {
      const locks = new Locks();
      const holder = locks.tryWrite('key');
      await giveToEngine(locks);
      assert.match(calls().join(), /^adopt\(key\)/);
      assert.equal(locks.tryRead('key'), null);
      holder.release();
      calls();
      locks.tryWrite('key').release();
      locks.tryRead('key').release();
      assert.deepEqual(calls(), []);
    });
  }

  it('is thin again only when all readers that were handed over are gone', () => {
    const lock = new Lock(LONG);
    const readers = [1, 2, 3].map(() => {
      let release;
      lock.readLock('key', null, (given) => (release = given));
      return release;
    });
    let written = 0;
    lock.writeLock('key', null, (release) => {
      written++;
      release();
    });
    for (const release of readers) {
      assert.equal(written, 0);
      release();
      release();
    }
    assert.equal(written, 1);
    assert.notDeepEqual(calls(), []);
    lock.readLock('key', null, (release) => release());
    assert.deepEqual(calls(), []);
  });

  it('stays with the engine while it is recovered, and is thin again once it is whole', () => {
    const locks = new Locks();
    const first = locks.tryWrite('key', { expiry: 5 });
    block(10);
    const second = locks.tryRead('key');
    assert.equal(second.recovered, true);
    second.release();
    for (let i = 0; i < 2; i++) {
      const reader = locks.tryRead('key');
      assert.equal(reader.recovered, true);
      reader.release();
    }
    const writer = locks.tryWrite('key');
    assert.equal(writer.recovered, true);
    writer.release();
    first.release();
    calls();
    const after = locks.tryWrite('key');
    assert.equal(after.recovered, false);
    after.release();
    assert.deepEqual(calls(), []);
  });
});
