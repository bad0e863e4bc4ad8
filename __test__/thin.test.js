'use strict';
// Thin locks: a private key that nobody waits for costs no call of the engine, and when those who waited are gone it costs
// none again.

const { it, describe, beforeEach } = require('node:test');
const assert = require('node:assert/strict');
const { openThinFaces } = require('./support/thin-faces');
const { hold } = require('./support/queue');
const { collectUntil } = require('./support/gc');
const { block } = require('./support/until');
const { errorOf } = require('./support/watch');

const { latchkey, lib, faces, calls } = openThinFaces(true);
const { Locks, Lock } = latchkey;
const { ThinKeys, ENGINE } = lib('thin');
const { usage } = lib('native');

// The other states of lib/thin.js.
const FREE = 0;
const WRITTEN = -1;

/** What a face's request is to a thin key. */
const request = (mode, expiry = 0) => ({
  mode: mode === 'write' ? 1 : 0,
  expiry,
  previous: null,
  next: null,
});

beforeEach(() => void calls());

describe('the state table of a thin key', () => {
  const newKey = () => new ThinKeys(true).find('key');
  const heldBy = (...modes) => {
    const key = newKey();
    for (const mode of modes) assert.equal(key.take(mode === 'write'), true);
    return key;
  };
  const nobody = () => assert.fail('nobody holds it');
  const inEngine = () => {
    const key = newKey();
    key.inflate(nobody, nobody);
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
  const asks = {
    counted: (key, mode) => key.take(mode === 'write'),
    known: (key, mode) => key.grant(request(mode)),
  };
  for (const [state, row] of Object.entries(table)) {
    for (const [mode, next] of Object.entries(row)) {
      for (const [sort, ask] of Object.entries(asks)) {
        it(`${state}: a ${mode} request ${next === null ? 'asks the engine' : 'is granted'} (${sort})`, () => {
          const key = states[state]();
          const before = key.state;
          assert.equal(ask(key, mode), next !== null);
          assert.equal(key.state, next ?? before);
        });
      }
    }
  }

  it('each release takes one reader off, and the last one makes the key FREE', () => {
    const key = heldBy('read', 'read', 'read');
    const seen = [1, 2, 3].map(() => {
      key.give();
      return key.state;
    });
    assert.deepEqual(seen, [2, 1, FREE]);
  });

  it('a writer’s release makes the key FREE', () => {
    const key = heldBy('write');
    key.give();
    assert.equal(key.state, FREE);
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
    assert.equal(key.grant(timed), true);
    for (const ask of Object.values(asks)) assert.equal(ask(key, 'read'), false);
    assert.equal(key.state, 1);
    key.release(timed);
    for (const ask of Object.values(asks)) assert.equal(ask(key, 'read'), true);
    assert.equal(key.state, 2);
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
  for (const { name, open } of faces.filter((face) => !face.name.startsWith('Locks'))) {
    it(`is thin again once those who waited are gone (${name})`, () => {
      const locks = open();
      for (let i = 0; i < 3; i++) {
        let served = 0;
        const release = hold(locks, 'write', 'drained');
        const last = Object.keys(locks).at(-1);
        for (const mode of [...Object.keys(locks), last]) {
          locks[mode]('drained', (releaseNext) => {
            served++;
            releaseNext();
          });
        }
        release();
        assert.equal(served, Object.keys(locks).length + 1);
        assert.notDeepEqual(calls(), []);
        for (const mode of Object.keys(locks)) hold(locks, mode, 'drained')();
        assert.deepEqual(calls(), []);
      }
    });
  }

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
    const lock = new Lock();
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
    calls();
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
