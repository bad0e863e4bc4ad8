'use strict';
// `require('latchkey')` is both drop-ins at once: called, it is alock's `lock`; constructed, it is rwlock-plus's `Lock`.

const { it, describe } = require('node:test');
const assert = require('node:assert/strict');
const latchkey = require('latchkey');
const alock = require('latchkey/alock');
const RwlockPlus = require('latchkey/rwlock-plus');
const { freshKey } = require('./support/apis');

describe("require('latchkey')", () => {
  it('called, is alock’s lock', () => {
    let granted = false;
    const result = latchkey(freshKey(), (done) => {
      granted = true;
      done();
    });
    assert.ok(granted);
    assert.equal(result, undefined);
  });

  it('constructed, is rwlock-plus’s Lock', () => {
    const lock = new latchkey(100);
    assert.ok(lock instanceof latchkey);
    assert.ok(lock instanceof latchkey.Lock);
    assert.ok(lock instanceof RwlockPlus);
    assert.equal(Object.getPrototypeOf(lock), RwlockPlus.prototype);
    assert.equal(typeof lock.readLock, 'function');
    assert.equal(typeof lock.writeLock, 'function');
  });

  it('gives each API by name, the same ones as the entries of their own', () => {
    assert.equal(latchkey.lock, alock);
    assert.equal(latchkey.Lock, RwlockPlus);
    assert.equal(alock.lock, alock);
    assert.equal(RwlockPlus.Lock, RwlockPlus);
    for (const name of ['lock', 'Lock', 'LockError', 'LockExpiredError'])
      assert.ok(Object.hasOwn(latchkey, name));
    assert.deepEqual(Object.keys(alock), ['lock']);
    assert.deepEqual(Object.keys(RwlockPlus), ['Lock']);
  });

  it('makes locks that Lock makes, and the other way round', () => {
    assert.ok(new latchkey.Lock() instanceof latchkey);
    assert.ok(new latchkey() instanceof latchkey.Lock);
    assert.equal(latchkey.prototype, latchkey.Lock.prototype);
  });

  it('can be renamed and destructured, as programs do with either package', () => {
    const lock = latchkey;
    const Lock = latchkey;
    const { lock: sameLock, Lock: SameLock } = latchkey;
    let granted = 0;
    const count = (release) => {
      granted++;
      release();
    };
    lock(freshKey(), count);
    sameLock(freshKey(), count);
    new Lock().readLock('key', null, count);
    new SameLock().writeLock('key', null, count);
    assert.equal(granted, 4);
  });

  it('stays alock when it is called as a method of an object, even of a lock', () => {
    const lock = new latchkey();
    lock.lock = latchkey;
    let granted = 0;
    const count = (done) => {
      granted++;
      done();
    };
    lock.lock(freshKey(), count);
    ({ lock: latchkey }).lock(freshKey(), count);
    assert.equal(granted, 2);
  });

  it('says what is wrong when `new` was forgotten', () => {
    assert.throws(() => latchkey(), { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' });
    assert.throws(() => latchkey(10_000), {
      name: 'TypeError',
      code: 'ERR_INVALID_ARG_TYPE',
      message: /"fn"/,
    });
  });
});
