'use strict';
// A thread names a key that it knows by its slot in the engine: the text of a private key never crosses, and that of another
// one once, for all lock objects of its name. Where the engine has forgotten the key meanwhile, in favour of others, the slot is stale: the engine says so, and the
// text crosses again.

const { it, describe, beforeEach } = require('node:test');
const assert = require('node:assert/strict');
const { loadCopy, loadRecordedCopy } = require('./support/copies');
const { freshName } = require('./support/scopes');
const { Thread } = require('./support/thread');
const { turn } = require('./support/follow');

const { latchkey, calls } = loadRecordedCopy();
const { Locks, Lock } = latchkey;
/** What it uses of a named space, the first copy does not see: as if it were another thread, but within a call. */
const stranger = loadCopy().latchkey;

beforeEach(() => void calls());

/** Two lock objects of one named space, which know nothing of each other. */
function two() {
  const name = freshName();
  return [new Locks({ name }), new stranger.Locks({ name })];
}

/** Leaves `locks` with a slot for the key that the engine has forgotten. */
function makeStale(locks, other) {
  locks.tryWrite('key').release();
  useManyKeys(other);
  calls();
}

/** Uses several times as many keys as the engine remembers idle ones: a thousand. */
function useManyKeys(locks, count = 5000) {
  for (let i = 0; i < count; i++) locks.tryWrite(`one of many ${i}`).release();
}

describe('the text of a key', () => {
  it('never crosses for a private key, not even while it is contended', async () => {
    const locks = new Locks();
    const holder = locks.tryWrite('key');
    const waiting = [1, 2, 3].map(() => locks.write('key', () => {}));
    assert.equal(locks.tryRead('key'), null);
    holder.release();
    await Promise.all(waiting);
    const seen = calls();
    assert.deepEqual(
      seen.filter((call) => call.includes('key')),
      [],
    );
    assert.notDeepEqual(seen, []);
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

  it('crosses once for a key of a named space that is free in between', () => {
    const locks = new Locks({ name: freshName() });
    locks.tryWrite('key').release();
    assert.deepEqual(calls(), ['request(key)', 'end']);
    for (let i = 0; i < 3; i++) locks.tryWrite('key').release();
    assert.deepEqual(calls(), ['request', 'end', 'request', 'end', 'request', 'end']);
  });

  it('crosses once for all lock objects of one name', () => {
    const name = freshName();
    const [locks, other] = [new Locks({ name }), new Locks({ name })];
    const lock = new Lock(null, null, { name });
    locks.tryWrite('key').release();
    assert.deepEqual(calls(), ['request(key)', 'end']);
    for (const each of [locks, other, locks]) {
      each.tryWrite('key').release();
      assert.deepEqual(calls(), ['request', 'end']);
    }
    lock.writeLock('key', null, (release) => release());
    assert.deepEqual(calls(), ['request', 'end']);
  });

  it('does not cross again because somebody else has used the key meanwhile', () => {
    const [locks, other] = two();
    locks.tryWrite('key').release();
    other.tryWrite('key').release();
    calls();
    locks.tryWrite('key').release();
    assert.deepEqual(calls(), ['request', 'end']);
  });

  it('crosses again for a key that the thread has forgotten itself, by many others', () => {
    const locks = new Locks({ name: freshName() });
    makeStale(locks, locks);
    const hold = locks.tryWrite('key');
    assert.deepEqual(calls(), ['request(key)']);
    hold.release();
  });
});

describe('a slot that has become stale', () => {
  it('because somebody else used many keys, is noticed, and the request is granted', () => {
    const [locks, other] = two();
    makeStale(locks, other);
    const hold = locks.tryWrite('key');
    assert.deepEqual(calls(), ['request', 'request(key)']);
    assert.equal(hold.key, 'key');
    assert.equal(other.tryRead('key'), null);
    hold.release();
    other.tryRead('key').release();
  });

  it('because the thread itself knows more idle keys than the engine remembers, is noticed, too', () => {
    const name = freshName();
    const [locks, other] = [new Locks({ name }), new Locks({ name })];
    // Beside so many in use, a sweep lets half as many idle ones stand.
    const holds = Array.from({ length: 10_000 }, (_, i) => locks.tryWrite(`in use ${i}`));
    useManyKeys(locks, 2000);
    locks.tryWrite('key').release();
    useManyKeys(other, 3000);
    calls();
    const hold = locks.tryWrite('key');
    assert.deepEqual(calls(), ['request', 'request(key)']);
    assert.equal(hold.key, 'key');
    assert.equal(other.tryRead('key'), null);
    for (const each of [hold, ...holds]) each.release();
    other.tryRead('key').release();
  });

  it('is replaced: the next request knows the new one', () => {
    const [locks, other] = two();
    makeStale(locks, other);
    const holder = locks.tryRead('key');
    calls();
    locks.tryRead('key').release();
    assert.deepEqual(calls(), ['request', 'end']);
    holder.release();
  });

  it('joins the queue that the key has by now', async () => {
    const [locks, other] = two();
    makeStale(locks, other);
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

  it('is refused by tryWrite if somebody holds the key by now, and does not wait for a read', () => {
    const [locks, other] = two();
    makeStale(locks, other);
    const holder = other.tryRead('key');
    assert.equal(locks.tryWrite('key'), null);
    const reader = locks.tryRead('key');
    assert.notEqual(reader, null);
    for (const each of [holder, reader]) each.release();
  });

  it('is not that of another key which has its place by now', () => {
    const [locks, other] = two();
    makeStale(locks, other);
    // More than there are shards: one of them stands where the key stood.
    const holds = Array.from({ length: 1000 }, (_, i) => other.tryWrite(`another ${i}`));
    const hold = locks.tryWrite('key');
    assert.equal(hold.key, 'key');
    assert.deepEqual(other.query().held.filter(({ key }) => key === 'key').length, 1);
    for (const each of [hold, ...holds]) each.release();
  });

  it('leaves nothing behind', () => {
    const [locks, other] = two();
    for (let i = 0; i < 20; i++) {
      makeStale(locks, other);
      locks.tryWrite('key').release();
    }
    for (const each of [locks, other]) {
      assert.deepEqual(each.query(), { held: [], pending: [] });
      each.tryWrite('key').release();
    }
  });

  it('works for the callback API', () => {
    const name = freshName();
    const [lock, other] = [new Lock(null, null, { name }), new stranger.Locks({ name })];
    lock.writeLock('key', null, (release) => release());
    useManyKeys(other);
    calls();
    const log = [];
    lock.readLock(
      'key',
      (word) => log.push(word),
      (give) => give('done'),
    );
    assert.deepEqual(log, ['done']);
    assert.deepEqual(calls(), ['request', 'request(key)', 'end']);
  });

  it('because another thread used many keys, works too', async () => {
    const name = freshName();
    const locks = new Locks({ name });
    const thread = new Thread();
    try {
      await thread.run(({ open, state }, space) => void (state.locks = open(space)), name);
      for (let i = 0; i < 5; i++) {
        locks.tryWrite('key').release();
        await thread.run(({ state }) => {
          for (let i = 0; i < 5000; i++) state.locks.tryWrite(`one of many ${i}`).release();
        });
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
