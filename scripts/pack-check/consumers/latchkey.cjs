// A program that installed `latchkey` under its own name, CommonJS: both APIs, alone and in one.
'use strict';

const assert = require('node:assert/strict');
const latchkey = require('latchkey');
const lock = require('latchkey/alock');
const Lock = require('latchkey/rwlock-plus');

assert.equal(latchkey.lock, lock);
assert.equal(latchkey.Lock, Lock);
assert.equal(lock.lock, lock);
assert.equal(Lock.Lock, Lock);
assert.ok(new latchkey(10) instanceof Lock);
assert.ok(new Lock() instanceof latchkey);
assert.throws(() => latchkey(undefined, () => {}), { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' });
assert.match(require('latchkey/package.json').version, /^\d+\.\d+\.\d+/);

latchkey('console-log', (done) => {
  setTimeout(() => {
    console.log('First!');
    done();
  }, 50);
});
latchkey('console-log', (done) => {
  console.log('Second!');
  done();
  loseToExpiry();
});

function loseToExpiry() {
  const locker = new latchkey(50);
  locker.writeLock(
    'stream',
    (error) => {
      assert.ok(error instanceof latchkey.LockExpiredError);
      assert.ok(error instanceof latchkey.LockError);
      console.log(`${error.code}: ${error.message}`);
    },
    () => {},
  );
  locker.readLock('stream', null, (release) => {
    console.log('the next one holds it');
    release();
  });
}
