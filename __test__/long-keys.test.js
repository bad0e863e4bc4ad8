'use strict';
// Idle keys are kept for a while, because programs use the same ones again; but only so many characters of them: a program whose
// keys are long, as whole documents or URLs are, must not pay for those that it has released.

const { it, describe } = require('node:test');
const assert = require('node:assert/strict');
const { Lock, Locks, lock } = require('latchkey');
const { memoryAfterGc } = require('./support/gc');
const { freshName } = require('./support/scopes');

const MB = 2 ** 20;
const COUNT = 300;

/** A text of one megabyte that no other number gives. */
const longKey = (i) => `${i} `.padEnd(MB, `${i}`);

/** Each takes a key and frees it again, in another way. */
const ways = {
  'by the alock API': () => (key) => lock(key, (release) => release()),
  'by the rwlock-plus API': () => {
    const locks = new Lock();
    return (key) => locks.readLock(key, null, (release) => release());
  },
  'by the rwlock-plus API, with an expiry': () => {
    const locks = new Lock(60_000);
    return (key) => locks.writeLock(key, null, (release) => release());
  },
  'by the promise API': () => {
    const locks = new Locks();
    return (key) => locks.tryWrite(key).release();
  },
  'by the promise API, after another one has waited': () => {
    const locks = new Locks();
    return (key) => {
      const hold = locks.tryWrite(key);
      const next = locks.write(key, () => {});
      hold.release();
      return next;
    };
  },
  'in a named space': () => {
    const locks = new Locks({ name: freshName() });
    return (key) => locks.tryWrite(key).release();
  },
  'in a named space, after another one has waited': () => {
    const locks = new Locks({ name: freshName() });
    return (key) => {
      const hold = locks.tryWrite(key);
      const next = locks.write(key, () => {});
      hold.release();
      return next;
    };
  },
};

describe(`of ${COUNT} keys of 1 MB that were held and released, at most a few stay in memory`, () => {
  for (const [name, open] of Object.entries(ways)) {
    it(name, async () => {
      const use = open();
      await use(longKey(COUNT));
      const before = await memoryAfterGc();
      for (let i = 0; i < COUNT; i++) await use(longKey(i));
      const after = await memoryAfterGc();
      const grown = (after.rss - before.rss) / MB;
      assert.ok(grown < COUNT / 3, `${grown.toFixed(0)} MB`);
      const heap = (after.heapUsed - before.heapUsed) / MB;
      assert.ok(heap < COUNT / 10, `${heap.toFixed(0)} MB of the heap`);
      // The lock object lives until here.
      await use('end');
    });
  }
});

it('a long key in use is never forgotten', async () => {
  for (const locks of [new Locks(), new Locks({ name: freshName() })]) {
    const hold = locks.tryWrite(longKey(COUNT));
    const next = locks.write(longKey(COUNT), () => 'in turn');
    for (let i = 0; i < 10; i++) locks.tryWrite(longKey(i)).release();
    assert.equal(locks.tryRead(longKey(COUNT)), null);
    hold.release();
    assert.equal(await next, 'in turn');
    locks.tryWrite(longKey(COUNT)).release();
    locks.close();
  }
});
