'use strict';
// A lock object names a key that it knows by its slot in the engine, so that the text crosses once. Where somebody else has
// had the key forgotten meanwhile, the slot is stale: the engine says so, and the text crosses again.

const { it, describe, beforeEach } = require('node:test');
const assert = require('node:assert/strict');
const { openThinFaces } = require('./support/thin-faces');
const { freshName } = require('./support/reaches');
const { Thread } = require('./support/thread');
const { turn } = require('./support/watch');
const { until } = require('./support/until');

const { latchkey, lib, calls } = openThinFaces(true);
const { Locks, Lock } = latchkey;
const { usage } = lib('native');

beforeEach(() => void calls());

/** Two lock objects of one named space. */
function two() {
  const name = freshName();
  return [new Locks({ name }), new Locks({ name })];
}

/** Leaves `locks` with a slot for the key that the engine has forgotten. */
async function makeStale(locks, other, key = 'key') {
  const own = locks.tryWrite(key);
  const next = other.write(key);
  own.release();
  // The other one is the last, and so the one that learns that the key is forgotten.
  (await next).release();
  await turn();
  calls();
}

describe('the text of a key', () => {
  it('crosses once while a private key is contended', async () => {
    const locks = new Locks();
    const holder = locks.tryWrite('key');
    const waiting = [1, 2, 3].map(() => locks.write('key', () => {}));
    assert.equal(locks.tryRead('key'), null);
    holder.release();
    await Promise.all(waiting);
    assert.deepEqual(
      calls().filter((call) => call.includes('key')),
      ['adopt(key)'],
    );
  });

  it('crosses once while a key of a named space is in use', async () => {
    const locks = new Locks({ name: freshName() });
    const reader = locks.tryRead('key');
    for (let i = 0; i < 3; i++) locks.tryRead('key').release();
    assert.equal(locks.tryWrite('key'), null);
    assert.deepEqual(
      calls().filter((call) => call.startsWith('request')),
      ['request(key)', 'request', 'request', 'request', 'request'],
    );
    reader.release();
  });

  it('crosses again once this lock object’s own release has had the key forgotten', () => {
    const locks = new Locks({ name: freshName() });
    for (let i = 0; i < 2; i++) {
      locks.tryWrite('key').release();
      assert.deepEqual(calls(), ['request(key)', 'release']);
    }
  });
});

describe('a slot that has become stale', () => {
  it('because another lock object had the key forgotten, is noticed, and the request is granted', async () => {
    const [locks, other] = two();
    await makeStale(locks, other);
    const hold = locks.tryWrite('key');
    assert.deepEqual(calls(), ['request', 'request(key)']);
    assert.equal(hold.key, 'key');
    assert.equal(other.tryRead('key'), null);
    hold.release();
    other.tryRead('key').release();
  });

  it('is replaced: the next request knows the new one', async () => {
    const [locks, other] = two();
    await makeStale(locks, other);
    const holder = locks.tryRead('key');
    calls();
    locks.tryRead('key').release();
    assert.deepEqual(calls(), ['request', 'release']);
    holder.release();
  });

  it('joins the queue that the key has by now', async () => {
    const [locks, other] = two();
    await makeStale(locks, other);
    const holder = other.tryWrite('key');
    const log = [];
    const first = other.write('key', () => log.push('other'));
    const second = locks.write('key', () => log.push('own'));
    await turn();
    assert.deepEqual(log, []);
    holder.release();
    await Promise.all([first, second]);
    assert.deepEqual(log, ['other', 'own']);
  });

  it('is refused by tryWrite if somebody holds the key by now, and does not wait for a read', async () => {
    const [locks, other] = two();
    await makeStale(locks, other);
    const holder = other.tryRead('key');
    assert.equal(locks.tryWrite('key'), null);
    const reader = locks.tryRead('key');
    assert.notEqual(reader, null);
    for (const each of [holder, reader]) each.release();
  });

  it('is not that of another key which has its place by now', async () => {
    const name = freshName();
    const [locks, other] = [new Locks({ name }), new Locks({ name })];
    await makeStale(locks, other);
    // More than there are shards: one of them stands where the key stood.
    const holds = Array.from({ length: 1000 }, (_, i) => other.tryWrite(`another ${i}`));
    const hold = locks.tryWrite('key');
    assert.equal(hold.key, 'key');
    assert.deepEqual(other.query().held.filter(({ key }) => key === 'key').length, 1);
    for (const each of [hold, ...holds]) each.release();
  });

  it('leaves nothing behind', async () => {
    const before = usage();
    const [locks, other] = two();
    for (let i = 0; i < 100; i++) {
      await makeStale(locks, other);
      locks.tryWrite('key').release();
    }
    const { keys, holds, waiting } = usage();
    assert.deepEqual(
      { keys, holds, waiting },
      { keys: before.keys, holds: before.holds, waiting: before.waiting },
    );
  });

  it('works for the callback face', async () => {
    const name = freshName();
    const [lock, other] = [new Lock(null, null, { name }), new Locks({ name })];
    let release;
    lock.writeLock('key', null, (given) => (release = given));
    const next = other.write('key');
    release();
    (await next).release();
    await turn();
    calls();
    const log = [];
    lock.readLock(
      'key',
      (word) => log.push(word),
      (give) => give('done'),
    );
    assert.deepEqual(log, ['done']);
    assert.deepEqual(calls(), ['request', 'request(key)', 'release']);
  });

  it('because another thread had the key forgotten, works too', async () => {
    const name = freshName();
    const locks = new Locks({ name });
    const thread = new Thread();
    try {
      await thread.run(({ open, state }, space) => void (state.locks = open(space)), name);
      for (let i = 0; i < 20; i++) {
        const own = locks.tryWrite('key');
        const taken = thread.run(async ({ state }) => {
          state.hold = await state.locks.write('key');
        });
        // It is the last one to release then, and the one that learns that the key is forgotten.
        await until(() => locks.query().pending.length === 1, 'the thread to wait');
        own.release();
        await taken;
        await thread.run(({ state }) => state.hold.release());
        calls();
        const again = locks.tryWrite('key');
        assert.deepEqual(calls(), ['request', 'request(key)']);
        assert.equal(await thread.run(({ state }) => state.locks.tryRead('key')), null);
        again.release();
      }
    } finally {
      await thread.terminate();
    }
  });
});
